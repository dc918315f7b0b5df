//! Panics of the engine as errors of the statement that met them: they end this statement and nothing else.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{FutureExt as _, StreamExt as _};
use lake_model::{Error, Result};

use crate::error::statement_error;

/// Runs work on a statement.
///
/// # Errors
/// Those of the work, or if it panics.
pub async fn catch_panics<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|cause| Err(statement_failed(cause.as_ref())))
}

/// Runs a statement.
///
/// # Errors
/// If it cannot be planned.
pub async fn run_statement(frame: DataFrame) -> Result<SendableRecordBatchStream> {
    let begun = catch_panics(async { frame.execute_stream().await.map_err(statement_error) });
    Ok(catch_panics_in_rows(begun.await?))
}

/// Returns the rows of a statement; a panic becomes an error after the last row.
pub fn catch_panics_in_rows(rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let caught = AssertUnwindSafe(rows).catch_unwind().map(|row| {
        row.unwrap_or_else(|cause| Err(DataFusionError::External(Box::new(statement_failed(cause.as_ref())))))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, caught))
}

fn statement_failed(cause: &(dyn Any + Send)) -> Error {
    let text = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    tracing::warn!(cause = text.unwrap_or("unknown"), "the engine failed on a statement");
    Error::invalid(
        "the engine cannot run this statement: it fails on it; write it in another way, and please report it",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_statement() {
        let failed = catch_panics::<()>(async { panic!("a bug") }).await.expect_err("an error");
        assert_eq!(failed.kind(), lake_model::Kind::Invalid);
        let rows = futures::stream::once(async { panic!("a bug") });
        let rows = RecordBatchStreamAdapter::new(Arc::new(Schema::empty()), rows);
        let rows: Vec<_> = catch_panics_in_rows(Box::pin(rows)).collect().await;
        assert!(matches!(rows.as_slice(), [Err(_)]), "one error, and the end");
    }
}

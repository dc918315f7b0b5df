//! Rows as the body of an answer, written as they are made and sent.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::body::{Body, Bytes};
use datafusion::error::DataFusionError;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Error, Result};
use lake_query::{Format, ResultWriter, WriterOptions};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::limits::timeout_error;

/// Rows that are turned into text at a time.
const MAX_CHUNK_ROWS: usize = 8192;

/// Batches of one schema, as they are made.
pub(crate) type Batches = BoxStream<'static, datafusion::error::Result<RecordBatch>>;

/// Returns the body of an answer in `format`: one chunk at a time as the client reads, so that memory does not grow
/// with the answer. An error, or the end of its time limit, breaks the transfer: a truncated answer never looks
/// complete.
///
/// # Errors
/// If the format cannot hold a column.
pub(crate) fn stream_rows(
    schema: &SchemaRef,
    batches: Batches,
    format: Format,
    options: WriterOptions,
    deadline: Instant,
    failed: fn(DataFusionError) -> Error,
) -> Result<Body> {
    let written = WrittenBytes::default();
    let writer = ResultWriter::with_options(format, schema, written.clone(), options)?;
    let state = BodyChunks { batches: split_batches(batches), writer: Some(writer), written, deadline, failed };
    let chunks = futures::stream::try_unfold(state, |mut state| async move {
        let chunk = state.next().await?;
        Ok::<_, Error>(chunk.map(|chunk| (chunk, state)))
    });
    Ok(Body::from_stream(chunks))
}

/// Splits large batches, so that no chunk of text is large.
fn split_batches(batches: Batches) -> Batches {
    let parts = |batch: RecordBatch| {
        let starts = (0..batch.num_rows()).step_by(MAX_CHUNK_ROWS);
        let part = move |start| Ok(batch.slice(start, MAX_CHUNK_ROWS.min(batch.num_rows() - start)));
        futures::stream::iter(starts.map(part))
    };
    batches.map_ok(parts).try_flatten().boxed()
}

/// Where a writer writes, and from where its bytes are taken.
#[derive(Clone, Debug, Default)]
struct WrittenBytes(Arc<Mutex<Vec<u8>>>);

impl WrittenBytes {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock()).into()
    }
}

impl Write for WrittenBytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct BodyChunks {
    batches: Batches,
    /// None once the end has been written.
    writer: Option<ResultWriter<WrittenBytes>>,
    written: WrittenBytes,
    deadline: Instant,
    failed: fn(DataFusionError) -> Error,
}

impl BodyChunks {
    /// Returns the next bytes; `None` after the last.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(mut writer) = self.writer.take() {
            let batch = timeout_at(self.deadline, self.batches.try_next()).await.map_err(|_| timeout_error())?;
            match batch.map_err(self.failed)? {
                Some(batch) => {
                    writer.write(&batch)?;
                    self.writer = Some(writer);
                }
                None => writer.finish()?,
            }
            let bytes = self.written.take();
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow::array::{ArrayRef, Int64Array};
    use axum::Router;
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::get;
    use tokio::sync::Notify;
    use tower_http::compression::CompressionLayer;

    use lake_analytics::plan_error;

    use super::*;

    /// Returns rows as CSV, of which the second batch fails once `seen`, or never comes.
    fn broken(hangs: bool, seen: Arc<Notify>) -> Response {
        let numbers: ArrayRef = Arc::new((0..10_000).collect::<Int64Array>());
        let batch = RecordBatch::try_from_iter([("n", numbers)]).expect("a batch");
        let schema = batch.schema();
        let first = futures::stream::iter([Ok(batch)]);
        let then: Batches = if hangs {
            futures::stream::pending().boxed()
        } else {
            let fails = async move {
                seen.notified().await;
                Err(DataFusionError::Execution("the disk is gone".to_owned()))
            };
            futures::stream::once(fails).boxed()
        };
        let deadline = Instant::now() + Duration::from_millis(if hangs { 50 } else { 60_000 });
        let made = stream_rows(
            &schema,
            first.chain(then).boxed(),
            Format::Csv,
            WriterOptions::default(),
            deadline,
            plan_error,
        )
        .expect("a body");
        made.into_response()
    }

    #[tokio::test]
    async fn an_error_or_the_end_of_its_time_breaks_the_transfer_compressed_or_not() {
        let head_seen = Arc::new(Notify::new());
        let (fails, hangs) = (Arc::clone(&head_seen), Arc::clone(&head_seen));
        let router = Router::new()
            .route("/fails", get(|| async move { broken(false, fails) }))
            .route("/hangs", get(|| async move { broken(true, hangs) }))
            .layer(CompressionLayer::new());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a socket");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async { axum::serve(listener, router).await });
        let client = reqwest::Client::builder().no_proxy().no_gzip().build().expect("a client");
        for path in ["fails", "hangs"] {
            for encoding in ["identity", "gzip"] {
                let request = client.get(format!("http://{address}/{path}")).header("accept-encoding", encoding);
                let response = request.send().await.expect("the head of an answer");
                if path == "fails" {
                    head_seen.notify_one();
                }
                assert_eq!(response.status(), 200);
                assert_eq!(response.headers().contains_key("content-encoding"), encoding == "gzip");
                assert!(response.bytes().await.is_err(), "{path}, {encoding}: what broke off looks whole");
            }
        }
    }
}

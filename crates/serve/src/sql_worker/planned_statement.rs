//! A statement of a user: planned by a worker, and run by it.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use lake_analytics::OrderedRows;
use lake_model::{Error, Result};
use lake_query::Format;

use super::message::{Begin, HeldRows, PlanRequest, Request, Sql, StatementValues};
use super::pool::{Frame, Lease};
use crate::app::RequestContext;

/// A statement that a worker has planned and is ready to run. Dropped, the worker leaves it.
#[derive(Debug)]
pub(crate) struct PlannedStatement {
    /// The columns of the answer.
    pub(crate) columns: SchemaRef,
    /// The names of its placeholders without `$`, numbers first, and their types; null where the SQL does not determine
    /// one.
    pub(crate) placeholders: SchemaRef,
    /// Whether its answer follows from the tables and the values alone.
    pub(crate) is_fixed: bool,
    /// Its values, however they were written.
    pub(crate) values: String,
    lease: Lease,
}

/// Plans a statement over a snapshot, and binds its values.
///
/// # Errors
/// If the SQL is wrong or would change anything, a value does not fit, or planning needs more than it may.
pub(crate) async fn plan(context: &RequestContext, sql: Sql, values: StatementValues) -> Result<PlannedStatement> {
    let share = context.sql_share();
    let request = PlanRequest {
        pin: context.snapshot.versions().to_string(),
        sql,
        values,
        memory_bytes: share.memory_bytes,
        spill_bytes: context.spill_bytes,
    };
    tracing::debug!("query begins");
    let mut lease = Lease::ask(share, &Request::Plan(Box::new(request))).await?;
    let (Some(Frame::Columns(columns)), Some(Frame::Placeholders(placeholders)), Some(Frame::Plan(plan))) =
        (lease.next().await?, lease.next().await?, lease.next().await?)
    else {
        return Err(unexpected_frame());
    };
    Ok(PlannedStatement { columns, placeholders, is_fixed: plan.is_fixed, values: plan.values, lease })
}

fn unexpected_frame() -> Error {
    Error::internal("a worker sent an unexpected message")
}

impl PlannedStatement {
    /// Reads the first rows, and determines before the first whether there are more, and whether `format` can represent
    /// them.
    ///
    /// # Errors
    /// If it fails, its rows need more than the request may hold, or the format cannot hold them.
    pub(crate) async fn first_rows(self, limit: usize, format: Format) -> Result<OrderedRows> {
        let (schema, begin, lease) = self.run(Some(HeldRows { limit, format: format.to_string() })).await?;
        let batches = rows(lease).map_err(|error| DataFusionError::External(Box::new(error))).boxed();
        Ok(OrderedRows { schema, batches, truncated: begin.truncated })
    }

    /// Returns all rows, as they are made.
    ///
    /// # Errors
    /// If it fails before its first row.
    pub(crate) async fn all_rows(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let (_, _, lease) = self.run(None).await?;
        Ok(rows(lease))
    }

    async fn run(mut self, held: Option<HeldRows>) -> Result<(SchemaRef, Begin, Lease)> {
        self.lease.send(&Request::Run { held }).await?;
        let (Some(Frame::Columns(schema)), Some(Frame::Begin(begin))) =
            (self.lease.next().await?, self.lease.next().await?)
        else {
            return Err(unexpected_frame());
        };
        Ok((schema, begin, self.lease))
    }
}

fn rows(lease: Lease) -> BoxStream<'static, Result<RecordBatch>> {
    let next = |mut lease: Lease| async move {
        match lease.next().await? {
            Some(Frame::Batch(batch)) => Ok(Some((batch, lease))),
            Some(_) => Err(unexpected_frame()),
            None => Ok(None),
        }
    };
    futures::stream::try_unfold(lease, next).boxed()
}

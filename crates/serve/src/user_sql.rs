//! The SQL of users as it runs: it gives way to others, ends when nobody waits for it any more, and holds its rows
//! within the request's memory.

use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Kind, Result};
use lake_query::{Session, engine_error};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::app::Reading;
use crate::question::ordered::Rows;
use crate::stoppable::stoppable;

/// Functions that make a list as long as a number says: it is not counted against the request's memory. The table functions
/// of the same names make their rows as they are read.
const BOUNDLESS: [&str; 4] = ["range", "generate_series", "array_repeat", "array_resize"];

/// A session for the SQL of users.
///
/// # Errors
/// If a view cannot be planned.
pub(crate) async fn session(reading: &Reading) -> Result<Session> {
    let session = reading.session().await?;
    BOUNDLESS.iter().for_each(|name| session.context().deregister_udf(name));
    Ok(session)
}

/// Says so when it goes before the query has ended.
struct Run {
    ended: bool,
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.ended {
            tracing::debug!("query cancelled");
        }
    }
}

/// Begins a query on threads that are not the server's. It ends with its stream: dropped before its end, the engine stops.
///
/// # Errors
/// If it cannot be planned.
pub(crate) async fn execute(frame: DataFrame, workers: &Handle) -> Result<SendableRecordBatchStream> {
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await.map_err(user_error)?;
    let stopped = CancellationToken::new();
    let plan = giving_way(plan, &stopped).map_err(user_error)?;
    let schema = plan.schema();
    let mut task = RecordBatchReceiverStream::builder(Arc::clone(&schema), 1);
    let send = task.tx();
    // What a plan starts when it begins runs where it begins.
    let run = async move {
        let mut batches = execute_stream(plan, context)?;
        while let Some(batch) = batches.next().await {
            if send.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    task.spawn_on(run, workers);
    let stopped = stopped.drop_guard();
    let batches = task.build().inspect(move |_| {
        let _stops_when_dropped = &stopped;
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
}

/// The first rows of a query, held until they are sent: whether there are more is known before the first.
///
/// # Errors
/// If it fails, or its rows need more than the request may hold.
pub(crate) async fn first_rows(frame: DataFrame, limit: usize, workers: &Handle) -> Result<Rows> {
    let mut run = Run { ended: false };
    let result = held(frame, limit, workers).await;
    run.ended = true;
    result
}

async fn held(frame: DataFrame, limit: usize, workers: &Handle) -> Result<Rows> {
    // A plan is told whole, and nothing can stand above it.
    let told = matches!(frame.logical_plan(), LogicalPlan::Explain(_) | LogicalPlan::Analyze(_));
    let frame = if told { frame } else { frame.limit(0, Some(limit.saturating_add(1))).map_err(user_error)? };
    let reservation = MemoryConsumer::new("rows of the answer").register(&frame.task_ctx().runtime_env().memory_pool);
    tracing::debug!("query begins");
    let mut stream = execute(frame, workers).await?;
    let (schema, mut batches, mut room, mut truncated) = (stream.schema(), Vec::new(), limit, false);
    while let Some(batch) = stream.try_next().await.map_err(user_error)? {
        let taken = batch.num_rows().min(room);
        truncated |= taken < batch.num_rows();
        let batch = batch.slice(0, taken);
        reservation.try_grow(bytes_of(&batch)).map_err(user_error)?;
        batches.push(batch);
        room -= taken;
        if truncated {
            break;
        }
    }
    Ok(Rows { schema: SchemaRef::clone(&schema), batches: sent(batches, reservation), truncated })
}

/// The rows as they go out; what holds their memory goes with the last.
fn sent(
    batches: Vec<RecordBatch>,
    reservation: MemoryReservation,
) -> futures::stream::BoxStream<'static, datafusion::error::Result<RecordBatch>> {
    let batches = futures::stream::iter(batches.into_iter().map(Ok::<_, DataFusionError>));
    batches
        .inspect(move |_| {
            let _held = &reservation;
        })
        .boxed()
}

/// What the rows of a batch take; what other batches share with it is theirs as well.
fn bytes_of(batch: &RecordBatch) -> usize {
    let column = |column: &arrow::array::ArrayRef| column.to_data().get_slice_memory_size();
    batch.columns().iter().map(|c| column(c).unwrap_or_else(|_| c.get_array_memory_size())).sum()
}

/// The engine's error, with the limit that the query met.
pub(crate) fn user_error(error: DataFusionError) -> lake_model::Error {
    let error = engine_error(error);
    match error.kind() {
        Kind::Exhausted => error.context("the query needs more memory than `request_memory_mib` of /limits"),
        _ => error,
    }
}

/// The same plan, whose joins give way to other tasks: one can make rows without end out of a few that it read, and
/// only what gives way can be stopped.
fn giving_way(
    plan: Arc<dyn ExecutionPlan>,
    stopped: &CancellationToken,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|plan| {
        let plan = stoppable(&plan, stopped)?.unwrap_or(plan);
        let joins = plan.children().len() > 1;
        Ok(if joins { Transformed::yes(Arc::new(CooperativeExec::new(plan)) as _) } else { Transformed::no(plan) })
    })?;
    Ok(plan.data)
}

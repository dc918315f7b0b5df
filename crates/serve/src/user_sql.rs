//! The SQL of users as it runs: it gives way to others, ends when nobody waits for it any more, and holds its rows
//! within the request's memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::ParamValues;
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
use lake_query::{
    Format, NamedQuery, OutputColumns, Session, Statement, catch_panics, catch_panics_of_rows, statement_error,
};
use tokio_util::sync::CancellationToken;

use crate::app::Reading;
use crate::narrow::{of_narrow_rows, repeats_rows};
use crate::planned::planned;
use crate::question::ordered::Rows;
use crate::stoppable::stoppable;
use crate::workers::Workplace;

/// Functions that make a list as long as a number says, or put long elements into the places of short ones: it is not
/// counted against the request's memory. The table functions of the same names make their rows as they are read.
const BOUNDLESS: [&str; 6] =
    ["range", "generate_series", "array_repeat", "array_resize", "array_replace_n", "array_replace_all"];

/// A session for the SQL of users, which is planned where it keeps nobody waiting.
pub(crate) struct UserSession {
    session: Session,
    workers: Workplace,
}

/// A session for the SQL of users.
///
/// # Errors
/// If a view cannot be planned.
pub(crate) async fn session(reading: &Reading) -> Result<UserSession> {
    let asked = reading.clone();
    let session = reading.workers.plan(async move {
        let session = asked.sql_session().await?;
        BOUNDLESS.iter().for_each(|name| session.context().deregister_udf(name));
        Ok(session)
    });
    Ok(UserSession { session: session.await?, workers: reading.workers.clone() })
}

impl UserSession {
    /// Plans read-only SQL with places for values.
    ///
    /// # Errors
    /// If it is wrong (with its position), or would change anything.
    pub(crate) async fn prepare(&self, text: &str) -> Result<Statement> {
        let (session, text) = (self.session.clone(), text.to_owned());
        self.workers.plan(async move { session.prepare(&text).await }).await
    }

    /// Plans a named query.
    ///
    /// # Errors
    /// If its SQL is wrong over this session's tables.
    pub(crate) async fn prepare_named(&self, query: Arc<NamedQuery>) -> Result<Statement> {
        let session = self.session.clone();
        self.workers.plan(async move { query.prepare(&session).await }).await
    }
}

/// What values ask, however they were written.
pub(crate) fn understood(values: &ParamValues) -> String {
    match values {
        ParamValues::List(values) => format!("{values:?}"),
        ParamValues::Map(values) => format!("{:?}", values.iter().collect::<BTreeMap<_, _>>()),
    }
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
pub(crate) async fn execute(frame: DataFrame, workers: &Workplace) -> Result<SendableRecordBatchStream> {
    let stopped = CancellationToken::new();
    let asked = stopped.clone();
    let planned = workers.plan(catch_panics(async move {
        let (plan, context) = planned(frame).await.map_err(user_error)?;
        Ok((giving_way(plan, &asked).map_err(user_error)?, context))
    }));
    let (plan, context) = planned.await?;
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
    task.spawn_on(run, &workers.handle);
    let stopped = stopped.drop_guard();
    let batches = task.build().inspect(move |_| {
        let _stops_when_dropped = &stopped;
    });
    Ok(catch_panics_of_rows(Box::pin(RecordBatchStreamAdapter::new(schema, batches))))
}

/// The first rows of a query, held until they are sent in `format`: whether there are more, and whether the format can hold
/// them, is known before the first.
///
/// # Errors
/// If it fails, its rows need more than the request may hold, or the format cannot hold them.
pub(crate) async fn first_rows(frame: DataFrame, limit: usize, format: Format, workers: &Workplace) -> Result<Rows> {
    let mut run = Run { ended: false };
    let result = held(frame, limit, format, workers).await;
    run.ended = true;
    result
}

async fn held(frame: DataFrame, limit: usize, format: Format, workers: &Workplace) -> Result<Rows> {
    // A plan is told whole, and nothing can stand above it.
    let told = matches!(frame.logical_plan(), LogicalPlan::Explain(_) | LogicalPlan::Analyze(_));
    let frame = if told { frame } else { frame.limit(0, Some(limit.saturating_add(1))).map_err(user_error)? };
    let reservation = MemoryConsumer::new("rows of the answer").register(&frame.task_ctx().runtime_env().memory_pool);
    tracing::debug!("query begins");
    let mut stream = execute(frame, workers).await?;
    let (schema, mut batches, mut room, mut truncated) = (stream.schema(), Vec::new(), limit, false);
    let columns = OutputColumns::new(format, &schema)?;
    while let Some(batch) = stream.try_next().await.map_err(user_error)? {
        let taken = batch.num_rows().min(room);
        truncated |= taken < batch.num_rows();
        let batch = batch.slice(0, taken);
        columns.check(&batch)?;
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
    let error = statement_error(error);
    match error.kind() {
        // A function that would make too much says so itself.
        Kind::Exhausted if !error.message().contains("of /limits") => {
            error.context("the query needs more memory than `request_memory_mib` of /limits")
        }
        _ => error,
    }
}

/// The same plan, whose joins read no long rows and give way to other tasks: one can make rows without end out of a few
/// that it read, and only what gives way can be stopped.
fn giving_way(
    plan: Arc<dyn ExecutionPlan>,
    stopped: &CancellationToken,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|plan| {
        let plan = stoppable(&plan, stopped)?.unwrap_or(plan);
        if !repeats_rows(plan.as_ref()) && plan.children().len() < 2 {
            return Ok(Transformed::no(plan));
        }
        let plan = if repeats_rows(plan.as_ref()) { of_narrow_rows(plan)? } else { plan };
        let joins = plan.children().len() > 1;
        Ok(Transformed::yes(if joins { Arc::new(CooperativeExec::new(plan)) as _ } else { plan }))
    })?;
    Ok(plan.data)
}

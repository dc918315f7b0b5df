//! Rows in a total order, up to a limit, of which it is known before the first is sent whether there are more.
//!
//! A sort gives its first row when it has read its last one. What is counted on the way into it is therefore all there
//! is by the time a row comes out, and nothing has to be held for that but what the sort holds: within the request's
//! memory, and on disk beyond it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _, execute_stream};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};

/// The greatest limit at which the sort keeps only the first rows, in a heap: for many rows that takes twice as long as
/// sorting all.
const MOST_IN_HEAP: usize = 1_000;

/// One column of an order: its name, and whether its greatest come first. Nulls come last.
pub(crate) type By = (&'static str, bool);

/// The first rows of an answer, as they are made.
pub(crate) struct Rows {
    pub(crate) schema: SchemaRef,
    /// At most the limit.
    pub(crate) batches: BoxStream<'static, datafusion::error::Result<RecordBatch>>,
    /// Whether there are more than the limit.
    pub(crate) truncated: bool,
}

/// Runs a plan, up to its first `limit` rows in the order of `by`; with an empty order as they come.
///
/// # Errors
/// If the plan fails before its first row.
pub(crate) async fn first_rows(frame: DataFrame, by: &[By], limit: usize) -> datafusion::error::Result<Rows> {
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    let schema = plan.schema();
    let counted = Arc::new(AtomicUsize::new(0));
    let columns = by.iter().map(|(name, descending)| {
        let options = SortOptions { descending: *descending, nulls_first: false };
        Ok(PhysicalSortExpr { expr: col(name, &schema)?, options })
    });
    let columns = columns.collect::<datafusion::error::Result<Vec<_>>>()?;
    let ordered: Arc<dyn ExecutionPlan> = match LexOrdering::new(columns) {
        None => counting(&plan, &counted)?,
        Some(order) => {
            let heap = (limit <= MOST_IN_HEAP).then_some(limit);
            let sort = SortExec::new(order.clone(), counting(&plan, &counted)?);
            let sort = sort.with_fetch(heap).with_preserve_partitioning(true);
            Arc::new(SortPreservingMergeExec::new(order, Arc::new(sort)).with_fetch(heap))
        }
    };
    let mut stream = execute_stream(ordered, context)?;
    let first = stream.next().await.transpose()?;
    // Without an order all of it is one small batch: a total.
    let truncated = counted.load(Ordering::Acquire) > limit;
    let all = futures::stream::iter(first.map(Ok)).chain(stream);
    Ok(Rows { schema, batches: limited(all.boxed(), limit), truncated })
}

/// The first rows of a stream; it is dropped, and its work with it, when they have come.
pub(crate) fn limited(
    batches: BoxStream<'static, datafusion::error::Result<RecordBatch>>,
    limit: usize,
) -> BoxStream<'static, datafusion::error::Result<RecordBatch>> {
    futures::stream::try_unfold((batches, limit), |(mut batches, room)| async move {
        if room == 0 {
            return Ok::<_, DataFusionError>(None);
        }
        let Some(batch) = batches.try_next().await? else { return Ok(None) };
        let taken = batch.num_rows().min(room);
        Ok(Some((batch.slice(0, taken), (batches, room - taken))))
    })
    .boxed()
}

/// The same plan, whose rows are counted as they leave it.
fn counting(
    plan: &Arc<dyn ExecutionPlan>,
    counted: &Arc<AtomicUsize>,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let partitions = (0..plan.output_partitioning().partition_count()).map(|partition| -> Arc<dyn PartitionStream> {
        let (plan, counted) = (Arc::clone(plan), Arc::clone(counted));
        Arc::new(Counted { plan, partition, schema: Arc::clone(&schema), counted })
    });
    let exec = StreamingTableExec::try_new(Arc::clone(&schema), partitions.collect(), None, [], false, None)?;
    Ok(Arc::new(exec))
}

/// A partition of a plan whose rows are counted.
#[derive(Debug)]
struct Counted {
    plan: Arc<dyn ExecutionPlan>,
    partition: usize,
    schema: SchemaRef,
    counted: Arc<AtomicUsize>,
}

impl PartitionStream for Counted {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let counted = Arc::clone(&self.counted);
        let stream = match self.plan.execute(self.partition, context) {
            Ok(stream) => stream.boxed(),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        };
        let stream = stream.inspect_ok(move |batch| {
            counted.fetch_add(batch.num_rows(), Ordering::AcqRel);
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream))
    }
}

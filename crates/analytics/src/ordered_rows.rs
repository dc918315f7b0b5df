//! Rows in a total order up to a limit, with the knowledge, before the first row is sent, whether there are more.
//!
//! A sort emits its first row after it has read its last one. The rows counted on the way into the sort are therefore
//! all rows by the time the first comes out, and only the sort itself holds rows: in the request's memory, and on disk
//! beyond it.

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

/// The greatest limit at which the sort keeps only the first rows, in a heap: with more rows the heap takes twice as long as
/// a full sort.
const MAX_HEAP_ROWS: usize = 1_000;

/// A column of an order, and whether the order is descending. Nulls come last.
pub type SortColumn = (&'static str, bool);

/// The first rows of an answer, streamed.
pub struct OrderedRows {
    /// The columns.
    pub schema: SchemaRef,
    /// At most as many rows as the limit.
    pub batches: BoxStream<'static, datafusion::error::Result<RecordBatch>>,
    /// Whether there are more rows than the limit.
    pub truncated: bool,
}

/// Runs a plan and returns its first `limit` rows in the order of `by`; an empty order keeps the order of the plan.
///
/// # Errors
/// If the plan fails before its first row.
pub async fn first_rows(frame: DataFrame, by: &[SortColumn], limit: usize) -> datafusion::error::Result<OrderedRows> {
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
        None => count_rows(&plan, &counted)?,
        Some(order) => {
            let heap = (limit <= MAX_HEAP_ROWS).then_some(limit);
            let sort = SortExec::new(order.clone(), count_rows(&plan, &counted)?);
            let sort = sort.with_fetch(heap).with_preserve_partitioning(true);
            Arc::new(SortPreservingMergeExec::new(order, Arc::new(sort)).with_fetch(heap))
        }
    };
    let mut stream = execute_stream(ordered, context)?;
    let first = stream.next().await.transpose()?;
    // Without an order all of it is one small batch: a total.
    let truncated = counted.load(Ordering::Acquire) > limit;
    let all = futures::stream::iter(first.map(Ok)).chain(stream);
    Ok(OrderedRows { schema, batches: limit_rows(all.boxed(), limit), truncated })
}

/// Returns the first `limit` rows of a stream, and drops it, and so stops its work, after them.
pub fn limit_rows(
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

/// Returns the plan with a counter of the rows that leave it.
fn count_rows(
    plan: &Arc<dyn ExecutionPlan>,
    counted: &Arc<AtomicUsize>,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let partitions = (0..plan.output_partitioning().partition_count()).map(|partition| -> Arc<dyn PartitionStream> {
        let (plan, counted) = (Arc::clone(plan), Arc::clone(counted));
        Arc::new(CountedPartition { plan, partition, schema: Arc::clone(&schema), counted })
    });
    let exec = StreamingTableExec::try_new(Arc::clone(&schema), partitions.collect(), None, [], false, None)?;
    Ok(Arc::new(exec))
}

/// A partition of a plan with a counter of its rows.
#[derive(Debug)]
struct CountedPartition {
    plan: Arc<dyn ExecutionPlan>,
    partition: usize,
    schema: SchemaRef,
    counted: Arc<AtomicUsize>,
}

impl PartitionStream for CountedPartition {
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

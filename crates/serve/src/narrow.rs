//! What repeats rows, a join above all, writes each of them as often as it finds another for it: one long value becomes as
//! many as a batch has rows. So its batches are short, and its rows may not be long.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::resources_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties};
use futures::StreamExt as _;

/// Rows of a batch in a plan that repeats rows.
pub(crate) const REPEATED_ROWS: usize = 1_024;
/// Bytes of a row that is repeated, at most.
pub(crate) const MOST_REPEATED_BYTES: usize = 256 << 10;

/// Whether a step of a plan makes more rows of those that it reads.
pub(crate) fn repeats_rows(plan: &dyn ExecutionPlan) -> bool {
    plan.name().contains("Join") || plan.name().contains("Unnest") || plan.name().contains("Window")
}

/// The same step, which reads no long rows.
///
/// # Errors
/// If the step cannot be made again.
pub(crate) fn of_narrow_rows(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let inputs = plan.children().into_iter().map(|input| Arc::new(Narrow { input: Arc::clone(input) }) as _).collect();
    datafusion::physical_plan::replace_children_if_necessary(plan, inputs)
}

/// Rows as they come, as long as none is long.
#[derive(Debug)]
struct Narrow {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for Narrow {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Narrow")
    }
}

impl ExecutionPlan for Narrow {
    fn name(&self) -> &'static str {
        "Narrow"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.input));
        Ok(Arc::new(Self { input }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let schema = rows.schema();
        let checked = rows.map(|batch| batch.and_then(narrow));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, checked)))
    }
}

fn narrow(batch: RecordBatch) -> Result<RecordBatch> {
    let bytes: usize = batch.columns().iter().map(longest).sum();
    if bytes <= MOST_REPEATED_BYTES {
        return Ok(batch);
    }
    let (kib, most) = (bytes >> 10, MOST_REPEATED_BYTES >> 10);
    resources_err!(
        "a join, UNNEST or window would repeat rows of up to {kib} KiB, where there may be {most} \
         (`max_repeated_kib` of /limits); leave long values out, and fetch them by themselves"
    )
}

/// Bytes of the longest value of a column; nothing to speak of for those of a fixed size.
fn longest(column: &arrow::array::ArrayRef) -> usize {
    match column.data_type() {
        DataType::Utf8 => lengths(column.as_string::<i32>().iter().map(|text| text.map_or(0, str::len))),
        DataType::LargeUtf8 => lengths(column.as_string::<i64>().iter().map(|text| text.map_or(0, str::len))),
        // A view of a text is repeated without the text.
        DataType::Utf8View | DataType::BinaryView => 0,
        DataType::Dictionary(..) => 0,
        kind if kind.is_nested() || kind.is_binary() => {
            let size = |row| {
                let data = column.slice(row, 1).to_data();
                data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
            };
            lengths((0..column.len()).map(size))
        }
        _ => 0,
    }
}

fn lengths(each: impl Iterator<Item = usize>) -> usize {
    each.max().unwrap_or(0)
}

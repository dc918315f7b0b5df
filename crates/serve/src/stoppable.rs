//! Joins that can be stopped. One whose condition holds for no rows makes none, for as long as it takes to try all pairs,
//! and neither gives way nor asks whether anybody waits: only its condition is evaluated again and again. So that asks.

use std::fmt::{self, Display};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, HashJoinExecBuilder};
use datafusion::physical_plan::joins::{NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use tokio_util::sync::CancellationToken;

/// The same join, whose condition fails once `stopped` is cancelled; `None` if it is no join with a condition.
///
/// # Errors
/// If the join cannot be made again.
pub(crate) fn stoppable(
    plan: &Arc<dyn ExecutionPlan>,
    stopped: &CancellationToken,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
        && let Some(filter) = join.filter()
    {
        let join = NestedLoopJoinExecBuilder::from(join).with_filter(Some(asking(filter, stopped))).build()?;
        return Ok(Some(Arc::new(join)));
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>()
        && let Some(filter) = join.filter()
    {
        return HashJoinExecBuilder::from(join).with_filter(Some(asking(filter, stopped))).build_exec().map(Some);
    }
    Ok(None)
}

fn asking(filter: &JoinFilter, stopped: &CancellationToken) -> JoinFilter {
    let condition = Condition { of: Arc::clone(filter.expression()), stopped: stopped.clone() };
    JoinFilter::new(Arc::new(condition), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
}

/// A condition that fails once nobody waits.
#[derive(Debug)]
struct Condition {
    of: Arc<dyn PhysicalExpr>,
    stopped: CancellationToken,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.of.eq(&other.of)
    }
}

impl Eq for Condition {}

impl Hash for Condition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.hash(state);
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}

impl PhysicalExpr for Condition {
    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.of.return_field(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.stopped.is_cancelled() {
            return exec_err!("nobody waits for the query any more");
        }
        self.of.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.of]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let of = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.of));
        Ok(Arc::new(Self { of, stopped: self.stopped.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt_sql(f)
    }
}

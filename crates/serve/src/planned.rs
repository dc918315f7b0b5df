//! The plan of a user's query, with batches as short as their values are long: what stands in every row is written as often
//! as a batch has rows, and no limit of memory counts a batch that is being made.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_plan::expressions::Literal;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::narrow::{REPEATED_ROWS, repeats_rows};

/// Bytes that the constants of a batch may take.
const MOST_BYTES: usize = 64 << 20;
/// A constant that is no longer makes no batch large.
const SHORT: usize = 1 << 10;
/// Takes its constant as one value, however many rows there are.
const TAKES_ONE: &str = "point_in_polygon";

/// Plans a query.
///
/// # Errors
/// If it cannot be planned.
pub(crate) async fn planned(frame: DataFrame) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)> {
    let (mut state, logical) = frame.into_parts();
    let mut plan = state.create_physical_plan(&logical).await?;
    let rows = rows_a_batch(&plan)?;
    if rows < state.config().batch_size() {
        let config = state.config().clone().with_batch_size(rows);
        *state.config_mut() = config;
        plan = state.create_physical_plan(&logical).await?;
    }
    let context = state.task_ctx();
    Ok((plan, context))
}

fn rows_a_batch(plan: &Arc<dyn ExecutionPlan>) -> Result<usize> {
    let (mut most, mut repeats) = (SHORT, false);
    plan.apply(|node| {
        repeats |= repeats_rows(node.as_ref());
        let mut bytes = 0;
        node.apply_expressions(&mut |expr| {
            bytes += constants(expr)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        most = most.max(bytes);
        Ok(TreeNodeRecursion::Continue)
    })?;
    let rows = (MOST_BYTES / most).max(1);
    Ok(if repeats { rows.min(REPEATED_ROWS) } else { rows })
}

/// Bytes of the long constants in an expression.
fn constants(expr: &Arc<dyn PhysicalExpr>) -> Result<usize> {
    let mut bytes = 0;
    expr.apply(|part| {
        if part.downcast_ref::<ScalarFunctionExpr>().is_some_and(|call| call.name() == TAKES_ONE) {
            return Ok(TreeNodeRecursion::Jump);
        }
        if let Some(literal) = part.downcast_ref::<Literal>() {
            let size = literal.value().size();
            bytes += if size > SHORT { size } else { 0 };
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(bytes)
}

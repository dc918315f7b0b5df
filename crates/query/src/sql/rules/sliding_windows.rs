//! Aggregates over a sliding frame, such as `COUNT(*) OVER (PARTITION BY k ORDER BY t ROWS BETWEEN 3 PRECEDING AND
//! CURRENT ROW)`. The engine assumes that their result is sorted, which holds within a partition at most, and omits an
//! `ORDER BY` of it.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, WindowFrameBound, WindowFunctionDefinition};

use super::hidden_properties::hide_properties;

/// Returns the plan with sliding aggregates whose order is not known.
///
/// # Errors
/// If the engine refuses the new plan.
pub(super) fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Window(window) = &node else { return Ok(Transformed::no(node)) };
        if !window.window_expr.iter().any(is_sliding_aggregate) {
            return Ok(Transformed::no(node));
        }
        let of_input = window.input.schema().fields().len();
        let columns = window.schema.columns().into_iter().enumerate().map(|(at, column)| {
            let is_sliding = at.checked_sub(of_input).is_some_and(|at| is_sliding_aggregate(&window.window_expr[at]));
            if !is_sliding {
                return Expr::Column(column);
            }
            let position = i64::try_from(at).unwrap_or(i64::MAX);
            hide_properties(Expr::Column(column.clone()), position).alias_qualified(column.relation, column.name)
        });
        let columns: Vec<Expr> = columns.collect();
        LogicalPlanBuilder::new_from_arc(Arc::new(node)).project(columns)?.build().map(Transformed::yes)
    })
}

/// Returns whether an expression is an aggregate over a frame whose start moves.
fn is_sliding_aggregate(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_sliding_aggregate(&alias.expr),
        Expr::WindowFunction(call) => {
            let is_unbounded =
                matches!(&call.params.window_frame.start_bound, WindowFrameBound::Preceding(rows) if rows.is_null());
            matches!(call.fun, WindowFunctionDefinition::AggregateUDF(_)) && !is_unbounded
        }
        _ => false,
    }
}

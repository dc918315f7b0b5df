//! Removes an `ORDER BY` from aggregates that do not depend on the order of their rows, such as `AVG(x ORDER BY t)`,
//! and repeated keys from every `ORDER BY`. The engine panics on both.

use std::ops::ControlFlow;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, SortExpr};
use datafusion::sql::sqlparser::ast::{self, VisitMut as _, VisitorMut};

use super::subqueries::has_subquery;

/// Aggregates whose result depends on the order of their rows, besides those that accept `WITHIN GROUP`.
const ORDERED: [&str; 5] = ["array_agg", "first_value", "last_value", "nth_value", "string_agg"];

/// Removes repeated keys of `DISTINCT ON`, which the engine expects to be repeated in `ORDER BY`.
pub(super) fn rewrite_statement(statement: &mut ast::Statement) {
    let _: ControlFlow<()> = statement.visit(&mut DistinctOn);
}

struct DistinctOn;

impl VisitorMut for DistinctOn {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
        if let Some(ast::Distinct::On(keys)) = &mut select.distinct {
            let mut distinct: Vec<ast::Expr> = Vec::with_capacity(keys.len());
            for key in keys.drain(..) {
                if !distinct.contains(&key) {
                    distinct.push(key);
                }
            }
            *keys = distinct;
        }
        ControlFlow::Continue(())
    }
}

/// Returns the plan without redundant orders.
///
/// # Errors
/// If the engine refuses the new plan.
pub(super) fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.transform_up_with_subqueries(|node| {
        let preserver = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = preserver.save(&expr);
            Ok(expr.transform_up(without_idle_order)?.update_data(|expr| name.restore(expr)))
        })?;
        let was = node.transformed;
        let mut again = node.transform_data(without_repeated_keys)?;
        again.transformed |= was;
        Ok(again)
    })
}

fn without_idle_order(expr: Expr) -> Result<Transformed<Expr>> {
    match expr {
        Expr::AggregateFunction(mut call) if !call.params.order_by.is_empty() => {
            let is_ordered = ORDERED.contains(&call.func.name()) || call.func.supports_within_group_clause();
            let before = call.params.order_by.len();
            let is_within_group = call.func.supports_within_group_clause();
            call.params.order_by = if is_ordered { distinct_keys(call.params.order_by) } else { Vec::new() };
            if !is_within_group {
                call.params.order_by.retain(|key| !is_constant(&key.expr));
            }
            let is_changed = call.params.order_by.len() != before;
            Ok(Transformed::new_transformed(Expr::AggregateFunction(call), is_changed))
        }
        Expr::WindowFunction(mut call) => {
            let before = call.params.order_by.len();
            call.params.order_by = distinct_keys(call.params.order_by);
            let is_changed = call.params.order_by.len() != before;
            Ok(Transformed::new_transformed(Expr::WindowFunction(call), is_changed))
        }
        expr => Ok(Transformed::no(expr)),
    }
}

fn without_repeated_keys(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Distinct(Distinct::On(mut distinct)) => {
            distinct.sort_expr = distinct.sort_expr.map(distinct_keys);
            Ok(Transformed::yes(LogicalPlan::Distinct(Distinct::On(distinct))))
        }
        LogicalPlan::Sort(mut sort) => {
            let before = sort.expr.len();
            sort.expr = distinct_keys(sort.expr);
            let is_changed = sort.expr.len() != before;
            Ok(Transformed::new_transformed(LogicalPlan::Sort(sort), is_changed))
        }
        node => Ok(Transformed::no(node)),
    }
}

/// Returns whether a key is constant. The engine panics on an order by constants only.
fn is_constant(expr: &Expr) -> bool {
    !expr.any_column_refs() && !expr.is_volatile() && !expr.contains_outer() && !has_subquery(expr)
}

/// Returns the keys without repetitions. The direction of a repeated key does not matter: rows are equal in it already.
fn distinct_keys(keys: Vec<SortExpr>) -> Vec<SortExpr> {
    let mut distinct: Vec<SortExpr> = Vec::with_capacity(keys.len());
    for key in keys {
        if !distinct.iter().any(|before| before.expr == key.expr) {
            distinct.push(key);
        }
    }
    distinct
}

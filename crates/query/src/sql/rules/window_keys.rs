//! Expressions in the `PARTITION BY` and `ORDER BY` of a window are computed below it, as columns of their own. The engine
//! loses the order of some, such as `abs(x % 3)`, and rejects its own plan.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Window};
use datafusion::optimizer::AnalyzerRule;

/// Puts the keys of windows below them.
#[derive(Debug)]
pub(super) struct WindowKeys;

impl AnalyzerRule for WindowKeys {
    fn name(&self) -> &'static str {
        "window_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|step| match step {
            LogicalPlan::Window(window) => with_key_columns(window),
            step => Ok(Transformed::no(step)),
        });
        Ok(plan?.data)
    }
}

fn with_key_columns(window: Window) -> Result<Transformed<LogicalPlan>> {
    let mut keys = Vec::new();
    let names = NamePreserver::new_for_projection();
    let calls = window.window_expr.iter().map(|call| {
        let name = names.save(call);
        let call = call.clone().transform_up(|part| Ok(with_columns(part, &mut keys)))?;
        Ok(name.restore(call.data))
    });
    let calls: Vec<Expr> = calls.collect::<Result<_>>()?;
    if keys.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Window(window)));
    }
    let columns = |plan: &LogicalPlan| -> Vec<Expr> {
        let columns = plan.schema().iter();
        columns.map(|(relation, field)| Expr::Column(Column::new(relation.cloned(), field.name()))).collect()
    };
    let mut inner = columns(&window.input);
    inner.extend(keys.into_iter().enumerate().map(|(at, key)| key.alias(key_name(at))));
    let inner = LogicalPlan::Projection(Projection::try_new(inner, Arc::clone(&window.input))?);
    let outer = columns(&LogicalPlan::Window(window));
    let window = LogicalPlan::Window(Window::try_new(calls, Arc::new(inner))?);
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(outer, Arc::new(window))?)))
}

fn with_columns(expr: Expr, keys: &mut Vec<Expr>) -> Transformed<Expr> {
    let Expr::WindowFunction(mut call) = expr else { return Transformed::no(expr) };
    let mut column = |key: &mut Expr| {
        if matches!(key, Expr::Column(_) | Expr::Literal(..)) {
            return;
        }
        let at = keys.iter().position(|known| known == key).unwrap_or(keys.len());
        if at == keys.len() {
            keys.push(key.clone());
        }
        *key = Expr::Column(Column::new_unqualified(key_name(at)));
    };
    call.params.partition_by.iter_mut().for_each(&mut column);
    call.params.order_by.iter_mut().for_each(|order| column(&mut order.expr));
    Transformed::yes(Expr::WindowFunction(call))
}

fn key_name(at: usize) -> String {
    format!("__window_key_{at}")
}

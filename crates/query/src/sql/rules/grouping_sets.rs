//! `GROUPING SETS`, `ROLLUP` and `CUBE` over keys whose input is known to be constant, equal or sorted, as after `WHERE
//! category = 'Graffiti'`. The engine assumes the same of the output, where a key is null in the sets without it, and
//! so omits the key from an `ORDER BY`. Here the keys are computed by a function about which the engine assumes
//! nothing.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};

use super::hidden_properties::hide_properties;

/// Returns the plan with opaque keys of grouping sets.
///
/// # Errors
/// If the engine refuses the new plan.
pub(super) fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Aggregate(aggregate) if matches!(aggregate.group_expr.first(), Some(Expr::GroupingSet(_))) => {
            with_opaque_keys(aggregate).map(Transformed::yes)
        }
        node => Ok(Transformed::no(node)),
    })
}

fn with_opaque_keys(aggregate: Aggregate) -> Result<LogicalPlan> {
    let keys: Vec<Expr> = grouping_set_to_exprlist(&aggregate.group_expr)?.into_iter().cloned().collect();
    // The columns of the keys: those of the input keep their place and name, computed ones follow under their names.
    let column = |key: &Expr| match key {
        Expr::Column(column) => column.clone(),
        key => Column::new_unqualified(key.schema_name().to_string()),
    };
    let opaque = |at: usize| {
        let column = column(&keys[at]);
        // The position keeps the keys apart that the input holds equal.
        let position = i64::try_from(at).unwrap_or(i64::MAX);
        hide_properties(keys[at].clone(), position).alias_qualified(column.relation, column.name)
    };
    let input = aggregate.input.schema().columns().into_iter().map(|of_input| {
        let key = keys.iter().position(|key| matches!(key, Expr::Column(column) if *column == of_input));
        key.map_or_else(|| Expr::Column(of_input), opaque)
    });
    let computed = (0..keys.len()).filter(|at| !matches!(keys[*at], Expr::Column(_))).map(opaque);
    let projected = LogicalPlanBuilder::from(Arc::unwrap_or_clone(Arc::clone(&aggregate.input)))
        .project(input.chain(computed).collect::<Vec<_>>())?
        .build()?;
    let named = |expr: Expr| -> Result<Expr> {
        let of_key = |expr: Expr| match keys.contains(&expr) && !matches!(expr, Expr::Column(_)) {
            true => Ok(Transformed::yes(Expr::Column(column(&expr)))),
            false => Ok(Transformed::no(expr)),
        };
        Ok(expr.transform_down(of_key)?.data)
    };
    let groups = aggregate.group_expr.iter().cloned().map(named).collect::<Result<Vec<_>>>()?;
    // `GROUPING(key)` names a key; the arguments of other aggregates are computed from the input.
    let aggregates = aggregate.aggr_expr.iter().cloned().map(|expr| {
        let name = expr.schema_name().to_string();
        let is_grouping = matches!(&expr, Expr::AggregateFunction(call) if call.func.name() == "grouping");
        if is_grouping {
            named(expr).map(|expr| if expr.schema_name().to_string() == name { expr } else { expr.alias(name) })
        } else {
            Ok(expr)
        }
    });
    let aggregates = aggregates.collect::<Result<Vec<_>>>()?;
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(projected), groups, aggregates)?))
}

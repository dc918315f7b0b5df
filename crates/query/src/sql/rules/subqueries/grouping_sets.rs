//! Grouping sets of a correlated subquery. The empty set returns a row even for no input.

use std::sync::Arc;

use datafusion::common::{Column, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{grouping_set_to_exprlist, powerset};
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable as _, GroupingSet, LogicalPlan, LogicalPlanBuilder, lit,
};

/// Returns the grouping sets of an aggregate, if it has any.
pub(super) fn grouping_sets(aggregate: &Aggregate) -> Result<Option<Vec<Vec<Expr>>>> {
    let [Expr::GroupingSet(sets)] = aggregate.group_expr.as_slice() else { return Ok(None) };
    Ok(Some(match sets {
        GroupingSet::Rollup(exprs) => (0..=exprs.len()).map(|length| exprs[..length].to_vec()).collect(),
        GroupingSet::Cube(exprs) => {
            powerset(exprs)?.into_iter().map(|set| set.into_iter().cloned().collect()).collect()
        }
        GroupingSet::GroupingSets(sets) => sets.clone(),
    }))
}

/// Splits an aggregate into the union of one over the non-empty sets and one without groups for each empty set.
///
/// # Errors
/// If it uses `GROUPING`.
pub(super) fn split(aggregate: &Aggregate, sets: Vec<Vec<Expr>>) -> Result<LogicalPlan> {
    if aggregate.aggr_expr.iter().any(is_grouping) {
        return plan_err!("a correlated subquery cannot have GROUPING; write it as a JOIN with a query that has it");
    }
    let groups = grouping_set_to_exprlist(&aggregate.group_expr)?;
    let totals = aggregate.schema.columns().split_off(aggregate.schema.fields().len() - aggregate.aggr_expr.len());
    let named: Vec<Column> = aggregate.schema.columns().into_iter().take(groups.len()).collect();
    let (empty, full): (Vec<_>, Vec<_>) = sets.into_iter().partition(Vec::is_empty);
    let mut parts = Vec::new();
    if !full.is_empty() {
        let group_expr = vec![Expr::GroupingSet(GroupingSet::GroupingSets(full))];
        let grouped = Aggregate::try_new(Arc::clone(&aggregate.input), group_expr, aggregate.aggr_expr.clone())?;
        let has = |column: &Column| grouped.schema.has_column(column);
        let columns: Vec<Expr> = named
            .iter()
            .zip(&groups)
            .map(
                |(column, group)| {
                    if has(column) { Ok(Expr::Column(column.clone())) } else { null(group, column, aggregate) }
                },
            )
            .chain(totals.iter().cloned().map(|column| Ok(Expr::Column(column))))
            .collect::<Result<_>>()?;
        parts.push(LogicalPlanBuilder::from(LogicalPlan::Aggregate(grouped)).project(columns)?.build()?);
    }
    for _ in empty {
        let columns: Vec<Expr> = named
            .iter()
            .zip(&groups)
            .map(|(column, group)| null(group, column, aggregate))
            .chain(totals.iter().cloned().map(|column| Ok(Expr::Column(column))))
            .collect::<Result<_>>()?;
        let whole = if aggregate.aggr_expr.is_empty() {
            LogicalPlanBuilder::empty(true)
        } else {
            LogicalPlanBuilder::from(aggregate.input.as_ref().clone())
                .aggregate(Vec::<Expr>::new(), aggregate.aggr_expr.clone())?
        };
        parts.push(whole.project(columns)?.build()?);
    }
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return plan_err!("grouping sets without a set") };
    let mut all = LogicalPlanBuilder::from(first);
    for part in parts {
        all = all.union(part)?;
    }
    let made = all.schema().columns();
    let columns = made.into_iter().zip(named.into_iter().chain(totals));
    let columns: Vec<Expr> =
        columns.map(|(column, was)| Expr::Column(column).alias_qualified(was.relation, was.name)).collect();
    all.project(columns)?.build()
}

fn null(group: &Expr, column: &Column, aggregate: &Aggregate) -> Result<Expr> {
    let none = ScalarValue::try_from(&group.get_type(aggregate.input.schema())?)?;
    Ok(lit(none).alias_qualified(column.relation.clone(), column.name.clone()))
}

fn is_grouping(expr: &Expr) -> bool {
    matches!(expr.clone().unalias(), Expr::AggregateFunction(call) if call.func.name() == "grouping")
}

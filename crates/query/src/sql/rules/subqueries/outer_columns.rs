//! References of a subquery to columns of the outer query.

use std::collections::HashMap;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, Subquery, SubqueryAlias};

/// Maps outer columns to new ones.
pub(super) type Replacements = HashMap<Column, Column>;

/// Returns the distinct columns of outer queries that a plan refers to.
pub(super) fn outer_columns(plan: &LogicalPlan) -> Result<Vec<Column>> {
    let mut found = Vec::new();
    collect(plan, &mut found)?;
    Ok(found)
}

/// Returns the subquery of a subquery expression.
pub(super) fn subquery_of(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::Exists(exists) => Some(&exists.subquery),
        Expr::InSubquery(within) => Some(&within.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery),
        Expr::ScalarSubquery(subquery) => Some(subquery),
        _ => None,
    }
}

/// Returns the subquery of a `LATERAL` right side of a join.
pub(super) fn find_lateral_subquery(plan: &LogicalPlan) -> Option<&Subquery> {
    match plan {
        LogicalPlan::Subquery(subquery) => Some(subquery),
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) => match input.as_ref() {
            LogicalPlan::Subquery(subquery) => Some(subquery),
            _ => None,
        },
        _ => None,
    }
}

fn collect(plan: &LogicalPlan, found: &mut Vec<Column>) -> Result<()> {
    let add = |found: &mut Vec<Column>, column: &Column| {
        if !found.contains(column) {
            found.push(column.clone());
        }
    };
    match plan {
        LogicalPlan::Join(Join { left, right, .. }) if find_lateral_subquery(right).is_some() => {
            collect(left, found)?;
            let outer = outer_columns(right)?;
            outer.iter().filter(|column| !left.schema().has_column(column)).for_each(|column| add(found, column));
        }
        _ => plan.inputs().into_iter().try_for_each(|input| collect(input, found))?,
    }
    let scope = merge_schema(&plan.inputs());
    plan.apply_expressions(|expr| {
        expr.apply(|part| {
            if let Expr::OuterReferenceColumn(_, column) = part {
                add(found, column);
            } else if let Some(subquery) = subquery_of(part) {
                // A name resolves to the innermost query that has it.
                let outer = outer_columns(&subquery.subquery)?;
                outer.iter().filter(|column| !scope.has_column(column)).for_each(|column| add(found, column));
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(())
}

/// Replaces outer columns of an expression by columns of its input. `scope` is the schema of the input without these.
pub(super) fn replace(expr: Expr, scope: &DFSchema, new: &Replacements) -> Result<Expr> {
    let replaced = expr.transform_up(|part| match part {
        Expr::OuterReferenceColumn(field, column) => match new.get(&column) {
            Some(replacement) => Ok(Transformed::yes(Expr::Column(replacement.clone()))),
            None => Ok(Transformed::no(Expr::OuterReferenceColumn(field, column))),
        },
        part => rename_in_subquery(part, scope, new),
    })?;
    Ok(replaced.data)
}

/// Renames the outer columns in the plan of a subquery.
fn rename(plan: LogicalPlan, new: &Replacements) -> Result<LogicalPlan> {
    if new.is_empty() {
        return Ok(plan);
    }
    let scope = merge_schema(&plan.inputs());
    let plan = match plan {
        LogicalPlan::Join(mut join) if find_lateral_subquery(&join.right).is_some() => {
            let visible = without(new, join.left.schema());
            join.left = rename(join.left.as_ref().clone(), new)?.into();
            join.right = rename(join.right.as_ref().clone(), &visible)?.into();
            LogicalPlan::Join(join)
        }
        plan => plan.map_children(|child| rename(child, new).map(Transformed::yes))?.data,
    };
    let preserver = NamePreserver::new(&plan);
    let plan = plan.map_expressions(|expr| {
        let name = preserver.save(&expr);
        let renamed = expr.transform_up(|part| match part {
            Expr::OuterReferenceColumn(field, column) => {
                let replacement = new.get(&column).cloned().unwrap_or(column);
                Ok(Transformed::yes(Expr::OuterReferenceColumn(field, replacement)))
            }
            part => rename_in_subquery(part, &scope, new),
        })?;
        Ok(renamed.update_data(|expr| name.restore(expr)))
    })?;
    Ok(plan.data)
}

fn rename_in_subquery(mut expr: Expr, scope: &DFSchema, new: &Replacements) -> Result<Transformed<Expr>> {
    let subquery = match &mut expr {
        Expr::Exists(exists) => &mut exists.subquery,
        Expr::InSubquery(within) => &mut within.subquery,
        Expr::SetComparison(comparison) => &mut comparison.subquery,
        Expr::ScalarSubquery(subquery) => subquery,
        _ => return Ok(Transformed::no(expr)),
    };
    let plan = rename(subquery.subquery.as_ref().clone(), &without(new, scope))?;
    *subquery = with_plan(subquery, plan);
    Ok(Transformed::yes(expr))
}

/// Returns the subquery with another plan.
pub(super) fn with_plan(subquery: &Subquery, plan: LogicalPlan) -> Subquery {
    let outer_ref_columns = plan.all_out_ref_exprs();
    Subquery { subquery: plan.into(), outer_ref_columns, spans: subquery.spans.clone() }
}

fn without(new: &Replacements, scope: &DFSchema) -> Replacements {
    new.iter().filter(|(column, _)| !scope.has_column(column)).map(|(old, new)| (old.clone(), new.clone())).collect()
}

//! `EXCEPT ALL` and `INTERSECT ALL`. The engine's semi- and anti-joins ignore how often a row occurs; here, the n-th
//! of equal rows is joined with the n-th on the other side. Columns are matched by position, since two may have the
//! same name.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, NullEquality};
use datafusion::error::Result;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{
    Distinct, Expr, ExprFunctionExt as _, Join, JoinConstraint, JoinType, LogicalPlan, LogicalPlanBuilder,
};

/// Returns the plan with set operations that respect multiplicity.
///
/// # Errors
/// If the engine refuses the new plan.
pub(super) fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.transform_up_with_subqueries(|node| match node {
        // Set operations are the only joins of a parsed statement in which null equals null.
        LogicalPlan::Join(join)
            if join.null_equality == NullEquality::NullEqualsNull
                && join.filter.is_none()
                && matches!(join.join_type, JoinType::LeftAnti | JoinType::LeftSemi) =>
        {
            number_equal_rows(&join).map(Transformed::yes)
        }
        node => Ok(Transformed::no(node)),
    })
}

fn number_equal_rows(join: &Join) -> Result<LogicalPlan> {
    let is_set = matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)));
    let (left, left_keys) = number_side(&join.left, "__left", !is_set)?;
    let (right, right_keys) = number_side(&join.right, "__right", !is_set)?;
    let joined = LogicalPlan::Join(Join::try_new(
        Arc::new(left),
        Arc::new(right),
        left_keys.clone().into_iter().map(Expr::Column).zip(right_keys.into_iter().map(Expr::Column)).collect(),
        None,
        join.join_type,
        JoinConstraint::On,
        NullEquality::NullEqualsNull,
        false,
    )?);
    let names = join.schema.columns();
    let named = left_keys.into_iter().zip(names);
    LogicalPlanBuilder::from(joined)
        .project(named.map(|(key, was)| Expr::Column(key).alias_qualified(was.relation, was.name)))?
        .build()
}

/// Renames the columns of a side, and adds the number of the row among equal rows.
fn number_side(plan: &LogicalPlan, prefix: &str, is_counted: bool) -> Result<(LogicalPlan, Vec<Column>)> {
    let columns = plan.schema().columns();
    let mut keys: Vec<Column> =
        (0..columns.len()).map(|at| Column::new_unqualified(format!("{prefix}_{at}"))).collect();
    let named = columns.into_iter().zip(&keys).map(|(column, key)| Expr::Column(column).alias(&key.name));
    let mut builder = LogicalPlanBuilder::from(plan.clone()).project(named)?;
    if is_counted {
        let number = Column::new_unqualified(format!("{prefix}_row"));
        let same = keys.iter().cloned().map(Expr::Column).collect();
        builder = builder.window([row_number().partition_by(same).build()?.alias(&number.name)])?;
        keys.push(number);
    }
    Ok((builder.build()?, keys))
}

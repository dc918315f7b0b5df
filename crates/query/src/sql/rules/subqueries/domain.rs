//! The values of outer columns for which a correlated subquery is computed.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, ExprSchemable as _, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Projection,
    SubqueryAlias, Window,
};

use super::{Names, ReadTables, has_subquery, is_view};

/// The distinct values of expressions over a plan, or a superset: values that no outer row has do not change the
/// result.
pub(super) struct Domain {
    source: LogicalPlan,
    values: Vec<Expr>,
}

impl Domain {
    /// Returns the domain of expressions over the rows of `input`.
    ///
    /// The outer plan runs twice: for the domain, and for its own rows. Where the second run could return other rows
    /// (`LIMIT` without a total order), the domain comes from a plan that contains the rows of every run.
    ///
    /// # Errors
    /// If there is no such plan.
    pub(super) fn new(input: &LogicalPlan, values: Vec<Expr>, read: &ReadTables) -> Result<Self> {
        let needed = values.iter().flat_map(|value| value.column_refs()).cloned().collect();
        let is_volatile = values.iter().any(Expr::is_volatile);
        match superset(input, &needed, read)? {
            Some(source) if !is_volatile => Ok(Self { source, values }),
            _ => plan_err!(
                "this correlated subquery refers to rows that may differ between two runs (LIMIT without a total \
                 order, a window function, a sum of floating-point numbers, random()); write it as a JOIN, or let it \
                 refer to columns of a table"
            ),
        }
    }

    /// Returns a plan of the distinct values, and its columns, whose names are unique in the statement.
    pub(super) fn rows(&self, names: &mut Names) -> Result<(LogicalPlan, Vec<Column>)> {
        let name = names.next("domain");
        let columns = (0..self.values.len()).map(|at| Column::new(Some(name.clone()), format!("{name}_{at}")));
        let columns: Vec<Column> = columns.collect();
        let values = self.values.iter().zip(&columns).map(|(value, column)| value.clone().alias(&column.name));
        let plan =
            LogicalPlanBuilder::from(self.source.clone()).project(values)?.distinct()?.alias(name.as_str())?.build()?;
        Ok((plan, columns))
    }
}

/// Returns a repeatable plan that has the needed columns and, for these, at least the rows of `plan`.
fn superset(plan: &LogicalPlan, needed: &HashSet<Column>, read: &ReadTables) -> Result<Option<LogicalPlan>> {
    if is_repeatable(plan, read)? {
        return Ok(Some(plan.clone()));
    }
    match plan {
        LogicalPlan::Limit(limit) => superset(&limit.input, needed, read),
        LogicalPlan::Sort(sort) => superset(&sort.input, needed, read),
        LogicalPlan::Distinct(Distinct::All(input)) => superset(input, needed, read),
        LogicalPlan::Filter(Filter { predicate, input, .. }) => {
            let mut all = needed.clone();
            all.extend(predicate.column_refs().into_iter().cloned());
            match superset(input, &all, read)? {
                Some(source) if is_plain(predicate) => {
                    Ok(Some(LogicalPlanBuilder::from(source).filter(predicate.clone())?.build()?))
                }
                _ => superset(input, needed, read),
            }
        }
        LogicalPlan::Projection(projection) => {
            let columns = projection.schema.columns();
            let kept = projection.expr.iter().zip(columns).filter(|(_, column)| needed.contains(column));
            let kept: Vec<Expr> = kept.map(|(expr, _)| expr.clone()).collect();
            if !kept.iter().all(is_plain) {
                return Ok(None);
            }
            let below = kept.iter().flat_map(|expr| expr.column_refs()).cloned().collect();
            let Some(source) = superset(&projection.input, &below, read)? else { return Ok(None) };
            Ok(Some(LogicalPlan::Projection(Projection::try_new(kept, Arc::new(source))?)))
        }
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, schema, .. }) => {
            let pairs = schema.columns().into_iter().zip(input.schema().columns());
            let below: Vec<(Column, Column)> = pairs.filter(|(column, _)| needed.contains(column)).collect();
            if below.iter().any(|(column, under)| column.name != under.name) {
                return Ok(None);
            }
            let Some(source) = superset(input, &below.into_iter().map(|(_, under)| under).collect(), read)? else {
                return Ok(None);
            };
            Ok(Some(LogicalPlanBuilder::from(source).alias(alias.clone())?.build()?))
        }
        LogicalPlan::Window(Window { input, .. }) if needed.iter().all(|column| input.schema().has_column(column)) => {
            superset(input, needed, read)
        }
        LogicalPlan::Aggregate(Aggregate { input, group_expr, schema, .. })
            if group_expr.iter().all(|expr| !matches!(expr, Expr::GroupingSet(_)) && is_plain(expr)) =>
        {
            let groups = schema.columns().into_iter().take(group_expr.len());
            let kept: Vec<Expr> =
                groups.zip(group_expr).filter(|(column, _)| needed.contains(column)).map(|(_, e)| e.clone()).collect();
            if kept.len() != needed.len() {
                return Ok(None);
            }
            let below = kept.iter().flat_map(|expr| expr.column_refs()).cloned().collect();
            let Some(source) = superset(input, &below, read)? else { return Ok(None) };
            Ok(Some(LogicalPlan::Projection(Projection::try_new(kept, Arc::new(source))?)))
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => superset_of_join(join, needed, read),
        _ => Ok(None),
    }
}

fn superset_of_join(join: &Join, needed: &HashSet<Column>, read: &ReadTables) -> Result<Option<LogicalPlan>> {
    let conditions: Vec<&Expr> = join.on.iter().flat_map(|(left, right)| [left, right]).chain(&join.filter).collect();
    if !conditions.iter().all(|expr| is_plain(expr)) {
        return Ok(None);
    }
    let mut all = needed.clone();
    all.extend(conditions.iter().flat_map(|expr| expr.column_refs()).cloned());
    let of = |side: &LogicalPlan| all.iter().filter(|column| side.schema().has_column(column)).cloned().collect();
    let (Some(left), Some(right)) =
        (superset(&join.left, &of(&join.left), read)?, superset(&join.right, &of(&join.right), read)?)
    else {
        return Ok(None);
    };
    let joined = Join::try_new(
        left.into(),
        right.into(),
        join.on.clone(),
        join.filter.clone(),
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    Ok(Some(LogicalPlan::Join(joined)))
}

/// Returns whether an expression is not volatile and contains no subquery.
fn is_plain(expr: &Expr) -> bool {
    !expr.is_volatile() && !has_subquery(expr)
}

/// Returns whether a plan returns the same rows each time it runs.
pub(super) fn is_repeatable(plan: &LogicalPlan, read: &ReadTables) -> Result<bool> {
    let mut repeatable = true;
    plan.apply_with_subqueries(|node| {
        if is_view(node, &read.views) {
            return Ok(TreeNodeRecursion::Jump);
        }
        if let LogicalPlan::RecursiveQuery(query) = node {
            // Only its steps are volatile; the query is repeatable.
            let others = read.recursive.iter().filter(|name| **name != query.name).cloned().collect();
            let within = ReadTables { views: read.views.clone(), recursive: others };
            repeatable &= is_repeatable(&query.static_term, &within)? && is_repeatable(&query.recursive_term, &within)?;
            return Ok(if repeatable { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Stop });
        }
        repeatable &= match node {
            LogicalPlan::Limit(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Distinct(Distinct::On(_))
            | LogicalPlan::Extension(_) => false,
            LogicalPlan::TableScan(scan) => {
                scan.fetch.is_none() && !read.recursive.iter().any(|name| name == scan.table_name.table())
            }
            LogicalPlan::Aggregate(aggregate) => {
                let mut exact = true;
                for expr in &aggregate.aggr_expr {
                    exact &= is_exact(expr, aggregate)?;
                }
                exact
            }
            _ => true,
        };
        repeatable &= !node.expressions().iter().any(Expr::is_volatile);
        Ok(if repeatable { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(repeatable)
}

/// Returns whether an aggregate does not depend on the order of its rows.
fn is_exact(expr: &Expr, aggregate: &Aggregate) -> Result<bool> {
    let Expr::AggregateFunction(call) = expr.clone().unalias() else { return Ok(false) };
    Ok(match call.func.name() {
        "count" | "min" | "max" | "bool_and" | "bool_or" | "bit_and" | "bit_or" | "bit_xor" | "median"
        | "percentile_cont" => true,
        "sum" | "avg" => !matches!(
            call.params.args.first().map(|arg| arg.get_type(aggregate.input.schema())).transpose()?,
            Some(DataType::Float16 | DataType::Float32 | DataType::Float64) | None
        ),
        _ => false,
    })
}

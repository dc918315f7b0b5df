//! Turns a correlated subquery into a plan without correlation, which returns the rows of the subquery for each value
//! of its outer columns, together with those values (T. Neumann, A. Kemper: Unnesting Arbitrary Queries, BTW 2015).

use std::sync::Arc;

use datafusion::common::{Column, NullEquality, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Aggregate, Distinct, DistinctOn, Expr, ExprFunctionExt as _, ExprSchemable as _, FetchType, Filter, GroupingSet,
    Join, JoinConstraint, JoinType, Limit, LogicalPlan, LogicalPlanBuilder, Projection, SkipType, SubqueryAlias, Union,
    Window, col, lit, when,
};

use super::domain::Domain;
use super::grouping_sets::{grouping_sets, split};
use super::outer_columns::{Replacements, find_lateral_subquery, outer_columns, replace};
use super::{Names, unnest_lateral};

/// A plan, and its columns that hold the values of the domain.
pub(super) struct Rows {
    pub(super) plan: LogicalPlan,
    pub(super) keys: Vec<Column>,
}

/// Pushes the domain down into a subquery.
pub(super) struct DependentJoin<'a> {
    /// The outer columns, which are the first values of the domain.
    pub(super) outer: &'a [Column],
    pub(super) domain: &'a Domain,
    pub(super) names: &'a mut Names,
}

/// Returns the condition that columns are equal, where null equals null.
pub(super) fn all_null_safe_equal(left: &[Expr], right: &[Column]) -> Option<Expr> {
    let pairs = left.iter().zip(right);
    pairs.map(|(left, right)| null_safe_equal(left.clone(), col(right.clone()))).reduce(Expr::and)
}

fn null_safe_equal(left: Expr, right: Expr) -> Expr {
    datafusion::logical_expr::binary_expr(left, datafusion::logical_expr::Operator::IsNotDistinctFrom, right)
}

fn column_exprs(keys: &[Column]) -> Vec<Expr> {
    keys.iter().cloned().map(Expr::Column).collect()
}

impl DependentJoin<'_> {
    /// Returns the rows of `plan` for each value of the domain.
    ///
    /// # Errors
    /// If the plan has a node that the domain cannot be pushed through.
    pub(super) fn rows(&mut self, plan: &LogicalPlan) -> Result<Rows> {
        if !self.is_correlated(plan)? {
            let (domain, keys) = self.domain.rows(self.names)?;
            let plan = LogicalPlanBuilder::from(domain).cross_join(plan.clone())?.build()?;
            return Ok(Rows { plan, keys });
        }
        match plan {
            LogicalPlan::Filter(filter) => {
                let Rows { plan, keys } = self.rows(&filter.input)?;
                let predicate = self.replace_outer_columns(filter.predicate.clone(), &filter.input, &keys)?;
                Ok(Rows { plan: LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(plan))?), keys })
            }
            LogicalPlan::Projection(projection) => {
                let Rows { plan, keys } = self.rows(&projection.input)?;
                let mut exprs = column_exprs(&keys);
                exprs.extend(self.replace_all_outer_columns(&projection.expr, &projection.input, &keys)?);
                Ok(Rows { plan: LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?), keys })
            }
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => {
                let Rows { plan, keys } = self.rows(input)?;
                let plan = LogicalPlanBuilder::from(plan).alias(alias.clone())?.build()?;
                let keys = keys.into_iter().map(|key| Column::new(Some(alias.clone()), key.name)).collect();
                Ok(Rows { plan, keys })
            }
            // The order matters to LIMIT only, which handles its sort itself.
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.rows(&sort.input),
            LogicalPlan::Limit(limit) => self.push_through_limit(limit),
            LogicalPlan::Aggregate(aggregate) => self.push_through_aggregate(aggregate),
            LogicalPlan::Window(window) => self.push_through_window(window),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let Rows { plan, keys } = self.rows(input)?;
                Ok(Rows { plan: LogicalPlanBuilder::from(plan).distinct()?.build()?, keys })
            }
            LogicalPlan::Distinct(Distinct::On(distinct)) => self.push_through_distinct_on(distinct),
            LogicalPlan::Join(join) => self.push_through_join(join),
            LogicalPlan::Union(union) => self.push_through_union(union),
            LogicalPlan::Unnest(unnest) => {
                let Rows { plan, keys } = self.rows(&unnest.input)?;
                let plan = LogicalPlanBuilder::from(plan)
                    .unnest_columns_with_options(unnest.exec_columns.clone(), unnest.options.clone())?
                    .build()?;
                Ok(Rows { plan, keys })
            }
            other => plan_err!(
                "a correlated subquery cannot have {} here; write it as a JOIN with GROUP BY",
                other.display().to_string().split([':', ' ']).next().unwrap_or_default()
            ),
        }
    }

    fn is_correlated(&self, plan: &LogicalPlan) -> Result<bool> {
        Ok(outer_columns(plan)?.iter().any(|column| self.outer.contains(column)))
    }

    fn replacements(&self, keys: &[Column]) -> Replacements {
        self.outer.iter().cloned().zip(keys.iter().cloned()).collect()
    }

    fn replace_outer_columns(&self, expr: Expr, input: &LogicalPlan, keys: &[Column]) -> Result<Expr> {
        replace(expr, input.schema(), &self.replacements(keys))
    }

    /// Replaces the outer columns of expressions and preserves their names.
    fn replace_all_outer_columns(&self, exprs: &[Expr], input: &LogicalPlan, keys: &[Column]) -> Result<Vec<Expr>> {
        let preserver = NamePreserver::new_for_projection();
        let replaced = exprs.iter().map(|expr| {
            let name = preserver.save(expr);
            Ok(name.restore(self.replace_outer_columns(expr.clone(), input, keys)?))
        });
        replaced.collect()
    }

    fn push_through_limit(&mut self, limit: &Limit) -> Result<Rows> {
        let over = |input: &Arc<LogicalPlan>| {
            Arc::new(LogicalPlan::Limit(Limit { input: Arc::clone(input), ..limit.clone() }))
        };
        let (order, input) = match limit.input.as_ref() {
            LogicalPlan::Projection(projection) => {
                let below = Projection::try_new(projection.expr.clone(), over(&projection.input))?;
                return self.rows(&LogicalPlan::Projection(below));
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let below = SubqueryAlias::try_new(over(&alias.input), alias.alias.clone())?;
                return self.rows(&LogicalPlan::SubqueryAlias(below));
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => (sort.expr.as_slice(), &sort.input),
            _ => ([].as_slice(), &limit.input),
        };
        let (SkipType::Literal(skip), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return plan_err!("the LIMIT of a correlated subquery is a number; write it out");
        };
        let Rows { plan, keys } = self.rows(input)?;
        let mut sort = Vec::with_capacity(order.len());
        for key in order {
            let expr = self.replace_outer_columns(key.expr.clone(), input, &keys)?;
            sort.push(datafusion::logical_expr::SortExpr { expr, ..key.clone() });
        }
        let name = self.names.next("row");
        let number = row_number().partition_by(column_exprs(&keys));
        let number = if sort.is_empty() { number.build()? } else { number.order_by(sort).build()? }.alias(&name);
        let row = col(Column::new_unqualified(name));
        let after = row.clone().gt(lit(u64::try_from(skip).unwrap_or(u64::MAX)));
        let last = fetch.map(|fetch| row.lt_eq(lit(u64::try_from(skip.saturating_add(fetch)).unwrap_or(u64::MAX))));
        let condition = last.into_iter().fold(after, Expr::and);
        let kept = column_exprs(&plan.schema().columns());
        let plan = LogicalPlanBuilder::from(plan).window([number])?.filter(condition)?.project(kept)?.build()?;
        Ok(Rows { plan, keys })
    }

    fn push_through_aggregate(&mut self, aggregate: &Aggregate) -> Result<Rows> {
        let sets = grouping_sets(aggregate)?;
        if let Some(sets) = &sets
            && sets.iter().any(Vec::is_empty)
        {
            let apart = split(aggregate, sets.clone())?;
            return self.rows(&apart);
        }
        let Rows { plan, keys } = self.rows(&aggregate.input)?;
        let totals = self.replace_all_outer_columns(&aggregate.aggr_expr, &aggregate.input, &keys)?;
        if let Some(sets) = sets {
            let mut with_keys = Vec::with_capacity(sets.len());
            for set in &sets {
                let mut groups = column_exprs(&keys);
                groups.extend(self.replace_all_outer_columns(set, &aggregate.input, &keys)?);
                with_keys.push(groups);
            }
            let groups = vec![Expr::GroupingSet(GroupingSet::GroupingSets(with_keys))];
            return Ok(Rows {
                plan: LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(plan), groups, totals)?),
                keys,
            });
        }
        let mut groups = column_exprs(&keys);
        groups.extend(self.replace_all_outer_columns(&aggregate.group_expr, &aggregate.input, &keys)?);
        let grouped = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(plan), groups, totals)?);
        if !aggregate.group_expr.is_empty() {
            return Ok(Rows { plan: grouped, keys });
        }
        // An aggregate without groups returns a row even for no input.
        let (domain, all) = self.domain.rows(self.names)?;
        let mut exprs = column_exprs(&all);
        for (column, expr) in aggregate.schema.columns().into_iter().zip(&aggregate.aggr_expr) {
            let Expr::AggregateFunction(call) = expr.clone().unalias() else {
                return plan_err!("a correlated subquery cannot have {expr} here; write it as a JOIN with GROUP BY");
            };
            let none = call.func.default_value(&expr.get_type(aggregate.input.schema())?)?;
            let value = col(column.clone());
            let value = if none.is_null() { value } else { coalesce_default(value, none)? };
            exprs.push(value.alias_qualified(column.relation, column.name));
        }
        let plan = LogicalPlanBuilder::from(domain)
            .join_on(grouped, JoinType::Left, all_null_safe_equal(&column_exprs(&all), &keys))?
            .project(exprs)?
            .build()?;
        Ok(Rows { plan, keys: all })
    }

    fn push_through_window(&mut self, window: &Window) -> Result<Rows> {
        let Rows { plan, keys } = self.rows(&window.input)?;
        let preserver = NamePreserver::new_for_projection();
        let mut exprs = Vec::with_capacity(window.window_expr.len());
        for expr in &window.window_expr {
            let name = preserver.save(expr);
            let Expr::WindowFunction(mut call) =
                self.replace_outer_columns(expr.clone(), &window.input, &keys)?.unalias()
            else {
                return plan_err!("a correlated subquery cannot have {expr} here; write it as a JOIN");
            };
            call.params.partition_by.splice(0..0, column_exprs(&keys));
            exprs.push(name.restore(Expr::WindowFunction(call)));
        }
        Ok(Rows { plan: LogicalPlan::Window(Window::try_new(exprs, Arc::new(plan))?), keys })
    }

    fn push_through_distinct_on(&mut self, distinct: &DistinctOn) -> Result<Rows> {
        let Rows { plan, keys } = self.rows(&distinct.input)?;
        let with_keys = |exprs: Vec<Expr>| column_exprs(&keys).into_iter().chain(exprs).collect();
        let on = with_keys(self.replace_all_outer_columns(&distinct.on_expr, &distinct.input, &keys)?);
        let select = with_keys(self.replace_all_outer_columns(&distinct.select_expr, &distinct.input, &keys)?);
        let mut sort = None;
        for key in distinct.sort_expr.iter().flatten() {
            let expr = self.replace_outer_columns(key.expr.clone(), &distinct.input, &keys)?;
            let first = || column_exprs(&keys).into_iter().map(|key| key.sort(true, false)).collect::<Vec<_>>();
            sort.get_or_insert_with(first).push(datafusion::logical_expr::SortExpr { expr, ..key.clone() });
        }
        let distinct = DistinctOn::try_new(on, select, sort, Arc::new(plan))?;
        Ok(Rows { plan: LogicalPlan::Distinct(Distinct::On(distinct)), keys })
    }

    fn push_through_join(&mut self, join: &Join) -> Result<Rows> {
        if find_lateral_subquery(&join.right).is_some() {
            let plan = unnest_lateral(join, self.names)?;
            return self.rows(&plan);
        }
        let (of_left, of_right) = (self.is_correlated(&join.left)?, self.is_correlated(&join.right)?);
        let (with_left, with_right) = match join.join_type {
            JoinType::Inner => (of_left || !of_right, of_right),
            JoinType::Full => (true, true),
            JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => (true, of_right),
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => (of_left, true),
        };
        let left = self.push_through_side(&join.left, with_left)?;
        let right = self.push_through_side(&join.right, with_right)?;
        let keys = if with_left { left.keys.clone() } else { right.keys.clone() };
        let scope = merge_schema(&[&join.left, &join.right]);
        let new = self.replacements(&keys);
        let mut on = Vec::with_capacity(join.on.len());
        for (one, other) in &join.on {
            on.push((replace(one.clone(), &scope, &new)?, replace(other.clone(), &scope, &new)?));
        }
        let mut filter = join.filter.clone().map(|filter| replace(filter, &scope, &new)).transpose()?;
        if with_left && with_right {
            if join.null_equality == NullEquality::NullEqualsNull {
                on.extend(column_exprs(&left.keys).into_iter().zip(column_exprs(&right.keys)));
            } else {
                filter = filter
                    .into_iter()
                    .chain(all_null_safe_equal(&column_exprs(&left.keys), &right.keys))
                    .reduce(Expr::and);
            }
        }
        let plan = LogicalPlan::Join(Join::try_new(
            Arc::new(left.plan),
            Arc::new(right.plan),
            on,
            filter,
            join.join_type,
            JoinConstraint::On,
            join.null_equality,
            join.null_aware,
        )?);
        if join.join_type != JoinType::Full {
            return Ok(Rows { plan, keys });
        }
        // A row of one side has no values of the domain on the other.
        let name = self.names.next("domain");
        let either: Vec<Column> = (0..keys.len()).map(|at| Column::new_unqualified(format!("{name}_{at}"))).collect();
        let mut exprs = Vec::new();
        for ((left, right), column) in left.keys.iter().zip(&right.keys).zip(&either) {
            exprs.push(
                when(col(left.clone()).is_null(), col(right.clone())).otherwise(col(left.clone()))?.alias(&column.name),
            );
        }
        exprs.extend(column_exprs(&join.schema.columns()));
        Ok(Rows { plan: LogicalPlanBuilder::from(plan).project(exprs)?.build()?, keys: either })
    }

    fn push_through_side(&mut self, plan: &LogicalPlan, with_domain: bool) -> Result<Rows> {
        if with_domain { self.rows(plan) } else { Ok(Rows { plan: plan.clone(), keys: Vec::new() }) }
    }

    fn push_through_union(&mut self, union: &Union) -> Result<Rows> {
        let name = self.names.next("domain");
        let mut all: Option<LogicalPlanBuilder> = None;
        let mut width = 0;
        for input in &union.inputs {
            let Rows { plan, keys } = self.rows(input)?;
            width = keys.len();
            let named = keys.iter().enumerate().map(|(at, key)| col(key.clone()).alias(format!("{name}_{at}")));
            let exprs: Vec<Expr> = named.chain(column_exprs(&input.schema().columns())).collect();
            let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
            all = Some(match all {
                None => LogicalPlanBuilder::from(plan),
                Some(before) => before.union(plan)?,
            });
        }
        let Some(all) = all else { return plan_err!("a union of nothing") };
        let made = all.schema().columns();
        let keys: Vec<Column> = (0..width).map(|at| Column::new_unqualified(format!("{name}_{at}"))).collect();
        let mut exprs: Vec<Expr> =
            made.iter().zip(&keys).map(|(column, key)| col(column.clone()).alias(&key.name)).collect();
        let named = made.iter().skip(width).zip(union.schema.columns());
        exprs.extend(named.map(|(column, was)| col(column.clone()).alias_qualified(was.relation, was.name)));
        Ok(Rows { plan: all.project(exprs)?.build()?, keys })
    }
}

fn coalesce_default(value: Expr, default: ScalarValue) -> Result<Expr> {
    when(value.clone().is_null(), lit(default)).otherwise(value)
}

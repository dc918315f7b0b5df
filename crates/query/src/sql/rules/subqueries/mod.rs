//! Rewrites subqueries in expressions and `LATERAL` ones into joins and aggregates. The engine's own decorrelation
//! ignores nulls, empty groups, or the operators above a correlated filter in many shapes. Only a condition that is
//! just `x IN (SELECT ...)` and scalar subqueries without outer columns are left to it.

mod dependent_join;
mod domain;
mod grouping_sets;
mod outer_columns;
mod single_value;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::{count, first_value};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Expr, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, SubqueryAlias, binary_expr, col,
    lit, not, when,
};

use self::dependent_join::{DependentJoin, Rows, all_null_safe_equal};
use self::domain::{Domain, is_repeatable};
use self::outer_columns::{find_lateral_subquery, outer_columns, subquery_of, with_plan};
use self::single_value::single_value;

/// Generates names that are unique in a statement, and records the tables that the statement reads.
struct Names {
    last: usize,
    read: ReadTables,
}

/// Plans that are known to be repeatable, or not to be.
#[derive(Default)]
struct ReadTables {
    /// Our own views, which are.
    views: Vec<LogicalPlan>,
    /// The names of recursive queries, which have other rows in each step.
    recursive: Vec<String>,
}

impl Names {
    fn next(&mut self, kind: &str) -> String {
        self.last += 1;
        format!("__{kind}_{}", self.last)
    }
}

/// Returns the plan without the subqueries that the engine may answer wrongly.
///
/// # Errors
/// If a subquery cannot be rewritten.
pub(super) fn rewrite(plan: LogicalPlan, views: Vec<LogicalPlan>) -> Result<Transformed<LogicalPlan>> {
    let rewritten = unnest(plan, &mut Names { last: 0, read: ReadTables { views, recursive: Vec::new() } })?;
    if rewritten.transformed
        && let Some(column) = outer_columns(&rewritten.data)?.first()
    {
        return plan_err!(
            "the subquery refers to {column}, which is not a column of the query next around it; use a JOIN"
        );
    }
    Ok(rewritten)
}

fn unnest(plan: LogicalPlan, names: &mut Names) -> Result<Transformed<LogicalPlan>> {
    plan.transform_down(|node| {
        if is_view(&node, &names.read.views) {
            return Ok(Transformed::new(node, false, TreeNodeRecursion::Jump));
        }
        if let LogicalPlan::RecursiveQuery(query) = &node {
            names.read.recursive.push(query.name.clone());
        }
        if let LogicalPlan::Join(join) = &node
            && find_lateral_subquery(&join.right).is_some()
        {
            return unnest_lateral(join, names).map(Transformed::yes);
        }
        if !node.expressions().iter().any(has_subquery) {
            return Ok(Transformed::no(node));
        }
        match node {
            LogicalPlan::Filter(Filter { predicate, input, .. }) => unnest_filter(&predicate, &input, names),
            LogicalPlan::Join(join) => unnest_join(join, names),
            LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Sort(_) | LogicalPlan::Window(_) => {
                unnest_expressions(&node, names)
            }
            _ => plan_err!("a subquery is not supported here; write it in the SELECT list or in WHERE"),
        }
        .map(Transformed::yes)
    })
}

/// Returns whether a plan is one of our views.
fn is_view(plan: &LogicalPlan, views: &[LogicalPlan]) -> bool {
    matches!(plan, LogicalPlan::SubqueryAlias(alias) if views.contains(&alias.input))
}

/// Returns whether an expression contains a subquery.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|part| Ok(subquery_of(part).is_some())).unwrap_or(true)
}

/// Returns whether a condition is an `IN` that the engine answers correctly: rows for which it is null or false are
/// dropped.
fn is_semi_join(condition: &Expr) -> Result<bool> {
    let Expr::InSubquery(InSubquery { expr, subquery, negated: false }) = condition else { return Ok(false) };
    Ok(!has_subquery(expr) && expr.any_column_refs() && outer_columns(&subquery.subquery)?.is_empty())
}

/// Returns whether the outer columns of an `EXISTS` are in its filters only. The engine answers such a semi-join
/// correctly, and runs the outer query once.
fn is_anti_or_semi_join(exists: &Exists) -> Result<bool> {
    let mut plan = exists.subquery.subquery.as_ref();
    loop {
        if plan.expressions().iter().any(has_subquery) {
            return Ok(false);
        }
        plan = match plan {
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Projection(projection) if !projection.expr.iter().any(Expr::contains_outer) => {
                &projection.input
            }
            other => return Ok(outer_columns(other)?.is_empty()),
        };
    }
}

fn unnest_filter(predicate: &Expr, input: &Arc<LogicalPlan>, names: &mut Names) -> Result<LogicalPlan> {
    let mut unnester = Unnester::new(input, names);
    let mut conditions = Vec::new();
    for condition in split_conjunction_owned(predicate.clone()) {
        conditions.push(match condition {
            Expr::InSubquery(mut within) if is_semi_join(&Expr::InSubquery(within.clone()))? => {
                within.subquery = unnester.keep_subquery(&within.subquery)?;
                Expr::InSubquery(within)
            }
            Expr::Exists(exists) if is_anti_or_semi_join(&exists)? => {
                match unnester.rewrite_subqueries(Expr::Exists(exists.clone())) {
                    Ok(condition) => condition,
                    Err(_) => Expr::Exists(Exists::new(unnester.keep_subquery(&exists.subquery)?, exists.negated)),
                }
            }
            condition => unnester.rewrite_subqueries(condition)?,
        });
    }
    let plan = LogicalPlan::Filter(Filter::try_new(
        conjunction(conditions).unwrap_or_else(|| lit(true)),
        Arc::new(unnester.joined),
    )?);
    with_columns_of(plan, input)
}

/// Projects a plan to the columns of another.
fn with_columns_of(plan: LogicalPlan, other: &LogicalPlan) -> Result<LogicalPlan> {
    if plan.schema().columns() == other.schema().columns() {
        return Ok(plan);
    }
    LogicalPlanBuilder::from(plan).project(other.schema().columns().into_iter().map(Expr::Column))?.build()
}

fn unnest_join(mut join: Join, names: &mut Names) -> Result<LogicalPlan> {
    if join.join_type != JoinType::Inner {
        return plan_err!(
            "a subquery is not supported in the ON of an outer join; write it in WHERE, or join a query that has it as a column"
        );
    }
    let Some(filter) = join.filter.take() else {
        return plan_err!("a subquery is not supported in a join here; write it in WHERE");
    };
    unnest_filter(&filter, &Arc::new(LogicalPlan::Join(join)), names)
}

fn unnest_expressions(node: &LogicalPlan, names: &mut Names) -> Result<LogicalPlan> {
    let [input] = node.inputs()[..] else { return plan_err!("a subquery is not supported here; write it in WHERE") };
    let wider = if matches!(node, LogicalPlan::Sort(_)) { with_outer_columns(node, input)? } else { None };
    let input = wider.as_ref().unwrap_or(input);
    let mut unnester = Unnester::new(input, names);
    let preserver = NamePreserver::new(node);
    let is_sort = matches!(node, LogicalPlan::Sort(_));
    let mut exprs = Vec::new();
    for expr in node.expressions() {
        let name = preserver.save(&expr);
        let rewritten = unnester.rewrite_subqueries(expr)?;
        exprs.push(if is_sort { rewritten } else { name.restore(rewritten) });
    }
    let plan = node.with_new_exprs(exprs, vec![unnester.joined])?;
    match node {
        LogicalPlan::Sort(_) | LogicalPlan::Window(_) => with_columns_of(plan, node),
        _ => Ok(plan),
    }
}

/// Adds the columns that a subquery in `ORDER BY` refers to and the `SELECT` list lacks.
fn with_outer_columns(sort: &LogicalPlan, input: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Projection(projection) = input else { return Ok(None) };
    let mut exprs = projection.expr.clone();
    for expr in sort.expressions() {
        expr.apply(|part| {
            if let Some(subquery) = subquery_of(part) {
                for column in outer_columns(&subquery.subquery)? {
                    let is_left_out =
                        !input.schema().has_column(&column) && projection.input.schema().has_column(&column);
                    if is_left_out && !exprs.contains(&Expr::Column(column.clone())) {
                        exprs.push(Expr::Column(column));
                    }
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    if exprs.len() == projection.expr.len() {
        return Ok(None);
    }
    LogicalPlanBuilder::from(projection.input.as_ref().clone()).project(exprs)?.build().map(Some)
}

/// Rewrites a join with a `LATERAL` subquery into one without.
fn unnest_lateral(join: &Join, names: &mut Names) -> Result<LogicalPlan> {
    let Some(subquery) = find_lateral_subquery(&join.right) else { return Ok(LogicalPlan::Join(join.clone())) };
    let mut outer = outer_columns(&subquery.subquery)?;
    outer.retain(|column| join.left.schema().has_column(column));
    let domain = Domain::new(&join.left, outer.iter().cloned().map(Expr::Column).collect(), &names.read)?;
    let Rows { mut plan, mut keys } =
        DependentJoin { outer: &outer, domain: &domain, names }.rows(&subquery.subquery)?;
    if let LogicalPlan::SubqueryAlias(SubqueryAlias { alias, .. }) = join.right.as_ref() {
        plan = LogicalPlanBuilder::from(plan).alias(alias.clone())?.build()?;
        keys = keys.into_iter().map(|key| Column::new(Some(alias.clone()), key.name)).collect();
    }
    let outer: Vec<Expr> = outer.into_iter().map(Expr::Column).collect();
    let filter = all_null_safe_equal(&outer, &keys).into_iter().chain(join.filter.clone()).reduce(Expr::and);
    let joined = Join::try_new(
        Arc::clone(&join.left),
        Arc::new(plan),
        join.on.clone(),
        filter,
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    LogicalPlanBuilder::from(LogicalPlan::Join(joined))
        .project(join.schema.columns().into_iter().map(Expr::Column))?
        .build()
}

/// Replaces the subqueries in the expressions of a node by columns joined to its input.
struct Unnester<'a> {
    /// The original input.
    input: &'a LogicalPlan,
    /// The input with the rewritten subqueries joined to it.
    joined: LogicalPlan,
    names: &'a mut Names,
    /// Subqueries that were rewritten already, by the original expression.
    rewritten: Vec<(Expr, Expr)>,
}

impl<'a> Unnester<'a> {
    fn new(input: &'a LogicalPlan, names: &'a mut Names) -> Self {
        Self { input, joined: input.clone(), names, rewritten: Vec::new() }
    }

    fn rewrite_subqueries(&mut self, expr: Expr) -> Result<Expr> {
        let rewritten = expr.transform_up(|part| {
            if subquery_of(&part).is_none() {
                return Ok(Transformed::no(part));
            }
            if let Some((_, known)) = self.rewritten.iter().find(|(expr, _)| *expr == part) {
                return Ok(Transformed::yes(known.clone()));
            }
            let was = part.clone();
            let now = match part {
                Expr::Exists(Exists { subquery, negated }) => {
                    let exists = self.rewrite_exists(&subquery)?;
                    if negated { not(exists) } else { exists }
                }
                Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                    let within = self.rewrite_in(&expr, &subquery)?;
                    if negated { not(within) } else { within }
                }
                Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => match (op, quantifier) {
                    (Operator::Eq, SetQuantifier::Any) => self.rewrite_in(&expr, &subquery)?,
                    (Operator::NotEq, SetQuantifier::All) => not(self.rewrite_in(&expr, &subquery)?),
                    (op, quantifier) => self.rewrite_set_comparison(&expr, op, quantifier, &subquery)?,
                },
                Expr::ScalarSubquery(subquery) => self.rewrite_scalar(&subquery)?,
                part => part,
            };
            self.rewritten.push((was, now.clone()));
            Ok(Transformed::yes(now))
        })?;
        Ok(rewritten.data)
    }

    /// Returns the outer columns of a subquery, which must be columns of the input.
    fn find_outer_columns(&self, plan: &LogicalPlan) -> Result<Vec<Column>> {
        let outer = outer_columns(plan)?;
        match outer.iter().find(|column| !self.input.schema().has_column(column)) {
            Some(column) => plan_err!(
                "the subquery refers to {column}, which is not a column of the query next around it; use a JOIN"
            ),
            None => Ok(outer),
        }
    }

    /// Returns a subquery that is left to the engine.
    fn keep_subquery(&mut self, subquery: &Subquery) -> Result<Subquery> {
        Ok(with_plan(subquery, unnest(subquery.subquery.as_ref().clone(), self.names)?.data))
    }

    /// Returns the rows of a subquery for each value of its outer columns and of `more`.
    fn rows(&mut self, plan: &LogicalPlan, outer: &[Column], more: Vec<Expr>) -> Result<Rows> {
        let values: Vec<Expr> = outer.iter().cloned().map(Expr::Column).chain(more).collect();
        if values.is_empty() {
            return Ok(Rows { plan: plan.clone(), keys: Vec::new() });
        }
        let domain = Domain::new(self.input, values, &self.names.read)?;
        DependentJoin { outer, domain: &domain, names: self.names }.rows(plan)
    }

    /// Left-joins a plan to the input and returns its columns. Its first columns are equal to `values`; its last one
    /// is equal to `found`, if given. At most one row may match.
    fn join(&mut self, plan: LogicalPlan, values: &[Expr], found: Option<&Expr>) -> Result<Vec<Column>> {
        let name = self.names.next("found");
        let plan = LogicalPlanBuilder::from(plan).alias(name.as_str())?.build()?;
        let columns = plan.schema().columns();
        let is_found = found.map(|value| last_column(&columns).eq(value.clone()));
        let condition = all_null_safe_equal(values, &columns).into_iter().chain(is_found).reduce(Expr::and);
        let builder = LogicalPlanBuilder::from(self.joined.clone());
        self.joined = match condition {
            Some(condition) => builder.join_on(plan, JoinType::Left, [condition])?.build()?,
            None => builder.cross_join(plan)?.build()?,
        };
        Ok(columns)
    }

    fn rewrite_exists(&mut self, subquery: &Subquery) -> Result<Expr> {
        let outer = self.find_outer_columns(&subquery.subquery)?;
        let Rows { plan, keys } = self.rows(&subquery.subquery, &outer, Vec::new())?;
        let name = self.names.next("rows");
        let plan = if keys.is_empty() { LogicalPlanBuilder::from(plan).limit(0, Some(1))?.build()? } else { plan };
        let keys: Vec<Expr> = keys.into_iter().map(Expr::Column).collect();
        let counted =
            LogicalPlanBuilder::from(plan).aggregate(keys.clone(), [count(lit(1_i64)).alias(&name)])?.build()?;
        let values: Vec<Expr> = outer.into_iter().map(Expr::Column).collect();
        let columns = self.join(counted, &values, None)?;
        let rows = last_column(&columns);
        Ok(if keys.is_empty() { rows.gt(lit(0_i64)) } else { rows.is_not_null() })
    }

    /// Rewrites `x IN (SELECT y ...)`: true if a `y` equals `x`; false if there are no rows; null if `x` or a `y` is
    /// null; else false.
    fn rewrite_in(&mut self, x: &Expr, subquery: &Subquery) -> Result<Expr> {
        if !is_repeatable(&subquery.subquery, &self.names.read)? {
            return self.rewrite_set_comparison(x, Operator::Eq, SetQuantifier::Any, subquery);
        }
        let outer = self.find_outer_columns(&subquery.subquery)?;
        let Rows { plan, keys } = self.rows(&subquery.subquery, &outer, Vec::new())?;
        let keys: Vec<Expr> = keys.into_iter().map(Expr::Column).collect();
        let values: Vec<Expr> = outer.into_iter().map(Expr::Column).collect();
        let (value, all, known) = (self.names.next("value"), self.names.next("rows"), self.names.next("known"));
        let mut exprs = keys.clone();
        exprs.push(single_column(&subquery.subquery)?.alias(&value));
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        let value = col(Column::new_unqualified(value));
        let counts = [count(lit(1_i64)).alias(&all), count(value.clone()).alias(&known)];
        let counted = LogicalPlanBuilder::from(plan.clone()).aggregate(keys.clone(), counts)?.build()?;
        let columns = self.join(counted, &values, None)?;
        let (known, all) = (last_column(&columns), last_column(&columns[..columns.len().saturating_sub(1)]));
        let distinct = LogicalPlanBuilder::from(plan).filter(value.clone().is_not_null())?.distinct()?.build()?;
        let columns = self.join(distinct, &values, Some(x))?;
        let found = last_column(&columns);
        when(found.is_not_null(), lit(true))
            .when(all.clone().is_null().or(all.clone().eq(lit(0_i64))), lit(false))
            .when(x.clone().is_null().or(known.lt(all)), lit(ScalarValue::Boolean(None)))
            .otherwise(lit(false))
    }

    /// Rewrites `x < ANY (SELECT y ...)` and `x < ALL (SELECT y ...)`, by counting the `y` for which it is true and
    /// null.
    fn rewrite_set_comparison(
        &mut self,
        x: &Expr,
        op: Operator,
        quantifier: SetQuantifier,
        subquery: &Subquery,
    ) -> Result<Expr> {
        let outer = self.find_outer_columns(&subquery.subquery)?;
        let y = single_column(&subquery.subquery)?;
        if let Some(column) = x.column_refs().into_iter().find(|column| !self.input.schema().has_column(column)) {
            return plan_err!("{op} ANY or ALL cannot compare {column}, another subquery; write that one in a WITH");
        }
        let Rows { plan, keys } = self.rows(&subquery.subquery, &outer, vec![x.clone()])?;
        let Some(value) = keys.last().cloned() else { return plan_err!("a comparison without a value") };
        let is_true = binary_expr(col(value), op, y);
        let of =
            |condition: Expr| Ok::<_, datafusion::error::DataFusionError>(count(when(condition, lit(1_i64)).end()?));
        let (all, yes, unknown) = (self.names.next("rows"), self.names.next("true"), self.names.next("unknown"));
        let counts =
            [count(lit(1_i64)).alias(all), of(is_true.clone())?.alias(yes), of(is_true.is_null())?.alias(unknown)];
        let keys: Vec<Expr> = keys.into_iter().map(Expr::Column).collect();
        let counted = LogicalPlanBuilder::from(plan).aggregate(keys, counts)?.build()?;
        let values: Vec<Expr> = outer.into_iter().map(Expr::Column).chain([x.clone()]).collect();
        let columns = self.join(counted, &values, None)?;
        let [.., all, yes, unknown] = columns.as_slice() else { return plan_err!("counts without columns") };
        let (all, yes, unknown) = (col(all.clone()), col(yes.clone()), col(unknown.clone()));
        let null = lit(ScalarValue::Boolean(None));
        match quantifier {
            SetQuantifier::Any => when(all.is_null(), lit(false))
                .when(yes.gt(lit(0_i64)), lit(true))
                .when(unknown.gt(lit(0_i64)), null)
                .otherwise(lit(false)),
            SetQuantifier::All => when(all.clone().is_null(), lit(true))
                .when((yes + unknown.clone()).lt(all), lit(false))
                .when(unknown.gt(lit(0_i64)), null)
                .otherwise(lit(true)),
        }
    }

    fn rewrite_scalar(&mut self, subquery: &Subquery) -> Result<Expr> {
        let outer = self.find_outer_columns(&subquery.subquery)?;
        if outer.is_empty() {
            return Ok(Expr::ScalarSubquery(self.keep_subquery(subquery)?));
        }
        let Rows { plan, keys } = self.rows(&subquery.subquery, &outer, Vec::new())?;
        let keys: Vec<Expr> = keys.into_iter().map(Expr::Column).collect();
        let (name, rows) = (self.names.next("value"), self.names.next("rows"));
        let value = single_column(&subquery.subquery)?;
        let is_single = is_single_row(&subquery.subquery);
        let builder = LogicalPlanBuilder::from(plan);
        let plan = if is_single {
            builder.project(keys.into_iter().chain([value.alias(name)]))?.build()?
        } else {
            let first = first_value(value, Vec::new()).alias(name);
            builder.aggregate(keys, [count(lit(1_i64)).alias(rows), first])?.build()?
        };
        let values: Vec<Expr> = outer.into_iter().map(Expr::Column).collect();
        let columns = self.join(plan, &values, None)?;
        let value = last_column(&columns);
        if is_single {
            return Ok(value);
        }
        Ok(single_value(last_column(&columns[..columns.len().saturating_sub(1)]), value))
    }
}

fn last_column(columns: &[Column]) -> Expr {
    columns.last().map_or_else(|| lit(ScalarValue::Null), |column| col(column.clone()))
}

fn single_column(plan: &LogicalPlan) -> Result<Expr> {
    match plan.schema().columns().as_slice() {
        [column] => Ok(col(column.clone())),
        columns => plan_err!("a subquery used as a value must have one column, not {}", columns.len()),
    }
}

/// Returns whether a plan returns at most one row for any content of its tables.
fn is_single_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Limit(limit) => {
            matches!(limit.get_fetch_type(), Ok(datafusion::logical_expr::FetchType::Literal(Some(0 | 1))))
                || is_single_row(&limit.input)
        }
        LogicalPlan::Projection(projection) => is_single_row(&projection.input),
        LogicalPlan::Filter(filter) => is_single_row(&filter.input),
        LogicalPlan::Sort(sort) => is_single_row(&sort.input),
        LogicalPlan::SubqueryAlias(alias) => is_single_row(&alias.input),
        LogicalPlan::Distinct(datafusion::logical_expr::Distinct::All(input)) => is_single_row(input),
        LogicalPlan::EmptyRelation(_) => true,
        _ => false,
    }
}

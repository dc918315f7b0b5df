//! Floating-point numbers are equal and ordered as in PostgreSQL and DuckDB: `-0.0` is `0.0`, and every NaN is one value,
//! above infinity. The engine compares zeros so, but not in `CASE x WHEN`, `NULLIF`, long `IN` lists, orders and
//! partitions; a NaN with a sign, which `0.0 / 0.0` has, is another one to it, below every number.

mod comparable;
mod extremes;
mod plain;
mod sliding;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::expr::{
    AggregateFunction, Case, InList, InSubquery, ScalarFunction, WindowFunction, WindowFunctionDefinition,
};
use datafusion::logical_expr::{
    AggregateUDF, Between, BinaryExpr, Distinct, Expr, ExprSchemable as _, GroupingSet, LogicalPlan, Operator,
    Projection, SortExpr, Subquery, lit,
};
use datafusion::optimizer::AnalyzerRule;

use self::comparable::comparable_float;
use self::extremes::Extreme;
use self::plain::is_plain;
use self::sliding::{AGGREGATES, Sliding};
use crate::sql::expressions::{input_schema, rewrite_expressions};

/// Functions that compare or keep values which are compared later.
const COMPARING_FUNCTIONS: [&str; 8] =
    ["array_has", "array_position", "array_positions", "array_remove", "greatest", "least", "make_array", "nullif"];

/// Returns the session with this comparison of floating-point numbers.
pub(crate) fn with_comparable_floats(mut session: SessionStateBuilder) -> SessionStateBuilder {
    if let Some(functions) = session.aggregate_functions() {
        for function in functions.iter_mut() {
            let of = Arc::clone(function);
            match function.name() {
                "min" | "max" => *function = Arc::new(AggregateUDF::new_from_impl(Extreme::new(of))),
                name if AGGREGATES.contains(&name) => {
                    *function = Arc::new(AggregateUDF::new_from_impl(Sliding::new(of)));
                }
                _ => {}
            }
        }
    }
    session.with_analyzer_rule(Arc::new(CompareFloats))
}

/// Puts comparable numbers into comparisons, orders and keys, once the types are known.
#[derive(Debug)]
struct CompareFloats;

impl AnalyzerRule for CompareFloats {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite_step).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "compare_floats"
    }
}

fn rewrite_step(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let step = Step { schema: input_schema(&plan)?, inputs: plan.inputs().into_iter().cloned().collect() };
    let plan = rewrite_expressions(plan, |expr| step.rewrite_comparison(expr))?;
    let plan = plan.transform_data(|plan| step.rewrite_keys(plan))?;
    if plan.transformed { plan.map_data(LogicalPlan::recompute_schema) } else { Ok(plan) }
}

fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float64 | DataType::Float32)
}

/// The columns that the expressions of a step can name.
struct Step {
    schema: DFSchema,
    inputs: Vec<LogicalPlan>,
}

impl Step {
    fn is_float(&self, expr: &Expr) -> bool {
        expr.get_type(&self.schema).is_ok_and(|kind| is_float(&kind))
    }

    /// Returns a number without a signed zero or NaN.
    fn make_comparable(&self, expr: Expr) -> Expr {
        if self.is_float(&expr) { comparable_float(expr) } else { expr }
    }

    /// Returns a number without a signed NaN: where the engine compares zeros correctly, a stored column stays as it
    /// is, so that its statistics still decide which files are read.
    fn make_comparable_if_needed(&self, expr: Expr) -> Expr {
        if self.is_float(&expr) && !is_plain(&expr, &self.inputs) { comparable_float(expr) } else { expr }
    }

    fn rewrite_comparison(&self, expr: Expr) -> Result<Transformed<Expr>> {
        let boxed = |expr: Box<Expr>| Box::new(self.make_comparable_if_needed(*expr));
        let changed = match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) && self.is_float(&left) => {
                Expr::BinaryExpr(BinaryExpr::new(boxed(left), op, boxed(right)))
            }
            Expr::Between(Between { expr, negated, low, high }) if self.is_float(&expr) => {
                Expr::Between(Between::new(boxed(expr), negated, boxed(low), boxed(high)))
            }
            Expr::InList(list) if self.is_float(&list.expr) => Expr::InList(self.rewrite_list(list)),
            Expr::InSubquery(InSubquery { expr, subquery, negated }) if self.is_float(&expr) => {
                let subquery = Subquery { subquery: make_columns_comparable(subquery.subquery)?, ..subquery };
                Expr::InSubquery(InSubquery::new(boxed(expr), subquery, negated))
            }
            Expr::Case(Case { expr: Some(of), when_then_expr, else_expr }) if self.is_float(&of) => {
                let whens = when_then_expr.into_iter();
                let whens = whens.map(|(when, then)| (Box::new(self.make_comparable(*when)), then)).collect();
                Expr::Case(Case::new(Some(Box::new(self.make_comparable(*of))), whens, else_expr))
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) if COMPARING_FUNCTIONS.contains(&func.name()) => {
                let args = args.into_iter().map(|arg| self.make_comparable(arg)).collect();
                Expr::ScalarFunction(ScalarFunction { func, args })
            }
            Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
                if params.distinct || matches!(func.name(), "min" | "max" | "array_agg") {
                    params.args = params.args.into_iter().map(|arg| self.make_comparable_if_needed(arg)).collect();
                }
                params.order_by = self.rewrite_order(params.order_by);
                Expr::AggregateFunction(AggregateFunction { func, params })
            }
            Expr::WindowFunction(window) => Expr::WindowFunction(Box::new(self.rewrite_window(*window))),
            expr => return Ok(Transformed::no(expr)),
        };
        Ok(Transformed::yes(changed))
    }

    /// Returns a list that has both zeros where it has one, so that a column is compared as it is stored.
    fn rewrite_list(&self, InList { expr, list, negated }: InList) -> InList {
        let zero = |item: &Expr| match item {
            Expr::Literal(ScalarValue::Float64(Some(number)), _) => Some(*number == 0.0),
            Expr::Literal(ScalarValue::Float32(Some(number)), _) => Some(*number == 0.0),
            Expr::Literal(..) => Some(false),
            _ => None,
        };
        let zeros: Option<Vec<bool>> = list.iter().map(zero).collect();
        match zeros {
            Some(zeros) if is_plain(&expr, &self.inputs) => {
                let mut list: Vec<Expr> = list.into_iter().map(|item| self.make_comparable_if_needed(item)).collect();
                if zeros.contains(&true) {
                    let is_single = expr.get_type(&self.schema).is_ok_and(|kind| kind == DataType::Float32);
                    list.extend(if is_single { [lit(0.0_f32), lit(-0.0_f32)] } else { [lit(0.0_f64), lit(-0.0_f64)] });
                }
                InList::new(expr, list, negated)
            }
            _ => {
                let list = list.into_iter().map(|item| self.make_comparable(item)).collect();
                InList::new(Box::new(self.make_comparable(*expr)), list, negated)
            }
        }
    }

    fn rewrite_window(&self, WindowFunction { fun, mut params }: WindowFunction) -> WindowFunction {
        let is_extreme =
            matches!(&fun, WindowFunctionDefinition::AggregateUDF(_)) && matches!(fun.name(), "min" | "max");
        if params.distinct || is_extreme {
            params.args = params.args.into_iter().map(|arg| self.make_comparable_if_needed(arg)).collect();
        }
        params.partition_by = params.partition_by.into_iter().map(|key| self.make_comparable(key)).collect();
        params.order_by = self.rewrite_order(params.order_by);
        WindowFunction { fun, params }
    }

    fn rewrite_order(&self, keys: Vec<SortExpr>) -> Vec<SortExpr> {
        keys.into_iter().map(|key| SortExpr { expr: self.make_comparable(key.expr), ..key }).collect()
    }

    /// Rewrites the keys of a step, which no comparison expresses.
    fn rewrite_keys(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Sort(mut sort) if sort.expr.iter().any(|key| self.is_float(&key.expr)) => {
                sort.expr = self.rewrite_order(sort.expr);
                Ok(Transformed::yes(LogicalPlan::Sort(sort)))
            }
            LogicalPlan::Join(mut join) if join.on.iter().any(|(left, _)| self.is_float(left)) => {
                let keys = join.on.into_iter();
                join.on = keys
                    .map(|(left, right)| (self.make_comparable_if_needed(left), self.make_comparable_if_needed(right)))
                    .collect();
                Ok(Transformed::yes(LogicalPlan::Join(join)))
            }
            LogicalPlan::Aggregate(mut aggregate) => {
                let keys = aggregate.group_expr.clone().into_iter().map(|key| self.rewrite_group_key(key));
                let keys: Vec<Expr> = keys.collect();
                if keys == aggregate.group_expr {
                    return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
                }
                aggregate.group_expr = keys;
                Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
            }
            LogicalPlan::Distinct(Distinct::On(mut distinct)) => {
                distinct.on_expr = distinct.on_expr.into_iter().map(|key| self.make_comparable(key)).collect();
                distinct.sort_expr = distinct.sort_expr.map(|keys| self.rewrite_order(keys));
                Ok(Transformed::yes(LogicalPlan::Distinct(Distinct::On(distinct))))
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let comparable = make_columns_comparable(Arc::clone(&input))?;
                let changed = !Arc::ptr_eq(&comparable, &input);
                let plan = LogicalPlan::Distinct(Distinct::All(comparable));
                Ok(if changed { Transformed::yes(plan) } else { Transformed::no(plan) })
            }
            plan => Ok(Transformed::no(plan)),
        }
    }

    /// Returns a key of groups under its own name.
    fn rewrite_group_key(&self, key: Expr) -> Expr {
        match key {
            Expr::GroupingSet(sets) => Expr::GroupingSet(match sets {
                GroupingSet::Rollup(keys) => {
                    GroupingSet::Rollup(keys.into_iter().map(|key| self.rewrite_group_key(key)).collect())
                }
                GroupingSet::Cube(keys) => {
                    GroupingSet::Cube(keys.into_iter().map(|key| self.rewrite_group_key(key)).collect())
                }
                GroupingSet::GroupingSets(sets) => {
                    let grouped = |keys: Vec<Expr>| keys.into_iter().map(|key| self.rewrite_group_key(key)).collect();
                    GroupingSet::GroupingSets(sets.into_iter().map(grouped).collect())
                }
            }),
            key if !self.is_float(&key) || is_plain(&key, &self.inputs) => key,
            key => {
                let (relation, name) = key.qualified_name();
                comparable_float(key).alias_qualified(relation, name)
            }
        }
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Returns a plan whose floating-point columns have no signed NaN; the plan itself where they have none.
fn make_columns_comparable(input: Arc<LogicalPlan>) -> Result<Arc<LogicalPlan>> {
    let inputs = [input.as_ref().clone()];
    let mut changed = false;
    let columns = input.schema().iter().map(|(relation, field)| {
        let column = Expr::Column(Column::new(relation.cloned(), field.name()));
        if !is_float(field.data_type()) || is_plain(&column, &inputs) {
            return column;
        }
        changed = true;
        comparable_float(column).alias_qualified(relation.cloned(), field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    if !changed {
        return Ok(input);
    }
    Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(columns, input)?)))
}

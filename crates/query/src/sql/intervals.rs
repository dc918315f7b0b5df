//! Intervals are compared by their length. The engine compares their months, then their days, then their nanoseconds, so that
//! `closed_at - occurred_at > INTERVAL '1 day'` holds for nothing: a difference of times has nanoseconds only. As in
//! PostgreSQL and DuckDB, a day has 24 hours here and a month 30 days.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray as _, Decimal128Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InList, ScalarFunction, WindowFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Sort, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::functions::duration_part::{DATE_PART, part_of_duration};
use crate::sql::expressions::{input_schema, rewrite_expressions};

const DAYS_PER_MONTH: i128 = 30;
const NANOS_PER_DAY: i128 = 86_400_000_000_000;
/// Digits that hold the nanoseconds of every interval.
const LENGTH_DIGITS: u8 = 38;
const LENGTH: DataType = DataType::Decimal128(LENGTH_DIGITS, 0);

/// Replaces intervals in comparisons and orders by their lengths, once the types of both sides are known. Other orders
/// of intervals are rejected.
#[derive(Debug)]
pub(crate) struct CompareIntervals;

impl AnalyzerRule for CompareIntervals {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite_step).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "compare_intervals"
    }
}

fn rewrite_step(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = input_schema(&plan)?;
    let plan = rewrite_expressions(plan, |expr| rewrite_comparison(expr, &schema))?;
    let plan = plan.transform_data(|plan| rewrite_order(plan, &schema))?;
    if plan.transformed { plan.map_data(LogicalPlan::recompute_schema) } else { Ok(plan) }
}

fn is_duration(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|kind| matches!(kind, DataType::Duration(_)))
}

fn is_interval(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|kind| matches!(kind, DataType::Interval(_)))
}

fn rewrite_comparison(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let is_interval = |expr: &Expr| is_interval(expr, schema);
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_comparison(op) && is_interval(&left) && is_interval(&right) =>
        {
            let rewrite_comparison =
                BinaryExpr::new(Box::new(interval_length(*left)), op, Box::new(interval_length(*right)));
            Ok(Transformed::yes(Expr::BinaryExpr(rewrite_comparison)))
        }
        Expr::Between(Between { expr, negated, low, high }) if is_interval(&expr) => {
            let [expr, low, high] = [expr, low, high].map(|expr| Box::new(interval_length(*expr)));
            Ok(Transformed::yes(Expr::Between(Between::new(expr, negated, low, high))))
        }
        Expr::InList(InList { expr, list, negated }) if is_interval(&expr) => {
            let list = list.into_iter().map(interval_length).collect();
            Ok(Transformed::yes(Expr::InList(InList::new(Box::new(interval_length(*expr)), list, negated))))
        }
        Expr::AggregateFunction(call) if call.params.distinct && call.params.args.iter().any(is_interval) => {
            refuse_order(&format!("{}(DISTINCT ...) of intervals", call.func.name()))
        }
        Expr::AggregateFunction(call)
            if matches!(call.func.name(), "min" | "max") && call.params.args.iter().any(is_interval) =>
        {
            refuse_order(&format!("{} of intervals", call.func.name()))
        }
        Expr::ScalarFunction(call)
            if matches!(call.func.name(), "greatest" | "least") && call.args.iter().any(is_interval) =>
        {
            refuse_order(&format!("{} of intervals", call.func.name()))
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == DATE_PART => {
            let ours = match args.as_slice() {
                [part, of] if is_duration(of, schema) => part_of_duration(part, of)?,
                _ => None,
            };
            let engines = || Expr::ScalarFunction(ScalarFunction { func, args });
            Ok(ours.map_or_else(|| Transformed::no(engines()), Transformed::yes))
        }
        Expr::WindowFunction(window) if orders_intervals(&window, schema) => refuse_order("a window over intervals"),
        expr => Ok(Transformed::no(expr)),
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

fn orders_intervals(window: &WindowFunction, schema: &DFSchema) -> bool {
    let compares =
        matches!(window.fun.name(), "min" | "max") && window.params.args.iter().any(|arg| is_interval(arg, schema));
    compares || window.params.order_by.iter().any(|order| is_interval(&order.expr, schema))
}

fn refuse_order<T>(what: &str) -> Result<T> {
    plan_err!(
        "{what}: intervals are neither ordered nor grouped here, since a month has no fixed length; use date_part('epoch', x), or a difference of times, which has one"
    )
}

fn rewrite_order(plan: LogicalPlan, schema: &DFSchema) -> Result<Transformed<LogicalPlan>> {
    if let LogicalPlan::Join(mut join) = plan {
        let has_intervals = join.on.iter().any(|(left, _)| is_interval(left, schema));
        if has_intervals {
            let length = |key: Expr| if is_interval(&key, schema) { interval_length(key) } else { key };
            join.on = join.on.into_iter().map(|(left, right)| (length(left), length(right))).collect();
        }
        let plan = LogicalPlan::Join(join);
        return Ok(if has_intervals { Transformed::yes(plan) } else { Transformed::no(plan) });
    }
    match &plan {
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.iter().any(|key| is_interval(key, schema)) => {
            return refuse_order("GROUP BY of intervals");
        }
        LogicalPlan::Distinct(_)
            if schema.fields().iter().any(|field| matches!(field.data_type(), DataType::Interval(_))) =>
        {
            return refuse_order("DISTINCT of intervals");
        }
        _ => {}
    }
    let LogicalPlan::Sort(Sort { mut expr, input, fetch }) = plan else { return Ok(Transformed::no(plan)) };
    let mut changed = false;
    for order in &mut expr {
        if is_interval(&order.expr, schema) {
            order.expr = interval_length(order.expr.clone());
            changed = true;
        }
    }
    let plan = LogicalPlan::Sort(Sort { expr, input, fetch });
    Ok(if changed { Transformed::yes(plan) } else { Transformed::no(plan) })
}

fn interval_length(interval: Expr) -> Expr {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(IntervalLength::new())));
    FUNCTION.call(vec![interval])
}

/// The nanoseconds of an interval.
#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalLength {
    signature: Signature,
}

impl IntervalLength {
    fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for IntervalLength {
    fn name(&self) -> &'static str {
        "interval_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(LENGTH)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [intervals] = arrays.as_slice() else { return plan_err!("interval_length takes one interval") };
        let intervals = cast(intervals, &DataType::Interval(IntervalUnit::MonthDayNano))?;
        let lengths = intervals.as_primitive::<IntervalMonthDayNanoType>().iter().map(|value| value.map(nanos));
        let lengths = lengths.collect::<Decimal128Array>().with_precision_and_scale(LENGTH_DIGITS, 0)?;
        match args.args.as_slice() {
            [ColumnarValue::Scalar(_)] => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&lengths, 0)?)),
            _ => Ok(ColumnarValue::Array(Arc::new(lengths))),
        }
    }
}

fn nanos(interval: IntervalMonthDayNano) -> i128 {
    let days = i128::from(interval.months) * DAYS_PER_MONTH + i128::from(interval.days);
    days * NANOS_PER_DAY + i128::from(interval.nanoseconds)
}

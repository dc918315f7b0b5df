//! Comparisons of timestamps of different units. The engine casts both sides to nanoseconds, even if neither has them.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, BinaryExpr, Cast, InList};
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

use crate::sql::expressions::{input_schema, rewrite_expressions};

/// Compares in microseconds where every side is cast to nanoseconds.
#[derive(Debug)]
pub(super) struct ComparedInMicroseconds;

impl AnalyzerRule for ComparedInMicroseconds {
    fn name(&self) -> &'static str {
        "compared_in_microseconds"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|step| {
            let schema = input_schema(&step)?;
            rewrite_expressions(step, |expr| Ok(compared(expr, &schema)))
        })?;
        Ok(rewritten.data)
    }
}

fn compared(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let coarser = |expr: &Expr| in_microseconds(expr, schema);
    let found = match &expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => {
            coarser(left).zip(coarser(right)).map(|(left, right)| {
                Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op: *op, right: Box::new(right) })
            })
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            coarser(expr).zip(coarser(low).zip(coarser(high))).map(|(expr, (low, high))| {
                Expr::Between(Between {
                    expr: Box::new(expr),
                    negated: *negated,
                    low: Box::new(low),
                    high: Box::new(high),
                })
            })
        }
        Expr::InList(InList { expr, list, negated }) => {
            let list: Option<Vec<Expr>> = list.iter().map(coarser).collect();
            coarser(expr)
                .zip(list)
                .map(|(expr, list)| Expr::InList(InList { expr: Box::new(expr), list, negated: *negated }))
        }
        _ => None,
    };
    match found {
        Some(found) => Transformed::yes(found),
        None => Transformed::no(expr),
    }
}

fn is_comparison(op: Operator) -> bool {
    op.supports_propagation() || matches!(op, Operator::NotEq | Operator::IsDistinctFrom | Operator::IsNotDistinctFrom)
}

/// Returns an expression in microseconds, if it is in nanoseconds by a cast or without loss.
fn in_microseconds(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    match expr {
        Expr::Cast(Cast { expr, field }) => {
            let DataType::Timestamp(TimeUnit::Nanosecond, zone) = field.data_type() else { return None };
            let from = expr.get_type(schema).ok()?;
            let is_coarser = match &from {
                DataType::Timestamp(unit, _) => *unit != TimeUnit::Nanosecond,
                DataType::Date32
                | DataType::Date64
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Null => true,
                _ => false,
            };
            let to = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            match is_coarser {
                true if from == to => Some(expr.as_ref().clone()),
                true => Some(Expr::Cast(Cast::new(expr.clone(), to))),
                false => None,
            }
        }
        Expr::Literal(ScalarValue::TimestampNanosecond(nanos, zone), metadata) => {
            let micros = match nanos {
                Some(nanos) if nanos % 1_000 != 0 => return None,
                nanos => nanos.map(|nanos| nanos / 1_000),
            };
            Some(Expr::Literal(ScalarValue::TimestampMicrosecond(micros, zone.clone()), metadata.clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::{LogicalPlanBuilder, LogicalTableSource, cast, col};

    use super::*;

    #[test]
    fn a_filter_within_a_scan_is_compared_in_microseconds() {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let schema = Schema::new(vec![Field::new("at", micros, true), Field::new("day", DataType::Date32, true)]);
        let source = std::sync::Arc::new(LogicalTableSource::new(std::sync::Arc::new(schema)));
        let filter = cast(col("t.at"), nanos.clone()).gt(cast(col("t.day"), nanos));
        let scan = LogicalPlanBuilder::scan_with_filters("t", source, None, vec![filter]).expect("a scan");
        let plan = ComparedInMicroseconds.analyze(scan.build().expect("a plan"), &ConfigOptions::default());
        let LogicalPlan::TableScan(scan) = plan.expect("a plan") else { panic!("not a scan") };
        let shown = scan.filters.iter().map(ToString::to_string).collect::<String>();
        assert_eq!(shown, "t.at > CAST(t.day AS Timestamp(µs))");
    }
}

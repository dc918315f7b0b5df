//! Comparisons of timestamps of different units. The engine casts both sides to nanoseconds, even if neither has them.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, BinaryExpr, Cast, InList};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

/// Compares in microseconds where every side is cast to nanoseconds.
#[derive(Debug)]
pub(super) struct ComparedInMicroseconds;

impl AnalyzerRule for ComparedInMicroseconds {
    fn name(&self) -> &'static str {
        "compared_in_microseconds"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|node| {
            let schema = merge_schema(&node.inputs());
            let preserver = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = preserver.save(&expr);
                Ok(expr.transform_up(|part| Ok(compared(part, &schema)))?.update_data(|expr| name.restore(expr)))
            })
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

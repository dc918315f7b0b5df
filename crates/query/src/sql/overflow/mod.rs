//! Sums and products of integers and decimals that do not fit are errors. The engine wraps them around: the sum of a
//! column of cells is then any number, without an error.

mod arithmetic;
mod average;
mod distinct_sum;
mod grouped;
mod interval_sum;
mod precision;
mod shift;
mod sum;
mod whole_sum;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::AggregateUDF;

use self::arithmetic::CheckArithmetic;
use self::average::CheckedAverage;
pub(crate) use self::grouped::GroupedFold;
use self::sum::CheckedSum;

/// Returns the session with integer arithmetic that reports overflow instead of wrapping around.
pub(crate) fn with_checked_arithmetic(mut session: SessionStateBuilder) -> SessionStateBuilder {
    if let Some(functions) = session.aggregate_functions() {
        for function in functions.iter_mut() {
            let of = Arc::clone(function);
            match function.name() {
                "sum" => *function = Arc::new(AggregateUDF::new_from_impl(CheckedSum::new(of))),
                "avg" => *function = Arc::new(AggregateUDF::new_from_impl(CheckedAverage::new(of))),
                _ => {}
            }
        }
    }
    session.with_analyzer_rule(Arc::new(CheckArithmetic))
}

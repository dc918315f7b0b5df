//! Sums and products of whole numbers that do not fit are errors. The engine wraps them around: the sum of a column of cells
//! is then any number, and nobody is told.

mod arithmetic;
mod sum;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::AggregateUDF;

use self::arithmetic::CheckArithmetic;
use self::sum::CheckedSum;

/// The same session, in which no whole number wraps around.
pub(crate) fn checked(mut session: SessionStateBuilder) -> SessionStateBuilder {
    if let Some(functions) = session.aggregate_functions() {
        for function in functions.iter_mut().filter(|function| function.name() == "sum") {
            *function = Arc::new(AggregateUDF::new_from_impl(CheckedSum::new(Arc::clone(function))));
        }
    }
    session.with_analyzer_rule(Arc::new(CheckArithmetic))
}

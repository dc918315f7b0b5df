//! Functions whose result can be far larger than what they are given: `repeat('x', 1000000000)` would make a gigabyte that
//! no limit of memory counts. They reckon first how much they would make, and refuse what is too much.

mod function;
mod planner;
mod sizes;
mod texts;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::ScalarUDF;

use self::function::Bounded;
use self::planner::Bounding;
use self::sizes::estimate;

/// Bytes that one call may make, of a batch of rows.
pub const MOST_BYTES: u64 = 64 << 20;

/// The same session, whose functions make no more than [`MOST_BYTES`] at a time, however they are called.
pub(crate) fn bounded(mut session: SessionStateBuilder) -> SessionStateBuilder {
    if let Some(functions) = session.scalar_functions() {
        for function in functions {
            *function = within_bounds(Arc::clone(function));
        }
    }
    if let Some(planners) = session.expr_planners() {
        let bounding = Bounding::over(planners.clone());
        planners.insert(0, Arc::new(bounding));
    }
    session
}

/// The function, within bounds where it can go beyond them.
fn within_bounds(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match estimate(function.name()) {
        Some(estimate) => Arc::new(ScalarUDF::new_from_impl(Bounded::new(function, estimate))),
        None => function,
    }
}

//! Timestamps. The engine uses nanoseconds, which range from 1677 to 2262, and fails for wall-clock times in a gap or
//! an overlap of daylight saving time. Tables have microseconds; with these rules so do `TIMESTAMP`, `now()` and
//! expressions of them, as in PostgreSQL.

mod at_time_zone;
mod coercion;
mod date_bin;
mod date_trunc;
mod instant;
mod literal_offset;
mod microseconds;
mod now;
mod series;
mod ticks;
mod to_timestamp;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::ScalarUDF;

pub(super) use self::microseconds::rewrite;

/// Adds our functions and rules for timestamps to a session.
pub(super) fn with_times(mut session: SessionStateBuilder) -> SessionStateBuilder {
    if let Some(functions) = session.scalar_functions() {
        for function in functions.iter_mut() {
            let of = Arc::clone(function);
            match function.name() {
                "date_bin" => *function = Arc::new(ScalarUDF::from(date_bin::DateBin::new(of))),
                "date_trunc" => *function = Arc::new(ScalarUDF::from(date_trunc::DateTrunc::new(of))),
                "now" => *function = Arc::new(ScalarUDF::from(now::Now::new(of))),
                "to_timestamp" => *function = Arc::new(ScalarUDF::from(to_timestamp::ToTimestamp::new(of))),
                _ => {}
            }
        }
        functions.push(at_time_zone::at_time_zone());
        functions.push(microseconds::seconds_to_timestamp());
    }
    if let Some(functions) = session.table_functions() {
        series::with_series(functions);
    }
    session
        .with_analyzer_rule(Arc::new(literal_offset::RefuseOffsets))
        .with_analyzer_rule(Arc::new(coercion::ComparedInMicroseconds))
        .with_analyzer_rule(Arc::new(at_time_zone::WallClockCasts))
}

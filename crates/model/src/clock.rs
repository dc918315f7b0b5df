//! The machine's clock, which only labels: no count depends on it.

use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};

static SHIFT: OnceLock<TimeDelta> = OnceLock::new();

/// Returns the time now. `HOTSPOTS_CLOCK_SHIFT_S` shifts it by seconds, as a clock that is wrong does: for tests.
pub fn now() -> DateTime<Utc> {
    let shift = SHIFT.get_or_init(|| {
        let seconds = std::env::var("HOTSPOTS_CLOCK_SHIFT_S").ok().and_then(|text| text.parse::<i64>().ok());
        seconds.and_then(TimeDelta::try_seconds).unwrap_or_default()
    });
    let now = Utc::now();
    now.checked_add_signed(*shift).unwrap_or(now)
}

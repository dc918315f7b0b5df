//! Named points at which a test can make the built program die, as `kill -9` would.
//!
//! `HOTSPOTS_FAIL_AT=name` dies the first time the point is passed, `name:3` the third time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every point there is, in the order a run passes them.
pub const FAIL_POINTS: &[&str] = &[
    "store:after-definition",
    "store:before-table",
    "store:after-table",
    "store:before-sync",
    "store:before-publish",
    "store:after-publish",
    "store:before-checkpoint",
    "store:after-checkpoint",
    "ingest:before-raw-commit",
    "ingest:after-raw-commit",
    "ingest:after-rejects-commit",
    "ingest:after-fast-commit",
    "ingest:before-index-commit",
    "ingest:after-index-commit",
    "ingest:after-index-clear",
    "ingest:after-replay",
    "compact:before-incidents-commit",
    "compact:after-incidents-commit",
    "compact:before-counts-commit",
    "compact:after-counts-commit",
    "compact:after-cleanup",
    "vacuum:before-delete",
    "vacuum:after-first-delete",
    "forget:before-raw-commit",
    "forget:after-raw-commit",
    "forget:after-rejects",
    "forget:after-recount",
    "forget:after-first-purge",
    "forget:before-done",
];

struct Armed {
    name: String,
    remaining: AtomicU64,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Dies here if a test armed this point; otherwise costs one comparison.
pub fn failpoint(name: &str) {
    let armed = ARMED.get_or_init(|| {
        let value = std::env::var("HOTSPOTS_FAIL_AT").ok()?;
        let (name, nth) = match value.rsplit_once(':') {
            Some((name, nth)) if nth.parse::<u64>().is_ok() => (name.to_owned(), nth.parse().unwrap_or(1)),
            _ => (value, 1),
        };
        Some(Armed { name, remaining: AtomicU64::new(nth) })
    });
    if let Some(armed) = armed
        && armed.name == name
        && armed.remaining.fetch_sub(1, Ordering::SeqCst) == 1
    {
        // Abort neither unwinds nor flushes: data that was not durable is lost as after `kill -9`.
        std::process::abort();
    }
}

//! Counters and gauges of the server for Prometheus (`/metrics`). The inventory is `docs/metrics.md`.

mod counters;
mod exposition;
mod labels;
mod lake;
mod process;

pub(crate) use counters::Metrics;
pub(crate) use exposition::{MEDIA_TYPE, write};

//! Counters that are updated as events happen.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::labels::{Labels, label};

/// Why a request was refused before it was answered.
const CAUSES: [&str; 7] = ["rate", "concurrency", "engine", "token", "scope", "host", "origin"];
/// Why an answer did not end.
const ENDS: [&str; 2] = ["client", "server"];
/// Why a process for queries in SQL ended.
const WORKER_ENDS: [&str; 4] = ["memory", "time", "crash", "idle"];

/// Counters that are updated as events happen. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    sent_bytes: Family<Labels, Counter>,
    rows: Counter,
    in_flight: Gauge,
    refused: Family<Labels, Counter>,
    unfinished: Family<Labels, Counter>,
    workers_started: Counter,
    workers_ended: Family<Labels, Counter>,
}

/// Returns a histogram from 1 ms to 65 s: beyond the default time limit.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 17))
}

impl Metrics {
    /// Creates the counters, all at zero.
    pub(crate) fn new() -> Self {
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            sent_bytes: Family::default(),
            rows: Counter::default(),
            in_flight: Gauge::default(),
            refused: Family::default(),
            unfinished: Family::default(),
            workers_started: Counter::default(),
            workers_ended: Family::default(),
        };
        // An event that has not happened yet is counted as 0, not absent.
        CAUSES.iter().for_each(|cause| drop(metrics.refused.get_or_create(&label("cause", cause))));
        ENDS.iter().for_each(|end| drop(metrics.unfinished.get_or_create(&label("by", end))));
        WORKER_ENDS.iter().for_each(|cause| drop(metrics.workers_ended.get_or_create(&label("cause", cause))));
        metrics
    }

    /// Counts a request that has arrived.
    pub(crate) fn begin_request(&self) {
        self.in_flight.inc();
    }

    /// Counts a response with its status and the media type of its answer.
    pub(crate) fn add_response(&self, path: &str, status: u16, format: &str) {
        let labels = vec![("path", path.to_owned()), ("status", status.to_string()), ("format", format.to_owned())];
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts a request that has ended: its answer has been sent, or will not be.
    pub(crate) fn end_request(&self, path: &str, took: Duration, bytes: u64) {
        self.in_flight.dec();
        self.durations.get_or_create(&label("path", path)).observe(took.as_secs_f64());
        self.sent_bytes.get_or_create(&label("path", path)).inc_by(bytes);
    }

    /// Counts rows of answers.
    pub(crate) fn add_rows(&self, rows: usize) {
        self.rows.inc_by(rows as u64);
    }

    /// Counts a rejected request by its cause.
    pub(crate) fn add_refusal(&self, cause: &'static str) {
        self.refused.get_or_create(&label("cause", cause)).inc();
    }

    /// Counts an answer that did not end: the client left, or the server aborted it.
    pub(crate) fn add_unfinished(&self, by: &'static str) {
        self.unfinished.get_or_create(&label("by", by)).inc();
    }

    /// Counts the start of a worker process for SQL.
    pub(crate) fn add_worker_start(&self) {
        self.workers_started.inc();
    }

    /// Counts the end of a worker process for SQL by its cause.
    pub(crate) fn add_worker_end(&self, cause: &'static str) {
        self.workers_ended.get_or_create(&label("cause", cause)).inc();
    }

    /// Adds every counter to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("hotspots_http_requests", "Requests answered", self.requests.clone());
        registry.register(
            "hotspots_http_duration_seconds",
            "Time from a request to the last byte of its answer",
            self.durations.clone(),
        );
        registry.register("hotspots_http_sent_bytes", "Bytes of answers, as sent", self.sent_bytes.clone());
        registry.register("hotspots_http_in_flight", "Requests under way, streams included", self.in_flight.clone());
        registry.register(
            "hotspots_http_unfinished",
            "Answers that did not come to their end",
            self.unfinished.clone(),
        );
        registry.register("hotspots_refused", "Requests refused before they were answered", self.refused.clone());
        let started = self.workers_started.clone();
        registry.register("hotspots_sql_workers_started", "Processes for queries in SQL that were started", started);
        let ended = self.workers_ended.clone();
        registry.register("hotspots_sql_workers_ended", "Processes for queries in SQL that ended", ended);
        registry.register("hotspots_rows", "Rows of answers", self.rows.clone());
    }
}

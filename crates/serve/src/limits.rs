//! The limits of a request. Every limit has a name, is listed under `/limits`, and is named by the error it causes.

use std::time::Duration;

use lake_analytics::AnswerLimits;
use lake_model::{Error, Kind};
use lake_query::MAX_OPERATORS;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::http::{MAX_COLLECTED_BYTES, MAX_COLLECTED_TOTAL_BYTES};
use crate::sql_worker::MAX_FRAME_BYTES;

/// The limits of one server, the same over HTTP and Flight SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The limits of answers to questions.
    pub answers: AnswerLimits,
    /// The largest body of a request, bytes.
    pub max_body_bytes: usize,
    /// The most cells of a tile.
    pub max_tile_cells: usize,
    /// How long a request may take until its answer has been sent.
    pub timeout: Duration,
    /// The memory of the engine for one request; beyond it the request spills, and then fails, bytes.
    pub memory_bytes: usize,
    /// The spill files of one request, bytes.
    pub spill_bytes: u64,
    /// Requests a second of one client; 0 is any number.
    pub requests_per_second: u32,
    /// Requests of one client at a time; 0 is any number.
    pub concurrent_requests: usize,
    /// Requests that the engine works for at a time; the others wait.
    pub engine_requests: usize,
    /// How long a request may wait for the engine.
    pub queue: Duration,
    /// How long requests under way may continue after the server is stopped.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answers: AnswerLimits::default(),
            max_body_bytes: 1 << 20,
            max_tile_cells: 100_000,
            timeout: Duration::from_secs(60),
            memory_bytes: 256 << 20,
            spill_bytes: 512 << 20,
            requests_per_second: 0,
            concurrent_requests: 0,
            engine_requests: 16,
            queue: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}

/// Returns the error of a request that took longer than [`Limits::timeout`].
pub(crate) fn timeout_error() -> Error {
    Error::new(Kind::TimedOut, "the answer took longer than `timeout_ms` of /limits; request less at a time")
}

/// Runs work until a deadline.
///
/// # Errors
/// The error of the work, or [`timeout_error`].
pub(crate) async fn run_until<T, E: From<Error>>(
    deadline: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(timeout_error().into()))
}

/// A limit as `/limits` lists it. The option that sets it, if there is one, has the same name, with hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Its name.
    pub name: &'static str,
    /// How much; none where there is no limit.
    pub value: Option<u64>,
    /// Of what.
    pub unit: &'static str,
    /// Its description.
    pub about: &'static str,
    /// The HTTP status of a request that goes beyond it; none where nothing is refused.
    pub status: Option<u16>,
}

impl Limits {
    /// Returns every limit that an option sets.
    pub fn list(&self) -> Vec<Limit> {
        let row = |name, value: u64, unit, about, status| Limit { name, value: Some(value), unit, about, status };
        let whole = |number: usize| number as u64;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let any = |limit: Limit| Limit { value: limit.value.filter(|value| *value > 0), ..limit };
        vec![
            row(
                "default_rows",
                whole(self.answers.default_rows),
                "rows",
                "Rows of an answer if `limit` is not given.",
                None,
            ),
            row("max_rows", whole(self.answers.max_rows), "rows", "The greatest `limit` of an answer.", Some(400)),
            row("max_body_bytes", whole(self.max_body_bytes), "bytes", "The body of a request.", Some(413)),
            row("max_corners", whole(self.answers.max_corners), "positions", "The positions of a polygon.", Some(400)),
            row("max_cells", whole(self.answers.max_cells), "cells", "The cells that a request names.", Some(400)),
            row("max_tile_cells", whole(self.max_tile_cells), "cells", "The cells of a tile.", Some(422)),
            row(
                "max_hotspot_cells",
                whole(self.answers.max_hotspot_cells),
                "cells",
                "The cells of a study area of hot spots.",
                Some(422),
            ),
            row("timeout_ms", millis(self.timeout), "ms", "A request, until its answer has been sent.", Some(504)),
            row(
                "request_memory_mib",
                whole(self.memory_bytes >> 20),
                "MiB",
                "The memory of the engine for one request; beyond it the request spills to disk, and then fails.",
                Some(422),
            ),
            row(
                "request_spill_mib",
                self.spill_bytes >> 20,
                "MiB",
                "What one request writes to disk when it spills.",
                Some(422),
            ),
            any(row(
                "requests_per_second",
                self.requests_per_second.into(),
                "requests a second",
                "The requests of one client: of its token, else of its address.",
                Some(429),
            )),
            any(row(
                "concurrent_requests",
                whole(self.concurrent_requests),
                "requests",
                "The requests of one client at a time, streams included.",
                Some(429),
            )),
            row(
                "engine_requests",
                whole(self.engine_requests),
                "requests",
                "The requests that the engine works for at a time; others wait, up to `queue_ms`.",
                Some(429),
            ),
            row("queue_ms", millis(self.queue), "ms", "A request's wait for the engine.", Some(429)),
            row("drain_seconds", self.drain.as_secs(), "s", "Requests under way when the server stops.", None),
        ]
    }

    /// Returns every limit, including those that protect the process and are the same on every server.
    pub(crate) fn list_all(&self) -> Vec<Limit> {
        let whole = |number: usize| number as u64;
        let fixed = |name, value, unit, about, status| Limit { name, value: Some(value), unit, about, status };
        let mut limits = self.list();
        limits.extend([
            fixed(
                "max_operators",
                whole(MAX_OPERATORS),
                "operators",
                "The nested operators of a SQL statement.",
                Some(400),
            ),
            fixed("max_row_mib", whole(MAX_FRAME_BYTES >> 20), "MiB", "A row of an answer in SQL.", Some(422)),
            fixed(
                "max_collected_mib",
                whole(MAX_COLLECTED_BYTES >> 20),
                "MiB",
                "An answer with a length and ranges; a larger one is sent as it is made, without them.",
                None,
            ),
            fixed(
                "max_collected_total_mib",
                whole(MAX_COLLECTED_TOTAL_BYTES >> 20),
                "MiB",
                "The answers with a length that are sent, or kept for further ranges; one client has half at most.",
                None,
            ),
        ]);
        limits
    }
}

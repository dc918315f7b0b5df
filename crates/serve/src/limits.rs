//! What a request may use. Every limit has a name, is told under `/limits`, and is named by the error it causes.

use std::time::Duration;

/// The limits of one server, the same over HTTP and Flight SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of an answer where the request names no limit.
    pub default_rows: usize,
    /// The most rows of an answer.
    pub max_rows: usize,
    /// The largest body of a request, bytes.
    pub max_body_bytes: usize,
    /// The most positions of a polygon.
    pub max_corners: usize,
    /// How long a request may take until its answer has been sent.
    pub timeout: Duration,
    /// What the engine may hold for one request before it spills, and then fails, bytes.
    pub memory_bytes: usize,
    /// How long requests under way may take once the server is told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            default_rows: 100_000,
            max_rows: 1_000_000,
            max_body_bytes: 1 << 20,
            max_corners: 10_000,
            timeout: Duration::from_secs(60),
            memory_bytes: 256 << 20,
            drain: Duration::from_secs(10),
        }
    }
}

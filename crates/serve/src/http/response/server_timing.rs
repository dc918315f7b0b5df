//! The header `Server-ServerTiming`.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// How long the steps of an answer took, for `Server-ServerTiming`.
pub(crate) struct ServerTiming {
    last: Instant,
    steps: Vec<(&'static str, Duration)>,
}

impl ServerTiming {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        Self { last: Instant::now(), steps: Vec::new() }
    }

    /// Ends a step.
    pub(crate) fn step(&mut self, name: &'static str) {
        let now = Instant::now();
        self.steps.push((name, now - self.last));
        self.last = now;
    }

    /// Puts the steps among the headers.
    pub(crate) fn insert_into(&self, headers: &mut HeaderMap) {
        let steps = self.steps.iter().map(|(name, took)| format!("{name};dur={:.1}", took.as_secs_f64() * 1_000.0));
        if let Ok(value) = HeaderValue::from_str(&steps.collect::<Vec<_>>().join(", ")) {
            headers.insert(HeaderName::from_static("server-timing"), value);
        }
    }
}

//! Progress on stderr: bars when it is a terminal, quiet log lines otherwise.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

/// Shows the work of a command.
#[derive(Clone)]
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
}

/// One piece of work.
pub(crate) struct Step {
    bar: Option<ProgressBar>,
    what: String,
    rows: u64,
    begun: Instant,
    said: Instant,
}

/// Between two log lines of one piece of work.
const QUIET: Duration = Duration::from_secs(5);

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let shown = std::io::stderr().is_terminal() && !quiet;
        Self { bars: shown.then(MultiProgress::new) }
    }

    pub(crate) fn step(&self, what: impl Into<String>) -> Step {
        let what = what.into();
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner} {prefix}: {human_pos} rows, {rate}  {msg}");
            let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = write!(text, "{:.0} a second", state.per_sec());
            };
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key("rate", rate));
            bar.set_prefix(what.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Step { bar, what, rows: 0, begun: Instant::now(), said: Instant::now() }
    }
}

impl Step {
    /// Counts more rows that are done.
    pub(crate) fn add(&mut self, rows: u64) {
        self.rows += rows;
        match &self.bar {
            Some(bar) => bar.inc(rows),
            None if self.said.elapsed() >= QUIET => {
                self.said = Instant::now();
                tracing::info!(rows = self.rows, "{}", self.what);
            }
            None => {}
        }
    }

    /// Ends the work with its outcome.
    pub(crate) fn done(self, outcome: &str) {
        let seconds = self.begun.elapsed().as_secs_f64();
        match self.bar {
            Some(bar) => {
                // The outcome includes the number of rows.
                let style = ProgressStyle::with_template("{prefix}: {msg}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                bar.finish_with_message(outcome.to_owned());
            }
            None => tracing::info!(seconds = (seconds * 1000.0).round() / 1000.0, "{}: {outcome}", self.what),
        }
    }
}

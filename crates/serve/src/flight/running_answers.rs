//! The answers that are on their way, so that they can be cancelled by the ticket they answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Every answer on its way: its ticket's id, and its cancellation.
#[derive(Clone, Debug, Default)]
pub(super) struct RunningAnswers(Arc<Mutex<RunningState>>);

#[derive(Debug, Default)]
struct RunningState {
    last: u64,
    runs: BTreeMap<u64, (String, CancellationToken)>,
}

/// One answer on its way.
#[derive(Debug)]
pub(super) struct RunningAnswer {
    number: u64,
    running: RunningAnswers,
    /// Whether it came to its end, good or bad.
    pub(super) ended: bool,
    pub(super) cancelled: CancellationToken,
}

impl RunningAnswers {
    /// Begins an answer to the ticket with this id.
    pub(super) fn begin(&self, id: &str) -> RunningAnswer {
        let cancelled = CancellationToken::new();
        let mut runs = self.0.lock();
        runs.last += 1;
        let number = runs.last;
        runs.runs.insert(number, (id.to_owned(), cancelled.clone()));
        RunningAnswer { number, running: self.clone(), ended: false, cancelled }
    }

    /// Ends every answer to the ticket with this id; whether there was one.
    pub(super) fn cancel(&self, id: &str) -> bool {
        let runs = self.0.lock();
        let mut found = false;
        for (_, cancelled) in runs.runs.values().filter(|(of, _)| of == id) {
            cancelled.cancel();
            found = true;
        }
        found
    }
}

impl Drop for RunningAnswer {
    fn drop(&mut self) {
        if !self.ended {
            tracing::debug!("a client left before the end of its answer; the query is stopped");
        }
        self.running.0.lock().runs.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_can_be_cancelled_while_it_is_on_its_way() {
        let running = RunningAnswers::default();
        let (one, other) = (running.begin("a"), running.begin("b"));
        assert!(running.cancel("a"));
        assert!(one.cancelled.is_cancelled() && !other.cancelled.is_cancelled());
        drop(one);
        assert!(!running.cancel("a"), "it is over");
    }
}

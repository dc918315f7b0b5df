//! Turns of the engine: so many requests are worked for at a time, and the others wait in the order they came, for a
//! while. Memory stays bounded however many ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lake_model::{Error, Kind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The turns of one server.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
    most: usize,
    queue: Duration,
    waiting: AtomicUsize,
}

/// A request's turn; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// So many turns at a time, each waited for so long.
    pub(crate) fn new(most: usize, queue: Duration) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most, queue, waiting: AtomicUsize::new(0) }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// Of kind `Busy` if none comes in time.
    pub(crate) async fn take(&self) -> Result<Turn> {
        timeout(self.queue, self.wait()).await.unwrap_or_else(|_| {
            let (most, queue) = (self.most, self.queue.as_millis());
            Err(Error::new(
                Kind::Busy,
                format!(
                    "{most} requests are being answered, as many as may be (`engine_requests` of /limits), and none \
                     ended within {queue} ms (`queue_ms`); send it again after the seconds in Retry-After"
                ),
            ))
        })
    }

    /// Waits for a turn as long as it takes: for a stream that has begun.
    ///
    /// # Errors
    /// Never, as turns are not closed.
    pub(crate) async fn wait(&self) -> Result<Turn> {
        let _waiting = Waiting::one(&self.waiting);
        let permit = Arc::clone(&self.free).acquire_owned().await;
        Ok(Turn { _permit: permit.map_err(|_| Error::internal("the turns of the engine are gone"))? })
    }

    /// How many turns are taken.
    pub(crate) fn taken(&self) -> usize {
        self.most - self.free.available_permits()
    }

    /// How many requests wait for one.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Counts a request that waits, for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn one(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_waited_for_in_order_and_not_for_ever() {
        let turns = Turns::new(1, Duration::from_millis(1));
        let first = turns.take().await.expect("a turn");
        assert_eq!(turns.take().await.expect_err("none is free").kind(), Kind::Busy);
        assert_eq!((turns.taken(), turns.waiting()), (1, 0));
        let (second, ()) = tokio::join!(turns.take(), async { drop(first) });
        assert!(second.is_ok(), "a turn that ends is the next one's");
    }
}

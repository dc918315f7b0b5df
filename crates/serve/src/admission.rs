//! Permits to use the query engine: a bounded number of requests is worked for at a time, and the others wait, for a while. Memory
//! stays bounded however many ask.
//!
//! Clients share the permits. A client gets a further permit only while it holds fewer than are free, so one client alone
//! holds at most half of them (rounded up), the next half of the rest, and so on: a client that holds none gets the next
//! permit that is free. Clients that wait are served in rotation, the requests of one client in the order they came.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use lake_model::{Error, Kind, Result};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The permits of one server.
#[derive(Debug)]
pub(crate) struct Admission {
    shared: Arc<Shared>,
    queue: Duration,
}

/// A request's permit; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct EnginePermit {
    shared: Arc<Shared>,
    client: Arc<str>,
}

#[derive(Debug)]
struct Shared {
    /// How many permits there are.
    count: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// How many permits each client holds; clients that hold none are absent.
    held: HashMap<Arc<str>, usize>,
    /// The clients that wait, the next one first.
    queue: VecDeque<WaitingClient>,
    /// The number of the last request that waited.
    last: u64,
}

/// A client and its waiting requests, by their numbers: the oldest first.
#[derive(Debug)]
struct WaitingClient {
    client: Arc<str>,
    requests: BTreeMap<u64, oneshot::Sender<EnginePermit>>,
}

/// A request that waits; it leaves the queue when it is dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    client: &'a str,
    number: u64,
}

impl Admission {
    /// Creates a queue for `count` permits, each waited for at most as long as `queue`.
    pub(crate) fn new(count: usize, queue: Duration) -> Self {
        Self { shared: Arc::new(Shared { count: count.max(1), state: Mutex::default() }), queue }
    }

    /// Waits for a permit of a client.
    ///
    /// # Errors
    /// Of kind `Busy` if none comes in time.
    pub(crate) async fn acquire(&self, client: &str) -> Result<EnginePermit> {
        timeout(self.queue, self.acquire_unbounded(client)).await.unwrap_or_else(|_| {
            let (count, queue) = (self.shared.count, self.queue.as_millis());
            Err(Error::new(
                Kind::Busy,
                format!(
                    "no engine permit was free within {queue} ms (`queue_ms`): {count} requests are answered at a time \
                     (`engine_requests` of /limits), and one client has at most half of them; send it again after the \
                     seconds in Retry-After"
                ),
            ))
        })
    }

    /// Waits for a permit of a client without a time limit: for a stream that has begun.
    ///
    /// # Errors
    /// Never, as permits are not closed.
    pub(crate) async fn acquire_unbounded(&self, client: &str) -> Result<EnginePermit> {
        let (number, permit) = self.shared.enqueue(client);
        let _waiting = Waiting { shared: &self.shared, client, number };
        Shared::grant(&self.shared);
        permit.await.map_err(|_| Error::internal("the engine permits are gone"))
    }

    /// Returns how many permits are taken.
    pub(crate) fn in_use(&self) -> usize {
        self.shared.state.lock().taken
    }

    /// Returns how many requests wait for one.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.state.lock().queue.iter().map(|waiting| waiting.requests.len()).sum()
    }
}

impl Shared {
    fn enqueue(&self, client: &str) -> (u64, oneshot::Receiver<EnginePermit>) {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        state.last += 1;
        let number = state.last;
        if let Some(waiting) = state.queue.iter_mut().find(|waiting| &*waiting.client == client) {
            waiting.requests.insert(number, sender);
        } else {
            let requests = BTreeMap::from([(number, sender)]);
            state.queue.push_back(WaitingClient { client: client.into(), requests });
        }
        (number, receiver)
    }

    /// Gives the free permits to the waiting requests that may have them.
    fn grant(shared: &Arc<Self>) {
        loop {
            let next = shared.state.lock().next(shared.count);
            let Some((client, request)) = next else { return };
            // A request that stopped waiting drops the permit, which frees it again.
            drop(request.send(EnginePermit { shared: Arc::clone(shared), client }));
        }
    }
}

impl State {
    /// Takes a permit for the next request that may have one.
    fn next(&mut self, count: usize) -> Option<(Arc<str>, oneshot::Sender<EnginePermit>)> {
        let free = count - self.taken;
        let held = |client: &str| self.held.get(client).copied().unwrap_or(0);
        let at = self.queue.iter().position(|waiting| held(&waiting.client) < free)?;
        let mut waiting = self.queue.remove(at)?;
        let (_, request) = waiting.requests.pop_first()?;
        let client = Arc::clone(&waiting.client);
        if !waiting.requests.is_empty() {
            self.queue.push_back(waiting);
        }
        self.taken += 1;
        *self.held.entry(Arc::clone(&client)).or_default() += 1;
        Some((client, request))
    }
}

impl Drop for EnginePermit {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.taken -= 1;
        if let Some(held) = state.held.get_mut(&self.client) {
            *held -= 1;
            if *held == 0 {
                state.held.remove(&self.client);
            }
        }
        drop(state);
        Shared::grant(&self.shared);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        let Some(at) = state.queue.iter().position(|waiting| &*waiting.client == self.client) else { return };
        let removed = state.queue.get_mut(at).map(|waiting| {
            let removed = waiting.requests.remove(&self.number);
            (removed, waiting.requests.is_empty())
        });
        let removed = removed.and_then(|(removed, is_last)| {
            if is_last {
                state.queue.remove(at);
            }
            removed
        });
        drop(state);
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::future::join_all;
    use futures::poll;
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn a_turn_is_waited_for_in_order_and_not_for_ever() {
        let admission = Admission::new(1, Duration::from_millis(1));
        let first = admission.acquire("a").await.expect("a turn");
        assert_eq!(admission.acquire("a").await.expect_err("none is free").kind(), Kind::Busy);
        assert_eq!((admission.in_use(), admission.waiting()), (1, 0));
        let (second, ()) = tokio::join!(admission.acquire("a"), async { drop(first) });
        assert!(second.is_ok(), "a turn that ends is the next one's");
    }

    #[tokio::test]
    async fn one_client_never_holds_more_than_half_of_the_turns() {
        for (count, most) in [(1, 1), (2, 1), (3, 2), (4, 2), (7, 4), (16, 8)] {
            let admission = Admission::new(count, Duration::ZERO);
            let asked = join_all((0..2 * count).map(|_| admission.acquire("greedy"))).await;
            let held: Vec<EnginePermit> = asked.into_iter().flatten().collect();
            assert_eq!(held.len(), most, "of {count}");
            if count > 1 {
                admission.acquire("other").await.expect("a turn is left for another client");
            }
        }
    }

    #[tokio::test]
    async fn clients_that_wait_are_served_in_rotation() {
        let admission = Admission::new(1, Duration::ZERO);
        let first = admission.acquire("a").await.expect("a turn");
        let served = Mutex::new(Vec::new());
        let requests = ["a1", "a2", "b1", "c1"].map(|name| {
            let (admission, served) = (&admission, &served);
            async move {
                let permit = admission.acquire_unbounded(&name[..1]).await.expect("a turn");
                served.lock().push(name);
                drop(permit);
            }
        });
        tokio::join!(join_all(requests), async { drop(first) });
        assert_eq!(*served.lock(), ["a1", "b1", "c1", "a2"]);
    }

    #[tokio::test]
    async fn a_request_that_stops_waiting_keeps_no_turn_and_no_place() {
        let admission = Admission::new(1, Duration::ZERO);
        let first = admission.acquire("a").await.expect("a turn");
        {
            let mut left = pin!(admission.acquire_unbounded("b"));
            assert!(poll!(&mut left).is_pending());
            assert_eq!(admission.waiting(), 1);
        }
        assert_eq!(admission.waiting(), 0);
        let mut granted = Box::pin(admission.acquire_unbounded("b"));
        assert!(poll!(&mut granted).is_pending());
        drop(first);
        assert_eq!(admission.in_use(), 1, "the turn is given to the one that waits");
        drop(granted);
        assert_eq!((admission.in_use(), admission.waiting()), (0, 0), "and released if it is not taken");
    }

    proptest! {
        #[test]
        fn a_client_without_a_turn_gets_one_while_any_is_free(
            count in 1_usize..20,
            steps in proptest::collection::vec((0_u8..6, any::<bool>()), 1..200),
        ) {
            let admission = Admission::new(count, Duration::ZERO);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            runtime.block_on(async {
                let mut held: Vec<(u8, EnginePermit)> = Vec::new();
                for (client, takes) in steps {
                    if !takes {
                        held.pop();
                        continue;
                    }
                    let holds = held.iter().filter(|(owner, _)| *owner == client).count();
                    let free = count - held.len();
                    let taken = admission.acquire(&client.to_string()).await;
                    prop_assert_eq!(taken.is_ok(), holds < free);
                    held.extend(taken.ok().map(|permit| (client, permit)));
                    prop_assert_eq!(admission.in_use(), held.len());
                }
                Ok(())
            })?;
        }
    }
}

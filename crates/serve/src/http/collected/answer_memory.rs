//! The memory of collected answers: those that are being sent, and those that are kept for further ranges.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// The largest answer that is collected: room for the rows of `/aggregates` that are answered where no limit is named.
pub(crate) const MAX_COLLECTED_BYTES: usize = 12 << 20;
/// The limit of all collected answers of a server, bytes.
pub(crate) const MAX_COLLECTED_TOTAL_BYTES: usize = 64 << 20;

/// The memory of the collected answers of one server. Clients share it as they share permits: a client gets more only while
/// it then holds no more than is left for the others.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerMemory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    taken_bytes: usize,
    /// The bytes of each client; clients without any are absent.
    held_bytes: HashMap<Arc<str>, usize>,
}

/// The bytes of one answer, until it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    memory: AnswerMemory,
    client: Arc<str>,
    bytes: usize,
}

impl AnswerMemory {
    /// Returns a reservation of a client that holds nothing yet.
    pub(super) fn reserve(&self, client: Arc<str>) -> Reservation {
        Reservation { memory: self.clone(), client, bytes: 0 }
    }

    /// Returns how many bytes are held.
    pub(super) fn taken_bytes(&self) -> usize {
        self.0.lock().taken_bytes
    }
}

impl Reservation {
    /// Takes more bytes; returns whether there were as many for this client.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let mut state = self.memory.0.lock();
        let held = state.held_bytes.get(&self.client).copied().unwrap_or(0) + bytes;
        let taken = state.taken_bytes + bytes;
        if taken > MAX_COLLECTED_TOTAL_BYTES || held > MAX_COLLECTED_TOTAL_BYTES - taken {
            return false;
        }
        state.taken_bytes = taken;
        state.held_bytes.insert(Arc::clone(&self.client), held);
        self.bytes += bytes;
        true
    }

    /// Returns whether the client would have its share, and no more, with so many more bytes: then others make room for it.
    pub(super) fn may_displace(&self, bytes: usize) -> bool {
        let held = self.memory.0.lock().held_bytes.get(&self.client).copied().unwrap_or(0);
        held + bytes <= MAX_COLLECTED_TOTAL_BYTES / 2
    }

    /// Returns the client that holds it.
    pub(super) fn client(&self) -> &Arc<str> {
        &self.client
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.memory.0.lock();
        state.taken_bytes -= self.bytes;
        if let Some(held) = state.held_bytes.get_mut(&self.client) {
            *held -= self.bytes;
            if *held == 0 {
                state.held_bytes.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: usize = MAX_COLLECTED_TOTAL_BYTES / 2;

    #[test]
    fn one_client_leaves_half_of_the_memory_to_others() {
        let memory = AnswerMemory::default();
        let mut greedy = memory.reserve("a".into());
        assert!(greedy.grow(HALF) && !greedy.grow(1));
        let mut another = memory.reserve("a".into());
        assert!(!another.grow(1), "of whichever request");
        let mut other = memory.reserve("b".into());
        assert!(other.grow(HALF / 2) && !other.grow(HALF / 2));
        assert_eq!(memory.taken_bytes(), HALF + HALF / 2);
    }

    #[test]
    fn what_an_answer_held_is_free_when_it_is_gone() {
        let memory = AnswerMemory::default();
        let mut first = memory.reserve("a".into());
        assert!(first.grow(HALF));
        drop(first);
        assert_eq!(memory.taken_bytes(), 0);
        assert!(memory.reserve("a".into()).grow(HALF));
    }
}

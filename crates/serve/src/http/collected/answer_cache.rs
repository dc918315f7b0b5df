//! Answers that are kept for a while, so that the ranges that a client requests one after another are parts of one
//! answer.
//!
//! Two answers to one question may have different bytes: SQL without an order has none, and batches may be split
//! differently. So a client that requests ranges gets them of the answer that it was last given under that address. If
//! that answer has been dropped, another is made, and has ranges only if it is the same, by its tag.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use axum::http::request::Parts;
use parking_lot::Mutex;
use url::form_urlencoded;

use super::answer_memory::{AnswerMemory, Reservation};
use super::collected_answer::Collected;
use crate::http::request::negotiation::choose_format;

/// How long ranges are sent of an answer without looking whether the lake has changed.
const MAX_UNCHECKED_TIME: Duration = Duration::from_secs(60);
/// An answer without requests for this long is dropped.
const MAX_UNUSED_TIME: Duration = Duration::from_secs(600);
/// Answers that are remembered, at least by their tags.
const MAX_REMEMBERED: usize = 4_096;
/// Those that are left when there are too many: all are looked at to find the oldest, which must not happen each time.
const REMEMBERED_AFTER_SWEEP: usize = MAX_REMEMBERED / 4 * 3;
/// How often forgotten answers are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// The answers that are kept for the clients of one server, in the memory of all collected answers.
#[derive(Debug, Default)]
pub(crate) struct AnswerCache {
    memory: AnswerMemory,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_address: HashMap<AnswerAddress, Entry>,
    /// When forgotten answers were looked for last.
    swept: Option<Instant>,
}

/// Where a client finds an answer: the client, its address and its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct AnswerAddress([u8; 32]);

/// The answer that a client was last given under an address.
#[derive(Debug)]
struct Entry {
    tag: HeaderValue,
    /// `None` if it was sent completely, or if its memory was needed.
    answer: Option<Arc<Collected>>,
    used: Instant,
    /// When it was known last to be the answer of the newest version.
    checked: Instant,
}

/// An answer that is kept.
#[derive(Debug)]
pub(super) struct CachedAnswer {
    pub(super) answer: Arc<Collected>,
    /// Whether it was the answer of the newest version a moment ago.
    pub(super) is_checked: bool,
}

/// An answer to send.
#[derive(Debug)]
pub(super) struct ChosenAnswer {
    pub(super) answer: Arc<Collected>,
    /// Whether the client had not been given another answer before.
    pub(super) is_same: bool,
}

impl AnswerAddress {
    /// Returns the address of a request of this client.
    pub(super) fn new(client: &str, parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let is_named = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "format");
        let accepted = if is_named { None } else { choose_format(None, &parts.headers).ok() };
        let format = accepted.map(|answer_format| answer_format.name).unwrap_or_default();
        let mut hasher = blake3::Hasher::new();
        for text in [client, parts.uri.path(), query, format] {
            hasher.update(&text.len().to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }
}

impl AnswerCache {
    /// Returns a reservation of memory for an answer to this client.
    pub(super) fn reserve(&self, client: Arc<str>) -> Reservation {
        self.memory.reserve(client)
    }

    /// Takes more memory, if need be that of answers that are kept and not being sent; returns whether there was as much.
    pub(super) fn grow(&self, reservation: &mut Reservation, bytes: usize) -> bool {
        while !reservation.grow(bytes) {
            if !self.release_one(reservation.client(), reservation.may_displace(bytes)) {
                return false;
            }
        }
        true
    }

    /// Returns the answer that is kept under an address.
    pub(super) fn find(&self, address: &AnswerAddress, now: Instant) -> Option<CachedAnswer> {
        let mut entries = self.entries.lock();
        let entry = entries.by_address.get_mut(address).filter(|entry| !entry.is_forgotten(now))?;
        let answer = Arc::clone(entry.answer.as_ref()?);
        entry.used = now;
        Some(CachedAnswer { answer, is_checked: now.duration_since(entry.checked) <= MAX_UNCHECKED_TIME })
    }

    /// Notes that the answer under an address is that of the newest version.
    pub(super) fn confirm(&self, address: &AnswerAddress, now: Instant) {
        if let Some(entry) = self.entries.lock().by_address.get_mut(address) {
            entry.checked = now;
        }
    }

    /// Remembers the answer that a client is given under an address, and keeps it if ranges of it are requested. If an
    /// equal answer is kept already, that one is returned: two concurrent requests get parts of one answer.
    pub(super) fn insert(
        &self,
        address: AnswerAddress,
        made: Arc<Collected>,
        is_kept: bool,
        now: Instant,
    ) -> ChosenAnswer {
        let mut entries = self.entries.lock();
        entries.sweep(now);
        let before = entries.by_address.remove(&address).filter(|entry| !entry.is_forgotten(now));
        let is_same = before.as_ref().is_none_or(|entry| entry.tag == *made.tag());
        let kept = before.and_then(|entry| entry.answer).filter(|kept| kept.is_as_good_as(&made));
        let (answer, is_same) = match kept {
            Some(kept) if is_kept || kept.tag() == made.tag() => (kept, true),
            _ => (made, is_same),
        };
        let held = is_kept.then(|| Arc::clone(&answer));
        entries.by_address.insert(address, Entry { tag: answer.tag().clone(), answer: held, used: now, checked: now });
        ChosenAnswer { answer, is_same }
    }

    /// Returns how many bytes the collected answers hold.
    pub(crate) fn held_bytes(&self) -> usize {
        self.memory.taken_bytes()
    }

    /// Lets go of an answer that is kept and not being sent: of this client, or of another if it may; the one that was not
    /// used for the longest. Its tag is remembered.
    fn release_one(&self, client: &Arc<str>, displaces_others: bool) -> bool {
        let mut entries = self.entries.lock();
        let idle = entries.by_address.values_mut().filter_map(|entry| {
            let answer = entry.answer.as_ref().filter(|answer| Arc::strong_count(answer) == 1)?;
            let is_other = answer.client() != client;
            (displaces_others || !is_other).then_some((is_other, entry))
        });
        match idle.min_by_key(|(is_other, entry)| (*is_other, entry.used)) {
            Some((_, entry)) => {
                entry.answer = None;
                true
            }
            None => false,
        }
    }
}

impl Entries {
    /// Removes what is forgotten, and the entries that were not used for the longest if there are too many.
    fn sweep(&mut self, now: Instant) {
        let is_full = self.by_address.len() >= MAX_REMEMBERED;
        let is_due = self.swept.is_none_or(|swept| now.saturating_duration_since(swept) > SWEEP_INTERVAL);
        if !is_full && !is_due {
            return;
        }
        self.swept = Some(now);
        self.by_address.retain(|_, entry| !entry.is_forgotten(now));
        let Some(excess) = self.by_address.len().checked_sub(REMEMBERED_AFTER_SWEEP).filter(|_| is_full) else {
            return;
        };
        let mut uses: Vec<Instant> = self.by_address.values().map(|entry| entry.used).collect();
        uses.sort_unstable();
        if let Some(oldest) = uses.get(excess) {
            self.by_address.retain(|_, entry| entry.used >= *oldest);
        }
    }
}

impl Entry {
    fn is_forgotten(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) > MAX_UNUSED_TIME
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Request, header};

    use super::*;
    use crate::http::collected::answer_memory::MAX_COLLECTED_TOTAL_BYTES;
    use crate::http::collected::collected_answer::Blocks;

    /// Creates an answer with this text; `question` is its tag, empty if it has none.
    fn made(kept: &AnswerCache, client: &str, question: &'static str, text: &str, began: Instant) -> Arc<Collected> {
        let mut blocks = Blocks::default();
        blocks.push(text.as_bytes());
        let mut reservation = kept.reserve(client.into());
        assert!(kept.grow(&mut reservation, text.len()));
        let mut headers = HeaderMap::new();
        if !question.is_empty() {
            headers.insert(header::ETAG, HeaderValue::from_static(question));
        }
        Arc::new(Collected::new(headers, blocks, began, reservation).expect("an answer"))
    }

    fn address(client: &str, uri: &str, accept: &'static str) -> AnswerAddress {
        let (parts, ()) = Request::get(uri).header(header::ACCEPT, accept).body(()).expect("a request").into_parts();
        AnswerAddress::new(client, &parts)
    }

    #[test]
    fn an_address_is_the_client_the_path_and_the_format() {
        let one = address("a", "/sql?query=x", "*/*");
        assert_eq!(one, address("a", "/sql?query=x", "application/json;q=0.5"), "the same format");
        for other in [
            address("b", "/sql?query=x", "*/*"),
            address("a", "/sql?query=y", "*/*"),
            address("a", "/facets?query=x", "*/*"),
            address("a", "/sql?query=x", "text/csv"),
        ] {
            assert_ne!(one, other);
        }
        let named = |accept| address("a", "/sql?format=csv", accept);
        assert_eq!(named("*/*"), named("text/csv"), "the format that is named wins");
    }

    #[test]
    fn an_answer_is_trusted_for_a_while_and_then_checked() {
        let (kept, now, at) = (AnswerCache::default(), Instant::now(), address("a", "/x", "*/*"));
        assert!(kept.find(&at, now).is_none());
        assert!(kept.insert(at, made(&kept, "a", "W/\"q\"", "text", now), true, now).is_same);
        let later = now + MAX_UNCHECKED_TIME + Duration::from_secs(1);
        assert!(kept.find(&at, now + MAX_UNCHECKED_TIME).is_some_and(|known| known.is_checked));
        assert!(kept.find(&at, later).is_some_and(|known| !known.is_checked));
        kept.confirm(&at, later);
        assert!(kept.find(&at, later).is_some_and(|known| known.is_checked));
        assert!(kept.find(&at, later + MAX_UNUSED_TIME + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn two_requests_at_once_get_parts_of_one_answer() {
        let (now, at) = (Instant::now(), address("a", "/x", "*/*"));
        let later = now + Duration::from_millis(1);
        for (question, first_began, second_began, is_one) in [
            ("W/\"q\"", now, later, true),
            ("", later, now, true),
            // An answer requested after it may be newer.
            ("", now, later, false),
        ] {
            let kept = AnswerCache::default();
            let first = kept.insert(at, made(&kept, "a", question, "one", first_began), true, now).answer;
            let second = kept.insert(at, made(&kept, "a", question, "two", second_began), true, now);
            assert_eq!(Arc::ptr_eq(&first, &second.answer), is_one, "{question}");
            assert_eq!(second.is_same, is_one, "{question}");
        }
    }

    #[test]
    fn another_answer_than_the_client_was_told_of_is_known_as_such() {
        let (kept, now, at) = (AnswerCache::default(), Instant::now(), address("a", "/x", "*/*"));
        // Sent completely, so that only its tag is remembered.
        kept.insert(at, made(&kept, "a", "W/\"q\"", "one", now), false, now);
        assert!(kept.find(&at, now).is_none());
        assert!(kept.insert(at, made(&kept, "a", "W/\"q\"", "one", now), true, now).is_same);
        assert!(!kept.insert(at, made(&kept, "a", "W/\"r\"", "two", now), true, now).is_same);
        assert!(kept.insert(at, made(&kept, "a", "W/\"r\"", "two", now), true, now).is_same);
    }

    #[test]
    fn answers_that_are_kept_make_room_for_those_that_are_sent() {
        let (kept, now) = (AnswerCache::default(), Instant::now());
        let quarter = "x".repeat(MAX_COLLECTED_TOTAL_BYTES / 4);
        let (first, second) = (address("a", "/1", "*/*"), address("a", "/2", "*/*"));
        drop(kept.insert(first, made(&kept, "a", "W/\"1\"", &quarter, now), true, now));
        let later = now + Duration::from_secs(1);
        let sent = kept.insert(second, made(&kept, "a", "W/\"2\"", &quarter, now), true, later);
        // Another client displaces what this one does not use, and not what is being sent to it.
        let mut other = kept.reserve("b".into());
        assert!(kept.grow(&mut other, MAX_COLLECTED_TOTAL_BYTES / 4));
        assert!(kept.grow(&mut other, MAX_COLLECTED_TOTAL_BYTES / 8));
        assert!(kept.find(&first, later).is_none() && kept.find(&second, later).is_some());
        assert!(!kept.grow(&mut other, MAX_COLLECTED_TOTAL_BYTES / 2));
        drop(sent);
        assert!(kept.find(&second, later).is_some(), "nothing is evicted for an answer that cannot be kept");
        assert_eq!(kept.held_bytes(), MAX_COLLECTED_TOTAL_BYTES / 8 * 5);
    }

    #[test]
    fn the_answers_that_were_used_last_are_remembered() {
        let (kept, now) = (AnswerCache::default(), Instant::now());
        let at = |n: u64| address("a", &format!("/{n}"), "*/*");
        let last = u64::try_from(3 * MAX_REMEMBERED).expect("small");
        for n in 0..=last {
            let made = made(&kept, "a", "W/\"q\"", "text", now);
            kept.insert(at(n), made, false, now + Duration::from_micros(n));
            assert!(kept.entries.lock().by_address.len() <= MAX_REMEMBERED);
        }
        let is_remembered = |n: u64| kept.entries.lock().by_address.contains_key(&at(n));
        assert!(is_remembered(last) && is_remembered(last - 1_024) && !is_remembered(0));
        let later = now + MAX_UNUSED_TIME + Duration::from_secs(1);
        kept.insert(at(0), made(&kept, "a", "W/\"q\"", "text", later), false, later);
        assert_eq!(kept.entries.lock().by_address.len(), 1, "the others are forgotten");
    }
}

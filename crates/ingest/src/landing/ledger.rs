//! The ledger of one batch: the changes of its rows to counts, rejects and index.

use std::collections::BTreeMap;

use crate::index::key_index::IndexChanges;
use crate::index::key_state::{Dimensions, KeyState};
use crate::index::known_versions::KnownVersions;

/// The relation of a row to the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A key that was not there, or was deleted.
    New,
    /// A key with other content.
    Changed,
    /// A key with other content of the same time: of the same row, or of another with the same key.
    Tied,
    /// Content that is there already: lands nothing.
    Unchanged,
    /// Older than the landed version: lands nothing.
    Stale,
}

/// A change in the table of rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RejectChange {
    /// The row within the batch.
    pub(crate) row: i64,
    pub(crate) identity: String,
    pub(crate) closed: bool,
}

/// A batch being worked through, row by row, in landing order.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) changes: IndexChanges,
    pub(crate) counts: BTreeMap<Dimensions, i64>,
    pub(crate) rejects: Vec<RejectChange>,
}

impl Ledger {
    /// Returns the key's version as of the rows before this one.
    fn current(&self, known: &KnownVersions<'_>, key: &str) -> Option<KeyState> {
        self.changes.keys.get(key).copied().or_else(|| known.key(key))
    }

    /// Returns what a usable row is to the lake; `earlier` is the hash that another version of the program gave to its
    /// content. A current version with a stamp after `latest_stamp`, as earlier releases landed, is newer than nothing.
    pub(crate) fn judge(
        &self,
        known: &KnownVersions<'_>,
        key: &str,
        next: &KeyState,
        earlier: Option<[u8; 16]>,
        latest_stamp: i64,
    ) -> Verdict {
        match self.current(known, key).map(|current| current.without_future(latest_stamp)) {
            None => Verdict::New,
            Some(current) if current.deleted => Verdict::New,
            Some(current) if matches!((next.updated_at, current.updated_at), (Some(a), Some(b)) if a < b) => {
                Verdict::Stale
            }
            Some(current) if current.hash == next.hash || Some(current.hash) == earlier => Verdict::Unchanged,
            Some(current) if current.updated_at.is_some() && current.updated_at == next.updated_at => Verdict::Tied,
            Some(_) => Verdict::Changed,
        }
    }

    /// Enters a version that has landed: a usable row or a tombstone.
    pub(crate) fn enter(&mut self, known: &KnownVersions<'_>, key: &str, next: KeyState) {
        if let Some(current) = self.current(known, key)
            && !current.deleted
        {
            self.add_count(current.dimensions, -1);
        }
        if !next.deleted {
            self.add_count(next.dimensions, 1);
        }
        self.changes.keys.insert(key.to_owned(), next);
    }

    fn add_count(&mut self, dimensions: Dimensions, by: i64) {
        let entry = self.counts.entry(dimensions).or_insert(0);
        *entry += by;
        if *entry == 0 {
            self.counts.remove(&dimensions);
        }
    }

    /// Returns whether an open reject with this content has landed already.
    pub(crate) fn has_reject(&self, known: &KnownVersions<'_>, identity: &str, content: [u8; 16]) -> bool {
        match self.changes.rejects.get(identity) {
            Some(state) => *state == Some(content),
            None => known.reject(identity) == Some(content),
        }
    }

    /// Enters a reject that has landed.
    pub(crate) fn enter_reject(&mut self, row: i64, identity: &str, content: [u8; 16]) {
        self.changes.rejects.insert(identity.to_owned(), Some(content));
        self.rejects.push(RejectChange { row, identity: identity.to_owned(), closed: false });
    }

    /// Returns whether a reject of that identity is open, as of the rows before this one.
    pub(crate) fn is_open_reject(&self, known: &KnownVersions<'_>, identity: &str) -> bool {
        match self.changes.rejects.get(identity) {
            Some(state) => state.is_some(),
            None => known.reject(identity).is_some(),
        }
    }

    /// Closes the reject that a row was, if it is open: the row has a usable version, or is gone.
    pub(crate) fn close_reject(&mut self, known: &KnownVersions<'_>, row: i64, identity: &str) {
        if self.is_open_reject(known, identity) {
            self.changes.rejects.insert(identity.to_owned(), None);
            self.rejects.push(RejectChange { row, identity: identity.to_owned(), closed: true });
        }
    }
}

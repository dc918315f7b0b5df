//! The ledger of one batch: which rows land, and what they change in counts, rejects and index.

use std::collections::BTreeMap;

use lake_model::Result;

use crate::key_index::{Changes, Dimensions, KeyIndex, KeyState};

/// What a row is to the lake.
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
    /// Older than what is there: lands nothing.
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
    pub(crate) changes: Changes,
    pub(crate) counts: BTreeMap<Dimensions, i64>,
    pub(crate) rejects: Vec<RejectChange>,
}

impl Ledger {
    /// The key's version as of the rows before this one.
    fn current(&self, index: &KeyIndex, key: &str) -> Result<Option<KeyState>> {
        match self.changes.keys.get(key) {
            Some(state) => Ok(Some(*state)),
            None => index.get(key),
        }
    }

    /// What a usable row would be; `earlier` is the hash that another version of the program gave to its content. A current
    /// version with a stamp after `latest_stamp`, as earlier releases landed, is newer than nothing.
    pub(crate) fn judge(
        &self,
        index: &KeyIndex,
        key: &str,
        next: &KeyState,
        earlier: Option<[u8; 16]>,
        latest_stamp: i64,
    ) -> Result<Verdict> {
        let current = self.current(index, key)?.map(|current| current.without_future(latest_stamp));
        Ok(match current {
            None => Verdict::New,
            Some(current) if current.deleted => Verdict::New,
            Some(current) if matches!((next.updated_at, current.updated_at), (Some(a), Some(b)) if a < b) => {
                Verdict::Stale
            }
            Some(current) if current.hash == next.hash || Some(current.hash) == earlier => Verdict::Unchanged,
            Some(current) if current.updated_at.is_some() && current.updated_at == next.updated_at => Verdict::Tied,
            Some(_) => Verdict::Changed,
        })
    }

    /// Enters a version that has landed: a usable row or a tombstone.
    pub(crate) fn enter(&mut self, index: &KeyIndex, key: &str, next: KeyState) -> Result<()> {
        if let Some(current) = self.current(index, key)?
            && !current.deleted
        {
            self.count(current.dimensions, -1);
        }
        if !next.deleted {
            self.count(next.dimensions, 1);
        }
        self.changes.keys.insert(key.to_owned(), next);
        Ok(())
    }

    fn count(&mut self, dimensions: Dimensions, by: i64) {
        let entry = self.counts.entry(dimensions).or_insert(0);
        *entry += by;
        if *entry == 0 {
            self.counts.remove(&dimensions);
        }
    }

    /// Whether a reject with this content is there already.
    pub(crate) fn knows_reject(&self, index: &KeyIndex, identity: &str, hash: [u8; 16]) -> Result<bool> {
        Ok(match self.changes.rejects.get(identity) {
            Some(state) => *state == Some(hash),
            None => index.reject(identity)? == Some(hash),
        })
    }

    /// Enters a reject that has landed.
    pub(crate) fn enter_reject(&mut self, row: i64, identity: &str, hash: [u8; 16]) {
        self.changes.rejects.insert(identity.to_owned(), Some(hash));
        self.rejects.push(RejectChange { row, identity: identity.to_owned(), closed: false });
    }

    /// Whether a reject of that identity is open, as of the rows before this one.
    pub(crate) fn is_open_reject(&self, index: &KeyIndex, identity: &str) -> Result<bool> {
        if !index.has_open_rejects() && self.changes.rejects.is_empty() {
            return Ok(false);
        }
        Ok(match self.changes.rejects.get(identity) {
            Some(state) => state.is_some(),
            None => index.reject(identity)?.is_some(),
        })
    }

    /// A usable version of a row closes the reject it was; so does its going.
    pub(crate) fn close_reject(&mut self, index: &KeyIndex, row: i64, identity: &str) -> Result<()> {
        if self.is_open_reject(index, identity)? {
            self.changes.rejects.insert(identity.to_owned(), None);
            self.rejects.push(RejectChange { row, identity: identity.to_owned(), closed: true });
        }
        Ok(())
    }
}

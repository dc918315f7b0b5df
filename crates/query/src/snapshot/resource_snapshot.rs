//! A resource in one snapshot of the lake: how far it has landed, is counted and compacted, and whether its counts are exact.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lake_model::Resource;
use lake_store::{CompactionMark, CountedDefinitions, LandingMark, Snapshot};

/// A resource in a snapshot.
#[derive(Clone, Debug)]
pub struct ResourceSnapshot {
    /// Its definition, where the catalog has it.
    pub resource: Option<Arc<Resource>>,
    /// Its raw table at the version read.
    pub raw: Arc<Snapshot>,
    /// The last batch whose fast counts are there.
    pub through: i64,
    /// The last batch that holds rows.
    pub landed: i64,
    /// The mark of the last compaction.
    pub compaction: Option<CompactionMark>,
    /// Under which definitions the batches were counted.
    pub definitions: Arc<CountedDefinitions>,
    /// The mark of landing.
    pub mark: LandingMark,
    /// Whether a `forget` was interrupted: rows that it removed from the raw table are still counted.
    pub is_forgetting: bool,
}

impl ResourceSnapshot {
    /// Returns the last batch of the compacted tables; 0 before the first compaction.
    pub fn watermark(&self) -> i64 {
        self.compaction.as_ref().map_or(0, |c| c.watermark)
    }

    /// Returns whether batches are counted but not compacted yet.
    pub fn is_pending(&self) -> bool {
        self.through > self.watermark()
    }

    /// Returns whether the key columns are others than those the rows landed with.
    pub fn is_rekeyed(&self) -> bool {
        !self.mark.key.is_empty() && self.resource.as_ref().is_some_and(|resource| self.mark.key != resource.key)
    }

    /// Returns whether some of the answer was counted under another definition than the current one.
    pub fn is_redefined(&self) -> bool {
        let Some(resource) = &self.resource else { return false };
        let compacted = self.compaction.as_ref().is_some_and(|c| !resource.has_fingerprint(&c.fingerprint));
        // A definition reaches up to the batch before the next one's first.
        let ends = self.definitions.0.iter().skip(1).map(|(first, _)| first - 1).chain(std::iter::once(i64::MAX));
        let pending =
            self.definitions.0.iter().zip(ends).filter(|(_, end)| self.is_pending() && *end > self.watermark());
        compacted
            || self.is_rekeyed()
            || pending.into_iter().any(|((_, fingerprint), _)| !resource.has_fingerprint(fingerprint))
    }

    /// Batches whose counts a compaction has yet to confirm: those above the watermark, or all of them where the
    /// definition has changed.
    pub fn unreconciled(&self) -> i64 {
        let above = if self.is_redefined() { 0 } else { self.watermark() };
        (self.through.max(self.watermark()) - above).max(0)
    }

    /// Returns the seconds since the last batch landed, by the clock of this machine; `None` if its time is not known.
    pub fn lag_seconds(&self) -> Option<i64> {
        let landed = DateTime::parse_from_rfc3339(&self.mark.landed_at).ok()?;
        Some((lake_model::now() - landed.with_timezone(&Utc)).num_seconds().max(0))
    }

    /// Returns whether the answer equals a recount: everything landed is counted, under the definition of today.
    pub fn is_exact(&self) -> bool {
        self.inexact_reason().is_none()
    }

    /// Returns why the answer may differ from a recount, and the remedy; `None` if it is exact. `NAME` is a placeholder
    /// for the resource.
    pub(super) fn inexact_reason(&self) -> Option<&'static str> {
        let counted = self.through.max(self.watermark());
        if self.resource.is_none() {
            // Rows above the watermark cannot be read as incidents without the rule that makes them so.
            Some(
                "its definition is not known, so its rows that are not compacted are no incidents yet; give the \
                 directory of its file with --resources, and `hotspots-lake compact --resource NAME` keeps it in the lake",
            )
        } else if self.is_forgetting {
            Some("a `forget` was interrupted; run `hotspots-lake forget NAME KEY` again")
        } else if self.is_rekeyed() {
            Some("its key has changed since its rows landed; `hotspots-lake ingest NAME` gives every row its new key")
        } else if self.is_redefined() {
            Some("its definition has changed since it was counted; `hotspots-lake compact --resource NAME` recounts it")
        } else if !self.mark.key.is_empty() && self.mark.batch < counted {
            Some(
                "its raw table was restored to an earlier state than the counts; restore the complete lake from one copy",
            )
        } else if self.landed > counted {
            Some("its last batch is not counted yet; `hotspots-lake ingest NAME` counts it if no ingest is running")
        } else {
            None
        }
    }
}

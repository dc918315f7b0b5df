//! The snapshot that was opened last: requests share it until a table of the lake changes.

use std::sync::Arc;

use lake_store::{LandedResources, Snapshot, Table};

use crate::snapshot::lake_snapshot::LakeSnapshot;

/// A snapshot of the newest versions, and what it was opened from.
#[derive(Debug)]
pub(crate) struct NewestSnapshot {
    pub(crate) snapshot: Arc<LakeSnapshot>,
    /// `incidents` at its newest version: the snapshot has the files of the versions that `counts` names.
    pub(crate) incidents: Arc<Snapshot>,
    pub(crate) landed: LandedResources,
}

impl NewestSnapshot {
    /// Returns whether the logs of all tables show that these versions are still the newest: what would be opened now, in
    /// whatever order, is this snapshot.
    pub(crate) fn is_current(&self) -> bool {
        let view = self.snapshot.as_ref();
        let lake = &view.lake;
        let tables = [
            (&lake.fast_counts, &view.fast_counts),
            (&lake.counts, &view.counts),
            (&lake.rejects, &view.rejects),
            (&lake.incidents, &self.incidents),
        ];
        let is_unchanged = |(table, known): (&Table, &Arc<Snapshot>)| {
            table.unchanged_snapshot().is_some_and(|newest| Arc::ptr_eq(&newest, known))
        };
        let boundaries = match &view.boundaries {
            Some(boundaries) => is_unchanged((&lake.boundaries, boundaries)),
            None => lake.boundaries.is_absent(),
        };
        boundaries
            && tables.into_iter().all(is_unchanged)
            && view
                .resources
                .iter()
                .all(|(name, resource)| lake.raw(name).is_ok_and(|table| is_unchanged((&table, &resource.raw))))
            && lake.has_landed_only(&self.landed)
    }
}

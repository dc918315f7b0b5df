//! What one compaction works with: a session on its snapshot, and how much memory its parts may take.

use std::sync::Arc;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use lake_model::{Error, Resource, Result};
use lake_query::{LakeSnapshot, ResourceSnapshot, Session};
use lake_store::{DataFile, Snapshot};

use crate::counts_digest::CountsHasher;
use crate::row_buckets::RowBuckets;

/// The parts of the engine's memory that rows, the texts of a label column and sets of keys may take.
const ROWS_FRACTION: usize = 4;
const LABELS_FRACTION: usize = 32;
const KEYS_FRACTION: usize = 4;

/// What one compaction works with.
pub(crate) struct CompactionContext {
    pub(crate) session: Session,
    pub(crate) memory_bytes: usize,
    /// A file ends with the month that brings it to so many rows.
    pub(crate) file_rows: usize,
    pub(crate) lake_snapshot: Arc<LakeSnapshot>,
    /// The newest version of `incidents`, on which files are written.
    pub(crate) newest: Arc<Snapshot>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) hasher: Arc<CountsHasher>,
}

impl CompactionContext {
    /// Returns the resource in the snapshot.
    pub(crate) fn of_resource(&self) -> Result<&ResourceSnapshot> {
        self.lake_snapshot.resources.get(&self.resource.name).ok_or_else(|| {
            let name = &self.resource.name;
            let text = format!("nothing of {name} has landed yet; `hotspots-lake ingest {name}` lands it");
            Error::not_found(text)
        })
    }

    /// Returns how many files are written at a time.
    pub(crate) fn workers(&self) -> usize {
        self.session.context().state().config().target_partitions()
    }

    /// Returns the most bytes of the texts of a label column.
    pub(crate) fn max_label_bytes(&self) -> usize {
        self.memory_bytes / LABELS_FRACTION
    }

    /// Returns the most bytes of sets of keys.
    pub(crate) fn max_key_bytes(&self) -> usize {
        self.memory_bytes / KEYS_FRACTION
    }

    /// Returns the name of the raw table in SQL.
    pub(crate) fn raw_table(&self) -> String {
        format!("raw.\"{}\"", self.resource.raw_table())
    }

    /// Returns how many rows of any kind have landed in files that hold batches above one.
    pub(crate) fn landed_rows_above(&self, batch: i64) -> Result<u64> {
        let may_hold = |file: &&DataFile| file.number_range("_batch").is_none_or(|(_, last)| last > batch);
        Ok(self.of_resource()?.raw.files.iter().filter(may_hold).filter_map(|file| file.rows).sum())
    }

    /// Returns an account with the engine's memory.
    pub(crate) fn reservation(&self) -> MemoryReservation {
        let pool = &self.session.context().runtime_env().memory_pool;
        MemoryConsumer::new("compaction").with_can_spill(true).register(pool)
    }

    /// Returns buckets for one of `tasks`.
    pub(crate) fn buckets(&self, tasks: usize) -> RowBuckets {
        let disk = Arc::clone(&self.session.context().runtime_env().disk_manager);
        RowBuckets::new(self.memory_bytes / ROWS_FRACTION / tasks.max(1), self.reservation(), disk)
    }
}

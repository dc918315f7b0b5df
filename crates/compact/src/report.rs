//! The report of a compaction.

use serde::Serialize;

/// One partition: a resource's year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionReport {
    /// The resource.
    pub resource: String,
    /// The year; none for the undated.
    pub year: Option<i32>,
    /// Incidents that the lake answered before; none where that can no longer be read.
    pub before: Option<i64>,
    /// Incidents that the recount finds.
    pub after: i64,
    /// The differences of all buckets, added up without their signs: 0 if every bucket agreed, none if unknown.
    pub drift: Option<i64>,
}

/// The result of a compaction of one resource.
#[derive(Clone, Debug, Serialize)]
pub struct CompactionReport {
    /// The resource.
    pub resource: String,
    /// The watermark before.
    pub from_batch: i64,
    /// The watermark after.
    pub to_batch: i64,
    /// Whether partitions were recounted from `raw` rather than merged.
    pub recounted: bool,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The partitions, by year.
    pub partitions: Vec<PartitionReport>,
}

impl CompactionReport {
    /// Returns the drift of all partitions where it is known.
    pub fn drift(&self) -> i64 {
        self.partitions.iter().filter_map(|p| p.drift).sum()
    }

    /// Returns the incidents of all partitions that were written.
    pub fn rows(&self) -> i64 {
        self.partitions.iter().map(|p| p.after).sum()
    }
}

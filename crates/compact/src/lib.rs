//! Compaction: the exact recount of landed rows.
//!
//! Without a window the batches above a resource's watermark are merged into the partitions they touch; with one,
//! the window's partitions are counted again from `raw` as well. Either way the recount is held against what the lake
//! answered before, bucket by bucket, and the difference is reported. `incidents` is committed first; the `counts`
//! commit is the commit point.

mod compaction;
mod plan;
mod report;
mod year_files;

pub use compaction::{CompactOptions, compact};
pub use report::{CompactionReport, PartitionReport};

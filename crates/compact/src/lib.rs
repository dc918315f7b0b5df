//! Compaction: the exact recount of landed rows.
//!
//! Without a window the batches above a resource's watermark are merged into the files they touch; with one, the window's
//! partitions are counted again from `raw` as well. A recount is held against what the lake answered before, bucket by
//! bucket, and the difference is reported. `incidents` is committed first; the `counts`
//! commit is the commit point.

mod batches;
mod compaction;
mod context;
mod counts_digest;
mod drift;
mod engine_rewrite;
mod file_slots;
mod file_units;
mod incident_rows;
mod labels;
mod merge;
mod merge_counts;
mod plan;
mod rebuild;
mod report;
mod row_buckets;
mod sorted_rows;
mod spill;
mod superseded_rows;
mod year_files;

pub use compaction::{CompactOptions, compact};
pub use report::{CompactionReport, PartitionReport};

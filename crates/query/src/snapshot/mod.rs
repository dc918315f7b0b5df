//! Snapshots of the lake: one version of every table, of now or of an earlier time, and these tables in SQL.

pub(crate) mod boundaries;
pub(crate) mod delta_files;
mod empty_raw_tables;
mod file_statistics;
mod past_snapshot;
pub(crate) mod snapshot_versions;
pub(crate) mod stored_definition;
pub(crate) mod time_travel;
pub(crate) mod view;

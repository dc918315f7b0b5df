//! Snapshots of the lake: one version of every table, of now or of an earlier time, and these tables in SQL.

pub(crate) mod boundaries;
pub(crate) mod changed_view;
pub(crate) mod delta_files;
mod empty_raw_tables;
pub(crate) mod file_statistics;
pub(crate) mod lake_snapshot;
pub(crate) mod newest_snapshot;
mod open;
mod past_snapshot;
pub(crate) mod reader;
pub(crate) mod resource_snapshot;
pub(crate) mod signed_counts;
pub(crate) mod snapshot_versions;
mod sql_tables;
pub(crate) mod stored_definition;
pub(crate) mod time_travel;

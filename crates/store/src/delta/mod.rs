//! Delta tables: logs, commits that happen once, snapshots, and data files.

pub(crate) mod column_encodings;
pub(crate) mod commit;
#[cfg(test)]
mod commit_fault_tests;
pub(crate) mod commit_retry;
pub(crate) mod data_file;
pub(crate) mod file_statistics;
pub(crate) mod file_writer;
mod known_version;
pub(crate) mod log_entry;
pub(crate) mod log_error;
pub(crate) mod log_file;
mod log_metadata;
pub(crate) mod log_read_permit;
pub(crate) mod log_stamp;
mod log_truncation;
mod newest_version;
pub(crate) mod publish;
pub(crate) mod recomputed_statistics;
pub(crate) mod sealed_entry;
pub(crate) mod snapshot;
pub(crate) mod table;
mod table_metadata;
pub(crate) mod table_objects;
pub(crate) mod uncommitted_file;

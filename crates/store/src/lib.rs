//! The lake on its store: Delta tables over Parquet, on local disk or S3.
//!
//! A commit is one file created if absent; its files are durable before the commit is published. Every commit that must
//! not happen twice carries an application transaction, so that a lost reply, a killed process or a second writer can
//! always be distinguished from work that is still to do.
//!
//! Bytes are checked against the checksums that were written with them: see [`Location::store`].

mod delta;
mod lake;
mod marks;
mod objects;

pub use delta::commit::{Commit, CommitOutcome, DomainChange};
pub use delta::data_file::{ColumnRange, DataFile, object_path};
pub use delta::file_writer::{FileWriter, WrittenFile};
pub use delta::log_entry::{LogEntry, LogFiles, LoggedFile};
pub use delta::recomputed_statistics::RecomputedStatistics;
pub use delta::snapshot::Snapshot;
pub use delta::table::Table;
pub use delta::table_objects::StoredObject;
pub use delta::uncommitted_file::wait_for_cleanup;
pub use lake::Lake;
pub use lake::definition::DEFINITION_FILE;
pub use lake::landed_resources::LandedResources;
pub use lake::last_audits::{AuditOutcome, LastAudit};
pub use lake::location::Location;
pub use lake::table_layouts::{
    COUNTED_DIMENSIONS, TableLayout, boundaries_layout, counts_layout, fast_counts_layout, incident_fields,
    incidents_layout, raw_layout, rejects_layout,
};
pub use marks::{
    BoundariesMark, CompactionMark, CountedDefinitions, DEFINITION_DOMAIN, ForgottenMark, ForgottenTime,
    LANDING_TRANSACTION, LandingMark, boundaries_definition_domain, fast_counts_transaction, rejects_transaction,
};
pub use objects::damage::find_damage;
pub use objects::durable_local::{DiskStep, DurableLocal, StepObserver};
pub use objects::local_path::parse_local_path;

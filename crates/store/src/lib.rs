//! The lake on its store: Delta tables over Parquet, on local disk or S3.
//!
//! A commit is one file created if absent; what a commit names is durable before the commit is published.
//! Every commit that must not happen twice carries an application transaction, so that a lost reply, a killed
//! process or a second writer can always be told from work that is still to do.
//!
//! What is read is checked against the sums that were written with it: see [`Location::store`].

mod audits;
mod block_cache;
mod commit;
mod damage;
mod durable;
mod entry;
mod guard;
mod history;
mod lake;
mod local_path;
mod location;
mod log_file;
mod log_reads;
#[cfg(test)]
mod lying;
mod probe;
mod publish;
mod snapshot;
mod stats;
mod sums;
mod table;
mod tables;
mod unnamed;
mod upkeep;
mod write;

pub use audits::{AuditOutcome, LastAudit};
pub use commit::{Commit, Committed, DomainChange};
pub use damage::damage_in;
pub use durable::{DurableLocal, Observer, Step};
pub use history::{LogEntry, LogFiles, LoggedFile};
pub use lake::{DEFINITION, Lake};
pub use local_path::path_of;
pub use location::Location;
pub use snapshot::{ColumnRange, DataFile, Snapshot};
pub use table::Table;
pub use tables::{
    COUNTED, Layout, boundaries_layout, counts_layout, fast_counts_layout, incident_fields, incidents_layout,
    raw_layout, rejects_layout,
};
pub use unnamed::removals_end;
pub use upkeep::{Recomputed, StoredObject};
pub use write::{FileWriter, Written};

//! Landing: pages become batches, batches become signed counts.
//!
//! The raw commit (rows, cursor and transaction in one) makes a batch exist. Its rejects and its fast counts are
//! derived from it and committed under the same number; a run that finds them missing makes them before it lands
//! another batch. The key index, from which both follow, is itself derived from `raw` and never trusted otherwise.

mod boundaries;
mod columns;
mod full_scan;
mod key_index;
mod landing;
mod raw_session;
mod reject_identity;
mod reject_replay;
mod rekey;
mod run;

pub use boundaries::{BoundariesOptions, BoundariesOutcome, BoundariesSource, ingest_boundaries};
pub use full_scan::{Buried, Keys, Pass, Proof};
pub use landing::{Landed, Landing, LandingOptions};
pub use run::{Event, Full, IngestOptions, Outcome, Source, ingest};

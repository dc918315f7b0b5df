//! Landing: pages become batches, batches become signed counts.
//!
//! The raw commit (rows, cursor and transaction in one) makes a batch exist. Its rejects and its fast counts are
//! derived from it and committed under the same number; a run that finds them missing makes them before it lands
//! another batch. The key index, from which both follow, is itself derived from `raw` and never trusted otherwise.

mod boundaries;
mod columns;
mod full_scan;
mod index;
mod landing;
mod raw_session;
mod reject_identity;
mod reject_replay;
mod rekey;
mod run;

pub use boundaries::{BoundariesOptions, BoundariesReport, BoundariesSource, ingest_boundaries};
pub use full_scan::{DeletionReport, FullScan, FullScanOutcome, KeySample};
pub use landing::page_report::PageReport;
pub use landing::{Landing, LandingOptions};
pub use run::{Event, FullScanOptions, IngestOptions, IngestReport, Source, ingest};

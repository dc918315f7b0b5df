//! Landing: pages become batches, batches become signed counts.
//!
//! The raw commit (rows, cursor and transaction in one) makes a batch exist. Its rejects and its fast counts are
//! derived from it and committed under the same number; a run that finds them missing makes them before it lands
//! another batch. The key index, from which both follow, is itself derived from `raw` and never trusted otherwise.

mod index;
mod landing;
mod ledger;
mod replay;
mod rows;
mod run;
mod state;

pub use landing::{Landed, Landing, LandingOptions};
pub use run::{Event, IngestOptions, Outcome, Source, ingest};
pub use state::{LANDING_DOMAIN, LandingMark, landing_mark};

//! The lake: what lands, counts, and maintenance.

mod audit;
mod boundaries;
mod check;
mod columns;
mod compaction;
mod definitions;
mod deletes;
mod edits;
mod exactly_once;
mod exactness;
mod forget;
pub(crate) mod history;
mod integrity;
mod property;
pub(crate) mod quarantine;
mod s3;
mod vacuum;

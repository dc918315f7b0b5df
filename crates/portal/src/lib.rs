//! Reading a portal: SODA pages and saved files, decoded into Arrow.
//!
//! A page is decoded straight into typed columns; a value that does not fit its declared type becomes null with
//! its original in `_extra`, and a row without a usable key is a reject with its original kept.

mod boundaries;
mod decode;
mod file;
mod resource_draft;
mod soda;

pub use boundaries::{Boundary, read_boundaries_file};
pub use decode::canonical_json::canonical_json;
pub use decode::decoder::Decoder;
pub use decode::findings::Warning;
pub use decode::page::{Page, Reject, StampFaults};
pub use decode::page_builder::PageBuilder;
pub use file::read_file;
pub use resource_draft::draft_resource;
pub use soda::client::{PageRequest, PortalOptions, SodaClient};
pub use soda::extent::{Extent, MonthlyCounts};
pub use soda::scan::{Scan, ScanOptions, describe_stuck_cursor, is_later, is_stuck_cursor};
pub use soda::stamps::{latest_local_stamp, parse_stamp};

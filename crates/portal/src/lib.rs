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
pub use decode::decoder::{Decoder, Page, PageBuilder, Reject, StampFaults};
pub use decode::findings::Warning;
pub use file::read_file;
pub use resource_draft::draft_resource;
pub use soda::client::{PageRequest, PortalOptions, Soda};
pub use soda::extent::{Extent, MonthlyCounts};
pub use soda::scan::{Scan, ScanOptions, is_later, is_stuck, stuck_text};
pub use soda::stamps::{latest_stamp_here, parse_stamp};

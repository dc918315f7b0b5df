//! Reading a portal: SODA pages and saved files, decoded into Arrow.
//!
//! A page is decoded straight into typed columns; a value that does not fit its declared type becomes null with
//! its original in `_extra`, and a row without a usable key is a reject with its original kept.

mod body;
mod boundaries;
mod canonical;
mod columns;
mod content;
mod csv_file;
mod csv_guard;
mod date_order;
mod decode;
mod draft;
mod export;
mod extent;
mod file;
mod findings;
mod http_client;
mod input;
mod json_file;
mod places;
mod row;
mod scan;
mod soda;
mod stamp;
mod times;
mod titles;
mod value;

pub use boundaries::{Boundary, read_boundaries_file};
pub use canonical::canonical_json;
pub use decode::{Decoder, Page, PageBuilder, Reject, StampFaults};
pub use draft::draft_resource;
pub use extent::{Extent, MonthlyCounts};
pub use file::read_file;
pub use findings::Warning;
pub use scan::{Scan, ScanOptions, is_later, is_stuck, stuck_text};
pub use soda::{PageRequest, PortalOptions, Soda};
pub use stamp::{latest_stamp_here, parse_stamp};

//! The words of the lake: resources, windows, times, errors.
//!
//! Nothing here reads or writes but files of a user's own definitions: every other crate speaks these words, and this
//! one speaks to none of them.

mod boundaries;
mod bounded_file;
mod catalog;
mod clock;
mod cursor;
mod definition;
mod duration;
mod error;
mod failpoint;
mod fingerprint;
mod json;
mod nearest;
mod portal_url;
mod raw_column;
mod redact;
mod resource;
mod secret;
mod time;
mod window;

pub use boundaries::{Boundaries, BoundaryDimension, LetterCase};
pub use bounded_file::{MAX_TEXT_FILE_BYTES, read_bounded, read_file, read_regular_file, read_text_file};
pub use catalog::{Catalog, CatalogEntry};
pub use clock::now;
pub use cursor::Cursor;
pub use definition::{Definition, Origin, StoredDefinition};
pub use duration::parse_duration;
pub use error::{Error, Kind, Result, ResultExt};
pub use failpoint::{FAIL_POINTS, failpoint};
pub use json::{parse_json, parse_unambiguous_json};
pub use nearest::{listed, nearest};
pub use portal_url::{is_loopback, parse_portal_url};
pub use raw_column::RawColumn;
pub use redact::{one_line, printable, redact};
pub use resource::{Bounds, Cadence, Column, ColumnType, DateOrder, Resource, Roles};
pub use secret::Secret;
pub use time::{
    MICROS_PER_DAY, MICROS_PER_HOUR, format_wall_clock, month_start, next_month, parse_wall_clock, year_of, year_start,
};
pub use window::Window;

/// The H3 resolution at which every lake indexes its incidents; coarser cells are parents of this one.
pub const FINEST_RESOLUTION: u8 = 10;

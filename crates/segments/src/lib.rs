//! Counts in memory. A file of `counts` or `fast_counts` is decoded once into a [`Segment`]: rows in the order of time, each
//! value a small code of a dictionary that all segments share. Counting is then array arithmetic: a filter is a table by
//! code, a window a range of rows, a group a number computed from codes.
//!
//! A segment can be rolled up: the same counts with fewer dimensions or longer intervals. A rollup is a segment too, and a
//! question is answered from the coarsest ones that answer it exactly. Segments of incidents have exact times and places as well. The
//! crate reads no files and knows no engine.

mod calendar;
mod code;
mod code_column;
mod count;
mod dictionary;
mod dimension;
mod groups;
mod levels;
mod request;
mod rollup;
mod segment;
mod segment_builder;
#[cfg(test)]
mod tests;

pub use calendar::{Hour, Interval, hour_of_micros, micros_of_hour};
pub use code::{Code, NULL_CODE};
pub use count::error::CountError;
pub use count::{CountedGroups, count_groups};
pub use dictionary::{Dictionaries, SharedDictionaries};
pub use dimension::{Dimension, DimensionSet};
pub use groups::Groups;
pub use levels::{Rollups, SegmentLevels, SegmentOfResource};
pub use request::{CellOverlap, ColumnFilter, CountRequest, GroupKey, Instant, PlaceFilter, TimeBuckets};
pub use segment::Segment;
pub use segment_builder::{SegmentBuilder, SegmentError};

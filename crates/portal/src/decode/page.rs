//! A decoded page: its usable rows as Arrow, its rejects, and the position at which the scan continues after it.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use lake_model::Cursor;

use crate::decode::findings::Warning;

/// A row that cannot be used, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Its place in the page, from 0.
    pub row: usize,
    /// The portal's `:id`, if it has one.
    pub portal_id: Option<String>,
    /// Why.
    pub reason: String,
    /// The row's JSON.
    pub original: String,
    /// Its `:updated_at`, microseconds since 1970 UTC, if it has one that can be true.
    pub updated_at: Option<i64>,
}

/// A decoded page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The usable rows: the declared columns, then [`RawColumn::of_page`](lake_model::RawColumn::of_page).
    pub batch: RecordBatch,
    /// The others.
    pub rejects: Vec<Reject>,
    /// All rows of the page, usable or not.
    pub published: usize,
    /// The position at which the next run continues: the last row whose `:updated_at` can be true.
    pub cursor: Option<Cursor>,
    /// Where the next page begins: the last row whose `:updated_at` is a time, be it in the future.
    pub last: Option<Cursor>,
    /// The latest `:updated_at` that can be true, microseconds since 1970 UTC. Rows beyond it have none.
    pub latest_stamp: i64,
    /// The faults of the rows' system fields.
    pub stamps: StampFaults,
    /// The least `:updated_at` of the page, as published.
    pub first_updated_at: Option<String>,
    /// The `_hash` that version 0.1.0 gave to rows of `batch`, where it is another: a row that landed with it is the
    /// same.
    pub earlier_hashes: HashMap<usize, String>,
    /// Remarks about the page for its user.
    pub warnings: Vec<Warning>,
}

/// Rows whose system fields are not what a portal's are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StampFaults {
    /// Rows whose `:updated_at` is in the future.
    pub future: usize,
    /// One of those stamps.
    pub future_example: Option<String>,
    /// Rows without `:id`, or without an `:updated_at` that is a time.
    pub unusable: usize,
    /// One of those stamps, where there is a text.
    pub unusable_example: Option<String>,
    /// Whether the rows are out of order, in time and as text.
    pub unsorted: bool,
}

//! The rows of a batch as the raw table stores them, and how they are read back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use lake_model::{Error, Kind, RawColumn, Result, ResultExt as _};
use lake_portal::Reject;
use lake_store::Snapshot;

use crate::columns::integer_column;

/// A reject's row number within its batch to its reason and its text as published.
pub(crate) type RejectOriginals = HashMap<i64, (String, String)>;

/// A key or a reject that the source no longer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tombstone {
    Key(String),
    Reject(String),
}

/// A raw row without values of declared columns: a tombstone, the closing of a reject, or a reject.
#[derive(Clone, Debug, Default)]
pub(crate) struct MarkerRow {
    key: Option<String>,
    portal_id: Option<String>,
    deleted: bool,
    reason: Option<String>,
    original: Option<String>,
    updated_at: Option<i64>,
}

impl MarkerRow {
    pub(crate) fn tombstone(of: Tombstone) -> Self {
        let (key, portal_id) = match of {
            Tombstone::Key(key) => (Some(key), None),
            Tombstone::Reject(identity) => (None, Some(identity)),
        };
        Self { key, portal_id, deleted: true, ..Self::default() }
    }

    pub(crate) fn reject(reject: &Reject) -> Self {
        Self {
            portal_id: reject.portal_id.clone(),
            reason: Some(reject.reason.clone()),
            original: Some(reject.original.clone()),
            updated_at: reject.updated_at,
            ..Self::default()
        }
    }

    /// Returns the same row under the identity under which the reject is stored in the lake.
    pub(crate) fn with_identity(self, identity: &str) -> Self {
        Self { portal_id: Some(identity.to_owned()), ..self }
    }
}

/// Returns the rejects among what follows the `first` usable rows of a batch.
pub(crate) fn collect_originals(markers: &[MarkerRow], first: usize) -> RejectOriginals {
    let numbered = markers.iter().enumerate();
    numbered
        .filter_map(|(n, row)| Some((i64::try_from(first + n).ok()?, (row.reason.clone()?, row.original.clone()?))))
        .collect()
}

/// Returns a batch's rows with the columns of landing, the marker rows last, in the file's column order.
pub(crate) fn build_raw_batch(
    batch: &RecordBatch,
    markers: &[MarkerRow],
    number: i64,
    now: DateTime<Utc>,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let usable = batch.num_rows();
    let rows = usable + markers.len();
    let with_markers = |column: &ArrayRef, tail: ArrayRef| -> Result<ArrayRef> {
        if markers.is_empty() {
            return Ok(Arc::clone(column));
        }
        arrow::compute::concat(&[column.as_ref(), tail.as_ref()])
            .or_err(Kind::Internal, || "marker rows after the rows of a page")
    };
    let text_tail = |text: fn(&MarkerRow) -> Option<&str>| -> ArrayRef {
        Arc::new(markers.iter().map(text).collect::<StringArray>())
    };
    let of_page = |column: RawColumn| {
        let name = column.name();
        batch.column_by_name(name).ok_or_else(|| Error::internal(format!("a page has no column `{name}`")))
    };
    let no_content = "0".repeat(32);
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let declared = || match batch.column_by_name(field.name()) {
            Some(column) => with_markers(column, new_null_array(field.data_type(), markers.len())),
            // A column that the table has and the definition no longer names.
            None => Ok(new_null_array(field.data_type(), rows)),
        };
        let Some(added) = RawColumn::from_name(field.name()) else {
            columns.push(declared()?);
            continue;
        };
        let column: ArrayRef = match added {
            RawColumn::Batch => Arc::new(Int64Array::from_value(number, rows)),
            RawColumn::Row => Arc::new(Int64Array::from_iter_values((0_i64..).take(rows))),
            RawColumn::LandedAt => Arc::new(TimestampMicrosecondArray::from_value(now.timestamp_micros(), rows)),
            // The partition says it: files do not have the column.
            RawColumn::LandedMonth => new_null_array(field.data_type(), rows),
            RawColumn::Deleted => {
                let deleted = std::iter::repeat_n(false, usable).chain(markers.iter().map(|row| row.deleted));
                Arc::new(deleted.map(Some).collect::<BooleanArray>())
            }
            RawColumn::Reject => {
                let none = new_null_array(field.data_type(), usable);
                with_markers(&none, text_tail(|row| row.reason.as_deref()))?
            }
            RawColumn::Extra => with_markers(of_page(added)?, text_tail(|row| row.original.as_deref()))?,
            RawColumn::PortalId => with_markers(of_page(added)?, text_tail(|row| row.portal_id.as_deref()))?,
            RawColumn::Key => with_markers(of_page(added)?, text_tail(|row| row.key.as_deref()))?,
            RawColumn::UpdatedAt => {
                let times = markers.iter().map(|row| row.updated_at);
                with_markers(of_page(added)?, Arc::new(times.collect::<TimestampMicrosecondArray>()))?
            }
            RawColumn::Hash => {
                let hashes = markers.iter().map(|row| row.deleted.then_some(no_content.as_str()));
                with_markers(of_page(added)?, Arc::new(hashes.collect::<StringArray>()))?
            }
        };
        columns.push(column);
    }
    RecordBatch::try_new(Arc::clone(schema), columns).or_err(Kind::Internal, || "a batch of raw rows")
}

/// Splits rows in landing order by batch.
pub(crate) fn split_by_batch(rows: &RecordBatch) -> Result<Vec<(i64, RecordBatch)>> {
    let numbers = integer_column(rows, "_batch")?;
    let mut batches = Vec::new();
    let mut start = 0;
    for end in 1..=rows.num_rows() {
        if end == rows.num_rows() || numbers.value(end) != numbers.value(start) {
            batches.push((numbers.value(start), rows.slice(start, end - start)));
            start = end;
        }
    }
    Ok(batches)
}

/// Returns the raw file that holds the last rows up to a batch.
pub(crate) fn find_last_file(snapshot: &Snapshot, batch: i64) -> Option<String> {
    let numbered = snapshot.files.iter().filter_map(|file| Some((file.number_range("_batch")?.1, &file.path)));
    numbered.filter(|(last, _)| *last <= batch).max().map(|(_, path)| path.clone())
}

#[cfg(test)]
mod tests {
    use arrow::array::Array as _;
    use lake_model::Resource;
    use lake_portal::Decoder;
    use lake_store::raw_layout;

    use super::*;

    const CALLS: &str = r#"
name = "city-calls"
title = "Calls"
portal = "https://data.example.org"
dataset = "aaaa-bbbb"
city = "Example"
zone = "America/Los_Angeles"
cadence = "1h"
key = ["id"]

[roles]
occurred_at = "opened"
category = "kind"
point = "place"

[bounds]
west = -123.0
south = 37.0
east = -122.0
north = 38.0

[columns]
id = "text"
opened = "timestamp"
kind = "text"
place = "point"
cost = "number"
"#;

    #[test]
    fn a_page_becomes_rows_of_the_table_column_by_column() {
        let resource = Arc::new(Resource::parse("city-calls.toml", CALLS).expect("a resource"));
        let rows = br#"[{"id": "1", "opened": "2024-01-01T00:00:00", "kind": "Noise", ":id": "row-1"}]"#;
        let page = Decoder::new(&resource).page(rows).expect("a page").batch;
        let table = raw_layout(&resource).schema;
        let added =
            ["_extra", "_key", "_portal_id", "_updated_at", "_batch", "_row", "_landed_at", "_hash", "_deleted"];
        let added: Vec<&str> = added.into_iter().chain(["_reject", "_landed_month"]).collect();
        let names: Vec<&str> = table.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, [&["cost", "id", "kind", "opened", "place"][..], &added].concat());
        for field in page.schema().fields() {
            let stored = table.field_with_name(field.name()).expect("a column of the table");
            assert_eq!(field.data_type(), stored.data_type(), "{}", field.name());
        }
        let markers = [MarkerRow::tombstone(Tombstone::Key("2".to_owned()))];
        let landed = build_raw_batch(&page, &markers, 7, DateTime::UNIX_EPOCH, &table).expect("rows of the table");
        // A value in the row or its tombstone: but for what no portal sent, the partition and the reason of a reject.
        let empty: Vec<&str> = added.iter().copied().filter(|name| landed[*name].null_count() == 2).collect();
        assert_eq!(empty, ["_extra", "_updated_at", "_reject", "_landed_month"]);
    }
}

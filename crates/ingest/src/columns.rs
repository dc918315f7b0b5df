//! The rows of a page or a landed batch as landing looks at them: key, hash, time, and the incident they are.

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lake_model::{Error, MICROS_PER_HOUR, Result};

use crate::key_index::{Dimensions, Words};

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    batch
        .column_by_name(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::internal(format!("a batch has no column `{name}`")))
}

fn missing(name: &str) -> Error {
    Error::internal(format!("a batch's column `{name}` has another type"))
}

pub(crate) fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| missing(name))
}

pub(crate) fn times<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray> {
    column(batch, name)?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| missing(name))
}

pub(crate) fn longs<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array> {
    column(batch, name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| missing(name))
}

pub(crate) fn flags<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BooleanArray> {
    column(batch, name)?.as_boolean_opt().ok_or_else(|| missing(name))
}

/// What is counted of each incident of a projected batch.
pub(crate) struct Incidents<'a> {
    occurred_at: &'a TimestampMicrosecondArray,
    cell: &'a Int64Array,
    labels: [&'a StringArray; 4],
}

pub(crate) const LABELS: [&str; 4] = ["category", "subcategory", "district", "neighborhood"];

impl<'a> Incidents<'a> {
    pub(crate) fn new(batch: &'a RecordBatch) -> Result<Self> {
        let label = |n: usize| texts(batch, LABELS[n]);
        Ok(Self {
            occurred_at: times(batch, "occurred_at")?,
            cell: longs(batch, "cell")?,
            labels: [label(0)?, label(1)?, label(2)?, label(3)?],
        })
    }

    pub(crate) fn dimensions(&self, row: usize, words: &mut Words) -> Dimensions {
        let text = |array: &'a StringArray| array.is_valid(row).then(|| array.value(row));
        let hour = self
            .occurred_at
            .is_valid(row)
            .then(|| self.occurred_at.value(row))
            .map(|micros| micros.div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR);
        Dimensions {
            hour,
            cell: self.cell.is_valid(row).then(|| self.cell.value(row)),
            labels: self.labels.map(|array| words.number(text(array))),
        }
    }
}

/// The 16 bytes of a content hash written as 32 hexadecimal digits.
pub(crate) fn hash_bytes(text: &str) -> Result<[u8; 16]> {
    let damaged = || Error::new(lake_model::Kind::Data, format!("`{text}` is no content hash"));
    let mut bytes = [0; 16];
    if text.len() != 32 {
        return Err(damaged());
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(2 * n..2 * n + 2).ok_or_else(damaged)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_e| damaged())?;
    }
    Ok(bytes)
}

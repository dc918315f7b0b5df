//! Typed access to the columns of a page or a landed batch: key, hash, time, and the incident that a row is.

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lake_model::{Error, MICROS_PER_HOUR, Result};

use crate::index::key_state::Dimensions;
use crate::index::label_dictionary::LabelDictionary;

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    batch
        .column_by_name(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::internal(format!("a batch has no column `{name}`")))
}

fn type_error(name: &str) -> Error {
    Error::internal(format!("a batch's column `{name}` has another type"))
}

pub(crate) fn text_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| type_error(name))
}

pub(crate) fn time_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray> {
    column(batch, name)?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| type_error(name))
}

pub(crate) fn integer_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array> {
    column(batch, name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| type_error(name))
}

pub(crate) fn boolean_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BooleanArray> {
    column(batch, name)?.as_boolean_opt().ok_or_else(|| type_error(name))
}

/// The counted columns of a batch of projected incidents.
pub(crate) struct IncidentColumns<'a> {
    occurred_at: &'a TimestampMicrosecondArray,
    cell: &'a Int64Array,
    labels: [&'a StringArray; 4],
}

pub(crate) const LABELS: [&str; 4] = ["category", "subcategory", "district", "neighborhood"];

impl<'a> IncidentColumns<'a> {
    pub(crate) fn new(batch: &'a RecordBatch) -> Result<Self> {
        let label = |n: usize| text_column(batch, LABELS[n]);
        Ok(Self {
            occurred_at: time_column(batch, "occurred_at")?,
            cell: integer_column(batch, "cell")?,
            labels: [label(0)?, label(1)?, label(2)?, label(3)?],
        })
    }

    pub(crate) fn dimensions(&self, row: usize, dictionary: &mut LabelDictionary) -> Dimensions {
        let text = |array: &'a StringArray| array.is_valid(row).then(|| array.value(row));
        let hour = self
            .occurred_at
            .is_valid(row)
            .then(|| self.occurred_at.value(row))
            .map(|micros| micros.div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR);
        Dimensions {
            hour,
            cell: self.cell.is_valid(row).then(|| self.cell.value(row)),
            labels: self.labels.map(|array| dictionary.number_of(text(array))),
        }
    }
}

/// Returns the 16 bytes of a content hash written as 32 hexadecimal digits.
pub(crate) fn parse_hash(text: &str) -> Result<[u8; 16]> {
    let damaged = || {
        Error::new(
            lake_model::Kind::Data,
            format!("`{text}` is not a valid content hash: expected 32 hexadecimal digits"),
        )
    };
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

//! Rows of incidents in columns, with labels as numbers and without null buffers: what is collected, spilled and sorted.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Float64Array, Int64Array, PrimitiveArray, RecordBatch, StringArray,
    UInt32Array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType, UInt32Type,
};
use lake_model::{Error, Kind, Result, ResultExt};

use crate::labels::{LABELS, LabelReader};

/// A time that is null. Times of incidents are within years that do not reach it.
pub(crate) const NO_TIME: i64 = i64::MIN;
/// A cell that is null. It sorts after all others, as null does.
pub(crate) const NO_CELL: i64 = i64::MAX;

/// The columns of whole numbers.
pub(crate) const INTEGERS: [&str; 4] = ["occurred_at", "closed_at", "updated_at", "cell"];
/// Where these are among them.
pub(crate) const OCCURRED_AT: usize = 0;
pub(crate) const CELL: usize = 3;
/// The columns of real numbers; a null is not a number.
pub(crate) const REALS: [&str; 2] = ["latitude", "longitude"];

/// The bytes of a row but for its id.
const ROW_BYTES: usize = 8 * (INTEGERS.len() + REALS.len()) + 4 * LABELS.len() + 4;

/// Rows in columns.
pub(crate) struct IncidentRows {
    id_bytes: Vec<u8>,
    id_offsets: Vec<i32>,
    pub(crate) integers: [Vec<i64>; INTEGERS.len()],
    pub(crate) reals: [Vec<f64>; REALS.len()],
    pub(crate) labels: [Vec<u32>; LABELS.len()],
}

impl Default for IncidentRows {
    fn default() -> Self {
        Self {
            id_bytes: Vec::new(),
            id_offsets: vec![0],
            integers: Default::default(),
            reals: Default::default(),
            labels: Default::default(),
        }
    }
}

/// The columns as they are spilled.
pub(crate) static SPILLED_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |name: &&str, kind: &DataType| Field::new(*name, kind.clone(), false);
    let columns = [(&["id"][..], DataType::Utf8), (&INTEGERS, DataType::Int64), (&REALS, DataType::Float64)];
    let columns = columns.into_iter().chain([(&LABELS[..], DataType::UInt32)]);
    let fields = columns.flat_map(|(names, kind)| names.iter().map(|name| field(name, &kind)).collect::<Vec<_>>());
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
});

impl IncidentRows {
    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.id_offsets.len() - 1
    }

    /// Returns the bytes of the rows.
    pub(crate) fn bytes(&self) -> usize {
        self.len() * ROW_BYTES + self.id_bytes.len()
    }

    /// Returns all ids.
    pub(crate) fn take_ids(&mut self) -> Result<StringArray> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.id_offsets, vec![0])));
        let bytes = Buffer::from_vec(std::mem::take(&mut self.id_bytes));
        StringArray::try_new(offsets, bytes, None).or_err(Kind::Internal, || "collected ids")
    }

    fn extend_ids(&mut self, ids: &StringArray, rows: Range<usize>) -> Result<()> {
        let offsets = &ids.value_offsets()[rows.start..=rows.end];
        let (first, last) = (offsets[0], offsets[rows.len()]);
        let too_many = || Error::new(Kind::Exhausted, "the ids of one month do not fit into memory");
        let start = i32::try_from(self.id_bytes.len()).map_err(|_| too_many())?;
        start.checked_add(last - first).ok_or_else(too_many)?;
        let bytes = usize::try_from(first).ok().zip(usize::try_from(last).ok());
        let (from, to) = bytes.ok_or_else(|| Error::internal("ids with negative offsets"))?;
        self.id_bytes.extend_from_slice(&ids.value_data()[from..to]);
        self.id_offsets.extend(offsets[1..].iter().map(|offset| offset - first + start));
        Ok(())
    }

    /// Appends rows of a batch.
    pub(crate) fn extend(&mut self, batch: &IncidentBatch, rows: Range<usize>) -> Result<()> {
        self.extend_ids(&batch.ids, rows.clone())?;
        for (to, from) in self.integers.iter_mut().zip(&batch.integers) {
            to.extend_from_slice(&from[rows.clone()]);
        }
        for (to, from) in self.reals.iter_mut().zip(&batch.reals) {
            to.extend_from_slice(&from[rows.clone()]);
        }
        for (to, from) in self.labels.iter_mut().zip(&batch.labels) {
            to.extend_from_slice(&from[rows.clone()]);
        }
        Ok(())
    }

    /// Returns the rows as they are spilled, and leaves none.
    pub(crate) fn take_spilled(&mut self) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.take_ids()?)];
        let integers = self.integers.iter_mut().map(std::mem::take);
        columns.extend(integers.map(|column| Arc::new(Int64Array::from(column)) as ArrayRef));
        let reals = self.reals.iter_mut().map(std::mem::take);
        columns.extend(reals.map(|column| Arc::new(Float64Array::from(column)) as ArrayRef));
        let labels = self.labels.iter_mut().map(std::mem::take);
        columns.extend(labels.map(|column| Arc::new(UInt32Array::from(column)) as ArrayRef));
        RecordBatch::try_new(Arc::clone(&SPILLED_SCHEMA), columns).or_err(Kind::Internal, || "rows to be spilled")
    }

    /// Appends rows that were spilled.
    pub(crate) fn extend_spilled(&mut self, batch: &RecordBatch) -> Result<()> {
        let lost = || Error::internal("spilled rows have lost their columns");
        let (ids, numbers) = batch.columns().split_first().ok_or_else(lost)?;
        self.extend_ids(ids.as_string_opt::<i32>().ok_or_else(lost)?, 0..batch.num_rows())?;
        let (integers, numbers) = numbers.split_at_checked(INTEGERS.len()).ok_or_else(lost)?;
        let (reals, labels) = numbers.split_at_checked(REALS.len()).ok_or_else(lost)?;
        for (to, from) in self.integers.iter_mut().zip(integers) {
            to.extend_from_slice(from.as_primitive_opt::<Int64Type>().ok_or_else(lost)?.values());
        }
        for (to, from) in self.reals.iter_mut().zip(reals) {
            to.extend_from_slice(from.as_primitive_opt::<Float64Type>().ok_or_else(lost)?.values());
        }
        for (to, from) in self.labels.iter_mut().zip(labels) {
            to.extend_from_slice(from.as_primitive_opt::<UInt32Type>().ok_or_else(lost)?.values());
        }
        Ok(())
    }
}

/// A batch of incidents as the engine returns it, with its labels as numbers.
pub(crate) struct IncidentBatch {
    pub(crate) ids: StringArray,
    pub(crate) integers: [ScalarBuffer<i64>; INTEGERS.len()],
    reals: [ScalarBuffer<f64>; REALS.len()],
    labels: [Vec<u32>; LABELS.len()],
}

impl IncidentBatch {
    /// Reads the columns of a batch.
    ///
    /// # Errors
    /// If a column is missing or there are too many different labels.
    pub(crate) fn new(batch: &RecordBatch, labels: &mut LabelReader) -> Result<Self> {
        let [occurred_at, closed_at, updated_at, cell] = INTEGERS;
        let time = |name| values::<TimestampMicrosecondType>(batch, name, NO_TIME);
        let real = |name| values::<Float64Type>(batch, name, f64::NAN);
        let mut numbers: [Vec<u32>; LABELS.len()] = Default::default();
        for (column, numbers) in numbers.iter_mut().enumerate() {
            *numbers = labels.read_column(column, text_column(batch, LABELS[column])?)?;
        }
        Ok(Self {
            ids: text_column(batch, "id")?.clone(),
            integers: [
                time(occurred_at)?,
                time(closed_at)?,
                time(updated_at)?,
                values::<Int64Type>(batch, cell, NO_CELL)?,
            ],
            reals: [real(REALS[0])?, real(REALS[1])?],
            labels: numbers,
        })
    }
}

/// Returns a column of text.
pub(crate) fn text_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.ok_or_else(|| Error::internal(format!("the compacted rows have no text `{name}`")))
}

/// Returns the values of a column, `null` where there is none.
pub(crate) fn values<T: ArrowPrimitiveType>(
    batch: &RecordBatch,
    name: &str,
    null: T::Native,
) -> Result<ScalarBuffer<T::Native>> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<T>());
    let column: &PrimitiveArray<T> =
        column.ok_or_else(|| Error::internal(format!("the compacted rows have no `{name}` of its type")))?;
    Ok(match column.null_count() {
        0 => column.values().clone(),
        _ => column.iter().map(|value| value.unwrap_or(null)).collect(),
    })
}

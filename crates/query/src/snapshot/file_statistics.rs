//! A data file's statistics from the log, as the engine wants them.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use lake_store::{ColumnRange, DataFile};

/// Converts a partition value to a scalar of its column's type.
pub(crate) fn partition_scalar(kind: &DataType, value: Option<&str>) -> ScalarValue {
    let parsed = match (kind, value) {
        (DataType::Utf8, Some(text)) => Some(ScalarValue::Utf8(Some(text.to_owned()))),
        (DataType::Int32, Some(text)) => text.parse().ok().map(|n| ScalarValue::Int32(Some(n))),
        (DataType::Int64, Some(text)) => text.parse().ok().map(|n| ScalarValue::Int64(Some(n))),
        _ => None,
    };
    parsed.unwrap_or_else(|| ScalarValue::try_from(kind).unwrap_or(ScalarValue::Null))
}

fn scalar_bounds(range: &ColumnRange, kind: &DataType) -> Option<(ScalarValue, ScalarValue)> {
    let pair = match (range, kind) {
        (ColumnRange::Number(a, b), DataType::Int64) => (ScalarValue::Int64(Some(*a)), ScalarValue::Int64(Some(*b))),
        (ColumnRange::Number(a, b), DataType::Int32) => {
            let narrow = |n: i64| i32::try_from(n).ok().map(|n| ScalarValue::Int32(Some(n)));
            (narrow(*a)?, narrow(*b)?)
        }
        (ColumnRange::Real(a, b), DataType::Float64) => {
            (ScalarValue::Float64(Some(*a)), ScalarValue::Float64(Some(*b)))
        }
        (ColumnRange::Time(a, b), DataType::Timestamp(..)) => {
            (ScalarValue::TimestampMicrosecond(Some(*a), None), ScalarValue::TimestampMicrosecond(Some(*b), None))
        }
        (ColumnRange::Text(a, b), DataType::Utf8) => {
            (ScalarValue::Utf8(Some(a.clone())), ScalarValue::Utf8(Some(b.clone())))
        }
        _ => return None,
    };
    Some(pair)
}

/// Returns the statistics of one file over the table's schema, partition columns included.
pub(crate) fn file_statistics(file: &DataFile, schema: &SchemaRef, partition_columns: &[String]) -> Arc<Statistics> {
    let rows = file.rows.and_then(|r| usize::try_from(r).ok());
    let columns = schema.fields().iter().map(|field| {
        let (name, kind) = (field.name(), field.data_type());
        if partition_columns.contains(name) {
            let value = partition_scalar(kind, file.partition_value(name));
            let nulls = if value.is_null() { rows } else { Some(0) };
            return ColumnStatistics {
                null_count: nulls.map_or(Precision::Absent, Precision::Exact),
                min_value: Precision::Exact(value.clone()),
                max_value: Precision::Exact(value),
                ..ColumnStatistics::new_unknown()
            };
        }
        let mut statistics = ColumnStatistics::new_unknown();
        if let Some(nulls) = file.nulls.get(name).and_then(|n| usize::try_from(*n).ok()) {
            statistics.null_count = Precision::Exact(nulls);
        }
        if let Some((low, high)) = file.ranges.get(name).and_then(|range| scalar_bounds(range, kind)) {
            statistics.min_value = Precision::Exact(low);
            statistics.max_value = Precision::Exact(high);
        }
        statistics
    });
    Arc::new(Statistics {
        num_rows: rows.map_or(Precision::Absent, Precision::Exact),
        total_byte_size: Precision::Absent,
        column_statistics: columns.collect(),
    })
}

/// Returns the last batch of a file of raw rows, where the log has it.
pub(crate) fn last_batch(file: &DataFile) -> Option<i64> {
    Some(file.number_range("_batch")?.1)
}

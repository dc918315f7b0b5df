//! Arithmetic on timestamps of every unit.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use chrono::{DateTime, NaiveDateTime};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

/// Returns the number of ticks of a unit in a second.
pub(super) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Returns the date and time of a timestamp; `None` beyond what `chrono` represents.
pub(super) fn to_datetime(ticks: i64, unit: TimeUnit) -> Option<NaiveDateTime> {
    let per_second = per_second(unit);
    let nanos = ticks.rem_euclid(per_second) * (1_000_000_000 / per_second);
    DateTime::from_timestamp(ticks.div_euclid(per_second), u32::try_from(nanos).ok()?).map(|at| at.naive_utc())
}

/// Returns the timestamp of a date and time, truncated to the unit; `None` if it overflows.
pub(super) fn from_datetime(at: NaiveDateTime, unit: TimeUnit) -> Option<i64> {
    let (at, per_second) = (at.and_utc(), per_second(unit));
    let within = i64::from(at.timestamp_subsec_nanos()) / (1_000_000_000 / per_second);
    at.timestamp().checked_mul(per_second)?.checked_add(within)
}

/// Applies a function to each timestamp.
///
/// # Errors
/// If the function returns `None` for one of them.
pub(super) fn map(value: &ColumnarValue, to: &DataType, f: impl Fn(i64) -> Option<i64>) -> Result<ColumnarValue> {
    let mapped = |array: &ArrayRef| -> Result<ArrayRef> {
        let ticks = cast(array, &DataType::Int64)?;
        let ticks = ticks.as_primitive::<Int64Type>();
        let found: Int64Array = ticks
            .iter()
            .map(|tick| tick.map(|tick| f(tick).ok_or(tick)).transpose())
            .collect::<std::result::Result<_, i64>>()
            .or_else(|tick| {
                exec_err!(
                    "the time {tick} ({}) is outside the supported range; exclude it with WHERE",
                    array.data_type()
                )
            })?;
        Ok(cast(&(Arc::new(found) as ArrayRef), to)?)
    };
    match value {
        ColumnarValue::Array(array) => Ok(ColumnarValue::Array(mapped(array)?)),
        ColumnarValue::Scalar(scalar) => {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&mapped(&scalar.to_array()?)?, 0)?))
        }
    }
}

//! Buckets of wall-clock time: their length, and the start of the bucket of an instant.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{Datelike, NaiveDate};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarUDF, Volatility, create_udf};
use lake_model::{MICROS_PER_DAY, MICROS_PER_HOUR};
use lake_segments::Interval;

const MICROS_PER_MINUTE: i64 = MICROS_PER_HOUR / 60;
/// 1970-01-05, the first Monday.
const FIRST_MONDAY: i64 = 4 * MICROS_PER_DAY;
/// Days from 0001-01-01 to 1970-01-01, plus one: how the calendar counts days.
const EPOCH_DAY: i64 = 719_163;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePrecision {
    /// Always the same number of microseconds, aligned to an instant.
    Fixed {
        /// Its length.
        micros: i64,
        /// An instant at which one begins.
        aligned: i64,
    },
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
    /// All time: one bucket, without a label.
    All,
}

const fn from_midnight(micros: i64) -> TimePrecision {
    TimePrecision::Fixed { micros, aligned: 0 }
}

/// The precisions by their names, finest first.
pub(crate) const PRECISIONS: [(&str, TimePrecision); 10] = [
    ("1m", from_midnight(MICROS_PER_MINUTE)),
    ("15m", from_midnight(15 * MICROS_PER_MINUTE)),
    ("1h", from_midnight(MICROS_PER_HOUR)),
    ("6h", from_midnight(6 * MICROS_PER_HOUR)),
    ("12h", from_midnight(12 * MICROS_PER_HOUR)),
    ("24h", from_midnight(MICROS_PER_DAY)),
    ("1w", TimePrecision::Fixed { micros: 7 * MICROS_PER_DAY, aligned: FIRST_MONDAY }),
    ("1mo", TimePrecision::Month),
    ("1y", TimePrecision::Year),
    ("all", TimePrecision::All),
];

/// The names of the precisions.
pub(crate) const PRECISION_NAMES: &[&str] = &["1m", "15m", "1h", "6h", "12h", "24h", "1w", "1mo", "1y", "all"];

impl TimePrecision {
    /// Returns whether its buckets consist of full hours, so that hourly counts answer.
    pub fn is_multiple_of_hours(self) -> bool {
        !matches!(self, Self::Fixed { micros, .. } if micros < MICROS_PER_HOUR)
    }

    /// Returns the longest intervals that its buckets consist of; `None` if they are shorter than an hour or all time.
    pub(crate) fn interval(self) -> Option<Interval> {
        let is_whole = |length: i64| matches!(self, Self::Fixed { micros, aligned } if micros % length == 0 && aligned % length == 0);
        match self {
            Self::Fixed { .. } if is_whole(MICROS_PER_DAY) => Some(Interval::Day),
            Self::Fixed { .. } if is_whole(MICROS_PER_HOUR) => Some(Interval::Hour),
            Self::Month => Some(Interval::Month),
            Self::Year => Some(Interval::Year),
            Self::Fixed { .. } | Self::All => None,
        }
    }

    /// Returns the length of buckets that are shorter than an hour, microseconds.
    pub(crate) fn micros_within_hour(self) -> Option<u32> {
        match self {
            Self::Fixed { micros, aligned: 0 }
                if micros > 0 && MICROS_PER_HOUR % micros == 0 && micros < MICROS_PER_HOUR =>
            {
                u32::try_from(micros).ok()
            }
            _ => None,
        }
    }

    /// Returns how many buckets an hour has; 1 if they are not shorter.
    pub(crate) fn buckets_of_hour(self) -> i64 {
        self.micros_within_hour().map_or(1, |micros| MICROS_PER_HOUR / i64::from(micros))
    }

    /// Returns the start of the bucket of an instant, wall-clock microseconds.
    pub(crate) fn start(self, instant: i64) -> i64 {
        let day = instant.div_euclid(MICROS_PER_DAY);
        let first_of = |before: fn(&NaiveDate) -> u32| match date(day) {
            Some(date) => (day - i64::from(before(&date))) * MICROS_PER_DAY,
            None => instant,
        };
        match self {
            // Wrapping: the slots of nulls hold anything.
            Self::Fixed { micros, aligned } => instant.wrapping_sub(instant.wrapping_sub(aligned).rem_euclid(micros)),
            Self::Month => first_of(Datelike::day0),
            Self::Year => first_of(Datelike::ordinal0),
            Self::All => 0,
        }
    }

    /// Returns the start of the bucket of `instant` in a plan.
    pub fn bucket_start(self, instant: Expr) -> Expr {
        instant_function("bucket", instant_type(), move |instants| {
            let starts = instants.as_primitive::<TimestampMicrosecondType>();
            Arc::new(starts.unary::<_, TimestampMicrosecondType>(|instant| self.start(instant)))
        })
        .call(vec![instant])
    }
}

fn date(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(day + EPOCH_DAY).ok()?)
}

/// Returns the hour of the day, 0 to 23.
fn hour_of(instant: i64) -> i32 {
    i32::try_from(instant.rem_euclid(MICROS_PER_DAY) / MICROS_PER_HOUR).unwrap_or(0)
}

/// Returns the ISO day of the week, Monday 1 to Sunday 7.
fn weekday_of(instant: i64) -> i32 {
    // 1970-01-01 was a Thursday.
    i32::try_from((instant.div_euclid(MICROS_PER_DAY) + 3).rem_euclid(7) + 1).unwrap_or(0)
}

/// Returns the hour of the day of `instant` in a plan, 0 to 23.
pub(crate) fn hour_of_day(instant: Expr) -> Expr {
    integer_function("hour", hour_of).call(vec![instant])
}

/// Returns the ISO day of the week of `instant` in a plan, Monday 1 to Sunday 7.
pub(crate) fn day_of_week(instant: Expr) -> Expr {
    integer_function("weekday", weekday_of).call(vec![instant])
}

fn integer_function(name: &str, number: fn(i64) -> i32) -> ScalarUDF {
    instant_function(name, DataType::Int32, move |instants| {
        Arc::new(instants.as_primitive::<TimestampMicrosecondType>().unary::<_, Int32Type>(number))
    })
}

fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// Creates a function of wall-clock time. Integer arithmetic: the engine's own functions go through nanoseconds, which
/// end in 2262 and cost more than the scan.
fn instant_function(
    name: &str,
    output: DataType,
    body: impl Fn(&ArrayRef) -> ArrayRef + Send + Sync + 'static,
) -> ScalarUDF {
    let run = move |arguments: &[ColumnarValue]| -> datafusion::error::Result<ColumnarValue> {
        let scalar = matches!(arguments, [ColumnarValue::Scalar(_)]);
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let result = body(&arrays[0]);
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    };
    create_udf(name, vec![instant_type()], output, Volatility::Immutable, Arc::new(run))
}

#[cfg(test)]
mod tests {
    use lake_model::{format_wall_clock, parse_wall_clock};

    use super::*;

    fn start(precision: &str, instant: &str) -> String {
        let (_, precision) = PRECISIONS.iter().find(|(name, _)| *name == precision).expect("a precision");
        format_wall_clock(precision.start(parse_wall_clock(instant).expect("an instant")))
    }

    #[test]
    fn a_bucket_begins_where_its_calendar_says() {
        for (precision, instant, begins) in [
            ("1m", "2024-06-01T12:34:56", "2024-06-01T12:34:00"),
            ("15m", "2024-06-01T12:44:59", "2024-06-01T12:30:00"),
            ("1h", "2024-06-01T12:59:59.999999", "2024-06-01T12:00:00"),
            ("6h", "2024-06-01T11:59", "2024-06-01T06:00:00"),
            ("12h", "2024-06-01T12:00", "2024-06-01T12:00:00"),
            ("24h", "2024-06-01T23:59:59", "2024-06-01T00:00:00"),
            ("1w", "2024-06-02T23:00", "2024-05-27T00:00:00"),
            ("1w", "2024-06-03", "2024-06-03T00:00:00"),
            ("1w", "2021-01-03", "2020-12-28T00:00:00"),
            ("1mo", "2024-02-29T10:00", "2024-02-01T00:00:00"),
            ("1y", "2024-12-31T23:59:59", "2024-01-01T00:00:00"),
        ] {
            assert_eq!(start(precision, instant), begins, "{precision} of {instant}");
        }
    }

    #[test]
    fn buckets_before_1970_and_after_2262_begin_like_others() {
        for (precision, instant, begins) in [
            ("1m", "1969-12-31T23:59:59", "1969-12-31T23:59:00"),
            ("24h", "1905-03-07T01:00", "1905-03-07T00:00:00"),
            ("1w", "1969-12-31", "1969-12-29T00:00:00"),
            ("1mo", "1900-02-28T12:00", "1900-02-01T00:00:00"),
            ("1y", "1969-06-01", "1969-01-01T00:00:00"),
            ("1y", "2500-06-01", "2500-01-01T00:00:00"),
        ] {
            assert_eq!(start(precision, instant), begins, "{precision} of {instant}");
        }
    }

    #[test]
    fn hours_and_weekdays_are_those_of_the_wall() {
        for (instant, hour, weekday) in [
            ("2024-06-01T23:59:59", 23, 6),
            ("2024-06-02", 0, 7),
            ("2024-06-03T07:00", 7, 1),
            ("1969-12-31T22:00", 22, 3),
        ] {
            let micros = parse_wall_clock(instant).expect("an instant");
            assert_eq!((hour_of(micros), weekday_of(micros)), (hour, weekday), "{instant}");
        }
    }

    #[test]
    fn only_buckets_shorter_than_an_hour_need_the_rows() {
        let short: Vec<&str> =
            PRECISIONS.iter().filter(|(_, p)| !p.is_multiple_of_hours()).map(|(name, _)| *name).collect();
        assert_eq!(short, ["1m", "15m"]);
    }
}

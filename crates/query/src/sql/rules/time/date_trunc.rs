//! `date_trunc` for all timestamps. The engine's fails beyond the range of nanoseconds for weeks and longer, and in
//! zones.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeDelta, TimeZone as _};
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::instant::{instant_of, parse_zone};
use super::ticks;

/// `date_trunc` for timestamps. Times of day are left to the engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateTrunc {
    of: Arc<ScalarUDF>,
    signature: Signature,
}

impl DateTrunc {
    /// Returns the function in place of the engine's.
    pub(super) fn new(of: Arc<ScalarUDF>) -> Self {
        Self { of, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &'static str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, time] = arg_types else {
            return plan_err!("date_trunc takes a unit and a time: date_trunc('month', t)");
        };
        Ok(vec![DataType::Utf8, as_time(self.name(), time)?])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [_, time] => Ok(time.clone()),
            _ => internal_err!("date_trunc of {} arguments", arg_types.len()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [_, time] = args.arg_fields else { return internal_err!("date_trunc without a time") };
        Ok(Arc::new(Field::new(self.name(), time.data_type().clone(), time.is_nullable())))
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.of.output_ordering(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [unit, time] = args.args.as_slice() else { return internal_err!("date_trunc without a time") };
        let DataType::Timestamp(of, zone) = time.data_type() else { return self.of.invoke_with_args(args) };
        let name = match unit {
            ColumnarValue::Scalar(unit) => unit.try_as_str().flatten(),
            ColumnarValue::Array(_) => None,
        };
        let Some(name) = name else { return exec_err!("the unit of date_trunc is a text, the same for all rows") };
        let unit = Unit::parse(name)?;
        let zone = zone.map(|zone| parse_zone(&zone)).transpose()?;
        ticks::map(time, &time.data_type(), |ticks| match &zone {
            None => unit.truncated(ticks, of),
            Some(zone) => unit.truncated_in(ticks, of, zone),
        })
    }
}

/// Returns the type that an argument is coerced to.
///
/// # Errors
/// If the argument is not a time.
pub(super) fn as_time(function: &str, kind: &DataType) -> Result<DataType> {
    match kind {
        DataType::Timestamp(..) | DataType::Time32(_) | DataType::Time64(_) => Ok(kind.clone()),
        DataType::Date32
        | DataType::Date64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Null => Ok(DataType::Timestamp(TimeUnit::Microsecond, None)),
        other => plan_err!("{function} takes a timestamp, a date, a time or a text, not {other}; CAST it"),
    }
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    /// A fixed number of nanoseconds.
    Nanos(i64),
    Week,
    /// A number of months: one, three or twelve.
    Months(u32),
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

impl Unit {
    fn parse(name: &str) -> Result<Self> {
        Ok(match name.to_lowercase().as_str() {
            "microsecond" => Self::Nanos(1_000),
            "millisecond" => Self::Nanos(1_000_000),
            "second" => Self::Nanos(NANOS_PER_SECOND),
            "minute" => Self::Nanos(60 * NANOS_PER_SECOND),
            "hour" => Self::Nanos(3_600 * NANOS_PER_SECOND),
            "day" => Self::Nanos(NANOS_PER_DAY),
            "week" => Self::Week,
            "month" => Self::Months(1),
            "quarter" => Self::Months(3),
            "year" => Self::Months(12),
            _ => {
                return exec_err!(
                    "`{name}` is not a unit of date_trunc: microsecond, millisecond, second, minute, hour, day, week, \
                     month, quarter or year"
                );
            }
        })
    }

    fn truncated(self, ticks: i64, of: TimeUnit) -> Option<i64> {
        match self {
            Self::Nanos(nanos) => {
                let step = nanos / (NANOS_PER_SECOND / ticks::per_second(of));
                if step <= 1 { Some(ticks) } else { ticks.checked_sub(ticks.rem_euclid(step)) }
            }
            Self::Week | Self::Months(_) => ticks::from_datetime(self.first_day(ticks::to_datetime(ticks, of)?)?, of),
        }
    }

    /// Truncates the wall-clock time of an instant in a zone.
    fn truncated_in(self, ticks: i64, of: TimeUnit, zone: &Tz) -> Option<i64> {
        let utc = ticks::to_datetime(ticks, of)?;
        let offset = zone.offset_from_utc_datetime(&utc).fix().local_minus_utc();
        match self {
            // The offset is kept below a day, so that the two hours of an overlap stay apart.
            Self::Nanos(nanos) if nanos < NANOS_PER_DAY => {
                let shift = i64::from(offset).checked_mul(ticks::per_second(of))?;
                self.truncated(ticks.checked_add(shift)?, of)?.checked_sub(shift)
            }
            _ => {
                let local = utc.checked_add_signed(TimeDelta::seconds(i64::from(offset)))?;
                ticks::from_datetime(instant_of(self.first_day(local)?, zone)?, of)
            }
        }
    }

    /// Returns the start of the day, week, month, quarter or year.
    fn first_day(self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        let date = at.date();
        let first = match self {
            Self::Nanos(_) => date,
            Self::Week => date.checked_sub_days(chrono::Days::new(u64::from(date.weekday().num_days_from_monday())))?,
            Self::Months(months) => NaiveDate::from_ymd_opt(date.year(), date.month0() / months * months + 1, 1)?,
        };
        Some(first.and_time(NaiveTime::MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truncated(unit: &str, text: &str, zone: Option<&str>) -> String {
        let at: NaiveDateTime = text.parse().expect(text);
        let ticks = ticks::from_datetime(at, TimeUnit::Microsecond).expect("ticks");
        let unit = Unit::parse(unit).expect(unit);
        let found = match zone {
            None => unit.truncated(ticks, TimeUnit::Microsecond),
            Some(zone) => unit.truncated_in(ticks, TimeUnit::Microsecond, &parse_zone(zone).expect(zone)),
        };
        ticks::to_datetime(found.expect("a time"), TimeUnit::Microsecond).expect("a time").to_string()
    }

    #[test]
    fn times_of_all_years_are_truncated() {
        for (unit, text, expected) in [
            ("month", "9999-12-31T23:59:59.999999", "9999-12-01 00:00:00"),
            ("year", "0001-01-01T00:00:00", "0001-01-01 00:00:00"),
            ("quarter", "1500-06-15T01:00:00", "1500-04-01 00:00:00"),
            ("week", "2024-03-10T12:00:00", "2024-03-04 00:00:00"),
            ("week", "1969-12-31T12:00:00", "1969-12-29 00:00:00"),
            ("day", "1969-12-31T23:59:59", "1969-12-31 00:00:00"),
            ("hour", "1500-06-15T01:30:00", "1500-06-15 01:00:00"),
            ("millisecond", "1969-12-31T23:59:59.999999", "1969-12-31 23:59:59.999"),
            ("microsecond", "1969-12-31T23:59:59.999999", "1969-12-31 23:59:59.999999"),
        ] {
            assert_eq!(truncated(unit, text, None), expected, "{unit} {text}");
        }
    }

    #[test]
    fn instants_are_truncated_as_clocks_of_their_zone_show_them() {
        for (unit, utc, expected) in [
            // The two 01:30 of that night.
            ("hour", "2024-11-03T08:30:00", "2024-11-03 08:00:00"),
            ("hour", "2024-11-03T09:30:00", "2024-11-03 09:00:00"),
            ("day", "2024-11-03T09:30:00", "2024-11-03 07:00:00"),
            ("month", "2024-11-30T09:30:00", "2024-11-01 07:00:00"),
            ("day", "2024-03-11T01:00:00", "2024-03-10 08:00:00"),
        ] {
            assert_eq!(truncated(unit, utc, Some("America/Los_Angeles")), expected, "{unit} {utc}");
        }
        // Midnight is in a gap.
        assert_eq!(truncated("day", "2018-11-04T12:00:00", Some("America/Sao_Paulo")), "2018-11-04 03:00:00");
    }
}

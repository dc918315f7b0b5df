//! `date_bin` for all timestamps. The engine's returns null beyond the range of nanoseconds.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use chrono::{Datelike as _, Months, NaiveDateTime};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::date_trunc::as_time;
use super::ticks;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_DAY: i128 = 86_400 * NANOS_PER_SECOND;

/// `date_bin` for timestamps. Times of day are left to the engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateBin {
    of: Arc<ScalarUDF>,
    signature: Signature,
}

impl DateBin {
    /// Returns the function in place of the engine's.
    pub(super) fn new(of: Arc<ScalarUDF>) -> Self {
        Self { of, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateBin {
    fn name(&self) -> &'static str {
        "date_bin"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, time, rest @ ..] = arg_types else {
            return plan_err!("date_bin takes an interval and a time: date_bin(INTERVAL '15 minutes', t)");
        };
        if rest.len() > 1 {
            return plan_err!("date_bin takes an interval, a time and an origin, and no more");
        }
        let time = as_time(self.name(), time)?;
        let stride = DataType::Interval(IntervalUnit::MonthDayNano);
        Ok([stride, time.clone()].into_iter().chain(rest.iter().map(|_| time.clone())).collect())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [_, time, ..] => Ok(time.clone()),
            _ => internal_err!("date_bin without a time"),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [stride, time, rest @ ..] = args.args.as_slice() else { return internal_err!("date_bin without a time") };
        let DataType::Timestamp(unit, _) = time.data_type() else { return self.of.invoke_with_args(args) };
        let stride = match stride {
            ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(stride))) => Stride::new(*stride, unit)?,
            _ => return exec_err!("the interval of date_bin is the same for all rows; write it out"),
        };
        let origin = match rest {
            [] => 0,
            [ColumnarValue::Scalar(origin)] => match origin.cast_to(&DataType::Int64)? {
                ScalarValue::Int64(Some(origin)) => origin,
                _ => return Ok(ColumnarValue::Scalar(ScalarValue::try_from(time.data_type())?)),
            },
            _ => return exec_err!("the origin of date_bin is the same for all rows; write it out"),
        };
        ticks::map(time, &time.data_type(), |ticks| stride.begin(ticks, origin, unit))
    }
}

#[derive(Clone, Copy, Debug)]
enum Stride {
    Ticks(i64),
    Months(i32),
}

impl Stride {
    fn new(interval: IntervalMonthDayNano, unit: TimeUnit) -> Result<Self> {
        let nanos = i128::from(interval.days) * NANOS_PER_DAY + i128::from(interval.nanoseconds);
        if interval.months != 0 && nanos != 0 {
            return exec_err!("the interval of date_bin is in months or in days and shorter, not in both");
        }
        if interval.months > 0 {
            return Ok(Self::Months(interval.months));
        }
        let per_tick = NANOS_PER_SECOND / i128::from(ticks::per_second(unit));
        match i64::try_from(nanos / per_tick) {
            Ok(ticks) if ticks > 0 && nanos % per_tick == 0 => Ok(Self::Ticks(ticks)),
            _ => exec_err!("the interval of date_bin is longer than nothing, and no finer than the time"),
        }
    }

    /// Returns the start of the bin that contains a timestamp.
    fn begin(self, at: i64, origin: i64, unit: TimeUnit) -> Option<i64> {
        match self {
            Self::Ticks(stride) => {
                let within = (i128::from(at) - i128::from(origin)).rem_euclid(i128::from(stride));
                i64::try_from(i128::from(at) - within).ok()
            }
            Self::Months(stride) => {
                let (at, origin) = (ticks::to_datetime(at, unit)?, ticks::to_datetime(origin, unit)?);
                let bins = (months(at) - months(origin)).div_euclid(stride);
                let begin = plus(origin, bins.checked_mul(stride)?)?;
                let begin = if begin > at { plus(origin, (bins - 1).checked_mul(stride)?)? } else { begin };
                ticks::from_datetime(begin, unit)
            }
        }
    }
}

fn months(at: NaiveDateTime) -> i32 {
    at.year() * 12 + i32::try_from(at.month0()).unwrap_or(0)
}

fn plus(at: NaiveDateTime, months: i32) -> Option<NaiveDateTime> {
    let by = Months::new(months.unsigned_abs());
    if months < 0 { at.checked_sub_months(by) } else { at.checked_add_months(by) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(months: i32, days: i32, minutes: i64, at: &str, origin: &str) -> String {
        let ticks = |text: &str| ticks::from_datetime(text.parse().expect(text), TimeUnit::Microsecond).expect("ticks");
        let nanos = minutes * 60_000_000_000;
        let stride =
            Stride::new(IntervalMonthDayNano::new(months, days, nanos), TimeUnit::Microsecond).expect("stride");
        let found = stride.begin(ticks(at), ticks(origin), TimeUnit::Microsecond).expect("a time");
        ticks::to_datetime(found, TimeUnit::Microsecond).expect("a time").to_string()
    }

    #[test]
    fn times_of_all_years_have_bins() {
        let epoch = "1970-01-01T00:00:00";
        assert_eq!(begin(0, 1, 0, "9999-12-31T13:00:00", epoch), "9999-12-31 00:00:00");
        assert_eq!(begin(0, 0, 15, "1500-06-15T01:29:59", epoch), "1500-06-15 01:15:00");
        assert_eq!(begin(0, 0, 15, "1969-12-31T23:59:59", epoch), "1969-12-31 23:45:00");
        assert_eq!(begin(0, 7, 0, "2024-03-10T12:00:00", "2024-01-01T00:00:00"), "2024-03-04 00:00:00");
        assert_eq!(begin(1, 0, 0, "0001-02-28T12:00:00", epoch), "0001-02-01 00:00:00");
        assert_eq!(begin(12, 0, 0, "9999-12-31T00:00:00", epoch), "9999-01-01 00:00:00");
        assert_eq!(begin(1, 0, 0, "2024-03-10T00:00:00", "2000-01-15T00:00:00"), "2024-02-15 00:00:00");
    }

    #[test]
    fn intervals_without_a_length_are_refused() {
        for (months, days, nanos) in [(0, 0, 0), (1, 1, 0), (0, -1, 0), (-1, 0, 0), (0, 0, 1)] {
            let stride = Stride::new(IntervalMonthDayNano::new(months, days, nanos), TimeUnit::Microsecond);
            assert!(stride.is_err(), "{months} {days} {nanos}");
        }
    }
}

//! One sum of intervals: of their months, their days and their nanoseconds.

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::{IntervalMonthDayNano, IntervalMonthDayNanoType};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

#[derive(Debug, Default)]
pub(super) struct IntervalSum {
    months: i64,
    days: i64,
    nanoseconds: i128,
    /// How many were added; the sum of none is null.
    count: u64,
}

impl IntervalSum {
    fn value(&self) -> Result<ScalarValue> {
        if self.count == 0 {
            return Ok(ScalarValue::IntervalMonthDayNano(None));
        }
        let parts = (i32::try_from(self.months), i32::try_from(self.days), i64::try_from(self.nanoseconds));
        let (Ok(months), Ok(days), Ok(nanoseconds)) = parts else {
            return exec_err!("a sum of intervals exceeds the range of an interval; sum date_part('epoch', x)");
        };
        Ok(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(months, days, nanoseconds))))
    }
}

impl Accumulator for IntervalSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for one in values.iter().flat_map(|values| values.as_primitive::<IntervalMonthDayNanoType>().iter().flatten()) {
            self.months += i64::from(one.months);
            self.days += i64::from(one.days);
            self.nanoseconds += i128::from(one.nanoseconds);
            self.count += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for one in values.iter().flat_map(|values| values.as_primitive::<IntervalMonthDayNanoType>().iter().flatten()) {
            self.months -= i64::from(one.months);
            self.days -= i64::from(one.days);
            self.nanoseconds -= i128::from(one.nanoseconds);
            self.count -= 1;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.value()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

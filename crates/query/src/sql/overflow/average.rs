//! `AVG` of differences of times, checked. The engine's sum of them wraps around: a few cases that close in the year 9999
//! suffice.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::{
    DataType, Decimal128Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Field, FieldRef, TimeUnit, UInt64Type,
};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, Signature,
};

use super::whole_sum::{Whole, sum_value};

/// Digits that hold the sum of durations in every unit.
const SUM_DIGITS: u8 = 38;

/// The engine's function, with averages of our own of durations.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CheckedAverage {
    of: Arc<AggregateUDF>,
}

impl CheckedAverage {
    pub(super) fn new(of: Arc<AggregateUDF>) -> Self {
        Self { of }
    }
}

/// Returns our average of such values; `None` if it is the engine's.
fn our_average(args: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
    match args.return_field.data_type() {
        DataType::Duration(unit) if !args.is_distinct => Some(match unit {
            TimeUnit::Second => Box::new(DurationAverage::<DurationSecondType>::default()),
            TimeUnit::Millisecond => Box::new(DurationAverage::<DurationMillisecondType>::default()),
            TimeUnit::Microsecond => Box::new(DurationAverage::<DurationMicrosecondType>::default()),
            TimeUnit::Nanosecond => Box::new(DurationAverage::<DurationNanosecondType>::default()),
        }),
        _ => None,
    }
}

impl AggregateUDFImpl for CheckedAverage {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [DataType::Decimal256(..)] => {
                plan_err!("AVG of a decimal of more than 38 digits is not answered; CAST it: CAST(x AS DECIMAL(38, 2))")
            }
            _ => self.of.return_type(arg_types),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match our_average(&args) {
            Some(ours) => Ok(ours),
            None => self.of.accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match our_average(&args) {
            Some(ours) => Ok(ours),
            None => self.of.create_sliding_accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if !matches!(args.return_type(), DataType::Duration(_)) || args.is_distinct {
            return self.of.state_fields(args);
        }
        let sum = DataType::Decimal128(SUM_DIGITS, 0);
        Ok(vec![
            Arc::new(Field::new(format_state_name(args.name, "count"), DataType::UInt64, true)),
            Arc::new(Field::new(format_state_name(args.name, "sum"), sum, true)),
        ])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !matches!(args.return_field.data_type(), DataType::Duration(_)) && self.of.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.of.create_groups_accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.of.order_sensitivity()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }
}

#[derive(Debug)]
struct DurationAverage<T> {
    sum: i128,
    count: u64,
    of: PhantomData<T>,
}

impl<T> Default for DurationAverage<T> {
    fn default() -> Self {
        Self { sum: 0, count: 0, of: PhantomData }
    }
}

impl<T> DurationAverage<T> {
    fn add(&mut self, sum: i128, count: u64) -> Result<()> {
        match (self.sum.checked_add(sum), self.count.checked_add(count)) {
            (Some(sum), Some(count)) => {
                (self.sum, self.count) = (sum, count);
                Ok(())
            }
            _ => exec_err!("a sum of differences of times is beyond 128 bits"),
        }
    }
}

/// Returns the sum of the values that are there, and how many there are.
fn total<T: Whole>(values: &[ArrayRef]) -> (i128, u64) {
    let numbers = values.iter().flat_map(|values| values.as_primitive::<T>().iter().flatten());
    numbers.fold((0, 0), |(sum, count), number| (sum + number.into(), count + 1))
}

impl<T: Whole> Accumulator for DurationAverage<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = total::<T>(values);
        self.add(sum, count)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = total::<T>(values);
        self.count -= count;
        self.add(-sum, 0)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.count {
            0 => ScalarValue::try_from(&T::DATA_TYPE),
            count => sum_value::<T>(self.sum / i128::from(count), &T::DATA_TYPE),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::UInt64(Some(self.count)), ScalarValue::Decimal128(Some(self.sum), SUM_DIGITS, 0)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums] = states else { return internal_err!("an average without its count and sum") };
        let (counts, sums) = (counts.as_primitive::<UInt64Type>(), sums.as_primitive::<Decimal128Type>());
        for row in 0..counts.len() {
            self.add(sums.value(row), counts.value(row))?;
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

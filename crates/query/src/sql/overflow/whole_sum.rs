//! One sum of integers, decimals or durations, also of a window that moves.

use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::{Array as _, ArrayRef, ArrowNativeTypeOp as _, AsArray as _, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

use super::precision::is_precise;

/// A type whose values are integers of at most 128 bits.
pub(super) trait Whole: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>> + Debug + Send + Sync {}

impl<T: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>> + Debug + Send + Sync> Whole for T {}

pub(super) fn too_large<T>(kind: &DataType) -> Result<T> {
    match kind {
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => {
            exec_err!("a sum of decimals is beyond {kind}; sum CAST(x AS DOUBLE)")
        }
        DataType::Duration(_) => {
            exec_err!("a sum of differences of times is beyond 64 bits; sum date_part('epoch', x)")
        }
        _ => exec_err!("a sum of integers is beyond 64 bits; sum CAST(x AS DOUBLE) or CAST(x AS DECIMAL(38, 0))"),
    }
}

/// Adds two values of a sum.
///
/// # Errors
/// If the result does not fit.
pub(super) fn add_checked<T: Whole>(one: T::Native, other: T::Native, kind: &DataType) -> Result<T::Native> {
    one.add_checked(other).or_else(|_| too_large(kind))
}

/// Returns a sum as a value of its type.
///
/// # Errors
/// If it does not fit.
pub(super) fn sum_value<T: Whole>(sum: i128, kind: &DataType) -> Result<ScalarValue> {
    let Ok(native) = T::Native::try_from(sum) else { return too_large(kind) };
    let array = PrimitiveArray::<T>::from_iter_values([native]).with_data_type(kind.clone());
    if !is_precise(&array) {
        return too_large(kind);
    }
    ScalarValue::try_from_array(&array, 0)
}

/// A sum in 128 bits: its partial sums may exceed the type of the result.
#[derive(Debug)]
pub(super) struct WholeSum<T> {
    sum: i128,
    /// How many values were added; the sum of none is null.
    count: u64,
    kind: DataType,
    of: PhantomData<T>,
}

impl<T: Whole> WholeSum<T> {
    pub(super) fn new(kind: DataType) -> Self {
        Self { sum: 0, count: 0, kind, of: PhantomData }
    }

    /// Adds the values that are there, or takes them away.
    fn change(&mut self, values: &[ArrayRef], by: fn(i128, i128) -> Option<i128>) -> Result<u64> {
        let mut count = 0;
        for numbers in values.iter().map(|values| values.as_primitive::<T>()) {
            for number in numbers.iter().flatten() {
                let Some(sum) = by(self.sum, number.into()) else { return too_large(&self.kind) };
                self.sum = sum;
            }
            count += u64::try_from(numbers.len() - numbers.null_count()).unwrap_or(u64::MAX);
        }
        Ok(count)
    }

    fn value(&self) -> Result<ScalarValue> {
        if self.count == 0 { ScalarValue::try_from(&self.kind) } else { sum_value::<T>(self.sum, &self.kind) }
    }
}

impl<T: Whole> Accumulator for WholeSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count += self.change(values, i128::checked_add)?;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count -= self.change(values, i128::checked_sub)?;
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

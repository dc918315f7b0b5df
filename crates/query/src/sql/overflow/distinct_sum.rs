//! One sum of distinct integers, decimals or durations, also of a window that moves.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, PrimitiveArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

use super::whole_sum::{Whole, sum_value, too_large};

#[derive(Debug)]
pub(super) struct DistinctSum<T> {
    /// How often each value is there.
    counts: HashMap<i128, u64>,
    /// The sum of the values, each once.
    sum: i128,
    kind: DataType,
    of: PhantomData<T>,
}

impl<T: Whole> DistinctSum<T> {
    pub(super) fn new(kind: DataType) -> Self {
        Self { counts: HashMap::new(), sum: 0, kind, of: PhantomData }
    }
}

impl<T: Whole> Accumulator for DistinctSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values.iter().flat_map(|values| values.as_primitive::<T>().iter().flatten()) {
            let count = self.counts.entry(value.into()).or_default();
            *count += 1;
            if *count == 1 {
                let Some(sum) = self.sum.checked_add(value.into()) else { return too_large(&self.kind) };
                self.sum = sum;
            }
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values.iter().flat_map(|values| values.as_primitive::<T>().iter().flatten()) {
            if let Some(count) = self.counts.get_mut(&value.into()) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&value.into());
                    let Some(sum) = self.sum.checked_sub(value.into()) else { return too_large(&self.kind) };
                    self.sum = sum;
                }
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.counts.is_empty() { ScalarValue::try_from(&self.kind) } else { sum_value::<T>(self.sum, &self.kind) }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = self.counts.keys().filter_map(|value| T::Native::try_from(*value).ok());
        let values = PrimitiveArray::<T>::from_iter_values(values).with_data_type(self.kind.clone());
        Ok(vec![SingleRowListArrayBuilder::new(Arc::new(values)).build_list_scalar()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for list in states.iter().flat_map(|lists| lists.as_list::<i32>().iter().flatten()) {
            self.update_batch(&[list])?;
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.capacity() * size_of::<(i128, u64)>()
    }
}

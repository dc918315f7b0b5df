//! `SUM` of whole numbers, checked.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature,
};

/// The engine's function, with sums of 64-bit integers of our own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CheckedSum {
    of: Arc<AggregateUDF>,
}

impl CheckedSum {
    pub(super) fn new(of: Arc<AggregateUDF>) -> Self {
        Self { of }
    }
}

/// Whether the sum is one of ours.
fn is_ours(args: &AccumulatorArgs<'_>) -> bool {
    args.return_field.data_type() == &DataType::Int64 && !args.is_distinct
}

// What is not here is not passed on: above all the rewriting of `SUM(a + 1)`, whose product could wrap around.
impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.of.return_type(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_ours(&args) { Ok(Box::new(WholeSum::default())) } else { self.of.accumulator(args) }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_ours(&args) { Ok(Box::new(WholeSum::default())) } else { self.of.create_sliding_accumulator(args) }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.of.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.of.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        if is_ours(&args) { Ok(Box::new(WholeSums::default())) } else { self.of.create_groups_accumulator(args) }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.of.inner().set_monotonicity(data_type)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }
}

fn too_large<T>() -> Result<T> {
    exec_err!("a sum of whole numbers is beyond 64 bits; sum CAST(x AS DOUBLE) or CAST(x AS DECIMAL(38, 0))")
}

/// One sum, also of a window that moves.
#[derive(Debug, Default)]
struct WholeSum {
    /// Whatever 64-bit numbers are added, it does not overflow.
    sum: i128,
    /// How many were added; the sum of none is null.
    count: u64,
}

impl WholeSum {
    fn value(&self) -> Result<ScalarValue> {
        if self.count == 0 {
            return Ok(ScalarValue::Int64(None));
        }
        i64::try_from(self.sum).map_or_else(|_| too_large(), |sum| Ok(ScalarValue::Int64(Some(sum))))
    }
}

/// The sum of the values that are there, and how many there are.
fn total(values: &ArrayRef) -> (i128, u64) {
    let numbers = values.as_primitive::<Int64Type>();
    let count = u64::try_from(numbers.len() - numbers.null_count()).unwrap_or(u64::MAX);
    let sum = match numbers.null_count() {
        0 => numbers.values().iter().map(|value| i128::from(*value)).sum(),
        _ => numbers.iter().flatten().map(i128::from).sum(),
    };
    (sum, count)
}

impl Accumulator for WholeSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (sum, count) in values.iter().map(total) {
            self.sum += sum;
            self.count += count;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (sum, count) in values.iter().map(total) {
            self.sum -= sum;
            self.count -= count;
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

/// The sum of each group; `None` of a group without a value.
#[derive(Debug, Default)]
struct WholeSums {
    sums: Vec<Option<i64>>,
}

impl GroupsAccumulator for WholeSums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.sums.resize(total_num_groups, None);
        let Some(values) = values.first() else { return Ok(()) };
        let numbers = values.as_primitive::<Int64Type>();
        for (row, (group, number)) in group_indices.iter().zip(numbers).enumerate() {
            let is_kept = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if let (true, Some(number), Some(sum)) = (is_kept, number, self.sums.get_mut(*group)) {
                let Some(larger) = sum.unwrap_or(0).checked_add(number) else { return too_large() };
                *sum = Some(larger);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(emit_to.take_needed(&mut self.sums))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let states = values.iter().map(|values| match opt_filter {
            None => Arc::clone(values),
            Some(filter) => {
                let numbers = values.as_primitive::<Int64Type>().iter().enumerate();
                let kept = numbers.map(|(row, number)| number.filter(|_| filter.is_valid(row) && filter.value(row)));
                Arc::new(kept.collect::<Int64Array>()) as ArrayRef
            }
        });
        Ok(states.collect())
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<i64>>()
    }
}

//! One value a group, folded from those of its rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::precision::is_precise;
use super::whole_sum::too_large;

/// Two values of a group as one.
type Fold<T> = fn(
    <T as ArrowPrimitiveType>::Native,
    <T as ArrowPrimitiveType>::Native,
    &DataType,
) -> Result<<T as ArrowPrimitiveType>::Native>;

/// The value of each group; `None` of a group without one.
#[derive(Debug)]
pub(crate) struct GroupedFold<T: ArrowPrimitiveType> {
    groups: Vec<Option<T::Native>>,
    kind: DataType,
    fold: Fold<T>,
}

impl<T: ArrowPrimitiveType> GroupedFold<T> {
    pub(crate) fn new(kind: DataType, fold: Fold<T>) -> Self {
        Self { groups: Vec::new(), kind, fold }
    }
}

impl<T: ArrowPrimitiveType> GroupsAccumulator for GroupedFold<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.resize(total_num_groups, None);
        let Some(values) = values.first() else { return Ok(()) };
        for (row, (group, value)) in group_indices.iter().zip(values.as_primitive::<T>()).enumerate() {
            let is_kept = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if let (true, Some(value), Some(folded)) = (is_kept, value, self.groups.get_mut(*group)) {
                *folded = Some(match *folded {
                    Some(before) => (self.fold)(before, value, &self.kind)?,
                    None => value,
                });
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        let groups = groups.into_iter().collect::<PrimitiveArray<T>>().with_data_type(self.kind.clone());
        if !is_precise(&groups) {
            return too_large(&self.kind);
        }
        Ok(Arc::new(groups))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let states = values.iter().map(|values| {
            let rows = values.as_primitive::<T>().iter().enumerate();
            let is_kept = |row| opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            let kept = rows.map(|(row, value)| value.filter(|_| is_kept(row)));
            Arc::new(kept.collect::<PrimitiveArray<T>>().with_data_type(self.kind.clone())) as ArrayRef
        });
        Ok(states.collect())
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Option<T::Native>>()
    }
}

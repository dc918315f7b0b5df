//! `MIN` and `MAX` of floating-point numbers by group. The engine starts from the greatest finite number, so that the
//! minimum of infinity is 1.797e308, and passes over NaN.

use std::sync::Arc;

use arrow::array::ArrowNativeTypeOp as _;
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, StatisticsArgs,
};

use crate::sql::overflow::GroupedFold;

/// The engine's function, with extremes of our own of floating-point numbers in groups.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Extreme {
    of: Arc<AggregateUDF>,
}

impl Extreme {
    pub(super) fn new(of: Arc<AggregateUDF>) -> Self {
        Self { of }
    }

    fn groups<T: ArrowPrimitiveType>(&self, kind: DataType) -> Box<dyn GroupsAccumulator> {
        match self.name() {
            "min" => Box::new(GroupedFold::<T>::new(kind, |a, b, _| Ok(if b.is_lt(a) { b } else { a }))),
            _ => Box::new(GroupedFold::<T>::new(kind, |a, b, _| Ok(if b.is_gt(a) { b } else { a }))),
        }
    }
}

impl AggregateUDFImpl for Extreme {
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
        self.of.return_type(arg_types)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.of.coerce_types(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.of.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.of.create_sliding_accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.of.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.of.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            DataType::Float64 => Ok(self.groups::<Float64Type>(DataType::Float64)),
            DataType::Float32 => Ok(self.groups::<Float32Type>(DataType::Float32)),
            _ => self.of.create_groups_accumulator(args),
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.of.is_descending()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.of.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn value_from_stats(&self, statistics: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.of.value_from_stats(statistics)
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.of.inner().set_monotonicity(data_type)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }
}

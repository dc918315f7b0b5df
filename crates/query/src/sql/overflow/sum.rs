//! `SUM` of integers, decimals, durations and intervals, checked.

use std::sync::Arc;

use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, FieldRef, Int64Type, IntervalUnit, TimeUnit, UInt64Type,
};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature,
};

use super::distinct_sum::DistinctSum;
use super::grouped::GroupedFold;
use super::interval_sum::IntervalSum;
use super::whole_sum::{WholeSum, add_checked};

/// The engine's function, with sums of our own where the engine's wrap around.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CheckedSum {
    of: Arc<AggregateUDF>,
}

impl CheckedSum {
    pub(super) fn new(of: Arc<AggregateUDF>) -> Self {
        Self { of }
    }
}

/// Calls a macro with the Arrow type of a sum that is ours, and is the other expression for those of the engine.
macro_rules! with_sum_type {
    ($kind:expr, $ours:ident, $else:expr) => {
        match $kind {
            DataType::Int64 => $ours!(Int64Type),
            DataType::UInt64 => $ours!(UInt64Type),
            DataType::Decimal32(..) => $ours!(Decimal32Type),
            DataType::Decimal64(..) => $ours!(Decimal64Type),
            DataType::Decimal128(..) => $ours!(Decimal128Type),
            DataType::Duration(TimeUnit::Second) => $ours!(DurationSecondType),
            DataType::Duration(TimeUnit::Millisecond) => $ours!(DurationMillisecondType),
            DataType::Duration(TimeUnit::Microsecond) => $ours!(DurationMicrosecondType),
            DataType::Duration(TimeUnit::Nanosecond) => $ours!(DurationNanosecondType),
            _ => $else,
        }
    };
}

/// Returns our sum of such values; `None` if it is the engine's.
fn our_sum(args: &AccumulatorArgs<'_>) -> Result<Option<Box<dyn Accumulator>>> {
    let kind = args.return_field.data_type();
    if let (DataType::Interval(_), is_distinct) = (kind, args.is_distinct) {
        return match is_distinct {
            true => plan_err!("SUM(DISTINCT x) of intervals is not answered; sum date_part('epoch', x)"),
            false => Ok(Some(Box::new(IntervalSum::default()))),
        };
    }
    macro_rules! ours {
        ($of:ty) => {
            Some(match args.is_distinct {
                true => Box::new(DistinctSum::<$of>::new(kind.clone())) as Box<dyn Accumulator>,
                false => Box::new(WholeSum::<$of>::new(kind.clone())),
            })
        };
    }
    Ok(with_sum_type!(kind, ours, None))
}

// Methods that are not here are not passed on: above all the rewriting of `SUM(a + 1)`, whose product could wrap
// around.
impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [DataType::Decimal256(..)] => {
                plan_err!("SUM of a decimal of more than 38 digits is not answered; CAST it: CAST(x AS DECIMAL(38, 2))")
            }
            [DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::DayTime)] => {
                plan_err!("SUM of such an interval is not answered; CAST it: CAST(x AS INTERVAL)")
            }
            _ => self.of.return_type(arg_types),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match our_sum(&args)? {
            Some(ours) => Ok(ours),
            None => self.of.accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match our_sum(&args)? {
            Some(ours) => Ok(ours),
            None => self.of.create_sliding_accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.of.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !matches!(args.return_field.data_type(), DataType::Interval(_)) && self.of.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let kind = args.return_field.data_type().clone();
        macro_rules! ours {
            ($of:ty) => {
                Ok(Box::new(GroupedFold::<$of>::new(kind, add_checked::<$of>)))
            };
        }
        with_sum_type!(&kind, ours, self.of.create_groups_accumulator(args))
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

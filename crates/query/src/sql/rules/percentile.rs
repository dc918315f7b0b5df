//! Exact `percentile_cont`. The engine cuts the interpolation weight to six decimals.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Documentation, Signature, Volatility,
};

/// Replaces the engine's function with ours.
pub(super) fn with_percentiles(functions: &mut [Arc<AggregateUDF>]) {
    for function in functions.iter_mut().filter(|function| function.name() == "percentile_cont") {
        let signature = Signature::user_defined(Volatility::Immutable);
        *function = Arc::new(AggregateUDF::from(Percentile { of: Arc::clone(function), signature }));
    }
}

/// `percentile_cont(x, p)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Percentile {
    of: Arc<AggregateUDF>,
    signature: Signature,
}

impl Percentile {
    fn read_fraction(&self, args: &AccumulatorArgs<'_>) -> Result<f64> {
        let batch = RecordBatch::new_empty(Arc::new(args.schema.clone()));
        let value = match args.exprs.get(1).map(|expr| expr.evaluate(&batch)).transpose()? {
            Some(ColumnarValue::Scalar(value)) => value.cast_to(&DataType::Float64)?,
            _ => return plan_err!("the fraction of {} is a constant; write it out: 0.9", self.name()),
        };
        let fraction = match value {
            ScalarValue::Float64(Some(fraction)) if (0.0..=1.0).contains(&fraction) => fraction,
            value => return plan_err!("the fraction of {} is from 0 to 1, not {value}", self.name()),
        };
        let is_descending = args.order_bys.first().is_some_and(|key| key.options.descending);
        Ok(if is_descending { 1.0 - fraction } else { fraction })
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if arg_types.len() != 2 {
            return plan_err!("{} takes a value and a fraction, not {} arguments", self.name(), arg_types.len());
        }
        let coerced = arg_types.iter().map(|kind| match kind {
            kind if kind.is_numeric() || kind.is_null() => Ok(DataType::Float64),
            kind => plan_err!("{} takes numbers, not {kind}; CAST it", self.name()),
        });
        coerced.collect()
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let values = DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, self.name()), values, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let fraction = self.read_fraction(&args)?;
        Ok(Box::new(Values { values: Vec::new(), fraction, is_distinct: args.is_distinct }))
    }

    fn supports_within_group_clause(&self) -> bool {
        self.of.supports_within_group_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }
}

/// Accumulates the non-null values of a group.
#[derive(Debug)]
struct Values {
    values: Vec<f64>,
    fraction: f64,
    is_distinct: bool,
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values, ..] = values else { return internal_err!("a percentile of nothing") };
        let values = values.as_primitive::<Float64Type>();
        if values.null_count() == 0 {
            self.values.extend_from_slice(values.values());
        } else {
            self.values.extend(values.iter().flatten());
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [lists] = states else { return internal_err!("a percentile without a state") };
        for list in lists.as_list::<i32>().iter().flatten() {
            self.update_batch(&[list])?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = arrow::array::Float64Array::from(std::mem::take(&mut self.values));
        Ok(vec![SingleRowListArrayBuilder::new(Arc::new(values)).build_list_scalar()])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.values.sort_unstable_by(f64::total_cmp);
        if !self.is_distinct {
            return Ok(ScalarValue::Float64(interpolate(&self.values, self.fraction)));
        }
        let mut distinct = self.values.clone();
        distinct.dedup_by(|one, other| one == other || (one.is_nan() && other.is_nan()));
        Ok(ScalarValue::Float64(interpolate(&distinct, self.fraction)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>()
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values, ..] = values else { return internal_err!("a percentile of nothing") };
        let mut gone: HashMap<u64, usize> = HashMap::new();
        for value in values.as_primitive::<Float64Type>().iter().flatten() {
            *gone.entry(value.to_bits()).or_default() += 1;
        }
        self.values.retain(|value| match gone.get_mut(&value.to_bits()) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        });
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

/// Returns the percentile of sorted values, interpolated linearly between the two nearest; `None` without values.
fn interpolate(sorted: &[f64], fraction: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = fraction * to_float(last);
    let low = floor_index(place, last);
    let (lower, upper) = (sorted.get(low)?, sorted.get((low + 1).min(last))?);
    let weight = place - to_float(low);
    if weight <= 0.0 || lower == upper {
        return Some(*lower);
    }
    let between = lower + (upper - lower) * weight;
    Some(if between.is_finite() { between } else { lower * (1.0 - weight) + upper * weight })
}

#[expect(clippy::cast_precision_loss, reason = "a group has fewer values than a double counts exactly")]
fn to_float(number: usize) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place is neither negative nor beyond the last"
)]
fn floor_index(place: f64, last: usize) -> usize {
    (place.floor() as usize).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_exactly_between_its_neighbours() {
        let hours = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 60_000.0];
        let ninth = interpolate(&hours, 0.9).expect("a value");
        assert!((ninth - 18_000.7).abs() < 1e-9, "{ninth}");
        assert_eq!(interpolate(&[1.0, 2.0], 0.5), Some(1.5));
        assert_eq!(interpolate(&[1.0, 2.0, 4.0], 0.0), Some(1.0));
        assert_eq!(interpolate(&[1.0, 2.0, 4.0], 1.0), Some(4.0));
        assert_eq!(interpolate(&[7.0], 0.3), Some(7.0));
        assert_eq!(interpolate(&[], 0.3), None);
        assert_eq!(interpolate(&[f64::NEG_INFINITY, 1.0], 1.0), Some(1.0));
    }
}

//! A number as it is compared.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray as _, Float32Array, Float64Array};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Returns a number with `0.0` for `-0.0`, and one NaN for all.
pub(super) fn comparable_float(number: Expr) -> Expr {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
        let signature = Signature::any(1, Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(ComparableFloat { signature }))
    });
    if let Expr::ScalarFunction(call) = &number
        && call.func.inner().is::<ComparableFloat>()
    {
        return number;
    }
    FUNCTION.call(vec![number])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ComparableFloat {
    signature: Signature,
}

impl ScalarUDFImpl for ComparableFloat {
    fn name(&self) -> &'static str {
        "comparable_float"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [kind] => Ok(kind.clone()),
            _ => internal_err!("comparable_float takes one number"),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(numbers)] => Ok(ColumnarValue::Array(to_comparable(numbers)?)),
            [ColumnarValue::Scalar(number)] => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&to_comparable(&number.to_array()?)?, 0)?))
            }
            _ => internal_err!("comparable_float takes one number"),
        }
    }
}

fn to_comparable(numbers: &ArrayRef) -> Result<ArrayRef> {
    match numbers.data_type() {
        DataType::Float64 => {
            let numbers = numbers.as_primitive::<Float64Type>();
            let compared: Float64Array = numbers.unary(|number| if number.is_nan() { f64::NAN } else { number + 0.0 });
            Ok(Arc::new(compared))
        }
        DataType::Float32 => {
            let numbers = numbers.as_primitive::<Float32Type>();
            let compared: Float32Array = numbers.unary(|number| if number.is_nan() { f32::NAN } else { number + 0.0 });
            Ok(Arc::new(compared))
        }
        other => internal_err!("comparable_float of {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_equal_and_so_is_every_nan() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, 0.0, -f64::NAN, f64::NAN, f64::NEG_INFINITY]));
        let compared = to_comparable(&numbers).expect("numbers");
        let bits: Vec<u64> = compared.as_primitive::<Float64Type>().values().iter().map(|n| n.to_bits()).collect();
        let right = [0.0, 0.0, f64::NAN, f64::NAN, f64::NEG_INFINITY].map(f64::to_bits);
        assert_eq!(bits, right);
    }
}

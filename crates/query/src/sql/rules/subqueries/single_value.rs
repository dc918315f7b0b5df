//! The value of a correlated scalar subquery; an error if the subquery has more than one row.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Returns an expression for `value` that fails if `rows` is more than one.
pub(super) fn single_value(rows: Expr, value: Expr) -> Expr {
    let signature = Signature::any(2, Volatility::Immutable);
    Arc::new(ScalarUDF::from(SingleValue { signature })).call(vec![rows, value])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SingleValue {
    signature: Signature,
}

impl ScalarUDFImpl for SingleValue {
    fn name(&self) -> &'static str {
        "single_value"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [_, value] => Ok(value.clone()),
            _ => internal_err!("single_value of {} arguments", arg_types.len()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [_, value] = args.arg_fields else { return internal_err!("single_value without a value") };
        Ok(Arc::new(Field::new(self.name(), value.data_type().clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let Ok([counts, value]) = <[ColumnarValue; 2]>::try_from(args.args) else {
            return internal_err!("single_value without a value");
        };
        let counts = counts.cast_to(&DataType::Int64, None)?.into_array(rows)?;
        let counts = counts.as_primitive::<Int64Type>();
        if (0..counts.len()).any(|row| counts.is_valid(row) && counts.value(row) > 1) {
            return exec_err!("a subquery used as a value has more than one row; give it an aggregate or LIMIT 1");
        }
        Ok(value)
    }
}

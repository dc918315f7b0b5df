//! `a || b || c` of texts, within bounds. One that is null makes null of them all.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray as _};
use arrow::compute::kernels::concat_elements::concat_elements_utf8_many;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::check;
use super::sizes::all;

/// The function behind the operator.
pub(super) fn concat_texts() -> Arc<ScalarUDF> {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(ConcatTexts::new())));
    Arc::clone(&FUNCTION)
}

/// Whether values of this type are texts.
pub(super) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ConcatTexts {
    signature: Signature,
}

impl ConcatTexts {
    fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ConcatTexts {
    fn name(&self) -> &'static str {
        "||"
    }

    /// As the operator names its column.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names = args.iter().map(|arg| Ok(arg.schema_name().to_string()));
        Ok(names.collect::<Result<Vec<_>>>()?.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![common(arg_types); arg_types.len()])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(common(arg_types))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(self.name(), all(&args.args, args.number_rows))?;
        let is_one = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let texts: ArrayRef = if args.return_field.data_type() == &DataType::LargeUtf8 {
            Arc::new(concat_elements_utf8_many(
                &arrays.iter().map(|array| array.as_string::<i64>()).collect::<Vec<_>>(),
            )?)
        } else {
            Arc::new(concat_elements_utf8_many(
                &arrays.iter().map(|array| array.as_string::<i32>()).collect::<Vec<_>>(),
            )?)
        };
        if is_one {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&texts, 0)?));
        }
        Ok(ColumnarValue::Array(texts))
    }
}

fn common(arg_types: &[DataType]) -> DataType {
    if arg_types.contains(&DataType::LargeUtf8) { DataType::LargeUtf8 } else { DataType::Utf8 }
}

//! `to_timestamp` of texts and of seconds since 1970, in microseconds.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Int64Array};
use arrow::compute::cast;
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, TimeUnit};
use chrono::Utc;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{ScalarValue, exec_err, internal_err};
use datafusion::error::Result;
use datafusion::functions::datetime::to_timestamp_micros;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

const MICROS_PER_SECOND: f64 = 1_000_000.0;
const TYPE: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// `to_timestamp(text, format...)` and `to_timestamp(seconds)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToTimestamp {
    of: Arc<ScalarUDF>,
}

impl ToTimestamp {
    /// Returns the function in place of the engine's.
    pub(super) fn new(of: Arc<ScalarUDF>) -> Self {
        Self { of }
    }
}

impl ScalarUDFImpl for ToTimestamp {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(TYPE)
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), TYPE, true)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(value) = args.args.first() else { return internal_err!("to_timestamp of nothing") };
        match value.data_type() {
            kind if kind.is_integer() => {
                value.cast_to(&DataType::Timestamp(TimeUnit::Second, None), None)?.cast_to(&TYPE, None)
            }
            kind if kind.is_numeric() => match value {
                ColumnarValue::Array(seconds) => Ok(ColumnarValue::Array(of_seconds(seconds)?)),
                ColumnarValue::Scalar(seconds) => {
                    Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&of_seconds(&seconds.to_array()?)?, 0)?))
                }
            },
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null => {
                value.cast_to(&TYPE, None)
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if args.args.len() == 1 => {
                match value.cast_to(&DataType::Utf8, None)? {
                    ColumnarValue::Array(texts) => Ok(ColumnarValue::Array(of_texts(&texts)?)),
                    ColumnarValue::Scalar(text) => {
                        Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&of_texts(&text.to_array()?)?, 0)?))
                    }
                }
            }
            // With formats.
            _ => to_timestamp_micros(&ConfigOptions::default()).invoke_with_args(args)?.cast_to(&TYPE, None),
        }
    }
}

fn of_texts(texts: &ArrayRef) -> Result<ArrayRef> {
    let micros = texts.as_string::<i32>().iter().map(|text| {
        let at = text.map(|text| string_to_datetime(&Utc, text)).transpose()?;
        Ok(at.map(|at| at.timestamp_micros()))
    });
    Ok(cast(&(Arc::new(micros.collect::<Result<Int64Array>>()?) as ArrayRef), &TYPE)?)
}

fn of_seconds(seconds: &ArrayRef) -> Result<ArrayRef> {
    let seconds = cast(seconds, &DataType::Float64)?;
    let micros = seconds.as_primitive::<Float64Type>().iter().map(|seconds| match seconds {
        None => Ok(None),
        Some(seconds) => {
            match ScalarValue::Float64(Some((seconds * MICROS_PER_SECOND).round())).cast_to(&DataType::Int64) {
                Ok(ScalarValue::Int64(Some(micros))) => Ok(Some(micros)),
                _ => exec_err!("to_timestamp of {seconds} seconds is outside the supported range"),
            }
        }
    });
    Ok(cast(&(Arc::new(micros.collect::<Result<Int64Array>>()?) as ArrayRef), &TYPE)?)
}

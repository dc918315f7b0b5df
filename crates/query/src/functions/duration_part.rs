//! `date_part('epoch', closed_at - occurred_at)`. The engine counts the seconds of a duration in 32 bits, and gives null for
//! one of more than 68 years.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray as _, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The engine's function, also behind `EXTRACT(part FROM x)`.
pub(crate) const DATE_PART: &str = "date_part";

/// Returns a part of a duration with our own arithmetic; `None` if the engine computes it correctly.
///
/// # Errors
/// If it is one that the engine counts in too few bits.
pub(crate) fn part_of_duration(part: &Expr, duration: &Expr) -> Result<Option<Expr>> {
    static SECONDS: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(DurationSeconds::new())));
    let name = match part {
        Expr::Literal(name, _) => name.try_as_str().flatten().unwrap_or_default().to_lowercase(),
        _ => String::new(),
    };
    match name.as_str() {
        "epoch" => Ok(Some(SECONDS.call(vec![part.clone(), duration.clone()]))),
        "day" | "days" | "hour" | "hours" | "minute" | "minutes" => Ok(None),
        _ => plan_err!(
            "date_part of a difference of times takes 'epoch' (its seconds), 'day', 'hour' and 'minute', not '{name}'; \
             write date_part('epoch', x) and calculate with it"
        ),
    }
}

/// The seconds of a duration.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DurationSeconds {
    signature: Signature,
}

impl DurationSeconds {
    fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DurationSeconds {
    /// Returns the engine's name, so that the column has the same name.
    fn name(&self) -> &'static str {
        DATE_PART
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [_, duration] = args.args.as_slice() else { return plan_err!("date_part takes a part and a duration") };
        let unit = match duration.data_type() {
            DataType::Duration(unit) => unit,
            other => return plan_err!("date_part of a duration got {other}"),
        };
        let array = duration.to_array(1)?;
        let numbers = cast(&array, &DataType::Int64)?;
        let (per_second, per_whole) = match unit {
            TimeUnit::Second => (1_i64, 1.0),
            TimeUnit::Millisecond => (1_000, 1e3),
            TimeUnit::Microsecond => (1_000_000, 1e6),
            TimeUnit::Nanosecond => (1_000_000_000, 1e9),
        };
        let seconds = numbers.as_primitive::<Int64Type>().iter().map(|number| {
            let number = number?;
            Some((number / per_second) as f64 + (number % per_second) as f64 / per_whole)
        });
        let seconds: Float64Array = seconds.collect();
        match duration {
            ColumnarValue::Scalar(_) => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&seconds, 0)?)),
            ColumnarValue::Array(_) => Ok(ColumnarValue::Array(Arc::new(seconds))),
        }
    }
}

//! `time AT TIME ZONE 'zone'`: converts a wall-clock time to an instant, or moves an instant to another zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::instant::{instant_of, instant_of_text, parse_zone};
use super::ticks;
use crate::sql::expressions::{input_schema, rewrite_expressions};

/// Returns the function that implements `AT TIME ZONE`.
pub(super) fn at_time_zone() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(AtTimeZone { signature: Signature::user_defined(Volatility::Immutable) }))
}

/// The name of the function.
pub(super) const AT_TIME_ZONE: &str = "at_time_zone";

#[derive(Debug, PartialEq, Eq, Hash)]
struct AtTimeZone {
    signature: Signature,
}

impl ScalarUDFImpl for AtTimeZone {
    fn name(&self) -> &'static str {
        AT_TIME_ZONE
    }

    /// Returns the name of the argument, as the engine does for a cast.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [time, ..] => Ok(time.schema_name().to_string()),
            [] => internal_err!("{AT_TIME_ZONE} without arguments"),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [time, _] = arg_types else { return plan_err!("AT TIME ZONE takes a time and a zone") };
        let time = match time {
            DataType::Timestamp(..) | DataType::Utf8 => time.clone(),
            DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
            DataType::Date32 | DataType::Date64 | DataType::Null => DataType::Timestamp(TimeUnit::Microsecond, None),
            other => return plan_err!("AT TIME ZONE takes a timestamp, a date or a text, not {other}; CAST it"),
        };
        Ok(vec![time, DataType::Utf8])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("the type of {AT_TIME_ZONE} follows from its zone")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let zone = match args.scalar_arguments {
            [_, Some(zone)] => zone.try_as_str().flatten(),
            _ => None,
        };
        let Some(zone) = zone else { return plan_err!("the zone of AT TIME ZONE is a text; write it out: 'UTC'") };
        parse_zone(zone)?;
        let unit = match args.arg_fields.first().map(|field| field.data_type()) {
            Some(DataType::Timestamp(unit, _)) => *unit,
            _ => TimeUnit::Microsecond,
        };
        Ok(Arc::new(Field::new(self.name(), DataType::Timestamp(unit, Some(zone.into())), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let to = args.return_field.data_type();
        let (DataType::Timestamp(unit, Some(zone)), Some(time)) = (to, args.args.first()) else {
            return internal_err!("{AT_TIME_ZONE} without a zone");
        };
        let parsed = parse_zone(zone)?;
        match time.data_type() {
            DataType::Timestamp(_, Some(_)) => time.cast_to(to, None),
            DataType::Timestamp(_, None) => ticks::map(time, to, |ticks| {
                ticks::from_datetime(instant_of(ticks::to_datetime(ticks, *unit)?, &parsed)?, *unit)
            }),
            _ => {
                let of_texts = |texts: ArrayRef| -> Result<ArrayRef> {
                    let instants = texts.as_string::<i32>().iter().map(|text| {
                        let at = text.map(|text| instant_of_text(text, &parsed)).transpose()?;
                        Ok(at.map(|at| at.and_utc().timestamp_micros()))
                    });
                    let instants = instants.collect::<Result<TimestampMicrosecondArray>>()?;
                    Ok(Arc::new(instants.with_timezone(Arc::clone(zone))))
                };
                match time {
                    ColumnarValue::Array(texts) => Ok(ColumnarValue::Array(of_texts(Arc::clone(texts))?)),
                    ColumnarValue::Scalar(text) => {
                        Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&of_texts(text.to_array()?)?, 0)?))
                    }
                }
            }
        }
    }
}

/// Replaces casts of wall-clock times to instants, whether written or added by type coercion, by calls of the function.
#[derive(Debug)]
pub(super) struct WallClockCasts;

impl AnalyzerRule for WallClockCasts {
    fn name(&self) -> &'static str {
        "wall_clock_casts"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|step| {
            let schema = input_schema(&step)?;
            rewrite_expressions(step, |expr| as_call(expr, &schema))
        })?;
        Ok(rewritten.data)
    }
}

fn as_call(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(Cast { expr, field }) => match zone_of_wall_clock(&expr, field.data_type(), schema)? {
            Some(zone) => {
                let call = at_time_zone().call(vec![*expr, lit(zone.to_string())]);
                Ok(Transformed::yes(Expr::Cast(Cast::new_from_field(Box::new(call), field))))
            }
            None => Ok(Transformed::no(Expr::Cast(Cast { expr, field }))),
        },
        Expr::TryCast(TryCast { expr, field }) => {
            let zone = zone_of_wall_clock(&expr, field.data_type(), schema)?;
            match zone.filter(|_| !is_text(&expr, schema)) {
                Some(zone) => {
                    let call = at_time_zone().call(vec![*expr, lit(zone.to_string())]);
                    Ok(Transformed::yes(Expr::TryCast(TryCast::new_from_field(Box::new(call), field))))
                }
                None => Ok(Transformed::no(Expr::TryCast(TryCast { expr, field }))),
            }
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "arrow_cast" => {
            let call = Expr::ScalarFunction(ScalarFunction { func, args: args.clone() });
            let to = call.get_type(schema)?;
            let [time, ..] = args.as_slice() else { return Ok(Transformed::no(call)) };
            match zone_of_wall_clock(time, &to, schema)? {
                Some(zone) => {
                    let instant = at_time_zone().call(vec![time.clone(), lit(zone.to_string())]);
                    Ok(Transformed::yes(Expr::Cast(Cast::new(Box::new(instant), to))))
                }
                None => Ok(Transformed::no(call)),
            }
        }
        expr => Ok(Transformed::no(expr)),
    }
}

/// Returns the zone if the cast is one of a wall-clock time to an instant.
fn zone_of_wall_clock(expr: &Expr, to: &DataType, schema: &DFSchema) -> Result<Option<Arc<str>>> {
    let DataType::Timestamp(_, Some(zone)) = to else { return Ok(None) };
    let is_wall_clock = matches!(expr.get_type(schema)?, DataType::Timestamp(_, None) | DataType::Utf8);
    Ok(is_wall_clock.then(|| Arc::clone(zone)))
}

fn is_text(expr: &Expr, schema: &DFSchema) -> bool {
    !matches!(expr.get_type(schema), Ok(DataType::Timestamp(..)))
}

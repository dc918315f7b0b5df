//! Values for the placeholders of a query, from the texts, the JSON and the Arrow values that clients send: one rule for all.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use lake_model::{MICROS_PER_DAY, parse_wall_clock};
use serde_json::Value;

/// Returns a text as a value of this type; `None` if it is not one.
pub(crate) fn value_from_text(text: &str, kind: &DataType) -> Option<ScalarValue> {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ScalarValue::from(text).cast_to(kind).ok(),
        DataType::Date32 => {
            let days = parse_wall_clock(text).filter(|_| text.trim().len() == "2024-06-01".len())? / MICROS_PER_DAY;
            Some(ScalarValue::Date32(Some(i32::try_from(days).ok()?)))
        }
        // The city's wall clock: an offset is not part of it.
        DataType::Timestamp(_, None) => {
            // A year or a month alone would leave open which of its days is meant.
            let whole_date = text.trim().as_bytes().get("2024-06".len()) == Some(&b'-');
            let micros = parse_wall_clock(text).filter(|_| whole_date)?;
            ScalarValue::TimestampMicrosecond(Some(micros), None).cast_to(kind).ok()
        }
        _ => ScalarValue::from(text.trim()).cast_to(kind).ok(),
    }
}

/// Returns a JSON value as it is; `None` for arrays and objects.
pub(crate) fn value_from_json(value: &Value) -> Option<ScalarValue> {
    match value {
        Value::Null => Some(ScalarValue::Null),
        Value::String(text) => Some(ScalarValue::from(text.as_str())),
        Value::Bool(truth) => Some(ScalarValue::from(*truth)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Some(ScalarValue::from(whole)),
            (None, Some(whole)) => Some(ScalarValue::from(whole)),
            (None, None) => number.as_f64().map(ScalarValue::from),
        },
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns a value for a placeholder of this type, if the query determines one; `None` if it does not fit.
pub(crate) fn fit_value(value: &ScalarValue, kind: Option<&DataType>) -> Option<ScalarValue> {
    let Some(kind) = kind.filter(|kind| **kind != DataType::Null) else { return Some(value.clone()) };
    if value.is_null() {
        return ScalarValue::try_from(kind).ok();
    }
    if let Some(Some(text)) = value.try_as_str() {
        return value_from_text(text, kind);
    }
    let of = value.data_type();
    let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match &of {
        of if of.is_numeric() && is_text => value.cast_to(kind).ok(),
        // A number is not a time, and its unit is unknown.
        of if of.is_numeric() && kind.is_temporal() => None,
        DataType::Timestamp(unit, Some(zone)) if !matches!(kind, DataType::Timestamp(_, Some(_))) => {
            // As for text: a Z is ignored, and an offset, which would mean another time, is an error.
            let is_utc = matches!(zone.as_ref(), "UTC" | "Z" | "+00:00");
            is_utc.then(|| value.cast_to(&DataType::Timestamp(*unit, None)).ok())?
        }
        // Numbers keep their fraction: truncated to an integer, 0.5 would change the question.
        _ => Some(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;
    use serde_json::json;

    use super::*;

    const TIME: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

    #[test]
    fn texts_become_values_of_the_type_that_is_wanted() {
        let text = |text: &str, kind: &DataType| value_from_text(text, kind);
        assert_eq!(text("a b", &DataType::Utf8), Some(ScalarValue::from("a b")));
        assert_eq!(text(" 12 ", &DataType::Int64), Some(ScalarValue::from(12_i64)));
        assert_eq!(text("1.5", &DataType::Float64), Some(ScalarValue::from(1.5)));
        assert_eq!(text("true", &DataType::Boolean), Some(ScalarValue::from(true)));
        assert_eq!(text("1970-01-03", &DataType::Date32), Some(ScalarValue::Date32(Some(2))));
        assert_eq!(text("1969-12-31", &DataType::Date32), Some(ScalarValue::Date32(Some(-1))));
        let instant = ScalarValue::TimestampMicrosecond(Some(60_000_000), None);
        assert_eq!(text("1970-01-01T00:01", &TIME), Some(instant));
        for (wrong, kind) in [
            ("x", DataType::Int64),
            ("1.5", DataType::Int64),
            ("2024", DataType::Date32),
            ("2024-02-30", DataType::Date32),
            ("2024-06-01T12:00:00", DataType::Date32),
            ("2024-06", TIME),
            ("2024-06-01T12:00:00+02:00", TIME),
            ("maybe", DataType::Boolean),
        ] {
            assert_eq!(text(wrong, &kind), None, "{wrong}");
        }
    }

    #[test]
    fn values_keep_their_own_types_but_where_the_query_wants_a_time_or_a_text() {
        let json = |value, kind: Option<&DataType>| value_from_json(&value).and_then(|value| fit_value(&value, kind));
        assert_eq!(json(json!(5), None), Some(ScalarValue::from(5_i64)));
        assert_eq!(json(json!(5.5), Some(&DataType::Int64)), Some(ScalarValue::from(5.5)), "nothing is cut");
        assert_eq!(json(json!(5), Some(&DataType::Utf8)), Some(ScalarValue::from("5")));
        assert_eq!(json(json!(5.0), Some(&DataType::Utf8)), Some(ScalarValue::from("5.0")));
        assert_eq!(json(json!("5"), Some(&DataType::Int64)), Some(ScalarValue::from(5_i64)));
        assert_eq!(json(json!(null), Some(&DataType::Int64)), Some(ScalarValue::Int64(None)));
        assert_eq!(json(json!(null), None), Some(ScalarValue::Null));
        assert_eq!(json(json!(5), Some(&TIME)), None);
        assert_eq!(json(json!("soon"), Some(&TIME)), None);
        assert_eq!(json(json!([1]), None), None);
    }

    #[test]
    fn a_time_is_the_citys_and_one_of_another_zone_does_not_fit() {
        let time = |zone: Option<&str>| ScalarValue::TimestampMicrosecond(Some(5), zone.map(Into::into));
        assert_eq!(fit_value(&time(None), Some(&TIME)), Some(time(None)));
        assert_eq!(fit_value(&time(Some("UTC")), Some(&TIME)), Some(time(None)));
        for zone in ["+02:00", "America/Los_Angeles"] {
            assert_eq!(fit_value(&time(Some(zone)), Some(&TIME)), None, "{zone}");
            assert_eq!(fit_value(&time(Some(zone)), None), Some(time(Some(zone))), "where the query wants no time");
        }
    }
}

//! JSON from outside, with exact numbers.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Error, Number, Value};

/// Reads a JSON value. Each number is the double nearest to its text; the default of `serde_json` rounds some to the
/// next one, such as `37.730000000000004`.
///
/// # Errors
/// If the text is not JSON.
pub fn parse_json(text: &str) -> Result<Value, Error> {
    let mut value = serde_json::from_str(text)?;
    round_exactly(&mut value, text)?;
    Ok(value)
}

fn round_exactly(value: &mut Value, text: &str) -> Result<(), Error> {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(exact) = text.trim().parse().ok().and_then(Number::from_f64) {
                *number = exact;
            }
        }
        Value::Array(items) if items.iter().any(has_float) => {
            let texts: Vec<&RawValue> = serde_json::from_str(text)?;
            for (item, text) in items.iter_mut().zip(texts) {
                round_exactly(item, text.get())?;
            }
        }
        Value::Object(members) if members.values().any(has_float) => {
            // Of members of one name the last one counts, in both.
            let texts: HashMap<String, &RawValue> = serde_json::from_str(text)?;
            for (name, member) in members.iter_mut() {
                if let Some(text) = texts.get(name) {
                    round_exactly(member, text.get())?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(members) => members.values().any(has_float),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that `serde_json` rounds to the neighbour of the nearest double.
    const DIFFERENT: [&str; 12] = [
        "37.730000000000004",
        "138.76741839890317",
        "-122.31284146883235",
        "-122.48679550988979",
        "939.0118049298641",
        "-122.41914118376663",
        "-122.32145778160587",
        "-122.35032038870307",
        "-122.42747490269231",
        "-122.39097119258035",
        "485.68522382422117",
        "-122.45912674928033",
    ];

    #[test]
    fn numbers_are_the_doubles_nearest_to_their_texts() {
        for text in DIFFERENT {
            let right: f64 = text.parse().expect("a number");
            let rounded: f64 = serde_json::from_str(text).expect("a number");
            assert_ne!(rounded.to_bits(), right.to_bits(), "serde_json reads {text} right now: this may go");
            for (json, at) in [
                (text.to_owned(), ""),
                (format!(" {text} "), ""),
                (format!("[1, {text}, \"{text}\"]"), "/1"),
                (format!("{{\"a\": [[0.5, {text}]], \"b\": \"x\"}}"), "/a/0/1"),
                (format!("{{\"a\": 1.5, \"a\": {text}}}"), "/a"),
                (format!("{{\"\\u0061\": {text}}}"), "/a"),
            ] {
                let value = parse_json(&json).expect("JSON");
                let number = value.pointer(at).and_then(Value::as_f64).expect("a number");
                assert_eq!(number.to_bits(), right.to_bits(), "{json}");
            }
        }
    }

    #[test]
    fn other_values_are_as_they_were() {
        for text in
            ["null", "true", "[]", "{}", "12", "-0", "18446744073709551615", "\"1.5\"", "{\"b\": 1, \"a\": [2]}"]
        {
            assert_eq!(parse_json(text).expect("JSON"), serde_json::from_str::<Value>(text).expect("JSON"), "{text}");
        }
        for wrong in ["", "{", "01.5", "1.5x", "NaN", "1e999", "[1.5,]"] {
            assert!(parse_json(wrong).is_err(), "{wrong}");
        }
        assert!(parse_json(&"[".repeat(200_000)).is_err(), "no stack overflows");
    }
}

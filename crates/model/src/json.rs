//! JSON from outside, with exact numbers.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
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

/// Reads a JSON value as [`parse_json`] does, where every member counts: of two with one name, one would be ignored.
///
/// # Errors
/// If the text is not JSON, or an object has two members of one name.
pub fn parse_unambiguous_json(text: &str) -> Result<Value, Error> {
    serde_json::from_str::<UniqueMembers>(text)?;
    parse_json(text)
}

/// A value whose objects have no two members of one name.
struct UniqueMembers;

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueMembersVisitor)
    }
}

struct UniqueMembersVisitor;

impl<'de> Visitor<'de> for UniqueMembersVisitor {
    type Value = UniqueMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<UniqueMembers, A::Error> {
        while items.next_element::<UniqueMembers>()?.is_some() {}
        Ok(UniqueMembers)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<UniqueMembers, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value::<UniqueMembers>()?;
            if let Some(name) = names.replace(name) {
                return Err(A::Error::custom(format_args!("the member `{name}` is given twice")));
            }
        }
        Ok(UniqueMembers)
    }
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
    #[test]
    fn an_object_with_two_members_of_one_name_is_ambiguous() {
        for (text, name) in [
            (r#"{"a": 1, "b": 2, "a": 1}"#, "a"),
            (r#"[1, {"deep": {"b": [], "b": null}}]"#, "b"),
            (r#"{"caf\u00e9": 1, "caf\u00c9": 2, "café": 3}"#, "café"),
        ] {
            let error = parse_unambiguous_json(text).expect_err(text).to_string();
            assert!(error.contains(&format!("the member `{name}` is given twice")), "{text}: {error}");
        }
        for text in
            [r#"{"a": {"a": [{"a": 1.5}, {"a": -2}]}, "A": "a"}"#, "null", "[true, 18446744073709551615, 1e300]"]
        {
            assert_eq!(parse_unambiguous_json(text).expect(text), parse_json(text).expect(text));
        }
        assert!(parse_unambiguous_json(&"[".repeat(200_000)).is_err(), "no stack overflows");
    }
}

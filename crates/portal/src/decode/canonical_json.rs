//! The canonical form of JSON: two texts with the same meaning are equal here, however they are written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::decode::published::Published;

/// The members of Socrata's compound values in the order in which it writes them; other members follow by name.
const WRITTEN_FIRST: [&str; 10] = [
    "url",
    "description",
    "phone_number",
    "phone_type",
    "type",
    "coordinates",
    "latitude",
    "longitude",
    "human_address",
    "needs_recoding",
];
/// Deeper nesting stays as it is written.
const MAX_DEPTH: usize = 64;
/// The most digits that a number is written out with.
const MAX_DIGITS: usize = 40;

/// Returns the canonical text of a piece of JSON: without white space, nulls and escapes that need not be, members in
/// one order, numbers in one form.
pub fn canonical_json(json: &str) -> Cow<'_, str> {
    match json.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => {
            let mut text = String::with_capacity(json.len());
            write_canonical(json, 0, &mut text);
            Cow::Owned(text)
        }
        _ => canonical_number(json),
    }
}

fn write_canonical(json: &str, depth: usize, text: &mut String) {
    let compound = depth < MAX_DEPTH;
    match json.as_bytes().first() {
        Some(b'{') if compound => match serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
            Ok(members) => write_object(members, depth, text),
            Err(_) => text.push_str(json),
        },
        Some(b'[') if compound => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => {
                text.push('[');
                for (n, item) in items.into_iter().enumerate() {
                    if n > 0 {
                        text.push(',');
                    }
                    write_canonical(item.get(), depth + 1, text);
                }
                text.push(']');
            }
            Err(_) => text.push_str(json),
        },
        Some(b'"') if json.contains('\\') => match serde_json::from_str::<String>(json) {
            Ok(string) => text.push_str(&serde_json::Value::from(string).to_string()),
            // A lone surrogate is not text.
            Err(_) => text.push_str(json),
        },
        _ => text.push_str(&canonical_number(json)),
    }
}

fn write_object(members: BTreeMap<String, &RawValue>, depth: usize, text: &mut String) {
    let mut members: Vec<_> = members.into_iter().filter(|(_, value)| value.get() != "null").collect();
    members.sort_by_key(|(name, _)| WRITTEN_FIRST.iter().position(|first| first == name).unwrap_or(usize::MAX));
    text.push('{');
    for (n, (name, value)) in members.into_iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(name).to_string());
        text.push(':');
        write_canonical(value.get(), depth + 1, text);
    }
    text.push('}');
}

/// Returns a JSON number without exponent and trailing zeros, to its last digit; whatever else, or is too long, as it
/// is.
pub(crate) fn canonical_number(json: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_digit() || b == b'-';
    if json == "-0" || !json.bytes().all(plain) {
        expand_exponent(json).map_or(Cow::Borrowed(json), Cow::Owned)
    } else {
        Cow::Borrowed(json)
    }
}

fn expand_exponent(json: &str) -> Option<String> {
    let (sign, rest) = json.strip_prefix('-').map_or(("", json), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = exponent.parse().ok()?;
    // The position of the decimal point in the digits.
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    let (digits, point) = (digits.trim_matches('0'), point - i64::try_from(zeros).ok()?);
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let length = digits.len();
    if point.unsigned_abs() > MAX_DIGITS as u64 || length > MAX_DIGITS {
        return None;
    }
    Some(match usize::try_from(point) {
        Ok(point) if point >= length => format!("{sign}{digits}{}", "0".repeat(point - length)),
        Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ => format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-point).ok()?)),
    })
}

/// Returns the text that an export writes for a link: its address, after its description and in brackets where it has
/// one. `None` if the value is not a link.
pub(crate) fn link_text(json: &str) -> Option<String> {
    if !json.starts_with('{') {
        return None;
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    if !members.keys().all(|name| name == "url" || name == "description") {
        return None;
    }
    let member = |name: &str| {
        let value = Published(members.get(name)?.get());
        (!value.is_null()).then(|| value.text())
    };
    let url = member("url")?;
    Some(match member("description") {
        Some(description) => format!("{description} ({url})"),
        None => url.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_text() {
        for (json, expected) in [
            ("1", "1"),
            ("1.0", "1"),
            ("1e0", "1"),
            ("10E-1", "1"),
            ("-0", "0"),
            ("-0.00", "0"),
            ("0e5", "0"),
            ("1.50", "1.5"),
            ("150e-2", "1.5"),
            ("-0.05", "-0.05"),
            ("5e-2", "0.05"),
            ("1.01001E+11", "101001000000"),
            ("9007199254740993", "9007199254740993"),
            ("9007199254740993.0", "9007199254740993"),
            ("99999999999999999999", "99999999999999999999"),
            ("1e999", "1e999"),
            ("1e-999999999999999999999", "1e-999999999999999999999"),
            ("true", "true"),
        ] {
            assert_eq!(canonical_number(json), expected, "{json}");
        }
    }

    #[test]
    fn one_object_has_one_text() {
        for json in [
            r#"{"url":"http://a/","x":[1,2.5],"z":"é"}"#,
            r#"{ "z" : "\u00e9", "x" : [ 1.0, 25e-1 ], "url" : "http:\/\/a/", "nothing": null }"#,
        ] {
            assert_eq!(canonical_json(json), r#"{"url":"http://a/","x":[1,2.5],"z":"é"}"#, "{json}");
        }
        assert_eq!(canonical_json(r#"{"longitude":"1","latitude":"2"}"#), r#"{"latitude":"2","longitude":"1"}"#);
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(canonical_json(&deep), deep);
    }

    #[test]
    fn a_link_reads_as_an_export_writes_it() {
        assert_eq!(link_text(r#"{"url":"http://a/b"}"#).as_deref(), Some("http://a/b"));
        assert_eq!(link_text(r#"{"description":"A","url":"http://a"}"#).as_deref(), Some("A (http://a)"));
        assert_eq!(link_text(r#"{"url":"http://a","more":1}"#), None);
        assert_eq!(link_text(r#""http://a""#), None);
    }
}

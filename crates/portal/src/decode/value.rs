//! A published value converted to a declared type.

use std::borrow::Cow;

use lake_model::ColumnType;

use crate::decode::canonical_json::{canonical_json, canonical_number};
use crate::decode::points::parse_point;
use crate::decode::published::Published;
use crate::decode::times::TimeRules;

/// The largest integer that a float represents exactly.
const MAX_EXACT_FLOAT: i64 = 1 << 53;

/// A value of a declared type, in its canonical form: equal content is equal here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Typed<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Time(i64),
    Point { longitude: f64, latitude: f64 },
}

impl<'a> Published<'a> {
    /// Returns the value as `kind`; `None` if it is not one.
    pub(crate) fn to_typed(self, kind: ColumnType, times: &TimeRules) -> Option<Typed<'a>> {
        let text = || self.text();
        Some(match kind {
            ColumnType::Text if self.is_string() => Typed::Text(self.text()),
            ColumnType::Text => Typed::Text(canonical_json(self.0)),
            ColumnType::Integer => Typed::Integer(self.parse_whole_number()?),
            ColumnType::Number => {
                let text = text();
                let number: f64 = text.trim().parse().ok().or_else(|| parse_amount(text.trim()))?;
                if !number.is_finite() {
                    return None;
                }
                // -0 and 0 are one number.
                Typed::Number(number + 0.0)
            }
            ColumnType::Boolean => Typed::Boolean(match text().trim() {
                "true" | "True" | "TRUE" => true,
                "false" | "False" | "FALSE" => false,
                _ => return None,
            }),
            ColumnType::Timestamp => Typed::Time(times.parse(&text())?),
            ColumnType::Point => {
                let (longitude, latitude) = parse_point(self)?;
                Typed::Point { longitude, latitude }
            }
        })
    }

    /// Returns the zeros that an id of digits begins with and its number has not: `00` of `"007"`.
    pub(crate) fn leading_zeros(self) -> Cow<'a, str> {
        let Cow::Borrowed(text) = self.text() else { return Cow::Borrowed("") };
        let text = text.trim();
        let significant = text.trim_start_matches('0');
        let zeros = text.len() - significant.len();
        // The last zero of `000` or `0.00` is the number itself.
        let number = significant.starts_with(|c: char| c.is_ascii_digit());
        Cow::Borrowed(&text[..if number { zeros } else { zeros.saturating_sub(1) }])
    }

    /// Returns an integer, with or without a decimal tail of zeros: some portals write `1000010100.00000000`.
    fn parse_whole_number(self) -> Option<i64> {
        let text = self.text();
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let Some(exponent) = exponent else {
            let digits = match text.split_once('.') {
                Some((digits, tail)) if tail.bytes().all(|b| b == b'0') => digits,
                Some(_) => return None,
                None => text,
            };
            return digits.parse().ok();
        };
        // A spreadsheet writes `1.01001E+11` for 101001234567: digits that it left out are lost.
        let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction);
        let left_out = exponent.parse::<i64>().ok()? > i64::try_from(fraction.len()).ok()?;
        let number: i64 = canonical_number(text).parse().ok()?;
        let exact = !left_out || (!self.is_string() && number.abs() <= MAX_EXACT_FLOAT);
        exact.then_some(number)
    }
}

/// Returns an amount of dollars, as an export writes a column of money: `$1,500.00`.
fn parse_amount(text: &str) -> Option<f64> {
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let rest = rest.strip_prefix('$')?;
    let whole = rest.split('.').next()?;
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let grouped = is_digits(first) && (first.len() <= 3 || first.len() == whole.len());
    if !grouped || !groups.all(|group| group.len() == 3 && is_digits(group)) {
        return None;
    }
    Some(sign * rest.replace(',', "").parse::<f64>().ok()?)
}

impl Typed<'_> {
    /// Returns the text by which a value identifies a row.
    pub(crate) fn key_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone().into_owned(),
            Self::Integer(n) => n.to_string(),
            Self::Number(x) => x.to_string(),
            Self::Boolean(b) => b.to_string(),
            Self::Time(micros) => lake_model::format_wall_clock(*micros),
            Self::Point { longitude, latitude } => format!("{latitude},{longitude}"),
        }
    }

    /// Adds the canonical form to a content hash.
    pub(crate) fn hash(&self, hasher: &mut blake3::Hasher) {
        match self {
            Self::Text(text) => {
                hasher.update(b"t");
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
            Self::Integer(n) => drop(hasher.update(b"i").update(&n.to_le_bytes())),
            Self::Number(x) => drop(hasher.update(b"n").update(&x.to_bits().to_le_bytes())),
            Self::Boolean(b) => drop(hasher.update(&[b'b', u8::from(*b)])),
            Self::Time(micros) => drop(hasher.update(b"d").update(&micros.to_le_bytes())),
            Self::Point { longitude, latitude } => {
                hasher
                    .update(b"p")
                    .update(&longitude.to_bits().to_le_bytes())
                    .update(&latitude.to_bits().to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_typed(json: &str, kind: ColumnType) -> Option<Typed<'_>> {
        let text = include_str!("../../../../data/resources/311-cases.toml");
        let resource = lake_model::Resource::parse("311-cases.toml", text).expect("a resource");
        Published(json).to_typed(kind, &TimeRules::new(&resource))
    }

    #[test]
    fn numbers_are_canonical_and_ids_keep_their_digits() {
        let integer = |json: &'static str| to_typed(json, ColumnType::Integer);
        for json in ["\"1000010100.00000000\"", "1000010100", "1000010100.0", "1.0000101E9", "\"1.0000101E9\""] {
            assert_eq!(integer(json), (json != "\"1.0000101E9\"").then_some(Typed::Integer(1_000_010_100)), "{json}");
        }
        assert_eq!(integer("\"123456789012\""), Some(Typed::Integer(123_456_789_012)));
        for json in ["1", "1.0", "\"1\"", "1e0", "\"1e0\"", "10E-1", "\" 1.00 \""] {
            assert_eq!(integer(json), Some(Typed::Integer(1)), "{json}");
        }
        assert_eq!(integer("9007199254740993"), Some(Typed::Integer(9_007_199_254_740_993)));
        for json in ["\"1.5\"", "\"1.01001E+11\"", "1e300", "1e18", "15e-1", "\"\\u0031x\"", "\"0x10\""] {
            assert_eq!(integer(json), None, "{json}");
        }
        assert_eq!(to_typed("\"007\"", ColumnType::Text), Some(Typed::Text("007".into())));
        for json in ["5", "5.0", "\"5\"", "\"5.0\"", "5e0", "\"$5.00\"", "\"5e0\""] {
            assert_eq!(to_typed(json, ColumnType::Number), Some(Typed::Number(5.0)), "{json}");
        }
        for (json, expected) in [("$1,500", Some(1500.0)), ("-$1,234,567.89", Some(-1_234_567.89)), ("$1,50", None)] {
            let json = format!("\"{json}\"");
            assert_eq!(to_typed(&json, ColumnType::Number), expected.map(Typed::Number), "{json}");
        }
        for json in ["\"NaN\"", "\"1,500\"", "\"1.500,00\"", "1e999", "\"$\"", "\"$1e5\"", "\"$,100\""] {
            assert_eq!(to_typed(json, ColumnType::Number), None, "{json}");
        }
    }

    #[test]
    fn a_number_in_a_column_of_text_is_its_number() {
        for json in ["1", "1.0", "\"1\"", "1e0"] {
            assert_eq!(to_typed(json, ColumnType::Text), Some(Typed::Text("1".into())), "{json}");
        }
        // A value that is published as text is that text.
        assert_eq!(to_typed("\"1.0\"", ColumnType::Text), Some(Typed::Text("1.0".into())));
    }

    #[test]
    fn escapes_are_text() {
        assert_eq!(Published(r#""GEARY ST \\ POLK ST""#).text(), r"GEARY ST \ POLK ST");
        assert_eq!(Published(r#""\u00e9""#).text(), "é");
    }
}

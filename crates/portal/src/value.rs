//! A published value and what it is as a declared type.

use std::borrow::Cow;

use lake_model::{ColumnType, parse_wall_clock};
use serde::Deserialize;

/// A value as published: a piece of JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published<'a>(pub(crate) &'a str);

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

#[derive(Deserialize)]
struct GeoJson {
    coordinates: [f64; 2],
}

/// A legacy location: its parts are texts, sometimes numbers.
#[derive(Deserialize)]
struct Location<'a> {
    #[serde(borrow)]
    latitude: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow)]
    longitude: Option<&'a serde_json::value::RawValue>,
}

impl<'a> Published<'a> {
    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The text inside a JSON string, or the JSON itself for everything else.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            None => Cow::Borrowed(self.0),
            Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
            Some(_) => match serde_json::from_str(self.0) {
                Ok(text) => Cow::Owned(text),
                // A lone surrogate is no text; its JSON is.
                Err(_) => Cow::Borrowed(self.0),
            },
        }
    }

    /// The value as `kind`; `None` if it is none.
    pub(crate) fn typed(self, kind: ColumnType) -> Option<Typed<'a>> {
        let text = || self.text();
        Some(match kind {
            ColumnType::Text => Typed::Text(self.text()),
            ColumnType::Integer => Typed::Integer(whole(text().trim())?),
            ColumnType::Number => {
                let number: f64 = text().trim().parse().ok()?;
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
            ColumnType::Timestamp => Typed::Time(parse_wall_clock(&text())?),
            ColumnType::Point => self.point()?,
        })
    }

    /// The zeros that an id of digits begins with and its number has not: `00` of `"007"`.
    pub(crate) fn leading_zeros(self) -> Cow<'a, str> {
        let Cow::Borrowed(text) = self.text() else { return Cow::Borrowed("") };
        let text = text.trim();
        let significant = text.trim_start_matches('0');
        let zeros = text.len() - significant.len();
        // The last zero of `000` or `0.00` is the number itself.
        let number = significant.starts_with(|c: char| c.is_ascii_digit());
        Cow::Borrowed(&text[..if number { zeros } else { zeros.saturating_sub(1) }])
    }

    fn point(self) -> Option<Typed<'a>> {
        let (longitude, latitude) = if let Ok(geo) = serde_json::from_str::<GeoJson>(self.0) {
            (geo.coordinates[0], geo.coordinates[1])
        } else {
            let location: Location<'_> = serde_json::from_str(self.0).ok()?;
            let degrees = |part: Option<&'a serde_json::value::RawValue>| -> Option<f64> {
                Published(part?.get()).text().trim().parse().ok()
            };
            (degrees(location.longitude)?, degrees(location.latitude)?)
        };
        (longitude.is_finite() && latitude.is_finite()).then_some(Typed::Point { longitude, latitude })
    }
}

/// A whole number, with or without a decimal tail of zeros: some portals write `1000010100.00000000`.
fn whole(text: &str) -> Option<i64> {
    let digits = match text.split_once('.') {
        Some((digits, tail)) if tail.bytes().all(|b| b == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    digits.parse().ok()
}

impl Typed<'_> {
    /// The text by which a value identifies a row.
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

    #[test]
    fn numbers_are_canonical_and_ids_keep_their_digits() {
        let integer = |json: &'static str| Published(json).typed(ColumnType::Integer);
        assert_eq!(integer("\"1000010100.00000000\""), Some(Typed::Integer(1_000_010_100)));
        assert_eq!(integer("\"123456789012\""), Some(Typed::Integer(123_456_789_012)));
        assert_eq!(integer("\"1.5\""), None);
        assert_eq!(Published("\"007\"").typed(ColumnType::Text), Some(Typed::Text("007".into())));
        assert_eq!(Published("\"5.0\"").typed(ColumnType::Number), Published("5").typed(ColumnType::Number));
        assert_eq!(Published("\"NaN\"").typed(ColumnType::Number), None);
    }

    #[test]
    fn a_point_is_read_as_geojson_and_as_a_legacy_location() {
        let expected = Some(Typed::Point { longitude: -122.4, latitude: 37.7 });
        assert_eq!(Published(r#"{"type":"Point","coordinates":[-122.4,37.7]}"#).typed(ColumnType::Point), expected);
        let legacy = r#"{"latitude":"37.7","longitude":"-122.4","human_address":"{\"city\": \"\"}"}"#;
        assert_eq!(Published(legacy).typed(ColumnType::Point), expected);
        assert_eq!(Published("\"POINT (1 2)\"").typed(ColumnType::Point), None);
    }

    #[test]
    fn escapes_are_text() {
        assert_eq!(Published(r#""GEARY ST \\ POLK ST""#).text(), r"GEARY ST \ POLK ST");
        assert_eq!(Published(r#""\u00e9""#).text(), "é");
    }
}

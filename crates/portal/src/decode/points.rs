//! Points in every shape that portals have published them: GeoJSON, legacy location objects, well-known text, and
//! address lines with the coordinates in brackets at their end.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decode::published::Published;

/// An object with a place: GeoJSON, or a legacy location, whose parts are texts, sometimes numbers.
#[derive(Deserialize)]
struct PointObject<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
    #[serde(borrow)]
    latitude: Option<&'a RawValue>,
    #[serde(borrow)]
    longitude: Option<&'a RawValue>,
}

/// Returns the longitude and latitude of a published point in degrees; `None` if it has none.
pub(crate) fn parse_point(published: Published<'_>) -> Option<(f64, f64)> {
    if published.0.starts_with('{') {
        return parse_point_object(published.0);
    }
    if !published.0.starts_with('"') {
        return None;
    }
    parse_point_text(&published.text())
}

/// Returns the longitude and latitude of a point published as text.
pub(crate) fn parse_point_text(text: &str) -> Option<(f64, f64)> {
    let text = text.trim();
    if text.starts_with('{') {
        parse_point_object(text)
    } else {
        parse_well_known_text(text).or_else(|| parse_last_brackets(text))
    }
}

fn parse_point_object(json: &str) -> Option<(f64, f64)> {
    let place: PointObject<'_> = serde_json::from_str(json).ok()?;
    let degrees_of = |part: &RawValue| parse_degrees(&Published(part.get()).text());
    if let Some(coordinates) = place.coordinates {
        let is_point = place.kind.is_none_or(|kind| Published(kind.get()).text().eq_ignore_ascii_case("point"));
        let coordinates: Vec<&RawValue> = serde_json::from_str(coordinates.get()).ok()?;
        return match coordinates[..] {
            // A height is not a part of a place, nor is what some put behind it.
            [longitude, latitude, ..] if is_point && coordinates.len() <= 4 => {
                Some((degrees_of(longitude)?, degrees_of(latitude)?))
            }
            _ => None,
        };
    }
    Some((degrees_of(place.longitude?)?, degrees_of(place.latitude?)?))
}

/// Returns a number of degrees, with or without their sign.
fn parse_degrees(text: &str) -> Option<f64> {
    let text = text.trim();
    let number: f64 = text.strip_suffix('°').unwrap_or(text).trim_end().parse().ok()?;
    // -0 and 0 are one number.
    number.is_finite().then_some(number + 0.0)
}

/// Parses `POINT (lon lat)`, with a height or a measure or without, in any case, after `SRID=4326;` or not.
fn parse_well_known_text(text: &str) -> Option<(f64, f64)> {
    let upper = text.to_ascii_uppercase();
    let shape = match upper.strip_prefix("SRID=") {
        Some(rest) => rest.split_once(';')?.1.trim_start(),
        None => &upper,
    };
    let (dimensions, rest) = shape.strip_prefix("POINT")?.split_once('(')?;
    if !["", "Z", "M", "ZM"].contains(&dimensions.trim()) {
        return None;
    }
    let parts = rest.trim_end().strip_suffix(')')?.split([' ', ',', '\t', '\n', '\r']).filter(|part| !part.is_empty());
    let numbers: Vec<f64> = parts.map(parse_degrees).collect::<Option<_>>()?;
    match numbers[..] {
        [longitude, latitude] | [longitude, latitude, _] | [longitude, latitude, _, _] => Some((longitude, latitude)),
        _ => None,
    }
}

/// Returns the last pair of brackets that holds two numbers, `(lat, lon)`: an address in front of it may have brackets
/// too.
fn parse_last_brackets(text: &str) -> Option<(f64, f64)> {
    text.rmatch_indices('(').find_map(|(at, _)| {
        let (inner, _) = text[at + 1..].split_once(')')?;
        let (latitude, longitude) = match inner.split_once(',') {
            Some(pair) => pair,
            // Without a comma two integers are rather part of an address.
            None => inner.trim().split_once(' ').filter(|(one, other)| one.contains('.') && other.contains('.'))?,
        };
        Some((parse_degrees(longitude)?, parse_degrees(latitude)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<(f64, f64)> {
        parse_point(Published(json))
    }

    #[test]
    fn every_shape_of_a_point_is_the_same_place() {
        for json in [
            r#"{"type":"Point","coordinates":[-122.4,37.7]}"#,
            r#"{"coordinates":[-122.40, 3.77e1, 12.5],"type":"point"}"#,
            r#"{"type":"Point","coordinates":["-122.4","37.7"]}"#,
            r#"{"latitude":"37.7","longitude":"-122.4","human_address":"{\"city\": \"\"}"}"#,
            r#"{"longitude":-122.4,"latitude":37.7,"needs_recoding":false}"#,
            r#""{\"type\":\"Point\",\"coordinates\":[-122.4,37.7]}""#,
            r#""POINT (-122.4 37.7)""#,
            r#""Point(-122.40000 37.7)""#,
            r#""POINT Z (-122.4 37.7 30)""#,
            r#""POINT ZM(-122.4 37.7 30 1)""#,
            r#""SRID=4326;POINT(-122.4 37.7)""#,
            r#""(37.7, -122.4)""#,
            r#""(37.7°, -122.4°)""#,
            r#""1 MADE UP ST\nEXAMPLE, CA\n(37.7, -122.4)""#,
            r#""UNION SQ (NORTH SIDE, NEAR 5TH)\n(37.7, -122.4)""#,
            r#""POINT LOBOS AVE (3, 4)\n(37.7, -122.4)""#,
            r#""2 MADE UP ST (37.7, -122.4) (REAR)""#,
            r#""(37.7 -122.4)""#,
        ] {
            assert_eq!(read(json), Some((-122.4, 37.7)), "{json}");
        }
    }

    #[test]
    fn what_has_no_coordinates_is_no_point() {
        for json in [
            r#"{"type":"Point","coordinates":[]}"#,
            r#"{"type":"Point","coordinates":null}"#,
            r#"{"type":"Point","coordinates":[-122.4]}"#,
            r#"{"type":"Point","coordinates":[-122.4,null]}"#,
            r#"{"type":"LineString","coordinates":[[-122.4,37.7],[-122.5,37.7]]}"#,
            r#"{"type":"LineString","coordinates":[-122.4,37.7]}"#,
            r#"{"latitude":"","longitude":""}"#,
            r#"{"human_address":"{}","needs_recoding":true}"#,
            r#""POINT EMPTY""#,
            r#""POINT (nan nan)""#,
            r#""LINESTRING (-122.4 37.7, -122.5 37.7)""#,
            r#""1 MADE UP ST (REAR 5 6)""#,
            r#""1 MADE UP ST (5 6)""#,
            r#""CORNER (NORTH, SOUTH)""#,
            r#""(,)""#,
            r#""(((""#,
            "12",
            "[-122.4,37.7]",
            "true",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}

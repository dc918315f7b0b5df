//! The place of a row.

use serde_json::Value;

use crate::{Bounds, Place, Row};

/// Returns latitude and longitude, if the row has a usable place.
pub(super) fn locate(row: &Row, place: &Place, bounds: Option<Bounds>) -> Option<(f64, f64)> {
    let (lat, lng) = match place {
        Place::LatLng(lat, lng) => (degrees(row.get(lat)?)?, degrees(row.get(lng)?)?),
        Place::Point(names) => {
            let point = names.iter().find_map(|name| row.get(name).filter(|point| !point.is_null()));
            from_point(point?)?
        }
    };
    let nowhere = lat == 0.0 && lng == 0.0;
    let [west, south, east, north] = bounds.unwrap_or([-180.0, -90.0, 180.0, 90.0]);
    let inside = (west..=east).contains(&lng) && (south..=north).contains(&lat);
    (inside && !nowhere).then_some((lat, lng))
}

/// Reads a point: `GeoJSON` has longitude first; the legacy location names its parts.
fn from_point(point: &Value) -> Option<(f64, f64)> {
    match point.get("coordinates") {
        Some(pair) => Some((degrees(pair.get(1)?)?, degrees(pair.get(0)?)?)),
        None => Some((degrees(point.get("latitude")?)?, degrees(point.get("longitude")?)?)),
    }
}

fn degrees(value: &Value) -> Option<f64> {
    let degrees = match value {
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    degrees.is_finite().then_some(degrees)
}

//! The outline of a cell as other programs take it: between -180 and 180 degrees, cut where the 180th meridian runs
//! through it, and closed over the pole where it holds one.
//!
//! Edges are straight in longitude and latitude, as those of WKT and GeoJSON are.

use h3o::CellIndex;

use crate::geometry::clip::{HalfPlane, Point, clip};

/// Returns the corners of a cell, counter-clockwise: longitude and latitude in degrees; none for an index that is not a
/// cell. Neighbouring corners are less than 180 degrees apart: across the 180th meridian longitudes continue beyond 180
/// or -180. A cell that contains a pole is a band of 360 degrees that ends at 90 or -90 degrees of latitude.
pub fn cell_corners(index: i64) -> Vec<Point> {
    let (mut corners, turn) = unwrapped(&boundary(index));
    if let (Some(turn), Some(first)) = (turn, corners.first().copied()) {
        let last = first.0 + 360.0 * turn;
        corners.extend([(last, first.1), (last, 90.0 * turn), (first.0, 90.0 * turn)]);
    }
    corners
}

fn boundary(index: i64) -> Vec<Point> {
    let cell = u64::try_from(index).ok().and_then(|index| CellIndex::try_from(index).ok());
    cell.map(|cell| cell.boundary().iter().map(|at| (at.lng(), at.lat())).collect()).unwrap_or_default()
}

/// Returns the same corners, each less than 180 degrees from the one before; and the direction if they circle the world
/// once: to the east (1), around the north pole, or to the west (-1), around the south pole.
fn unwrapped(corners: &[Point]) -> (Vec<Point>, Option<f64>) {
    let mut unwrapped: Vec<Point> = Vec::with_capacity(corners.len() + 3);
    for &(longitude, latitude) in corners.iter().chain(corners.first()) {
        let before = unwrapped.last().map_or(longitude, |at| at.0);
        unwrapped.push((longitude - 360.0 * ((longitude - before) / 360.0).round(), latitude));
    }
    let first = unwrapped.first().copied();
    let turn = unwrapped.pop().zip(first).map_or(0.0, |(last, first)| last.0 - first.0);
    (unwrapped, (turn.abs() > 180.0).then_some(turn.signum()))
}

/// Returns the parts of a cell's outline between -180 and 180 degrees, each counter-clockwise, its first corner not
/// repeated: one, or two where the 180th meridian cuts the cell; none for an index that is not a cell. One that holds a pole
/// is a band from -180 to 180 up to it.
pub fn cell_outline(index: i64) -> Vec<Vec<Point>> {
    let corners = boundary(index);
    let (ring, turn) = unwrapped(&corners);
    if let Some(turn) = turn {
        return vec![over_the_pole(&corners, turn)];
    }
    let parts = [0.0, -360.0, 360.0].into_iter().flat_map(|turn| {
        let turned: Vec<Point> = ring.iter().map(|(longitude, latitude)| (longitude + turn, *latitude)).collect();
        let west = clip(&turned, HalfPlane::Left(180.0));
        west.into_iter().flat_map(|part| clip(&part, HalfPlane::Right(-180.0))).collect::<Vec<_>>()
    });
    parts.collect()
}

/// Returns the band around a pole, restarted where its corners cross the 180th meridian.
fn over_the_pole(corners: &[Point], turn: f64) -> Vec<Point> {
    let edges = (0..corners.len()).map(|n| (n, corners[n], corners[(n + 1) % corners.len()]));
    let mut across = edges.filter(|(_, from, to)| (to.0 - from.0).abs() > 180.0);
    let Some((last, from, to)) = across.next() else { return corners.to_vec() };
    let (edge, pole) = (180.0 * turn, 90.0 * turn);
    let beyond = to.0 + 360.0 * turn;
    let latitude = from.1 + (edge - from.0) / (beyond - from.0) * (to.1 - from.1);
    let mut band = vec![(-edge, latitude)];
    band.extend(corners.iter().cycle().skip(last + 1).take(corners.len()));
    band.extend([(edge, latitude), (edge, pole), (-edge, pole)]);
    band.dedup();
    band
}

/// Returns a cell as well-known text: a POLYGON, or a MULTIPOLYGON where the 180th meridian cuts it.
pub(crate) fn cell_wkt(index: i64) -> Option<String> {
    let written = |part: &Vec<Point>| format!("(({}))", ring_text(part, ' ', ", "));
    match cell_outline(index).as_slice() {
        [] => None,
        [whole] => Some(format!("POLYGON {}", written(whole))),
        parts => Some(format!("MULTIPOLYGON ({})", parts.iter().map(written).collect::<Vec<_>>().join(", "))),
    }
}

/// Returns a cell as a GeoJSON Polygon; as a MultiPolygon where the 180th meridian cuts it (RFC 7946, 3.1.9).
pub(crate) fn cell_geojson(index: i64) -> Option<String> {
    let written = |part: &Vec<Point>| format!("[[[{}]]]", ring_text(part, ',', "],["));
    match cell_outline(index).as_slice() {
        [] => None,
        [whole] => Some(format!(r#"{{"type":"Polygon","coordinates":{}}}"#, written(whole))),
        parts => {
            let parts = parts.iter().map(written).collect::<Vec<_>>().join(",");
            Some(format!(r#"{{"type":"MultiPolygon","coordinates":[{parts}]}}"#))
        }
    }
}

/// Formats a ring with its first corner repeated at the end, to a tenth of a millimetre.
fn ring_text(ring: &[Point], between: char, next: &str) -> String {
    let corners = ring.iter().chain(ring.first());
    corners.map(|(x, y)| format!("{x:.9}{between}{y:.9}")).collect::<Vec<_>>().join(next)
}

#[cfg(test)]
mod tests {
    use h3o::{LatLng, Resolution};

    use super::*;

    fn cell(latitude: f64, longitude: f64, resolution: u8) -> i64 {
        let resolution = Resolution::try_from(resolution).expect("a resolution");
        let cell = LatLng::new(latitude, longitude).expect("a place").to_cell(resolution);
        i64::try_from(u64::from(cell)).expect("63 bits")
    }

    fn area(ring: &[Point]) -> f64 {
        let next = |n: usize| ring[(n + 1) % ring.len()];
        (0..ring.len()).map(|n| ring[n].0 * next(n).1 - next(n).0 * ring[n].1).sum::<f64>() / 2.0
    }

    #[test]
    fn a_cell_on_the_180th_meridian_has_a_part_on_each_side() {
        for (latitude, longitude) in [(0.0, 179.999), (0.0, -179.999), (52.0, 180.0), (-17.0, -180.0)] {
            for resolution in [1, 4, 7, 10] {
                let index = cell(latitude, longitude, resolution);
                let corners = cell_corners(index);
                let parts = cell_outline(index);
                assert_eq!(parts.len(), if corners.iter().any(|at| at.0.abs() > 180.0) { 2 } else { 1 });
                for part in &parts {
                    assert!(area(part) > 0.0, "it turns left");
                    let east = part.iter().all(|at| (150.0..=180.0).contains(&at.0));
                    let west = part.iter().all(|at| (-180.0..=-150.0).contains(&at.0));
                    assert!(east || west, "{part:?}");
                }
                let whole: f64 = parts.iter().map(|part| area(part)).sum();
                assert!((whole - area(&corners)).abs() < 1e-9, "nothing is lost");
                let kind = if parts.len() == 2 { "MULTIPOLYGON (((" } else { "POLYGON ((" };
                assert!(cell_wkt(index).expect("an outline").starts_with(kind));
            }
        }
        assert_eq!(cell_outline(cell(-17.0, 180.0, 4)).len(), 2, "there is one of two parts");
    }

    #[test]
    fn a_cell_that_holds_a_pole_reaches_it_at_every_longitude() {
        for (latitude, resolution) in [(90.0, 0), (90.0, 2), (90.0, 5), (-90.0, 0), (-90.0, 2), (-90.0, 7)] {
            let parts = cell_outline(cell(latitude, 0.0, resolution));
            assert_eq!(parts.len(), 1, "{parts:?}");
            let ring = &parts[0];
            assert!(area(ring) > 0.0, "it turns left");
            for corner in [(-180.0, latitude), (180.0, latitude)] {
                assert!(ring.contains(&corner), "{ring:?}");
            }
            let edges = (0..ring.len()).map(|n| (ring[n], ring[(n + 1) % ring.len()]));
            let wide = edges.filter(|(a, b)| (a.0 - b.0).abs() > 180.0).count();
            assert_eq!(wide, 1, "the edge along the pole alone: {ring:?}");
        }
    }

    #[test]
    fn an_index_that_is_not_a_cell_has_no_outline() {
        for index in [0, -1, i64::MAX, 7] {
            assert_eq!((cell_wkt(index), cell_geojson(index)), (None, None));
            assert!(cell_corners(index).is_empty());
        }
        assert!(cell_geojson(cell(37.77, -122.42, 9)).expect("a geometry").starts_with(r#"{"type":"Polygon""#));
    }
}

//! A drawn area: a GeoJSON Polygon or MultiPolygon, and whether a point is inside.
//!
//! Edges are straight in longitude and latitude, as RFC 7946 has them. A point is inside a polygon by the even-odd
//! rule over its rings, so holes are out; the boundary belongs to it.

use std::ops::RangeInclusive;

use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use lake_model::parse_json;
use lake_segments::CellOverlap;
use serde_json::Value;

use crate::geometry::cell_box::CellBox;

/// The most bands of latitude that a polygon's edges are sorted into.
const MAX_BANDS: usize = 64;

/// A box in degrees; its edges belong to it. Its longitudes are between -180 and 180; it goes across the 180th meridian
/// where `west` is greater than `east` (RFC 7946, 5.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// The westernmost longitude.
    pub west: f64,
    /// The least latitude.
    pub south: f64,
    /// The easternmost longitude.
    pub east: f64,
    /// The greatest latitude.
    pub north: f64,
}

impl Rectangle {
    /// Returns the box between two longitudes that may be beyond 180 or -180 degrees, `west` not above `east`.
    pub fn from_bounds(west: f64, east: f64, south: f64, north: f64) -> Self {
        if east - west >= 360.0 {
            return Self { west: -180.0, south, east: 180.0, north };
        }
        let turn = 360.0 * ((west + 180.0) / 360.0).floor();
        let (west, east) = (west - turn, east - turn);
        Self { west, south, east: if east > 180.0 { east - 360.0 } else { east }, north }
    }

    /// Returns the test in a plan over `latitude` and `longitude`; files and row groups outside are never read.
    pub fn to_condition(&self) -> Expr {
        let from = |name: &str, low: f64| col(name).gt_eq(lit(low));
        let to = |name: &str, high: f64| col(name).lt_eq(lit(high));
        let across = if self.west > self.east {
            from("longitude", self.west).or(to("longitude", self.east))
        } else {
            let across = from("longitude", self.west).and(to("longitude", self.east));
            // The 180th meridian has two longitudes.
            match (self.west <= -180.0, self.east >= 180.0) {
                (true, false) => across.or(from("longitude", 180.0)),
                (false, true) => across.or(to("longitude", -180.0)),
                _ => across,
            }
        };
        from("latitude", self.south).and(to("latitude", self.north)).and(across)
    }

    /// Returns how much of a cell is inside.
    pub fn overlap(&self, cell: &CellBox) -> CellOverlap {
        if self.west > self.east {
            return CellOverlap::Partial;
        }
        let is_apart = |low: f64, high: f64, cell_low: f64, cell_high: f64| cell_high < low || cell_low > high;
        if is_apart(self.west, self.east, cell.west, cell.east)
            || is_apart(self.south, self.north, cell.south, cell.north)
        {
            return CellOverlap::Outside;
        }
        let is_inside = cell.corners().into_iter().all(|(latitude, longitude)| self.contains(latitude, longitude));
        if is_inside { CellOverlap::Inside } else { CellOverlap::Partial }
    }

    /// Returns whether a point is inside.
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        // The order of the engine's comparisons, in which -0.0 is less than 0.0.
        let at_least = |value: f64, low: f64| value.total_cmp(&low).is_ge();
        let at_most = |value: f64, high: f64| value.total_cmp(&high).is_le();
        let across = if self.west > self.east {
            at_least(longitude, self.west) || at_most(longitude, self.east)
        } else {
            let is_between = |longitude: f64| at_least(longitude, self.west) && at_most(longitude, self.east);
            is_between(longitude) || longitude.abs() >= 180.0 && is_between(-longitude)
        };
        across && at_least(latitude, self.south) && at_most(latitude, self.north)
    }
}

/// One or more polygons. Their longitudes may continue beyond 180 or -180 degrees, across the 180th meridian.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    polygons: Vec<Polygon>,
}

/// The longitudes and latitudes of a polygon's corners, as they were given.
#[derive(Clone, Debug, PartialEq)]
struct Extent {
    x: RangeInclusive<f64>,
    y: RangeInclusive<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge {
    from: [f64; 2],
    to: [f64; 2],
}

#[derive(Clone, Debug, PartialEq)]
struct Polygon {
    extent: Extent,
    edges: Vec<Edge>,
    /// Band of latitude to the edges that reach into it: a point is tested against those of its own band only.
    bands: Vec<Vec<usize>>,
}

impl Edge {
    /// Returns whether the edge may have a point in a box: not if the box is away from its ends or on one side of its line.
    fn may_touch(&self, cell: &CellBox) -> bool {
        let Self { from: [x0, y0], to: [x1, y1] } = *self;
        if x0.max(x1) < cell.west || x0.min(x1) > cell.east || y0.max(y1) < cell.south || y0.min(y1) > cell.north {
            return false;
        }
        let side = |(latitude, longitude): (f64, f64)| (x1 - x0) * (latitude - y0) - (longitude - x0) * (y1 - y0);
        let sides = cell.corners().map(side);
        !(sides.iter().all(|side| *side > 0.0) || sides.iter().all(|side| *side < 0.0))
    }
}

impl Area {
    /// Reads GeoJSON: a Polygon or MultiPolygon, or a Feature with one, of at most `max_corners` positions.
    ///
    /// # Errors
    /// An error in a polygon, described for the person who drew it.
    pub fn parse(text: &str, max_corners: usize) -> Result<Self, String> {
        let value = parse_json(text).map_err(|e| format!("it is not JSON: {e}"))?;
        let geometry = if value["type"] == "Feature" { &value["geometry"] } else { &value };
        let coordinates = &geometry["coordinates"];
        let polygons: Vec<&Value> = match geometry["type"].as_str() {
            Some("Polygon") => vec![coordinates],
            Some("MultiPolygon") => array(coordinates, "the coordinates of a MultiPolygon")?.iter().collect(),
            Some(other) => return Err(format!("its type is `{other}`")),
            None => return Err("it has no geometry type".to_owned()),
        };
        let mut corners = 0;
        let mut read = Vec::new();
        for polygon in polygons {
            let mut edges = Vec::new();
            for ring in array(polygon, "a polygon")? {
                let ring = positions(ring)?;
                corners += ring.len();
                if corners > max_corners {
                    return Err(format!(
                        "it has more than {max_corners} positions (`max_corners` of /limits); simplify it"
                    ));
                }
                edges.extend(ring.windows(2).map(|pair| Edge { from: pair[0], to: pair[1] }));
            }
            read.push(Polygon::new(edges)?);
        }
        if read.is_empty() { Err("it has no polygon".to_owned()) } else { Ok(Self { polygons: read }) }
    }

    /// Returns a box that contains the area.
    pub fn bounds(&self) -> Rectangle {
        let (mut west, mut south, mut east, mut north) =
            (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
        for Extent { x, y } in self.polygons.iter().map(|polygon| &polygon.extent) {
            (west, east) = (west.min(*x.start()), east.max(*x.end()));
            (south, north) = (south.min(*y.start()), north.max(*y.end()));
        }
        // A turn round the world rounds; the box must not be the smaller for it.
        let slack = if west < -180.0 || east > 180.0 { 1e-9 } else { 0.0 };
        Rectangle::from_bounds(west - slack, east + slack, south, north)
    }

    /// Returns how much of a cell is inside.
    pub fn overlap(&self, cell: &CellBox) -> CellOverlap {
        if self.polygons.iter().any(Polygon::is_beyond_180) {
            return CellOverlap::Partial;
        }
        let of_polygons = self.polygons.iter().map(|polygon| polygon.overlap(cell));
        of_polygons.max().unwrap_or(CellOverlap::Outside)
    }

    /// Returns whether a point is inside or on the boundary.
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        let turned = [longitude, longitude - 360.0, longitude + 360.0];
        turned.into_iter().any(|longitude| self.polygons.iter().any(|polygon| polygon.contains(latitude, longitude)))
    }
}

fn array<'v>(value: &'v Value, what: &str) -> Result<&'v Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("{what} is not an array"))
}

fn positions(ring: &Value) -> Result<Vec<[f64; 2]>, String> {
    let mut read = Vec::new();
    for position in array(ring, "a ring")? {
        match (position[0].as_f64(), position[1].as_f64()) {
            (Some(x), Some(y)) if x.abs() <= 360.0 && y.abs() <= 90.0 => read.push([x, y]),
            _ => return Err(format!("the position {position} is not [longitude, latitude] in degrees")),
        }
    }
    if read.len() < 4 || read.first() != read.last() {
        return Err("a ring is at least four positions, the last the same as the first".to_owned());
    }
    Ok(read)
}

impl Polygon {
    fn new(edges: Vec<Edge>) -> Result<Self, String> {
        let Some(first) = edges.first() else {
            return Err("a polygon has no ring".to_owned());
        };
        let [mut west, mut south] = first.from;
        let [mut east, mut north] = first.from;
        for Edge { to: [x, y], .. } in &edges {
            (west, east) = (west.min(*x), east.max(*x));
            (south, north) = (south.min(*y), north.max(*y));
        }
        let extent = Extent { x: west..=east, y: south..=north };
        let count = edges.len().clamp(1, MAX_BANDS);
        let mut polygon = Self { extent, edges: Vec::new(), bands: vec![Vec::new(); count] };
        for (n, edge) in edges.iter().enumerate() {
            let (low, high) = (edge.from[1].min(edge.to[1]), edge.from[1].max(edge.to[1]));
            for band in polygon.band(low)..=polygon.band(high) {
                polygon.bands[band].push(n);
            }
        }
        polygon.edges = edges;
        Ok(polygon)
    }

    /// Returns the band of a latitude within the bounds; rising with it, whatever the rounding.
    fn band(&self, latitude: f64) -> usize {
        let (south, north) = (self.extent.y.start(), self.extent.y.end());
        let height = north - south;
        let part = if height > 0.0 { (latitude - south) / height } else { 0.0 };
        let last = self.bands.len() - 1;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a part from 0 to 1 of at most 64 bands"
        )]
        let band = (part * self.bands.len() as f64) as usize;
        band.min(last)
    }

    fn is_beyond_180(&self) -> bool {
        *self.extent.x.start() < -180.0 || *self.extent.x.end() > 180.0
    }

    fn overlap(&self, cell: &CellBox) -> CellOverlap {
        let (x, y) = (&self.extent.x, &self.extent.y);
        if cell.east < *x.start() || cell.west > *x.end() || cell.north < *y.start() || cell.south > *y.end() {
            return CellOverlap::Outside;
        }
        let bands = self.band(cell.south)..=self.band(cell.north);
        let mut near = self.bands[bands].iter().flatten();
        if near.any(|edge| self.edges[*edge].may_touch(cell)) {
            return CellOverlap::Partial;
        }
        // Without an edge in the box, all of it is where its middle is.
        let (latitude, longitude) = cell.center();
        if self.contains(latitude, longitude) { CellOverlap::Inside } else { CellOverlap::Outside }
    }

    fn contains(&self, latitude: f64, longitude: f64) -> bool {
        if !self.extent.y.contains(&latitude) || !self.extent.x.contains(&longitude) {
            return false;
        }
        let mut inside = false;
        for &n in &self.bands[self.band(latitude)] {
            let Edge { from: [x0, y0], to: [x1, y1] } = self.edges[n];
            let side = (x1 - x0) * (latitude - y0) - (longitude - x0) * (y1 - y0);
            let within = |value: f64, a: f64, b: f64| a.min(b) <= value && value <= a.max(b);
            if side == 0.0 && within(latitude, y0, y1) && within(longitude, x0, x1) {
                return true;
            }
            // Half-open in latitude, so that a corner between two edges is crossed once.
            if (y0 > latitude) != (y1 > latitude) && (side > 0.0) == (y1 > y0) {
                inside = !inside;
            }
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(text: &str) -> Area {
        Area::parse(text, 10_000).expect("an area")
    }

    const HOLED: &str = r#"{"type":"Polygon","coordinates":[
        [[0,0],[10,0],[10,10],[0,10],[0,0]], [[4,4],[6,4],[6,6],[4,6],[4,4]]]}"#;

    #[test]
    fn the_boundary_is_where_the_text_says() {
        // The neighbours of these doubles are what serde_json makes of the texts.
        for east in ["-122.31284146883235", "-122.48679550988979", "-122.45912674928033"] {
            let ring = format!("[[-123, 37], [{east}, 37], [{east}, 38], [-123, 38], [-123, 37]]");
            let area = Area::parse(&format!("{{\"type\": \"Polygon\", \"coordinates\": [{ring}]}}"), 100).expect("one");
            let east: f64 = east.parse().expect("a number");
            assert!(area.contains(37.5, east) && !area.contains(37.5, east.next_up()), "{east}");
        }
    }

    #[test]
    fn what_is_inside_the_ring_and_outside_its_holes_is_inside() {
        let holed = area(HOLED);
        for (latitude, longitude, inside) in [
            (1.0, 1.0, true),
            (5.0, 5.0, false),
            (5.0, 3.9, true),
            (5.0, 6.1, true),
            (5.0, 10.1, false),
            (-0.1, 5.0, false),
        ] {
            assert_eq!(holed.contains(latitude, longitude), inside, "{latitude} {longitude}");
        }
        for (latitude, longitude) in [(0.0, 0.0), (10.0, 10.0), (0.0, 5.0), (5.0, 10.0), (4.0, 5.0)] {
            assert!(holed.contains(latitude, longitude), "the boundary: {latitude} {longitude}");
        }
    }

    #[test]
    fn a_feature_and_overlapping_polygons_are_their_union() {
        let feature = area(&format!(r#"{{"type":"Feature","properties":{{}},"geometry":{HOLED}}}"#));
        assert_eq!(feature, area(HOLED));
        let two = area(
            r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[2,0],[2,2],[0,2],[0,0]]],[[[1,1],[3,1],[3,3],[1,3],[1,1]]]]}"#,
        );
        assert!(two.contains(1.5, 1.5) && two.contains(0.5, 0.5) && two.contains(2.5, 2.5) && !two.contains(2.5, 0.5));
        assert_eq!(two.bounds(), Rectangle { west: 0.0, south: 0.0, east: 3.0, north: 3.0 });
    }

    #[test]
    fn an_area_across_the_180th_meridian_holds_both_sides() {
        let beyond = area(r#"{"type":"Polygon","coordinates":[[[179,-2],[182,-2],[182,2],[179,2],[179,-2]]]}"#);
        let other_way = area(r#"{"type":"Polygon","coordinates":[[[-181,-2],[-178,-2],[-178,2],[-181,2],[-181,-2]]]}"#);
        let cut = area(
            r#"{"type":"MultiPolygon","coordinates":[[[[179,-2],[180,-2],[180,2],[179,2],[179,-2]]],
                [[[-180,-2],[-178,-2],[-178,2],[-180,2],[-180,-2]]]]}"#,
        );
        for area in [&beyond, &other_way, &cut] {
            for (longitude, inside) in [
                (179.0, true),
                (180.0, true),
                (-180.0, true),
                (-178.0, true),
                (-177.9, false),
                (178.9, false),
                (0.0, false),
            ] {
                assert_eq!(area.contains(1.0, longitude), inside, "{longitude}");
                assert!(!inside || area.bounds().contains(1.0, longitude), "{longitude}");
            }
        }
        let bounds = Rectangle { west: 179.0, south: -2.0, east: -178.0, north: 2.0 };
        for area in [beyond, other_way] {
            let Rectangle { west, south, east, north } = area.bounds();
            assert!((west - 179.0).abs() < 1e-6 && (east + 178.0).abs() < 1e-6 && (south, north) == (-2.0, 2.0));
        }
        assert!(!bounds.contains(0.0, 0.0), "it does not go round the world");
        // One place has two longitudes.
        let east = Rectangle { west: 170.0, south: -2.0, east: 180.0, north: 2.0 };
        let west = Rectangle { west: -180.0, south: -2.0, east: -170.0, north: 2.0 };
        assert!(east.contains(0.0, -180.0) && west.contains(0.0, 180.0) && !east.contains(0.0, -179.9));
    }

    #[test]
    fn bands_change_nothing() {
        // A star with many corners, against the rule applied to all edges at once.
        let corners: Vec<[f64; 2]> = (0..500)
            .map(|n| {
                let angle = f64::from(n) / 500.0 * std::f64::consts::TAU;
                let radius = if n % 2 == 0 { 9.0 } else { 3.0 + f64::from(n % 7) };
                [radius * angle.cos(), radius * angle.sin()]
            })
            .collect();
        let ring: Vec<[f64; 2]> = corners.iter().chain(corners.first()).copied().collect();
        let star = area(&serde_json::json!({"type": "Polygon", "coordinates": [ring]}).to_string());
        for n in 0..10_000_u32 {
            let (x, y) = (f64::from(n % 100) / 5.0 - 9.9, f64::from(n / 100) / 5.0 - 9.93);
            let crossings = ring.windows(2).filter(|pair| {
                let ([x0, y0], [x1, y1]) = (pair[0], pair[1]);
                (y0 > y) != (y1 > y) && x < (x1 - x0) * (y - y0) / (y1 - y0) + x0
            });
            assert_eq!(star.contains(y, x), crossings.count() % 2 == 1, "{x} {y}");
        }
    }

    #[test]
    fn an_invalid_area_says_why() {
        for (text, says) in [
            ("", "not JSON"),
            ("7", "no geometry type"),
            (r#"{"type":"Point","coordinates":[1,2]}"#, "`Point`"),
            (r#"{"type":"Feature","geometry":null}"#, "no geometry type"),
            (r#"{"type":"Polygon","coordinates":[]}"#, "no ring"),
            (r#"{"type":"MultiPolygon","coordinates":[]}"#, "no polygon"),
            (r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1]]]}"#, "at least four"),
            (r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}"#, "same as the first"),
            (r#"{"type":"Polygon","coordinates":[[[361,0],[1,0],[1,1],[361,0]]]}"#, "[longitude, latitude]"),
            (r#"{"type":"Polygon","coordinates":[[[37,-122],[1,0],[1,1],[37,-122]]]}"#, "[longitude, latitude]"),
        ] {
            let error = Area::parse(text, 100).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(Area::parse(HOLED, 9).expect_err("too many").contains("more than 9"));
    }
}

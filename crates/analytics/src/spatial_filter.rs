//! Places to ask for: a circle, a cell, any area; each a test of an incident's point.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, create_udf};
use datafusion::prelude::{col, lit};
use lake_model::FINEST_RESOLUTION;
use lake_query::{CellBox, Rectangle};
use lake_segments::CellOverlap;

/// The Earth's mean radius, metres (IUGG).
const RADIUS: f64 = 6_371_008.8;
/// The margin of a box around a circle, degrees: far more than rounding, far less than a street.
const SLACK: f64 = 1e-6;

/// The greatest radius of a circle by which whole cells are judged, metres: a quarter of the way round the world.
const MAX_JUDGED_METRES: f64 = 10_000_000.0;

/// The cells of the finest resolution in a coarser one. They follow each other: an H3 index holds its parents' digits
/// before its own (<https://h3geo.org/docs/core-library/h3Indexing>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellRange {
    first: i64,
    last: i64,
}

impl CellRange {
    /// Creates the filter for the cells within `cell`; `None` if it is finer than any of the lake.
    pub fn of(cell: i64) -> Option<Self> {
        // Bits 52 to 55 hold the resolution, and 3 bits a digit follow, that of resolution 15 the lowest.
        let resolution = u8::try_from((cell >> 52) & 0xF).ok()?;
        if resolution > FINEST_RESOLUTION {
            return None;
        }
        let digits = |digit: i64| {
            let below = (resolution..FINEST_RESOLUTION).map(|finer| 3 * (14 - i64::from(finer)));
            below.fold((cell & !(0xF << 52)) | i64::from(FINEST_RESOLUTION) << 52, |index, shift| {
                (index & !(0b111 << shift)) | digit << shift
            })
        };
        Some(Self { first: digits(0), last: digits(6) })
    }

    /// Returns ranges with the same cells that do not overlap, in their order.
    pub(crate) fn merge(ranges: &[Self]) -> Vec<Self> {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut merged: Vec<Self> = Vec::new();
        for range in sorted {
            match merged.last_mut() {
                Some(last) if range.first <= last.last => last.last = last.last.max(range.last),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Returns whether one of the ranges, which are merged, contains a cell.
    pub(crate) fn any_contains(merged: &[Self], cell: i64) -> bool {
        let before = merged.partition_point(|range| range.first <= cell);
        before > 0 && cell <= merged[before - 1].last
    }

    /// Returns the test in a plan over `cell`; files and row groups outside are never read.
    pub fn to_condition(&self) -> Expr {
        col("cell").between(lit(self.first), lit(self.last))
    }
}

/// The points within a distance of a point; the edge belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// The radius.
    pub metres: f64,
}

impl Circle {
    /// Returns whether a point is inside: by great-circle distance (haversine) on a sphere.
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        self.distance(latitude, longitude) <= self.metres
    }

    /// Returns the distance of a point from the middle, metres.
    fn distance(&self, latitude: f64, longitude: f64) -> f64 {
        let (from, to) = (self.latitude.to_radians(), latitude.to_radians());
        let half = |angle: f64| (angle / 2.0).sin().powi(2);
        let h = half(to - from) + from.cos() * to.cos() * half((longitude - self.longitude).to_radians());
        2.0 * RADIUS * h.min(1.0).sqrt().asin()
    }

    /// Returns how much of a cell is inside.
    pub(crate) fn overlap(&self, cell: &CellBox) -> CellOverlap {
        if self.metres > MAX_JUDGED_METRES {
            return CellOverlap::Partial;
        }
        // Along a parallel and along a meridian, the ends are farthest, but for what is on the other side of the world.
        if cell.corners().into_iter().all(|(latitude, longitude)| self.contains(latitude, longitude)) {
            return CellOverlap::Inside;
        }
        let (latitude, longitude) = cell.center();
        let center = Self { latitude, longitude, metres: 0.0 };
        let radius = cell.corners().map(|(latitude, longitude)| center.distance(latitude, longitude));
        let radius = radius.into_iter().fold(0.0, f64::max);
        // One metre more, for rounding.
        let is_apart = self.distance(latitude, longitude) > self.metres + radius + 1.0;
        if is_apart { CellOverlap::Outside } else { CellOverlap::Partial }
    }

    /// Returns a box that contains the circle; around a pole it contains every longitude.
    pub fn bounds(&self) -> Rectangle {
        let reach = self.metres / RADIUS;
        let (south, north) = (self.latitude - reach.to_degrees(), self.latitude + reach.to_degrees());
        let sine = reach.sin() / self.latitude.to_radians().cos();
        let holds_pole = south <= -90.0 || north >= 90.0;
        let across = if holds_pole || sine >= 1.0 { 180.0 } else { sine.asin().to_degrees() + SLACK };
        let (west, east) = (self.longitude - across, self.longitude + across);
        Rectangle::from_bounds(west, east, south - SLACK, north + SLACK)
    }
}

/// Returns the test `contains(latitude, longitude)` in a plan over `latitude` and `longitude`.
pub(crate) fn point_in_plan(name: &str, contains: impl Fn(f64, f64) -> bool + Send + Sync + 'static) -> Expr {
    let run = move |arguments: &[ColumnarValue]| -> datafusion::error::Result<ColumnarValue> {
        let scalar = arguments.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let (latitudes, longitudes) =
            (arrays[0].as_primitive::<Float64Type>(), arrays[1].as_primitive::<Float64Type>());
        let inside: BooleanArray = latitudes
            .iter()
            .zip(longitudes)
            .map(|(latitude, longitude)| Some(contains(latitude?, longitude?)))
            .collect();
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&inside, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(inside)))
    };
    let inputs = vec![DataType::Float64, DataType::Float64];
    let test = create_udf(name, inputs, DataType::Boolean, Volatility::Immutable, Arc::new(run));
    test.call(vec![col("latitude"), col("longitude")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_within_a_cell_are_those_between_its_first_and_its_last() {
        use h3o::{LatLng, Resolution};
        for (latitude, longitude) in [(37.77, -122.42), (51.5, -0.1), (-33.9, 151.2)] {
            for resolution in [0, 4, 7, 9, 10] {
                let resolution = Resolution::try_from(resolution).expect("a resolution");
                let cell = LatLng::new(latitude, longitude).expect("a place").to_cell(resolution);
                let range = CellRange::of(i64::try_from(u64::from(cell)).expect("63 bits")).expect("a range");
                let finest = |cell: h3o::CellIndex| -> Vec<i64> {
                    cell.children(Resolution::Ten)
                        .map(|child| i64::try_from(u64::from(child)).expect("63 bits"))
                        .collect()
                };
                if resolution >= Resolution::Four {
                    let within = finest(cell);
                    assert_eq!((within.iter().min(), within.iter().max()), (Some(&range.first), Some(&range.last)));
                    let neighbors = cell.grid_disk::<Vec<_>>(1).into_iter().filter(|other| *other != cell);
                    assert!(neighbors.flat_map(finest).all(|other| other < range.first || other > range.last));
                } else {
                    let own = LatLng::new(latitude, longitude).expect("a place").to_cell(Resolution::Ten);
                    let own = i64::try_from(u64::from(own)).expect("63 bits");
                    assert!((range.first..=range.last).contains(&own));
                }
            }
        }
        assert_eq!(CellRange::of(0x08c2_a100_8944_09ff), None, "finer than the lake");
    }

    #[test]
    fn a_circle_reaches_as_far_as_its_metres() {
        // A degree of latitude is 111,195.08 m on this sphere.
        let circle = |metres| Circle { latitude: 37.0, longitude: -122.0, metres };
        assert!(circle(111_196.0).contains(38.0, -122.0));
        assert!(!circle(111_195.0).contains(38.0, -122.0));
        assert!(circle(1e-3).contains(37.0, -122.0));
        assert!(Circle { latitude: 0.0, longitude: 179.9, metres: 30_000.0 }.contains(0.0, -179.9));
    }

    #[test]
    fn the_box_around_a_circle_loses_nothing_of_it() {
        for (latitude, longitude) in
            [(37.77, -122.42), (0.0, 0.0), (-60.0, 179.99), (17.0, -179.99), (89.99, 10.0), (-90.0, 0.0)]
        {
            for metres in [1.0, 500.0, 50_000.0, 5_000_000.0, 25_000_000.0] {
                let circle = Circle { latitude, longitude, metres };
                let bounds = circle.bounds();
                for step in 0..4_000 {
                    let spread = (metres / RADIUS).to_degrees().min(90.0) * 1.2;
                    let at = |n: i32| f64::from(n) / 31.5 - 1.0;
                    let y = (latitude + spread * at(step / 64)).clamp(-90.0, 90.0);
                    let x = (longitude + spread * 2.0 * at(step % 64) + 180.0).rem_euclid(360.0) - 180.0;
                    assert!(bounds.contains(y, x) || !circle.contains(y, x), "{circle:?} {y} {x}");
                }
            }
        }
    }
}

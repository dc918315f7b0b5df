//! A box around a cell, by which most cells are wholly inside or outside an area.

use crate::geometry::outline::cell_corners;

/// What a box is wider than its cell on each side, in parts of its size. The edges of cells are arcs, and a point at an edge
/// is in either cell by rounding: both are far less.
const SLACK: f64 = 0.1;
/// Cells beyond are not judged by boxes, degrees: longitudes jump at the 180th meridian, and meet at the poles.
const MAX_LONGITUDE: f64 = 179.0;
const MAX_LATITUDE: f64 = 85.0;

/// A box that contains a cell, degrees. It touches neither the poles nor the 180th meridian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellBox {
    /// The westernmost longitude.
    pub west: f64,
    /// The least latitude.
    pub south: f64,
    /// The easternmost longitude.
    pub east: f64,
    /// The greatest latitude.
    pub north: f64,
}

impl CellBox {
    /// Returns the box of a cell; `None` of a number that is not a cell, or near a pole or the 180th meridian.
    pub fn new(cell: i64) -> Option<Self> {
        let corners = cell_corners(cell);
        let (longitude, latitude) = *corners.first()?;
        let (mut west, mut east, mut south, mut north) = (longitude, longitude, latitude, latitude);
        for (longitude, latitude) in corners {
            (west, east) = (west.min(longitude), east.max(longitude));
            (south, north) = (south.min(latitude), north.max(latitude));
        }
        let (across, up) = (SLACK * (east - west), SLACK * (north - south));
        let widened = Self { west: west - across, south: south - up, east: east + across, north: north + up };
        let is_plain = widened.west > -MAX_LONGITUDE && widened.east < MAX_LONGITUDE;
        (is_plain && widened.south > -MAX_LATITUDE && widened.north < MAX_LATITUDE).then_some(widened)
    }

    /// Returns the corners: latitude and longitude.
    pub fn corners(&self) -> [(f64, f64); 4] {
        [(self.south, self.west), (self.south, self.east), (self.north, self.west), (self.north, self.east)]
    }

    /// Returns the middle: latitude and longitude.
    pub fn center(&self) -> (f64, f64) {
        (f64::midpoint(self.south, self.north), f64::midpoint(self.west, self.east))
    }
}

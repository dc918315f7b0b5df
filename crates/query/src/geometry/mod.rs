//! Polygons in longitude and latitude: drawn areas, outlines of cells, and rings cut along lines.

pub(crate) mod area;
pub(crate) mod cell_box;
pub(crate) mod clip;
pub(crate) mod outline;

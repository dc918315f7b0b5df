//! The functions that this program adds to SQL.

pub(crate) mod duration_part;
pub(crate) mod h3;
pub(crate) mod point_in_polygon;

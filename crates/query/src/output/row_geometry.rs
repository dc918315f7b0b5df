//! The geometries of the rows of an answer.

use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::geometry::clip::Point;
use crate::geometry::outline::{cell_geojson, cell_outline};

/// The geometries of the rows of a batch: of their cells, or of their points.
pub(crate) enum RowGeometries<'b> {
    Cell(&'b Int64Array),
    Point(&'b Float64Array, &'b Float64Array),
    None,
}

impl<'b> RowGeometries<'b> {
    /// Returns the geometries of a batch: of `latitude` and `longitude` if it has them, or of `cell`.
    pub(crate) fn from_batch(batch: &'b RecordBatch) -> Self {
        let real = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Float64Type>();
        let cell = batch.column_by_name("cell").filter(|column| column.data_type() == &DataType::Int64);
        match (real("latitude"), real("longitude"), cell) {
            (Some(latitude), Some(longitude), _) => Self::Point(latitude, longitude),
            (_, _, Some(cell)) => Self::Cell(cell.as_primitive::<Int64Type>()),
            _ => Self::None,
        }
    }

    /// Returns the outline of a row's cell, as closed rings, or its point alone: longitude and latitude.
    pub(crate) fn outline(&self, row: usize) -> Option<Vec<Vec<Point>>> {
        let rings = match self {
            Self::Cell(cells) => cells.is_valid(row).then(|| cell_outline(cells.value(row)))?,
            Self::Point(latitude, longitude) => {
                vec![vec![(finite_value(longitude, row)?, finite_value(latitude, row)?)]]
            }
            Self::None => Vec::new(),
        };
        (!rings.is_empty()).then_some(rings)
    }

    /// Returns the geometry of a row as GeoJSON.
    pub(crate) fn geojson(&self, row: usize) -> Option<String> {
        match self {
            Self::Cell(cells) => cells.is_valid(row).then(|| cells.value(row)).and_then(cell_geojson),
            Self::Point(latitude, longitude) => {
                let (latitude, longitude) = (finite_value(latitude, row)?, finite_value(longitude, row)?);
                Some(format!(r#"{{"type":"Point","coordinates":[{longitude},{latitude}]}}"#))
            }
            Self::None => None,
        }
    }
}

/// Returns a coordinate; `None` if it is missing or not finite.
fn finite_value(values: &Float64Array, row: usize) -> Option<f64> {
    values.is_valid(row).then(|| values.value(row)).filter(|value| value.is_finite())
}

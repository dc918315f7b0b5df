//! Rows as features of a map: GeoJSON (RFC 7946).

use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::json::LineDelimitedWriter;
use arrow::json::writer::LineDelimited;
use lake_model::{Kind, Result, ResultExt};

use crate::geometry::clip::Point;
use crate::geometry::outline::{cell_geojson, cell_outline};
use crate::output::format::failed;

/// Writes a FeatureCollection, a feature a row.
pub(crate) struct FeatureWriter<W: Write> {
    output: W,
    features: usize,
}

impl<W: Write> FeatureWriter<W> {
    pub(crate) fn new(output: W) -> Self {
        Self { output, features: 0 }
    }

    /// Writes the rows of a batch, whose places are those of `batch` and whose properties the columns of `properties`.
    ///
    /// # Errors
    /// If a column has no form in JSON, or the output refuses it.
    pub(crate) fn write(&mut self, batch: &RecordBatch, properties: &RecordBatch) -> Result<()> {
        let properties = as_lines(properties)?;
        let place = Place::of(batch);
        let mut text = String::with_capacity(properties.len() + batch.num_rows() * 256);
        for (row, properties) in properties.lines().enumerate() {
            text.push_str(if self.features == 0 { r#"{"type":"FeatureCollection","features":["# } else { "," });
            let geometry = place.geometry(row).unwrap_or_else(|| "null".to_owned());
            text.push_str(&format!("\n{{\"type\":\"Feature\",\"geometry\":{geometry},\"properties\":{properties}}}"));
            self.features += 1;
        }
        self.output.write_all(text.as_bytes()).or_err(Kind::Unavailable, || "writing the answer")
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// If the output refuses it.
    pub(crate) fn finish(mut self) -> Result<()> {
        let end = if self.features == 0 { "{\"type\":\"FeatureCollection\",\"features\":[]}\n" } else { "\n]}\n" };
        let written = self.output.write_all(end.as_bytes()).and_then(|()| self.output.flush());
        written.or_err(Kind::Unavailable, || "writing the answer")
    }
}

/// The rows of a batch as an object a line.
fn as_lines(batch: &RecordBatch) -> Result<String> {
    let json = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer: LineDelimitedWriter<Vec<u8>> = json.build::<_, LineDelimited>(Vec::new());
    writer.write(batch).map_err(failed)?;
    writer.finish().map_err(failed)?;
    String::from_utf8(writer.into_inner()).or_err(Kind::Internal, || "rows as JSON")
}

/// Where the rows of a batch lie.
pub(crate) enum Place<'b> {
    Cell(&'b arrow::array::Int64Array),
    Point(&'b arrow::array::Float64Array, &'b arrow::array::Float64Array),
    Nowhere,
}

impl<'b> Place<'b> {
    pub(crate) fn of(batch: &'b RecordBatch) -> Self {
        let real = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Float64Type>();
        let cell = batch.column_by_name("cell").filter(|column| column.data_type() == &DataType::Int64);
        match (real("latitude"), real("longitude"), cell) {
            (Some(latitude), Some(longitude), _) => Self::Point(latitude, longitude),
            (_, _, Some(cell)) => Self::Cell(cell.as_primitive::<Int64Type>()),
            _ => Self::Nowhere,
        }
    }

    /// Returns the outline of a row's cell, as closed rings, or its point alone: longitude and latitude.
    pub(crate) fn outline(&self, row: usize) -> Option<Vec<Vec<Point>>> {
        let rings = match self {
            Self::Cell(cells) => cells.is_valid(row).then(|| cell_outline(cells.value(row)))?,
            Self::Point(latitude, longitude) => vec![vec![(finite(longitude, row)?, finite(latitude, row)?)]],
            Self::Nowhere => Vec::new(),
        };
        (!rings.is_empty()).then_some(rings)
    }

    fn geometry(&self, row: usize) -> Option<String> {
        match self {
            Self::Cell(cells) => cells.is_valid(row).then(|| cells.value(row)).and_then(cell_geojson),
            Self::Point(latitude, longitude) => {
                let (latitude, longitude) = (finite(latitude, row)?, finite(longitude, row)?);
                Some(format!(r#"{{"type":"Point","coordinates":[{longitude},{latitude}]}}"#))
            }
            Self::Nowhere => None,
        }
    }
}

/// A coordinate; `None` where there is none, or one that JSON has no number for.
fn finite(values: &arrow::array::Float64Array, row: usize) -> Option<f64> {
    values.is_valid(row).then(|| values.value(row)).filter(|value| value.is_finite())
}

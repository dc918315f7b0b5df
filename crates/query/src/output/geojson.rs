//! Rows as features of a map: GeoJSON (RFC 7946).

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::json::LineDelimitedWriter;
use arrow::json::writer::LineDelimited;
use lake_model::{Kind, Result, ResultExt};

use crate::output::row_geometry::RowGeometries;
use crate::output::write_error::write_error;

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
        let geometries = RowGeometries::from_batch(batch);
        let mut text = String::with_capacity(properties.len() + batch.num_rows() * 256);
        for (row, properties) in properties.lines().enumerate() {
            text.push_str(if self.features == 0 { r#"{"type":"FeatureCollection","features":["# } else { "," });
            let geometry = geometries.geojson(row).unwrap_or_else(|| "null".to_owned());
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

/// Returns the rows of a batch, one object per line.
fn as_lines(batch: &RecordBatch) -> Result<String> {
    let json = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer: LineDelimitedWriter<Vec<u8>> = json.build::<_, LineDelimited>(Vec::new());
    writer.write(batch).map_err(write_error)?;
    writer.finish().map_err(write_error)?;
    String::from_utf8(writer.into_inner()).or_err(Kind::Internal, || "rows as JSON")
}

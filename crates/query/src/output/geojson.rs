//! Rows as features of a map: GeoJSON (RFC 7946).

use std::io::Write;

use arrow::array::RecordBatch;
use lake_model::{Kind, Result, ResultExt};

use crate::output::json_rows::{JsonObjects, json_options};
use crate::output::output_columns::OutputColumns;
use crate::output::row_geometry::RowGeometries;

/// The bytes of a feature for which room is made; features may be longer.
const EXPECTED_FEATURE_BYTES: usize = 384;

/// Writes a FeatureCollection, a feature a row.
pub(crate) struct FeatureWriter<W: Write> {
    output: W,
    features: usize,
}

impl<W: Write> FeatureWriter<W> {
    pub(crate) fn new(output: W) -> Self {
        Self { output, features: 0 }
    }

    /// Writes the rows of a batch: their places, and the columns as properties.
    ///
    /// # Errors
    /// If a column has no form in JSON, or the output refuses it.
    pub(crate) fn write(&mut self, batch: &RecordBatch, columns: &OutputColumns) -> Result<()> {
        let options = json_options();
        let mut properties = JsonObjects::new(batch, columns, &options)?;
        let geometries = RowGeometries::from_batch(batch);
        let mut text = Vec::with_capacity(batch.num_rows() * EXPECTED_FEATURE_BYTES);
        for row in 0..batch.num_rows() {
            let begin: &[u8] = if self.features == 0 { br#"{"type":"FeatureCollection","features":["# } else { b"," };
            text.extend_from_slice(begin);
            text.extend_from_slice(b"\n{\"type\":\"Feature\",\"geometry\":");
            text.extend_from_slice(geometries.geojson(row).as_deref().unwrap_or("null").as_bytes());
            text.extend_from_slice(b",\"properties\":");
            properties.write_row(row, &mut text);
            text.push(b'}');
            self.features += 1;
        }
        self.output.write_all(&text).or_err(Kind::Unavailable, || "writing the answer")
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

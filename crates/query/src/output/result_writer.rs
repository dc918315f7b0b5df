//! Answers as text or bytes, batch by batch: memory does not grow with the answer.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::pretty::pretty_format_batches;
use lake_model::{Kind, Result, ResultExt, printable};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::output::format::{Format, WriterOptions};
use crate::output::geojson::FeatureWriter;
use crate::output::geoparquet::GeometryColumn;
use crate::output::json_rows::{Framing, JsonWriter};
use crate::output::output_columns::OutputColumns;
use crate::output::write_error::{parquet_error, write_error};

enum Sink<W: Write + Send> {
    Table(W, Vec<RecordBatch>),
    Json(JsonWriter<W>),
    Csv(arrow::csv::Writer<W>),
    Arrow(arrow::ipc::writer::StreamWriter<W>),
    Parquet(ArrowWriter<W>),
    GeoJson(FeatureWriter<W>),
}

/// Writes batches of one schema to `W`.
pub struct ResultWriter<W: Write + Send> {
    sink: Sink<W>,
    columns: OutputColumns,
    /// In Parquet, where rows have a place.
    geometry: Option<GeometryColumn>,
}

impl<W: Write + Send> std::fmt::Debug for ResultWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultWriter").finish_non_exhaustive()
    }
}

/// Rows that a Parquet answer holds before they are written.
const ROWS_PER_GROUP: usize = 1 << 16;

impl<W: Write + Send> ResultWriter<W> {
    /// Creates a writer of batches with `schema` to `output`.
    ///
    /// # Errors
    /// If the format cannot hold a column's type.
    pub fn new(format: Format, schema: &SchemaRef, output: W) -> Result<Self> {
        Self::with_options(format, schema, output, WriterOptions::default())
    }

    /// Creates a writer with these options.
    ///
    /// # Errors
    /// If the format cannot hold a column's type.
    pub fn with_options(format: Format, schema: &SchemaRef, output: W, options: WriterOptions) -> Result<Self> {
        let columns = OutputColumns::with_cells(format, schema, options.cells)?;
        let has_geometry = options.has_geometry && format == Format::Parquet;
        let geometry = if has_geometry { GeometryColumn::new(columns.schema()) } else { None };
        let schema = geometry.as_ref().map_or_else(|| columns.schema(), GeometryColumn::schema);
        let schema = Arc::clone(schema);
        let sink = match format {
            Format::Table => Sink::Table(output, Vec::new()),
            Format::Json => Sink::Json(JsonWriter::new(output, Framing::Array)),
            Format::Ndjson => Sink::Json(JsonWriter::new(output, Framing::Lines)),
            Format::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(output);
                writer.write(&RecordBatch::new_empty(Arc::clone(&schema))).map_err(write_error)?;
                Sink::Csv(writer)
            }
            Format::Arrow => {
                Sink::Arrow(arrow::ipc::writer::StreamWriter::try_new(output, &schema).map_err(write_error)?)
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
                    .build();
                let writer = ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties));
                let mut writer = writer.map_err(parquet_error)?;
                if let Some(geometry) = &geometry {
                    writer.append_key_value_metadata(geometry.metadata());
                }
                Sink::Parquet(writer)
            }
            Format::GeoJson => Sink::GeoJson(FeatureWriter::new(output)),
        };
        Ok(Self { sink, columns, geometry })
    }

    /// Writes one batch.
    ///
    /// # Errors
    /// If the output refuses it.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.columns.check(batch)?;
        match &mut self.sink {
            Sink::Json(writer) => writer.write(batch, &self.columns),
            Sink::GeoJson(writer) => writer.write(batch, &self.columns),
            Sink::Table(_, batches) => {
                batches.push(self.columns.convert(batch)?);
                Ok(())
            }
            Sink::Csv(writer) => writer.write(&self.columns.convert(batch)?).map_err(write_error),
            Sink::Arrow(writer) => writer.write(&self.columns.convert(batch)?).map_err(write_error),
            Sink::Parquet(writer) => {
                let mut rows = self.columns.convert(batch)?;
                if let Some(geometry) = &self.geometry {
                    rows = geometry.add_to(&rows)?;
                }
                writer.write(&rows).map_err(parquet_error)
            }
        }
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// If the output refuses it.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Table(mut output, batches) => {
                let batches = if batches.is_empty() {
                    vec![RecordBatch::new_empty(Arc::clone(self.columns.schema()))]
                } else {
                    batches
                };
                let text = pretty_format_batches(&batches).map_err(write_error)?.to_string();
                // A terminal executes a publisher's control characters.
                writeln!(output, "{}", printable(&text))
                    .and_then(|()| output.flush())
                    .or_err(Kind::Unavailable, || "writing the answer")
            }
            Sink::Json(writer) => writer.finish(),
            Sink::Csv(writer) => writer.into_inner().flush().or_err(Kind::Unavailable, || "writing the answer"),
            Sink::Arrow(writer) => {
                let mut output = writer.into_inner().map_err(write_error)?;
                output.flush().or_err(Kind::Unavailable, || "writing the answer")
            }
            Sink::Parquet(writer) => writer.close().map(drop).map_err(parquet_error),
            Sink::GeoJson(writer) => writer.finish(),
        }
    }
}

//! Answers as text or bytes, batch by batch: memory does not grow with the answer.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::pretty::pretty_format_batches;
use lake_model::{Error, Kind, Result, ResultExt, listed, nearest, printable};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::output::geojson::FeatureWriter;
use crate::output::geoparquet::Geometry;
use crate::output::output_columns::OutputColumns;

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for people.
    Table,
    /// One array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// Comma-separated, with a header.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
    /// A GeoJSON FeatureCollection: a feature a row, with the polygon of its `cell` or the point of its `latitude` and
    /// `longitude`, or without a place.
    GeoJson,
}

const NAMES: [(&str, Format); 7] = [
    ("table", Format::Table),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("csv", Format::Csv),
    ("arrow", Format::Arrow),
    ("parquet", Format::Parquet),
    ("geojson", Format::GeoJson),
];

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(NAMES.iter().find(|(_, format)| format == self).map_or("", |(name, _)| name))
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = || NAMES.iter().map(|(name, _)| *name);
        NAMES.iter().find(|(name, _)| *name == text).map(|(_, format)| *format).ok_or_else(|| {
            let near = nearest(text, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            Error::invalid(format!("`{text}` is no format; {near}it may be {}", listed(names())))
        })
    }
}

/// How the column `cell` is written where the format has no 64-bit integers: readers of JSON keep 53 bits of a number, and
/// spreadsheets 15 digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// As hexadecimal text in JSON and CSV.
    #[default]
    Text,
    /// As the number that tables hold.
    Number,
}

impl Cells {
    /// Their names.
    pub const NAMES: &'static [&'static str] = &["text", "number"];
}

impl std::str::FromStr for Cells {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "number" => Ok(Self::Number),
            _ => Err(Error::invalid(format!(
                "`{text}` is not a form of cells: expected {}",
                listed(Self::NAMES.iter().copied())
            ))),
        }
    }
}

/// What of an answer's form can be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterOptions {
    /// How cells are written.
    pub cells: Cells,
    /// Whether Parquet has a column `geometry` where rows have a place, and so is GeoParquet.
    pub has_geometry: bool,
}

enum Sink<W: Write + Send> {
    Table(W, Vec<RecordBatch>),
    Json(arrow::json::ArrayWriter<W>),
    Ndjson(arrow::json::LineDelimitedWriter<W>),
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
    geometry: Option<Geometry>,
}

impl<W: Write + Send> std::fmt::Debug for ResultWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultWriter").finish_non_exhaustive()
    }
}

/// Rows that a Parquet answer holds before they are written.
const ROWS_A_GROUP: usize = 1 << 16;

pub(crate) fn failed(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(text, source) => Error::new(Kind::Unavailable, text).with_source(source),
        ArrowError::ParquetError(text) => Error::invalid(format!("the answer cannot be written: {text}")),
        // What was written is the statement's own value.
        other => Error::invalid("the answer cannot be written in this format").with_source(other),
    }
}

fn failed_parquet(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => Error::new(Kind::Unavailable, "writing the answer").with_source(source),
        other => Error::invalid("the answer cannot be written as parquet").with_source(other),
    }
}

impl<W: Write + Send> ResultWriter<W> {
    /// A writer of batches with `schema` to `output`.
    ///
    /// # Errors
    /// If the format cannot hold a column's type.
    pub fn new(format: Format, schema: &SchemaRef, output: W) -> Result<Self> {
        Self::with_options(format, schema, output, WriterOptions::default())
    }

    /// A writer with these options.
    ///
    /// # Errors
    /// If the format cannot hold a column's type.
    pub fn with_options(format: Format, schema: &SchemaRef, output: W, options: WriterOptions) -> Result<Self> {
        let columns = OutputColumns::with_cells(format, schema, options.cells)?;
        let has_geometry = options.has_geometry && format == Format::Parquet;
        let geometry = if has_geometry { Geometry::new(columns.schema()) } else { None };
        let schema = geometry.as_ref().map_or_else(|| columns.schema(), Geometry::schema);
        let schema = Arc::clone(schema);
        let json = || arrow::json::WriterBuilder::new().with_explicit_nulls(true);
        let sink = match format {
            Format::Table => Sink::Table(output, Vec::new()),
            Format::Json => Sink::Json(json().build::<_, arrow::json::writer::JsonArray>(output)),
            Format::Ndjson => Sink::Ndjson(json().build::<_, arrow::json::writer::LineDelimited>(output)),
            Format::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(output);
                writer.write(&RecordBatch::new_empty(Arc::clone(&schema))).map_err(failed)?;
                Sink::Csv(writer)
            }
            Format::Arrow => Sink::Arrow(arrow::ipc::writer::StreamWriter::try_new(output, &schema).map_err(failed)?),
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(ROWS_A_GROUP))
                    .build();
                let writer = ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties));
                let mut writer = writer.map_err(failed_parquet)?;
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
        let mut rows = self.columns.convert(batch)?;
        if let Some(geometry) = &self.geometry {
            rows = geometry.add_to(&rows)?;
        }
        let rows = &rows;
        match &mut self.sink {
            Sink::Table(_, batches) => {
                batches.push(rows.clone());
                Ok(())
            }
            Sink::Json(writer) => writer.write(rows).map_err(failed),
            Sink::Ndjson(writer) => writer.write(rows).map_err(failed),
            Sink::Csv(writer) => writer.write(rows).map_err(failed),
            Sink::Arrow(writer) => writer.write(rows).map_err(failed),
            Sink::Parquet(writer) => writer.write(rows).map_err(failed_parquet),
            Sink::GeoJson(writer) => writer.write(batch, rows),
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
                let text = pretty_format_batches(&batches).map_err(failed)?.to_string();
                // A terminal does what a publisher's control characters say.
                writeln!(output, "{}", printable(&text))
                    .and_then(|()| output.flush())
                    .or_err(Kind::Unavailable, || "writing the answer")
            }
            Sink::Json(mut writer) => {
                writer.finish().map_err(failed)?;
                let mut output = writer.into_inner();
                writeln!(output).and_then(|()| output.flush()).or_err(Kind::Unavailable, || "writing the answer")
            }
            Sink::Ndjson(mut writer) => {
                writer.finish().map_err(failed)?;
                writer.into_inner().flush().or_err(Kind::Unavailable, || "writing the answer")
            }
            Sink::Csv(writer) => writer.into_inner().flush().or_err(Kind::Unavailable, || "writing the answer"),
            Sink::Arrow(writer) => {
                let mut output = writer.into_inner().map_err(failed)?;
                output.flush().or_err(Kind::Unavailable, || "writing the answer")
            }
            Sink::Parquet(writer) => writer.close().map(drop).map_err(failed_parquet),
            Sink::GeoJson(writer) => writer.finish(),
        }
    }
}

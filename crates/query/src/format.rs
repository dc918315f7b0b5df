//! Answers as text or bytes, batch by batch: memory does not grow with the answer.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use lake_model::{Error, Kind, Result, ResultExt, listed, nearest};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::features::FeatureWriter;
use crate::h3::cells_as_text;

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

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const NAMES: [(&str, Format); 7] = [
            ("table", Format::Table),
            ("json", Format::Json),
            ("ndjson", Format::Ndjson),
            ("csv", Format::Csv),
            ("arrow", Format::Arrow),
            ("parquet", Format::Parquet),
            ("geojson", Format::GeoJson),
        ];
        let names = || NAMES.iter().map(|(name, _)| *name);
        NAMES.iter().find(|(name, _)| *name == text).map(|(_, format)| *format).ok_or_else(|| {
            let near = nearest(text, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            Error::invalid(format!("`{text}` is no format; {near}it may be {}", listed(names())))
        })
    }
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
    schema: SchemaRef,
    text_cells: bool,
    flatten: bool,
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
        other => Error::new(Kind::Internal, "writing the answer").with_source(other),
    }
}

/// A `cell` is a signed 64-bit integer in tables; JSON readers keep only 53 bits, so there it is its hex text.
pub(crate) fn is_cell(field: &Field) -> bool {
    field.name() == "cell" && field.data_type() == &DataType::Int64
}

/// The schema whose chosen columns are text.
pub(crate) fn with_text(schema: &SchemaRef, chosen: impl Fn(&Field) -> bool) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        if chosen(field) { Arc::new(Field::new(field.name(), DataType::Utf8, true)) } else { Arc::clone(field) }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Nested values have no place in CSV but as text.
fn with_flat_columns(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = FormatOptions::default();
    let columns = batch.columns().iter().map(|column| -> Result<ArrayRef> {
        if !column.data_type().is_nested() {
            return Ok(Arc::clone(column));
        }
        let formatter = ArrayFormatter::try_new(column, &options).map_err(failed)?;
        let texts = (0..column.len()).map(|row| column.is_valid(row).then(|| formatter.value(row).to_string()));
        Ok(Arc::new(texts.collect::<StringArray>()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).or_err(Kind::Internal, || "nested columns as text")
}

pub(crate) fn with_text_cells(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let fields = batch.schema();
    let columns = fields.fields().iter().zip(batch.columns()).map(|(field, column)| {
        if is_cell(field) {
            Arc::new(cells_as_text(column.as_primitive::<Int64Type>())) as _
        } else {
            Arc::clone(column)
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).or_err(Kind::Internal, || "cells as text")
}

impl<W: Write + Send> ResultWriter<W> {
    /// A writer of batches with `schema` to `output`.
    ///
    /// # Errors
    /// If the format cannot hold a column's type.
    pub fn new(format: Format, schema: &SchemaRef, output: W) -> Result<Self> {
        let text_cells = matches!(format, Format::Json | Format::Ndjson) && schema.fields().iter().any(|f| is_cell(f));

        let flatten = format == Format::Csv && schema.fields().iter().any(|f| f.data_type().is_nested());
        let schema =
            with_text(schema, |field| text_cells && is_cell(field) || flatten && field.data_type().is_nested());
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
                Sink::Parquet(writer.or_err(Kind::Invalid, || "the answer as Parquet")?)
            }
            Format::GeoJson => Sink::GeoJson(FeatureWriter::new(output)),
        };
        Ok(Self { sink, schema, text_cells, flatten })
    }

    /// Writes one batch.
    ///
    /// # Errors
    /// If the output refuses it.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let converted;
        let batch = if self.text_cells {
            converted = with_text_cells(batch, &self.schema)?;
            &converted
        } else if self.flatten {
            converted = with_flat_columns(batch, &self.schema)?;
            &converted
        } else {
            batch
        };
        match &mut self.sink {
            Sink::Table(_, batches) => {
                batches.push(batch.clone());
                Ok(())
            }
            Sink::Json(writer) => writer.write(batch).map_err(failed),
            Sink::Ndjson(writer) => writer.write(batch).map_err(failed),
            Sink::Csv(writer) => writer.write(batch).map_err(failed),
            Sink::Arrow(writer) => writer.write(batch).map_err(failed),
            Sink::Parquet(writer) => writer.write(batch).or_err(Kind::Unavailable, || "writing the answer"),
            Sink::GeoJson(writer) => writer.write(batch),
        }
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// If the output refuses it.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Table(mut output, batches) => {
                let batches = if batches.is_empty() { vec![RecordBatch::new_empty(self.schema)] } else { batches };
                let text = pretty_format_batches(&batches).map_err(failed)?;
                writeln!(output, "{text}")
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
            Sink::Parquet(writer) => writer.close().map(drop).or_err(Kind::Unavailable, || "writing the answer"),
            Sink::GeoJson(writer) => writer.finish(),
        }
    }
}

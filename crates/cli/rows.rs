//! The rows of a query, written as they are made: to stdout, or to a file that appears once it is complete.

use std::fs::{File, Permissions};
use std::io::{BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Error, Kind, Result, ResultExt as _, listed};
use lake_query::{Cells, DataFrame, Format, ResultWriter, WriterOptions, cell_text, run_statement, statement_error};
use tempfile::NamedTempFile;

use crate::args::RowsOutput;
use crate::{output, terminal_table};

/// File extensions, and their formats.
const EXTENSIONS: [(&str, Format); 9] = [
    ("csv", Format::Csv),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("jsonl", Format::Ndjson),
    ("geojson", Format::GeoJson),
    ("arrow", Format::Arrow),
    ("arrows", Format::Arrow),
    ("parquet", Format::Parquet),
    ("txt", Format::Table),
];

/// Where rows go, and how they are written.
#[derive(Debug)]
pub(crate) struct Destination {
    format: Format,
    options: WriterOptions,
    file: Option<PathBuf>,
}

/// The batches of an answer, in which every error is ours.
type Batches = BoxStream<'static, Result<RecordBatch>>;

impl Destination {
    /// Chooses the format: the one named, else that of the file's extension, else a table.
    ///
    /// # Errors
    /// If a file's extension has no format and none is named.
    pub(crate) fn new(asked: &RowsOutput) -> Result<Self> {
        let file = asked.output.clone().filter(|path| path.as_os_str() != "-");
        let format = match (asked.format, &file) {
            (Some(format), _) => format,
            (None, Some(path)) => format_of(path)?,
            (None, None) => Format::Table,
        };
        let options = WriterOptions { cells: asked.cells.unwrap_or_default(), ..WriterOptions::default() };
        Ok(Self { format, options, file })
    }

    /// Writes the rows of a statement as they are made, and their number to stderr after a table.
    ///
    /// # Errors
    /// If the query fails, or its rows cannot be written.
    pub(crate) async fn write(self, frame: DataFrame, quiet: bool) -> Result<()> {
        let stream = run_statement(frame).await?;
        let schema = stream.schema();
        self.write_batches(&schema, stream.map_err(statement_error).boxed(), quiet).await
    }

    /// Writes the answer to a question as over HTTP: with text for cells also in a table, and a geometry in Parquet.
    ///
    /// # Errors
    /// If a plan fails, or the rows cannot be written.
    pub(crate) async fn write_answer(mut self, schema: &SchemaRef, batches: Batches, quiet: bool) -> Result<()> {
        self.options.has_geometry = true;
        if self.format == Format::Table && self.options.cells == Cells::Text {
            let batches = batches.and_then(|batch| futures::future::ready(with_cells_as_text(&batch)));
            let schema = with_cells_as_text(&RecordBatch::new_empty(Arc::clone(schema)))?.schema();
            return self.write_batches(&schema, batches.boxed(), quiet).await;
        }
        self.write_batches(schema, batches, quiet).await
    }

    async fn write_batches(self, schema: &SchemaRef, batches: Batches, quiet: bool) -> Result<()> {
        let (format, options) = (self.format, self.options);
        let rows = match &self.file {
            None if format == Format::Table && std::io::stdout().is_terminal() => {
                let batches: Vec<RecordBatch> = batches.try_collect().await?;
                output::print(&terminal_table::render(&batches, terminal_table::width())?)?;
                batches.iter().map(RecordBatch::num_rows).sum()
            }
            None => write_to(BufWriter::new(output::Stdout), schema, batches, format, options).await?,
            // A device or a pipe is written to as it is.
            Some(path) if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) => {
                let file = File::options().write(true).open(path).or_err(Kind::Invalid, || refused(path))?;
                write_to(BufWriter::new(file), schema, batches, format, options).await?
            }
            Some(path) => {
                let file = new_file(path)?;
                let rows = write_to(BufWriter::new(file.as_file()), schema, batches, format, options).await?;
                file.persist(path).or_err(Kind::Invalid, || refused(path))?;
                rows
            }
        };
        if format == Format::Table && !quiet {
            output::note(&counted(rows));
        }
        Ok(())
    }
}

/// Writes the rows of a statement as they are made, and returns their number.
///
/// # Errors
/// If the query fails, or its rows cannot be written.
pub(crate) async fn write_rows(
    frame: DataFrame,
    format: Format,
    cells: Cells,
    output: impl Write + Send,
) -> Result<usize> {
    let stream = run_statement(frame).await?;
    let schema = stream.schema();
    let options = WriterOptions { cells, ..WriterOptions::default() };
    write_to(output, &schema, stream.map_err(statement_error).boxed(), format, options).await
}

async fn write_to(
    output: impl Write + Send,
    schema: &SchemaRef,
    mut batches: Batches,
    format: Format,
    options: WriterOptions,
) -> Result<usize> {
    let mut writer = ResultWriter::with_options(format, schema, output, options)?;
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        rows += batch.num_rows();
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok(rows)
}

/// Returns a batch whose column `cell` is hexadecimal text.
fn with_cells_as_text(batch: &RecordBatch) -> Result<RecordBatch> {
    let Ok(at) = batch.schema().index_of("cell") else { return Ok(batch.clone()) };
    let Some(cells) = batch.column(at).as_primitive_opt::<Int64Type>() else { return Ok(batch.clone()) };
    let texts: ArrayRef = Arc::new(cells.iter().map(|cell| cell.map(cell_text)).collect::<StringArray>());
    let mut fields: Vec<FieldRef> = batch.schema().fields().iter().cloned().collect();
    fields[at] = Arc::new(Field::new("cell", DataType::Utf8, true));
    let mut columns = batch.columns().to_vec();
    columns[at] = texts;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).or_err(Kind::Internal, || "cells as text")
}

/// Formats a number of rows, for people.
pub(crate) fn counted(rows: usize) -> String {
    if rows == 1 { "(1 row)".to_owned() } else { format!("({rows} rows)") }
}

fn format_of(path: &Path) -> Result<Format> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let found = EXTENSIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
    found.map(|(_, format)| *format).ok_or_else(|| {
        Error::invalid(format!(
            "the format of {} is unknown: give --format, or an extension of {}",
            path.display(),
            listed(EXTENSIONS.iter().map(|(extension, _)| *extension))
        ))
    })
}

/// Creates a file in the directory of `path`, with the permissions of any new file, which is deleted unless it gets
/// that name.
fn new_file(path: &Path) -> Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hotspots-lake-").permissions(Permissions::from_mode(0o666));
    builder.tempfile_in(directory).or_err(Kind::Invalid, || refused(path))
}

fn refused(path: &Path) -> String {
    format!("{} cannot be written; choose another file for --output", path.display())
}

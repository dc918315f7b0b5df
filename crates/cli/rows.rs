//! The rows of a query, written as they are made: to stdout, or to a file that appears once it is complete.

use std::fs::{File, Permissions};
use std::io::{BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Error, Kind, Result, ResultExt as _, listed};
use lake_query::{Cells, DataFrame, Format, ResultWriter, WriterOptions, run_statement, statement_error};
use tempfile::NamedTempFile;

use crate::args::RowsOutput;
use crate::{output, terminal_table};

/// Extensions of files, and the formats they stand for.
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
    cells: Cells,
    file: Option<PathBuf>,
}

impl Destination {
    /// Chooses the format: the one named, else that of the file's extension, else a table.
    ///
    /// # Errors
    /// If a file's extension stands for no format and none is named.
    pub(crate) fn new(asked: &RowsOutput) -> Result<Self> {
        let file = asked.output.clone().filter(|path| path.as_os_str() != "-");
        let format = match (asked.format, &file) {
            (Some(format), _) => format,
            (None, Some(path)) => format_of(path)?,
            (None, None) => Format::Table,
        };
        Ok(Self { format, cells: asked.cells.unwrap_or_default(), file })
    }

    /// Writes the rows of a plan as they are made, and says on stderr how many a table has.
    ///
    /// # Errors
    /// If the query fails, or its rows cannot be written.
    pub(crate) async fn write(self, frame: DataFrame, quiet: bool) -> Result<()> {
        let rows = match &self.file {
            None if self.format == Format::Table && std::io::stdout().is_terminal() => {
                let rows = run_statement(frame).await?.try_collect::<Vec<_>>();
                let batches = rows.await.map_err(statement_error)?;
                output::print(&terminal_table::render(&batches, terminal_table::width())?)?;
                batches.iter().map(|batch| batch.num_rows()).sum()
            }
            None => write_rows(frame, self.format, self.cells, BufWriter::new(output::Stdout)).await?,
            // A device or a pipe is written to as it is.
            Some(path) if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) => {
                let file = File::options().write(true).open(path).or_err(Kind::Invalid, || refused(path))?;
                write_rows(frame, self.format, self.cells, BufWriter::new(file)).await?
            }
            Some(path) => {
                let file = new_file(path)?;
                let rows = write_rows(frame, self.format, self.cells, BufWriter::new(file.as_file())).await?;
                file.persist(path).or_err(Kind::Invalid, || refused(path))?;
                rows
            }
        };
        if self.format == Format::Table && !quiet {
            output::note(&counted(rows));
        }
        Ok(())
    }
}

/// Writes the rows of a plan as they are made; how many there were.
///
/// # Errors
/// If the query fails, or its rows cannot be written.
pub(crate) async fn write_rows(
    frame: DataFrame,
    format: Format,
    cells: Cells,
    output: impl Write + Send,
) -> Result<usize> {
    let mut stream = run_statement(frame).await?;
    let options = WriterOptions { cells, ..WriterOptions::default() };
    let mut writer = ResultWriter::with_options(format, &stream.schema(), output, options)?;
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(statement_error)?;
        rows += batch.num_rows();
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok(rows)
}

/// A number of rows, for people.
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

/// A file in the directory of `path`, with the permissions of any new file, which vanishes unless it gets that name.
fn new_file(path: &Path) -> Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hotspots-lake-").permissions(Permissions::from_mode(0o666));
    builder.tempfile_in(directory).or_err(Kind::Invalid, || refused(path))
}

fn refused(path: &Path) -> String {
    format!("{} cannot be written; choose another file for --output", path.display())
}

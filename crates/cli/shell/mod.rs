//! The interactive shell of `sql`: statements that end with `;`, each over the newest snapshot of the lake.

mod completer;
pub(crate) mod statements;

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt as _};
use lake_query::{Cells, DataFrame, Format, LakeSnapshot, Reader, TimeTravel, run_statement, statement_error};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use self::completer::WordCompleter;
use crate::rows::{counted, write_rows};
use crate::{output, terminal_table};

const HELP: &str = "\
  SELECT ... ;      run a query; it may have several lines and ends with ;
  \\d                list the tables
  \\d TABLE          list the columns of a table
  \\format FORMAT    write rows as table, json, ndjson, csv or geojson
  \\q                quit (also ^D); ^C clears the line, or stops the query";

/// Rows that a table on the screen has at most.
const MAX_ROWS: usize = 1_000;
/// Statements that are remembered.
const MAX_HISTORY: usize = 1_000;

/// The message for every statement that the command line rejects.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The time or the versions that every statement reads; the newest if none.
    pub(crate) time_travel: Option<TimeTravel>,
    /// How cells are written in JSON and CSV.
    pub(crate) cells: Cells,
    /// Whether warnings are left out.
    pub(crate) is_quiet: bool,
}

/// The shell over one lake.
struct Shell<'a> {
    reader: &'a Reader,
    settings: Settings,
    format: Format,
}

/// Reads and answers statements until the end of the input.
///
/// # Errors
/// If the lake cannot be read, or the terminal fails.
pub(crate) async fn run(reader: &Reader, settings: Settings) -> Result<()> {
    let mut shell = Shell { reader, settings, format: Format::Table };
    let config = Config::builder().auto_add_history(true).completion_type(CompletionType::List);
    let config = config.max_history_size(MAX_HISTORY).map(|config| config.build());
    let config = config.or_err(Kind::Internal, || "the settings of the shell")?;
    let mut editor: Editor<WordCompleter, FileHistory> =
        Editor::with_config(config).or_err(Kind::Internal, || "the terminal")?;
    let snapshot = shell.open_snapshot().await?;
    let session = reader.sql_session(&snapshot).await?;
    editor.set_helper(Some(WordCompleter::new(&session).await?));
    let history = history_file();
    if let Some(path) = &history {
        // There is none the first time.
        let _ = editor.load_history(path);
    }
    output::note("\\? lists the commands, \\q quits. A statement ends with ;");
    loop {
        match tokio::task::block_in_place(|| editor.readline("hotspots-lake> ")) {
            Ok(line) if ["\\q", "quit", "exit"].contains(&line.trim().trim_end_matches(';')) => break,
            Ok(line) => shell.answer(&line).await,
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Error::internal("reading the terminal").with_source(error)),
        }
    }
    if let Some(path) = &history {
        // A history that cannot be kept is not a reason to fail.
        let _ = path.parent().map(std::fs::create_dir_all);
        let _ = editor.save_history(path);
    }
    Ok(())
}

impl Shell<'_> {
    async fn open_snapshot(&self) -> Result<Arc<LakeSnapshot>> {
        match &self.settings.time_travel {
            Some(time_travel) => self.reader.open_past(time_travel).await,
            None => self.reader.open_newest().await,
        }
    }

    /// Answers a statement; an error is printed, and the shell continues.
    async fn answer(&mut self, line: &str) {
        let line = line.trim();
        let answered = match line.strip_prefix('\\') {
            Some(command) => self.command(command).await,
            None => self.statements(line).await,
        };
        if let Err(error) = answered {
            output::note(&format!("error: {error}"));
        }
    }

    async fn command(&mut self, command: &str) -> Result<()> {
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (name, argument.trim()) {
            ("?" | "h" | "help", _) => {
                output::note(HELP);
                Ok(())
            }
            ("d", "") => {
                let tables = "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables \
                              WHERE table_schema <> 'information_schema' ORDER BY 1, 2";
                self.statement(tables).await
            }
            ("d", table) => self.statement(&format!("DESCRIBE {table}")).await,
            ("format", format) => {
                self.format = Format::from_str(format)?;
                Ok(())
            }
            _ => Err(Error::invalid(format!("`\\{name}` is not a command of the shell; \\? lists them"))),
        }
    }

    async fn statements(&self, text: &str) -> Result<()> {
        let (ended, rest) = statements::split(text);
        for statement in ended.into_iter().chain([rest]).filter(|statement| !statement.trim().is_empty()) {
            self.statement(statement).await?;
        }
        Ok(())
    }

    async fn statement(&self, statement: &str) -> Result<()> {
        tokio::select! {
            answered = self.rows(statement) => answered,
            stopped = tokio::signal::ctrl_c() => {
                stopped.or_err(Kind::Internal, || "listening to ^C")?;
                output::note("stopped");
                Ok(())
            }
        }
    }

    async fn rows(&self, statement: &str) -> Result<()> {
        let start = Instant::now();
        let snapshot = self.open_snapshot().await?;
        output::warn_of_inexact(&snapshot, self.settings.is_quiet);
        let frame = self.reader.sql_session(&snapshot).await?.sql(statement).await?;
        let mut bytes = Vec::new();
        let count = if self.format == Format::Table {
            let (batches, more) = self.first_rows(frame).await?;
            output::print(&terminal_table::render(&batches, terminal_table::width())?)?;
            let rows = batches.iter().map(|batch| batch.num_rows()).sum();
            let more = if more { "the first of more; add a LIMIT, or write all to a file with -o FILE" } else { "" };
            format!("{} {more}", counted(rows))
        } else {
            let rows = write_rows(frame, self.format, self.settings.cells, &mut bytes).await?;
            output::print(&String::from_utf8_lossy(&bytes))?;
            counted(rows)
        };
        output::note(&format!("{} {} ms", count.trim_end(), start.elapsed().as_millis()));
        Ok(())
    }

    /// Returns the rows that fit the screen, and whether there are more.
    async fn first_rows(&self, frame: DataFrame) -> Result<(Vec<RecordBatch>, bool)> {
        let mut stream = run_statement(frame).await?;
        let (mut batches, mut room) = (vec![RecordBatch::new_empty(stream.schema())], MAX_ROWS);
        while let Some(batch) = stream.try_next().await.map_err(statement_error)? {
            if batch.num_rows() > room {
                batches.push(batch.slice(0, room));
                return Ok((batches, true));
            }
            room -= batch.num_rows();
            batches.push(batch);
        }
        Ok((batches, false))
    }
}

/// Returns the path of the history file: in the user's state directory, if there is one.
fn history_file() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = from("XDG_STATE_HOME").or_else(|| Some(from("HOME")?.join(".local").join("state")))?;
    Some(state.join("hotspots-lake").join("sql_history"))
}

//! Data on stdout, everything else on stderr.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::SecondsFormat;
use clap::ValueEnum;
use lake_model::{Error, Kind, Result, printable};
use lake_query::LakeSnapshot;
use serde_json::{Value, json};

use crate::logging::{LogFormat, escape_controls, log_format};

/// How a listing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listing {
    /// For people
    Table,
    /// For programs: an array of objects
    Json,
}

/// Whether the reader of stdout went away. Libraries keep no more than the text of such an error, so it is known here.
static READER_LEFT: AtomicBool = AtomicBool::new(false);

/// Where data goes.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        note_broken_pipe(std::io::stdout().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        note_broken_pipe(std::io::stdout().flush())
    }
}

fn note_broken_pipe<T>(written: std::io::Result<T>) -> std::io::Result<T> {
    written.inspect_err(|error| {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            READER_LEFT.store(true, Ordering::Relaxed);
        }
    })
}

/// Says what went wrong and gives the exit code of its kind. A reader of stdout that went away is not an error.
pub(crate) fn fail(error: &Error) -> ExitCode {
    if READER_LEFT.load(Ordering::Relaxed) {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(report(error))
}

/// Reports an error, once, and returns its exit code, for a command that continues and returns the code at its end.
pub(crate) fn report(error: &Error) -> u8 {
    write_line("ERROR", &format!("error: {error}"));
    if error.kind() == Kind::Internal {
        write_line("ERROR", "This is a bug; please report it with the command and this text.");
    }
    if error.kind() == Kind::Unavailable && error.is_permission_denied() {
        write_line(
            "ERROR",
            "the system denies access: run the program as a user with access, or name another location",
        );
    }
    error.exit_code()
}

/// Says on stderr why an answer of this reading is not exact.
pub(crate) fn warn_of_inexact(snapshot: &LakeSnapshot, quiet: bool) {
    if !quiet {
        for inexact in snapshot.describe_inexact() {
            note(&format!("warning: {inexact}"));
        }
    }
}

/// Writes a line to stderr, for people.
pub(crate) fn note(text: &str) {
    write_line("INFO", text);
}

/// Writes a line to stderr in the format of log lines, so that a program that parses the log can parse it.
fn write_line(level: &str, text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = match log_format() {
        LogFormat::Json => {
            let time = lake_model::now().to_rfc3339_opts(SecondsFormat::Micros, true);
            let line = json!({"timestamp": time, "level": level, "message": text}).to_string();
            writeln!(stderr, "{}", escape_controls(&line, false))
        }
        LogFormat::Text => {
            // A line of the text can be that of a file with its mistake; none looks like a line of its own.
            let lines = text.lines().map(|line| escape_controls(line, false));
            writeln!(stderr, "{}", lines.collect::<Vec<_>>().join("\n  "))
        }
    };
}

/// Writes text to stdout.
pub(crate) fn print(text: &str) -> Result<()> {
    let written = Stdout.write_all(text.as_bytes()).and_then(|()| Stdout.flush());
    written.map_err(|e| Error::new(Kind::Unavailable, "writing to stdout").with_source(e))
}

/// Writes rows of equal members as a table or an array of objects.
pub(crate) fn print_rows(rows: &[Value], listing: Listing) -> Result<()> {
    if listing == Listing::Json {
        let text =
            serde_json::to_string_pretty(rows).map_err(|e| Error::internal("a listing as JSON").with_source(e))?;
        return print(&format!("{text}\n"));
    }
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text).replace('\n', "\\n"),
        other => other.to_string(),
    };
    let Some(Value::Object(first)) = rows.first() else { return Ok(()) };
    let names: Vec<&String> = first.keys().collect();
    let mut table: Vec<Vec<String>> = vec![names.iter().map(|n| n.replace('_', " ")).collect()];
    table.extend(rows.iter().map(|row| names.iter().map(|n| cell(&row[n.as_str()])).collect::<Vec<String>>()));
    let widths: Vec<usize> =
        (0..names.len()).map(|n| table.iter().map(|row| row[n].chars().count()).max().unwrap_or(0)).collect();
    let numeric: Vec<bool> = names
        .iter()
        .map(|n| {
            let mut values = rows.iter().map(|row| &row[n.as_str()]).filter(|value| !value.is_null()).peekable();
            values.peek().is_some() && values.all(Value::is_number)
        })
        .collect();
    let mut text = String::new();
    for row in table {
        let cells = row.iter().enumerate().map(|(n, value)| {
            if numeric[n] { format!("{value:>w$}", w = widths[n]) } else { format!("{value:<w$}", w = widths[n]) }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    print(&text)
}

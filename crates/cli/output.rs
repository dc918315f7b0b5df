//! Data on stdout, everything else on stderr.

use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::SecondsFormat;
use lake_model::{Error, Kind, Result, printable};
use lake_query::LakeSnapshot;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Listing, LogFormat};

/// How lines on stderr are written, once that is known.
static LOG_FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Log lines go to stderr: quiet beside progress bars, one line a step otherwise.
pub(crate) fn start_logging(args: &Args) {
    let terminal = std::io::stderr().is_terminal();
    let own = match (args.global.quiet, args.global.verbose) {
        (true, _) => "error",
        (false, 0) if terminal => "warn",
        (false, 0) => "info",
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let ours = [
        "hotspots_lake",
        "lake_model",
        "lake_store",
        "lake_portal",
        "lake_query",
        "lake_ingest",
        "lake_compact",
        "lake_maintenance",
        "lake_analytics",
        "lake_serve",
        "lake_soda_sim",
    ];
    let directives: Vec<String> = ours.iter().map(|name| format!("{name}={own}")).collect();
    // The readers of logs tell each error at each of their levels, and return it: it is said once, by whoever asked.
    let default = || EnvFilter::new(format!("error,buoyant_kernel=off,deltalake_core=off,{}", directives.join(",")));
    // A variable without a value is as good as none.
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|filter| !filter.trim().is_empty());
    let filter = asked.and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(default);
    let filter = match "access=info".parse() {
        Ok(access) if args.access_log() || args.global.verbose > 0 => filter.add_directive(access),
        _ => filter,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || LogLine { has_colors: terminal })
        .with_ansi(terminal);
    // It would tell a line that cannot be written to stderr, where it cannot be told either, and panic.
    let lines = lines.log_internal_errors(false);
    // Threads that panic are lines of the log like others, in its format.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = std::backtrace::Backtrace::capture();
        let cause = panic.payload_as_str().unwrap_or("unknown");
        match backtrace.status() {
            std::backtrace::BacktraceStatus::Captured => tracing::error!(place, cause, %backtrace, "a thread failed"),
            _ => tracing::error!(place, cause, "a thread failed"),
        }
    }));
    // A second subscriber can only be there in a program that embeds this one, which then logs itself.
    let _ = match *LOG_FORMAT.get_or_init(|| args.global.log_format) {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    };
}

/// The log of a worker goes to its server, as lines of text.
pub(crate) fn start_worker_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogLine { has_colors: false })
        .with_ansi(false);
    let _ = lines.without_time().log_internal_errors(false).try_init();
}

/// Writes a log line to stderr as one line, whatever its texts hold.
struct LogLine {
    /// Whether escape sequences are the subscriber's own, which leaves none of others.
    has_colors: bool,
}

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = escape_controls(text.strip_suffix('\n').unwrap_or(&text), self.has_colors);
        writeln!(std::io::stderr().lock(), "{line}")?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Returns a text whose control characters are written as in JSON: those that move the cursor, begin an escape sequence
/// or a line, or turn the direction of the text. `keeps_escapes` leaves the escape character.
fn escape_controls(text: &str, keeps_escapes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{1b}' if keeps_escapes => escaped.push(letter),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(letter)))
            }
            _ if letter.is_control() => escaped.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Whether the reader of stdout went away. Libraries keep no more than the text of such an error, so it is known here.
static READER_LEFT: AtomicBool = AtomicBool::new(false);

/// Where data goes.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        noticing(std::io::stdout().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        noticing(std::io::stdout().flush())
    }
}

fn noticing<T>(written: std::io::Result<T>) -> std::io::Result<T> {
    written.inspect_err(|error| {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            READER_LEFT.store(true, Ordering::Relaxed);
        }
    })
}

/// Says what went wrong and gives the exit code of its kind. A reader of stdout that went away is no error.
pub(crate) fn fail(error: &Error) -> ExitCode {
    if READER_LEFT.load(Ordering::Relaxed) {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(report(error))
}

/// Says what went wrong; its exit code, for a command that goes on and returns it at its end: it is said once.
pub(crate) fn report(error: &Error) -> u8 {
    say("ERROR", &format!("error: {error}"));
    if error.kind() == Kind::Internal {
        say("ERROR", "This is a bug; please report it with the command and this text.");
    }
    if error.kind() == Kind::Unavailable && error.is_permission_denied() {
        say(
            "ERROR",
            "The system refuses access: run it as a user who may read and write there, or name another place.",
        );
    }
    error.exit_code()
}

/// Says on stderr why an answer of this reading is not exact.
pub(crate) fn warn_of_inexact(view: &LakeSnapshot, quiet: bool) {
    if !quiet {
        for inexact in view.describe_inexact() {
            note(&format!("warning: {inexact}"));
        }
    }
}

/// Writes a line to stderr, for people.
pub(crate) fn note(text: &str) {
    say("INFO", text);
}

/// Writes a line to stderr in the form of log lines: who reads them with a program reads nothing else there.
fn say(level: &str, text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = match LOG_FORMAT.get() {
        Some(LogFormat::Json) => {
            let time = lake_model::now().to_rfc3339_opts(SecondsFormat::Micros, true);
            let line = json!({"timestamp": time, "level": level, "message": text}).to_string();
            writeln!(stderr, "{}", escape_controls(&line, false))
        }
        Some(LogFormat::Text) | None => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_as_in_json() {
        let text = "a\u{1b}[31m\r\nb\tc\u{7f}\u{9b}\u{202e}\u{0}\u{e9}";
        let escaped = escape_controls(text, false);
        assert_eq!(escaped, "a\\u001b[31m\\r\\nb\\tc\\u007f\\u009b\\u202e\\u0000\u{e9}");
        assert_eq!(serde_json::from_str::<String>(&format!("\"{escaped}\"")).expect("JSON"), text);
        assert_eq!(escape_controls("\u{1b}[2mx\n", true), "\u{1b}[2mx\\n");
    }
}

//! Log lines on stderr.

use std::io::{IsTerminal as _, Write};
use std::sync::OnceLock;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// For programs: an object a line
    Json,
}

/// The format of lines on stderr, once it is known.
static LOG_FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Returns the format of lines on stderr.
pub(crate) fn log_format() -> LogFormat {
    LOG_FORMAT.get().copied().unwrap_or(LogFormat::Text)
}

/// The log levels and the log format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogOptions {
    pub(crate) is_quiet: bool,
    /// How often `--verbose` is given.
    pub(crate) verbosity: u8,
    pub(crate) format: LogFormat,
    /// Whether every request of the server is logged.
    pub(crate) has_access_log: bool,
}

/// Starts logging to stderr: few lines next to progress bars, a line for each step otherwise.
pub(crate) fn start_logging(options: LogOptions) {
    let terminal = std::io::stderr().is_terminal();
    let own = match (options.is_quiet, options.verbosity) {
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
    // The library that reads logs reports each error at each of its levels, and returns it: it is logged once, by the
    // caller.
    let default = || EnvFilter::new(format!("error,buoyant_kernel=off,deltalake_core=off,{}", directives.join(",")));
    // An empty variable counts as unset.
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|filter| !filter.trim().is_empty());
    let filter = asked.and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(default);
    let filter = match "access=info".parse() {
        Ok(access) if options.has_access_log || options.verbosity > 0 => filter.add_directive(access),
        _ => filter,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || LogLine { has_colors: terminal })
        .with_ansi(terminal);
    // It would report a line that cannot be written to stderr on stderr, and panic.
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
    let _ = match *LOG_FORMAT.get_or_init(|| options.format) {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    };
}

/// Starts logging of a worker: lines of text, which its server reads.
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
pub(crate) fn escape_controls(text: &str, keeps_escapes: bool) -> String {
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

//! The words that the shell completes: keywords, tables, columns and functions.

use arrow::array::AsArray as _;
use lake_model::Result;
use lake_query::{Session, engine_error};
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::statements;

/// Frequent keywords of statements.
const KEYWORDS: [&str; 40] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COUNT",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FILTER",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NULL",
    "ORDER",
    "OVER",
    "PARTITION",
    "SELECT",
    "SHOW",
    "UNION",
    "USING",
    "WHERE",
    "WITH",
];

/// The tables with their columns, as SQL names them.
const NAMES: &str = "SELECT CASE WHEN table_schema = 'main' THEN table_name ELSE table_schema || '.' || table_name END, \
                     column_name FROM information_schema.columns WHERE table_schema <> 'information_schema'";

/// The words, sorted.
pub(super) struct WordCompleter(Vec<String>);

impl WordCompleter {
    /// Collects the words of a session.
    ///
    /// # Errors
    /// If its tables cannot be listed.
    pub(super) async fn new(session: &Session) -> Result<Self> {
        let mut words: Vec<String> = KEYWORDS.iter().map(|word| (*word).to_owned()).collect();
        let rows = session.context().sql(NAMES).await.map_err(engine_error)?.collect().await.map_err(engine_error)?;
        for column in rows.iter().flat_map(|batch| batch.columns()) {
            words.extend(column.as_string_opt::<i32>().into_iter().flatten().flatten().map(str::to_owned));
        }
        let state = session.context().state();
        words.extend(state.scalar_functions().keys().chain(state.aggregate_functions().keys()).cloned());
        words.extend(state.window_functions().keys().cloned());
        words.sort();
        words.dedup();
        Ok(Self(words))
    }
}

impl Completer for WordCompleter {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..at).unwrap_or(line);
        let start = before.rfind(|c: char| !c.is_alphanumeric() && !['_', '.', '"'].contains(&c));
        let start = start.map_or(0, |place| place + before[place..].chars().next().map_or(1, char::len_utf8));
        let word = before[start..].to_lowercase();
        if word.is_empty() {
            return Ok((at, Vec::new()));
        }
        let found = self.0.iter().filter(|candidate| candidate.to_lowercase().starts_with(&word));
        Ok((start, found.cloned().collect()))
    }
}

impl Validator for WordCompleter {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let (_, rest) = statements::split(text);
        let is_complete = text.starts_with('\\') || rest.trim().is_empty();
        Ok(if is_complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for WordCompleter {
    type Hint = String;
}

impl Highlighter for WordCompleter {}

impl Helper for WordCompleter {}

//! The SQL of `queries/`, embedded, with `{name}` places to fill.

use include_dir::{Dir, include_dir};
use lake_model::{Error, Result};

pub(crate) static QUERIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../queries");

/// The text of `queries/<name>.sql`.
///
/// # Errors
/// If there is no such file.
pub fn template(name: &str) -> Result<&'static str> {
    QUERIES
        .get_file(format!("{name}.sql"))
        .and_then(|file| file.contents_utf8())
        .ok_or_else(|| Error::internal(format!("there is no query `{name}` in queries/")))
}

/// Fills `{name}` places of a template. What is filled in is our own SQL, never a user's text.
///
/// # Errors
/// If a place stays empty.
pub fn fill(template: &str, values: &[(&str, &str)]) -> Result<String> {
    let mut text: String =
        template.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    match text.find('{') {
        None => Ok(text),
        Some(at) => {
            let place: String = text.chars().skip(text[..at].chars().count()).take(30).collect();
            Err(Error::internal(format!("a query has an unfilled place at `{place}`")))
        }
    }
}

/// A text as an SQL string literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

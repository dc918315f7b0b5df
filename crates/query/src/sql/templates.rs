//! Filling the `{name}` placeholders of the program's own SQL, and literals in it.

use lake_model::{Error, Result};

/// The partition of a row by its time of occurrence: the value of `{year}` in every template.
const YEAR: &str = "CAST(date_part('year', occurred_at) AS INT)";

/// Returns the SQL of a template with its `{name}` placeholders filled. The values are the program's own SQL, never a
/// user's text; `{year}` is always the year of `occurred_at`.
///
/// # Errors
/// If a placeholder has no value.
pub fn fill(template: &str, values: &[(&str, &str)]) -> Result<String> {
    let mut text: String =
        template.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    for (name, value) in values.iter().chain(&[("year", YEAR)]) {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    match text.find('{') {
        None => Ok(text),
        Some(at) => {
            let placeholder: String = text.chars().skip(text[..at].chars().count()).take(30).collect();
            Err(Error::internal(format!("a query has an unfilled placeholder at `{placeholder}`")))
        }
    }
}

/// Returns a text as an SQL string literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

//! Rows as a table that fits the terminal: long cells are wrapped, and where there are more columns than fit side by side
//! each row becomes a block of lines.

use std::fmt::Write as _;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{ContentArrangement, Table};
use lake_model::{Error, Result};
use lake_query::with_unique_names;

/// Columns of a terminal that does not report its width.
const DEFAULT_WIDTH: u16 = 80;
/// Columns of the terminal that a column of a table needs at least, its borders included.
const MIN_COLUMN_WIDTH: usize = 9;

/// Returns the width of the terminal that stdout is, in columns.
pub(crate) fn width() -> u16 {
    terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| width.0.max(20))
}

/// Returns the batches, which have one schema, as text of at most `width` columns.
///
/// # Errors
/// If a value cannot be written as text.
pub(crate) fn render(batches: &[RecordBatch], width: u16) -> Result<String> {
    let Some(first) = batches.first() else { return Ok(String::new()) };
    let schema = with_unique_names(&first.schema());
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend(texts(batch)?);
    }
    if names.len() * MIN_COLUMN_WIDTH > usize::from(width) {
        return Ok(blocks(&names, &rows));
    }
    let mut table = Table::new();
    table.load_preset("||--+-++|    ++++++").set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(&names);
    rows.into_iter().for_each(|row| {
        table.add_row(row);
    });
    Ok(format!("{table}\n"))
}

/// Returns the cells of a batch, row by row; null is empty.
fn texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>> {
    let options = FormatOptions::default();
    let formatters = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let failed = |error| Error::internal("a value as text").with_source(error);
    let formatters = formatters.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    let row = |row| formatters.iter().map(|cells| printable(&cells.value(row).to_string())).collect();
    Ok((0..batch.num_rows()).map(row).collect())
}

/// Escapes control characters: a publisher's text cannot control the terminal.
fn printable(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, c| {
        if c.is_control() && c != '\n' && c != '\t' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Formats a block of lines for each row: a name and its value on each line.
fn blocks(names: &[String], rows: &[Vec<String>]) -> String {
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let _ = writeln!(text, "-- row {}", number + 1);
        for (name, value) in names.iter().zip(row) {
            let _ = writeln!(text, "{name:<longest$}  {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn batch(columns: usize, text: &str) -> RecordBatch {
        let column = || Arc::new(StringArray::from(vec![Some(text), None])) as ArrayRef;
        RecordBatch::try_from_iter((0..columns).map(|n| (format!("column_{n}"), column()))).expect("a batch")
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for (columns, width) in [(1, 20), (3, 60), (8, 80)] {
            let text = render(&[batch(columns, &"word ".repeat(40))], width).expect("a table");
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.into()), "{columns} columns in {width}: {text}");
        }
    }

    #[test]
    fn more_columns_than_fit_become_blocks_of_lines() {
        let text = render(&[batch(30, "here")], 80).expect("blocks");
        assert_eq!(text.matches("-- row ").count(), 2);
        assert!(text.contains("column_29  here"), "{text}");
    }

    #[test]
    fn values_cannot_steer_the_terminal() {
        let text = render(&[batch(1, "\u{1b}]0;title\u{7}")], 80).expect("a table");
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}]0;title"), "{text}");
    }
}

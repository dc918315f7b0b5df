//! Definitions of resources, headers of queries, windows, cursors and marks.

use std::sync::Arc;

use lake_model::{Cursor, Kind, Resource, Window};
use lake_portal::Decoder;
use lake_query::{IncidentProjector, NamedQuery};
use lake_store::LandingMark;

use super::rows::check_page;
use super::{Fuzz, ours, words_of};

#[test]
fn any_definition_of_a_resource_works_or_is_refused_in_words() {
    let words = &[
        "name = ",
        "key = [",
        "\"id\"",
        "[roles]",
        "[bounds]",
        "[columns]",
        "volatile = [",
        "latitude = ",
        "point = ",
        "occurred_at = ",
        "= \"text\"",
        "= \"integer\"",
        "= \"timestamp\"",
        "= \"point\"",
        "{ type = \"number\" }",
        "aliases = [\"",
        "nan",
        "inf",
        "-inf",
        "earliest = \"",
        "latest = \"",
        "\"\"",
        "\u{fc}",
        "'",
        "\"\"\"",
        "_key",
        "select = \"text\"\n",
        "\"a\\\"b\"",
        "99999999999999999999d",
        "0s",
    ];
    let mut parsed = 0;
    Fuzz { target: "resource", words }.run(4_000, |input| {
        let text = String::from_utf8_lossy(input);
        let resource = match Resource::parse("fuzzed.toml", &text) {
            Ok(resource) => Arc::new(resource),
            Err(error) if !error.to_string().contains("fuzzed.toml:") => {
                return Err(format!("an error that does not say where: {error}"));
            }
            Err(error) => return words_of(&error, &[Kind::Invalid]),
        };
        parsed += 1;
        let decoder = Decoder::new(&resource);
        // A parsed definition can be used: the rule that makes incidents of its rows is built.
        if let Err(error) = IncidentProjector::new(&resource, decoder.schema()) {
            return Err(format!("a definition that is accepted and cannot be used: {error}"));
        }
        let way = format!("{:?} {:?}", resource.roles, resource.columns.iter().map(|c| c.kind).collect::<Vec<_>>());
        check_page(&decoder, br#"[{":id":"a",":updated_at":"2024-01-01T00:00:00.000Z"}, {}, 1]"#).map(|_| way)
    });
    assert!(parsed > 20, "only {parsed} inputs are definitions");
}

#[test]
fn any_window_is_half_open_and_reads_as_it_is_shown_or_is_refused_in_words() {
    let words =
        &["..", "-", "T", ":", "Z", "2024", "0000", "9999", "12", "-06", "T24:00", "+01:00", " ", ".000001", "60"];
    Fuzz { target: "window", words }.run(60_000, |input| {
        let text = String::from_utf8_lossy(input);
        let window = match Window::parse(&text) {
            Ok(window) => window,
            Err(error) => return words_of(&error, &[Kind::Invalid]),
        };
        let shown = window.to_string();
        match Window::parse(&shown) {
            Ok(again) if again == window => {}
            other => return Err(format!("{window:?} is shown as {shown}, which reads as {other:?}")),
        }
        let (whole, years) = window.whole_years();
        if whole.start > window.start || whole.end < window.end || years.is_empty() {
            return Err(format!("{whole} does not cover {window}"));
        }
        Ok(format!("a window of {} years", years.count().min(5)))
    });
}

#[test]
fn any_cursor_and_landing_mark_is_read_as_it_was_written_or_refused() {
    let words =
        &["\"updated_at\":", "\"id\":", "\"batch\":", "null", "\"cursor\":", "{", "}", "\"", "\\u0000", "true", "-1"];
    Fuzz { target: "cursor", words }.run(20_000, |input| {
        if let Ok(cursor) = serde_json::from_slice::<Cursor>(input) {
            let again: Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
            return if again == cursor { Ok("a cursor".to_owned()) } else { Err(format!("{cursor:?} is {again:?}")) };
        }
        match serde_json::from_slice::<LandingMark>(input) {
            Ok(mark) => {
                let again: LandingMark = serde_json::from_str(&serde_json::to_string(&mark).unwrap()).unwrap();
                if again == mark { Ok(format!("a mark {}", mark.cursor.is_some())) } else { Err(format!("{mark:?}")) }
            }
            Err(error) => Ok(ours(&error.to_string())),
        }
    });
}

#[test]
fn any_header_of_a_query_is_understood_or_refused_with_its_line() {
    let words = &[
        "-- title: ",
        "-- about: ",
        "-- parameter: ",
        "-- column: ",
        "-- note: ",
        "--",
        "\n",
        "  ",
        " = ",
        " = null",
        "text",
        "integer",
        "number",
        "boolean",
        "date",
        "timestamp",
        "format",
        "limit",
        "9223372036854775808",
        "2024-02-30",
        "0001-01-01",
        "9999-12-31",
        "+08:00",
        "nan",
        "\u{fc}",
        ":",
        "$",
        "'",
    ];
    Fuzz { target: "header", words }.run(20_000, |input| {
        let text = String::from_utf8_lossy(input);
        match NamedQuery::parse("q", "q.sql", &text) {
            Ok(None) => Ok("no title".to_owned()),
            Ok(Some(query)) => {
                // A default is a valid value, and a required parameter can be null.
                let needed = query.parameters().iter().filter(|parameter| parameter.required);
                let given: Vec<(&str, &str)> = needed.map(|parameter| (parameter.name.as_str(), "")).collect();
                match query.values(given.iter().copied()) {
                    Ok(_) => Ok(format!("{} parameters, {} columns", query.parameters().len(), query.columns().len())),
                    Err(error) => Err(format!("its own defaults are refused: {error}")),
                }
            }
            Err(error) => {
                let told = error.to_string();
                let line = told.strip_prefix("q.sql:").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
                match line.filter(|line| (1..=text.lines().count()).contains(line)) {
                    Some(_) if error.kind() == Kind::Invalid => Ok(ours(&told)),
                    _ => Err(format!("an error without its line: {told}")),
                }
            }
        }
    });
}

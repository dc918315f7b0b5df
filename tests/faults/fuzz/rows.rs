//! Pages of a portal and saved files: rows and rejects, or an error that explains what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use lake_model::{Error, Kind, Resource};
use lake_portal::{Decoder, read_file};
use serde_json::value::RawValue;

use super::{Fuzz, Verdict, words_of};
use crate::faults::store_faults::tiny;

/// A resource with every type of column and a key of two.
const EVERY_TYPE: &str = include_str!("../../corpus/resource/every-type.toml");

pub(super) fn check_page(decoder: &Decoder, body: &[u8]) -> Verdict {
    let page = match decoder.page(body) {
        Ok(page) => page,
        Err(error) => return words_of(&error, &[Kind::Invalid, Kind::Unavailable]),
    };
    if page.published != page.batch.num_rows() + page.rejects.len() {
        return Err(format!("{} rows are not {} and {}", page.published, page.batch.num_rows(), page.rejects.len()));
    }
    let text = |name: &str| page.batch.column_by_name(name).expect("a column").as_string::<i32>();
    let (keys, hashes, extras) = (text("_key"), text("_hash"), text("_extra"));
    for row in 0..page.batch.num_rows() {
        if keys.is_null(row) || keys.value(row).trim().is_empty() {
            return Err("a usable row has no key".to_owned());
        }
        if hashes.value(row).len() != 32 {
            return Err(format!("`{}` is not a hash", hashes.value(row)));
        }
        // JSON has numbers of any size: its text is kept, whatever can be computed with it.
        let object = |text: &str| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).is_ok();
        if extras.is_valid(row) && !object(extras.value(row)) {
            return Err(format!("`_extra` is not an object: {}", extras.value(row)));
        }
    }
    if page.rejects.iter().any(|reject| reject.reason.trim().is_empty()) {
        return Err("a reject without a reason".to_owned());
    }
    let again = decoder.page(body).map_err(|e| e.to_string())?;
    if again.batch != page.batch || again.rejects != page.rejects || again.cursor != page.cursor {
        return Err("the same page is decoded differently".to_owned());
    }
    let reasons: BTreeSet<String> = page.rejects.iter().map(|r| r.reason.chars().take(24).collect()).collect();
    let nulls: Vec<bool> = page.batch.columns().iter().map(|c| c.null_count() > 0).collect();
    Ok(format!("{nulls:?} {reasons:?} {}", page.cursor.is_some()))
}

#[test]
fn any_page_is_rows_and_rejects_or_an_error_in_words() {
    let decoders = [
        Decoder::new(&tiny::resource()),
        Decoder::new(&Arc::new(Resource::parse("every-type.toml", EVERY_TYPE).unwrap())),
    ];
    let words = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        "null",
        "\"\"",
        "\":id\":",
        "\":updated_at\":",
        "\"id\":",
        "\"key\":",
        "\"part\":",
        "\"when\":",
        "\"yes\":",
        "\"lat\":\"0\"",
        "\\u0000",
        "\\ud800",
        "\u{feff}",
        "\"2024-02-30T00:00:00\"",
        "{\"type\":\"Point\",\"coordinates\":[-122.4,37.7]}",
        "{\"latitude\":\"37.7\",\"longitude\":\"-122.4\"}",
        "12.0",
        "000012",
        "true",
        "\" \"",
        "1e999",
        "[[[[[[[[[[[[[[[[",
    ];
    Fuzz { target: "page", words }.run(6_000, |input| {
        let each: Result<Vec<String>, String> = decoders.iter().map(|d| check_page(d, input)).collect();
        each.map(|ways| ways.join(" / "))
    });
}

/// Returns how many records a CSV text has by RFC 4180, without blank lines; `None` if it ends within quotes.
fn count_records(text: &[u8]) -> Option<usize> {
    let (mut records, mut quoted, mut at_start, mut blank) = (0, false, true, true);
    let mut bytes = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&&b'"') => drop(bytes.next()),
            b'"' if quoted || at_start => {
                quoted = !quoted;
                (at_start, blank) = (false, false);
            }
            b'\n' | b'\r' if !quoted => {
                records += usize::from(!blank);
                (at_start, blank) = (true, true);
            }
            _ => {
                at_start = *byte == b',' && !quoted;
                blank = false;
            }
        }
    }
    (!quoted).then_some(records + usize::from(!blank))
}

/// Reads a file with pages of that many rows: how many rows it has, and the hashes of those that can be used.
fn read_pages(decoder: &Decoder, path: &Path, size: usize) -> Result<(usize, Vec<String>), Error> {
    let (mut published, mut hashes) = (0, Vec::new());
    read_file(decoder, path, size, |page| {
        published += page.published;
        assert_eq!(page.published, page.batch.num_rows() + page.rejects.len(), "every row is one or the other");
        let column = page.batch.column_by_name("_hash").expect("a column").as_string::<i32>();
        hashes.extend(column.iter().flatten().map(str::to_owned));
        Ok(())
    })?;
    Ok((published, hashes))
}

fn check_file(decoder: &Decoder, path: &Path, input: &[u8]) -> Verdict {
    std::fs::write(path, input).expect("a file");
    let whole = match read_pages(decoder, path, 1_000) {
        Ok(whole) => whole,
        Err(error) if !error.to_string().contains("saved.") => return Err(format!("no name of the file: {error}")),
        Err(error) => return words_of(&error, &[Kind::Invalid]),
    };
    match read_pages(decoder, path, 2) {
        Ok(pages) if pages == whole => {}
        other => return Err(format!("read in pages: {other:?}, read whole: {whole:?}")),
    }
    let is_csv = path.extension().is_some_and(|ending| ending == "csv");
    if is_csv && count_records(input) != Some(whole.0 + 1) {
        return Err(format!("{} rows are read, and there are {:?} records", whole.0, count_records(input)));
    }
    Ok(format!("{} rows, {} usable", whole.0.min(5), whole.1.len().min(5)))
}

#[test]
fn any_saved_file_is_read_whole_or_refused_in_words() {
    let decoder = Decoder::new(&Arc::new(Resource::parse("every-type.toml", EVERY_TYPE).unwrap()));
    let folder = tempfile::tempdir().expect("a directory");
    let words = &[
        "\"",
        "\"\"",
        ",",
        "\n",
        "\r\n",
        "\r",
        ";",
        "\t",
        "\0",
        "\u{feff}",
        "\u{fc}",
        "{",
        "}",
        "[",
        "]",
        "[]",
        "null",
        "NaN",
        "\"key\":",
        "key",
        "part",
        "when",
        "where",
        "Key",
        ":id",
        "12/31/2020",
        "31/12/2020",
        "12/15/05",
        "2016 Apr 03 11:15 PM",
        "POINT (1 2)",
        "(37.7, -122.4)",
        "1e0",
        "\"1.0\"",
        "$1,500",
        " ",
    ];
    for (target, name) in [("csv", "saved.csv"), ("json", "saved.json")] {
        let path = folder.path().join(name);
        Fuzz { target, words }.run(4_000, |input| check_file(&decoder, &path, input));
    }
}

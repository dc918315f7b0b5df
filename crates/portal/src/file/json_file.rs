//! Saved files of JSON: all of it is checked, then its rows are read.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};

use lake_model::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::decode::decoder::Decoder;
use crate::decode::findings::Findings;
use crate::decode::row::Row;
use crate::file::date_order::DateOrders;
use crate::file::text_input::{RowBound, RowBytes, unreadable};

/// The most member names of an object that are read to recognise what it is.
const MAX_MEMBERS: usize = 64;

/// Reads the rows of a file one by one.
///
/// # Errors
/// If it is not an array, ends early, holds more than one, or `take` fails.
pub(crate) fn read_rows(
    mut input: Box<dyn BufRead>,
    packed: bool,
    take: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    skip_space(&mut input, packed)?;
    match first_byte(&mut input, packed)? {
        None => return Err(Error::invalid("the file is empty; no rows are `[]`")),
        Some(b'[') => {}
        Some(b'{') => return Err(name_object(input)),
        Some(b'<') => return Err(Error::invalid("the file is a page of HTML or XML, not the JSON of a portal")),
        Some(byte) => {
            let text = format!("the file begins with `{}`, and rows are a JSON array", char::from(byte).escape_debug());
            return Err(Error::invalid(text));
        }
    }
    let mut failure = None;
    let (input, row_bytes) = RowBound::new(input);
    let mut input: Box<dyn BufRead> = Box::new(BufReader::with_capacity(1 << 20, input));
    let rows = Rows { take, row_bytes, failure: &mut failure };
    let read = serde_json::Deserializer::from_reader(&mut input).deserialize_seq(rows);
    if let Some(failure) = failure {
        return Err(failure);
    }
    read.map_err(|error| broken(error, packed))?;
    skip_space(&mut input, packed)?;
    match first_byte(&mut input, packed)? {
        None => Ok(()),
        Some(b'[') => Err(Error::invalid("a second array follows the first: save each page in a file of its own")),
        Some(byte) => {
            let text = format!("`{}` follows the array of rows", char::from(byte).escape_debug());
            Err(Error::invalid(text))
        }
    }
}

/// Reads the complete file without landing anything, and returns remarks for its user.
///
/// # Errors
/// As [`read_rows`], or if its dates are in another order than they are read in.
pub(crate) fn check_rows(decoder: &Decoder, input: Box<dyn BufRead>, packed: bool) -> Result<Vec<String>> {
    let mut findings = Findings::new(decoder.resource());
    let mut orders = DateOrders::new(decoder);
    let mut number = 0;
    read_rows(input, packed, &mut |json| {
        number += 1;
        if let Ok(row) = Row::parse(decoder.rules(), json) {
            findings.add(decoder.rules(), &row);
            for (column, cell) in decoder.resource().columns.iter().zip(&row.cells) {
                if let Some(cell) = cell {
                    orders.add(&column.name, &cell.published.text(), || format!("row {number}"));
                }
            }
        }
        Ok(())
    })?;
    orders.check()?;
    Ok(findings.absent(decoder.rules(), true).into_iter().map(|warning| warning.text).collect())
}

fn broken(error: serde_json::Error, packed: bool) -> Error {
    match error.classify() {
        serde_json::error::Category::Io => unreadable(&error.into(), packed),
        serde_json::error::Category::Eof => {
            Error::invalid(format!("the file ends within a row ({error}); was the download cut off?"))
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Data => Error::invalid(format!(
            "the file is not valid JSON: {error}; NaN, Infinity and texts in single quotes are not JSON, nulls are `null`"
        )),
    }
}

fn first_byte(input: &mut Box<dyn BufRead>, packed: bool) -> Result<Option<u8>> {
    Ok(input.fill_buf().map_err(|error| unreadable(&error, packed))?.first().copied())
}

fn skip_space(input: &mut Box<dyn BufRead>, packed: bool) -> Result<()> {
    loop {
        let bytes = input.fill_buf().map_err(|error| unreadable(&error, packed))?;
        let spaces = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let done = spaces < bytes.len() || bytes.is_empty();
        input.consume(spaces);
        if done {
            return Ok(());
        }
    }
}

/// Returns what a file is that begins with an object.
fn name_object(mut input: Box<dyn BufRead>) -> Error {
    let members = serde_json::Deserializer::from_reader(&mut input).deserialize_map(Members);
    let more = skip_space(&mut input, false).is_ok() && matches!(first_byte(&mut input, false), Ok(Some(b'{')));
    let has = |names: &[&str]| members.as_ref().is_ok_and(|members| names.iter().all(|name| members.contains(*name)));
    let what = if more {
        "has one object per line, but rows must be one JSON array: add `[` before them, `]` after them, and commas between them"
    } else if has(&["meta", "data"]) {
        "is an answer of the portal's oldest interface (`rows.json`); save `/resource/ID.json` instead"
    } else if has(&["type", "features"]) {
        "is GeoJSON; save the rows as `/resource/ID.json` or CSV"
    } else if has(&["errorCode"]) || has(&["error"]) || has(&["message"]) {
        "is an error of the portal, not rows; download it again"
    } else {
        "is one object, and rows are a JSON array of objects"
    };
    Error::invalid(format!("the file {what}"))
}

/// The names of an object's members.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = BTreeSet<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<BTreeSet<String>, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<IgnoredAny>()?;
            if names.len() < MAX_MEMBERS {
                names.insert(name);
            }
        }
        Ok(names)
    }
}

struct Rows<'t> {
    take: &'t mut dyn FnMut(&str) -> Result<()>,
    row_bytes: RowBytes,
    failure: &'t mut Option<Error>,
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> std::result::Result<(), A::Error> {
        while let Some(row) = rows.next_element_seed(OneRow)? {
            self.row_bytes.set(0);
            if let Err(error) = (self.take)(row.get()) {
                *self.failure = Some(error);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

struct OneRow;

impl<'de> DeserializeSeed<'de> for OneRow {
    type Value = Box<RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

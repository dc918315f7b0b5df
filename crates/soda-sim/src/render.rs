//! Rows as JSON text, the way a portal writes them.

use std::borrow::Cow;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::ids;
use crate::row::{Key, Row};
use crate::soql::cell::Cell;
use crate::soql::expr::System;
use crate::stamp;
use crate::types::{Column, Kind, SodaType};

/// Returns a row's object in the order of the columns, computed regions last, and the position where those begin.
pub(crate) fn object(columns: &[Column], fields: &Map<String, Value>) -> (Box<str>, usize) {
    let mut out = String::with_capacity(fields.len() * 40);
    out.push('{');
    let plain = columns.iter().filter(|column| !column.is_computed_region());
    plain.for_each(|column| push_field(&mut out, column, fields));
    let plain_end = out.len();
    let computed = columns.iter().filter(|column| column.is_computed_region());
    computed.for_each(|column| push_field(&mut out, column, fields));
    out.push('}');
    (out.into_boxed_str(), plain_end)
}

/// Appends a field: null is an absent key, and a number is a string.
fn push_field(out: &mut String, column: &Column, fields: &Map<String, Value>) {
    let Some(value) = fields.get(&column.name).filter(|value| !value.is_null()) else {
        return;
    };
    if out.len() > 1 {
        out.push(',');
    }
    push_string(out, &column.name);
    out.push(':');
    match value {
        Value::String(text) => push_string(out, text),
        Value::Number(number) if column.kind == SodaType::Number => {
            out.push('"');
            out.push_str(&number.to_string());
            out.push('"');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn push_string(out: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

/// Parses a rendered row into its fields.
pub(crate) fn fields(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Returns the system fields as JSON, as an oracle or a row has them.
pub(crate) fn system_fields(key: Key, row: &Row) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert(":id".to_owned(), ids::string(key.id).into());
    fields.insert(":version".to_owned(), ids::version(row.version).into());
    fields.insert(":created_at".to_owned(), stamp::fixed(row.created_at).into());
    fields.insert(":updated_at".to_owned(), stamp::fixed(key.updated_at).into());
    fields
}

/// Appends `":name":"value"`.
pub(crate) fn push_system(out: &mut Vec<u8>, field: System, key: Key, row: &Row) {
    out.push(b'"');
    out.extend_from_slice(field.name().as_bytes());
    out.extend_from_slice(b"\":\"");
    match field {
        System::Id => out.extend_from_slice(&ids::text(key.id)),
        System::Version => out.extend_from_slice(ids::version(row.version).as_bytes()),
        System::CreatedAt => stamp::push_fixed(out, row.created_at),
        System::UpdatedAt => stamp::push_fixed(out, key.updated_at),
    }
    out.push(b'"');
}

/// Appends a value that is not null.
pub(crate) fn push_cell(out: &mut Vec<u8>, cell: &Cell<'_>, kind: Kind) {
    let mut text = String::new();
    match cell {
        Cell::Null => text.push_str("null"),
        Cell::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Cell::Number(value) => push_string(&mut text, &value.to_string()),
        Cell::Stamp(ms) if kind == Kind::Fixed => push_string(&mut text, &stamp::fixed(*ms)),
        Cell::Stamp(ms) => push_string(&mut text, &stamp::floating(*ms)),
        Cell::Text(value) => push_string(&mut text, value),
        Cell::Id(id) => {
            out.push(b'"');
            out.extend_from_slice(id);
            out.push(b'"');
        }
        Cell::Json(raw) => text.push_str(raw),
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends `"name":`.
pub(crate) fn push_name(out: &mut Vec<u8>, name: &str) {
    let mut text = String::with_capacity(name.len() + 3);
    push_string(&mut text, name);
    text.push(':');
    out.extend_from_slice(text.as_bytes());
}

/// Returns the JSON of the wanted columns of a row; the others are skipped over, not parsed.
pub(crate) fn pick<'a>(json: &'a str, wanted: &[String]) -> Vec<Option<&'a RawValue>> {
    let mut parser = serde_json::Deserializer::from_str(json);
    parser.deserialize_map(Picker { wanted }).unwrap_or_default()
}

struct Picker<'w> {
    wanted: &'w [String],
}

impl<'de> Visitor<'de> for Picker<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None; self.wanted.len()];
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            match self.wanted.iter().position(|wanted| *wanted == name) {
                Some(column) => found[column] = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// A key, borrowed unless it holds an escape.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

//! A record of a portal's CSV export brought to the shape of its JSON.

use lake_model::{ColumnType, format_wall_clock, parse_wall_clock};
use serde_json::{Map, Value, json};

use crate::decode::decoder::Decoder;
use crate::decode::points::parse_point_text;

/// Returns a record as a published row; empty fields are absent.
pub(crate) fn record_to_json<'a>(decoder: &Decoder, fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut row = Map::new();
    for (name, text) in fields.filter(|(_, text)| !text.is_empty()) {
        let kind = decoder.column_index(name).map(|index| decoder.resource().columns[index].kind);
        let value = match kind {
            Some(ColumnType::Timestamp) => time_value(decoder, text),
            Some(ColumnType::Point) => point_value(text),
            _ => None,
        };
        row.insert(name.to_owned(), value.unwrap_or_else(|| Value::from(text)));
    }
    Value::Object(row).to_string()
}

fn time_value(decoder: &Decoder, text: &str) -> Option<Value> {
    match parse_wall_clock(text) {
        Some(_) => None,
        None => Some(Value::from(format_wall_clock(decoder.times().parse(text)?))),
    }
}

fn point_value(text: &str) -> Option<Value> {
    let (longitude, latitude) = parse_point_text(text)?;
    Some(json!({"type": "Point", "coordinates": [longitude, latitude]}))
}

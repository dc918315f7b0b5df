//! A portal's CSV export brought to the shape of its JSON: column titles to field names, American dates, points
//! in brackets.

use chrono::NaiveDateTime;
use lake_model::ColumnType;
use serde_json::{Map, Value, json};

use crate::decode::Decoder;

/// A column title as a field name: lower case, everything else `_`.
pub(crate) fn field_name(title: &str) -> String {
    let mut name = String::new();
    for c in title.trim().chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// The time formats of exports, beside the ISO form.
const TIMES: [&str; 4] = ["%m/%d/%Y %I:%M:%S %p", "%Y/%m/%d %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M"];
const DATES: [&str; 2] = ["%m/%d/%Y", "%Y/%m/%d"];

pub(crate) fn iso_time(text: &str) -> Option<String> {
    let parsed = TIMES.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).or_else(|| {
        DATES.iter().find_map(|format| chrono::NaiveDate::parse_from_str(text, format).ok()?.and_hms_opt(0, 0, 0))
    })?;
    Some(parsed.format("%Y-%m-%dT%H:%M:%S").to_string())
}

/// `POINT (lon lat)` or `(lat, lon)`.
pub(crate) fn point(text: &str) -> Option<Value> {
    let inner = text.split_once('(')?.1.split_once(')')?.0;
    let mut parts = inner.split([' ', ',']).filter(|p| !p.is_empty()).map(str::parse::<f64>);
    let (first, second) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let coordinates = if text.trim_start().starts_with("POINT") { [first, second] } else { [second, first] };
    Some(json!({"type": "Point", "coordinates": coordinates}))
}

/// A record of an export as a published row; empty fields are absent.
pub(crate) fn row<'a>(decoder: &Decoder, fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut row = Map::new();
    for (name, text) in fields.filter(|(_, text)| !text.is_empty()) {
        let kind = decoder.column_index(name).map(|index| decoder.resource().columns[index].kind);
        let value = match kind {
            Some(ColumnType::Timestamp) => iso_time(text).map(Value::from),
            Some(ColumnType::Point) => point(text),
            _ => None,
        };
        row.insert(name.to_owned(), value.unwrap_or_else(|| Value::from(text)));
    }
    Value::Object(row).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_dates_and_points_of_exports_are_read() {
        assert_eq!(field_name("Incident Day of Week"), "incident_day_of_week");
        assert_eq!(field_name("Status.Notes"), "status_notes");
        assert_eq!(iso_time("06/29/2019 09:48:00 PM").as_deref(), Some("2019-06-29T21:48:00"));
        assert_eq!(iso_time("2018/12/01 12:25:00 AM").as_deref(), Some("2018-12-01T00:25:00"));
        assert_eq!(point("(37.7, -122.4)"), Some(json!({"type": "Point", "coordinates": [-122.4, 37.7]})));
        assert_eq!(point("POINT (-122.4 37.7)"), Some(json!({"type": "Point", "coordinates": [-122.4, 37.7]})));
        assert_eq!(point("nowhere"), None);
    }
}

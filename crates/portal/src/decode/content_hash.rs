//! The hash of a row's content, by which two versions are distinguished, and the values that have no column.

use std::borrow::Cow;

use lake_model::{Column, ColumnType};
use serde::Deserialize;

use crate::decode::canonical_json::{canonical_json, link_text};
use crate::decode::published::Published;
use crate::decode::row::{Cell, Row};
use crate::decode::value::Typed;

/// The contribution of a cell to a content hash.
enum Content<'a> {
    Value(Typed<'a>),
    /// A value that does not fit its column, as JSON.
    Misfit(Cow<'a, str>),
}

/// Returns 128 bits of BLAKE3 over the names and canonical values of the declared columns that are not volatile and not
/// null. Equal content has an equal hash, however it is written. A column that is declared later and absent leaves the
/// hash as it was.
pub(crate) fn content_hash(columns: &[Column], row: &Row<'_>) -> String {
    hash_row(columns, row, |_, _| None)
}

/// Returns the hash that version 0.1.0 gave to a row, where it is another one: it hashed links as objects, empty texts
/// as texts, points as they were rounded then, and pieces of JSON with their white space. A row that landed with it is
/// the same row.
pub(crate) fn earlier_hash(columns: &[Column], row: &Row<'_>) -> Option<String> {
    let differs = |index: usize| {
        !columns[index].volatile
            && earlier_content(columns[index].kind, row.cells[index].as_ref(), row.empty[index]).is_some()
    };
    (0..columns.len())
        .any(differs)
        .then(|| hash_row(columns, row, |index, cell| earlier_content(columns[index].kind, cell, row.empty[index])))
}

/// Returns what version 0.1.0 hashed of a cell; `None` where it is what is hashed now.
fn earlier_content<'a>(kind: ColumnType, cell: Option<&Cell<'a>>, empty: bool) -> Option<Content<'a>> {
    let Some(cell) = cell else {
        return empty.then(|| match kind {
            ColumnType::Text => Content::Value(Typed::Text("".into())),
            _ => Content::Misfit("\"\"".into()),
        });
    };
    let published = cell.published;
    match (&cell.typed, kind) {
        (None, _) => {
            let rewritten = canonical_json(published.0) != published.0;
            rewritten.then_some(Content::Misfit(Cow::Borrowed(published.0)))
        }
        (Some(typed), ColumnType::Text) if !published.0.starts_with('"') => {
            let earlier = Typed::Text(published.text());
            (earlier != *typed || link_text(published.0).is_some()).then_some(Content::Value(earlier))
        }
        (Some(typed), ColumnType::Point) => {
            earlier_point(published).filter(|earlier| earlier != typed).map(Content::Value)
        }
        _ => None,
    }
}

/// Returns a point of GeoJSON with the coordinates as serde_json rounds them.
fn earlier_point<'a>(published: Published<'_>) -> Option<Typed<'a>> {
    #[derive(Deserialize)]
    struct GeoJson {
        coordinates: [f64; 2],
    }
    if !published.0.starts_with('{') {
        return None;
    }
    let GeoJson { coordinates: [longitude, latitude] } = serde_json::from_str(published.0).ok()?;
    Some(Typed::Point { longitude, latitude })
}

/// Returns the hash of a row; `replaced` has the cells whose contribution is not their value.
fn hash_row<'a>(
    columns: &[Column],
    row: &Row<'a>,
    replaced: impl Fn(usize, Option<&Cell<'a>>) -> Option<Content<'a>>,
) -> String {
    let mut hasher = blake3::Hasher::new();
    for (index, (column, cell)) in columns.iter().zip(&row.cells).enumerate() {
        if column.volatile {
            continue;
        }
        let cell = cell.as_ref();
        match (replaced(index, cell), cell) {
            (Some(Content::Value(value)), _) => add_value(&mut hasher, column, |hasher| value.hash(hasher)),
            (Some(Content::Misfit(json)), _) => add_misfit(&mut hasher, column, &json),
            (None, None) => {}
            (None, Some(Cell { typed: None, published, .. })) => {
                add_misfit(&mut hasher, column, &canonical_json(published.0));
            }
            (None, Some(Cell { typed: Some(typed), published, .. })) => match (typed, link_text(published.0)) {
                (Typed::Text(_), Some(link)) => {
                    add_value(&mut hasher, column, |hasher| Typed::Text(link.into()).hash(hasher));
                }
                _ => add_value(&mut hasher, column, |hasher| typed.hash(hasher)),
            },
        }
    }
    let hex = hasher.finalize().to_hex();
    hex.as_str().get(..32).unwrap_or_default().to_owned()
}

fn add_value(hasher: &mut blake3::Hasher, column: &Column, value: impl FnOnce(&mut blake3::Hasher)) {
    hasher.update(column.name.as_bytes());
    value(hasher);
}

fn add_misfit(hasher: &mut blake3::Hasher, column: &Column, json: &str) {
    add_value(hasher, column, |hasher| {
        hasher.update(b"x");
        hasher.update(&(json.len() as u64).to_le_bytes());
        hasher.update(json.as_bytes());
    });
}

/// Returns what has no column, as one JSON object: values that do not fit theirs, and unknown columns.
pub(crate) fn format_extra(misfits: &[(&str, &str)], unknown: &[(Cow<'_, str>, &str)]) -> Option<String> {
    if misfits.is_empty() && unknown.is_empty() {
        return None;
    }
    let mut text = String::from("{");
    let misfits = misfits.iter().map(|(name, value)| (*name, *value));
    let unknown = unknown.iter().map(|(name, value)| (name.as_ref(), *value));
    for (n, (name, value)) in misfits.chain(unknown).enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(name).to_string());
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lake_model::Resource;

    use crate::decode::decoder::Decoder;
    use crate::decode::page::Page;

    fn page(rows: &[&str]) -> Page {
        let text = include_str!("../../../../data/resources/311-cases.toml");
        let resource = Arc::new(Resource::parse("311-cases.toml", text).expect("a resource"));
        Decoder::new(&resource).page(format!("[{}]", rows.join(",")).as_bytes()).expect("a page")
    }

    fn hashes(page: &Page) -> Vec<String> {
        let column = page.batch.column_by_name("_hash").expect("hashes");
        let hashes = column.as_any().downcast_ref::<arrow::array::StringArray>().expect("texts");
        hashes.iter().flatten().map(str::to_owned).collect()
    }

    /// Rows and the hashes that version 0.1.0 gave them, as it wrote them into a lake.
    const LANDED: [(&str, &str); 3] = [
        (
            r#"{"service_request_id":"1","requested_datetime":"2024-01-01T00:00:00.000","service_name":"A","lat":"37.7",
            "long":"-122.4","media_url":{"url":"http://a.example/1"},"point":{"latitude":"37.7","longitude":"-122.4"},
            "status_notes":"","bos_2012":"","point_geom":{"type":"Point","coordinates":[-122.40123456789012,37.71123456789013]}}"#,
            "997eea49416e4056ada8c0b43d914b40",
        ),
        (
            r#"{"service_request_id":"2","requested_datetime":"2024-01-01T00:00:00.000","service_name":"A","lat":"x ",
            "long":"-122.4","media_url":{ "url": "http://a.example/1", "description":"d" },
            "supervisor_district": {"b" : 1, "a": 2}}"#,
            "4a58ad19883ad78b7100cae6b4bac622",
        ),
        (
            r#"{"service_request_id":"3","requested_datetime":"2024-01-01T00:00:00.000","service_name":"A","lat":"37.7",
            "long":"-122.4","status_notes": 1.50}"#,
            "5bb0fd65fb5560c6f1e53ca6f00f2598",
        ),
    ];

    #[test]
    fn a_row_that_landed_under_version_0_1_0_is_known() {
        let page = page(&LANDED.map(|(row, _)| row));
        let now = hashes(&page);
        for (n, (row, hash)) in LANDED.iter().enumerate() {
            assert_eq!(page.earlier_hashes.get(&n).map(String::as_str), Some(*hash), "{row}");
            assert_ne!(now[n], *hash, "{row}");
        }
    }

    #[test]
    fn an_ordinary_row_has_the_hash_that_it_always_had() {
        let page = page(&[
            r#"{"service_request_id":"4","requested_datetime":"2024-01-01T00:00:00.000","service_name":"A","lat":"37.7","long":"-122.4","status_notes":"two\nlines","supervisor_district":"5","point":{"latitude":"37.7","longitude":"-122.4"}}"#,
        ]);
        assert_eq!(hashes(&page), ["f6643a5f7a5c565744d0e74e673d1748"]);
        assert!(page.earlier_hashes.is_empty());
    }
}

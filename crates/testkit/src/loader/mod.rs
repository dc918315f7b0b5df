//! The real published files, every one brought to the shape in which a SODA portal serves rows.
//!
//! A portal's CSV export has human titles, localised times and text points; its JSON has field
//! names, ISO times and `GeoJSON`. Here all become the latter: keys are field names, an empty cell
//! is an absent key, numbers stay strings as published, times read `YYYY-MM-DDTHH:MM:SS.000`.

mod schema;
mod tables;
mod values;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Roles, Row, shared_data};
use schema::Schema;

/// One published file.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's path below the shared data.
    pub name: String,
    /// The four-by-four id of the dataset it was taken from.
    pub dataset_id: String,
    /// Its rows in the order of the file, in SODA shape.
    pub rows: Vec<Row>,
    /// Field names and SODA type names, in the order of the file.
    pub columns: Vec<(String, String)>,
    /// The columns by their roles.
    pub roles: Roles,
}

/// The files and the datasets they were taken from.
const FILES: &[(&str, &str)] = &[
    ("sf_311/vw6y-z8j6_soda_rows_2021-07.json", "vw6y-z8j6"),
    ("sf_311/sf311_export_north_beach_raw.csv", "vw6y-z8j6"),
    ("sf_311/sf311_sample_10000_2008-2016.csv", "vw6y-z8j6"),
    ("sfpd/wg3w-h783_soda_1000rows_2019-11-14.json", "wg3w-h783"),
    ("sfpd/sfpd_export_2018-12.csv", "wg3w-h783"),
    ("sf_fire_calls/fire_calls_export_2020-04.csv", "nuek-vuh3"),
    ("sf_fire_calls/nuek-vuh3_soda_one_row_2017-10.json", "nuek-vuh3"),
    ("sf_fire_incidents/fire_incidents_sample_20250504.csv", "wr8u-xric"),
    ("sf_traffic_crashes/dau3-4s8f_export_20250411.csv", "dau3-4s8f"),
    ("sf_traffic_crashes/dau3-4s8f_export_20260319.csv", "dau3-4s8f"),
    ("sf_traffic_crashes/dau3-4s8f_2026-08-22T153815Z.json", "dau3-4s8f"),
    ("chicago_crimes/homicides_export_2001-2018.csv", "ijzp-q8t2"),
    ("chicago_crimes/ijzp-q8t2_export_2012-11.csv", "ijzp-q8t2"),
    ("chicago_crimes/6zsd-86xi_soda_rows_2014.json", "ijzp-q8t2"),
];

/// Returns every file, in a fixed order; none if the shared data is absent.
///
/// # Panics
/// When a file exists and cannot be read in its format.
#[must_use]
pub fn all_sources() -> Vec<Source> {
    let Some(data) = shared_data() else {
        return Vec::new();
    };
    FILES.iter().filter_map(|&(name, dataset)| load(&data, name, dataset)).collect()
}

/// Returns the one file whose name contains `part`, or `None` if it is absent.
///
/// # Panics
/// When no file or more than one is known by that part of a name.
#[must_use]
pub fn source(part: &str) -> Option<Source> {
    let mut known = FILES.iter().filter(|(name, _)| name.contains(part));
    let &(name, dataset) = known.next().unwrap_or_else(|| panic!("no file is known as {part}"));
    assert!(known.next().is_none(), "more than one file is known as {part}");
    load(&shared_data()?, name, dataset)
}

fn load(data: &Path, name: &str, dataset: &str) -> Option<Source> {
    let path = data.join(name);
    if !path.is_file() {
        return None;
    }
    let schema = Schema::of_dataset(data, dataset);
    let (columns, rows) = if name.ends_with(".json") { read_soda(&path, &schema) } else { read_export(&path, &schema) };
    Some(Source {
        name: name.to_owned(),
        dataset_id: dataset.to_owned(),
        rows,
        columns,
        roles: Roles::of_dataset(dataset),
    })
}

type Read = (Vec<(String, String)>, Vec<Row>);

fn read_soda(path: &Path, schema: &Schema) -> Read {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<Row> = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut columns: Vec<(String, String)> = Vec::new();
    for field in rows.iter().flat_map(Row::keys) {
        if columns.iter().all(|(known, _)| known != field) {
            columns.push((field.clone(), schema.kind(field).to_owned()));
        }
    }
    (columns, rows)
}

fn read_export(path: &Path, schema: &Schema) -> Read {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let titles = reader.headers().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let fields: Vec<Option<(String, String)>> = titles.iter().map(|title| schema.column(title)).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut row = Row::new();
        for (column, text) in fields.iter().zip(&record) {
            let Some((field, kind)) = column else {
                continue;
            };
            if text.is_empty() {
                continue;
            }
            let value = values::from_text(kind, text)
                .unwrap_or_else(|| panic!("{}: {field}: {text:?} is not a valid {kind}", path.display()));
            row.insert(field.clone(), value);
        }
        rows.push(row);
    }
    let mut columns: Vec<(String, String)> = fields.into_iter().flatten().collect();
    if schema.has_lat_long() {
        fill_lat_long(&mut columns, &mut rows);
    }
    (columns, rows)
}

/// Fills `lat` and `long`: the oldest 311 export has its place only in `Point`, where the portal serves these too.
fn fill_lat_long(columns: &mut Vec<(String, String)>, rows: &mut [Row]) {
    for (field, part) in [("lat", "latitude"), ("long", "longitude")] {
        if columns.iter().any(|(known, _)| known == field) {
            continue;
        }
        columns.push((field.to_owned(), "number".to_owned()));
        for row in rows.iter_mut() {
            if let Some(degrees) = row.get("point").and_then(|point| point.get(part)) {
                let degrees: Value = degrees.clone();
                row.insert(field.to_owned(), degrees);
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! A local portal that serves the rows as SODA does, for measuring ingest over HTTP.

use std::io::{Error, Result};

use lake_soda_sim::{Column, Portal, SodaType};
use serde_json::{Map, Value};

use crate::resource::Resource;

/// The dataset of 311 cases.
pub(crate) const CASES_DATASET: &str = "vw6y-z8j6";
/// Rows that share an `:updated_at`.
const STAMP_ROWS: u64 = 1_000;
/// 2026-07-02, in milliseconds since 1970.
const FIRST_STAMP_MS: i64 = 1_782_950_400_000;

/// Returns a portal with that many 311 cases.
pub(crate) fn cases_portal(rows: u64, seed: u64, notes: &str) -> Result<Portal> {
    let portal = Portal::new();
    portal.set_gzip(false);
    let model = Resource::Cases.model(seed, rows);
    let mut columns = Vec::<Column>::new();
    let mut stamp_ms = FIRST_STAMP_MS;
    for first in (0..rows).step_by(usize::try_from(STAMP_ROWS).map_err(Error::other)?) {
        let mut published = Vec::new();
        for number in first..rows.min(first + STAMP_ROWS) {
            let mut line = Vec::new();
            Resource::Cases.write_row(&mut line, &model, &model.incident(number, false), notes);
            let mut row: Map<String, Value> = serde_json::from_slice(&line)?;
            row.retain(|name, _| !name.starts_with(':'));
            published.push(row);
        }
        if columns.is_empty() {
            columns = columns_of(&published);
            portal.add_dataset(CASES_DATASET, "Synthetic cases", columns.clone());
        }
        portal.insert(CASES_DATASET, published, stamp_ms);
        stamp_ms += 1_000;
    }
    Ok(portal)
}

fn columns_of(rows: &[Map<String, Value>]) -> Vec<Column> {
    let mut columns = Vec::<Column>::new();
    for name in rows.iter().flat_map(Map::keys) {
        if columns.iter().all(|column| column.name != *name) {
            columns.push(Column::new(name.clone(), kind_of(name)));
        }
    }
    columns
}

fn kind_of(column: &str) -> SodaType {
    match column {
        "service_request_id" | "lat" | "long" | "supervisor_district" => SodaType::Number,
        "requested_datetime" | "closed_date" | "updated_datetime" | "data_as_of" | "data_loaded_at" => {
            SodaType::CalendarDate
        }
        "point" => SodaType::Location,
        "point_geom" => SodaType::Point,
        _ => SodaType::Text,
    }
}

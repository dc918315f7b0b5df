//! The oracle: the right answer, by a plain fold over rows in SODA shape.
//!
//! Its own rules, written once more and as simply as possible:
//! a row without a usable key is a reject; of the rows of one key the last one counts; an incident
//! is unlocated when its place is absent, not a number, 0/0 or out of bounds, and undated when its
//! time is absent, unreadable or outside 1900 to 2100. Text is taken as published.

mod count;
mod place;
pub mod time;

use std::collections::BTreeMap;

use h3o::{CellIndex, LatLng, Resolution};
use serde_json::Value;

use crate::{Roles, Row};
pub use count::{Dimension, Filter};

/// The resolution at which a place gets its cell; coarser cells are parents of that one.
pub const FINEST: Resolution = Resolution::Ten;

/// Which of the rows of one key is the later one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The one given later.
    #[default]
    AsGiven,
    /// The one with the greater text in this column; given later, where that is equal.
    By(String),
}

/// How many rows became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows given.
    pub rows: i64,
    /// Rows without a usable key.
    pub rejects: i64,
    /// Keys.
    pub incidents: i64,
    /// Incidents with a cell.
    pub located: i64,
    /// Incidents without.
    pub unlocated: i64,
    /// Incidents without a usable time.
    pub undated: i64,
}

/// The current state of one key.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Seconds of the wall clock since 1970.
    pub at: Option<i64>,
    /// Latitude and longitude.
    pub place: Option<(f64, f64)>,
    /// The kind.
    pub category: Option<String>,
    /// The row itself.
    pub row: Row,
}

impl Incident {
    /// Returns its cell at a resolution not finer than [`FINEST`]: the parent of its finest cell.
    ///
    /// # Panics
    /// When the resolution is finer.
    #[must_use]
    pub fn cell(&self, resolution: u8) -> Option<String> {
        let resolution = Resolution::try_from(resolution).expect("a resolution is 0 to 15");
        let (lat, lng) = self.place?;
        let parent = finest_cell(lat, lng).parent(resolution);
        Some(parent.expect("cells are counted at the finest resolution or coarser").to_string())
    }
}

/// Every key's current state, and the rows that did not become incidents.
#[derive(Clone, Debug)]
pub struct Oracle {
    roles: Roles,
    rows: i64,
    rejects: i64,
    incidents: BTreeMap<String, Incident>,
}

impl Oracle {
    /// Creates an oracle without rows.
    #[must_use]
    pub fn new(roles: &Roles) -> Self {
        Self { roles: roles.clone(), rows: 0, rejects: 0, incidents: BTreeMap::new() }
    }

    /// Creates an oracle after landing all these rows.
    #[must_use]
    pub fn of(roles: &Roles, rows: &[Row], order: &Order) -> Self {
        let mut rows: Vec<&Row> = rows.iter().collect();
        if let Order::By(column) = order {
            rows.sort_by_key(|row| text(row.get(column)));
        }
        let mut oracle = Self::new(roles);
        for row in rows {
            oracle.land(row);
        }
        oracle
    }

    /// Lands one more row; it replaces the earlier ones of its key.
    pub fn land(&mut self, row: &Row) {
        self.rows += 1;
        let Some(key) = text(row.get(&self.roles.key)) else {
            self.rejects += 1;
            return;
        };
        let incident = Incident {
            at: row.get(&self.roles.time).and_then(Value::as_str).and_then(time::occurrence),
            place: place::locate(row, &self.roles.place, self.roles.bounds),
            category: text(row.get(&self.roles.category)),
            row: row.clone(),
        };
        self.incidents.insert(key, incident);
    }

    /// Removes a key that the publisher withdrew; returns whether it existed.
    pub fn remove(&mut self, key: &str) -> bool {
        self.incidents.remove(key).is_some()
    }

    /// Keys and their current states.
    #[must_use]
    pub fn incidents(&self) -> &BTreeMap<String, Incident> {
        &self.incidents
    }

    /// Returns how many rows became incidents and rejects of each kind.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { rows: self.rows, rejects: self.rejects, ..Totals::default() };
        for incident in self.incidents.values() {
            totals.incidents += 1;
            totals.located += i64::from(incident.place.is_some());
            totals.unlocated += i64::from(incident.place.is_none());
            totals.undated += i64::from(incident.at.is_none());
        }
        totals
    }

    /// Incidents per month (`YYYY-MM`) and category.
    #[must_use]
    pub fn by_month_category(&self) -> BTreeMap<(Option<String>, Option<String>), i64> {
        self.pairs(&Dimension::Month, &Dimension::Category)
    }

    /// Incidents per cell, in hexadecimal.
    #[must_use]
    pub fn by_cell(&self, resolution: u8) -> BTreeMap<Option<String>, i64> {
        let mut counts = BTreeMap::new();
        for incident in self.incidents.values() {
            *counts.entry(incident.cell(resolution)).or_insert(0) += 1;
        }
        counts
    }

    /// Incidents per hour (`YYYY-MM-DDTHH:00:00`) and cell.
    #[must_use]
    pub fn by_hour_cell(&self, resolution: u8) -> BTreeMap<(Option<String>, Option<String>), i64> {
        self.pairs(&Dimension::Hour, &Dimension::Cell(resolution))
    }

    /// Incidents that pass the filter, per combination of the dimensions, in their order.
    #[must_use]
    pub fn count(&self, filter: &Filter, group: &[Dimension]) -> BTreeMap<Vec<Option<String>>, i64> {
        let mut counts = BTreeMap::new();
        for incident in self.incidents.values().filter(|incident| filter.passes(incident)) {
            let labels = group.iter().map(|dimension| dimension.label(incident)).collect();
            *counts.entry(labels).or_insert(0) += 1;
        }
        counts
    }

    /// Returns how many incidents pass the filter.
    #[must_use]
    pub fn total(&self, filter: &Filter) -> i64 {
        self.count(filter, &[]).values().sum()
    }

    fn pairs(&self, first: &Dimension, second: &Dimension) -> BTreeMap<(Option<String>, Option<String>), i64> {
        let mut counts = BTreeMap::new();
        for incident in self.incidents.values() {
            *counts.entry((first.label(incident), second.label(incident))).or_insert(0) += 1;
        }
        counts
    }
}

/// Returns the parent of a cell, both in hexadecimal.
///
/// # Panics
/// When it is not a cell, or the resolution is finer than its own.
#[must_use]
pub fn parent_cell(cell: &str, resolution: u8) -> String {
    let cell: CellIndex = cell.parse().expect("a cell");
    let resolution = Resolution::try_from(resolution).expect("a resolution is 0 to 15");
    cell.parent(resolution).expect("a resolution not finer than the cell's").to_string()
}

fn finest_cell(lat: f64, lng: f64) -> CellIndex {
    LatLng::new(lat, lng).expect("a place is made of finite numbers").to_cell(FINEST)
}

/// Returns the text of a published scalar; `None` for an empty one.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! The columns of roles, times and places that a page or a file lacks.

use std::collections::BTreeSet;

use lake_model::{Resource, nearest};

use crate::decode::row::Row;
use crate::decode::row_rules::RowRules;
use crate::decode::value::Typed;

/// Rows without a value in a column of a role that make it likely that the column is gone. Few rows may lack it by
/// chance.
const MIN_ROWS_WITHOUT: usize = 100;
/// The most names of undeclared columns that are kept.
const MAX_UNDECLARED: usize = 64;
/// The most characters of a value that are shown.
const MAX_SHOWN_CHARS: usize = 60;

/// A remark about a page whose rows land nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The subject of the remark: a run reports it once.
    pub about: String,
    /// The text.
    pub text: String,
}

/// The columns that the rows seen so far have and lack.
#[derive(Debug)]
pub(crate) struct Findings {
    rows: usize,
    /// By declared column: whether any row has a value.
    seen: Vec<bool>,
    undeclared: BTreeSet<String>,
    undated: usize,
    /// A value of the time of occurrence that cannot be used.
    sample: Option<String>,
    /// Rows with a text in the column of a place that cannot be read.
    unread_places: usize,
    unread_place: Option<String>,
    /// Rows whose place is outside of the bounds, and is not 0, 0.
    outside: usize,
    outside_place: Option<String>,
}

/// Returns each role that counting depends on with its column, the key's columns included.
pub(crate) fn roles(resource: &Resource) -> Vec<(&'static str, &str)> {
    let roles = &resource.roles;
    let optional = [
        ("closed_at", &roles.closed_at),
        ("category", &roles.category),
        ("subcategory", &roles.subcategory),
        ("status", &roles.status),
        ("district", &roles.district),
        ("neighborhood", &roles.neighborhood),
        ("latitude", &roles.latitude),
        ("longitude", &roles.longitude),
        ("point", &roles.point),
    ];
    let key = resource.key.iter().map(|column| ("key", column.as_str()));
    key.chain(std::iter::once(("occurred_at", roles.occurred_at.as_str())))
        .chain(optional.into_iter().filter_map(|(role, column)| Some((role, column.as_deref()?))))
        .collect()
}

/// Returns whether nothing can be counted without the role.
pub(crate) fn is_needed(role: &str) -> bool {
    matches!(role, "key" | "occurred_at" | "latitude" | "longitude" | "point")
}

/// Returns a published text as a message shows it: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    format!("`{}`", short.escape_debug())
}

impl Findings {
    pub(crate) fn new(resource: &Resource) -> Self {
        Self {
            rows: 0,
            seen: vec![false; resource.columns.len()],
            undeclared: BTreeSet::new(),
            undated: 0,
            sample: None,
            unread_places: 0,
            unread_place: None,
            outside: 0,
            outside_place: None,
        }
    }

    /// Takes a row into account.
    pub(crate) fn add(&mut self, rules: &RowRules, row: &Row<'_>) {
        self.rows += 1;
        for (seen, cell) in self.seen.iter_mut().zip(&row.cells) {
            *seen |= cell.is_some();
        }
        for (name, _) in &row.unknown {
            if self.undeclared.len() < MAX_UNDECLARED && !self.undeclared.contains(name.as_ref()) {
                self.undeclared.insert(name.clone().into_owned());
            }
        }
        let occurred = rules.column_index(&rules.resource.roles.occurred_at);
        let cell = occurred.and_then(|index| row.cells[index].as_ref());
        let is_dated = cell.is_some_and(|cell| match cell.typed {
            Some(Typed::Time(micros)) => rules.times.is_plausible(micros),
            _ => false,
        });
        if !is_dated {
            self.undated += 1;
            self.sample = self.sample.take().or_else(|| cell.map(|cell| shown(&cell.published.text())));
        }
        self.add_place(rules, row);
    }

    fn add_place(&mut self, rules: &RowRules, row: &Row<'_>) {
        let roles = &rules.resource.roles;
        let cell = |column: &Option<String>| row.cells[rules.column_index(column.as_deref()?)?].as_ref();
        let cells = [cell(&roles.point), cell(&roles.latitude), cell(&roles.longitude)];
        // An object without coordinates is an address without a place; a text should have been a place.
        if let Some(unread) =
            cells.into_iter().flatten().find(|cell| cell.typed.is_none() && cell.published.is_string())
        {
            self.unread_places += 1;
            self.unread_place.get_or_insert_with(|| shown(&unread.published.text()));
            return;
        }
        let typed = cells.map(|cell| cell.and_then(|cell| cell.typed.as_ref()));
        let (longitude, latitude) = match typed {
            [Some(Typed::Point { longitude, latitude }), ..] => (*longitude, *latitude),
            [_, Some(Typed::Number(latitude)), Some(Typed::Number(longitude))] => (*longitude, *latitude),
            _ => return,
        };
        let bounds = &rules.resource.bounds;
        let is_inside =
            (bounds.west..=bounds.east).contains(&longitude) && (bounds.south..=bounds.north).contains(&latitude);
        // Portals publish 0, 0 for an unknown place.
        if !is_inside && (longitude, latitude) != (0.0, 0.0) {
            self.outside += 1;
            self.outside_place.get_or_insert_with(|| format!("latitude {latitude}, longitude {longitude}"));
        }
    }

    /// Returns a warning where more than a tenth of the rows have a place that cannot be read, or more than half have
    /// one outside of the bounds.
    pub(crate) fn unlocated(&self) -> Option<Warning> {
        let rows = self.rows;
        let text = match (&self.unread_place, &self.outside_place) {
            (Some(sample), _) if self.unread_places * 10 > rows => format!(
                "{} of {rows} rows of a page have a place that cannot be read, such as {sample}: they are counted without a \
                 place, and the original is kept in `_extra`",
                self.unread_places
            ),
            (_, Some(sample)) if self.outside * 2 > rows => format!(
                "{} of {rows} rows of a page are outside of `[bounds]` of the resource file, such as {sample}: they are \
                 counted without a place; are latitude and longitude exchanged, or the bounds those of another city?",
                self.outside
            ),
            _ => return None,
        };
        Some(Warning { about: "unlocated".to_owned(), text })
    }

    /// Returns a warning where more than a tenth of the rows have no usable time.
    pub(crate) fn undated(&self, resource: &Resource) -> Option<Warning> {
        if self.undated * 10 <= self.rows {
            return None;
        }
        let column = &resource.roles.occurred_at;
        let sample = match &self.sample {
            Some(sample) => format!("such as {sample}, whose original is kept in `_extra` or `raw`"),
            None => "which have no value there".to_owned(),
        };
        let text = format!(
            "{} of {} rows of a page are undated: no usable time in `{column}`, {sample}; `date_order` and `[bounds]` of the resource file determine how times are read",
            self.undated, self.rows
        );
        Some(Warning { about: "undated".to_owned(), text })
    }

    /// Returns a warning for each role whose column has no value in any row, unless that may be chance; `whole` if
    /// these are all rows of a file.
    pub(crate) fn absent(&self, rules: &RowRules, whole: bool) -> Vec<Warning> {
        let resource = &rules.resource;
        let is_evident = self.rows >= MIN_ROWS_WITHOUT || !self.undeclared.is_empty();
        let absent = roles(resource).into_iter().filter(|(role, column)| {
            let seen = rules.column_index(column).is_some_and(|index| self.seen[index]);
            self.rows > 0 && !seen && (is_evident || (whole && is_needed(role)))
        });
        absent
            .map(|(role, column)| {
                let near = match nearest(column, self.undeclared.iter().map(String::as_str)) {
                    Some(near) => format!("; is `{near}` its new name? Declare it as an alias"),
                    None => String::new(),
                };
                let rows = self.rows;
                Warning {
                    about: format!("absent {column}"),
                    text: format!("none of {rows} rows has a value in `{column}`, the column of `{role}`{near}"),
                }
            })
            .collect()
    }
}

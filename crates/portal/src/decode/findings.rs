//! What a page or a file lacks that its resource has: columns of roles, and times.

use std::collections::BTreeSet;

use lake_model::{Resource, nearest};

use crate::decode::row::Row;
use crate::decode::row_rules::RowRules;
use crate::decode::value::Typed;

/// Rows without a value in a column of a role that make it likely that the column is gone. Few rows may lack it by chance.
const MIN_ROWS_WITHOUT: usize = 100;
/// The most names of undeclared columns that are kept.
const MAX_UNDECLARED: usize = 64;
/// The most characters of a value that are shown.
const MAX_SHOWN_CHARS: usize = 60;

/// Something that a reader of a page should know, though its rows land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about: a run says it once.
    pub about: String,
    /// The text.
    pub text: String,
}

/// What the rows seen so far have and lack.
#[derive(Debug)]
pub(crate) struct Findings {
    rows: usize,
    /// By declared column: whether any row has a value.
    seen: Vec<bool>,
    undeclared: BTreeSet<String>,
    undated: usize,
    /// A value of the time of occurrence that cannot be used.
    sample: Option<String>,
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

/// Whether nothing can be counted without the role.
pub(crate) fn is_needed(role: &str) -> bool {
    matches!(role, "key" | "occurred_at" | "latitude" | "longitude" | "point")
}

/// A published text as a message shows it: short, and without control characters.
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
            "{} of {} rows of a page are undated: no usable time in `{column}`, {sample}; `date_order` and `[bounds]` of \
             the resource file say how times are read",
            self.undated, self.rows
        );
        Some(Warning { about: "undated".to_owned(), text })
    }

    /// Returns a warning for each role whose column has no value in any row, where that is no chance; `whole` says that
    /// these are all the rows of a file.
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

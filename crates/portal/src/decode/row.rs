//! One row of a page, its values as published and as their columns are declared.

use std::borrow::Cow;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::decode::published::Published;
use crate::decode::row_rules::RowRules;
use crate::decode::value::Typed;

/// The longest value of a key column or a system field; longer ones do not occur in practice.
pub(crate) const MAX_KEY_BYTES: usize = 4096;

/// A value of a declared column.
#[derive(Clone, Debug)]
pub(crate) struct Cell<'a> {
    /// Which of the column's names it came under: 0 is its own, then the aliases.
    rank: usize,
    pub(crate) published: Published<'a>,
    /// `None` if it does not fit its column.
    pub(crate) typed: Option<Typed<'a>>,
}

/// One row.
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    /// By declared column; `None` where there is no value.
    pub(crate) cells: Vec<Option<Cell<'a>>>,
    /// Whether a declared column without a value was published as an empty text.
    pub(crate) empty: Vec<bool>,
    /// A value without a column, or whose column has its value from a name that takes precedence.
    pub(crate) unknown: Vec<(Cow<'a, str>, &'a str)>,
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) updated_at: Option<Cow<'a, str>>,
}

impl<'a> Row<'a> {
    /// Reads a row from the text of a JSON object.
    pub(crate) fn parse(rules: &RowRules, json: &'a str) -> Result<Self, serde_json::Error> {
        let columns = rules.resource.columns.len();
        let row = Row { cells: vec![None; columns], empty: vec![false; columns], ..Row::default() };
        let mut deserializer = serde_json::Deserializer::from_str(json);
        deserializer.deserialize_map(RowVisitor { rules, row })
    }

    /// Takes a value of a declared column. Of several names that have one, the first in the order of the definition
    /// gives it, whatever order they come in.
    fn take(&mut self, rules: &RowRules, index: usize, rank: usize, name: Cow<'a, str>, value: &'a str) {
        let published = Published(value);
        if published.is_null() {
            self.empty[index] |= value != "null";
            return;
        }
        let column = &rules.resource.columns[index];
        if self.cells[index].as_ref().is_some_and(|cell| cell.rank <= rank) {
            self.unknown.push((name, value));
            return;
        }
        let typed = published.to_typed(column.kind, &rules.times);
        if let Some(other) = self.cells[index].replace(Cell { rank, published, typed }) {
            let name = column.names().nth(other.rank).unwrap_or_default().to_owned();
            self.unknown.push((name.into(), other.published.0));
        }
    }
}

struct RowVisitor<'d, 'a> {
    rules: &'d RowRules,
    row: Row<'a>,
}

impl<'a> Visitor<'a> for RowVisitor<'_, 'a> {
    type Value = Row<'a>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Row<'a>, A::Error> {
        let mut row = self.row;
        while let Some(name) = map.next_key::<CowText<'a>>()?.map(|k| k.0) {
            if let Some((index, rank)) = self.rules.find_name(&name) {
                let value = map.next_value::<&'a RawValue>()?.get();
                row.take(self.rules, index, rank, name, value);
            } else if let Some(system) = name.strip_prefix(':') {
                match system {
                    "id" => row.id = system_text(map.next_value::<&'a RawValue>()?),
                    "updated_at" => row.updated_at = system_text(map.next_value::<&'a RawValue>()?),
                    // Created, version, computed regions: the portal's own, no content.
                    _ => drop(map.next_value::<IgnoredAny>()?),
                }
            } else {
                let value = map.next_value::<&'a RawValue>()?.get();
                if value != "null" {
                    row.unknown.push((name, value));
                }
            }
        }
        for (empty, cell) in row.empty.iter_mut().zip(&row.cells) {
            *empty &= cell.is_none();
        }
        Ok(row)
    }
}

/// Returns a system field's text; null, empty and absurdly long ones are absent.
fn system_text(value: &RawValue) -> Option<Cow<'_, str>> {
    let published = Published(value.get());
    let text = published.text();
    (!published.is_null() && !text.is_empty() && text.len() <= MAX_KEY_BYTES).then_some(text)
}

/// A key borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct CowText<'a>(#[serde(borrow)] Cow<'a, str>);

//! A value of an expression, and the order of values.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::ids::IdText;

/// A value of an expression.
#[derive(Debug, Clone)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Stamp(i64),
    Text(Cow<'a, str>),
    Id(IdText),
    /// JSON that is carried but not compared: points, locations, links.
    Json(&'a str),
}

impl Cell<'_> {
    /// Returns the order of values, nulls last.
    pub(crate) fn order(&self, other: &Cell<'_>) -> Ordering {
        match (self, other) {
            (Cell::Null, Cell::Null) => Ordering::Equal,
            (Cell::Null, _) => Ordering::Greater,
            (_, Cell::Null) => Ordering::Less,
            (Cell::Bool(left), Cell::Bool(right)) => left.cmp(right),
            (Cell::Number(left), Cell::Number(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
            (Cell::Stamp(left), Cell::Stamp(right)) => left.cmp(right),
            (Cell::Json(left), Cell::Json(right)) => left.cmp(right),
            _ => self.bytes().cmp(other.bytes()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Cell::Text(text) => text.as_bytes(),
            Cell::Id(text) => text,
            _ => &[],
        }
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        if let Cell::Bool(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn of(truth: Option<bool>) -> Self {
        truth.map_or(Cell::Null, Cell::Bool)
    }
}

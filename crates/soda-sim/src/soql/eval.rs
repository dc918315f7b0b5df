//! Expressions over rows, with SQL's three-valued logic.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::value::RawValue;

use super::ast::Op;
use super::cell::Cell;
use super::expr::{Expr, Literal, System, Trunc};
use super::like;
use crate::ids;
use crate::packed::Texts;
use crate::render;
use crate::row::{Key, Row};
use crate::stamp;
use crate::types::Kind;

/// A row as expressions see it: system fields, and data columns that are read when first used.
pub(crate) struct View<'a> {
    pub(crate) key: Key,
    pub(crate) row: &'a Row,
    texts: &'a Texts<'a>,
    wanted: &'a [String],
    fields: OnceCell<Vec<Option<&'a RawValue>>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(key: Key, row: &'a Row, texts: &'a Texts<'a>, wanted: &'a [String]) -> View<'a> {
        View { key, row, texts, wanted, fields: OnceCell::new() }
    }

    /// Returns the JSON of a selected column, as published.
    pub(crate) fn raw(&self, column: usize) -> Option<&'a str> {
        let fields = self.fields.get_or_init(|| render::pick(self.texts.text(self.row), self.wanted));
        fields.get(column).copied().flatten().map(RawValue::get)
    }

    /// Returns whether the condition holds; unknown counts as false.
    pub(crate) fn satisfies(&self, condition: &Expr) -> bool {
        self.truth(condition) == Some(true)
    }

    /// Returns the value of an expression.
    pub(crate) fn cell<'e>(&self, expr: &'e Expr) -> Cell<'e>
    where
        'a: 'e,
    {
        match expr {
            Expr::System(System::Id) => Cell::Id(ids::text(self.key.id)),
            Expr::System(System::Version) => Cell::Text(Cow::Owned(ids::version(self.row.version))),
            Expr::System(System::CreatedAt) => Cell::Stamp(self.row.created_at),
            Expr::System(System::UpdatedAt) => Cell::Stamp(self.key.updated_at),
            Expr::Data(column, kind) => self.raw(*column).map_or(Cell::Null, |raw| read(raw, *kind)),
            Expr::Literal(literal) => match literal {
                Literal::Null => Cell::Null,
                Literal::Bool(value) => Cell::Bool(*value),
                Literal::Number(value) => Cell::Number(*value),
                Literal::Stamp(value) => Cell::Stamp(*value),
                Literal::Text(value) => Cell::Text(Cow::Borrowed(value)),
            },
            Expr::Trunc(trunc, inner) => match self.cell(inner) {
                Cell::Stamp(ms) => Cell::Stamp(cut(ms, *trunc)),
                _ => Cell::Null,
            },
            Expr::Upper(inner) => match self.cell(inner) {
                Cell::Text(text) => Cell::Text(Cow::Owned(text.to_uppercase())),
                _ => Cell::Null,
            },
            Expr::Lower(inner) => match self.cell(inner) {
                Cell::Text(text) => Cell::Text(Cow::Owned(text.to_lowercase())),
                _ => Cell::Null,
            },
            condition => Cell::of(self.truth(condition)),
        }
    }

    fn truth(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Compare(op, left, right) => {
                let (left, right) = (self.cell(left), self.cell(right));
                if matches!(left, Cell::Null) || matches!(right, Cell::Null) {
                    return None;
                }
                let order = left.order(&right);
                Some(match op {
                    Op::Eq => order.is_eq(),
                    Op::Ne => order.is_ne(),
                    Op::Lt => order.is_lt(),
                    Op::Le => order.is_le(),
                    Op::Gt => order.is_gt(),
                    Op::Ge => order.is_ge(),
                })
            }
            Expr::And(parts) => self.fold(parts, false),
            Expr::Or(parts) => self.fold(parts, true),
            Expr::Not(inner) => self.truth(inner).map(|value| !value),
            Expr::IsNull(inner) => Some(matches!(self.cell(inner), Cell::Null)),
            Expr::StartsWith(value, prefix) => match (self.cell(value), self.cell(prefix)) {
                (Cell::Text(value), Cell::Text(prefix)) => Some(value.starts_with(prefix.as_ref())),
                _ => None,
            },
            Expr::Like(value, pattern) => match (self.cell(value), self.cell(pattern)) {
                (Cell::Text(value), Cell::Text(pattern)) => Some(like::matches(&value, &pattern)),
                _ => None,
            },
            Expr::Literal(Literal::Bool(value)) => Some(*value),
            Expr::Data(..) => self.cell(expr).truth(),
            _ => None,
        }
    }

    /// Combines conditions: a false decides AND, a true decides OR; otherwise one unknown makes the result unknown.
    fn fold(&self, parts: &[Expr], decisive: bool) -> Option<bool> {
        let mut unknown = false;
        for part in parts {
            match self.truth(part) {
                Some(value) if value == decisive => return Some(decisive),
                Some(_) => {}
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(!decisive) }
    }
}

/// Reads published JSON as a value of its column's type.
fn read(raw: &str, kind: Kind) -> Cell<'_> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match kind {
        Kind::Bool => match raw {
            "true" => Cell::Bool(true),
            "false" => Cell::Bool(false),
            _ => Cell::Null,
        },
        Kind::Number => inner.unwrap_or(raw).parse().map_or(Cell::Null, Cell::Number),
        Kind::Floating | Kind::Fixed => inner.and_then(stamp::parse).map_or(Cell::Null, Cell::Stamp),
        Kind::Point | Kind::MultiPolygon | Kind::Location | Kind::Url => Cell::Json(raw),
        Kind::Text | Kind::RowId | Kind::RowVersion => match inner {
            Some(plain) if !plain.contains('\\') => Cell::Text(Cow::Borrowed(plain)),
            _ => Cell::Text(Cow::Owned(serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()))),
        },
    }
}

fn cut(ms: i64, trunc: Trunc) -> i64 {
    let (year, month, day) = stamp::civil(ms.div_euclid(86_400_000));
    let days = match trunc {
        Trunc::Year => stamp::days(year, 1, 1),
        Trunc::Month => stamp::days(year, month, 1),
        Trunc::Day => stamp::days(year, month, day),
    };
    days * 86_400_000
}

//! Checked expressions: every name found, every literal of its column's type.

use super::ast::Op;
use crate::types::Kind;

/// A field the portal adds to every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Id,
    Version,
    CreatedAt,
    UpdatedAt,
}

impl System {
    pub(crate) const ALL: [System; 4] = [System::Id, System::Version, System::CreatedAt, System::UpdatedAt];

    pub(crate) fn name(self) -> &'static str {
        match self {
            System::Id => ":id",
            System::Version => ":version",
            System::CreatedAt => ":created_at",
            System::UpdatedAt => ":updated_at",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            System::Id => Kind::RowId,
            System::Version => Kind::RowVersion,
            System::CreatedAt | System::UpdatedAt => Kind::Fixed,
        }
    }

    pub(crate) fn named(name: &str) -> Option<System> {
        System::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// How far a date is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trunc {
    Year,
    Month,
    Day,
}

/// A literal of its final type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    Stamp(i64),
    Text(String),
}

/// A checked expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    System(System),
    /// A data column: its number among the columns the query wants, and its type.
    Data(usize, Kind),
    Literal(Literal),
    Trunc(Trunc, Box<Expr>),
    Upper(Box<Expr>),
    Lower(Box<Expr>),
    StartsWith(Box<Expr>, Box<Expr>),
    Like(Box<Expr>, Box<Expr>),
    Compare(Op, Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
}

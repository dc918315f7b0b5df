//! Trees as checked expressions: names are looked up, types compared, literals converted.

use super::ast::{Node, NodeKind, Op};
use super::expr::{Expr, Literal, System, Trunc};
use super::failure::{Clause, Failure, Place};
use crate::stamp;
use crate::types::{Column, Kind};

/// The meaning of names in a query, and the data columns it has used so far.
pub(crate) struct Scope<'a> {
    pub(crate) columns: &'a [Column],
    /// Some backends refuse to order row identifiers.
    pub(crate) refuse_id_comparison: bool,
    pub(crate) wanted: Vec<String>,
    pub(crate) clause: Clause,
}

type Checked = Result<(Expr, Kind), Failure>;

impl Scope<'_> {
    /// Checks the node as a condition.
    pub(crate) fn condition(&mut self, node: &Node, function: &str) -> Result<Expr, Failure> {
        let (expr, kind) = self.expression(node)?;
        if kind == Kind::Bool { Ok(expr) } else { Err(self.mismatch(function, kind, node)) }
    }

    /// Checks the node as an expression over one row, and returns its type.
    pub(crate) fn expression(&mut self, node: &Node) -> Checked {
        match &node.kind {
            NodeKind::Column(name) => self.column(name, node),
            NodeKind::Text(text) => Ok((Expr::Literal(Literal::Text(text.clone())), Kind::Text)),
            NodeKind::Number(number) => Ok((Expr::Literal(Literal::Number(*number)), Kind::Number)),
            NodeKind::Bool(value) => Ok((Expr::Literal(Literal::Bool(*value)), Kind::Bool)),
            NodeKind::Null => Ok((Expr::Literal(Literal::Null), Kind::Bool)),
            NodeKind::CountStar => Err(self.no_function("count", node)),
            NodeKind::Call(function, arguments) => self.call(function, arguments, node),
            NodeKind::Compare(op, left, right) => Ok((self.compare(*op, left, right)?, Kind::Bool)),
            NodeKind::And(parts) => Ok((Expr::And(self.conditions(parts, "op$and")?), Kind::Bool)),
            NodeKind::Or(parts) => Ok((Expr::Or(self.conditions(parts, "op$or")?), Kind::Bool)),
            NodeKind::Not(inner) => Ok((Expr::Not(Box::new(self.condition(inner, "op$not")?)), Kind::Bool)),
            NodeKind::IsNull(inner) => Ok((Expr::IsNull(Box::new(self.expression(inner)?.0)), Kind::Bool)),
            NodeKind::Between(value, low, high) => {
                let from = self.compare(Op::Ge, value, low)?;
                let to = self.compare(Op::Le, value, high)?;
                Ok((Expr::And(vec![from, to]), Kind::Bool))
            }
            NodeKind::In(value, items) => {
                let equals: Result<Vec<Expr>, Failure> =
                    items.iter().map(|item| self.compare(Op::Eq, value, item)).collect();
                Ok((Expr::Or(equals?), Kind::Bool))
            }
            NodeKind::Like(value, pattern) => {
                let value = self.text(value, "#LIKE")?;
                Ok((Expr::Like(value, self.text(pattern, "#LIKE")?), Kind::Bool))
            }
        }
    }

    /// Returns the number of a data column among the selected ones; adds it if it is new.
    pub(crate) fn want(&mut self, name: &str) -> usize {
        let known = self.wanted.iter().position(|wanted| wanted == name);
        known.unwrap_or_else(|| {
            self.wanted.push(name.to_owned());
            self.wanted.len() - 1
        })
    }

    pub(crate) fn place(&self, node: &Node) -> Place {
        Place { clause: self.clause, token: node.at }
    }

    pub(crate) fn mismatch(&self, function: &str, kind: Kind, node: &Node) -> Failure {
        let place = self.place(node);
        Failure::TypeMismatch { function: function.to_owned(), kind: kind.name(), place }
    }

    pub(crate) fn no_function(&self, function: &str, node: &Node) -> Failure {
        Failure::NoSuchFunction { function: function.to_owned(), place: self.place(node) }
    }

    fn column(&mut self, name: &str, node: &Node) -> Checked {
        if let Some(field) = System::named(name) {
            return Ok((Expr::System(field), field.kind()));
        }
        // Column names are not case sensitive in SoQL, and rows have them in lower case.
        let lower = name.to_ascii_lowercase();
        let Some(column) = self.columns.iter().find(|column| column.name == name || column.name == lower) else {
            return Err(Failure::NoSuchColumn { column: lower, place: self.place(node) });
        };
        let kind = column.kind.kind();
        Ok((Expr::Data(self.want(&column.name), kind), kind))
    }

    fn conditions(&mut self, parts: &[Node], function: &str) -> Result<Vec<Expr>, Failure> {
        parts.iter().map(|part| self.condition(part, function)).collect()
    }

    fn text(&mut self, node: &Node, function: &str) -> Result<Box<Expr>, Failure> {
        let (expr, kind) = self.expression(node)?;
        if kind == Kind::Text { Ok(Box::new(expr)) } else { Err(self.mismatch(function, kind, node)) }
    }

    fn call(&mut self, function: &str, arguments: &[Node], node: &Node) -> Checked {
        match (function, arguments) {
            ("date_trunc_y", [date]) => self.trunc(Trunc::Year, date, function),
            ("date_trunc_ym", [date]) => self.trunc(Trunc::Month, date, function),
            ("date_trunc_ymd", [date]) => self.trunc(Trunc::Day, date, function),
            ("upper", [value]) => Ok((Expr::Upper(self.text(value, function)?), Kind::Text)),
            ("lower", [value]) => Ok((Expr::Lower(self.text(value, function)?), Kind::Text)),
            ("starts_with", [value, prefix]) => {
                let value = self.text(value, function)?;
                Ok((Expr::StartsWith(value, self.text(prefix, function)?), Kind::Bool))
            }
            _ => Err(self.no_function(function, node)),
        }
    }

    fn trunc(&mut self, trunc: Trunc, date: &Node, function: &str) -> Checked {
        let (expr, kind) = self.expression(date)?;
        if !matches!(kind, Kind::Floating | Kind::Fixed) {
            return Err(self.mismatch(function, kind, date));
        }
        Ok((Expr::Trunc(trunc, Box::new(expr)), kind))
    }

    fn compare(&mut self, op: Op, left_node: &Node, right_node: &Node) -> Result<Expr, Failure> {
        let (left, left_kind) = self.expression(left_node)?;
        let (right, right_kind) = self.expression(right_node)?;
        if matches!(left, Expr::Literal(Literal::Null)) || matches!(right, Expr::Literal(Literal::Null)) {
            return Ok(Expr::Literal(Literal::Null));
        }
        let function = op.function();
        let (left, right, kind) = if left_kind == right_kind {
            (left, right, left_kind)
        } else if let Some(right) = convert(&right, left_kind) {
            (left, right, left_kind)
        } else if let Some(left) = convert(&left, right_kind) {
            (left, right, right_kind)
        } else {
            return Err(self.mismatch(function, right_kind, right_node));
        };
        let comparable = match kind {
            Kind::Text | Kind::Number | Kind::Floating | Kind::Fixed | Kind::RowVersion => true,
            Kind::RowId => !(op.is_ordering() && self.refuse_id_comparison),
            Kind::Bool => !op.is_ordering(),
            Kind::Point | Kind::MultiPolygon | Kind::Location | Kind::Url => false,
        };
        if !comparable {
            return Err(self.mismatch(function, kind, left_node));
        }
        Ok(Expr::Compare(op, Box::new(left), Box::new(right)))
    }
}

/// Converts a string literal to a literal of another type, as a portal does implicitly.
fn convert(expr: &Expr, kind: Kind) -> Option<Expr> {
    let Expr::Literal(Literal::Text(text)) = expr else {
        return None;
    };
    let literal = match kind {
        Kind::Number => Literal::Number(text.trim().parse().ok().filter(|number: &f64| number.is_finite())?),
        Kind::Floating | Kind::Fixed => Literal::Stamp(stamp::parse(text)?),
        Kind::RowId | Kind::RowVersion => Literal::Text(text.clone()),
        _ => return None,
    };
    Some(Expr::Literal(literal))
}

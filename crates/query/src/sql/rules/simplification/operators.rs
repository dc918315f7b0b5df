//! Operators whose simplification forgets null, or depends on the order of their sides.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{BinaryExpr, InList, ScalarFunction};
use datafusion::logical_expr::{Expr, Operator, and, lit, or};

use super::marked;

/// A pattern that every text matches. The engine makes `IS NOT NULL` of it, but not of the empty pattern.
const ANY_TEXT: &str = ".*";

/// Rewrites the operators of an expression so that the engine simplifies them right.
pub(super) fn protect(expr: Expr) -> Result<Transformed<Expr>> {
    let mut marks = 0;
    expr.transform_up(|expr| match expr {
        // Equal operands are taken away in pairs, null or not.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::BitwiseXor, right }) if !is_literal(&right) => {
            marks += 1;
            Ok(Transformed::yes(binary(*left, Operator::BitwiseXor, marked(*right, marks))))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_match(op) && is_any_text(&right) => {
            Ok(Transformed::yes(binary(*left, op, empty_pattern(*right))))
        }
        Expr::ScalarFunction(ScalarFunction { func, args })
            if func.name() == "regexp_like" && args.get(1).is_some_and(is_any_text) =>
        {
            let empty = |(at, arg)| if at == 1 { empty_pattern(arg) } else { arg };
            let args = args.into_iter().enumerate().map(empty).collect();
            Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })))
        }
        Expr::InList(list) if is_constant(&list.expr) && !list.list.iter().all(is_constant) => {
            Ok(Transformed::yes(comparisons(list)))
        }
        expr => Ok(Transformed::no(expr)),
    })
}

/// Puts a literal to the right of the column that it is compared with. The engine compares conditions on one column with
/// each other as if all of them were written so, but does it for filters only, not for conditions of joins.
pub(super) fn literal_last(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op.swap() {
            Some(swapped) if is_literal(&left) && matches!(*right, Expr::Column(_)) => {
                Transformed::yes(binary(*right, swapped, *left))
            }
            _ => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
        },
        expr => Transformed::no(expr),
    }
}

/// Returns `1 = x OR 1 = y` for `1 IN (x, y)`: a mark on a constant does not last.
fn comparisons(InList { expr, list, negated }: InList) -> Expr {
    let (op, combine): (_, fn(Expr, Expr) -> Expr) = if negated { (Operator::NotEq, and) } else { (Operator::Eq, or) };
    let compared = list.into_iter().map(|item| binary(expr.as_ref().clone(), op, item));
    compared.reduce(combine).unwrap_or_else(|| lit(negated))
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
}

/// Returns whether an operator matches a text with a regular expression.
pub(super) fn is_match(op: Operator) -> bool {
    matches!(op, Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch)
}

fn is_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..))
}

fn is_any_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.try_as_str() == Some(Some(ANY_TEXT)))
}

fn empty_pattern(expr: Expr) -> Expr {
    let empty = Some(String::new());
    match expr {
        Expr::Literal(ScalarValue::Utf8(_), metadata) => Expr::Literal(ScalarValue::Utf8(empty), metadata),
        Expr::Literal(ScalarValue::Utf8View(_), metadata) => Expr::Literal(ScalarValue::Utf8View(empty), metadata),
        Expr::Literal(ScalarValue::LargeUtf8(_), metadata) => Expr::Literal(ScalarValue::LargeUtf8(empty), metadata),
        other => other,
    }
}

fn is_constant(expr: &Expr) -> bool {
    let varies = |expr: &Expr| {
        let is_input = matches!(
            expr,
            Expr::Column(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
        );
        Ok(is_input || expr.is_volatile_node())
    };
    !expr.exists(varies).unwrap_or(true)
}

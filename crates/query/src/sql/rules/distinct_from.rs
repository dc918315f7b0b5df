//! `a IS NOT DISTINCT FROM b AND c`. The parser takes all that follows for the right side, `(b AND c)`, so such a condition
//! is rejected.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Statement, visit_expressions};
use lake_model::{Error, Result};

/// Checks a statement before it is planned.
///
/// # Errors
/// If the right side of `IS DISTINCT FROM` is a condition without parentheses.
pub(super) fn check(statement: &Statement) -> Result<()> {
    let found = visit_expressions(statement, |expr| match expr {
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) if is_condition(right) => {
            ControlFlow::Break(left.to_string())
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(left) => Err(Error::invalid(format!(
            "the expression after {left} IS [NOT] DISTINCT FROM is ambiguous; write the comparison in parentheses: \
             ({left} IS NOT DISTINCT FROM ...) AND ..."
        ))),
    }
}

fn is_condition(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::BinaryOp {
            op: BinaryOperator::And
                | BinaryOperator::Or
                | BinaryOperator::Xor
                | BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::{DFParser, Statement};

    use super::*;

    fn checked(condition: &str) -> Result<()> {
        let text = format!("SELECT 1 FROM t WHERE {condition}");
        match DFParser::parse_sql(&text).expect("SQL").pop_front().expect("a statement") {
            Statement::Statement(statement) => check(&statement),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_condition_after_distinct_from_needs_parentheses() {
        for right in
            ["a IS DISTINCT FROM b", "(a IS NOT DISTINCT FROM b) AND c = d", "c = d AND a IS DISTINCT FROM b + 1"]
        {
            assert!(checked(right).is_ok(), "{right}");
        }
        for wrong in ["a IS NOT DISTINCT FROM b AND c = d", "a IS DISTINCT FROM b OR c"] {
            let error = checked(wrong).expect_err(wrong).to_string();
            assert!(error.contains("write the comparison in parentheses: (a IS NOT DISTINCT FROM ...)"), "{error}");
        }
    }
}

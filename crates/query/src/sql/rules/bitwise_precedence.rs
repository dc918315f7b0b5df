//! `a << 2 & 3`. PostgreSQL and DuckDB read bitwise operators from left to right, the engine's parser binds `&` before `|`
//! and both before shifts. Such an expression is rejected.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Statement, visit_expressions};
use lake_model::{Error, Result};

/// Checks a statement before it is planned.
///
/// # Errors
/// If a bitwise operator has another one as its side, without parentheses.
pub(super) fn check(statement: &Statement) -> Result<()> {
    let found = visit_expressions(statement, |expr| match expr {
        Expr::BinaryOp { left, op, right }
            if is_bitwise(op) && (is_other_operator(left, op) || is_other_operator(right, op)) =>
        {
            ControlFlow::Break(expr.to_string())
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(text) => Err(Error::invalid(format!(
            "`{text}` may be read in two ways; write one of the operators in parentheses: (a << 2) & 3"
        ))),
    }
}

fn is_bitwise(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::BitwiseAnd
            | BinaryOperator::BitwiseOr
            | BinaryOperator::BitwiseXor
            | BinaryOperator::PGBitwiseXor
            | BinaryOperator::PGBitwiseShiftLeft
            | BinaryOperator::PGBitwiseShiftRight
    )
}

/// Returns whether a side is another bitwise operator without parentheses.
fn is_other_operator(side: &Expr, than: &BinaryOperator) -> bool {
    matches!(side, Expr::BinaryOp { op, .. } if is_bitwise(op) && op != than)
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::{DFParser, Statement};

    use super::*;

    fn checked(expression: &str) -> Result<()> {
        let text = format!("SELECT {expression} FROM t");
        match DFParser::parse_sql(&text).expect("SQL").pop_front().expect("a statement") {
            Statement::Statement(statement) => check(&statement),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn mixed_bitwise_operators_need_parentheses() {
        for right in ["a & 3 & b", "(a << 2) & 3", "a << (2 & 3)", "a + 1 & 3", "a << 1 << 2", "(a & 1) | (b & 2)"] {
            assert!(checked(right).is_ok(), "{right}");
        }
        for wrong in ["a << 2 & 3", "a >> 52 & 15", "a | 2 & 4", "a & 4 | b", "1 + (a & 6 << 1)"] {
            let error = checked(wrong).expect_err(wrong).to_string();
            assert!(error.contains("in parentheses: (a << 2) & 3"), "{error}");
        }
    }
}

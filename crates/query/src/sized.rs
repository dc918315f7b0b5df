//! Types whose values are as long as a number says: the engine makes one of them, null or not, in its full length. They are
//! refused where they are written.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, ArrayElemTypeDef, DataType, Expr, Value, visit_expressions};
use lake_model::{Error, Result};

/// The functions that take a type as a text.
const CASTS: [&str; 2] = ["arrow_cast", "arrow_try_cast"];

/// Checks a statement before it is planned.
///
/// # Errors
/// If it names such a type.
pub(crate) fn check(statement: &ast::Statement) -> Result<()> {
    let found = visit_expressions(statement, |expr| match sized(expr) {
        Some(kind) => ControlFlow::Break(kind),
        None => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(kind) => {
            let what =
                format!("the type {kind} has a length, and so has every value of it; leave the length out: INT[]");
            Err(Error::invalid(what))
        }
    }
}

fn sized(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Cast { data_type, .. } => has_length(data_type).then(|| data_type.to_string()),
        Expr::Function(call) if CASTS.contains(&call.name.to_string().to_lowercase().trim_matches('"')) => {
            let mut kind = None;
            let _: ControlFlow<()> = visit_expressions(&call.args, |argument| {
                if let Expr::Value(value) = argument
                    && let Some(text) = text(&value.value)
                    && text.contains("FixedSize")
                {
                    kind = Some(text.to_owned());
                }
                ControlFlow::Continue(())
            });
            kind
        }
        _ => None,
    }
}

fn has_length(kind: &DataType) -> bool {
    match kind {
        DataType::Array(ArrayElemTypeDef::SquareBracket(inner, length)) => length.is_some() || has_length(inner),
        DataType::Array(ArrayElemTypeDef::AngleBracket(inner) | ArrayElemTypeDef::Parenthesis(inner)) => {
            has_length(inner)
        }
        _ => false,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::SingleQuotedString(text)
        | Value::DoubleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text)
        | Value::NationalStringLiteral(text) => Some(text),
        Value::DollarQuotedString(quoted) => Some(&quoted.value),
        _ => None,
    }
}

//! Makes `TIMESTAMP` in a statement microseconds, where the engine uses nanoseconds.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{
    self, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    TypedString, Value, visit_expressions_mut,
};

use super::at_time_zone::AT_TIME_ZONE;

const SECONDS_TO_TIMESTAMP: &str = "seconds_to_timestamp";
/// Precision of microseconds, in digits.
const DIGITS: u64 = 6;

/// Replaces `TIMESTAMP` by `TIMESTAMP(6)`, and `AT TIME ZONE` by a call of our function.
pub(in crate::sql::rules) fn rewrite(statement: &mut ast::Statement) {
    let _: ControlFlow<()> = visit_expressions_mut(statement, |expr| {
        match expr {
            ast::Expr::Cast { data_type, expr: inner, .. } => {
                // The engine casts integers as seconds, but only to nanoseconds.
                let may_be_number = !matches!(inner.as_ref(), ast::Expr::Value(_)) || is_number(inner);
                if set_digits(data_type) && may_be_number {
                    let value = inner.as_ref().clone();
                    **inner = call(SECONDS_TO_TIMESTAMP, vec![value]);
                }
            }
            ast::Expr::TypedString(TypedString { data_type, .. }) => {
                set_digits(data_type);
            }
            ast::Expr::AtTimeZone { timestamp, time_zone } if is_text(time_zone) => {
                *expr = call(AT_TIME_ZONE, vec![timestamp.as_ref().clone(), time_zone.as_ref().clone()]);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
}

fn set_digits(kind: &mut ast::DataType) -> bool {
    match kind {
        ast::DataType::Timestamp(digits @ None, _) => {
            *digits = Some(DIGITS);
            true
        }
        _ => false,
    }
}

fn is_number(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Value(value) if matches!(value.value, Value::Number(..)))
}

fn is_text(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)))
}

fn call(name: &str, args: Vec<ast::Expr>) -> ast::Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    ast::Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Returns the function that converts integers, as seconds since 1970, and returns other values unchanged.
pub(super) fn seconds_to_timestamp() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(SecondsToTimestamp { signature: Signature::any(1, Volatility::Immutable) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SecondsToTimestamp {
    signature: Signature,
}

fn type_of(kind: &DataType) -> DataType {
    if kind.is_integer() { DataType::Timestamp(TimeUnit::Second, None) } else { kind.clone() }
}

impl ScalarUDFImpl for SecondsToTimestamp {
    fn name(&self) -> &'static str {
        SECONDS_TO_TIMESTAMP
    }

    /// Returns the name of the argument, as the engine does for a cast.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [value] => Ok(value.schema_name().to_string()),
            _ => plan_err!("{SECONDS_TO_TIMESTAMP} takes one value"),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [kind] => Ok(type_of(kind)),
            _ => plan_err!("{SECONDS_TO_TIMESTAMP} takes one value"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = args.arg_fields else { return plan_err!("{SECONDS_TO_TIMESTAMP} takes one value") };
        Ok(Arc::new(Field::new(self.name(), type_of(field.data_type()), field.is_nullable())))
    }

    /// Removes the call for other values, so that files can still be pruned by a cast of a column.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match args.as_slice() {
            [value] if !info.get_data_type(value)?.is_integer() => Ok(ExprSimplifyResult::Simplified(value.clone())),
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            Some(value) => value.cast_to(args.return_field.data_type(), None),
            None => internal_err!("{SECONDS_TO_TIMESTAMP} of nothing"),
        }
    }
}

//! `+`, `-`, `*`, `-a`, `<<` and `>>` of integers, and arithmetic of decimals, checked.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use arrow::compute::kernels::numeric::{add, div, mul, neg, rem, sub};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::logical_expr_common::type_coercion::binary::BinaryTypeCoercer;
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;

use super::precision::is_precise;
use super::shift::shift;
use crate::sql::expressions::{input_schema, rewrite_expressions};

/// Puts checked functions in the place of the operators, once the types of both sides are known.
#[derive(Debug)]
pub(super) struct CheckArithmetic;

impl AnalyzerRule for CheckArithmetic {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(checked_step).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "check_arithmetic"
    }
}

fn checked_step(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = input_schema(&plan)?;
    let plan = rewrite_expressions(plan, |expr| checked(expr, &schema))?;
    if plan.transformed { plan.map_data(LogicalPlan::recompute_schema) } else { Ok(plan) }
}

fn checked(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let operator = Arithmetic::of(op);
            let result = operator.and_then(|of| of.result(op, &kind_of(&left, schema)?, &kind_of(&right, schema)?));
            match operator.zip(result) {
                Some((of, result)) => Ok(Transformed::yes(Checked::function(of, result).call(vec![*left, *right]))),
                None => Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
            }
        }
        Expr::Negative(of) if !matches!(*of, Expr::Literal(..)) => match kind_of(&of, schema) {
            Some(kind) if kind.is_integer() => {
                Ok(Transformed::yes(Checked::function(Arithmetic::Negate, kind).call(vec![*of])))
            }
            _ => Ok(Transformed::no(Expr::Negative(of))),
        },
        expr => Ok(Transformed::no(expr)),
    }
}

/// Bytes of the name of a side that is kept as it is.
const MAX_NAME_BYTES: usize = 256;

/// Returns a name, or its hash where it is long: equal names stay equal, and others differ.
fn shorten(name: String) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name;
    }
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("({:016x})", hasher.finish())
}

/// Returns the type of an expression. That of a checked operator is stored with it: to return the type of a function,
/// the engine names every level below it.
fn kind_of(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    if let Expr::ScalarFunction(function) = expr
        && let Some(checked) = function.func.inner().downcast_ref::<Checked>()
    {
        return Some(checked.result.clone());
    }
    expr.get_type(schema).ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
    ShiftLeft,
    ShiftRight,
}

impl Arithmetic {
    fn of(operator: Operator) -> Option<Self> {
        match operator {
            Operator::Plus => Some(Self::Add),
            Operator::Minus => Some(Self::Subtract),
            Operator::Multiply => Some(Self::Multiply),
            Operator::Divide => Some(Self::Divide),
            Operator::Modulo => Some(Self::Remainder),
            Operator::BitwiseShiftLeft => Some(Self::ShiftLeft),
            Operator::BitwiseShiftRight => Some(Self::ShiftRight),
            _ => None,
        }
    }

    /// Returns the type of a result that has to be checked; `None` where the engine checks it, or nothing can overflow.
    fn result(self, operator: Operator, left: &DataType, right: &DataType) -> Option<DataType> {
        let checks_itself = matches!(self, Self::Divide | Self::Remainder);
        if left.is_integer() && left == right && !checks_itself {
            return Some(left.clone());
        }
        let is_shift = matches!(self, Self::ShiftLeft | Self::ShiftRight);
        if !left.is_decimal() || !right.is_decimal() || is_shift {
            return None;
        }
        BinaryTypeCoercer::new(left, &operator, right).get_result_type().ok()
    }
}

/// An operator as a function that fails where the result does not fit.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    of: Arithmetic,
    result: DataType,
    signature: Signature,
}

impl Checked {
    fn function(of: Arithmetic, result: DataType) -> ScalarUDF {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::new_from_impl(Self { of, result, signature })
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &'static str {
        match self.of {
            Arithmetic::Add => "+",
            Arithmetic::Subtract | Arithmetic::Negate => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::Remainder => "%",
            Arithmetic::ShiftLeft => "<<",
            Arithmetic::ShiftRight => ">>",
        }
    }

    /// Returns the name that the operator gives its column, with long sides shortened. The engine asks for the name at
    /// each level of an expression, and each contains those below: complete names of a deep expression would cost the
    /// cube of its depth.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names = args.iter().map(|arg| shorten(arg.schema_name().to_string())).collect::<Vec<_>>();
        match names.as_slice() {
            [left, right] => Ok(format!("{left} {} {right}", self.name())),
            [of] => Ok(format!("(- {of})")),
            _ => exec_err!("an operator has one or two sides"),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = match (self.of, args.args.as_slice()) {
            (Arithmetic::Add, [left, right]) => apply(left, right, add)?,
            (Arithmetic::Subtract, [left, right]) => apply(left, right, sub)?,
            (Arithmetic::Multiply, [left, right]) => apply(left, right, mul)?,
            (Arithmetic::Divide, [left, right]) => apply(left, right, div)?,
            (Arithmetic::Remainder, [left, right]) => apply(left, right, rem)?,
            (Arithmetic::ShiftLeft | Arithmetic::ShiftRight, [left, right]) => {
                let is_left = self.of == Arithmetic::ShiftLeft;
                let sides = ColumnarValue::values_to_arrays(&[left.clone(), right.clone()])?;
                let shifted = shift(&sides, &self.result, is_left)?;
                match (left, right) {
                    (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => {
                        ColumnarValue::Scalar(ScalarValue::try_from_array(&shifted, 0)?)
                    }
                    _ => ColumnarValue::Array(shifted),
                }
            }
            (Arithmetic::Negate, [ColumnarValue::Array(of)]) => ColumnarValue::Array(neg(of)?),
            (Arithmetic::Negate, [ColumnarValue::Scalar(of)]) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&neg(&of.to_array()?)?, 0)?)
            }
            _ => return exec_err!("an operator has one or two sides"),
        };
        if self.result.is_decimal() && !is_precise(&value.to_array(1)?) {
            return exec_err!(
                "Arithmetic overflow: a result of {} has more digits than {}; CAST one side to DOUBLE",
                self.name(),
                self.result
            );
        }
        Ok(value)
    }
}

//! `a + b`, `a - b`, `a * b` and `-a` of whole numbers, checked.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use arrow::compute::kernels::numeric::{add, mul, neg, sub};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;

use crate::expressions::{input_schema, rewrite_expressions};

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
    let whole = |expr: &Expr| first_operand(expr).get_type(schema).ok().filter(DataType::is_integer);
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match Checked::of(op) {
            Some(of) if whole(&left).is_some_and(|kind| Some(kind) == whole(&right)) => {
                Ok(Transformed::yes(ScalarUDF::new_from_impl(Checked::new(of)).call(vec![*left, *right])))
            }
            _ => Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
        },
        Expr::Negative(of) if whole(&of).is_some() && !matches!(*of, Expr::Literal(..)) => {
            Ok(Transformed::yes(ScalarUDF::new_from_impl(Checked::new(Arithmetic::Negate)).call(vec![*of])))
        }
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

/// Returns the expression whose type a chain of checked operators has: each has that of its first side. Asked for the type
/// of a function, the engine names every level below it.
fn first_operand(mut expr: &Expr) -> &Expr {
    while let Expr::ScalarFunction(function) = expr
        && function.func.inner().is::<Checked>()
        && let Some(first) = function.args.first()
    {
        expr = first;
    }
    expr
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Negate,
}

/// An operator as a function that fails where the result does not fit.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    of: Arithmetic,
    signature: Signature,
}

impl Checked {
    fn new(of: Arithmetic) -> Self {
        Self { of, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn of(operator: Operator) -> Option<Arithmetic> {
        match operator {
            Operator::Plus => Some(Arithmetic::Add),
            Operator::Minus => Some(Arithmetic::Subtract),
            Operator::Multiply => Some(Arithmetic::Multiply),
            _ => None,
        }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &'static str {
        match self.of {
            Arithmetic::Add => "+",
            Arithmetic::Subtract | Arithmetic::Negate => "-",
            Arithmetic::Multiply => "*",
        }
    }

    /// As the operator names its column, but for long sides. The engine asks for the name of each level of an expression,
    /// and each is made of those below: whole, the names of a deep expression cost the cube of its depth.
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

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [of, ..] => Ok(of.clone()),
            [] => exec_err!("an operator has one or two sides"),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match (self.of, args.args.as_slice()) {
            (Arithmetic::Add, [left, right]) => apply(left, right, add),
            (Arithmetic::Subtract, [left, right]) => apply(left, right, sub),
            (Arithmetic::Multiply, [left, right]) => apply(left, right, mul),
            (Arithmetic::Negate, [ColumnarValue::Array(of)]) => Ok(ColumnarValue::Array(neg(of)?)),
            (Arithmetic::Negate, [ColumnarValue::Scalar(of)]) => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&neg(&of.to_array()?)?, 0)?))
            }
            _ => exec_err!("an operator has one or two sides"),
        }
    }
}

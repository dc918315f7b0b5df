//! `LEAD` and `LAG` with `IGNORE NULLS`: the n-th non-null value after or before a row. The engine does not look
//! across a gap of nulls, and pushes a `LIMIT` below the window as if the value were n rows away.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, UInt64Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::FieldRef;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::NullTreatment;
use datafusion::logical_expr::function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    Expr, LimitEffect, LogicalPlan, PartitionEvaluator, Signature, WindowFunctionDefinition, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;

use crate::sql::expressions::rewrite_expressions;

/// Returns the plan with our functions in place of `LEAD` and `LAG` that ignore nulls.
///
/// # Errors
/// If the engine refuses the new plan.
pub(super) fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.transform_up_with_subqueries(|step| rewrite_expressions(step, rewrite_ignore_nulls))
}

fn rewrite_ignore_nulls(expr: Expr) -> Result<Transformed<Expr>> {
    match expr {
        Expr::WindowFunction(mut call)
            if ignores_nulls(call.params.null_treatment.as_ref()) && matches!(call.fun.name(), "lead" | "lag") =>
        {
            if let WindowFunctionDefinition::WindowUDF(of) = call.fun {
                call.fun = WindowFunctionDefinition::WindowUDF(Arc::new(WindowUDF::from(NonNullValue::new(of))));
            }
            Ok(Transformed::yes(Expr::WindowFunction(call)))
        }
        expr => Ok(Transformed::no(expr)),
    }
}

fn ignores_nulls(treatment: Option<&NullTreatment>) -> bool {
    matches!(treatment, Some(NullTreatment::IgnoreNulls))
}

/// `lead` or `lag` over the non-null values.
#[derive(Debug)]
struct NonNullValue {
    of: Arc<WindowUDF>,
}

impl NonNullValue {
    fn new(of: Arc<WindowUDF>) -> Self {
        Self { of }
    }
}

impl PartialEq for NonNullValue {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

impl Eq for NonNullValue {}

impl Hash for NonNullValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.hash(state);
    }
}

impl WindowUDFImpl for NonNullValue {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn expressions(&self, args: ExpressionArgs<'_>) -> Vec<Arc<dyn PhysicalExpr>> {
        self.of.expressions(args)
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        self.of.field(args)
    }

    fn limit_effect(&self, _args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        let literal = |at: usize| match args.input_exprs().get(at) {
            None => Ok(None),
            Some(expr) => match expr.downcast_ref::<Literal>() {
                Some(literal) => Ok(Some(literal.value().clone())),
                None => plan_err!("{} takes a constant, not {expr}", self.name()),
            },
        };
        let offset = match literal(1)? {
            None => 1,
            Some(value) if value.is_null() => 1,
            Some(value) => match value.cast_to(&arrow::datatypes::DataType::Int64)? {
                ScalarValue::Int64(Some(offset)) => offset,
                _ => return plan_err!("the offset of {} is not valid: expected an integer, not {value}", self.name()),
            },
        };
        if offset == 0 {
            return plan_err!("{} with an offset of 0 is the value itself; write it without IGNORE NULLS", self.name());
        }
        let is_forward = (self.name() == "lead") == (offset > 0);
        let steps = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(Box::new(NonNullEvaluator { steps, is_forward, default: literal(2)? }))
    }
}

#[derive(Debug)]
struct NonNullEvaluator {
    /// Number of non-null values to step over, the found one included.
    steps: usize,
    is_forward: bool,
    /// The value if there is none.
    default: Option<ScalarValue>,
}

impl PartitionEvaluator for NonNullEvaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [values, ..] = values else { return plan_err!("a window function without a value") };
        let non_null: Vec<usize> = (0..rows).filter(|row| values.is_valid(*row)).collect();
        // Number of non-null values before the row.
        let mut before = 0;
        let found: Vec<Option<usize>> = (0..rows)
            .map(|row| {
                let is_non_null = non_null.get(before) == Some(&row);
                let place = if self.is_forward {
                    (before + usize::from(is_non_null)).checked_add(self.steps - 1)
                } else {
                    before.checked_sub(self.steps)
                };
                before += usize::from(is_non_null);
                place.and_then(|place| non_null.get(place).copied())
            })
            .collect();
        match self.default.as_ref().filter(|default| !default.is_null()) {
            None => {
                let places = found.into_iter().map(|row| row.and_then(|row| u64::try_from(row).ok()));
                Ok(take(values, &UInt64Array::from_iter(places), None)?)
            }
            Some(default) => {
                let default = default.cast_to(values.data_type())?.to_array()?;
                let places: Vec<(usize, usize)> =
                    found.into_iter().map(|row| row.map_or((1, 0), |row| (0, row))).collect();
                Ok(interleave(&[values.as_ref(), default.as_ref()], &places)?)
            }
        }
    }
}

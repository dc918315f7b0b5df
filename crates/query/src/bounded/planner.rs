//! Functions that are not called by their names: `[a, b]`, `{'a': b}`, `a || b`, `OVERLAY(a PLACING b FROM 1)`.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawDictionaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable as _};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::texts::{concat_texts, is_text};
use super::within_bounds;

/// Asks others what stands for an operator, and puts what they say within bounds.
#[derive(Debug)]
pub(super) struct Bounding {
    others: Vec<Arc<dyn ExprPlanner>>,
}

impl Bounding {
    pub(super) fn over(others: Vec<Arc<dyn ExprPlanner>>) -> Self {
        Self { others }
    }

    fn planned<T>(
        &self,
        mut asked: T,
        plan: impl Fn(&dyn ExprPlanner, T) -> Result<PlannerResult<T>>,
    ) -> Result<PlannerResult<T>> {
        for other in &self.others {
            match plan(other.as_ref(), asked)? {
                PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction { func, args })) => {
                    let call = ScalarFunction::new_udf(within_bounds(func), args);
                    return Ok(PlannerResult::Planned(Expr::ScalarFunction(call)));
                }
                PlannerResult::Planned(expr) => return Ok(PlannerResult::Planned(expr)),
                PlannerResult::Original(unchanged) => asked = unchanged,
            }
        }
        Ok(PlannerResult::Original(asked))
    }
}

impl ExprPlanner for Bounding {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let expr = match longer(expr, schema)? {
            PlannerResult::Original(expr) => expr,
            planned => return Ok(planned),
        };
        match self.planned(expr, |other, expr| other.plan_binary_op(expr, schema))? {
            PlannerResult::Original(RawBinaryExpr { op: BinaryOperator::StringConcat, left, right })
                if are_texts(&left, &right, schema)? =>
            {
                Ok(PlannerResult::Planned(concat_texts().call(vec![left, right])))
            }
            planned => Ok(planned),
        }
    }

    fn plan_array_literal(&self, exprs: Vec<Expr>, schema: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        self.planned(exprs, |other, exprs| other.plan_array_literal(exprs, schema))
    }

    fn plan_dictionary_literal(
        &self,
        expr: RawDictionaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawDictionaryExpr>> {
        self.planned(expr, |other, expr| other.plan_dictionary_literal(expr, schema))
    }

    fn plan_struct_literal(&self, args: Vec<Expr>, is_named: bool) -> Result<PlannerResult<Vec<Expr>>> {
        self.planned(args, |other, args| other.plan_struct_literal(args, is_named))
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.planned(args, |other, args| other.plan_overlay(args))
    }

    fn plan_make_map(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.planned(args, |other, args| other.plan_make_map(args))
    }
}

/// A chain of texts is one call: as a call within a call for each of them it would take a second for every few hundred.
fn longer(expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let RawBinaryExpr { op, left, right } = expr;
    match left {
        Expr::ScalarFunction(ScalarFunction { func, mut args })
            if op == BinaryOperator::StringConcat && func == concat_texts() && is_flat(&right, schema)? =>
        {
            args.push(right);
            Ok(PlannerResult::Planned(func.call(args)))
        }
        left => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
    }
}

/// Whether a value can be part of a text.
fn is_flat(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    if matches!(expr, Expr::Placeholder(_)) {
        return Ok(false);
    }
    let kind = expr.get_type(schema)?;
    Ok(!kind.is_nested() && !kind.is_binary())
}

/// Whether texts are put together. The type of a place for a value is told by the engine's own operator.
fn are_texts(left: &Expr, right: &Expr, schema: &DFSchema) -> Result<bool> {
    if [left, right].iter().any(|side| matches!(side, Expr::Placeholder(_))) {
        return Ok(false);
    }
    let has_text = is_text(&left.get_type(schema)?) || is_text(&right.get_type(schema)?);
    Ok(has_text && is_flat(left, schema)? && is_flat(right, schema)?)
}

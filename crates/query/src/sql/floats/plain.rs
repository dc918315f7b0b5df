//! Which expressions never are a NaN with a sign. Tables hold no NaN, so a column of one is not.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};

/// How many steps are looked through; a deeper column counts as computed.
const MAX_DEPTH: usize = 64;

/// Returns whether an expression over these inputs never is a NaN with a sign. Those over no input are of a table.
pub(super) fn is_plain(expr: &Expr, inputs: &[LogicalPlan]) -> bool {
    let inputs: Vec<&LogicalPlan> = inputs.iter().collect();
    is_plain_expr(expr, &inputs, MAX_DEPTH)
}

fn is_plain_expr(expr: &Expr, inputs: &[&LogicalPlan], depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let plain = |expr: &Expr| is_plain_expr(expr, inputs, depth);
    match expr {
        Expr::Column(_) if inputs.is_empty() => true,
        Expr::Column(column) => inputs.iter().any(|input| {
            input.schema().maybe_index_of_column(column).is_some_and(|index| is_stored(input, index, depth))
        }),
        Expr::Literal(ScalarValue::Float64(Some(number)), _) => !number.is_nan(),
        Expr::Literal(ScalarValue::Float32(Some(number)), _) => !number.is_nan(),
        Expr::Literal(..) => true,
        Expr::Alias(alias) => plain(&alias.expr),
        Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => plain(expr) && !is_text(expr, inputs),
        Expr::Case(case) => {
            case.when_then_expr.iter().all(|(_, then)| plain(then)) && case.else_expr.as_deref().is_none_or(plain)
        }
        Expr::ScalarFunction(ScalarFunction { func, args })
            if matches!(func.name(), "coalesce" | "get_field" | "nullif") =>
        {
            args.iter().all(plain)
        }
        _ => false,
    }
}

/// Returns whether a cast may make a NaN of a text.
fn is_text(expr: &Expr, inputs: &[&LogicalPlan]) -> bool {
    let texts = |plan: &LogicalPlan, column| {
        let index = plan.schema().maybe_index_of_column(column);
        index.is_some_and(|index| !plan.schema().field(index).data_type().is_numeric())
    };
    match expr {
        Expr::Column(column) => inputs.is_empty() || inputs.iter().any(|plan| texts(plan, column)),
        Expr::Literal(value, _) => !value.data_type().is_numeric() && !value.is_null(),
        _ => true,
    }
}

/// Returns whether a column of a plan is one of a table, or made of such.
fn is_stored(plan: &LogicalPlan, index: usize, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Window(_) => match plan.inputs().as_slice() {
            [input] if index < input.schema().fields().len() => is_stored(input, index, depth),
            _ => false,
        },
        LogicalPlan::Projection(projection) => {
            projection.expr.get(index).is_some_and(|expr| is_plain_expr(expr, &[&projection.input], depth))
        }
        LogicalPlan::Aggregate(aggregate) => {
            aggregate.group_expr.get(index).is_some_and(|expr| is_plain_expr(expr, &[&aggregate.input], depth))
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti => is_stored(&join.right, index, depth),
                _ if index < left => is_stored(&join.left, index, depth),
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    is_stored(&join.right, index - left, depth)
                }
                _ => false,
            }
        }
        LogicalPlan::Union(union) => union.inputs.iter().all(|input| is_stored(input, index, depth)),
        _ => false,
    }
}

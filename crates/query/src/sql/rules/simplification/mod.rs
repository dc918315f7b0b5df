//! The engine's rule that simplifies expressions, without simplifications that change what an expression returns for null
//! or for two columns of equal values:
//!
//! - `x NOT IN (1) OR x NOT IN (2)`, which becomes true, and other pairs of lists over one expression: [`lists`];
//! - `x XOR x`, which becomes 0, and `s ~ '.*'`, which becomes `s IS NOT NULL`: [`operators`].
//!
//! It compares expressions by their text. So an operand that it must not take for another one gets a mark, which is an
//! alias of the same name, until the rule has run. Casts, functions and constants below are simplified as ever.

mod lists;
mod operators;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The key of a mark in the metadata of an alias.
const MARK: &str = "hotspots_lake.mark";

/// The rule for a node, which is run on marked expressions.
#[derive(Debug)]
pub(super) struct Simplification(pub(super) Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for Simplification {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let is_join = matches!(plan, LogicalPlan::Join(_));
        let marked = with_marks(plan)?;
        let has_marks = marked.transformed;
        let simplified = self.0.rewrite(marked.data, config)?;
        if has_marks || is_join { simplified.map_data(without_marks) } else { Ok(simplified) }
    }
}

fn with_marks(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let names = NamePreserver::new(&plan);
    let mark = |expr: Expr| {
        let name = names.save(&expr);
        let marked = operators::protect(expr)?.transform_data(lists::mark)?;
        Ok(if marked.transformed { marked.update_data(|expr| name.restore(expr)) } else { marked })
    };
    // A grouping set has no name of its own.
    plan.map_expressions(|expr| if let Expr::GroupingSet(_) = expr { expr.map_children(mark) } else { mark(expr) })
}

/// Removes the marks. The rule may have put a projection above an aggregate.
fn without_marks(plan: LogicalPlan) -> Result<LogicalPlan> {
    let unmark = |plan: LogicalPlan| plan.map_expressions(unmark);
    let plan = unmark(plan)?.data;
    match plan {
        LogicalPlan::Projection(_) => Ok(plan.map_children(unmark)?.data),
        plan => Ok(plan),
    }
}

fn unmark(expr: Expr) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::Alias(alias) if is_mark(&alias) => Ok(Transformed::yes(*alias.expr)),
        expr => Ok(operators::literal_last(expr)),
    })
}

/// Returns an expression that is no longer equal to the same expression with another mark.
fn marked(expr: Expr, mark: usize) -> Expr {
    let name = expr.schema_name().to_string();
    let metadata = FieldMetadata::from(BTreeMap::from([(MARK.to_owned(), mark.to_string())]));
    expr.alias_with_metadata(name, Some(metadata))
}

fn is_mark(alias: &Alias) -> bool {
    alias.metadata.as_ref().is_some_and(|metadata| metadata.inner().contains_key(MARK))
}

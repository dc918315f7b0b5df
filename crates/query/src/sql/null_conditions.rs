//! A condition that is null of every row holds for none.
//!
//! The engine takes `WHERE NULL` for a condition on no column, which it may test before an aggregate of all rows as well as
//! after it. But the aggregate of no rows is a row: the condition is lost. False instead of null ends the rows at once.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan, lit};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The engine's rule that finds constant conditions.
const SIMPLIFY: &str = "simplify_expressions";

/// Returns the engine's rules for logical plans, with ours after the one that evaluates constant conditions.
pub(crate) fn logical_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let after = rules.iter().position(|rule| rule.name() == SIMPLIFY).map_or(0, |at| at + 1);
    rules.insert(after, Arc::new(NullIsFalse));
    rules
}

/// Puts false in the place of conditions that are null.
#[derive(Debug)]
struct NullIsFalse;

impl OptimizerRule for NullIsFalse {
    fn name(&self) -> &'static str {
        "null_is_false"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(Filter { predicate, input, .. }) if never_holds(&predicate) => {
                Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(lit(false), input)?)))
            }
            LogicalPlan::Join(join) if join.filter.as_ref().is_some_and(never_holds) => {
                Ok(Transformed::yes(LogicalPlan::Join(Join { filter: Some(lit(false)), ..join })))
            }
            plan => Ok(Transformed::no(plan)),
        }
    }
}

fn never_holds(condition: &Expr) -> bool {
    split_conjunction(condition).iter().any(|part| matches!(part, Expr::Literal(ScalarValue::Boolean(None), _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_rule_follows_the_one_that_finds_constants() {
        let rules = logical_rules();
        let names: Vec<&str> = rules.iter().map(|rule| rule.name()).collect();
        assert!(names.windows(2).any(|pair| pair == [SIMPLIFY, "null_is_false"]), "{names:?}");
    }
}

//! Filters are pushed down only where names distinguish columns.
//!
//! The engine pushes the filters of a physical plan towards the tables, and finds the column of a filter in the step
//! below by its name. A join of two tables has two columns of one name, and the filter may reach the wrong one: rows
//! are lost, or wrong rows are returned. The useful effect of these filters, the choice of files, follows from the
//! logical plan anyway.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The engine's rules: one before the plan is distributed, one after.
const FILTER_PUSHDOWN: [&str; 2] = ["FilterPushdown", "FilterPushdown(Post)"];

/// Returns the engine's rules for physical plans, with filter pushdown only where it is correct.
pub(crate) fn physical_rules() -> Vec<Rule> {
    let rules = PhysicalOptimizer::new().rules.into_iter();
    let is_pushdown = |rule: &Rule| FILTER_PUSHDOWN.contains(&rule.name());
    rules.map(|rule| if is_pushdown(&rule) { Arc::new(OnDistinctNames(rule)) as _ } else { rule }).collect()
}

/// A rule that is applied to plans no step of which has two columns of one name.
#[derive(Debug)]
struct OnDistinctNames(Rule);

impl PhysicalOptimizerRule for OnDistinctNames {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        if has_repeated_names(&plan)? { Ok(plan) } else { self.0.optimize(plan, config) }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn has_repeated_names(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut repeated = false;
    plan.apply(|step| {
        let schema = step.schema();
        let mut names = HashSet::with_capacity(schema.fields().len());
        repeated = schema.fields().iter().any(|field| !names.insert(field.name()));
        Ok(if repeated { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rules_that_push_filters_down_are_bounded() {
        let bounded = physical_rules().iter().filter(|rule| FILTER_PUSHDOWN.contains(&rule.name())).count();
        assert_eq!(bounded, 2, "the engine names its rules otherwise");
    }
}

//! Restores sorts that the engine omits because a filter makes a key constant, and that are missing after the filter
//! moved into a projection. Otherwise `PARTITION BY district ... WHERE district = 'E'` over a union is rejected.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;
use datafusion::physical_plan::ExecutionPlan;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Adds the rule to those of a session.
pub(super) fn with_requirements(mut rules: Vec<Rule>) -> Vec<Rule> {
    // Before limits are pushed below sorts.
    let after = rules.iter().position(|rule| rule.name() == "ProjectionPushdown").map_or(rules.len(), |at| at + 1);
    rules.insert(after, Arc::new(RequirementsAgain));
    rules
}

#[derive(Debug)]
struct RequirementsAgain;

impl PhysicalOptimizerRule for RequirementsAgain {
    fn name(&self) -> &'static str {
        "requirements_again"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        match SanityCheckPlan::new().optimize(Arc::clone(&plan), config) {
            Ok(checked) => Ok(checked),
            Err(_) => EnsureRequirements::new().optimize(plan, config),
        }
    }

    fn schema_check(&self) -> bool {
        true
    }
}

//! Rules of the engine's optimizer that are skipped for plans that they would change to wrong ones:
//!
//! - Joins in which null equals null (`a.x IS NOT DISTINCT FROM b.x`): two rules add other conditions to the keys of such a
//!   join, so that null equals null in them, too, or merge it with joins in which null equals nothing.
//! - Filters on no column above an aggregate of all rows, such as `1 > (SELECT COUNT(*) FROM t)`: a rule moves the filter
//!   below the aggregate. The aggregate of no rows is a row, so the filter is lost.

use std::sync::Arc;

use datafusion::common::NullEquality;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::simplification::Simplification;
use crate::sql::null_conditions::logical_rules;

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// Replaces these rules, and the one that simplifies expressions, in a session.
pub(super) fn with_guarded_rules(session: SessionStateBuilder) -> SessionStateBuilder {
    let rules = logical_rules().into_iter().map(|rule| match rule.name() {
        "extract_equijoin_predicate" => Arc::new(Guarded { rule, is_unsafe: is_null_equal }) as Rule,
        "eliminate_cross_join" => Arc::new(Guarded { rule, is_unsafe: has_null_equal_inner_join }) as Rule,
        "simplify_expressions" => Arc::new(Simplification(rule)) as Rule,
        "push_down_filter" => Arc::new(Guarded { rule, is_unsafe: is_constant_filter_of_total }) as Rule,
        _ => rule,
    });
    session.with_optimizer_rules(rules.collect())
}

/// A rule that is skipped for some plans.
#[derive(Debug)]
struct Guarded {
    rule: Rule,
    is_unsafe: fn(&LogicalPlan) -> bool,
}

impl OptimizerRule for Guarded {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if (self.is_unsafe)(&plan) { Ok(Transformed::no(plan)) } else { self.rule.rewrite(plan, config) }
    }
}

/// Returns whether a plan is a filter, a part of which is on no column, of an aggregate that has a row for no input.
fn is_constant_filter_of_total(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Filter(filter) = plan else { return false };
    let LogicalPlan::Aggregate(aggregate) = filter.input.as_ref() else { return false };
    let is_total = matches!(aggregate.group_expr.as_slice(), [] | [Expr::GroupingSet(_)]);
    is_total && split_conjunction(&filter.predicate).iter().any(|part| !part.any_column_refs())
}

fn is_null_equal(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Join(join) if join.null_equality == NullEquality::NullEqualsNull)
}

fn has_null_equal_inner_join(plan: &LogicalPlan) -> bool {
    let is_inner = |node: &LogicalPlan| {
        let is_inner = matches!(node, LogicalPlan::Join(join) if join.join_type == JoinType::Inner);
        Ok(is_inner && is_null_equal(node))
    };
    plan.exists(is_inner).unwrap_or(true)
}

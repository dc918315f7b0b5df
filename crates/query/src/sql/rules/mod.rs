//! Rules for SQL that the engine (DataFusion 55.2) answers wrongly or fails on. Each construct is rewritten into one
//! that the engine answers correctly, computed by a function of our own, or rejected with an error that names an
//! alternative. They apply to all SQL of users. docs/sql.md lists them; the tests in `upstream` fail when a rule is no
//! longer needed.

mod bitwise_precedence;
mod distinct_from;
mod grouping_sets;
mod guarded_rules;
mod hidden_properties;
mod ignore_nulls;
mod ordered_aggregates;
mod percentile;
mod requirements;
mod set_multiplicity;
mod simplification;
mod sliding_windows;
mod subqueries;
mod time;
#[cfg(test)]
mod upstream;
mod using_keys;
mod using_names;
mod window_keys;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use lake_model::Error;

use self::using_keys::{QualifiedNames, WRITE_USING};
use crate::sql::floats::with_comparable_floats;

/// Adds our functions and rules to a session that has these rules for physical plans.
pub(crate) fn with_rules(
    mut session: SessionStateBuilder,
    physical_rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>,
) -> SessionStateBuilder {
    if let Some(functions) = session.aggregate_functions() {
        percentile::with_percentiles(functions);
    }
    let session = guarded_rules::with_guarded_rules(time::with_times(session));
    let session = with_comparable_floats(session).with_analyzer_rule(Arc::new(window_keys::WindowKeys));
    session.with_physical_optimizer_rules(requirements::with_requirements(physical_rules))
}

/// The names in a statement that the rules for plans need.
#[derive(Default)]
pub(crate) struct StatementNames(QualifiedNames);

impl StatementNames {
    /// Adds to an error of the planner what to write instead, where that is known.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match self.0.has_natural_join() && error.message().contains("Ambiguous reference") {
            true => Error::new(error.kind(), format!("{}; {WRITE_USING}", error.message())),
            false => error,
        }
    }
}

/// Rewrites a statement before it is planned.
///
/// # Errors
/// If the parser reads a part of it otherwise than SQL does.
pub(crate) fn rewrite_statement(statement: &mut Statement) -> lake_model::Result<StatementNames> {
    let Some(parsed) = parsed(statement) else { return Ok(StatementNames::default()) };
    distinct_from::check(parsed)?;
    bitwise_precedence::check(parsed)?;
    let names = QualifiedNames::from_statement(parsed);
    using_names::qualify(parsed);
    ordered_aggregates::rewrite_statement(parsed);
    time::rewrite(parsed);
    Ok(StatementNames(names))
}

fn parsed(statement: &mut Statement) -> Option<&mut ast::Statement> {
    match statement {
        Statement::Statement(statement) => Some(statement),
        Statement::Explain(explained) => parsed(&mut explained.statement),
        // None of these is ever run.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => None,
    }
}

/// Rewrites the plan of a statement before it is analyzed. The plans of `views` are not changed.
///
/// # Errors
/// If it has a construct that cannot be answered right.
pub(crate) fn rewrite_plan(plan: LogicalPlan, names: &StatementNames, views: Vec<LogicalPlan>) -> Result<LogicalPlan> {
    let plan = using_keys::rewrite(plan, &names.0)?
        .transform_data(set_multiplicity::rewrite)?
        .transform_data(ordered_aggregates::rewrite)?
        .transform_data(ignore_nulls::rewrite)?
        .transform_data(grouping_sets::rewrite)?
        .transform_data(sliding_windows::rewrite)?
        .transform_data(|plan| subqueries::rewrite(plan, views))?;
    if !plan.transformed {
        return Ok(plan.data);
    }
    // Rewritten columns may be nullable where the original ones were not.
    Ok(plan.data.transform_up(|node| node.recompute_schema().map(Transformed::yes))?.data)
}

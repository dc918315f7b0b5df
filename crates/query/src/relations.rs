//! How much a statement reads, counted before it is planned: the engine plans what stands in a `WITH` or a view anew each
//! time it is named, so a few lines can stand for more tables than can ever be planned.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::common::TableReference;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Ident, Query, SetExpr, TableFactor, Visit as _, Visitor};
use lake_model::{Error, Result};

use crate::error::engine_error;

/// Tables and queries that a statement reads, at most.
pub const MOST_RELATIONS: usize = 500;

/// Checks a statement before it is planned.
///
/// # Errors
/// If it reads more tables and queries than may be.
pub(crate) async fn check(state: &SessionState, statement: &Statement) -> Result<()> {
    let tables = sizes(state, statement).await?;
    let Some(parsed) = parsed(statement) else { return Ok(()) };
    let relations = count(parsed, &tables);
    if relations <= MOST_RELATIONS {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the statement reads {relations} tables and queries, those of a WITH and of views each time they are named, where \
         there may be {MOST_RELATIONS} (`max_relations` of /limits); ask in parts"
    )))
}

/// The statement itself, whether or not its plan is asked for. What would change something is never planned.
pub(crate) fn parsed(statement: &Statement) -> Option<&ast::Statement> {
    match statement {
        Statement::Statement(statement) => Some(statement),
        Statement::Explain(explained) => parsed(&explained.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => None,
    }
}

/// The tables that the statement names, and how many each stands for: a view for those it reads.
async fn sizes(state: &SessionState, statement: &Statement) -> Result<HashMap<String, usize>> {
    let mut sizes = HashMap::new();
    for name in state.resolve_table_references(statement).map_err(engine_error)? {
        // What does not exist is told by the planner, with its place.
        let Ok(schema) = state.schema_for_ref(name.clone()) else { continue };
        let table = schema.table(name.table()).await.map_err(engine_error)?;
        let plan = table.as_ref().and_then(|table| table.get_logical_plan());
        sizes.insert(spelled(&name), plan.map_or(1, |plan| leaves(&plan)));
    }
    Ok(sizes)
}

fn spelled(name: &TableReference) -> String {
    let parts = [name.catalog(), name.schema(), Some(name.table())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(".")
}

fn leaves(plan: &LogicalPlan) -> usize {
    let mut leaves = 0;
    let visited = plan.apply(|plan| {
        leaves += usize::from(plan.inputs().is_empty());
        Ok(TreeNodeRecursion::Continue)
    });
    if visited.is_ok() { leaves.max(1) } else { 1 }
}

fn count(statement: &ast::Statement, tables: &HashMap<String, usize>) -> usize {
    let mut counter = Counter { tables, queries: vec![Reading::default()] };
    let _: ControlFlow<()> = statement.visit(&mut counter);
    counter.queries.first().map_or(0, |all| all.relations)
}

/// Counts each query once, however often it is named.
struct Counter<'a> {
    tables: &'a HashMap<String, usize>,
    /// The queries that are being read, each within the one before it; around them all, the statement.
    queries: Vec<Reading>,
}

#[derive(Default)]
struct Reading {
    relations: usize,
    /// The queries of its `WITH`, by where they are.
    named: Vec<(*const Query, String)>,
    /// Those of them that were counted.
    counted: HashMap<String, usize>,
}

impl Counter<'_> {
    fn add(&mut self, relations: usize) {
        if let Some(reading) = self.queries.last_mut() {
            reading.relations = reading.relations.saturating_add(relations);
        }
    }

    fn size(&self, name: &str) -> usize {
        let counted = self.queries.iter().rev().find_map(|reading| reading.counted.get(name));
        *counted.or_else(|| self.tables.get(name)).unwrap_or(&1)
    }
}

impl Visitor for Counter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        let named = with.map(|cte| (std::ptr::from_ref(cte.query.as_ref()), normal(&cte.alias.name))).collect();
        let relations = bodies(&query.body) + query.pipe_operators.len();
        self.queries.push(Reading { relations, named, counted: HashMap::new() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let relations = self.queries.pop().map_or(0, |reading| reading.relations);
        let named = self.queries.last_mut().and_then(|around| {
            let place = std::ptr::from_ref(query);
            let (_, name) = around.named.iter().find(|(named, _)| *named == place)?;
            around.counted.insert(name.clone(), relations);
            Some(())
        });
        if named.is_none() {
            self.add(relations);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        match table {
            TableFactor::Table { name, .. } => {
                let parts = name.0.iter().filter_map(|part| part.as_ident()).map(normal);
                self.add(self.size(&parts.collect::<Vec<_>>().join(".")));
            }
            // What they hold is counted by itself.
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {}
            _ => self.add(1),
        }
        ControlFlow::Continue(())
    }
}

/// A name as the engine compares it.
fn normal(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// The queries that a query is the union of, without those that are counted by themselves.
fn bodies(body: &SetExpr) -> usize {
    let (mut open, mut bodies) = (vec![body], 0);
    while let Some(body) = open.pop() {
        match body {
            SetExpr::SetOperation { left, right, .. } => open.extend([left.as_ref(), right.as_ref()]),
            SetExpr::Query(_) => {}
            _ => bodies += 1,
        }
    }
    bodies
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::DFParser;

    use super::*;

    fn counted(text: &str) -> usize {
        let statement = DFParser::parse_sql(text).expect(text).pop_front().expect("a statement");
        let tables = HashMap::from([("incidents".to_owned(), 7)]);
        count(parsed(&statement).expect("a query"), &tables)
    }

    #[test]
    fn what_is_named_counts_each_time_and_a_view_for_what_it_reads() {
        for (text, expected) in [
            ("SELECT 1", 1),
            ("SELECT * FROM t", 2),
            ("SELECT * FROM incidents AS a, INCIDENTS AS b", 15),
            ("SELECT 1 UNION ALL SELECT 2 UNION ALL VALUES (3)", 3),
            ("SELECT * FROM (SELECT 1) AS a JOIN t ON TRUE", 3),
            ("SELECT * FROM t WHERE a IN (SELECT b FROM u)", 4),
            ("WITH w AS (SELECT 1) SELECT * FROM w AS a, w AS b, w AS c", 4),
            ("WITH w AS (SELECT 1), v AS (SELECT * FROM w, w AS x) SELECT * FROM v, v AS y", 7),
            ("WITH w AS (SELECT 1) SELECT 1", 1),
            ("WITH t AS (SELECT * FROM t) SELECT * FROM t", 3),
            ("WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r", 4),
            ("SELECT * FROM generate_series(1, 2), UNNEST([1])", 3),
            ("EXPLAIN SELECT * FROM t", 2),
        ] {
            assert_eq!(counted(text), expected, "{text}");
        }
    }

    #[test]
    fn queries_that_double_each_other_are_counted_without_being_followed() {
        let doubled: Vec<String> =
            (1..80).map(|n| format!("t{n} AS (SELECT 1 FROM t{0} AS a, t{0} AS b)", n - 1)).collect();
        let text = format!("WITH t0 AS (SELECT 1), {} SELECT * FROM t79", doubled.join(", "));
        assert_eq!(counted(&text), usize::MAX);
    }
}

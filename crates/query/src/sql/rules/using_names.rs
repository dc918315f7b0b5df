//! Qualifies the keys of `USING` in a statement. The engine rejects them in `WHERE` as ambiguous, and in a subquery it
//! may resolve them to a column of the outer query.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, OrderByKind, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

/// Replaces `k` by `b.k` where `k` is a key of `USING`.
pub(super) fn qualify(statement: &mut Statement) {
    let _: ControlFlow<()> = statement.visit(&mut Selects);
}

struct Selects;

impl VisitorMut for Selects {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let Some(mut keys) = Keys::from_tables(&select.from) else { return ControlFlow::Continue(()) };
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                expr.visit(&mut keys)?;
            }
        }
        select.selection.visit(&mut keys)?;
        // An alias of the SELECT list takes precedence over a column.
        keys.tables.retain(|name, _| !has_alias(select, name));
        if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
            exprs.visit(&mut keys)?;
        }
        select.having.visit(&mut keys)?;
        select.qualify.visit(&mut keys)
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let SetExpr::Select(select) = query.body.as_ref() else { return ControlFlow::Continue(()) };
        let Some(mut keys) = Keys::from_tables(&select.from) else { return ControlFlow::Continue(()) };
        keys.tables.retain(|name, _| !has_alias(select, name));
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order.kind
        {
            exprs.visit(&mut keys)?;
        }
        ControlFlow::Continue(())
    }
}

fn has_alias(select: &Select, name: &str) -> bool {
    select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if normalize_name(alias) == name))
}

/// Maps each key to the table that provides it.
struct Keys {
    tables: HashMap<String, Vec<Ident>>,
    /// Nesting depth of queries. In a nested query the name may be another column.
    depth: usize,
}

impl Keys {
    /// Returns the keys of the joins in FROM, if any.
    fn from_tables(from: &[TableWithJoins]) -> Option<Self> {
        let mut tables = HashMap::new();
        for table in from {
            let mut is_first = true;
            for join in &table.joins {
                let (constraint, is_left) = match &join.join_operator {
                    JoinOperator::Join(constraint)
                    | JoinOperator::Inner(constraint)
                    | JoinOperator::Right(constraint)
                    | JoinOperator::RightOuter(constraint)
                    | JoinOperator::FullOuter(constraint) => (constraint, false),
                    JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (constraint, true),
                    _ => (&JoinConstraint::None, false),
                };
                if let JoinConstraint::Using(names) = constraint {
                    for name in names.iter().filter_map(|name| name.0.last().and_then(|part| part.as_ident())) {
                        let right = alias_columns(&join.relation);
                        let of = match tables.get(&normalize_name(name)) {
                            Some(known) if is_left => Some(Vec::clone(known)),
                            None if is_left => alias_columns(&table.relation).filter(|_| is_first),
                            _ => right,
                        };
                        if let Some(of) = of {
                            tables.insert(normalize_name(name), of);
                        }
                    }
                }
                is_first = false;
            }
        }
        (!tables.is_empty() && from.len() == 1).then_some(Self { tables, depth: 0 })
    }
}

impl VisitorMut for Keys {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth = self.depth.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expr
            && self.depth == 0
            && let Some(table) = self.tables.get(&normalize_name(name))
        {
            *expr = Expr::CompoundIdentifier(table.iter().chain([&*name]).cloned().collect());
        }
        ControlFlow::Continue(())
    }
}

/// Returns the qualifier of a table's columns.
fn alias_columns(table: &TableFactor) -> Option<Vec<Ident>> {
    match table {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(vec![alias.name.clone()])
        }
        TableFactor::Table { name, .. } => name.0.iter().map(|part| part.as_ident().cloned()).collect(),
        _ => None,
    }
}

/// Normalizes a name as the engine does.
fn normalize_name(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

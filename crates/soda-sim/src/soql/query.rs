//! A checked query, ready to run.

use super::ast::{Node, NodeKind, Ordered, Selected};
use super::check::Scope;
use super::expr::{Expr, System};
use super::failure::{Clause, Failure};
use super::grouped::{self, Grouped};
use super::implicit_name::implicit_name;
use super::params::Clauses;
use super::parser::Parser;
use crate::types::{Column, Kind};

/// Rows a query without `$limit` gets.
const DEFAULT_LIMIT: u64 = 1_000;

/// A checked query.
pub(crate) struct Query {
    pub(crate) shape: Shape,
    pub(crate) filter: Option<Expr>,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    /// The data columns its expressions read, by the numbers they use.
    pub(crate) wanted: Vec<String>,
    /// The fields of its answer, for the headers.
    pub(crate) fields: Vec<(String, Kind)>,
}

/// The parts of an answer.
pub(crate) enum Shape {
    /// Rows as published, with some system fields before and after them.
    Whole { before: Vec<System>, after: Vec<System>, computed_regions: bool, order: Vec<SortKey> },
    /// Chosen expressions of every row.
    Items { items: Vec<Item>, order: Vec<SortKey> },
    /// Groups of rows.
    Grouped(Grouped),
}

/// An expression under its name in the answer.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) expr: Expr,
}

/// An expression to sort by.
pub(crate) struct SortKey {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
}

/// The scope that a query is checked in.
pub(crate) struct Rules<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) refuse_id_comparison: bool,
    pub(crate) max_limit: u64,
}

impl Query {
    /// Parses and checks the clauses.
    pub(crate) fn check(clauses: &Clauses, rules: &Rules<'_>) -> Result<Query, Failure> {
        let limit = clauses.limit.unwrap_or(DEFAULT_LIMIT.min(rules.max_limit));
        if limit > rules.max_limit {
            return Err(Failure::OverLimit { cap: rules.max_limit });
        }
        let selected = match &clauses.select {
            Some(tokens) => Parser::select(tokens).ok_or(Failure::Malformed)?,
            None if clauses.with_system_fields => vec![Selected::SystemFields, Selected::Columns],
            None => vec![Selected::Columns],
        };
        let parsed = |tokens: &Option<Vec<_>>| match tokens {
            Some(tokens) => Parser::order(tokens).ok_or(Failure::Malformed),
            None => Ok(Vec::new()),
        };
        let order = parsed(&clauses.order)?;
        let group = match &clauses.group {
            Some(tokens) => Parser::group(tokens).ok_or(Failure::Malformed)?,
            None => Vec::new(),
        };
        let mut scope = Scope {
            columns: rules.columns,
            refuse_id_comparison: rules.refuse_id_comparison,
            wanted: Vec::new(),
            clause: Clause::Where,
        };
        let filter = match &clauses.filter {
            Some(tokens) => {
                let node = Parser::expression(tokens).ok_or(Failure::Malformed)?;
                Some(scope.condition(&node, "#WHERE")?)
            }
            None => None,
        };
        let aggregates =
            selected.iter().any(|item| matches!(item, Selected::Named(node, _) if grouped::is_aggregate(node)));
        let (shape, fields) = if aggregates || !group.is_empty() {
            let shape = Grouped::check(&mut scope, &selected, &group, &order)?;
            let fields = shape.output.iter().map(|(name, kind, _)| (name.clone(), *kind)).collect();
            (Shape::Grouped(shape), fields)
        } else {
            rows(&mut scope, &selected, &order)?
        };
        Ok(Query {
            shape,
            filter,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            offset: clauses.offset.map_or(0, |offset| usize::try_from(offset).unwrap_or(usize::MAX)),
            wanted: scope.wanted,
            fields,
        })
    }
}

type Fields = Vec<(String, Kind)>;

/// Plans a query that answers with rows, not groups.
fn rows(scope: &mut Scope<'_>, selected: &[Selected], order: &[Ordered]) -> Result<(Shape, Fields), Failure> {
    // A portal leaves computed regions out of `*` as soon as the query has an order.
    let computed_regions = order.is_empty();
    let columns = scope.columns;
    let starred: Vec<&Column> =
        columns.iter().filter(|column| computed_regions || !column.is_computed_region()).collect();
    let mut items: Vec<Item> = Vec::new();
    scope.clause = Clause::Select;
    for one in selected {
        match one {
            Selected::Columns => {
                for column in &starred {
                    let kind = column.kind.kind();
                    let expr = Expr::Data(scope.want(&column.name), kind);
                    items.push(Item { name: column.name.clone(), kind, expr });
                }
            }
            Selected::SystemFields => items.extend(System::ALL.map(|field| Item {
                name: field.name().to_owned(),
                kind: field.kind(),
                expr: Expr::System(field),
            })),
            Selected::Named(node, alias) => {
                let (expr, kind) = scope.expression(node)?;
                items.push(Item { name: alias.clone().unwrap_or_else(|| implicit_name(node)), kind, expr });
            }
        }
    }
    let mut names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Failure::Malformed);
    }
    let fields = items.iter().map(|item| (item.name.clone(), item.kind)).collect();
    let order = sort_keys(scope, order, selected, &items)?;
    let shape = match whole(selected) {
        Some((before, after)) => Shape::Whole { before, after, computed_regions, order },
        None => Shape::Items { items, order },
    };
    Ok((shape, fields))
}

fn sort_keys(
    scope: &mut Scope<'_>,
    order: &[Ordered],
    selected: &[Selected],
    items: &[Item],
) -> Result<Vec<SortKey>, Failure> {
    scope.clause = Clause::Order;
    let mut keys = Vec::with_capacity(order.len());
    for key in order {
        let renamed = match &key.node.kind {
            NodeKind::Column(name) if is_alias(selected, name) => {
                items.iter().find(|item| item.name == *name).map(|item| (item.expr.clone(), item.kind))
            }
            _ => None,
        };
        let (expr, kind) = match renamed {
            Some(found) => found,
            None => scope.expression(&key.node)?,
        };
        if matches!(kind, Kind::Point | Kind::MultiPolygon | Kind::Location | Kind::Url) {
            return Err(scope.mismatch("#ORDER", kind, &key.node));
        }
        keys.push(SortKey { expr, descending: key.descending });
    }
    Ok(keys)
}

fn is_alias(selected: &[Selected], name: &str) -> bool {
    selected.iter().any(|one| matches!(one, Selected::Named(_, Some(alias)) if alias == name))
}

/// Returns the system fields around a `*`, if nothing else is selected: such rows need no parsing.
fn whole(selected: &[Selected]) -> Option<(Vec<System>, Vec<System>)> {
    let mut sides = (Vec::new(), Vec::new());
    let mut seen = false;
    for one in selected {
        let side = if seen { &mut sides.1 } else { &mut sides.0 };
        match one {
            Selected::Columns if !seen => seen = true,
            Selected::SystemFields => side.extend(System::ALL),
            Selected::Named(Node { kind: NodeKind::Column(name), .. }, None) => {
                side.push(System::named(name)?);
            }
            _ => return None,
        }
    }
    seen.then_some(sides)
}

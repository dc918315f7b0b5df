//! Queries that answer with groups: aggregates and `$group`.

use super::ast::{Node, NodeKind, Ordered, Selected};
use super::check::Scope;
use super::expr::Expr;
use super::failure::{Clause, Failure};
use super::implicit_name::implicit_name;
use crate::types::Kind;

/// A checked query over groups.
pub(crate) struct Grouped {
    pub(crate) keys: Vec<Expr>,
    pub(crate) aggregates: Vec<Aggregate>,
    /// The fields of the answer.
    pub(crate) output: Vec<(String, Kind, Part)>,
    /// The sort keys of the groups, with whether descending.
    pub(crate) order: Vec<(Part, bool)>,
}

/// A part of a group: one of its keys or one of its aggregates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Key(usize),
    Aggregate(usize),
}

/// An aggregate over the rows of a group; without an expression it counts rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) function: Function,
    pub(crate) expr: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Count,
    Min,
    Max,
    Sum,
    Avg,
}

impl Function {
    fn named(name: &str) -> Option<Function> {
        Some(match name {
            "count" => Function::Count,
            "min" => Function::Min,
            "max" => Function::Max,
            "sum" => Function::Sum,
            "avg" => Function::Avg,
            _ => return None,
        })
    }
}

/// Returns whether the node is an aggregate.
pub(crate) fn is_aggregate(node: &Node) -> bool {
    match &node.kind {
        NodeKind::CountStar => true,
        NodeKind::Call(name, arguments) => arguments.len() == 1 && Function::named(name).is_some(),
        _ => false,
    }
}

impl Grouped {
    pub(crate) fn check(
        scope: &mut Scope<'_>,
        selected: &[Selected],
        group: &[Node],
        order: &[Ordered],
    ) -> Result<Grouped, Failure> {
        let mut grouped = Grouped { keys: Vec::new(), aggregates: Vec::new(), output: Vec::new(), order: Vec::new() };
        // A group may be named by the alias of its key.
        scope.clause = Clause::Group;
        let nodes: Vec<&Node> = group.iter().map(|node| unalias(node, selected)).collect();
        let mut kinds = Vec::with_capacity(nodes.len());
        for (written, node) in group.iter().zip(&nodes) {
            let (expr, kind) = scope.expression(node)?;
            if matches!(kind, Kind::Point | Kind::MultiPolygon | Kind::Location | Kind::Url) {
                return Err(scope.mismatch("#GROUP_BY", kind, written));
            }
            grouped.keys.push(expr);
            kinds.push(kind);
        }
        scope.clause = Clause::Select;
        for one in selected {
            let Selected::Named(node, alias) = one else {
                return Err(Failure::Malformed);
            };
            let (part, kind) = grouped.part(scope, node, &nodes, &kinds)?;
            let name = alias.clone().unwrap_or_else(|| implicit_name(node));
            if grouped.output.iter().any(|(taken, ..)| *taken == name) {
                return Err(Failure::Malformed);
            }
            grouped.output.push((name, kind, part));
        }
        scope.clause = Clause::Order;
        for key in order {
            let named = match &key.node.kind {
                NodeKind::Column(name) => {
                    grouped.output.iter().find(|(field, ..)| field == name).map(|(_, _, part)| *part)
                }
                _ => None,
            };
            let part = match named {
                Some(part) => part,
                None => grouped.part(scope, &key.node, &nodes, &kinds)?.0,
            };
            grouped.order.push((part, key.descending));
        }
        Ok(grouped)
    }

    /// Checks the node as a key or an aggregate of the group; anything else has no single value in it.
    fn part(
        &mut self,
        scope: &mut Scope<'_>,
        node: &Node,
        nodes: &[&Node],
        kinds: &[Kind],
    ) -> Result<(Part, Kind), Failure> {
        if let Some(key) = nodes.iter().position(|grouped| *grouped == node) {
            return Ok((Part::Key(key), kinds[key]));
        }
        let (function, argument) = match &node.kind {
            NodeKind::CountStar => (Function::Count, None),
            NodeKind::Call(name, arguments) => match (Function::named(name), arguments.as_slice()) {
                (Some(function), [argument]) => (function, Some(argument)),
                _ => return Err(not_grouped(scope, node)),
            },
            _ => return Err(not_grouped(scope, node)),
        };
        let (expr, kind) = match argument {
            None => (None, Kind::Number),
            Some(argument) => {
                let (expr, kind) = scope.expression(argument)?;
                let fits = match function {
                    Function::Count => true,
                    Function::Sum | Function::Avg => kind == Kind::Number,
                    Function::Min | Function::Max => {
                        !matches!(kind, Kind::Point | Kind::MultiPolygon | Kind::Location | Kind::Url | Kind::Bool)
                    }
                };
                if !fits {
                    return Err(scope.mismatch(&implicit_function(function), kind, argument));
                }
                (Some(expr), if function == Function::Count { Kind::Number } else { kind })
            }
        };
        self.aggregates.push(Aggregate { function, expr });
        Ok((Part::Aggregate(self.aggregates.len() - 1), kind))
    }
}

fn implicit_function(function: Function) -> String {
    format!("{function:?}").to_ascii_lowercase()
}

fn unalias<'n>(node: &'n Node, selected: &'n [Selected]) -> &'n Node {
    let NodeKind::Column(name) = &node.kind else {
        return node;
    };
    selected
        .iter()
        .find_map(|one| match one {
            Selected::Named(target, Some(alias)) if alias == name && !is_aggregate(target) => Some(target),
            _ => None,
        })
        .unwrap_or(node)
}

fn not_grouped(scope: &mut Scope<'_>, node: &Node) -> Failure {
    // An unknown column is the better answer than one that is not grouped by.
    match scope.expression(node) {
        Err(failure) => failure,
        Ok(_) => Failure::NotGrouped { column: implicit_name(node), place: scope.place(node) },
    }
}

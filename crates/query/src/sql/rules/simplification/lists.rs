//! Keeps apart the lists of an expression that the engine would merge: it intersects `x IN (...)` with another list over
//! `x` by the text of their elements, so that nulls and columns of equal values get lost. Only the lists of one group,
//! which are connected by OR and which it unites, keep their `x`; in each other list over `x`, it gets a mark.
//!
//! `x = 1 OR x = 2` is a list to the engine as well, and so is what it makes of some patterns.

use std::collections::{BTreeSet, HashMap};

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion, TreeNodeRewriter, TreeNodeVisitor};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, BinaryExpr, InList, Like, ScalarFunction};
use datafusion::logical_expr::{Expr, Operator};

use super::{marked, operators};

/// The marks of what is equal to one value, and of what is not. The engine does not make lists of marked comparisons, so
/// that they need no other marks, and equal ones stay equal. It takes `x = 0.0` and `x <> -0.0` for compatible.
const EQUAL_MARK: usize = 0;
const UNEQUAL_MARK: usize = 1;

/// The columns of the expression that is looked up in a list.
type Subject = BTreeSet<Column>;

/// Marks the subjects of lists that must not be merged.
pub(super) fn mark(expr: Expr) -> Result<Transformed<Expr>> {
    let mut lists = Lists::default();
    expr.visit(&mut lists)?;
    if !lists.has_two_groups {
        return Ok(Transformed::no(expr));
    }
    expr.rewrite(&mut Marker { walk: Walk::default(), first_groups: lists.first_groups, marks: UNEQUAL_MARK })
}

/// Finds the groups of lists over each subject.
#[derive(Default)]
struct Lists {
    walk: Walk,
    first_groups: HashMap<Subject, usize>,
    has_two_groups: bool,
}

impl<'n> TreeNodeVisitor<'n> for Lists {
    type Node = Expr;

    fn f_down(&mut self, expr: &'n Expr) -> Result<TreeNodeRecursion> {
        self.walk.enter(expr);
        Ok(TreeNodeRecursion::Continue)
    }

    fn f_up(&mut self, expr: &'n Expr) -> Result<TreeNodeRecursion> {
        if let Some((subject, group)) = self.walk.leave(expr) {
            let first = *self.first_groups.entry(subject).or_insert(group);
            self.has_two_groups |= first != group;
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

/// Marks the subjects outside their first group.
struct Marker {
    walk: Walk,
    first_groups: HashMap<Subject, usize>,
    marks: usize,
}

impl TreeNodeRewriter for Marker {
    type Node = Expr;

    fn f_down(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        self.walk.enter(&expr);
        Ok(Transformed::no(expr))
    }

    fn f_up(&mut self, mut expr: Expr) -> Result<Transformed<Expr>> {
        let Some((subject, group)) = self.walk.leave(&expr) else { return Ok(Transformed::no(expr)) };
        if self.first_groups.get(&subject) == Some(&group) {
            return Ok(Transformed::no(expr));
        }
        let mark = match &expr {
            Expr::BinaryExpr(BinaryExpr { op: Operator::Eq, .. }) => EQUAL_MARK,
            Expr::BinaryExpr(BinaryExpr { op: Operator::NotEq, .. }) => UNEQUAL_MARK,
            _ => {
                self.marks += 1;
                self.marks
            }
        };
        if let Some(looked_up) = looked_up_mut(&mut expr) {
            *looked_up = with_mark(std::mem::take(looked_up), mark)?;
        }
        Ok(Transformed::yes(expr))
    }
}

/// Marks the columns of an expression, so that the engine still finds casts above them, or all of it if it has none.
fn with_mark(expr: Expr, mark: usize) -> Result<Expr> {
    let columns = expr.transform_up(|expr| match expr {
        Expr::Column(_) | Expr::OuterReferenceColumn(..) => Ok(Transformed::yes(marked(expr, mark))),
        expr => Ok(Transformed::no(expr)),
    })?;
    Ok(if columns.transformed { columns.data } else { marked(columns.data, mark) })
}

/// Numbers the groups of the lists in an expression, the same ones each time that it is walked through.
#[derive(Default)]
struct Walk {
    /// For each step from the root, the group of what is connected by OR there.
    chains: Vec<Option<usize>>,
    groups: usize,
}

impl Walk {
    fn enter(&mut self, expr: &Expr) {
        let chain = match expr {
            Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => Some(self.chain().unwrap_or_else(|| self.group())),
            _ => None,
        };
        self.chains.push(chain);
    }

    /// Returns the subject and the group of a list.
    fn leave(&mut self, expr: &Expr) -> Option<(Subject, usize)> {
        self.chains.pop();
        let subject = looked_up(expr)?.column_refs().into_iter().cloned().collect();
        let chain = if is_united_by_or(expr) { self.chain() } else { None };
        Some((subject, chain.unwrap_or_else(|| self.group())))
    }

    fn chain(&self) -> Option<usize> {
        self.chains.last().copied().flatten()
    }

    fn group(&mut self) -> usize {
        self.groups += 1;
        self.groups
    }
}

/// Returns the expression that a list, or what the engine may make a list of, compares with constants or a list.
fn looked_up(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::InList(InList { expr, .. }) | Expr::Between(Between { expr, .. }) => Some(expr),
        Expr::Like(Like { expr, .. }) | Expr::SimilarTo(Like { expr, .. }) => Some(expr),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_equality(*op) || operators::is_match(*op) => {
            match (left.any_column_refs(), right.any_column_refs()) {
                (true, false) => Some(left),
                (false, true) => Some(right),
                _ => None,
            }
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => match func.name() {
            "array_has" => args.get(1),
            "regexp_like" => args.first(),
            _ => None,
        },
        _ => None,
    }
}

fn looked_up_mut(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::InList(InList { expr, .. }) | Expr::Between(Between { expr, .. }) => Some(expr),
        Expr::Like(Like { expr, .. }) | Expr::SimilarTo(Like { expr, .. }) => Some(expr),
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) => Some(if left.any_column_refs() { left } else { right }),
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            args.get_mut(if func.name() == "array_has" { 1 } else { 0 })
        }
        _ => None,
    }
}

fn is_equality(op: Operator) -> bool {
    matches!(op, Operator::Eq | Operator::NotEq)
}

/// Returns whether the engine unites this list with others to which it is connected by OR.
fn is_united_by_or(expr: &Expr) -> bool {
    matches!(expr, Expr::InList(InList { negated: false, .. }) | Expr::BinaryExpr(BinaryExpr { op: Operator::Eq, .. }))
}

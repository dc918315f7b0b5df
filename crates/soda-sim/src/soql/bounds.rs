//! The bounds that a condition sets for `:updated_at` and `:id`, so that a page can start there instead of at the first
//! row.

use super::ast::Op;
use super::expr::{Expr, Literal, System};
use crate::ids;
use crate::row::Key;

/// No row outside of these can satisfy the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The first key that may.
    pub(crate) first: Key,
    /// The last stamp that may.
    pub(crate) last_stamp: i64,
}

impl Bounds {
    pub(crate) const ALL: Bounds = Bounds { first: Key { updated_at: i64::MIN, id: 0 }, last_stamp: i64::MAX };

    fn stamps(first: i64, last: i64) -> Bounds {
        Bounds { first: Key { updated_at: first, id: 0 }, last_stamp: last }
    }

    /// Returns the bounds of a condition.
    pub(crate) fn of(condition: &Expr) -> Bounds {
        match condition {
            Expr::Compare(op, left, right) => match (left.as_ref(), right.as_ref()) {
                (Expr::System(System::UpdatedAt), Expr::Literal(Literal::Stamp(ms))) => stamp_bounds(*op, *ms),
                (Expr::Literal(Literal::Stamp(ms)), Expr::System(System::UpdatedAt)) => stamp_bounds(op.flipped(), *ms),
                _ => Bounds::ALL,
            },
            Expr::And(parts) => {
                let mut all = parts.iter().map(Bounds::of).fold(Bounds::ALL, |a, b| Bounds {
                    first: a.first.max(b.first),
                    last_stamp: a.last_stamp.min(b.last_stamp),
                });
                // Within one stamp the identifier decides: the second half of a keyset condition.
                if all.first.updated_at == all.last_stamp {
                    let id = parts.iter().filter_map(first_id).max().unwrap_or(0);
                    all.first.id = all.first.id.max(id);
                }
                all
            }
            Expr::Or(parts) => parts
                .iter()
                .map(Bounds::of)
                .reduce(|a, b| Bounds { first: a.first.min(b.first), last_stamp: a.last_stamp.max(b.last_stamp) })
                .unwrap_or(Bounds::ALL),
            _ => Bounds::ALL,
        }
    }
}

fn stamp_bounds(op: Op, ms: i64) -> Bounds {
    match op {
        Op::Gt => Bounds::stamps(ms.saturating_add(1), i64::MAX),
        Op::Ge => Bounds::stamps(ms, i64::MAX),
        Op::Eq => Bounds::stamps(ms, ms),
        Op::Lt => Bounds::stamps(i64::MIN, ms.saturating_sub(1)),
        Op::Le => Bounds::stamps(i64::MIN, ms),
        Op::Ne => Bounds::ALL,
    }
}

/// Returns the least identifier that a condition `:id > '..'` or `:id >= '..'` accepts.
fn first_id(condition: &Expr) -> Option<u64> {
    let Expr::Compare(op, left, right) = condition else {
        return None;
    };
    let (op, text) = match (left.as_ref(), right.as_ref()) {
        (Expr::System(System::Id), Expr::Literal(Literal::Text(text))) => (*op, text),
        (Expr::Literal(Literal::Text(text)), Expr::System(System::Id)) => (op.flipped(), text),
        _ => return None,
    };
    let id = ids::parse(text)?;
    match op {
        Op::Gt => Some(id.saturating_add(1)),
        Op::Ge | Op::Eq => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updated(op: Op, ms: i64) -> Expr {
        Expr::Compare(op, Box::new(Expr::System(System::UpdatedAt)), Box::new(Expr::Literal(Literal::Stamp(ms))))
    }

    fn id(op: Op, id: u64) -> Expr {
        let text = Expr::Literal(Literal::Text(ids::string(id)));
        Expr::Compare(op, Box::new(Expr::System(System::Id)), Box::new(text))
    }

    #[test]
    fn a_keyset_condition_begins_right_after_its_key() {
        let keyset = Expr::Or(vec![updated(Op::Gt, 5), Expr::And(vec![updated(Op::Eq, 5), id(Op::Gt, 77)])]);
        assert_eq!(Bounds::of(&keyset).first, Key { updated_at: 5, id: 78 });
    }

    #[test]
    fn what_says_nothing_about_stamps_leaves_the_bounds_open() {
        let open = Expr::Or(vec![updated(Op::Gt, 5), id(Op::Gt, 77)]);
        assert_eq!(Bounds::of(&open), Bounds::ALL);
        assert_eq!(Bounds::of(&Expr::Not(Box::new(updated(Op::Gt, 5)))), Bounds::ALL);
    }

    #[test]
    fn two_conditions_meet() {
        let slice = Expr::And(vec![updated(Op::Ge, 5), updated(Op::Lt, 9)]);
        assert_eq!(Bounds::of(&slice), Bounds::stamps(5, 8));
    }
}

//! Which rows a page holds, and in what order.

use std::cmp::Ordering;

use crate::dataset::Dataset;
use crate::ids;
use crate::packed::Texts;
use crate::row::{Key, Row};
use crate::soql::bounds::Bounds;
use crate::soql::cell::Cell;
use crate::soql::eval::View;
use crate::soql::expr::{Expr, System};
use crate::soql::query::{Query, SortKey};

type Found<'d> = (Key, &'d Row);

/// Returns the rows of a page.
pub(crate) fn choose<'d>(
    dataset: &'d Dataset,
    texts: &'d Texts<'d>,
    query: &'d Query,
    order: &'d [SortKey],
    salt: u64,
) -> Vec<Found<'d>> {
    let Some(first) = order.first() else {
        // Unordered: another shuffle for every offset, so that pages overlap and miss rows.
        let salt = ids::scatter(query.offset as u64);
        return cut(matching(dataset, texts, query).collect(), query, |(key, _)| ids::scatter(key.id ^ salt));
    };
    match (&first.expr, first.descending) {
        (Expr::System(System::UpdatedAt), false) => {
            walk(matching(dataset, texts, query), texts, query, &order[1..], (salt, false))
        }
        (Expr::System(System::UpdatedAt), true) => {
            walk(matching(dataset, texts, query).rev(), texts, query, &order[1..], (salt, true))
        }
        (Expr::System(System::Id), false) => cut(matching(dataset, texts, query).collect(), query, |(key, _)| key.id),
        (Expr::System(System::Id), true) => {
            cut(matching(dataset, texts, query).collect(), query, |(key, _)| u64::MAX - key.id)
        }
        _ => {
            let mut found: Vec<Found<'d>> = matching(dataset, texts, query).collect();
            sort(&mut found, texts, query, order, salt);
            found.into_iter().skip(query.offset).take(query.limit).collect()
        }
    }
}

/// Returns the rows that satisfy the condition, in the order of the index.
pub(crate) fn matching<'d>(
    dataset: &'d Dataset,
    texts: &'d Texts<'d>,
    query: &'d Query,
) -> impl DoubleEndedIterator<Item = Found<'d>> {
    let bounds = query.filter.as_ref().map_or(Bounds::ALL, Bounds::of);
    let last = Key { updated_at: bounds.last_stamp, id: u64::MAX };
    // A range whose end is before its start is not empty but an error.
    let range = (bounds.first <= last).then(|| dataset.rows.range(bounds.first..=last));
    range.into_iter().flatten().map(|(key, row)| (*key, row)).filter(move |(key, row)| {
        query.filter.as_ref().is_none_or(|condition| View::new(*key, row, texts, &query.wanted).satisfies(condition))
    })
}

/// Returns a page of rows in index order; rows of one stamp are ordered by `rest`, and if that does not decide, at
/// random.
fn walk<'d>(
    rows: impl Iterator<Item = Found<'d>>,
    texts: &'d Texts<'d>,
    query: &'d Query,
    rest: &'d [SortKey],
    (salt, reversed): (u64, bool),
) -> Vec<Found<'d>> {
    if let Some(SortKey { expr: Expr::System(System::Id), descending }) = rest.first()
        && *descending == reversed
    {
        return rows.skip(query.offset).take(query.limit).collect();
    }
    let enough = query.offset.saturating_add(query.limit);
    let mut done: Vec<Found<'d>> = Vec::new();
    let mut ties: Vec<Found<'d>> = Vec::new();
    for found in rows {
        if ties.first().is_some_and(|(key, _)| key.updated_at != found.0.updated_at) {
            sort(&mut ties, texts, query, rest, salt);
            done.append(&mut ties);
            if done.len() >= enough {
                break;
            }
        }
        ties.push(found);
    }
    sort(&mut ties, texts, query, rest, salt);
    done.append(&mut ties);
    done.into_iter().skip(query.offset).take(query.limit).collect()
}

/// Sorts by the keys, ties by chance.
fn sort<'d>(found: &mut [Found<'d>], texts: &'d Texts<'d>, query: &'d Query, order: &'d [SortKey], salt: u64) {
    let chance = |key: &Key| ids::scatter(key.id ^ ids::scatter(salt));
    if order.is_empty() {
        found.sort_unstable_by_key(|(key, _)| chance(key));
        return;
    }
    let mut keyed: Vec<(Vec<Cell<'d>>, Found<'d>)> = found
        .iter()
        .map(|(key, row)| {
            let view = View::new(*key, row, texts, &query.wanted);
            (order.iter().map(|sort| view.cell(&sort.expr)).collect(), (*key, *row))
        })
        .collect();
    keyed.sort_unstable_by(|(left, left_row), (right, right_row)| {
        compare(left, right, order.iter().map(|key| key.descending))
            .then_with(|| chance(&left_row.0).cmp(&chance(&right_row.0)))
    });
    for (slot, (_, row)) in found.iter_mut().zip(keyed) {
        *slot = row;
    }
}

/// Compares two lists of values, each ascending or descending.
pub(crate) fn compare(left: &[Cell<'_>], right: &[Cell<'_>], descending: impl Iterator<Item = bool>) -> Ordering {
    left.iter()
        .zip(right)
        .zip(descending)
        .map(|((left, right), descending)| {
            let order = left.order(right);
            if descending { order.reverse() } else { order }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Returns a page by a number that is different for every row, without sorting more than the page.
fn cut<'d>(mut found: Vec<Found<'d>>, query: &Query, number: impl Fn(&Found<'d>) -> u64) -> Vec<Found<'d>> {
    if query.offset >= found.len() {
        return Vec::new();
    }
    if query.offset > 0 {
        found.select_nth_unstable_by_key(query.offset, &number);
    }
    let mut page = found.split_off(query.offset);
    if query.limit < page.len() {
        page.select_nth_unstable_by_key(query.limit, &number);
        page.truncate(query.limit);
    }
    page.sort_unstable_by_key(&number);
    page
}

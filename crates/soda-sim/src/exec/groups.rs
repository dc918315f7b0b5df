//! Aggregates over the rows of groups.

use std::collections::HashMap;

use super::scan::{compare, matching};
use super::{Page, separate};
use crate::dataset::Dataset;
use crate::packed::Texts;
use crate::render;
use crate::soql::cell::Cell;
use crate::soql::eval::View;
use crate::soql::grouped::{Aggregate, Function, Grouped, Part};
use crate::soql::query::Query;
use crate::types::Kind;

/// The state of an aggregate.
#[derive(Clone)]
struct State<'a> {
    count: u64,
    sum: f64,
    best: Cell<'a>,
}

struct Group<'a> {
    keys: Vec<Cell<'a>>,
    states: Vec<State<'a>>,
}

/// Writes the groups of a query.
pub(crate) fn write(of: (&Dataset, &Texts<'_>), query: &Query, grouped: &Grouped, page: &mut Page) {
    let mut groups = collect(of, query, grouped);
    if !grouped.order.is_empty() {
        let value = |group: &Group<'_>| -> Vec<Cell<'static>> {
            grouped.order.iter().map(|(part, _)| owned(part_value(group, *part, grouped))).collect()
        };
        let mut keyed: Vec<_> = groups.into_iter().map(|group| (value(&group), group)).collect();
        keyed
            .sort_by(|left, right| compare(&left.0, &right.0, grouped.order.iter().map(|(_, descending)| *descending)));
        groups = keyed.into_iter().map(|(_, group)| group).collect();
    }
    for group in groups.iter().skip(query.offset).take(query.limit) {
        page.begin_row();
        page.body.push(b'{');
        let mut any = false;
        for (name, kind, part) in &grouped.output {
            let cell = part_value(group, *part, grouped);
            if !matches!(cell, Cell::Null) {
                separate(&mut page.body, &mut any);
                render::push_name(&mut page.body, name);
                render::push_cell(&mut page.body, &cell, *kind);
            }
        }
        page.body.push(b'}');
    }
}

fn collect<'a>(
    (dataset, texts): (&'a Dataset, &'a Texts<'a>),
    query: &'a Query,
    grouped: &'a Grouped,
) -> Vec<Group<'a>> {
    let blank = vec![State { count: 0, sum: 0.0, best: Cell::Null }; grouped.aggregates.len()];
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    if grouped.keys.is_empty() {
        // Without `$group` there is one answer, over no rows too.
        groups.push(Group { keys: Vec::new(), states: blank.clone() });
        known.insert(Vec::new(), 0);
    }
    let mut name = Vec::new();
    for (key, row) in matching(dataset, texts, query) {
        let view = View::new(key, row, texts, &query.wanted);
        let keys: Vec<Cell<'a>> = grouped.keys.iter().map(|expr| view.cell(expr)).collect();
        name.clear();
        for cell in &keys {
            render::push_cell(&mut name, cell, Kind::Text);
            name.push(0);
        }
        let number = match known.get(&name) {
            Some(number) => *number,
            None => {
                groups.push(Group { keys, states: blank.clone() });
                known.insert(name.clone(), groups.len() - 1);
                groups.len() - 1
            }
        };
        for (state, aggregate) in groups[number].states.iter_mut().zip(&grouped.aggregates) {
            add(state, aggregate, &view);
        }
    }
    groups
}

fn add<'a>(state: &mut State<'a>, aggregate: &'a Aggregate, view: &View<'a>) {
    let Some(expr) = &aggregate.expr else {
        state.count += 1;
        return;
    };
    let cell = view.cell(expr);
    if matches!(cell, Cell::Null) {
        return;
    }
    state.count += 1;
    match aggregate.function {
        Function::Count => {}
        Function::Sum | Function::Avg => {
            if let Cell::Number(number) = cell {
                state.sum += number;
            }
        }
        Function::Min | Function::Max => {
            let order = cell.order(&state.best);
            let better = if aggregate.function == Function::Min { order.is_lt() } else { order.is_gt() };
            if better || matches!(state.best, Cell::Null) {
                state.best = cell;
            }
        }
    }
}

fn part_value<'a>(group: &Group<'a>, part: Part, grouped: &Grouped) -> Cell<'a> {
    let number = match part {
        Part::Key(key) => return group.keys[key].clone(),
        Part::Aggregate(number) => number,
    };
    let state = &group.states[number];
    let count = state.count as f64;
    match grouped.aggregates[number].function {
        Function::Count => Cell::Number(count),
        Function::Min | Function::Max => state.best.clone(),
        _ if state.count == 0 => Cell::Null,
        Function::Sum => Cell::Number(state.sum),
        Function::Avg => Cell::Number(state.sum / count),
    }
}

fn owned(cell: Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Null | Cell::Json(_) => Cell::Null,
        Cell::Bool(value) => Cell::Bool(value),
        Cell::Number(value) => Cell::Number(value),
        Cell::Stamp(value) => Cell::Stamp(value),
        Cell::Text(text) => Cell::Text(text.into_owned().into()),
        Cell::Id(id) => Cell::Id(id),
    }
}

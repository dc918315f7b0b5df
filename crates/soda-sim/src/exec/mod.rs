//! Checked queries over a dataset, as the body of an answer.

mod groups;
mod scan;

use crate::dataset::Dataset;
use crate::render;
use crate::row::{Key, Row};
use crate::soql::cell::Cell;
use crate::soql::eval::View;
use crate::soql::expr::System;
use crate::soql::query::{Item, Query, Shape};

/// A page: one row a line, and how many.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) rows: usize,
}

impl Page {
    pub(crate) fn new() -> Page {
        Page { body: vec![b'['], rows: 0 }
    }

    fn begin_row(&mut self) {
        if self.rows > 0 {
            self.body.extend_from_slice(b"\n,");
        }
        self.rows += 1;
    }

    pub(crate) fn finish(mut self) -> Page {
        self.body.extend_from_slice(b"]\n");
        self
    }
}

/// Runs a query. The order that SODA leaves undefined, of rows not ordered by and of ties, is drawn from `salt`.
pub(crate) fn run(dataset: &Dataset, query: &Query, salt: u64) -> Page {
    let mut page = Page::new();
    let texts = dataset.texts();
    match &query.shape {
        Shape::Whole { before, after, computed_regions, order } => {
            let chosen = scan::choose(dataset, &texts, query, order, salt);
            page.body.reserve(chosen.iter().map(|(_, row)| texts.text(row).len() + 160).sum());
            for (key, row) in chosen {
                page.begin_row();
                push_whole(&mut page.body, (key, row), texts.text(row), (before, after), *computed_regions);
            }
        }
        Shape::Items { items, order } => {
            for (key, row) in scan::choose(dataset, &texts, query, order, salt) {
                page.begin_row();
                push_items(&mut page.body, &View::new(key, row, &texts, &query.wanted), items);
            }
        }
        Shape::Grouped(grouped) => groups::write((dataset, &texts), query, grouped, &mut page),
    }
    page.finish()
}

/// Appends a row as published, with its system fields around it; the stored text is copied, not parsed.
fn push_whole(
    out: &mut Vec<u8>,
    (key, row): (Key, &Row),
    text: &str,
    (before, after): (&[System], &[System]),
    computed_regions: bool,
) {
    let end = if computed_regions { text.len().saturating_sub(1) } else { row.plain_end };
    let published = text.as_bytes().get(1..end).unwrap_or_default();
    out.push(b'{');
    let mut any = false;
    for field in before {
        separate(out, &mut any);
        render::push_system(out, *field, key, row);
    }
    if !published.is_empty() {
        separate(out, &mut any);
        out.extend_from_slice(published);
    }
    for field in after {
        separate(out, &mut any);
        render::push_system(out, *field, key, row);
    }
    out.push(b'}');
}

/// Appends the selected expressions; one that is null is omitted.
fn push_items(out: &mut Vec<u8>, view: &View<'_>, items: &[Item]) {
    use crate::soql::expr::Expr;
    out.push(b'{');
    let mut any = false;
    for item in items {
        // A plain column keeps the text it was published with, "5.00" and all.
        if let Expr::Data(column, _) = &item.expr {
            if let Some(raw) = view.raw(*column) {
                separate(out, &mut any);
                render::push_name(out, &item.name);
                out.extend_from_slice(raw.as_bytes());
            }
            continue;
        }
        let cell = view.cell(&item.expr);
        if !matches!(cell, Cell::Null) {
            separate(out, &mut any);
            render::push_name(out, &item.name);
            render::push_cell(out, &cell, item.kind);
        }
    }
    out.push(b'}');
}

fn separate(out: &mut Vec<u8>, any: &mut bool) {
    if *any {
        out.push(b',');
    }
    *any = true;
}

//! A page being put together, row by row.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use lake_model::{Column, ColumnType, Kind, Result, ResultExt, one_line};

use crate::decode::column_builder::ColumnBuilder;
use crate::decode::content_hash::{content_hash, earlier_hash, format_extra};
use crate::decode::findings::{Findings, Warning};
use crate::decode::page::{Page, Reject};
use crate::decode::row::{Cell, MAX_KEY_BYTES, Row};
use crate::decode::row_rules::RowRules;
use crate::decode::stamp_order::StampOrder;

/// The length limit of a parser's message, which may quote its complete input, in characters.
pub(crate) const MAX_REASON_CHARS: usize = 200;

/// The columns of a page while it is decoded.
struct Building {
    columns: Vec<ColumnBuilder>,
    extra: StringBuilder,
    key: StringBuilder,
    portal_id: StringBuilder,
    updated_at: TimestampMicrosecondBuilder,
    hash: StringBuilder,
    rejects: Vec<Reject>,
    published: usize,
    order: StampOrder,
    first_updated_at: Option<String>,
    earlier_hashes: HashMap<usize, String>,
    findings: Findings,
}

/// A page being put together row by row.
pub struct PageBuilder<'d> {
    rules: &'d RowRules,
    building: Building,
    /// Whether only the rows determine which columns there are.
    whole: bool,
}

impl<'d> PageBuilder<'d> {
    /// Begins a page; stamps after `latest_stamp` cannot be true. `whole` if only the rows determine which columns
    /// there are.
    pub(crate) fn new(rules: &'d RowRules, latest_stamp: i64, whole: bool) -> Self {
        let building = Building {
            columns: rules.resource.columns.iter().map(|c| ColumnBuilder::new(c.kind)).collect(),
            extra: StringBuilder::new(),
            key: StringBuilder::new(),
            portal_id: StringBuilder::new(),
            updated_at: TimestampMicrosecondBuilder::new(),
            hash: StringBuilder::new(),
            rejects: Vec::new(),
            published: 0,
            order: StampOrder::new(latest_stamp),
            first_updated_at: None,
            earlier_hashes: HashMap::new(),
            findings: Findings::new(&rules.resource),
        };
        Self { rules, building, whole }
    }
}

impl PageBuilder<'_> {
    /// Returns the number of rows pushed so far.
    pub(crate) fn len(&self) -> usize {
        self.building.published
    }

    /// Adds a row, usable or not; `json` is its text.
    pub fn push(&mut self, json: &str) {
        match Row::parse(self.rules, json) {
            Ok(row) => self.push_row(row, json),
            Err(error) => {
                self.building.order.push(None, None);
                let said = one_line(&error.to_string(), MAX_REASON_CHARS);
                self.reject(None, None, format!("not a row: {said}"), json);
            }
        }
    }

    fn reject(&mut self, portal_id: Option<String>, updated_at: Option<i64>, reason: String, original: &str) {
        let building = &mut self.building;
        building.rejects.push(Reject {
            row: building.published,
            portal_id,
            reason,
            original: original.to_owned(),
            updated_at,
        });
        building.published += 1;
    }

    fn push_row(&mut self, row: Row<'_>, json: &str) {
        let resource = &self.rules.resource;
        if let (Some(_), Some(updated_at)) = (&row.id, &row.updated_at) {
            self.building.first_updated_at.get_or_insert_with(|| updated_at.clone().into_owned());
        }
        let updated_at = self.building.order.push(row.id.as_deref(), row.updated_at.as_deref());
        self.building.findings.add(self.rules, &row);
        let cells =
            || resource.columns.iter().zip(&row.cells).filter_map(|(column, cell)| Some((column, cell.as_ref()?)));
        let key = match self.key(&row) {
            _ if self.rules.key.is_empty() => String::new(),
            Ok(key) => key,
            Err(reason) => {
                return self.reject(row.id.map(Cow::into_owned), updated_at, reason, json);
            }
        };
        // A value that does not fit its column; and leading zeros of an id, or a tail of zeros, which are not part of
        // its number: the published text is kept.
        let is_misfit = |(column, cell): &(&Column, &Cell<'_>)| match &cell.typed {
            None => true,
            Some(typed) => column.kind == ColumnType::Integer && typed.key_text() != cell.published.text(),
        };
        let misfits: Vec<(&str, &str)> =
            cells().filter(is_misfit).map(|(column, cell)| (column.name.as_str(), cell.published.0)).collect();
        let building = &mut self.building;
        if let Some(earlier) = earlier_hash(&resource.columns, &row) {
            building.earlier_hashes.insert(building.published - building.rejects.len(), earlier);
        }
        building.hash.append_value(content_hash(&resource.columns, &row));
        for (builder, cell) in building.columns.iter_mut().zip(&row.cells) {
            builder.append(cell.as_ref().and_then(|cell| cell.typed.as_ref()));
        }
        building.key.append_value(key);
        building.portal_id.append_option(row.id.as_deref());
        building.updated_at.append_option(updated_at);
        building.extra.append_option(format_extra(&misfits, &row.unknown));
        building.published += 1;
    }

    fn key(&self, row: &Row<'_>) -> std::result::Result<String, String> {
        let resource = &self.rules.resource;
        let mut key = String::new();
        for (n, &index) in self.rules.key.iter().enumerate() {
            let column = &resource.columns[index];
            let name = &column.name;
            let Some(cell) = &row.cells[index] else {
                let what = if row.empty[index] { "empty" } else { "absent" };
                return Err(format!("key column `{name}` is {what}"));
            };
            let Some(value) = &cell.typed else {
                let short: String = cell.published.0.chars().take(60).collect();
                let kind = format!("{:?}", column.kind).to_lowercase();
                return Err(format!("key column `{name}`: {short} is not a valid {kind}"));
            };
            // 007 and 7 are two ids, whatever number they are.
            let zeros = match column.kind {
                ColumnType::Integer => cell.published.leading_zeros(),
                _ => Cow::Borrowed(""),
            };
            let text = format!("{zeros}{}", value.key_text());
            if text.trim().is_empty() {
                return Err(format!("key column `{}` is empty", column.name));
            }
            if text.len() > MAX_KEY_BYTES {
                return Err(format!("key column `{}` is longer than {MAX_KEY_BYTES} bytes", column.name));
            }
            if n > 0 {
                key.push('|');
            }
            // Escaped where there are several columns, so that no two keys are written alike.
            if self.rules.key.len() > 1 {
                key.push_str(&text.replace('\\', "\\\\").replace('|', "\\|"));
            } else {
                key.push_str(&text);
            }
        }
        Ok(key)
    }

    /// Returns the page.
    ///
    /// # Errors
    /// If the columns do not fit together, which would be a bug.
    pub fn finish(self) -> Result<Page> {
        let mut building = self.building;
        let findings = &building.findings;
        let mut warnings: Vec<Warning> =
            findings.undated(&self.rules.resource).into_iter().chain(findings.unlocated()).collect();
        if self.whole {
            warnings.extend(building.findings.absent(self.rules, false));
        }
        let mut columns: Vec<ArrayRef> = building.columns.into_iter().map(ColumnBuilder::finish).collect();
        columns.push(Arc::new(building.extra.finish()));
        columns.push(Arc::new(building.key.finish()));
        columns.push(Arc::new(building.portal_id.finish()));
        columns.push(Arc::new(building.updated_at.finish()));
        columns.push(Arc::new(building.hash.finish()));
        let batch = RecordBatch::try_new(Arc::clone(&self.rules.schema), columns)
            .or_err(Kind::Internal, || format!("a page of {}", self.rules.resource.name))?;
        let order = building.order;
        let stamps = order.faults();
        Ok(Page {
            batch,
            rejects: building.rejects,
            published: building.published,
            cursor: order.cursor,
            last: order.last,
            latest_stamp: order.latest_stamp,
            stamps,
            first_updated_at: building.first_updated_at,
            earlier_hashes: building.earlier_hashes,
            warnings,
        })
    }
}

//! A page's rows as typed columns, keys, content hashes and rejects.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use lake_model::{Column, ColumnType, Cursor, Error, Kind, Resource, Result, ResultExt, one_line};
use serde_json::value::RawValue;

use crate::decode::column_builder::ColumnBuilder;
use crate::decode::content_hash::{content_hash, earlier_hash, extra};
use crate::decode::findings::{Findings, Warning};
use crate::decode::row::{Cell, MAX_KEY_BYTES, Row};
use crate::decode::times::TimeRules;
use crate::file::text_input::BYTE_ORDER_MARK;
use crate::soda::stamps::parse_stamp;

/// The most characters of what a parser says, which may quote all that it was given.
const MAX_REASON_CHARS: usize = 200;

/// A row that cannot be used, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Its place in the page, from 0.
    pub row: usize,
    /// The portal's `:id`, if it has one.
    pub portal_id: Option<String>,
    /// Why.
    pub reason: String,
    /// The row's JSON.
    pub original: String,
    /// Its `:updated_at`, microseconds since 1970 UTC, if it has one that can be true.
    pub updated_at: Option<i64>,
}

/// A decoded page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The usable rows: the declared columns, then `_extra`, `_key`, `_portal_id`, `_updated_at` (UTC), `_hash`.
    pub batch: RecordBatch,
    /// The others.
    pub rejects: Vec<Reject>,
    /// All rows of the page, usable or not.
    pub published: usize,
    /// Where the next run goes on: the last row whose `:updated_at` can be true.
    pub cursor: Option<Cursor>,
    /// Where the next page begins: the last row whose `:updated_at` is a time, be it in the future.
    pub last: Option<Cursor>,
    /// The latest `:updated_at` that can be true, microseconds since 1970 UTC. Rows beyond it have none.
    pub latest_stamp: i64,
    /// What is wrong with the rows' system fields.
    pub stamps: StampFaults,
    /// The least `:updated_at` of the page, as published.
    pub first_updated_at: Option<String>,
    /// The `_hash` that version 0.1.0 gave to rows of `batch`, where it is another: a row that landed with it is the same.
    pub earlier_hashes: HashMap<usize, String>,
    /// What a reader of the page should know.
    pub warnings: Vec<Warning>,
}

/// Rows whose system fields are not what a portal's are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StampFaults {
    /// Rows whose `:updated_at` lies in the future.
    pub future: usize,
    /// One of those stamps.
    pub future_example: Option<String>,
    /// Rows without `:id`, or without an `:updated_at` that is a time.
    pub unusable: usize,
    /// One of those stamps, where there is a text.
    pub unusable_example: Option<String>,
    /// Whether the rows are out of order, in time and as text.
    pub unsorted: bool,
}

/// Decodes the rows of one resource.
#[derive(Debug)]
pub struct Decoder {
    resource: Arc<Resource>,
    /// Column by name and alias, with the name's place among those of the column.
    by_name: HashMap<String, (usize, usize)>,
    key: Vec<usize>,
    times: TimeRules,
    schema: SchemaRef,
}

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
    order: Order,
    first_updated_at: Option<String>,
    earlier_hashes: HashMap<usize, String>,
    findings: Findings,
}

/// The rows' system fields, as they come.
struct Order {
    latest_stamp: i64,
    cursor: Option<Cursor>,
    /// The row of the greatest stamp.
    last: Option<Cursor>,
    greatest: i64,
    is_sorted_in_time: bool,
    is_sorted_as_text: bool,
    /// The row before: its stamp, as a time and as published.
    previous: (i64, String),
    faults: StampFaults,
}

impl Order {
    fn new(latest_stamp: i64) -> Self {
        Self {
            latest_stamp,
            cursor: None,
            last: None,
            greatest: i64::MIN,
            is_sorted_in_time: true,
            is_sorted_as_text: true,
            previous: (i64::MIN, String::new()),
            faults: StampFaults::default(),
        }
    }

    /// Takes the next row's system fields; its stamp, where it can be true.
    fn push(&mut self, id: Option<&str>, updated_at: Option<&str>) -> Option<i64> {
        let stamp = updated_at.and_then(parse_stamp);
        let (Some(text), Some(at)) = (updated_at, stamp) else {
            self.faults.unusable += 1;
            if let Some(text) = updated_at {
                self.faults.unusable_example.get_or_insert_with(|| text.to_owned());
            }
            return None;
        };
        self.is_sorted_in_time &= self.previous.0 <= at;
        self.is_sorted_as_text &= self.previous.1.as_str() <= text;
        self.previous.0 = at;
        text.clone_into(&mut self.previous.1);
        let is_true = at <= self.latest_stamp;
        if !is_true {
            self.faults.future += 1;
            self.faults.future_example.get_or_insert_with(|| text.to_owned());
        }
        match id {
            None => self.faults.unusable += 1,
            Some(id) => {
                if is_true {
                    move_to(&mut self.cursor, text, id);
                }
                if self.greatest <= at {
                    self.greatest = at;
                    move_to(&mut self.last, text, id);
                }
            }
        }
        is_true.then_some(at)
    }
}

/// Moves a cursor to a row, in the memory that it has.
fn move_to(cursor: &mut Option<Cursor>, updated_at: &str, id: &str) {
    let cursor = cursor.get_or_insert_with(|| Cursor { updated_at: String::new(), id: String::new() });
    updated_at.clone_into(&mut cursor.updated_at);
    id.clone_into(&mut cursor.id);
}

/// A page being put together row by row.
pub struct PageBuilder<'d> {
    decoder: &'d Decoder,
    building: Building,
    /// Whether nothing but the rows says which columns there are.
    whole: bool,
}

impl Decoder {
    /// A decoder of the resource's rows.
    pub fn new(resource: &Arc<Resource>) -> Self {
        let mut by_name = HashMap::new();
        for (index, column) in resource.columns.iter().enumerate() {
            for (rank, name) in column.names().enumerate() {
                by_name.insert(name.to_owned(), (index, rank));
            }
        }
        let key = resource.key.iter().filter_map(|name| Some(by_name.get(name)?.0)).collect();
        let schema = Arc::new(Schema::new(lake_fields(resource)));
        Self { resource: Arc::clone(resource), by_name, key, times: TimeRules::new(resource), schema }
    }

    /// A decoder of rows whose key does not matter: every row that is an object is usable, its `_key` empty.
    pub fn keyless(resource: &Arc<Resource>) -> Self {
        Self { key: Vec::new(), ..Self::new(resource) }
    }

    /// The resource.
    pub fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    /// The columns of a page's batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The index of the column that is called, or was ever called, `name`.
    pub(crate) fn column_index(&self, name: &str) -> Option<usize> {
        Some(self.place_of(name)?.0)
    }

    /// The index of the column that has the name, and the name's place among those of the column.
    pub(crate) fn place_of(&self, name: &str) -> Option<(usize, usize)> {
        self.by_name.get(name).copied()
    }

    /// How times are read.
    pub(crate) fn times(&self) -> &TimeRules {
        &self.times
    }

    /// Begins a page of rows that come one by one, whatever their stamps.
    pub fn begin(&self) -> PageBuilder<'_> {
        self.begin_as_of(i64::MAX)
    }

    /// Begins a page of rows that come one by one; stamps after `latest_stamp` cannot be true.
    pub fn begin_as_of(&self, latest_stamp: i64) -> PageBuilder<'_> {
        PageBuilder {
            decoder: self,
            building: Building {
                columns: self.resource.columns.iter().map(|c| ColumnBuilder::new(c.kind)).collect(),
                extra: StringBuilder::new(),
                key: StringBuilder::new(),
                portal_id: StringBuilder::new(),
                updated_at: TimestampMicrosecondBuilder::new(),
                hash: StringBuilder::new(),
                rejects: Vec::new(),
                published: 0,
                order: Order::new(latest_stamp),
                first_updated_at: None,
                earlier_hashes: HashMap::new(),
                findings: Findings::new(&self.resource),
            },
            whole: true,
        }
    }

    /// Begins a page of a file whose columns have been checked; stamps after `latest_stamp` cannot be true.
    pub(crate) fn begin_checked(&self, latest_stamp: i64) -> PageBuilder<'_> {
        PageBuilder { whole: false, ..self.begin_as_of(latest_stamp) }
    }

    /// Decodes the body of a page, an array of objects, whatever their stamps.
    ///
    /// # Errors
    /// If the body is no JSON array.
    pub fn page(&self, body: &[u8]) -> Result<Page> {
        self.page_as_of(body, i64::MAX)
    }

    /// Decodes the body of a page, an array of objects; stamps after `latest_stamp` cannot be true.
    ///
    /// # Errors
    /// If the body is no JSON array.
    pub fn page_as_of(&self, body: &[u8], latest_stamp: i64) -> Result<Page> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let rows: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
            let said = one_line(&error.to_string(), MAX_REASON_CHARS);
            Error::new(Kind::Unavailable, format!("a page of {} is no JSON array: {said}", self.resource.name))
        })?;
        let mut page = self.begin_as_of(latest_stamp);
        for row in rows {
            page.push(row.get());
        }
        page.finish()
    }
}

fn lake_fields(resource: &Resource) -> Vec<Field> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    let mut fields: Vec<Field> = Vec::new();
    for column in &resource.columns {
        let kind = ColumnBuilder::new(column.kind).finish().data_type().clone();
        fields.push(Field::new(&column.name, kind, true));
    }
    for (name, kind) in [
        ("_extra", DataType::Utf8),
        ("_key", DataType::Utf8),
        ("_portal_id", DataType::Utf8),
        ("_updated_at", time),
        ("_hash", DataType::Utf8),
    ] {
        fields.push(Field::new(name, kind, true));
    }
    fields
}

impl PageBuilder<'_> {
    /// Rows pushed so far.
    pub(crate) fn len(&self) -> usize {
        self.building.published
    }

    /// Adds a row, usable or not; `json` is its text.
    pub fn push(&mut self, json: &str) {
        match Row::parse(self.decoder, json) {
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
        let resource = &self.decoder.resource;
        if let (Some(_), Some(updated_at)) = (&row.id, &row.updated_at) {
            self.building.first_updated_at.get_or_insert_with(|| updated_at.clone().into_owned());
        }
        let updated_at = self.building.order.push(row.id.as_deref(), row.updated_at.as_deref());
        self.building.findings.add(self.decoder, &row);
        let cells =
            || resource.columns.iter().zip(&row.cells).filter_map(|(column, cell)| Some((column, cell.as_ref()?)));
        let key = match self.key(&row) {
            _ if self.decoder.key.is_empty() => String::new(),
            Ok(key) => key,
            Err(reason) => {
                return self.reject(row.id.map(Cow::into_owned), updated_at, reason, json);
            }
        };
        // What does not fit its column; and the zeros that an id begins with, or a tail of them, which are no part of its
        // number, and of its text if it becomes one: what was published is kept.
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
        building.extra.append_option(extra(&misfits, &row.unknown));
        building.published += 1;
    }

    fn key(&self, row: &Row<'_>) -> std::result::Result<String, String> {
        let resource = &self.decoder.resource;
        let mut key = String::new();
        for (n, &index) in self.decoder.key.iter().enumerate() {
            let column = &resource.columns[index];
            let name = &column.name;
            let Some(cell) = &row.cells[index] else {
                let what = if row.empty[index] { "empty" } else { "absent" };
                return Err(format!("key column `{name}` is {what}"));
            };
            let Some(value) = &cell.typed else {
                let short: String = cell.published.0.chars().take(60).collect();
                let kind = format!("{:?}", column.kind).to_lowercase();
                return Err(format!("key column `{name}`: {short} is no {kind}"));
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
            if self.decoder.key.len() > 1 {
                key.push_str(&text.replace('\\', "\\\\").replace('|', "\\|"));
            } else {
                key.push_str(&text);
            }
        }
        Ok(key)
    }

    /// The page.
    ///
    /// # Errors
    /// If the columns do not fit together, which would be a bug.
    pub fn finish(self) -> Result<Page> {
        let mut building = self.building;
        let mut warnings: Vec<Warning> = building.findings.undated(&self.decoder.resource).into_iter().collect();
        if self.whole {
            warnings.extend(building.findings.absent(self.decoder, false));
        }
        let mut columns: Vec<ArrayRef> = building.columns.into_iter().map(ColumnBuilder::finish).collect();
        columns.push(Arc::new(building.extra.finish()));
        columns.push(Arc::new(building.key.finish()));
        columns.push(Arc::new(building.portal_id.finish()));
        columns.push(Arc::new(building.updated_at.finish()));
        columns.push(Arc::new(building.hash.finish()));
        let batch = RecordBatch::try_new(Arc::clone(&self.decoder.schema), columns)
            .or_err(Kind::Internal, || format!("a page of {}", self.decoder.resource.name))?;
        let order = building.order;
        let unsorted = !order.is_sorted_in_time && !order.is_sorted_as_text;
        Ok(Page {
            batch,
            rejects: building.rejects,
            published: building.published,
            cursor: order.cursor,
            last: order.last,
            latest_stamp: order.latest_stamp,
            stamps: StampFaults { unsorted, ..order.faults },
            first_updated_at: building.first_updated_at,
            earlier_hashes: building.earlier_hashes,
            warnings,
        })
    }
}

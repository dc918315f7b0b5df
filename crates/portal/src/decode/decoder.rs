//! The decoder of one resource's rows.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use lake_model::{Error, Kind, Resource, Result, one_line};
use serde_json::value::RawValue;

use crate::decode::page::Page;
use crate::decode::page_builder::{MAX_REASON_CHARS, PageBuilder};
use crate::decode::row_rules::RowRules;
use crate::decode::times::TimeRules;
use crate::file::text_input::BYTE_ORDER_MARK;

/// Decodes the rows of one resource.
#[derive(Debug)]
pub struct Decoder {
    rules: RowRules,
}

impl Decoder {
    /// Returns a decoder of the resource's rows.
    pub fn new(resource: &Arc<Resource>) -> Self {
        Self { rules: RowRules::new(resource) }
    }

    /// Returns a decoder of rows whose key does not matter: every row that is an object is usable, its `_key` empty.
    pub fn keyless(resource: &Arc<Resource>) -> Self {
        Self { rules: RowRules { key: Vec::new(), ..RowRules::new(resource) } }
    }

    /// Returns the resource.
    pub fn resource(&self) -> &Arc<Resource> {
        &self.rules.resource
    }

    /// Returns the columns of a page's batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.rules.schema
    }

    /// Returns how rows are read.
    pub(crate) fn rules(&self) -> &RowRules {
        &self.rules
    }

    /// Returns the index of the column that is called, or was ever called, `name`.
    pub(crate) fn column_index(&self, name: &str) -> Option<usize> {
        self.rules.column_index(name)
    }

    /// Returns how times are read.
    pub(crate) fn times(&self) -> &TimeRules {
        &self.rules.times
    }

    /// Begins a page of rows that come one by one, whatever their stamps.
    pub fn begin(&self) -> PageBuilder<'_> {
        self.begin_as_of(i64::MAX)
    }

    /// Begins a page of rows that come one by one; stamps after `latest_stamp` cannot be true.
    pub fn begin_as_of(&self, latest_stamp: i64) -> PageBuilder<'_> {
        PageBuilder::new(&self.rules, latest_stamp, true)
    }

    /// Begins a page of a file whose columns have been checked; stamps after `latest_stamp` cannot be true.
    pub(crate) fn begin_checked(&self, latest_stamp: i64) -> PageBuilder<'_> {
        PageBuilder::new(&self.rules, latest_stamp, false)
    }

    /// Decodes the body of a page, an array of objects, whatever their stamps.
    ///
    /// # Errors
    /// If the body is not a JSON array.
    pub fn page(&self, body: &[u8]) -> Result<Page> {
        self.page_as_of(body, i64::MAX)
    }

    /// Decodes the body of a page, an array of objects; stamps after `latest_stamp` cannot be true.
    ///
    /// # Errors
    /// If the body is not a JSON array.
    pub fn page_as_of(&self, body: &[u8], latest_stamp: i64) -> Result<Page> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let rows: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
            let said = one_line(&error.to_string(), MAX_REASON_CHARS);
            Error::new(Kind::Unavailable, format!("a page of {} is not a JSON array: {said}", self.rules.resource.name))
        })?;
        let mut page = self.begin_as_of(latest_stamp);
        for row in rows {
            page.push(row.get());
        }
        page.finish()
    }
}

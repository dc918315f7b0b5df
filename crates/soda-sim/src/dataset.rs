//! A dataset: its columns, and its rows in the order of `(:updated_at, :id)`.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use crate::ids;
use crate::packed::{Blocks, Packer, Texts};
use crate::render;
use crate::row::{Key, Row, Text};
use crate::types::{Column, SodaType};

/// A dataset.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: BTreeMap<Key, Row>,
    blocks: Blocks,
    stamps: HashMap<u64, i64>,
    pub(crate) refuse_id_comparison: bool,
    pub(crate) modified_ms: i64,
    /// Whether a client has seen the present modification second.
    shown: AtomicBool,
    next_row: u64,
    next_version: u64,
}

impl Dataset {
    pub(crate) fn new(id: &str, name: &str, columns: Vec<Column>) -> Dataset {
        // Identifiers and versions are scattered from a base of the dataset's own.
        let base = ids::hash_name(id);
        Dataset {
            id: id.to_owned(),
            name: name.to_owned(),
            columns,
            rows: BTreeMap::new(),
            blocks: Blocks::default(),
            stamps: HashMap::new(),
            refuse_id_comparison: false,
            modified_ms: 0,
            shown: AtomicBool::new(false),
            next_row: base,
            next_version: base,
        }
    }

    /// Returns the second of `Last-Modified`, marked as seen.
    pub(crate) fn modified_s(&self) -> i64 {
        self.shown.store(true, Ordering::Relaxed);
        self.modified_ms.div_euclid(1_000)
    }

    /// Moves the modification time beyond every second that was already shown to a client, or a conditional request
    /// would be answered with "not modified".
    fn touch(&mut self, at_ms: i64) {
        let mut modified = at_ms.max(self.modified_ms);
        if *self.shown.get_mut() && modified.div_euclid(1_000) == self.modified_ms.div_euclid(1_000) {
            modified = (modified.div_euclid(1_000) + 1) * 1_000;
        }
        self.modified_ms = modified;
        *self.shown.get_mut() = false;
    }

    pub(crate) fn insert(&mut self, fields: Map<String, Value>, at_ms: i64) -> u64 {
        let key = self.next_key(at_ms);
        self.put(key, at_ms, &fields);
        self.touch(at_ms);
        key.id
    }

    /// Inserts rows whose texts are those of the columns, in their order: text, where computed regions begin, stamp.
    pub(crate) fn insert_rendered(&mut self, rows: impl Iterator<Item = (Box<str>, usize, i64)>) {
        let mut rows: Vec<_> =
            rows.map(|(json, plain_end, at_ms)| (self.next_key(at_ms), self.next_version(), json, plain_end)).collect();
        // Rows of one page share blocks.
        rows.sort_unstable_by_key(|(key, ..)| *key);
        let latest = rows.last().map(|(key, ..)| key.updated_at);
        let mut packer = Packer::after(std::mem::take(&mut self.blocks));
        for (key, version, json, plain_end) in rows {
            let row = Row { version, created_at: key.updated_at, text: packer.push(&json), plain_end };
            self.keep(key, row);
        }
        self.blocks = packer.finish();
        latest.into_iter().for_each(|at_ms| self.touch(at_ms));
    }

    /// Returns the texts of the rows, for one query.
    pub(crate) fn texts(&self) -> Texts<'_> {
        Texts::of(&self.blocks)
    }

    fn next_key(&mut self, updated_at: i64) -> Key {
        let id = ids::scatter(self.next_row);
        self.next_row = self.next_row.wrapping_add(1);
        Key { updated_at, id }
    }

    fn put(&mut self, key: Key, created_at: i64, fields: &Map<String, Value>) {
        self.declare_unknown(fields);
        let (json, plain_end) = render::object(&self.columns, fields);
        let version = self.next_version();
        self.keep(key, Row { version, created_at, text: Text::Own(json), plain_end });
    }

    fn next_version(&mut self) -> u64 {
        self.next_version = self.next_version.wrapping_add(1);
        self.next_version
    }

    fn keep(&mut self, key: Key, row: Row) {
        self.stamps.insert(key.id, key.updated_at);
        self.rows.insert(key, row);
    }

    /// Declares a column for each unknown key, with the type that its value suggests.
    fn declare_unknown(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            if value.is_null() || name.is_empty() || self.columns.iter().any(|column| column.name == *name) {
                continue;
            }
            let kind = match value {
                Value::Bool(_) => SodaType::Checkbox,
                Value::Number(_) => SodaType::Number,
                Value::Object(object) if object.get("type").is_some_and(|of| of == "MultiPolygon") => {
                    SodaType::MultiPolygon
                }
                Value::Object(object) if object.contains_key("coordinates") => SodaType::Point,
                Value::Object(object) if object.contains_key("latitude") => SodaType::Location,
                Value::Object(_) => SodaType::Url,
                _ => SodaType::Text,
            };
            self.columns.push(Column::new(name.clone(), kind));
        }
    }

    pub(crate) fn key_of(&self, row_id: &str) -> Option<Key> {
        let id = ids::parse(row_id)?;
        self.stamps.get(&id).map(|updated_at| Key { updated_at: *updated_at, id })
    }

    /// Keys of the rows for which the predicate holds.
    pub(crate) fn keys_where(&self, pred: impl Fn(&Map<String, Value>) -> bool) -> Vec<Key> {
        let texts = self.texts();
        self.rows.iter().filter(|(_, row)| pred(&render::fields(texts.text(row)))).map(|(key, _)| *key).collect()
    }

    /// Changes rows and gives them a new `:updated_at` and `:version`.
    pub(crate) fn patch(&mut self, keys: &[Key], at_ms: i64, mut patch: impl FnMut(&mut Map<String, Value>)) -> usize {
        let mut changed = 0;
        let blocks = std::mem::take(&mut self.blocks);
        let texts = Texts::of(&blocks);
        for key in keys {
            let Some(row) = self.rows.remove(key) else {
                continue;
            };
            let mut fields = render::fields(texts.text(&row));
            patch(&mut fields);
            self.put(Key { updated_at: at_ms, id: key.id }, row.created_at, &fields);
            changed += 1;
        }
        drop(texts);
        self.blocks = blocks;
        if changed > 0 {
            self.touch(at_ms);
        }
        changed
    }

    pub(crate) fn remove(&mut self, keys: &[Key]) {
        for key in keys {
            self.rows.remove(key);
            self.stamps.remove(&key.id);
        }
        if !keys.is_empty() {
            self.touch(self.modified_ms);
        }
    }

    pub(crate) fn all_keys(&self) -> Vec<Key> {
        self.rows.keys().copied().collect()
    }

    /// Adds a column, or takes one away with its values.
    pub(crate) fn set_columns(&mut self, columns: Vec<Column>) {
        self.columns = columns;
        let blocks = std::mem::take(&mut self.blocks);
        let texts = Texts::of(&blocks);
        for row in self.rows.values_mut() {
            let (json, plain_end) = render::object(&self.columns, &render::fields(texts.text(row)));
            (row.text, row.plain_end) = (Text::Own(json), plain_end);
        }
        self.touch(self.modified_ms);
    }
}

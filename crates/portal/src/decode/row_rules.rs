//! The rules for reading rows of one resource: the column that each name denotes, the key, the times, and the columns
//! of a page.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use lake_model::{RawColumn, Resource};

use crate::decode::column_builder::ColumnBuilder;
use crate::decode::times::TimeRules;

/// How rows of one resource are read.
#[derive(Debug)]
pub(crate) struct RowRules {
    pub(crate) resource: Arc<Resource>,
    /// Column by name and alias, with the name's place among those of the column.
    pub(crate) by_name: HashMap<String, (usize, usize)>,
    /// The places of the key's columns.
    pub(crate) key: Vec<usize>,
    pub(crate) times: TimeRules,
    /// The columns of a page's batch.
    pub(crate) schema: SchemaRef,
}

impl RowRules {
    pub(crate) fn new(resource: &Arc<Resource>) -> Self {
        let mut by_name = HashMap::new();
        for (index, column) in resource.columns.iter().enumerate() {
            for (rank, name) in column.names().enumerate() {
                by_name.insert(name.to_owned(), (index, rank));
            }
        }
        let key = resource.key.iter().filter_map(|name| Some(by_name.get(name)?.0)).collect();
        let schema = Arc::new(Schema::new(page_fields(resource)));
        Self { resource: Arc::clone(resource), by_name, key, times: TimeRules::new(resource), schema }
    }

    /// Returns the index of the column that is called, or was ever called, `name`.
    pub(crate) fn column_index(&self, name: &str) -> Option<usize> {
        Some(self.find_name(name)?.0)
    }

    /// Returns the index of the column that has the name, and the name's place among those of the column.
    pub(crate) fn find_name(&self, name: &str) -> Option<(usize, usize)> {
        self.by_name.get(name).copied()
    }
}

fn page_fields(resource: &Resource) -> Vec<Field> {
    let declared = resource.columns.iter().map(|column| (column.name.as_str(), column.kind));
    let added = RawColumn::of_page().map(|column| (column.name(), column.kind()));
    let field = |(name, kind)| Field::new(name, ColumnBuilder::new(kind).finish().data_type().clone(), true);
    declared.chain(added).map(field).collect()
}

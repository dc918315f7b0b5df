//! A data file of a table as the log describes it: partition, size, and statistics.

use std::collections::{BTreeMap, HashMap};

use object_store::path::Path;

/// The least and greatest value of a column in one file, if the file records them.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnRange {
    /// Whole numbers, cells and batches among them.
    Number(i64, i64),
    /// Real numbers.
    Real(f64, f64),
    /// Wall-clock microseconds.
    Time(i64, i64),
    /// Text.
    Text(String, String),
}

/// Returns the place of a file in the lake's store: its decoded path under the folder of its table, each part escaped once.
pub fn object_path(folder: &Path, path: &str) -> Path {
    path.split('/').fold(folder.clone(), |place, part| place.join(part))
}

/// A Parquet file of a version, with its partition and statistics.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Its path under the table's folder, decoded.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Partition column to value; `None` is null.
    pub partition: HashMap<String, Option<String>>,
    /// Rows, if the log records them.
    pub rows: Option<u64>,
    /// Ranges of the columns that have any.
    pub ranges: BTreeMap<String, ColumnRange>,
    /// Nulls of the columns that record them.
    pub nulls: BTreeMap<String, u64>,
}

impl DataFile {
    /// Returns the least and the greatest of a column of whole numbers, if the file records them.
    pub fn number_range(&self, column: &str) -> Option<(i64, i64)> {
        match self.ranges.get(column) {
            Some(ColumnRange::Number(least, greatest)) => Some((*least, *greatest)),
            _ => None,
        }
    }

    /// Returns the value of a partition column; `None` if it is null or there is no such column.
    pub fn partition_value(&self, column: &str) -> Option<&str> {
        self.partition.get(column)?.as_deref()
    }
}

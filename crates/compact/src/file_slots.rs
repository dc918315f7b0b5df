//! The stored files of a resource by year and time: the file that a row belongs into.

use std::collections::BTreeMap;

use lake_store::{ColumnRange, DataFile, Snapshot};

/// How many rows or counts more each year has; none for the undated.
pub(crate) type YearDifferences = BTreeMap<Option<i32>, i64>;

/// The files of a resource in a version of a table. A slot is the place of a file in the list; the one after the last is for
/// rows of years that have no file.
pub(crate) struct FileSlots {
    pub(crate) files: Vec<DataFile>,
    by_year: BTreeMap<Option<i32>, Vec<(i64, usize)>>,
}

impl FileSlots {
    /// Returns the files of `resource`.
    pub(crate) fn new(snapshot: &Snapshot, resource: &str) -> Self {
        let files: Vec<DataFile> = own_files(snapshot, resource).cloned().collect();
        let mut by_year: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (slot, file) in files.iter().enumerate() {
            let start = match file.ranges.get("occurred_at") {
                Some(ColumnRange::Time(start, _)) => *start,
                _ => i64::MIN,
            };
            by_year.entry(file_year(file)).or_default().push((start, slot));
        }
        by_year.values_mut().for_each(|files| files.sort_unstable());
        Self { files, by_year }
    }

    /// Returns the slot of a row: of the files of its year, the last one that does not begin after it.
    pub(crate) fn slot_of(&self, year: Option<i32>, time: i64) -> usize {
        let Some(files) = self.by_year.get(&year) else { return self.files.len() };
        let after = files.partition_point(|(start, _)| *start <= time);
        files.get(after.saturating_sub(1)).map_or(self.files.len(), |(_, slot)| *slot)
    }
}

/// Returns the files of a resource in a version of a table.
pub(crate) fn own_files<'s>(snapshot: &'s Snapshot, resource: &'s str) -> impl Iterator<Item = &'s DataFile> {
    snapshot.files.iter().filter(move |file| file.partition_value("resource") == Some(resource))
}

/// Returns the year of a file's partition; none for the undated.
pub(crate) fn file_year(file: &DataFile) -> Option<i32> {
    file.partition_value("year").and_then(|year| year.parse().ok())
}

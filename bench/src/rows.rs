//! Rows as a file that `ingest --file` lands: a JSON array, a row a line.

use std::fs::File;
use std::io::{BufWriter, Result, Write as _};
use std::path::Path;

use crate::incident::Model;
use crate::resource::Resource;

/// Nine of ten changed rows are in the newest two months.
const CHANGED_IN_NEWEST_PERMILLE: u64 = 900;

/// Which rows of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection {
    /// All rows of the resource in the lake.
    pub(crate) total: u64,
    /// The first row.
    pub(crate) from: u64,
    /// How many rows.
    pub(crate) count: u64,
    /// How many rows of the lake follow in their second version.
    pub(crate) changed: u64,
}

/// Returns the rows of a selection: their numbers, and whether in their second version.
pub(crate) fn numbers(model: &Model, selection: Selection) -> impl Iterator<Item = (u64, bool)> {
    let Selection { total, from, count, changed } = selection;
    let newest = model.first_newest_row();
    let in_newest = (changed * CHANGED_IN_NEWEST_PERMILLE / 1_000).min(total - newest);
    let in_others = (changed - in_newest).min(newest);
    let others = (0..in_others).map(move |n| n * newest / in_others.max(1));
    let newest = (0..in_newest).map(move |n| newest + n * (total - newest) / in_newest.max(1));
    let first = (from..from + count).map(|number| (number, false));
    first.chain(others.chain(newest).map(|number| (number, true)))
}

/// Returns a text of that many bytes.
pub(crate) fn notes_of(bytes: usize) -> String {
    "Crew sent, work done, case closed after a second visit. ".chars().cycle().take(bytes).collect()
}

/// Writes the rows to a file.
pub(crate) fn write_rows(
    path: &Path,
    resource: Resource,
    model: &Model,
    selection: Selection,
    notes: &str,
) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut line = Vec::with_capacity(4_096);
    let mut before: &[u8] = b"[";
    for (number, has_changed) in numbers(model, selection) {
        line.clear();
        line.extend_from_slice(before);
        resource.write_row(&mut line, model, &model.incident(number, has_changed), notes);
        out.write_all(&line)?;
        before = b",\n";
    }
    out.write_all(if before == b"[" { b"[]\n" } else { b"]\n" })?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_rows_are_distinct_and_most_are_new() {
        let model = Resource::Cases.model(311, 100_000);
        let selection = Selection { total: 100_000, from: 0, count: 0, changed: 500 };
        let mut changed: Vec<u64> = numbers(&model, selection).map(|(number, _)| number).collect();
        assert_eq!(changed.len(), 500);
        assert_eq!(changed.iter().filter(|number| **number >= model.first_newest_row()).count(), 450);
        changed.dedup();
        assert_eq!(changed.len(), 500, "distinct");
    }

    #[test]
    fn every_row_is_an_object_with_a_key() {
        let keys = [
            (Resource::Cases, "service_request_id"),
            (Resource::Calls, "rowid"),
            (Resource::Reports, "row_id"),
            (Resource::Crashes, "unique_id"),
        ];
        for (resource, key) in keys {
            let model = resource.model(311, 1_000);
            let mut seen = std::collections::BTreeSet::new();
            for number in 0..1_000 {
                let mut out = Vec::new();
                resource.write_row(&mut out, &model, &model.incident(number, false), "notes");
                let row: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
                assert!(seen.insert(row[key].as_str().expect("a key").to_owned()), "{row}");
            }
        }
    }
}

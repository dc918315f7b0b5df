//! The boundaries of a reading: what landed of each set, and the table that a lake without any is given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use lake_model::Result;
use lake_store::{BoundariesMark, Snapshot, boundaries_layout};

use crate::snapshot::view::{Reader, View};

impl View {
    /// The names of the sets of boundaries that have landed.
    pub fn boundaries_names(&self) -> BTreeSet<&str> {
        let files = self.boundaries.iter().flat_map(|snapshot| snapshot.files.iter());
        files.filter_map(|file| file.partition_value("resource")).collect()
    }
}

impl Reader {
    /// The newest version of `boundaries`; none where none have landed.
    pub(crate) async fn boundaries(&self) -> Result<Option<Arc<Snapshot>>> {
        let table = &self.lake().boundaries;
        if !self.has_boundaries.load(Ordering::Relaxed) {
            if !table.exists().await? {
                return Ok(None);
            }
            self.has_boundaries.store(true, Ordering::Relaxed);
        }
        table.snapshot().await.map(Some)
    }

    /// What landing left of each set of boundaries, by its name.
    ///
    /// # Errors
    /// If the log cannot be read or a mark is damaged.
    pub async fn boundaries_marks(&self, view: &View) -> Result<BTreeMap<String, BoundariesMark>> {
        let Some(snapshot) = &view.boundaries else { return Ok(BTreeMap::new()) };
        let mut marks = BTreeMap::new();
        for name in view.boundaries_names() {
            let mark = match self.known(&self.boundaries_marks, name, snapshot.version) {
                Some(known) => known,
                None => {
                    let found = BoundariesMark::read(&view.lake.boundaries, snapshot, name).await?;
                    self.learn(&self.boundaries_marks, name, snapshot.version, found)
                }
            };
            marks.extend(mark.map(|mark| (name.to_owned(), mark)));
        }
        Ok(marks)
    }
}

/// The table of boundaries in SQL; without rows where none have landed.
pub(crate) fn provider(view: &View) -> Result<Arc<dyn TableProvider>> {
    match &view.boundaries {
        Some(snapshot) => Ok(view.provider(&view.lake.boundaries, snapshot)?),
        None => Ok(Arc::new(EmptyTable::new(boundaries_layout().schema))),
    }
}

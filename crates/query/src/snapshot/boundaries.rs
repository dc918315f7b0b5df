//! The boundaries of a snapshot: what landed of each set, and the table that a lake without any is given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use lake_model::Result;
use lake_store::{BoundariesMark, Snapshot, boundaries_layout};

use crate::snapshot::lake_snapshot::LakeSnapshot;
use crate::snapshot::reader::Reader;

impl Reader {
    /// Opens the newest version of `boundaries`; `None` if none have landed.
    pub(crate) async fn open_boundaries(&self) -> Result<Option<Arc<Snapshot>>> {
        let table = &self.lake().boundaries;
        if !self.has_boundaries.load(Ordering::Relaxed) {
            if !table.exists().await? {
                return Ok(None);
            }
            self.has_boundaries.store(true, Ordering::Relaxed);
        }
        table.snapshot().await.map(Some)
    }

    /// Returns the landing mark of each set of boundaries, by its name.
    ///
    /// # Errors
    /// If the log cannot be read or a mark is damaged.
    pub async fn boundaries_marks(&self, view: &LakeSnapshot) -> Result<BTreeMap<String, BoundariesMark>> {
        let Some(snapshot) = &view.boundaries else { return Ok(BTreeMap::new()) };
        let mut marks = BTreeMap::new();
        for name in view.boundaries_names() {
            let mark = match self.cached(&self.boundaries_marks, name, snapshot.version) {
                Some(known) => known,
                None => {
                    let found = BoundariesMark::read(&view.lake.boundaries, snapshot, name).await?;
                    self.cache(&self.boundaries_marks, name, snapshot.version, found)
                }
            };
            marks.extend(mark.map(|mark| (name.to_owned(), mark)));
        }
        Ok(marks)
    }
}

/// Returns the table of boundaries in SQL; without rows if none have landed.
pub(crate) fn boundaries_provider(view: &LakeSnapshot) -> Result<Arc<dyn TableProvider>> {
    match &view.boundaries {
        Some(snapshot) => Ok(view.provider(&view.lake.boundaries, snapshot)?),
        None => Ok(Arc::new(EmptyTable::new(boundaries_layout().schema))),
    }
}

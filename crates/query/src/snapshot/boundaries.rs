//! The boundaries of a snapshot: the landed state of each set, and the empty table of a lake without any.

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
    pub async fn boundaries_marks(&self, lake_snapshot: &LakeSnapshot) -> Result<BTreeMap<String, BoundariesMark>> {
        let Some(snapshot) = &lake_snapshot.boundaries else { return Ok(BTreeMap::new()) };
        let mut marks = BTreeMap::new();
        for name in lake_snapshot.boundaries_names() {
            let mark = BoundariesMark::read(&lake_snapshot.lake.boundaries, snapshot, name).await?;
            marks.extend(mark.map(|mark| (name.to_owned(), mark)));
        }
        Ok(marks)
    }
}

/// Returns the table of boundaries in SQL; without rows if none have landed.
pub(crate) fn boundaries_provider(lake_snapshot: &LakeSnapshot) -> Result<Arc<dyn TableProvider>> {
    match &lake_snapshot.boundaries {
        Some(snapshot) => Ok(lake_snapshot.provider(&lake_snapshot.lake.boundaries, snapshot)?),
        None => Ok(Arc::new(EmptyTable::new(boundaries_layout().schema))),
    }
}

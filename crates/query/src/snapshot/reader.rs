//! The reader of a lake: its engine and definitions, and the snapshot that it opened last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::future::try_join_all;
use lake_model::{Catalog, Result, StoredDefinition};
use lake_store::{DataFile, Lake, LandedResources, Snapshot};
use parking_lot::Mutex;

use crate::engine::Engine;
use crate::segments::segment_cache::SegmentCache;
use crate::snapshot::newest_snapshot::NewestSnapshot;

/// Definitions by the names of their resources.
pub(crate) type StoredDefinitions = BTreeMap<String, Arc<StoredDefinition>>;

/// The files of a version.
type FilesOfVersion = (u64, Arc<Vec<DataFile>>);

/// Opens snapshots, and shares the newest one until a table changes.
#[derive(Debug)]
pub struct Reader {
    pub(super) lake: Lake,
    pub(super) engine: Engine,
    /// The definitions of the program and of the user's files.
    pub(super) configured: Arc<Catalog>,
    /// The definitions of the last snapshot, and their inputs.
    pub(super) catalog: Mutex<Option<(StoredDefinitions, Arc<Catalog>)>>,
    /// The snapshot that was opened last.
    pub(super) newest: Mutex<Option<Arc<NewestSnapshot>>>,
    /// The files of `incidents` that are a resource's, and the version that its compaction names.
    pub(super) incident_files: Mutex<BTreeMap<String, FilesOfVersion>>,
    /// Whether the table of boundaries has been seen: it does not go away.
    pub(super) has_boundaries: AtomicBool,
    segments: Option<Arc<SegmentCache>>,
}

impl Reader {
    /// Creates a reader of `lake` with the resources of `configured` and those that the lake stores.
    pub fn new(lake: Lake, engine: Engine, configured: Arc<Catalog>) -> Self {
        Self {
            lake,
            engine,
            configured,
            catalog: Mutex::default(),
            newest: Mutex::default(),
            incident_files: Mutex::default(),
            has_boundaries: AtomicBool::default(),
            segments: None,
        }
    }

    /// Returns the reader with a cache of decoded counts.
    #[must_use]
    pub fn with_segments(self, segments: SegmentCache) -> Self {
        Self { segments: Some(Arc::new(segments)), ..self }
    }

    /// Returns the cache of decoded counts, if there is one.
    pub fn segments(&self) -> Option<&Arc<SegmentCache>> {
        self.segments.as_ref()
    }

    /// Returns the lake.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the definitions of the program and of the user's files; [`crate::LakeSnapshot::catalog`] has those of
    /// the lake as well.
    pub fn configured(&self) -> &Catalog {
        &self.configured
    }

    /// Opens the raw tables of these resources, at their newest versions.
    pub(crate) async fn open_raw_tables(&self, landed: &LandedResources) -> Result<Vec<(String, Arc<Snapshot>)>> {
        let opened = landed.names.iter().map(|name| async move {
            let raw = self.lake.raw(name)?.snapshot().await?;
            Ok((name.clone(), raw))
        });
        try_join_all(opened).await
    }
}

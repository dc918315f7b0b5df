//! The reader of a lake: its engine and definitions, and its cache of table versions, which never change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::future::try_join_all;
use lake_model::{Catalog, Result, StoredDefinition};
use lake_store::{
    BoundariesMark, CompactionMark, CountedDefinitions, DataFile, Lake, LandedResources, LandingMark, Snapshot,
};
use parking_lot::Mutex;

use crate::engine::Engine;
use crate::snapshot::newest_snapshot::NewestSnapshot;

/// Definitions by the names of their resources.
pub(crate) type StoredDefinitions = BTreeMap<String, Arc<StoredDefinition>>;

pub(crate) type Cached<T> = Mutex<BTreeMap<String, (u64, T)>>;

/// Opens snapshots, and caches the content of table versions, which never changes.
#[derive(Debug)]
pub struct Reader {
    pub(super) lake: Lake,
    pub(super) engine: Engine,
    /// The definitions of the program and of the user's files.
    pub(super) configured: Arc<Catalog>,
    /// The definitions of the last snapshot, and their inputs.
    pub(super) catalog: Mutex<Option<(StoredDefinitions, Arc<Catalog>)>>,
    pub(super) stored_definitions: Cached<Option<Arc<StoredDefinition>>>,
    /// The snapshot that was opened last.
    pub(super) newest: Mutex<Option<Arc<NewestSnapshot>>>,
    pub(super) through: Cached<i64>,
    pub(super) compactions: Cached<Option<CompactionMark>>,
    pub(super) definitions: Cached<Arc<CountedDefinitions>>,
    pub(super) marks: Cached<(LandingMark, bool)>,
    pub(super) incident_files: Cached<Arc<Vec<DataFile>>>,
    pub(super) boundaries_marks: Cached<Option<BoundariesMark>>,
    /// Whether the table of boundaries has been seen: it does not go away.
    pub(super) has_boundaries: AtomicBool,
}

impl Reader {
    /// Creates a reader of `lake` with the resources of `configured` and those that the lake stores.
    pub fn new(lake: Lake, engine: Engine, configured: Arc<Catalog>) -> Self {
        Self {
            lake,
            engine,
            configured,
            catalog: Mutex::default(),
            stored_definitions: Mutex::default(),
            newest: Mutex::default(),
            through: Mutex::default(),
            compactions: Mutex::default(),
            definitions: Mutex::default(),
            marks: Mutex::default(),
            incident_files: Mutex::default(),
            boundaries_marks: Mutex::default(),
            has_boundaries: AtomicBool::default(),
        }
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

    pub(crate) fn cached<T: Clone>(&self, cache: &Cached<T>, name: &str, version: u64) -> Option<T> {
        let cache = cache.lock();
        cache.get(name).filter(|(of, _)| *of == version).map(|(_, value)| value.clone())
    }

    pub(crate) fn cache<T: Clone>(&self, cache: &Cached<T>, name: &str, version: u64, value: T) -> T {
        let mut cache = cache.lock();
        cache.insert(name.to_owned(), (version, value.clone()));
        value
    }
}

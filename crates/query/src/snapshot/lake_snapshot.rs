//! A snapshot of the lake: one version of every table, all of which agree with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use lake_model::{Catalog, Result};
use lake_store::{Lake, Snapshot, Table};

use crate::error::engine_error;
use crate::snapshot::delta_files::DeltaFiles;
use crate::snapshot::resource_snapshot::ResourceSnapshot;

/// A snapshot of the lake.
#[derive(Clone, Debug)]
pub struct LakeSnapshot {
    /// The lake.
    pub lake: Lake,
    /// `fast_counts` as read.
    pub fast_counts: Arc<Snapshot>,
    /// `counts` as read.
    pub counts: Arc<Snapshot>,
    /// `incidents`, each resource's files at the version that its compaction names. A newer version may hold what a
    /// compaction that never reached its commit point, or is about to, has written.
    pub incidents: Arc<Snapshot>,
    /// `rejects` as read.
    pub rejects: Arc<Snapshot>,
    /// `boundaries` as read; none in a lake where none have landed.
    pub boundaries: Option<Arc<Snapshot>>,
    /// The landed resources by name.
    pub resources: BTreeMap<String, ResourceSnapshot>,
    /// The definitions that hold in this snapshot: those the program and the user give, and those of the lake.
    pub catalog: Arc<Catalog>,
    /// Whether these are today's definitions, or those of its versions.
    pub(crate) definitions: DefinitionsChoice,
    /// Why resources are not answered exactly, by name; see [`ResourceSnapshot::inexact_reason`].
    pub(crate) inexact: BTreeMap<String, &'static str>,
    /// The fingerprints of the resources of the catalog, in its order.
    pub(crate) fingerprints: Vec<String>,
    /// `fast_counts`, `counts` and `incidents` as they are scanned, once a request has scanned them.
    pub(crate) providers: [OnceLock<Arc<DeltaFiles>>; 3],
}

/// The versions that a snapshot is made of; `incidents` follow from `counts`.
pub(crate) struct SnapshotTables {
    pub(crate) fast_counts: Arc<Snapshot>,
    pub(crate) counts: Arc<Snapshot>,
    pub(crate) rejects: Arc<Snapshot>,
    pub(crate) boundaries: Option<Arc<Snapshot>>,
    pub(crate) raws: Vec<(String, Arc<Snapshot>)>,
}

/// Which definitions a snapshot goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefinitionsChoice {
    /// Today's, even if rows of the snapshot landed under an earlier one.
    Current,
    /// Those that the versions of the snapshot keep.
    Stored,
}

impl LakeSnapshot {
    /// Returns the names of all resources: those that have landed and those of the catalog.
    pub fn resource_names(&self) -> BTreeSet<&str> {
        let known = self.catalog.iter().map(|resource| resource.name.as_str());
        known.chain(self.resources.keys().map(String::as_str)).collect()
    }

    /// Returns the versions read, for `Lake-Version`.
    pub fn version(&self) -> String {
        let incidents = self.resources.values().filter_map(|r| Some(r.compaction.as_ref()?.incidents_version)).max();
        let incidents = incidents.unwrap_or(0);
        format!("fast_counts={},counts={},incidents={incidents}", self.fast_counts.version, self.counts.version)
    }

    /// Returns when the newest table that was read was committed, milliseconds since 1970 UTC.
    pub fn as_of_ms(&self) -> Option<i64> {
        [&self.fast_counts, &self.counts].into_iter().filter_map(|s| s.committed_ms()).max()
    }

    /// Returns whether the answer over `names` (all if empty) equals a recount.
    pub fn is_exact(&self, names: &[String]) -> bool {
        !self.inexact.keys().any(|name| names.is_empty() || names.contains(name))
    }

    /// Returns a line for each resource that is not answered exactly: why, and how to fix it.
    pub fn describe_inexact(&self) -> Vec<String> {
        let of = |(name, why): (&String, &&str)| {
            format!("the counts and incidents of {name} are not exact: {}", why.replace("NAME", name))
        };
        self.inexact.iter().map(of).collect()
    }

    /// Returns the fingerprints of the resources of the catalog, in its order.
    pub fn fingerprints(&self) -> &[String] {
        &self.fingerprints
    }

    /// Returns a table of the lake at the version read. Requests of one snapshot share those that most of them scan.
    ///
    /// # Errors
    /// If its files cannot be scanned.
    pub fn provider(&self, table: &Table, snapshot: &Snapshot) -> Result<Arc<DeltaFiles>> {
        let mut own = [&self.fast_counts, &self.counts, &self.incidents].into_iter().zip(&self.providers);
        let shared = own.find(|(own, _)| std::ptr::eq(Arc::as_ptr(own), snapshot)).map(|(_, shared)| shared);
        if let Some(provider) = shared.and_then(OnceLock::get) {
            return Ok(Arc::clone(provider));
        }
        let provider = Arc::new(DeltaFiles::new(snapshot, table).map_err(engine_error)?);
        if let Some(shared) = shared {
            // Another request may have been first.
            shared.get_or_init(|| Arc::clone(&provider));
        }
        Ok(provider)
    }

    /// Returns the names of the sets of boundaries that have landed.
    pub fn boundaries_names(&self) -> BTreeSet<&str> {
        let files = self.boundaries.iter().flat_map(|snapshot| snapshot.files.iter());
        files.filter_map(|file| file.partition_value("resource")).collect()
    }

    /// Returns the ids of its tables, which a new lake in the place of an earlier one does not share.
    pub fn table_ids(&self) -> String {
        let tables = [&self.fast_counts, &self.counts, &self.rejects].into_iter().chain(&self.boundaries);
        let tables = tables.chain(self.resources.values().map(|resource| &resource.raw));
        tables.map(|table| table.table_id.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// Returns why resources are not answered exactly, of those that are not.
pub(crate) fn find_inexact(resources: &BTreeMap<String, ResourceSnapshot>) -> BTreeMap<String, &'static str> {
    let inexact = resources.iter().filter_map(|(name, resource)| Some((name.clone(), resource.inexact_reason()?)));
    inexact.collect()
}

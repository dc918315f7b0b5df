//! Opening a snapshot of the newest versions, in the order that makes them agree.
//!
//! `fast_counts` is opened first, then `counts`, then `incidents` at the versions that `counts` names: whatever compaction
//! does in the meantime, the fast rows above the watermark that was read are present.

use std::collections::BTreeMap;
use std::sync::Arc;

use lake_model::{Kind, Resource, Result};
use lake_store::{
    CompactionMark, CountedDefinitions, DataFile, ForgottenMark, LandedResources, LandingMark, Snapshot,
    fast_counts_transaction,
};

use crate::snapshot::file_statistics::last_batch;
use crate::snapshot::lake_snapshot::{DefinitionsChoice, LakeSnapshot, SnapshotTables, find_inexact};
use crate::snapshot::newest_snapshot::NewestSnapshot;
use crate::snapshot::reader::Reader;
use crate::snapshot::resource_snapshot::ResourceSnapshot;

/// Times that a snapshot is opened again because a part of it was removed while it was opened.
const MAX_TRIES: u32 = 5;

impl Reader {
    /// Opens a snapshot of the newest versions: the one that was opened last if no table has changed since.
    ///
    /// # Errors
    /// If the store does not answer or a log is damaged.
    pub async fn open_newest(&self) -> Result<Arc<LakeSnapshot>> {
        if let Some(unchanged) = self.unchanged_snapshot() {
            return Ok(unchanged);
        }
        let mut tries = 0;
        loop {
            let fast_counts = self.lake.snapshot_of(&self.lake.fast_counts).await?;
            let counts = self.lake.snapshot_of(&self.lake.counts).await?;
            let versions = (fast_counts.version, counts.version);
            match self.open_other_tables(fast_counts, counts).await {
                Err(error) if tries < MAX_TRIES && self.has_newer_versions(versions).await => {
                    tries += 1;
                    tracing::debug!(%error, "the opened versions are no longer the newest; opening again");
                }
                opened => return opened,
            }
        }
    }

    /// Returns the snapshot that was opened last if nothing has changed since.
    fn unchanged_snapshot(&self) -> Option<Arc<LakeSnapshot>> {
        let newest = self.newest.lock().clone()?;
        newest.is_current().then(|| Arc::clone(&newest.snapshot))
    }

    /// Keeps a snapshot for those who open one until a table changes.
    fn remember(&self, newest: NewestSnapshot) -> Arc<LakeSnapshot> {
        let snapshot = Arc::clone(&newest.snapshot);
        *self.newest.lock() = Some(Arc::new(newest));
        snapshot
    }

    async fn open_other_tables(&self, fast_counts: Arc<Snapshot>, counts: Arc<Snapshot>) -> Result<Arc<LakeSnapshot>> {
        // Tables whose order does not matter are opened concurrently: on S3 each takes a round trip or two.
        let (rejects, boundaries, (landed, raws)) = futures::try_join!(
            self.lake.snapshot_of(&self.lake.rejects),
            self.open_boundaries(),
            self.open_landed_resources()
        )?;
        let names: Vec<&str> = landed.names.iter().map(String::as_str).collect();
        self.lake.require_raw_tables(&[Arc::clone(&fast_counts), Arc::clone(&counts)], &names)?;
        let versions = SnapshotTables { fast_counts, counts, rejects, boundaries, raws };
        let (snapshot, incidents) = self.assemble_with_incidents(versions, DefinitionsChoice::Current).await?;
        Ok(self.remember(NewestSnapshot { snapshot: Arc::new(snapshot), incidents, landed }))
    }

    async fn open_landed_resources(&self) -> Result<(LandedResources, Vec<(String, Arc<Snapshot>)>)> {
        let landed = self.lake.find_landed_resources().await?;
        let raws = self.open_raw_tables(&landed).await?;
        Ok((landed, raws))
    }

    /// Returns whether `fast_counts` or `counts` has a newer version: then `forget` may have removed the logs of these.
    async fn has_newer_versions(&self, (fast_counts, counts): (u64, u64)) -> bool {
        let newest = futures::try_join!(self.lake.fast_counts.snapshot(), self.lake.counts.snapshot());
        newest.is_ok_and(|(fast, count)| fast.version > fast_counts || count.version > counts)
    }

    /// Assembles the snapshot of these versions.
    pub(crate) async fn assemble_snapshot(
        &self,
        versions: SnapshotTables,
        definitions: DefinitionsChoice,
    ) -> Result<Arc<LakeSnapshot>> {
        let (snapshot, _) = self.assemble_with_incidents(versions, definitions).await?;
        Ok(Arc::new(snapshot))
    }

    /// Does the same, and returns the newest version of `incidents` as well.
    async fn assemble_with_incidents(
        &self,
        versions: SnapshotTables,
        definitions: DefinitionsChoice,
    ) -> Result<(LakeSnapshot, Arc<Snapshot>)> {
        let SnapshotTables { fast_counts, counts, rejects, boundaries, raws } = versions;
        let stored = self.read_stored_definitions(&raws, boundaries.as_deref()).await?;
        let catalog = match definitions {
            DefinitionsChoice::Current => self.catalog_with(stored),
            DefinitionsChoice::Stored => self.catalog_as_stored(&stored),
        };
        let mut resources = BTreeMap::new();
        let mut incident_files = Vec::new();
        for (name, raw) in raws {
            let lake_snapshot =
                self.read_resource_snapshot(&name, &fast_counts, &counts, raw, catalog.get(&name).ok()).await?;
            if let Some(compaction) = &lake_snapshot.compaction {
                incident_files.extend_from_slice(&self.read_incident_files(&name, compaction.incidents_version).await?);
            }
            resources.insert(name, lake_snapshot);
        }
        let newest_incidents = self.lake.snapshot_of(&self.lake.incidents).await?;
        let incidents = Arc::new(newest_incidents.with_files(incident_files));
        let snapshot = LakeSnapshot {
            lake: self.lake.clone(),
            inexact: find_inexact(&resources),
            fingerprints: catalog.iter().map(|resource| resource.fingerprint()).collect(),
            fast_counts,
            counts,
            incidents,
            rejects,
            boundaries,
            resources,
            catalog,
            definitions,
            providers: Default::default(),
        };
        Ok((snapshot, newest_incidents))
    }

    /// Reads the last batch of a resource that `fast_counts` contains at a version.
    pub(crate) async fn read_counted_batch(&self, name: &str, fast_counts: &Snapshot) -> Result<i64> {
        let found = self.lake.fast_counts.read_transaction(fast_counts, &fast_counts_transaction(name)).await?;
        Ok(found.unwrap_or(0))
    }

    /// Reads the mark of a resource's last compaction in `counts` at a version.
    pub(crate) async fn read_compaction_mark(&self, name: &str, counts: &Snapshot) -> Result<Option<CompactionMark>> {
        CompactionMark::read(&self.lake.counts, counts, name).await
    }

    async fn read_resource_snapshot(
        &self,
        name: &str,
        fast_counts: &Snapshot,
        counts: &Snapshot,
        raw: Arc<Snapshot>,
        resource: Option<Arc<Resource>>,
    ) -> Result<ResourceSnapshot> {
        let through = self.read_counted_batch(name, fast_counts).await?;
        let compaction = self.read_compaction_mark(name, counts).await?;
        let definitions = CountedDefinitions::read(&self.lake.fast_counts, fast_counts, name).await?;
        let table = self.lake.raw(name)?;
        let mark = LandingMark::read(&table, &raw).await?;
        let is_forgetting = ForgottenMark::read(&table, &raw).await?.pending;
        let landed = raw.files.iter().filter_map(last_batch).max().unwrap_or(0);
        let definitions = Arc::new(definitions);
        Ok(ResourceSnapshot { resource, raw, through, landed, compaction, definitions, mark, is_forgetting })
    }

    /// Lists the files of `incidents` of a resource at a version.
    async fn read_incident_files(&self, name: &str, version: u64) -> Result<Arc<Vec<DataFile>>> {
        let lock = || self.incident_files.lock();
        if let Some((_, known)) = lock().get(name).filter(|(of, _)| *of == version) {
            return Ok(Arc::clone(known));
        }
        let snapshot = match self.lake.incidents.snapshot_at(version).await {
            Err(error) if error.kind() == Kind::NotFound => {
                // The error states that the complete table is lost.
                self.lake.snapshot_of(&self.lake.incidents).await?;
                return Err(error);
            }
            snapshot => snapshot?,
        };
        let own = snapshot.files.iter().filter(|file| file.partition_value("resource") == Some(name));
        let own: Arc<Vec<DataFile>> = Arc::new(own.cloned().collect());
        lock().insert(name.to_owned(), (version, Arc::clone(&own)));
        Ok(own)
    }
}

//! What upkeep needs of the store: its objects, its clock, the removal of what is no longer needed.

use std::collections::HashSet;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Error, Kind, Result, ResultExt};
use object_store::ObjectStoreExt as _;

use crate::delta::file_statistics::{LoggedStats, StatsCollector};
use crate::{DataFile, Lake, Snapshot, Table};

/// Objects removed at a time.
const REMOVED_AT_ONCE: usize = 16;
/// How the objects are named by which the store is asked for its time.
const CLOCK: &str = ".clock-";
/// By then who asked has an answer, or is gone.
const ASKED_LONG_AGO: TimeDelta = TimeDelta::hours(1);

/// An object under a table's folder, outside its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its path under the table's folder.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock.
    pub modified: DateTime<Utc>,
}

impl StoredObject {
    /// Whether it is named as this program names its data files.
    pub fn is_data_file(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.starts_with("part-") && name.ends_with(".parquet")
    }
}

impl Lake {
    /// Every table that has been made, the raw tables after the others.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list_tables(&self) -> Result<Vec<Table>> {
        let mut tables = Vec::new();
        for table in [&self.incidents, &self.counts, &self.fast_counts, &self.rejects, &self.boundaries] {
            if table.exists().await? {
                tables.push(table.clone());
            }
        }
        for name in self.list_landed_resources().await? {
            tables.push(self.raw(&name)?);
        }
        Ok(tables)
    }

    /// The time now by the store's own clock, which stamps its objects: asked of an object written for it. A disk that
    /// takes none, as a full one, goes by the clock of its machine.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn read_store_time(&self) -> Result<DateTime<Utc>> {
        match self.ask_time().await {
            Err(error) if self.location().directory.is_some() => {
                tracing::debug!(%error, "the disk could not be asked for its time");
                // Not the program's own clock, which tests shift: files are stamped by the machine's.
                Ok(std::time::SystemTime::now().into())
            }
            asked => asked,
        }
    }

    async fn ask_time(&self) -> Result<DateTime<Utc>> {
        let location = self.location();
        let path = location.path(&format!("{CLOCK}{}", uuid::Uuid::new_v4()));
        let failed = || format!("asking the store of {location} for its time");
        location.store.put(&path, "time?".into()).await.or_err(Kind::Unavailable, failed)?;
        let found = location.store.head(&path).await;
        let removed = location.store.delete(&path).await;
        let now = found.or_err(Kind::Unavailable, failed)?.last_modified;
        removed.or_err(Kind::Unavailable, failed)?;
        // Whoever was killed while asking left its object behind.
        let listed = location.store.list_with_delimiter(None).await.or_err(Kind::Unavailable, failed)?;
        for object in listed.objects {
            let asked = object.location.filename().is_some_and(|name| name.starts_with(CLOCK));
            if asked && now - object.last_modified > ASKED_LONG_AGO {
                location.store.delete(&object.location).await.or_err(Kind::Unavailable, failed)?;
            }
        }
        Ok(now)
    }
}

impl Table {
    /// The objects under the table's folder, its log left out.
    pub fn list_objects(&self) -> BoxStream<'_, Result<StoredObject>> {
        let failed = move || format!("listing table {} in {}", self.name, self.location);
        let listed = self.location.store.list(Some(&self.folder));
        let objects = listed.filter_map(move |object| async move {
            let object = match object.or_err(Kind::Unavailable, failed) {
                Ok(object) => object,
                Err(error) => return Some(Err(error)),
            };
            let mut parts = object.location.prefix_match(&self.folder)?.peekable();
            if parts.peek().is_some_and(|part| part.as_ref() == "_delta_log") {
                return None;
            }
            let path = parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
            Some(Ok(StoredObject { path, size: object.size, modified: object.last_modified }))
        });
        objects.boxed()
    }

    /// The paths of all objects under the table's folder.
    pub(crate) async fn list_paths(&self) -> Result<HashSet<String>> {
        self.list_objects().map_ok(|object| object.path).try_collect().await
    }

    /// Whether an object is there, by its path under the table's folder.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn contains_object(&self, path: &str) -> Result<bool> {
        let place = path.split('/').fold(self.folder.clone(), |folder, part| folder.join(part));
        match self.location.store.head(&place).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error).or_err(Kind::Unavailable, || format!("looking for {place} in {}", self.location)),
        }
    }

    /// Removes objects under the table's folder; one that is gone already is as good. `each` hears of every removal.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn delete_objects(&self, paths: &[String], mut each: impl FnMut(&str)) -> Result<()> {
        let removals = paths.iter().map(|path| async move {
            let place = path.split('/').fold(self.folder.clone(), |place, part| place.join(part));
            match self.location.store.delete(&place).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(path),
                Err(error) => {
                    Err(error).or_err(Kind::Unavailable, || format!("removing {path} of table {}", self.name))
                }
            }
        });
        let mut removals = futures::stream::iter(removals).buffered(REMOVED_AT_ONCE);
        while let Some(path) = removals.try_next().await? {
            each(path);
        }
        self.sync_folders_of(paths)
    }

    /// On a local disk a removed name is gone for good once its directory is synced.
    fn sync_folders_of(&self, paths: &[String]) -> Result<()> {
        let Some(lake) = &self.location.directory else { return Ok(()) };
        let table = lake.join(&self.name);
        let folders: HashSet<PathBuf> =
            paths.iter().filter_map(|path| Some(table.join(path).parent()?.to_owned())).collect();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
            synced.or_err(Kind::Unavailable, || format!("syncing {}", folder.display()))?;
        }
        Ok(())
    }

    /// The temporary files of unfinished writes under `folder` of the table (`""` is all of it), where it is local:
    /// listings hide them. With size and time.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn list_temporary_files(&self, folder: &str) -> Result<Vec<(PathBuf, u64, DateTime<Utc>)>> {
        let Some(directory) = &self.location.directory else { return Ok(Vec::new()) };
        let failed = || format!("looking for temporary files of table {}", self.name);
        let mut found = Vec::new();
        let mut open = vec![directory.join(&self.name).join(folder)];
        while let Some(directory) = open.pop() {
            let entries = match std::fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).or_err(Kind::Unavailable, failed),
            };
            for entry in entries {
                let entry = entry.or_err(Kind::Unavailable, failed)?;
                let kind = entry.file_type().or_err(Kind::Unavailable, failed)?;
                let name = entry.file_name();
                let unfinished = name
                    .to_str()
                    .and_then(|name| name.rsplit_once('#'))
                    .is_some_and(|(_, serial)| !serial.is_empty() && serial.bytes().all(|b| b.is_ascii_digit()));
                if kind.is_dir() {
                    open.push(entry.path());
                } else if unfinished {
                    // One that is published or dropped meanwhile is no longer temporary.
                    let Ok(metadata) = entry.metadata() else { continue };
                    let modified = metadata.modified().or_err(Kind::Unavailable, failed)?;
                    found.push((entry.path(), metadata.len(), modified.into()));
                }
            }
        }
        Ok(found)
    }

    /// Writes a checkpoint of a version and removes every log entry and checkpoint before it: earlier versions can then
    /// no longer be read, and what their entries said is gone.
    ///
    /// # Errors
    /// If the store does not answer; nothing is removed before the checkpoint is there.
    pub async fn truncate_log_before(&self, version: u64) -> Result<()> {
        let failed = || format!("table {}: the checkpoint of version {version}", self.name);
        if !self.list_log_files().await?.checkpoints.contains(&version) {
            self.write_checkpoint(version).await.or_err(Kind::Unavailable, failed)?;
        }
        if !self.list_log_files().await?.checkpoints.contains(&version) {
            return Err(Error::internal(failed()));
        }
        let folder = self.folder.clone().join("_delta_log");
        let listed: Vec<_> =
            self.location.store.list(Some(&folder)).try_collect().await.or_err(Kind::Unavailable, failed)?;
        let older = listed.iter().filter_map(|object| object.location.filename()).filter(|name| {
            let digits = name.get(..20).unwrap_or_default();
            digits.parse::<u64>().is_ok_and(|of| of < version)
        });
        let older: Vec<String> = older.map(|name| format!("_delta_log/{name}")).collect();
        self.delete_objects(&older, |_| {}).await
    }
}

/// The statistics of a file's rows, computed anew.
#[derive(Default)]
pub struct RecomputedStatistics {
    collector: StatsCollector,
}

impl std::fmt::Debug for RecomputedStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recomputed").field("rows", &self.collector.rows()).finish_non_exhaustive()
    }
}

impl RecomputedStatistics {
    /// Takes more rows of the file.
    pub fn add(&mut self, rows: &RecordBatch) {
        self.collector.add(rows);
    }

    /// In what the log's statistics of `file` are not those of its rows; empty if in nothing.
    pub fn differences(&self, file: &DataFile, snapshot: &Snapshot) -> Vec<String> {
        let mut found = Vec::new();
        let rows = self.collector.rows() as u64;
        if file.rows.is_some_and(|logged| logged != rows) {
            found.push(format!("the log says {} rows, it holds {rows}", file.rows.unwrap_or_default()));
        }
        let stats = LoggedStats::parse(&self.collector.to_json()).unwrap_or_default();
        for field in snapshot.schema.fields() {
            let name = field.name();
            let nulls = stats.nulls(name);
            if let (Some(logged), Some(nulls)) = (file.nulls.get(name), nulls)
                && *logged != nulls
            {
                found.push(format!("the log says {logged} nulls in `{name}`, it holds {nulls}"));
            }
            let own = stats.range(name, field.data_type());
            if let (Some(logged), Some(own)) = (file.ranges.get(name), own)
                && *logged != own
            {
                found.push(format!("the range of `{name}` in the log is not that of its rows"));
            }
        }
        found
    }
}

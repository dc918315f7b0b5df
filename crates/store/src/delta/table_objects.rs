//! The objects under a table's folder: listing them, looking one up, and deleting what is no longer needed.

use std::collections::HashSet;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Kind, Result, ResultExt};
use object_store::ObjectStoreExt as _;

use crate::Table;
use crate::delta::data_file::object_path;

/// Objects removed at a time.
const REMOVED_AT_ONCE: usize = 16;

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
    /// Returns whether it is named as this program names its data files.
    pub fn is_data_file(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.starts_with("part-") && name.ends_with(".parquet")
    }
}

impl Table {
    /// Returns the objects under the table's folder, its log left out.
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

    /// Returns the paths of all objects under the table's folder.
    pub(crate) async fn list_paths(&self) -> Result<HashSet<String>> {
        self.list_objects().map_ok(|object| object.path).try_collect().await
    }

    /// Returns whether an object is there, by its path under the table's folder.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn contains_object(&self, path: &str) -> Result<bool> {
        let place = object_path(&self.folder, path);
        match self.location.store.head(&place).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error).or_err(Kind::Unavailable, || format!("looking for {place} in {}", self.location)),
        }
    }

    /// Removes objects under the table's folder; one that no longer exists counts as removed. `each` is called for
    /// every removal.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn delete_objects(&self, paths: &[String], mut each: impl FnMut(&str)) -> Result<()> {
        let removals = paths.iter().map(|path| async move {
            let place = object_path(&self.folder, path);
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

    /// Syncs directories: on a local disk a removed name is gone for good once its directory is synced.
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

    /// Returns the temporary files of unfinished writes under `folder` of the table (`""` is all of it), where it is
    /// local: listings hide them. With size and time.
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
}

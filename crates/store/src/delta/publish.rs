//! Publishing a log entry so that it is certain afterwards whether it exists, whatever the store replied.

use bytes::Bytes;
use deltalake_core::kernel::transaction::{CommitData, TransactionError};
use deltalake_core::logstore::CommitOrBytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use lake_model::{Error, Kind, Result, ResultExt};
use object_store::ObjectStoreExt as _;
use uuid::Uuid;

use crate::delta::data_file::object_path;
use crate::delta::log_error::log_error;
use crate::delta::log_file::{entry_path, write_newest_version};
use crate::delta::sealed_entry;
use crate::{Commit, Table};

/// Files looked after at a time.
const FILES_AT_ONCE: usize = 16;

impl Table {
    /// Returns the bytes of a version's log entry, checked; none if it is not there.
    ///
    /// # Errors
    /// If the store does not answer, or the entry is damaged.
    pub(crate) async fn read_entry(&self, version: u64) -> Result<Option<Bytes>> {
        let read = self.log.read_commit_entry(version).await;
        read.map_err(|error| log_error(error, || format!("version {version} of table {}", self.name)))
    }

    /// Returns whether a version is the commit with this id; none if its entry is not there.
    ///
    /// # Errors
    /// If the store does not answer, or the entry is damaged.
    pub(crate) async fn is_commit(&self, version: u64, id: &Uuid) -> Result<Option<bool>> {
        Ok(self.read_entry(version).await?.map(|bytes| sealed_entry::is_commit(&bytes, id)))
    }

    /// Releases the files of a commit that fails, if the last version it tried is certainly not it. A write to a local
    /// disk has ended when it returns; a remote store may still execute it.
    pub(crate) async fn release_files(&self, commit: &Commit, id: &Uuid, tried: Option<u64>) {
        let Some(version) = tried else { return };
        match self.is_commit(version, id).await {
            Ok(Some(false)) => commit.release_files(),
            Ok(None) if self.location.directory.is_some() => commit.release_files(),
            _ => {}
        }
    }

    /// Creates the log entry of a version, if it is not there.
    ///
    /// # Errors
    /// A conflict, if the store replies that it exists; or no reply. Either may be reported although the entry has just
    /// been written, and the first although there is none: the content of the log decides.
    pub(crate) async fn publish(&self, version: u64, data: &CommitData, id: &Uuid) -> Result<()> {
        let failed = || format!("committing version {version} to table {} in {}", self.name, self.location);
        let bytes = data.get_bytes().or_err(Kind::Internal, failed)?;
        let name = entry_path(&self.folder, version);
        let sealed = CommitOrBytes::LogBytes(sealed_entry::seal_entry(&bytes, id, name.as_ref())?);
        match self.log.write_commit_entry(version, sealed, *id).await {
            Ok(()) => {
                write_newest_version(&self.location.store, &self.folder, version).await;
                Ok(())
            }
            Err(error @ TransactionError::VersionAlreadyExists(_)) => Err(error).or_err(Kind::Conflict, failed),
            Err(error) => Err(error).or_err(Kind::Unavailable, failed),
        }
    }

    /// Checks that the files that a commit adds all exist: a vacuum may have removed those of one that took long.
    ///
    /// # Errors
    /// A conflict, if one is gone: the work has to be done again. Or the store does not answer.
    pub(crate) async fn check_adds(&self, commit: &Commit) -> Result<()> {
        let mut heads = Vec::with_capacity(commit.adds.len());
        for file in &commit.adds {
            heads.push(self.check_add(&file.path, file.size).boxed());
        }
        stream::iter(heads).buffer_unordered(FILES_AT_ONCE).try_collect::<Vec<()>>().await.map(drop)
    }

    async fn check_add(&self, name: &str, size: u64) -> Result<()> {
        let path = object_path(&self.folder, name);
        match self.location.store.head(&path).await {
            Ok(meta) if meta.size == size => Ok(()),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Err(Error::new(
                Kind::Conflict,
                format!(
                    "table {}: {name} was written for this commit and is no longer there; has a vacuum run with a \
                     wrong clock? Try again",
                    self.name
                ),
            )),
            Err(error) => Err(error).or_err(Kind::Unavailable, || format!("table {}: {path}", self.name)),
        }
    }
}

//! Publishing a log entry so that it is known afterwards whether it is there, whatever the store said.

use std::time::Duration;

use bytes::Bytes;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::{CommitData, TransactionError};
use deltalake_core::logstore::CommitOrBytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use lake_model::{Error, Kind, Result, ResultExt};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use uuid::Uuid;

use crate::delta::log_file::{entry_path, write_newest_version};
use crate::delta::sealed_entry;
use crate::objects::damage::find_damage;
use crate::{Commit, Table};

/// Meetings with other writers before a commit gives up with a conflict.
const MAX_CONFLICTS: u32 = 60;
/// Failures of the store before a commit gives up; the store's own client has tried each one several times.
const MAX_FAILURES: u32 = 5;
/// Files looked after at a time.
const FILES_AT_ONCE: usize = 16;

/// How often one commit may still be tried.
#[derive(Default)]
pub(crate) struct CommitRetry {
    conflicts: u32,
    failures: u32,
}

impl CommitRetry {
    /// Waits a moment, longer after more tries and never as long as another writer; or gives up with the error.
    pub(crate) async fn wait_or_fail(&mut self, error: Error) -> Result<()> {
        let tries = match error.kind() {
            Kind::Conflict => &mut self.conflicts,
            Kind::Unavailable => &mut self.failures,
            _ => return Err(error),
        };
        *tries += 1;
        if self.conflicts >= MAX_CONFLICTS || self.failures >= MAX_FAILURES {
            return Err(error);
        }
        tracing::debug!(%error, conflicts = self.conflicts, failures = self.failures, "a commit is tried again");
        let longest = u64::from((self.conflicts + self.failures).min(8)) * 32;
        let part = u64::from(Uuid::new_v4().as_bytes()[0]);
        tokio::time::sleep(Duration::from_millis(longest * part / 256)).await;
        Ok(())
    }
}

/// The kind of a log's error. The log's own reader passes on the store's errors as texts.
pub(crate) fn log_error(error: DeltaTableError, work: impl FnOnce() -> String) -> Error {
    if let Some(damage) = find_damage(&error) {
        return damage.context(work());
    }
    let kind = match &error {
        DeltaTableError::ObjectStore { source: object_store::Error::NotFound { .. } } => Kind::NotFound,
        DeltaTableError::ObjectStore { .. } => Kind::Unavailable,
        DeltaTableError::NotATable(_) | DeltaTableError::InvalidVersion(_) => Kind::NotFound,
        // A feature of the protocol that a newer writer asked for.
        DeltaTableError::KernelError(inner) if inner.to_string().starts_with("Unsupported") => Kind::Invalid,
        DeltaTableError::KernelError(inner) if inner.to_string().contains("interacting with object store") => {
            Kind::Unavailable
        }
        // A table, or a version of it, that was never made.
        DeltaTableError::KernelError(inner)
            if ["Invalid table location", "No table version found"].iter().any(|t| inner.to_string().contains(t)) =>
        {
            Kind::NotFound
        }
        _ => Kind::Data,
    };
    Error::new(kind, work()).with_source(error)
}

impl Table {
    /// The bytes of a version's log entry, checked; none if it is not there.
    ///
    /// # Errors
    /// If the store does not answer, or the entry is damaged.
    pub(crate) async fn read_entry(&self, version: u64) -> Result<Option<Bytes>> {
        let read = self.log.read_commit_entry(version).await;
        read.map_err(|error| log_error(error, || format!("version {version} of table {}", self.name)))
    }

    /// Whether a version is the commit with this id; none if its entry is not there.
    ///
    /// # Errors
    /// If the store does not answer, or the entry is damaged.
    pub(crate) async fn is_commit(&self, version: u64, id: &Uuid) -> Result<Option<bool>> {
        Ok(self.read_entry(version).await?.map(|bytes| sealed_entry::is_commit(&bytes, id)))
    }

    /// A commit that gives up lets go of its files if the last version it tried is certainly not it. What writes to a
    /// local disk has ended when it answers; a store at the other end of a wire may still do what it was asked.
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
    /// A conflict, if the store says that it is there; or the store does not answer. Either may be said though the
    /// entry has just been written, and the first though nothing is there: what the log then holds decides.
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

    /// Whether the files that a commit adds are all there: one that took long may have lost them to a vacuum.
    ///
    /// # Errors
    /// A conflict, if one is gone: the work has to be done anew. Or the store does not answer.
    pub(crate) async fn check_adds(&self, commit: &Commit) -> Result<()> {
        let mut heads = Vec::with_capacity(commit.adds.len());
        for file in &commit.adds {
            heads.push(self.check_add(&file.path, file.size).boxed());
        }
        stream::iter(heads).buffer_unordered(FILES_AT_ONCE).try_collect::<Vec<()>>().await.map(drop)
    }

    async fn check_add(&self, name: &str, size: u64) -> Result<()> {
        let path: Path = name.split('/').fold(self.folder.clone(), |path, part| path.join(part));
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

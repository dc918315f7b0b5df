//! A Delta table: opened or made, read at a version, committed to exactly once.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake_core::kernel::transaction::CommitData;
use deltalake_core::kernel::{Action, Protocol, StructType, Transaction, new_metadata};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError, checkpoints};
use lake_model::{Error, Kind, Result, ResultExt, failpoint};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use parking_lot::Mutex;
use serde_json::json;
use uuid::Uuid;

use crate::delta::commit_retry::CommitRetry;
use crate::delta::file_writer::FileWriter;
use crate::delta::known_version::KnownVersion;
use crate::delta::log_error::log_error;
use crate::delta::log_file::{find_missing_file, read_newest_version};
use crate::delta::log_metadata::LogMetadata;
use crate::delta::log_read_permit::with_read_permit;
use crate::objects::checksums::{BlockChecksums, CHECKSUMS_TAG};
use crate::{Commit, CommitOutcome, Location, Snapshot, TableLayout};

/// A checkpoint after this many versions, as Delta writers do by default.
const CHECKPOINT_EVERY: u64 = 100;

/// A Delta table of the lake.
#[derive(Clone)]
pub struct Table {
    pub(crate) name: String,
    pub(crate) location: Location,
    pub(crate) folder: Path,
    pub(crate) log: LogStoreRef,
    pub(super) newest: Arc<Mutex<Option<KnownVersion>>>,
    /// What is known of the metadata of the last versions that were read.
    pub(super) metadata: Arc<tokio::sync::Mutex<Vec<LogMetadata>>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Table {
    pub(crate) fn new(location: &Location, name: &str) -> Result<Self> {
        let folder = location.path(name);
        let url = location.table_url(name)?;
        let prefixed = Arc::new(PrefixStore::new(Arc::clone(&location.store), folder.clone()));
        let log = default_logstore(prefixed, Arc::clone(&location.store), &url, &StorageConfig::default());
        let (newest, metadata) = (Arc::default(), Arc::default());
        Ok(Self { name: name.to_owned(), location: location.clone(), folder, log, newest, metadata })
    }

    /// Returns the table's name: its folder under the lake.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the lake it is a table of.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Returns the table's folder within the store.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns whether the table has been made.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn exists(&self) -> Result<bool> {
        if self.unchanged_snapshot().is_some() {
            return Ok(true);
        }
        let failed = || format!("looking for table {} in {}", self.name, self.location);
        let exists = self.log.is_delta_table_location().await.map_err(|error| log_error(error, failed))?;
        if !exists && let Some(version) = self.read_newest_version().await? {
            return Err(self.missing_file_error(&format!("{version:020}.json")));
        }
        Ok(exists)
    }

    /// Returns a version that existed once; `None` if nothing proves one.
    pub(super) async fn read_newest_version(&self) -> Result<Option<u64>> {
        let noted = read_newest_version(&self.location.store, &self.folder).await;
        noted.or_err(Kind::Unavailable, || format!("the newest version of table {} in {}", self.name, self.location))
    }

    pub(super) fn missing_file_error(&self, name: &str) -> Error {
        let text = format!(
            "table {} in {}: {}/_delta_log/{name} is missing, without which the newest version cannot be read; restore \
             it from a copy",
            self.name, self.location, self.name
        );
        Error::new(Kind::Data, text)
    }

    /// Returns the error of a log that could not be read; it names the file that is missing, if one is.
    async fn explain_error(&self, error: Error) -> Error {
        if !matches!(error.kind(), Kind::Data | Kind::NotFound) {
            return error;
        }
        match find_missing_file(&self.location.store, &self.folder).await {
            Ok(Some(name)) => self.missing_file_error(&name).with_source(error),
            _ => error,
        }
    }

    /// Makes the table if it is not there, and adds columns that its layout has gained.
    ///
    /// # Errors
    /// If the store does not answer, or a column has changed its type.
    pub async fn create_or_extend(&self, layout: &TableLayout) -> Result<()> {
        let mut retry = CommitRetry::default();
        loop {
            let made = if self.exists().await? {
                let snapshot = self.snapshot().await?;
                match self.missing_columns(&snapshot, layout)? {
                    missing_columns if missing_columns.is_empty() => return Ok(()),
                    missing_columns => self.add_columns(&snapshot, missing_columns).await,
                }
            } else {
                self.create(layout).await
            };
            // Another writer's version may be equivalent: it is checked again.
            if let Err(error) = made {
                retry.wait_or_fail(error).await?;
            }
        }
    }

    /// Returns the columns that the layout has and the table has not.
    fn missing_columns(&self, snapshot: &Snapshot, layout: &TableLayout) -> Result<Vec<FieldRef>> {
        let mut missing_columns = Vec::new();
        for field in layout.schema.fields() {
            match snapshot.schema.field_with_name(field.name()) {
                Ok(there) if there.data_type() == field.data_type() => {}
                Ok(there) => {
                    return Err(Error::invalid(format!(
                        "table {}: column `{}` contains {} and is now declared {}; give the new column another name",
                        self.name,
                        field.name(),
                        there.data_type(),
                        field.data_type()
                    )));
                }
                Err(_) => missing_columns.push(Arc::clone(field)),
            }
        }
        Ok(missing_columns)
    }

    async fn create(&self, layout: &TableLayout) -> Result<()> {
        let failed = || format!("making table {} in {}", self.name, self.location);
        // timestampNtz is wall-clock time; domainMetadata carries cursors and watermarks through checkpoints.
        let protocol: Protocol = serde_json::from_value(json!({
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["timestampNtz"], "writerFeatures": ["timestampNtz", "domainMetadata"],
        }))
        .or_err(Kind::Internal, failed)?;
        let schema: StructType = layout.schema.as_ref().try_into_kernel().or_err(Kind::Internal, failed)?;
        let metadata = new_metadata(&schema, &layout.partition_columns, HashMap::<String, String>::new())
            .or_err(Kind::Internal, failed)?;
        let operation = DeltaOperation::Create {
            mode: SaveMode::ErrorIfExists,
            location: self.log.root_url().clone(),
            protocol: protocol.clone(),
            metadata: metadata.clone(),
        };
        let actions = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
        let data = CommitData::new(actions, operation, HashMap::new(), Vec::new());
        failpoint("store:before-table");
        let published = self.publish(0, &data, &Uuid::new_v4()).await;
        failpoint("store:after-table");
        published
    }

    async fn add_columns(&self, snapshot: &Snapshot, missing_columns: Vec<FieldRef>) -> Result<()> {
        let failed = || format!("adding columns to table {}", self.name);
        let fields: Vec<_> = snapshot.schema.fields().iter().cloned().chain(missing_columns).collect();
        let schema: StructType = (&Schema::new(fields)).try_into_kernel().or_err(Kind::Internal, failed)?;
        let mut metadata = serde_json::to_value(snapshot.state.metadata()).or_err(Kind::Internal, failed)?;
        metadata["schemaString"] = json!(serde_json::to_string(&schema).or_err(Kind::Internal, failed)?);
        let metadata = serde_json::from_value(metadata).or_err(Kind::Internal, failed)?;
        let operation = DeltaOperation::AddColumn { fields: schema.fields().cloned().collect() };
        let data = CommitData::new(vec![Action::Metadata(metadata)], operation, HashMap::new(), Vec::new());
        self.publish(snapshot.version + 1, &data, &Uuid::new_v4()).await
    }

    /// Returns the log's newest state, from one read earlier where there is one.
    pub(super) async fn read_newest_state(&self, earlier: Option<DeltaTableState>) -> Result<DeltaTableState> {
        let failed = || format!("table {} in {}", self.name, self.location);
        let state = match earlier {
            Some(mut state) => {
                let log = Arc::clone(&self.log);
                with_read_permit(async move { state.update(&log, None).await.map(|()| state) }).await
            }
            None => self.read_state(None).await,
        };
        let error = match state {
            Ok(state) => return Ok(state),
            Err(error) => log_error(error, failed),
        };
        // A directory that is listed while entries appear may show a later one and not the one before.
        if error.kind() == Kind::Data
            && let Ok(state) = self.read_state(None).await
        {
            return Ok(state);
        }
        Err(self.explain_error(error).await)
    }

    /// Returns the state of a version, or the newest.
    pub(super) async fn read_state(&self, version: Option<u64>) -> Result<DeltaTableState, DeltaTableError> {
        let log = Arc::clone(&self.log);
        with_read_permit(async move { DeltaTableState::try_new(&*log, version).await }).await
    }

    /// Returns the version of a state, with the time it was committed.
    pub(super) async fn open_snapshot(&self, state: DeltaTableState) -> Result<Arc<Snapshot>> {
        let snapshot = self.build_snapshot(state)?;
        if snapshot.committed_ms.is_some() {
            return Ok(snapshot);
        }
        // The listing that a checkpoint begins leaves out the checkpoint's own version.
        let committed_ms = self.read_log_entry(snapshot.version).await?.and_then(|entry| entry.committed_ms);
        Ok(Arc::new(Snapshot { committed_ms, ..snapshot.as_ref().clone() }))
    }

    /// Returns the table at a version.
    ///
    /// # Errors
    /// If that version is not there (any more).
    pub async fn snapshot_at(&self, version: u64) -> Result<Arc<Snapshot>> {
        let newest = self.snapshot().await?;
        if newest.version == version {
            return Ok(newest);
        }
        match self.read_state(Some(version)).await {
            Ok(state) => self.open_snapshot(state).await,
            Err(error) => {
                let error = log_error(error, || format!("version {version} of table {}", self.name));
                Err(self.explain_error(error).await)
            }
        }
    }

    /// Returns the version of a state. From now on its files are checked when they are read.
    pub(crate) fn build_snapshot(&self, state: DeltaTableState) -> Result<Arc<Snapshot>> {
        let store = &self.location.checked_store;
        let table = Arc::from(self.name.as_str());
        for file in state.log_data().iter() {
            let path = file.object_store_path();
            let path = path.parts().fold(self.folder.clone(), |folder, part| folder.join(part));
            let size =
                u64::try_from(file.size()).or_err(Kind::Data, || format!("table {}: a file's size", self.name))?;
            if store.is_registered(&path, size) {
                continue;
            }
            #[expect(deprecated, reason = "nothing else gives a file's tags")]
            let tags = file.add_action().tags.unwrap_or_default();
            let sums = match tags.get(CHECKSUMS_TAG) {
                Some(Some(text)) => Some(BlockChecksums::parse_tag(text).ok_or_else(|| {
                    Error::new(Kind::Data, format!("table {}: the log's checksums of {path} cannot be read", self.name))
                })?),
                _ => None,
            };
            store.register_file(&table, path, size, sums);
        }
        Ok(Arc::new(Snapshot::new(&self.name, state)?))
    }

    /// Begins a data file of a partition.
    ///
    /// # Errors
    /// If the writer cannot be made.
    pub fn writer(&self, snapshot: &Snapshot, partition: HashMap<String, Option<String>>) -> Result<FileWriter> {
        let schema = self.file_schema(snapshot);
        let store = Arc::clone(&self.location.checked_store);
        FileWriter::new(&self.name, store, &self.folder, schema, &snapshot.partition_columns, partition)
    }

    fn file_schema(&self, snapshot: &Snapshot) -> SchemaRef {
        let fields = snapshot.schema.fields().iter().filter(|f| !snapshot.partition_columns.contains(f.name()));
        Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
    }

    /// Commits, once. Meets with other writers are tried again; a lost reply is recognised by the commit's id, and
    /// in a later run by its transaction.
    ///
    /// # Errors
    /// A conflict, if the replaced files changed meanwhile, the added ones are gone, or others kept winning; or the
    /// store does not answer: then the commit may or may not exist. The files of one that certainly does not exist are
    /// removed when the commit is dropped.
    pub async fn commit(&self, commit: &Commit) -> Result<CommitOutcome> {
        let (id, mut tried) = (Uuid::new_v4(), None);
        let committed = self.commit_with_retries(commit, &id, &mut tried).await;
        match committed {
            Ok(CommitOutcome::Version(version)) => self.write_checkpoint_if_due(version).await,
            Ok(CommitOutcome::AlreadyCommitted) => {}
            Err(_) => self.release_files(commit, &id, tried).await,
        }
        committed
    }

    async fn commit_with_retries(&self, commit: &Commit, id: &Uuid, tried: &mut Option<u64>) -> Result<CommitOutcome> {
        let mut retry = CommitRetry::default();
        loop {
            match self.try_commit(commit, id, tried).await {
                Ok(CommitAttempt::Done(committed)) => return Ok(committed),
                // It has changed what this commit was prepared on: trying again would not help.
                Ok(CommitAttempt::Conflicted(error)) => return Err(error),
                // Another writer was first, or the store failed: the log decides which, and whether the entry exists
                // after all.
                Err(error) => retry.wait_or_fail(error).await?,
            }
        }
    }

    /// Returns whether the domains that the commit sets are still what it was prepared on.
    async fn domains_unchanged(&self, snapshot: &Snapshot, commit: &Commit) -> Result<bool> {
        for change in &commit.domains {
            if let Some(expected) = &change.expected
                && self.replay_domain(snapshot, &change.name).await? != *expected
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tries to commit once, at the version after the newest. The commit's assumptions are checked against that very
    /// version, so that it is serializable: nothing can come between. `tried` is the version of the last attempt whose
    /// outcome is open.
    async fn try_commit(&self, commit: &Commit, id: &Uuid, tried: &mut Option<u64>) -> Result<CommitAttempt> {
        let snapshot = self.snapshot().await?;
        if let Some(version) = *tried
            && version <= snapshot.version
        {
            match self.is_commit(version, id).await? {
                Some(true) => return Ok(CommitAttempt::Done(CommitOutcome::Version(version))),
                Some(false) => commit.release_files(),
                // It may have been this commit: the log was truncated above it.
                None => {}
            }
            *tried = None;
        }
        if let Some((app_id, version)) = &commit.transaction
            && self.replay_transaction(&snapshot, app_id).await?.is_some_and(|there| there >= *version)
        {
            return Ok(CommitAttempt::Done(CommitOutcome::AlreadyCommitted));
        }
        if !commit.replaces_exactly(&snapshot) || !self.domains_unchanged(&snapshot, commit).await? {
            let text = format!("table {}: another writer replaced the same files; try again", self.name);
            return Ok(CommitAttempt::Conflicted(Error::new(Kind::Conflict, text)));
        }
        if let Err(error) = self.check_adds(commit).await {
            return if error.kind() == Kind::Conflict { Ok(CommitAttempt::Conflicted(error)) } else { Err(error) };
        }
        let own =
            [("work".to_owned(), json!(commit.operation)), ("rows_removed".to_owned(), json!(commit.rows_removed()))];
        let info = commit.info.clone().into_iter().chain(own).collect();
        let transactions =
            commit.transaction.iter().map(|(app_id, version)| Transaction::new(app_id, *version)).collect();
        let operation = DeltaOperation::Write {
            mode: if commit.removes.is_empty() { SaveMode::Append } else { SaveMode::Overwrite },
            partition_by: Some(snapshot.partition_columns.clone()),
            predicate: None,
        };
        let version = snapshot.version + 1;
        if tried.replace(version) != Some(version) {
            commit.hold_files();
        }
        let mut data = CommitData::new(commit.to_actions(), operation, info, transactions);
        if let Some(Action::CommitInfo(info)) = data.actions.first_mut() {
            info.timestamp = Some(lake_model::now().timestamp_millis());
        }
        self.publish(version, &data, id).await?;
        Ok(CommitAttempt::Done(CommitOutcome::Version(version)))
    }

    /// Writes a checkpoint, if it is due, and ignores failures: the log has the same content without it.
    async fn write_checkpoint_if_due(&self, version: u64) {
        if !version.is_multiple_of(CHECKPOINT_EVERY) {
            return;
        }
        failpoint("store:before-checkpoint");
        if let Err(error) = self.write_checkpoint(version).await {
            tracing::warn!(table = self.name, version, %error, "no checkpoint could be written; readers use the log");
        }
        failpoint("store:after-checkpoint");
    }

    pub(crate) async fn write_checkpoint(&self, version: u64) -> Result<(), DeltaTableError> {
        let mut table = DeltaTable::new(Arc::clone(&self.log));
        with_read_permit(async move {
            table.load_version(version).await?;
            checkpoints::create_checkpoint(&table, None).await
        })
        .await
    }
}

/// The outcome of one attempt of a commit.
enum CommitAttempt {
    /// It is there.
    Done(CommitOutcome),
    /// It cannot be there any more: others changed what it rests on.
    Conflicted(Error),
}

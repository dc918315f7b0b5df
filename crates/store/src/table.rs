//! A Delta table: opened or made, read at a version, committed to exactly once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake_core::kernel::transaction::{CommitData, TransactionError};
use deltalake_core::kernel::{Action, Protocol, StructType, Transaction, new_metadata};
use deltalake_core::logstore::{CommitOrBytes, LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError, ObjectStoreError, checkpoints};
use lake_model::{Error, Kind, Result, ResultExt};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use serde_json::json;

use crate::write::FileWriter;
use crate::{Commit, Committed, Layout, Location, Snapshot};

/// Tries before a commit that meets others gives up with a conflict.
const MOST_TRIES: u32 = 30;
/// A checkpoint after this many versions, as Delta writers do by default.
const CHECKPOINT_EVERY: u64 = 100;

/// The newest version read so far, as the log has it and as we do.
type Newest = (DeltaTableState, Arc<Snapshot>);

/// A Delta table of the lake.
#[derive(Clone)]
pub struct Table {
    pub(crate) name: String,
    pub(crate) location: Location,
    pub(crate) folder: Path,
    pub(crate) log: LogStoreRef,
    current: Arc<Mutex<Option<Newest>>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

fn kind_of(error: &DeltaTableError) -> Kind {
    match error {
        DeltaTableError::ObjectStore { source: ObjectStoreError::NotFound { .. } } => Kind::NotFound,
        DeltaTableError::ObjectStore { .. } => Kind::Unavailable,
        DeltaTableError::NotATable(_) | DeltaTableError::InvalidVersion(_) => Kind::NotFound,
        // A feature of the protocol that a newer writer asked for.
        DeltaTableError::KernelError(inner) if inner.to_string().starts_with("Unsupported") => Kind::Invalid,
        _ => Kind::Data,
    }
}

impl Table {
    pub(crate) fn at(location: &Location, name: &str) -> Result<Self> {
        let folder = location.path(name);
        let url = location.url.join(&format!("{name}/")).or_err(Kind::Internal, || format!("the URL of {name}"))?;
        let prefixed = Arc::new(PrefixStore::new(Arc::clone(&location.store), folder.clone()));
        let log = default_logstore(prefixed, Arc::clone(&location.store), &url, &StorageConfig::default());
        let current = Arc::new(Mutex::new(None));
        Ok(Self { name: name.to_owned(), location: location.clone(), folder, log, current })
    }

    /// The table's name: its folder under the lake.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table's folder within the store.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the table has been made.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn exists(&self) -> Result<bool> {
        self.log
            .is_delta_table_location()
            .await
            .or_err(Kind::Unavailable, || format!("looking for table {} in {}", self.name, self.location))
    }

    /// Makes the table if it is not there, and adds columns that its layout has gained.
    ///
    /// # Errors
    /// If the store does not answer, or a column has changed its type.
    pub async fn ensure(&self, layout: &Layout) -> Result<()> {
        if !self.exists().await? {
            self.create(layout).await?;
        }
        let snapshot = self.snapshot().await?;
        let mut gained = Vec::new();
        for field in layout.schema.fields() {
            match snapshot.schema.field_with_name(field.name()) {
                Ok(there) if there.data_type() == field.data_type() => {}
                Ok(there) => {
                    return Err(Error::invalid(format!(
                        "table {}: column `{}` holds {} and is now declared {}; give the new column another name",
                        self.name,
                        field.name(),
                        there.data_type(),
                        field.data_type()
                    )));
                }
                Err(_) => gained.push(Arc::clone(field)),
            }
        }
        if gained.is_empty() { Ok(()) } else { self.gain_columns(&snapshot, gained).await }
    }

    async fn create(&self, layout: &Layout) -> Result<()> {
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
        match self.publish(0, &data).await {
            // Somebody else made it first, which is as good.
            Ok(()) | Err(TransactionError::VersionAlreadyExists(_)) => Ok(()),
            Err(error) => Err(error).or_err(Kind::Unavailable, failed),
        }
    }

    async fn gain_columns(&self, snapshot: &Snapshot, gained: Vec<Arc<arrow::datatypes::Field>>) -> Result<()> {
        let failed = || format!("adding columns to table {}", self.name);
        let fields: Vec<_> = snapshot.schema.fields().iter().cloned().chain(gained).collect();
        let schema: StructType = (&Schema::new(fields)).try_into_kernel().or_err(Kind::Internal, failed)?;
        let mut metadata = serde_json::to_value(snapshot.state.metadata()).or_err(Kind::Internal, failed)?;
        metadata["schemaString"] = json!(serde_json::to_string(&schema).or_err(Kind::Internal, failed)?);
        let metadata = serde_json::from_value(metadata).or_err(Kind::Internal, failed)?;
        let operation = DeltaOperation::AddColumn { fields: schema.fields().cloned().collect() };
        let data = CommitData::new(vec![Action::Metadata(metadata)], operation, HashMap::new(), Vec::new());
        self.publish(snapshot.version + 1, &data).await.or_err(Kind::Conflict, failed)
    }

    /// The newest version.
    ///
    /// # Errors
    /// If there is no such table, or its log cannot be read.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let failed = || format!("table {} in {}", self.name, self.location);
        let cached = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (state, snapshot) = match cached {
            Some((mut state, snapshot)) => {
                state.update(&self.log, None).await.map_err(|e| (kind_of(&e), e)).or_kind(failed)?;
                if state.version() == snapshot.version {
                    return Ok(snapshot);
                }
                let snapshot = self.opened(state.clone()).await?;
                (state, snapshot)
            }
            None => {
                let state = DeltaTableState::try_new(&*self.log, None).await;
                let state = state.map_err(|e| (kind_of(&e), e)).or_kind(failed)?;
                let snapshot = self.opened(state.clone()).await?;
                (state, snapshot)
            }
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Another task may have read a newer version meanwhile.
        if current.as_ref().is_none_or(|(_, there)| there.version < snapshot.version) {
            *current = Some((state, Arc::clone(&snapshot)));
        }
        Ok(snapshot)
    }

    async fn opened(&self, state: DeltaTableState) -> Result<Arc<Snapshot>> {
        let mut snapshot = Snapshot::new(&self.name, state)?;
        if snapshot.committed_ms.is_none() {
            // The listing that a checkpoint begins leaves out the checkpoint's own version.
            snapshot.committed_ms = self.log_entry(snapshot.version).await?.and_then(|entry| entry.committed_ms);
        }
        Ok(Arc::new(snapshot))
    }

    /// The table at a version.
    ///
    /// # Errors
    /// If that version is not there (any more).
    pub async fn snapshot_at(&self, version: u64) -> Result<Arc<Snapshot>> {
        let newest = self.snapshot().await?;
        if newest.version == version {
            return Ok(newest);
        }
        let state = DeltaTableState::try_new(&*self.log, Some(version)).await;
        let failed = || format!("version {version} of table {}", self.name);
        let state = state.map_err(|e| (kind_of(&e), e)).or_kind(failed)?;
        self.opened(state).await
    }

    /// The last version an application committed, by its transaction id.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn transaction(&self, snapshot: &Snapshot, app_id: &str) -> Result<Option<i64>> {
        snapshot
            .state
            .snapshot()
            .transaction_version(&*self.log, app_id)
            .await
            .or_err(Kind::Data, || format!("table {}: the transaction {app_id}", self.name))
    }

    /// The JSON text of a metadata domain.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn domain(&self, snapshot: &Snapshot, domain: &str) -> Result<Option<String>> {
        snapshot
            .state
            .snapshot()
            .domain_metadata(&*self.log, domain)
            .await
            .or_err(Kind::Data, || format!("table {}: the metadata {domain}", self.name))
    }

    /// Begins a data file of a partition.
    ///
    /// # Errors
    /// If the writer cannot be made.
    pub fn writer(&self, snapshot: &Snapshot, partition: HashMap<String, Option<String>>) -> Result<FileWriter> {
        let schema = self.file_schema(snapshot);
        let store = Arc::clone(&self.location.store);
        FileWriter::new(&self.name, store, &self.folder, schema, &snapshot.partition_columns, partition)
    }

    fn file_schema(&self, snapshot: &Snapshot) -> SchemaRef {
        let fields = snapshot.schema.fields().iter().filter(|f| !snapshot.partition_columns.contains(f.name()));
        Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
    }

    /// Commits, once. Meets with other writers are tried again; a lost reply is recognised by the transaction.
    ///
    /// # Errors
    /// A conflict, if what it replaces changed meanwhile or others kept winning; or the store does not answer.
    pub async fn commit(&self, commit: &Commit) -> Result<Committed> {
        let mut tries = 0;
        loop {
            let snapshot = self.snapshot().await?;
            if let Some((app_id, version)) = &commit.transaction
                && self.transaction(&snapshot, app_id).await?.is_some_and(|there| there >= *version)
            {
                return Ok(Committed::Already);
            }
            if !commit.still_replaces(&snapshot) || !self.still_seen(&snapshot, commit).await? {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("table {}: another writer replaced the same files; try again", self.name),
                ));
            }
            let error = match self.try_commit(&snapshot, commit).await {
                Ok(version) => {
                    self.checkpoint_when_due(version).await;
                    return Ok(Committed::Version(version));
                }
                Err(error) => error,
            };
            tries += 1;
            let raced = matches!(error, TransactionError::VersionAlreadyExists(_));
            // A store that failed leaves open whether the commit is there: the transaction will tell.
            let open = matches!(error, TransactionError::ObjectStore { .. }) && commit.transaction.is_some();
            if tries >= MOST_TRIES || !raced && !open {
                let kind = if raced { Kind::Conflict } else { Kind::Unavailable };
                return Err(error).or_err(kind, || format!("committing to table {} in {}", self.name, self.location));
            }
            tracing::debug!(table = self.name, tries, %error, "a commit is tried again");
            let jitter = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
            tokio::time::sleep(Duration::from_millis(jitter * u64::from(tries.min(8)) / 8)).await;
        }
    }

    /// Whether the domains that the commit sets are still what it was prepared on.
    async fn still_seen(&self, snapshot: &Snapshot, commit: &Commit) -> Result<bool> {
        for change in &commit.domains {
            if let Some(seen) = &change.seen
                && self.domain(snapshot, &change.name).await? != *seen
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One try at the version after `snapshot`. What the commit assumes was checked against that very version, so
    /// that it is serializable: nothing can come between.
    async fn try_commit(&self, snapshot: &Snapshot, commit: &Commit) -> Result<u64, TransactionError> {
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
        let mut data = CommitData::new(commit.actions(), operation, info, transactions);
        if let Some(Action::CommitInfo(info)) = data.actions.first_mut() {
            info.timestamp = Some(lake_model::now().timestamp_millis());
        }
        self.publish(version, &data).await?;
        Ok(version)
    }

    /// Creates the log entry of a version, if it is not there.
    async fn publish(&self, version: u64, data: &CommitData) -> Result<(), TransactionError> {
        let entry = CommitOrBytes::LogBytes(data.get_bytes()?);
        self.log.write_commit_entry(version, entry, uuid::Uuid::new_v4()).await
    }

    /// A checkpoint is a help, no promise: the log says the same without it.
    async fn checkpoint_when_due(&self, version: u64) {
        if !version.is_multiple_of(CHECKPOINT_EVERY) {
            return;
        }
        if let Err(error) = self.write_checkpoint(version).await {
            tracing::warn!(table = self.name, version, %error, "no checkpoint could be written; reading goes on from the log");
        }
    }

    pub(crate) async fn write_checkpoint(&self, version: u64) -> Result<(), DeltaTableError> {
        let mut table = DeltaTable::new(Arc::clone(&self.log));
        table.load_version(version).await?;
        checkpoints::create_checkpoint(&table, None).await
    }
}

trait OrKind<T> {
    fn or_kind<W: std::fmt::Display>(self, work: impl FnOnce() -> W) -> Result<T>;
}

impl<T> OrKind<T> for std::result::Result<T, (Kind, DeltaTableError)> {
    fn or_kind<W: std::fmt::Display>(self, work: impl FnOnce() -> W) -> Result<T> {
        self.map_err(|(kind, error)| Error::new(kind, work().to_string()).with_source(error))
    }
}

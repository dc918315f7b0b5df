//! Landing pages of one resource as batches.

pub(crate) mod catch_up;
mod ledger;
mod raw_lookup;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
    new_null_array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use lake_model::{Cursor, Error, Kind, Resource, Result, ResultExt, StoredDefinition, failpoint};
use lake_portal::{Decoder, Page, Reject, is_later, parse_stamp};
use lake_query::{IncidentProjector, definition_change, store_definition, stored_definition};
use lake_store::{
    ColumnRange, Commit, CommitOutcome, CountedDefinitions, DEFINITION_DOMAIN, DataFile, ForgottenMark,
    LANDING_TRANSACTION, Lake, LandingMark, Snapshot, Table, WrittenFile,
};
use serde_json::json;

use crate::columns::{Incidents, hash_bytes, texts, times};
use crate::key_index::{Dimensions, INDEX_FORMAT, KeyIndex, KeyState, Stamp};
use crate::landing::catch_up::Originals;
use crate::landing::ledger::{Ledger, Verdict};
use crate::landing::raw_lookup::{Doubts, Elsewhere};
use crate::reject_identity;
use crate::rekey::rekey;

/// How to land.
#[derive(Clone, Debug)]
pub struct LandingOptions {
    /// Where the key indexes lie.
    pub index_directory: PathBuf,
    /// Whether the rows are synthetic. A lake's resource is one or the other.
    pub synthetic: bool,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Landed {
    /// The batch it became; `None` if it changed nothing, not even the cursor.
    pub batch: Option<i64>,
    /// Rows the portal served.
    pub published: u64,
    /// Rows with new keys.
    pub new: u64,
    /// Rows with changed content.
    pub changed: u64,
    /// Rows that were there already.
    pub unchanged: u64,
    /// Rows older than what is there.
    pub stale: u64,
    /// Rows that are rejects, new ones and known ones.
    pub rejected: u64,
    /// Rows whose key another row of the same page has as well; the one with the later `:updated_at` counts, or the later
    /// row where that does not tell them apart.
    pub doubled: u64,
    /// Tombstones, of keys and of rejects that the source no longer has.
    pub deleted: u64,
}

/// The landing of one resource.
pub struct Landing {
    pub(crate) lake: Lake,
    pub(crate) resource: Arc<Resource>,
    pub(crate) raw: Table,
    pub(crate) index: KeyIndex,
    pub(crate) mark: LandingMark,
    pub(crate) stamp: Stamp,
    pub(crate) definitions: CountedDefinitions,
    /// The definition that the raw table keeps.
    stored_definition: Option<StoredDefinition>,
    /// Whether a batch that was replayed holds tombstones.
    pub(crate) met_tombstone: bool,
    projector: IncidentProjector,
    page_schema: SchemaRef,
    synthetic: bool,
    /// What the log was told of: a run says each thing once.
    warned: HashSet<String>,
}

impl std::fmt::Debug for Landing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Landing").field("resource", &self.resource.name).finish_non_exhaustive()
    }
}

/// A key or a reject that the source no longer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tombstone {
    Key(String),
    Reject(String),
}

/// A raw row without declared columns: a tombstone, the closing of a reject, or a reject.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bare {
    key: Option<String>,
    portal_id: Option<String>,
    deleted: bool,
    reason: Option<String>,
    original: Option<String>,
    updated_at: Option<i64>,
}

impl Bare {
    pub(crate) fn tombstone(of: Tombstone) -> Self {
        let (key, portal_id) = match of {
            Tombstone::Key(key) => (Some(key), None),
            Tombstone::Reject(identity) => (None, Some(identity)),
        };
        Self { key, portal_id, deleted: true, ..Self::default() }
    }

    pub(crate) fn reject(reject: &Reject) -> Self {
        Self {
            portal_id: reject.portal_id.clone(),
            reason: Some(reject.reason.clone()),
            original: Some(reject.original.clone()),
            updated_at: reject.updated_at,
            ..Self::default()
        }
    }
}

/// What lands as one batch, with what it changes.
struct Plan {
    /// Usable rows.
    batch: RecordBatch,
    /// What comes after them.
    bare: Vec<Bare>,
    ledger: Ledger,
    landed: Landed,
    /// What the index does not say, and the raw rows do.
    doubts: Doubts,
}

impl Landing {
    /// Opens the landing of a resource: brings the index up to date and fills what a crash left missing.
    ///
    /// # Errors
    /// If another process lands the resource, the store does not answer, or synthetic and real rows would mix.
    pub async fn open(lake: &Lake, resource: &Arc<Resource>, options: &LandingOptions) -> Result<Self> {
        let raw = lake.ensure_raw_table(resource).await?;
        let mut snapshot = raw.snapshot().await?;
        let mut mark = LandingMark::read(&raw, &snapshot).await?;
        if mark.batch > 0 && mark.synthetic != options.synthetic {
            let (there, new) = if mark.synthetic { ("synthetic", "real") } else { ("real", "synthetic") };
            return Err(Error::invalid(format!(
                "{} in {} holds {there} rows; {new} ones do not belong beside them, name another lake with --lake",
                resource.name,
                lake.location()
            )));
        }
        let forgotten = ForgottenMark::read(&raw, &snapshot).await?.count;
        let directory = options.index_directory.join(&resource.name);
        let mut index = KeyIndex::open(&directory)?;
        if mark.batch > 0 && mark.key != resource.key {
            rekey(&raw, resource).await.map_err(|e| e.context(&resource.name))?;
            snapshot = raw.snapshot().await?;
            mark = LandingMark::read(&raw, &snapshot).await?;
        }
        if index.stamp()?.is_some_and(|stamp| stamp.forgotten != forgotten) {
            // Cleared it might still hold a forgotten key in its journal; removed it holds nothing.
            drop(index);
            std::fs::remove_dir_all(&directory)
                .or_err(Kind::Unavailable, || format!("the key index in {}", directory.display()))?;
            index = KeyIndex::open(&directory)?;
        }
        let stamp = Stamp {
            format: INDEX_FORMAT,
            table_id: snapshot.table_id.clone(),
            fingerprint: resource.fingerprint(),
            forgotten,
            batch: 0,
            file: None,
        };
        let page_schema = Arc::clone(Decoder::new(resource).schema());
        let projector = IncidentProjector::new(resource, &page_schema)?;
        let mut landing = Self {
            lake: lake.clone(),
            resource: Arc::clone(resource),
            raw,
            index,
            mark,
            stamp,
            definitions: CountedDefinitions::default(),
            stored_definition: None,
            met_tombstone: false,
            projector,
            page_schema,
            synthetic: options.synthetic,
            warned: HashSet::new(),
        };
        landing.catch_up().await.map_err(|e| e.context(&resource.name))?;
        if landing.mark.batch > 0 && landing.stored_definition.is_none() {
            // Landed by a version that did not keep definitions.
            store_definition(&landing.raw, &resource.definition, DEFINITION_DOMAIN).await?;
            landing.refresh_mark().await?;
        }
        Ok(landing)
    }

    /// Where the next scan goes on.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.mark.cursor.as_ref()
    }

    /// The last batch.
    pub fn batch(&self) -> i64 {
        self.mark.batch
    }

    /// Lands a page. What is acknowledged by returning is durable.
    ///
    /// # Errors
    /// If the store does not answer or other writers keep winning.
    pub async fn land(&mut self, page: &Page) -> Result<Landed> {
        // Each one is a batch of somebody else: progress, though not ours.
        const MOST_MEETINGS: usize = 100;
        for warning in &page.warnings {
            if self.warned.insert(warning.about.clone()) {
                tracing::warn!(resource = self.resource.name, "{}", warning.text);
            }
        }
        for _ in 0..MOST_MEETINGS {
            if let Some(landed) = self.try_land(page).await? {
                return Ok(landed);
            }
            // Somebody else landed a batch under this number: see what it holds, then judge the page anew.
            self.met_tombstone = false;
            self.catch_up().await?;
            if self.met_tombstone {
                // The page may be from before the deletion, and would bring back what is gone.
                let name = &self.resource.name;
                return Err(Error::new(Kind::Conflict, format!("{name}: rows were deleted meanwhile; try again")));
            }
        }
        let name = &self.resource.name;
        Err(Error::new(Kind::Conflict, format!("{name}: other writers kept landing batches; try again")))
    }

    async fn try_land(&mut self, page: &Page) -> Result<Option<Landed>> {
        let mut elsewhere = Elsewhere::default();
        let mut plan = tokio::task::block_in_place(|| self.plan(page, &elsewhere))?;
        if !plan.doubts.is_empty() {
            elsewhere = self.look_up(&plan.doubts).await?;
            elsewhere.forget_future(page.latest_stamp);
            plan = tokio::task::block_in_place(|| self.plan(page, &elsewhere))?;
        }
        let cursor = self.later_cursor(page.cursor.as_ref());
        if plan.batch.num_rows() + plan.bare.len() == 0 && cursor == self.mark.cursor {
            // No commit would meet a batch of another writer, which these rows may change.
            let snapshot = self.raw.snapshot().await?;
            let unmet = LandingMark::read(&self.raw, &snapshot).await?.batch == self.mark.batch;
            return Ok(unmet.then_some(plan.landed));
        }
        self.commit(plan, cursor).await
    }

    /// Lands tombstones, if nothing has landed since batch `through`; the batch they became.
    ///
    /// # Errors
    /// A conflict, if another writer has landed meanwhile; or the store does not answer.
    pub(crate) async fn land_tombstones(&mut self, gone: &[Tombstone], through: i64) -> Result<i64> {
        let name = self.resource.name.clone();
        let overtaken =
            || Error::new(Kind::Conflict, format!("{name}: another writer landed since the pass ended; try again"));
        if self.mark.batch != through {
            return Err(overtaken());
        }
        let mut ledger = Ledger::default();
        let none = Dimensions { hour: None, cell: None, labels: [0; 4] };
        let state = KeyState { hash: [0; 16], updated_at: None, deleted: true, dimensions: none };
        for (n, tombstone) in gone.iter().enumerate() {
            match tombstone {
                Tombstone::Key(key) => ledger.enter(&self.index, key, state)?,
                Tombstone::Reject(identity) => ledger.close_reject(&self.index, number_of(n)?, identity)?,
            }
        }
        let plan = Plan {
            batch: RecordBatch::new_empty(Arc::clone(&self.page_schema)),
            bare: gone.iter().cloned().map(Bare::tombstone).collect(),
            ledger,
            landed: Landed { deleted: gone.len() as u64, ..Landed::default() },
            doubts: Doubts::default(),
        };
        match self.commit(plan, self.mark.cursor.clone()).await? {
            Some(landed) => Ok(landed.batch.unwrap_or(through)),
            None => Err(overtaken()),
        }
    }

    /// Lets the next scan begin at the beginning: a batch without rows.
    ///
    /// # Errors
    /// A conflict, if another writer has landed meanwhile; or the store does not answer.
    pub async fn restart_scan(&mut self) -> Result<()> {
        let plan = Plan {
            batch: RecordBatch::new_empty(Arc::clone(&self.page_schema)),
            bare: Vec::new(),
            ledger: Ledger::default(),
            landed: Landed::default(),
            doubts: Doubts::default(),
        };
        let name = self.resource.name.clone();
        let landed = self.commit(plan, None).await?;
        landed
            .map(|_| ())
            .ok_or_else(|| Error::new(Kind::Conflict, format!("{name}: another writer landed; try again")))
    }

    /// Commits a batch and what follows from it; `None` if another writer took its number.
    async fn commit(&mut self, plan: Plan, cursor: Option<Cursor>) -> Result<Option<Landed>> {
        let Plan { batch, bare, ledger, mut landed, .. } = plan;
        let rows = batch.num_rows() + bare.len();
        let number = self.mark.batch + 1;
        let now = lake_model::now();
        let mark = LandingMark {
            batch: number,
            rows_batch: if rows > 0 { number } else { self.mark.rows_batch },
            cursor,
            published: self.mark.published + landed.published,
            synthetic: self.synthetic,
            key: self.resource.key.clone(),
            landed_at: now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        };
        let snapshot = self.raw.snapshot().await?;
        let mut adds = Vec::new();
        if rows > 0 {
            let month = now.format("%Y-%m").to_string();
            let partition = HashMap::from([("_landed_month".to_owned(), Some(month))]);
            let mut writer = self.raw.writer(&snapshot, partition)?;
            let complete = complete(&batch, &bare, number, now, writer.schema())?;
            writer.write(&complete).await?;
            adds.push(writer.finish().await?);
        }
        let file = adds.first().map(|file: &WrittenFile| file.path().to_owned());
        // The transaction already says that nothing came between.
        let mut domains = vec![mark.to_change(None)?];
        let definition =
            definition_change(&self.resource.definition, self.stored_definition.as_ref(), DEFINITION_DOMAIN)?;
        let definition = definition.map(|(new, change)| {
            domains.push(change);
            new
        });
        failpoint("ingest:before-raw-commit");
        let commit = Commit {
            operation: if landed.deleted > 0 { "DELETE" } else { "LAND" },
            adds,
            transaction: Some((LANDING_TRANSACTION.to_owned(), number)),
            domains,
            info: HashMap::from([("batch".to_owned(), json!(number)), ("rows".to_owned(), json!(rows))]),
            ..Commit::default()
        };
        if self.raw.commit(&commit).await? == CommitOutcome::AlreadyCommitted {
            return Ok(None);
        }
        failpoint("ingest:after-raw-commit");
        self.stored_definition = definition.or(self.stored_definition.take());
        if rows > 0 {
            self.derive(&ledger, number, now.timestamp_micros(), &originals(&bare, batch.num_rows())).await?;
        }
        failpoint("ingest:before-index-commit");
        self.stamp.batch = number;
        self.stamp.file = file.or(self.stamp.file.take());
        tokio::task::block_in_place(|| self.index.commit(&ledger.changes, &self.stamp))?;
        failpoint("ingest:after-index-commit");
        // Not before: a landing that goes on after an error meets its own batch and catches up with it.
        self.mark = mark;
        landed.batch = Some(number);
        Ok(Some(landed))
    }

    /// A page behind another writer's cursor does not move it back.
    fn later_cursor(&self, page: Option<&Cursor>) -> Option<Cursor> {
        match (&self.mark.cursor, page) {
            (Some(there), Some(new)) if is_later(&there.updated_at, &new.updated_at) => Some(there.clone()),
            (there, None) => there.clone(),
            (_, Some(new)) => Some(new.clone()),
        }
    }

    fn plan(&mut self, page: &Page, elsewhere: &Elsewhere) -> Result<Plan> {
        let incidents = self.projector.project(&page.batch)?;
        let incidents = Incidents::new(&incidents)?;
        let keys = texts(&page.batch, "_key")?;
        let hashes = texts(&page.batch, "_hash")?;
        let ids = texts(&page.batch, "_portal_id")?;
        let updated = times(&page.batch, "_updated_at")?;
        let mut landed = Landed { published: page.published as u64, ..Landed::default() };
        let mut ledger = Ledger::default();
        let mut taken: Vec<u64> = Vec::new();
        let mut closed: Vec<&str> = Vec::new();
        let mut doubts = Doubts::default();
        let head = self.mark.cursor.as_ref().and_then(|cursor| parse_stamp(&cursor.updated_at));
        // What comes in order is as new as anything that has landed.
        let is_behind = |updated_at: Option<i64>| updated_at.is_some() && (head.is_none() || updated_at < head);
        // The row that gave a key its version, as of the rows before.
        let mut holders: HashMap<&str, Option<&str>> = HashMap::new();
        let mut rows_of: HashMap<&str, Option<&str>> = HashMap::with_capacity(page.batch.num_rows());
        let mut doubled_key: Option<&str> = None;
        for row in 0..page.batch.num_rows() {
            let next = KeyState {
                hash: hash_bytes(hashes.value(row))?,
                updated_at: updated.is_valid(row).then(|| updated.value(row)),
                deleted: false,
                dimensions: incidents.dimensions(row, &mut self.index.words),
            };
            let key = keys.value(row);
            let id = ids.is_valid(row).then(|| ids.value(row));
            // The same row served twice has the same id; where there are none, each is a row.
            if rows_of.insert(key, id).is_some_and(|other| id.is_none() || other != id) {
                landed.doubled += 1;
                doubled_key = doubled_key.or(Some(key));
            }
            let earlier = page.earlier_hashes.get(&row).map(|hash| hash_bytes(hash)).transpose()?;
            let mut verdict = ledger.judge(&self.index, key, &next, earlier, page.latest_stamp)?;
            if let Some(id) = id
                && is_behind(next.updated_at)
                && ledger.is_open_reject(&self.index, id)?
                && doubts.overtaken(elsewhere, id, next.updated_at)
            {
                landed.stale += 1;
                continue;
            }
            if let (Verdict::Tied, Some(id)) = (verdict, id) {
                let holder = holders.get(key).copied().flatten().or_else(|| doubts.holder(elsewhere, key));
                verdict = if holder.is_some_and(|holder| id < holder) { Verdict::Stale } else { Verdict::Changed };
            }
            if matches!(verdict, Verdict::New | Verdict::Changed) {
                holders.insert(key, id);
            }
            match verdict {
                Verdict::New => landed.new += 1,
                Verdict::Changed | Verdict::Tied => landed.changed += 1,
                Verdict::Stale => landed.stale += 1,
                Verdict::Unchanged => landed.unchanged += 1,
            }
            if matches!(verdict, Verdict::Stale | Verdict::Unchanged) {
                // What was a reject can be used now, although it says nothing new.
                if let Some(id) = id
                    && ledger.is_open_reject(&self.index, id)?
                {
                    closed.push(id);
                }
                continue;
            }
            ledger.enter(&self.index, key, next)?;
            if let Some(id) = id {
                ledger.close_reject(&self.index, number_of(taken.len())?, id)?;
            }
            taken.push(row as u64);
        }
        if let Some(key) = doubled_key
            && self.warned.insert("doubled".to_owned())
        {
            let resource = &self.resource.name;
            tracing::warn!(
                resource,
                key,
                "rows with one key: one incident is counted, as the row with the later `:updated_at` says, or the later \
                 row where that does not tell them apart"
            );
        }
        let mut bare = Vec::new();
        for id in closed {
            ledger.close_reject(&self.index, number_of(taken.len() + bare.len())?, id)?;
            bare.push(Bare::tombstone(Tombstone::Reject(id.to_owned())));
        }
        for row in &page.rejects {
            let identity = reject_identity::identity_of(&self.index, row)?;
            let content = reject_identity::content(&self.resource, &row.original);
            let is_known = ledger.knows_reject(&self.index, &identity, content)?;
            if !is_known
                && row.portal_id.is_some()
                && is_behind(row.updated_at)
                && doubts.overtaken(elsewhere, &identity, row.updated_at)
            {
                landed.stale += 1;
                continue;
            }
            landed.rejected += 1;
            if !is_known {
                ledger.enter_reject(number_of(taken.len() + bare.len())?, &identity, content);
                bare.push(Bare { portal_id: Some(identity), ..Bare::reject(row) });
            }
        }
        let batch = if taken.len() == page.batch.num_rows() {
            page.batch.clone()
        } else {
            take_record_batch(&page.batch, &UInt64Array::from(taken)).or_err(Kind::Internal, || "the rows that land")?
        };
        Ok(Plan { batch, bare, ledger, landed, doubts })
    }

    /// The index's stamp fits the table, the definition, and the files that it reflects.
    pub(crate) fn fits(&self, stamp: &Stamp, snapshot: &Snapshot) -> bool {
        let same = Stamp { batch: stamp.batch, file: stamp.file.clone(), ..self.stamp.clone() } == *stamp;
        same && stamp.batch <= self.mark.batch && last_file(snapshot, stamp.batch) == stamp.file
    }

    pub(crate) async fn refresh_mark(&mut self) -> Result<Arc<Snapshot>> {
        let snapshot = self.raw.snapshot().await?;
        self.mark = LandingMark::read(&self.raw, &snapshot).await?;
        self.stored_definition = stored_definition(&self.raw, &snapshot, DEFINITION_DOMAIN).await?;
        if self.mark.batch > 0 && self.mark.key != self.resource.key {
            let there = &self.mark.key;
            let text =
                format!("the rows are now landed with the key {there:?}; read the resource file again, try again");
            return Err(Error::new(Kind::Conflict, text));
        }
        Ok(snapshot)
    }
}

/// The raw file that holds the last rows up to a batch.
pub(crate) fn last_file(snapshot: &Snapshot, batch: i64) -> Option<String> {
    let last = |file: &DataFile| match file.ranges.get("_batch") {
        Some(ColumnRange::Number(_, last)) => Some(*last),
        _ => None,
    };
    let numbered = snapshot.files.iter().filter_map(|file| Some((last(file)?, &file.path)));
    numbered.filter(|(last, _)| *last <= batch).max().map(|(_, path)| path.clone())
}

fn number_of(row: usize) -> Result<i64> {
    i64::try_from(row).or_err(Kind::Internal, || "a row's number")
}

/// The rejects among what follows the `first` usable rows of a batch.
fn originals(bare: &[Bare], first: usize) -> Originals {
    let numbered = bare.iter().enumerate();
    numbered
        .filter_map(|(n, row)| Some((i64::try_from(first + n).ok()?, (row.reason.clone()?, row.original.clone()?))))
        .collect()
}

/// A batch's rows with the columns of landing, the bare ones last, in the file's column order.
pub(crate) fn complete(
    batch: &RecordBatch,
    bare: &[Bare],
    number: i64,
    now: DateTime<Utc>,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let usable = batch.num_rows();
    let rows = usable + bare.len();
    let with_bare = |column: &ArrayRef, tail: ArrayRef| -> Result<ArrayRef> {
        if bare.is_empty() {
            return Ok(Arc::clone(column));
        }
        arrow::compute::concat(&[column.as_ref(), tail.as_ref()]).or_err(Kind::Internal, || "bare rows beside rows")
    };
    let text_tail =
        |text: fn(&Bare) -> Option<&str>| -> ArrayRef { Arc::new(bare.iter().map(text).collect::<StringArray>()) };
    let no_content = "0".repeat(32);
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column: ArrayRef = match field.name().as_str() {
            "_batch" => Arc::new(Int64Array::from_value(number, rows)),
            "_row" => Arc::new(Int64Array::from_iter_values((0_i64..).take(rows))),
            "_landed_at" => Arc::new(TimestampMicrosecondArray::from_value(now.timestamp_micros(), rows)),
            "_deleted" => {
                let deleted = std::iter::repeat_n(false, usable).chain(bare.iter().map(|row| row.deleted));
                Arc::new(deleted.map(Some).collect::<BooleanArray>())
            }
            "_reject" => {
                let none = new_null_array(field.data_type(), usable);
                with_bare(&none, text_tail(|row| row.reason.as_deref()))?
            }
            name => match (batch.column_by_name(name), name) {
                (Some(column), "_extra") => with_bare(column, text_tail(|row| row.original.as_deref()))?,
                (Some(column), "_portal_id") => with_bare(column, text_tail(|row| row.portal_id.as_deref()))?,
                (Some(column), "_key") => with_bare(column, text_tail(|row| row.key.as_deref()))?,
                (Some(column), "_updated_at") => {
                    let times = bare.iter().map(|row| row.updated_at);
                    with_bare(column, Arc::new(times.collect::<TimestampMicrosecondArray>()))?
                }
                (Some(column), "_hash") => {
                    let hashes = bare.iter().map(|row| row.deleted.then_some(no_content.as_str()));
                    with_bare(column, Arc::new(hashes.collect::<StringArray>()))?
                }
                (Some(column), _) => with_bare(column, new_null_array(field.data_type(), bare.len()))?,
                // A column that the table has and the definition no longer names.
                (None, _) => new_null_array(field.data_type(), rows),
            },
        };
        columns.push(column);
    }
    RecordBatch::try_new(Arc::clone(schema), columns).or_err(Kind::Internal, || "a batch of raw rows")
}

//! Landing pages of one resource as batches.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
    new_null_array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use lake_model::{Error, Kind, Resource, Result, ResultExt, failpoint};
use lake_portal::{Cursor, Decoder, Page, Reject};
use lake_query::IncidentProjector;
use lake_store::{Commit, Committed, DomainChange, Lake, Snapshot, Table};
use serde_json::json;

use crate::index::{INDEX_FORMAT, KeyIndex, KeyState, Stamp};
use crate::ledger::{Ledger, Verdict};
use crate::replay::Originals;
use crate::rows::{Incidents, hash_bytes, texts, times};
use crate::state::{LAND_TRANSACTION, LANDING_DOMAIN, LandingMark, landing_mark};

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
}

/// The landing of one resource.
pub struct Landing {
    pub(crate) lake: Lake,
    pub(crate) resource: Arc<Resource>,
    pub(crate) raw: Table,
    pub(crate) index: KeyIndex,
    pub(crate) mark: LandingMark,
    pub(crate) stamp: Stamp,
    projector: IncidentProjector,
    synthetic: bool,
}

impl std::fmt::Debug for Landing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Landing").field("resource", &self.resource.name).finish_non_exhaustive()
    }
}

/// The rows of a page that land, with what they change.
struct Plan {
    batch: RecordBatch,
    rejects: Vec<Reject>,
    ledger: Ledger,
    landed: Landed,
}

impl Landing {
    /// Opens the landing of a resource: brings the index up to date and fills what a crash left missing.
    ///
    /// # Errors
    /// If another process lands the resource, the store does not answer, or synthetic and real rows would mix.
    pub async fn open(lake: &Lake, resource: &Arc<Resource>, options: &LandingOptions) -> Result<Self> {
        let raw = lake.ensure_raw(resource).await?;
        let snapshot = raw.snapshot().await?;
        let mark = landing_mark(&raw, &snapshot).await?;
        if mark.batch > 0 && mark.synthetic != options.synthetic {
            let (there, new) = if mark.synthetic { ("synthetic", "real") } else { ("real", "synthetic") };
            return Err(Error::invalid(format!(
                "{} in {} holds {there} rows; {new} ones do not belong beside them, name another lake with --lake",
                resource.name,
                lake.location()
            )));
        }
        if mark.batch > 0 && mark.key != resource.key {
            return Err(Error::invalid(format!(
                "{} landed with the key {:?} and is now defined with {:?}; a key cannot change under landed rows, land into another lake with --lake",
                resource.name, mark.key, resource.key
            )));
        }
        let index = KeyIndex::open(&options.index_directory.join(&resource.name))?;
        let stamp = Stamp {
            format: INDEX_FORMAT,
            table_id: snapshot.table_id.clone(),
            fingerprint: resource.fingerprint(),
            batch: 0,
        };
        let projector = IncidentProjector::new(resource, Decoder::new(resource).schema())?;
        let mut landing = Self {
            lake: lake.clone(),
            resource: Arc::clone(resource),
            raw,
            index,
            mark,
            stamp,
            projector,
            synthetic: options.synthetic,
        };
        landing.catch_up().await.map_err(|e| e.context(&resource.name))?;
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
        const MOST_MEETINGS: usize = 20;
        for _ in 0..MOST_MEETINGS {
            if let Some(landed) = self.try_land(page).await? {
                return Ok(landed);
            }
            // Somebody else landed a batch under this number: see what it holds, then judge the page anew.
            self.catch_up().await?;
        }
        let name = &self.resource.name;
        Err(Error::new(Kind::Conflict, format!("{name}: other writers kept landing batches; try again")))
    }

    async fn try_land(&mut self, page: &Page) -> Result<Option<Landed>> {
        let Plan { batch, rejects, ledger, mut landed } = tokio::task::block_in_place(|| self.plan(page))?;
        let cursor = self.later_cursor(page.cursor.as_ref());
        let rows = batch.num_rows() + rejects.len();
        if rows == 0 && cursor == self.mark.cursor {
            return Ok(Some(landed));
        }
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
            let complete = complete(&batch, &rejects, number, now, writer.schema())?;
            writer.write(&complete).await?;
            adds.push(writer.finish().await?);
        }
        failpoint("ingest:before-raw-commit");
        let commit = Commit {
            operation: "LAND",
            adds,
            transaction: Some((LAND_TRANSACTION.to_owned(), number)),
            domains: vec![DomainChange {
                name: LANDING_DOMAIN.to_owned(),
                // The transaction already says that nothing came between.
                seen: None,
                text: serde_json::to_string(&mark).or_err(Kind::Internal, || "the mark")?,
            }],
            info: HashMap::from([("batch".to_owned(), json!(number)), ("rows".to_owned(), json!(rows))]),
            ..Commit::default()
        };
        if self.raw.commit(&commit).await? == Committed::Already {
            return Ok(None);
        }
        failpoint("ingest:after-raw-commit");
        if rows > 0 {
            self.derive(&ledger, number, now.timestamp_micros(), &originals(&rejects, batch.num_rows())).await?;
        }
        failpoint("ingest:before-index-commit");
        self.stamp.batch = number;
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
            (Some(there), Some(new)) if new.updated_at < there.updated_at => Some(there.clone()),
            (there, None) => there.clone(),
            (_, Some(new)) => Some(new.clone()),
        }
    }

    fn plan(&mut self, page: &Page) -> Result<Plan> {
        let incidents = self.projector.project(&page.batch)?;
        let incidents = Incidents::new(&incidents)?;
        let keys = texts(&page.batch, "_key")?;
        let hashes = texts(&page.batch, "_hash")?;
        let ids = texts(&page.batch, "_portal_id")?;
        let updated = times(&page.batch, "_updated_at")?;
        let mut landed = Landed { published: page.published as u64, ..Landed::default() };
        let mut ledger = Ledger::default();
        let mut taken: Vec<u64> = Vec::new();
        for row in 0..page.batch.num_rows() {
            let next = KeyState {
                hash: hash_bytes(hashes.value(row))?,
                updated_at: updated.is_valid(row).then(|| updated.value(row)),
                deleted: false,
                dimensions: incidents.dimensions(row, &mut self.index.words),
            };
            let key = keys.value(row);
            let was_reject = ids.is_valid(row) && ledger.is_open(&self.index, ids.value(row))?;
            match ledger.judge(&self.index, key, &next)? {
                Verdict::New => landed.new += 1,
                Verdict::Changed => landed.changed += 1,
                Verdict::Stale => {
                    landed.stale += 1;
                    continue;
                }
                // The row had lost its key meanwhile: what closes its reject has to land, though it says nothing else.
                Verdict::Unchanged if was_reject => landed.unchanged += 1,
                Verdict::Unchanged => {
                    landed.unchanged += 1;
                    continue;
                }
            }
            ledger.enter(&self.index, key, next)?;
            if ids.is_valid(row) {
                ledger.close_reject(&self.index, number_of(taken.len())?, ids.value(row))?;
            }
            taken.push(row as u64);
        }
        let mut rejects = Vec::new();
        for reject in &page.rejects {
            landed.rejected += 1;
            let (identity, hash) = reject_identity(reject.portal_id.as_deref(), &reject.original);
            if !ledger.knows_reject(&self.index, &identity, hash)? {
                ledger.enter_reject(number_of(taken.len() + rejects.len())?, &identity, hash);
                rejects.push(reject.clone());
            }
        }
        let batch = if taken.len() == page.batch.num_rows() {
            page.batch.clone()
        } else {
            take_record_batch(&page.batch, &UInt64Array::from(taken)).or_err(Kind::Internal, || "the rows that land")?
        };
        Ok(Plan { batch, rejects, ledger, landed })
    }

    /// The index's stamp fits the table and the definition.
    pub(crate) fn fits(&self, stamp: &Stamp) -> bool {
        Stamp { batch: stamp.batch, ..self.stamp.clone() } == *stamp
    }

    pub(crate) async fn refresh_mark(&mut self) -> Result<Arc<Snapshot>> {
        let snapshot = self.raw.snapshot().await?;
        self.mark = landing_mark(&self.raw, &snapshot).await?;
        Ok(snapshot)
    }
}

fn number_of(row: usize) -> Result<i64> {
    i64::try_from(row).or_err(Kind::Internal, || "a row's number")
}

/// What a reject is known by (the portal's id, or its text), and the hash of its content.
pub(crate) fn reject_identity(portal_id: Option<&str>, original: &str) -> (String, [u8; 16]) {
    let hash = blake3::hash(original.as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    let identity = portal_id.map_or_else(|| format!("text:{}", hash.to_hex()), str::to_owned);
    debug_assert!(!identity.is_empty(), "the decoder takes an empty id for absent");
    (identity, short)
}

/// The rejects of a batch whose usable rows end at `first`.
fn originals(rejects: &[Reject], first: usize) -> Originals {
    let numbered = rejects.iter().enumerate();
    numbered
        .filter_map(|(n, r)| Some((i64::try_from(first + n).ok()?, (r.reason.clone(), r.original.clone()))))
        .collect()
}

/// A batch's rows with the columns of landing, rejects last, in the file's column order.
fn complete(
    batch: &RecordBatch,
    rejects: &[Reject],
    number: i64,
    now: DateTime<Utc>,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let usable = batch.num_rows();
    let rows = usable + rejects.len();
    let with_rejects = |column: &ArrayRef, tail: ArrayRef| -> Result<ArrayRef> {
        if rejects.is_empty() {
            return Ok(Arc::clone(column));
        }
        arrow::compute::concat(&[column.as_ref(), tail.as_ref()]).or_err(Kind::Internal, || "rejects beside rows")
    };
    let text_tail =
        |text: fn(&Reject) -> Option<&str>| -> ArrayRef { Arc::new(rejects.iter().map(text).collect::<StringArray>()) };
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column: ArrayRef = match field.name().as_str() {
            "_batch" => Arc::new(Int64Array::from_value(number, rows)),
            "_row" => Arc::new(Int64Array::from_iter_values((0_i64..).take(rows))),
            "_landed_at" => Arc::new(TimestampMicrosecondArray::from_value(now.timestamp_micros(), rows)),
            "_deleted" => Arc::new(BooleanArray::from(vec![false; rows])),
            "_reject" => {
                let none = new_null_array(field.data_type(), usable);
                with_rejects(&none, text_tail(|r| Some(&r.reason)))?
            }
            name => match (batch.column_by_name(name), name) {
                (Some(column), "_extra") => with_rejects(column, text_tail(|r| Some(&r.original)))?,
                (Some(column), "_portal_id") => with_rejects(column, text_tail(|r| r.portal_id.as_deref()))?,
                (Some(column), _) => with_rejects(column, new_null_array(field.data_type(), rejects.len()))?,
                // A column that the table has and the definition no longer names.
                (None, _) => new_null_array(field.data_type(), rows),
            },
        };
        columns.push(column);
    }
    RecordBatch::try_new(Arc::clone(schema), columns).or_err(Kind::Internal, || "a batch of raw rows")
}

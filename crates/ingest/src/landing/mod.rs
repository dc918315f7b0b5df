//! Landing pages of one resource as batches.

mod catch_up;
mod derive;
mod judge;
mod ledger;
pub(crate) mod page_report;
pub(crate) mod raw_batch;
mod raw_lookup;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use lake_model::{Cursor, Error, Kind, Resource, Result, ResultExt, StoredDefinition, failpoint};
use lake_portal::{Decoder, Page, is_later, parse_stamp};
use lake_query::{IncidentProjector, definition_change, store_definition, stored_definition};
use lake_store::{
    Commit, CommitOutcome, CountedDefinitions, DEFINITION_DOMAIN, ForgottenMark, LANDING_TRANSACTION, Lake,
    LandingMark, Snapshot, Table, WrittenFile,
};
use serde_json::json;

use crate::columns::{IncidentColumns, parse_hash, text_column, time_column};
use crate::index::key_index::{INDEX_FORMAT, IndexStamp, KeyIndex};
use crate::index::key_state::{Dimensions, KeyState};
use crate::index::known_versions::KnownVersions;
use crate::landing::judge::{Judgement, PageRows, RejectedRow, UsableRow, judge_page, row_number};
use crate::landing::ledger::Ledger;
use crate::landing::page_report::PageReport;
use crate::landing::raw_batch::{MarkerRow, Tombstone, build_raw_batch, collect_originals, find_last_file};
use crate::landing::raw_lookup::{RawLookup, resolve_lookups};
use crate::reject_identity::{choose_identity, content_hash, possible_identities};
use crate::rekey::rekey;

/// How to land.
#[derive(Clone, Debug)]
pub struct LandingOptions {
    /// The directory of the key indexes.
    pub index_directory: PathBuf,
    /// Whether the rows are synthetic. A lake's resource is one or the other.
    pub synthetic: bool,
}

/// The landing of one resource.
pub struct Landing {
    pub(crate) lake: Lake,
    pub(crate) resource: Arc<Resource>,
    pub(crate) raw: Table,
    pub(crate) index: KeyIndex,
    pub(crate) mark: LandingMark,
    pub(crate) stamp: IndexStamp,
    pub(crate) definitions: CountedDefinitions,
    /// The definition that the raw table keeps.
    stored_definition: Option<StoredDefinition>,
    /// Whether a batch that was replayed holds tombstones.
    pub(crate) found_tombstone: bool,
    projector: IncidentProjector,
    page_schema: SchemaRef,
    synthetic: bool,
    /// The warnings of a run: it gives each once.
    warned: HashSet<String>,
}

impl std::fmt::Debug for Landing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Landing").field("resource", &self.resource.name).finish_non_exhaustive()
    }
}

/// The rows that land as one batch, and the changes they cause.
struct BatchPlan {
    /// Usable rows.
    rows: RecordBatch,
    /// The rows without declared columns that come after them.
    markers: Vec<MarkerRow>,
    ledger: Ledger,
    report: PageReport,
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
                "{} in {} holds {there} rows; {new} rows cannot be added to them; name another lake with --lake",
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
        if index.read_stamp()?.is_some_and(|stamp| stamp.forgotten != forgotten) {
            // Cleared it might still hold a forgotten key in its journal; removed it holds nothing.
            drop(index);
            std::fs::remove_dir_all(&directory)
                .or_err(Kind::Unavailable, || format!("the key index in {}", directory.display()))?;
            index = KeyIndex::open(&directory)?;
        }
        let stamp = IndexStamp {
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
            found_tombstone: false,
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

    /// Returns the position at which the next scan continues.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.mark.cursor.as_ref()
    }

    /// Returns the last batch.
    pub fn batch(&self) -> i64 {
        self.mark.batch
    }

    /// Lands a page. When this returns, the page is durable.
    ///
    /// # Errors
    /// If the store does not answer or other writers keep winning.
    pub async fn land(&mut self, page: &Page) -> Result<PageReport> {
        // Each one is a batch of another writer: progress, though not ours.
        const MAX_CONFLICTS: usize = 100;
        for warning in &page.warnings {
            if self.warned.insert(warning.about.clone()) {
                tracing::warn!(resource = self.resource.name, "{}", warning.text);
            }
        }
        for _ in 0..MAX_CONFLICTS {
            if let Some(report) = self.try_land(page).await? {
                return Ok(report);
            }
            // Another writer landed a batch under this number: read what it holds, then judge the page again.
            self.found_tombstone = false;
            self.catch_up().await?;
            if self.found_tombstone {
                // The page may be from before the deletion, and would bring back what is gone.
                let name = &self.resource.name;
                return Err(Error::new(Kind::Conflict, format!("{name}: rows were deleted meanwhile; try again")));
            }
        }
        let name = &self.resource.name;
        Err(Error::new(Kind::Conflict, format!("{name}: other writers kept landing batches; try again")))
    }

    async fn try_land(&mut self, page: &Page) -> Result<Option<PageReport>> {
        let rows = tokio::task::block_in_place(|| self.read_rows(page))?;
        let known = tokio::task::block_in_place(|| self.read_known(&rows))?;
        let mut judgement = judge_page(&rows, &known, &RawLookup::default());
        if !judgement.pending.is_empty() {
            let mut lookup = resolve_lookups(&self.raw, &judgement.pending).await?;
            lookup.remove_future_stamps(page.latest_stamp);
            judgement = judge_page(&rows, &known, &lookup);
        }
        self.warn_of_doubled_key(judgement.doubled_key);
        let plan = plan_batch(page, judgement)?;
        let cursor = self.later_cursor(page.cursor.as_ref());
        if plan.rows.num_rows() + plan.markers.len() == 0 && cursor == self.mark.cursor {
            // No commit would meet a batch of another writer, which these rows may change.
            let snapshot = self.raw.snapshot().await?;
            let unmet = LandingMark::read(&self.raw, &snapshot).await?.batch == self.mark.batch;
            return Ok(unmet.then_some(plan.report));
        }
        self.commit(plan, cursor).await
    }

    /// Reads the rows of a page as they are judged.
    fn read_rows<'p>(&mut self, page: &'p Page) -> Result<PageRows<'p>> {
        let incidents = self.projector.project(&page.batch)?;
        let incidents = IncidentColumns::new(&incidents)?;
        let (keys, hashes) = (text_column(&page.batch, "_key")?, text_column(&page.batch, "_hash")?);
        let (ids, updated) = (text_column(&page.batch, "_portal_id")?, time_column(&page.batch, "_updated_at")?);
        let mut usable = Vec::with_capacity(page.batch.num_rows());
        for row in 0..page.batch.num_rows() {
            let state = KeyState {
                hash: parse_hash(hashes.value(row))?,
                updated_at: updated.is_valid(row).then(|| updated.value(row)),
                deleted: false,
                dimensions: incidents.dimensions(row, &mut self.index.labels),
            };
            let earlier_hash = page.earlier_hashes.get(&row).map(|hash| parse_hash(hash)).transpose()?;
            let portal_id = ids.is_valid(row).then(|| ids.value(row));
            usable.push(UsableRow { key: keys.value(row), portal_id, state, earlier_hash });
        }
        let possible: Vec<Vec<String>> = page.rejects.iter().map(possible_identities).collect();
        let known = self.index.read_known([], possible.iter().flatten().map(String::as_str))?;
        let rejected = page.rejects.iter().zip(&possible).map(|(reject, possible)| RejectedRow {
            reject,
            identity: choose_identity(&known, possible),
            content: content_hash(&self.resource, &reject.original),
        });
        Ok(PageRows {
            usable,
            rejected: rejected.collect(),
            published: page.published as u64,
            latest_stamp: page.latest_stamp,
            cursor_stamp: self.mark.cursor.as_ref().and_then(|cursor| parse_stamp(&cursor.updated_at)),
        })
    }

    /// Reads what the index holds of the rows of a page.
    fn read_known<'p>(&self, rows: &PageRows<'p>) -> Result<KnownVersions<'p>> {
        let ids = rows.usable.iter().filter_map(|row| row.portal_id);
        let identities = ids.chain(rows.rejected.iter().map(|row| row.identity.as_str()));
        self.index.read_known(rows.usable.iter().map(|row| row.key), identities)
    }

    fn warn_of_doubled_key(&mut self, key: Option<&str>) {
        if let Some(key) = key
            && self.warned.insert("doubled".to_owned())
        {
            let resource = &self.resource.name;
            tracing::warn!(
                resource,
                key,
                "rows with one key: one incident is counted, from the row with the later `:updated_at`, or from the later row if both are equal"
            );
        }
    }

    /// Lands tombstones, if nothing has landed since batch `through`; the batch they became.
    ///
    /// # Errors
    /// A conflict, if another writer has landed meanwhile; or the store does not answer.
    pub(crate) async fn land_tombstones(&mut self, gone: &[Tombstone], through: i64) -> Result<i64> {
        let name = self.resource.name.clone();
        let conflict =
            || Error::new(Kind::Conflict, format!("{name}: another writer landed since the scan ended; try again"));
        if self.mark.batch != through {
            return Err(conflict());
        }
        let keys = gone.iter().filter_map(|tombstone| match tombstone {
            Tombstone::Key(key) => Some(key.as_str()),
            Tombstone::Reject(_) => None,
        });
        let identities = gone.iter().filter_map(|tombstone| match tombstone {
            Tombstone::Key(_) => None,
            Tombstone::Reject(identity) => Some(identity.as_str()),
        });
        let known = self.index.read_known(keys, identities)?;
        let mut ledger = Ledger::default();
        let none = Dimensions { hour: None, cell: None, labels: [0; 4] };
        let state = KeyState { hash: [0; 16], updated_at: None, deleted: true, dimensions: none };
        for (n, tombstone) in gone.iter().enumerate() {
            match tombstone {
                Tombstone::Key(key) => ledger.enter(&known, key, state),
                Tombstone::Reject(identity) => ledger.close_reject(&known, row_number(n), identity),
            }
        }
        let plan = BatchPlan {
            rows: RecordBatch::new_empty(Arc::clone(&self.page_schema)),
            markers: gone.iter().cloned().map(MarkerRow::tombstone).collect(),
            ledger,
            report: PageReport { deleted: gone.len() as u64, ..PageReport::default() },
        };
        match self.commit(plan, self.mark.cursor.clone()).await? {
            Some(report) => Ok(report.batch.unwrap_or(through)),
            None => Err(conflict()),
        }
    }

    /// Lets the next scan begin at the beginning: a batch without rows.
    ///
    /// # Errors
    /// A conflict, if another writer has landed meanwhile; or the store does not answer.
    pub async fn restart_scan(&mut self) -> Result<()> {
        let plan = BatchPlan {
            rows: RecordBatch::new_empty(Arc::clone(&self.page_schema)),
            markers: Vec::new(),
            ledger: Ledger::default(),
            report: PageReport::default(),
        };
        let name = self.resource.name.clone();
        let landed = self.commit(plan, None).await?;
        landed
            .map(|_| ())
            .ok_or_else(|| Error::new(Kind::Conflict, format!("{name}: another writer landed; try again")))
    }

    /// Commits a batch and its derived data; `None` if another writer took its number.
    async fn commit(&mut self, plan: BatchPlan, cursor: Option<Cursor>) -> Result<Option<PageReport>> {
        let BatchPlan { rows: usable, markers, ledger, mut report } = plan;
        let rows = usable.num_rows() + markers.len();
        let number = self.mark.batch + 1;
        let now = lake_model::now();
        let mark = LandingMark {
            batch: number,
            rows_batch: if rows > 0 { number } else { self.mark.rows_batch },
            cursor,
            published: self.mark.published + report.published,
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
            let stored = build_raw_batch(&usable, &markers, number, now, writer.schema())?;
            writer.write(&stored).await?;
            adds.push(writer.finish().await?);
        }
        let file = adds.first().map(|file: &WrittenFile| file.path().to_owned());
        // The transaction already proves that nothing came between.
        let mut domains = vec![mark.to_change(None)?];
        let definition =
            definition_change(&self.resource.definition, self.stored_definition.as_ref(), DEFINITION_DOMAIN)?;
        let definition = definition.map(|(new, change)| {
            domains.push(change);
            new
        });
        failpoint("ingest:before-raw-commit");
        let commit = Commit {
            operation: if report.deleted > 0 { "DELETE" } else { "LAND" },
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
            self.derive_batch(&ledger, number, now.timestamp_micros(), &collect_originals(&markers, usable.num_rows()))
                .await?;
        }
        failpoint("ingest:before-index-commit");
        self.stamp.batch = number;
        self.stamp.file = file.or(self.stamp.file.take());
        tokio::task::block_in_place(|| self.index.commit(&ledger.changes, &self.stamp))?;
        failpoint("ingest:after-index-commit");
        // Not before: a landing that continues after an error finds its own batch and catches up with it.
        self.mark = mark;
        report.batch = Some(number);
        Ok(Some(report))
    }

    /// Returns the later of the landing cursor and a page's: a page behind another writer's cursor does not move it
    /// back.
    fn later_cursor(&self, page: Option<&Cursor>) -> Option<Cursor> {
        match (&self.mark.cursor, page) {
            (Some(there), Some(new)) if is_later(&there.updated_at, &new.updated_at) => Some(there.clone()),
            (there, None) => there.clone(),
            (_, Some(new)) => Some(new.clone()),
        }
    }

    /// Returns whether the index's stamp fits the table, the definition, and the files that it reflects.
    pub(crate) fn fits(&self, stamp: &IndexStamp, snapshot: &Snapshot) -> bool {
        let same = IndexStamp { batch: stamp.batch, file: stamp.file.clone(), ..self.stamp.clone() } == *stamp;
        same && stamp.batch <= self.mark.batch && find_last_file(snapshot, stamp.batch) == stamp.file
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

/// Returns the rows that land from a page, by its judgement.
fn plan_batch(page: &Page, judgement: Judgement<'_>) -> Result<BatchPlan> {
    let Judgement { rows, markers, ledger, report, .. } = judgement;
    let rows = if rows.len() == page.batch.num_rows() {
        page.batch.clone()
    } else {
        take_record_batch(&page.batch, &UInt64Array::from(rows)).or_err(Kind::Internal, || "the rows that land")?
    };
    Ok(BatchPlan { rows, markers, ledger, report })
}

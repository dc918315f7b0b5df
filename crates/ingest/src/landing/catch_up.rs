//! What follows from a landed batch: its fast counts, its rejects, its place in the index. Made when it lands, and
//! made again from `raw` where a crash, another writer or a lost index left it missing.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt, failpoint};
use lake_query::{engine_error, fill, incident_select, template};
use lake_store::{
    Commit, CommitOutcome, CountedDefinitions, DomainChange, Snapshot, Table, fast_counts_transaction,
    rejects_transaction,
};
use serde_json::json;

use crate::columns::{Incidents, flags, hash_bytes, longs, texts, times};
use crate::key_index::{Dimensions, KeyState, Stamp, Words};
use crate::landing::ledger::Ledger;
use crate::landing::{Landing, last_file};
use crate::raw_session::raw_session;
use crate::reject_identity;

/// A reject's row number within its batch to its reason and its text as published.
pub(crate) type Originals = HashMap<i64, (String, String)>;

/// Batches that one scan of `raw` reads at a time: bounds what a rebuild holds.
const BATCHES_A_SCAN: i64 = 8;

impl Landing {
    /// Commits what a batch changes in `rejects` and `fast_counts`, in this order: whoever finds the fast counts
    /// there knows that the rejects are.
    pub(crate) async fn derive(
        &mut self,
        ledger: &Ledger,
        batch: i64,
        landed_at: i64,
        originals: &Originals,
    ) -> Result<()> {
        let name = &self.resource.name;
        if !ledger.rejects.is_empty() {
            let columns = reject_columns(ledger, batch, landed_at, originals);
            self.append(&self.lake.rejects, columns, rejects_transaction(name), batch, Vec::new()).await?;
        }
        failpoint("ingest:after-rejects-commit");
        let columns = count_columns(&ledger.counts, &self.index.words, batch);
        // Committed even where nothing is left to count: the transaction says how far the counts reach.
        let mut definitions = self.definitions.clone();
        let mut domains = Vec::new();
        if definitions.0.last().is_none_or(|(_, fingerprint)| *fingerprint != self.stamp.fingerprint) {
            let before = definitions.clone();
            // Batches without rows lie between, and were counted under none.
            let fast = self.lake.fast_counts.snapshot().await?;
            let counted =
                self.lake.fast_counts.read_transaction(&fast, &fast_counts_transaction(name)).await?.unwrap_or(0);
            definitions.0.push((counted.min(batch - 1) + 1, self.stamp.fingerprint.clone()));
            domains.push(definitions.to_change(name, &before)?);
        }
        let committed =
            self.append(&self.lake.fast_counts, columns, fast_counts_transaction(name), batch, domains).await?;
        self.definitions = match committed {
            CommitOutcome::Version(_) => definitions,
            // Somebody else derived the batch, perhaps under another definition.
            CommitOutcome::AlreadyCommitted => {
                let fast = self.lake.fast_counts.snapshot().await?;
                CountedDefinitions::read(&self.lake.fast_counts, &fast, &self.resource.name).await?
            }
        };
        failpoint("ingest:after-fast-commit");
        Ok(())
    }

    async fn append(
        &self,
        table: &Table,
        columns: Vec<ArrayRef>,
        transaction: String,
        batch: i64,
        domains: Vec<DomainChange>,
    ) -> Result<CommitOutcome> {
        let snapshot = table.snapshot().await?;
        let mut adds = Vec::new();
        if columns.first().is_some_and(|column| !column.is_empty()) {
            let partition = HashMap::from([("resource".to_owned(), Some(self.resource.name.clone()))]);
            let mut writer = table.writer(&snapshot, partition)?;
            let rows = RecordBatch::try_new(Arc::clone(writer.schema()), columns);
            writer.write(&rows.or_err(Kind::Internal, || format!("rows of {}", table.name()))?).await?;
            adds.push(writer.finish().await?);
        }
        let commit = Commit {
            operation: "DERIVE",
            adds,
            transaction: Some((transaction, batch)),
            domains,
            info: HashMap::from([
                ("resource".to_owned(), json!(self.resource.name)),
                ("batch".to_owned(), json!(batch)),
            ]),
            ..Commit::default()
        };
        // Already there is as good: under one definition, what is derived from a batch is the same whoever derives it.
        table.commit(&commit).await
    }

    /// Brings index, fast counts and rejects up to the last batch of `raw`.
    pub(crate) async fn catch_up(&mut self) -> Result<()> {
        // Before the raw table: whatever lands meanwhile, every batch that is counted here is there.
        let fast = self.lake.fast_counts.snapshot().await?;
        let counted =
            self.lake.fast_counts.read_transaction(&fast, &fast_counts_transaction(&self.resource.name)).await?;
        let snapshot = self.refresh_mark().await?;
        let counted = counted.unwrap_or(0);
        if self.mark.batch < counted {
            let (last, raw) = (self.mark.batch, self.raw.name());
            return Err(Error::new(
                Kind::Data,
                format!(
                    "table {raw} ends with batch {last}, and batches up to {counted} are counted: it was put back to an \
                     earlier state than the other tables; put the whole lake back from one copy"
                ),
            ));
        }
        // An index beyond the counts, as of a lake brought back from a backup, cannot say what the batches between
        // them changed.
        let usable = |stamp: &Stamp| stamp.batch <= counted || self.mark.rows_batch <= counted;
        let reflected = match self.index.stamp()? {
            Some(stamp) if self.fits(&stamp, &snapshot) && usable(&stamp) => stamp.batch,
            stamp => {
                if stamp.is_some() || self.mark.batch > 0 {
                    tracing::info!(
                        resource = self.resource.name,
                        batches = self.mark.batch,
                        "rebuilding the key index from raw"
                    );
                }
                self.index.clear()?;
                failpoint("ingest:after-index-clear");
                0
            }
        };
        self.definitions = CountedDefinitions::read(&self.lake.fast_counts, &fast, &self.resource.name).await?;
        let mut from = reflected;
        while from < self.mark.rows_batch {
            let to = (from + BATCHES_A_SCAN).min(self.mark.rows_batch);
            for (batch, rows) in self.landed_batches(&snapshot, from, to).await? {
                self.replay(&snapshot, batch, &rows, batch > counted).await?;
            }
            from = to;
        }
        self.stamp.batch = self.mark.batch;
        self.stamp.file = last_file(&snapshot, self.mark.batch);
        self.index.commit(&Default::default(), &self.stamp)
    }

    /// The landed rows of the batches `from < batch <= to`, by batch, in landing order.
    async fn landed_batches(&self, snapshot: &Snapshot, from: i64, to: i64) -> Result<Vec<(i64, RecordBatch)>> {
        let session = raw_session(&self.raw, snapshot)?;
        let text = fill(
            template("ingest/landed")?,
            &[
                ("incident", &incident_select(&self.resource)),
                ("above", &from.to_string()),
                ("through", &to.to_string()),
            ],
        )?;
        let frame = session.context().sql(&text).await.map_err(engine_error)?;
        let stream = frame.execute_stream().await.map_err(engine_error)?;
        let schema = stream.schema();
        let parts: Vec<RecordBatch> = stream.try_collect().await.map_err(engine_error)?;
        let rows = concat_batches(&schema, &parts).or_err(Kind::Internal, || "landed rows")?;
        by_batch(&rows)
    }

    async fn replay(&mut self, snapshot: &Snapshot, batch: i64, rows: &RecordBatch, derive: bool) -> Result<()> {
        let (ledger, originals) = tokio::task::block_in_place(|| self.enter_all(rows))?;
        if derive {
            tracing::info!(resource = self.resource.name, batch, "filling in what an interrupted landing left missing");
            let landed_at = times(rows, "_landed_at")?.value(0);
            self.derive(&ledger, batch, landed_at, &originals).await?;
        }
        self.stamp.batch = batch;
        self.stamp.file = last_file(snapshot, batch);
        self.index.commit(&ledger.changes, &self.stamp)?;
        failpoint("ingest:after-replay");
        Ok(())
    }

    fn enter_all(&mut self, rows: &RecordBatch) -> Result<(Ledger, Originals)> {
        let incidents = Incidents::new(rows)?;
        let (keys, hashes, ids) = (texts(rows, "_key")?, texts(rows, "_hash")?, texts(rows, "_portal_id")?);
        let (reasons, extra) = (texts(rows, "_reject")?, texts(rows, "_extra")?);
        let (updated, deleted, numbers) = (times(rows, "_updated_at")?, flags(rows, "_deleted")?, longs(rows, "_row")?);
        let mut ledger = Ledger::default();
        let mut originals = HashMap::new();
        for row in 0..rows.num_rows() {
            let number = numbers.value(row);
            let portal_id = ids.is_valid(row).then(|| ids.value(row));
            if reasons.is_valid(row) {
                let original = extra.value(row);
                let content = reject_identity::content(&self.resource, original);
                ledger.enter_reject(number, &reject_identity::identity(portal_id, original), content);
                originals.insert(number, (reasons.value(row).to_owned(), original.to_owned()));
                continue;
            }
            if keys.is_null(row) {
                // A reject that the source no longer has, or that came to be usable without saying anything new.
                if let Some(identity) = portal_id {
                    ledger.close_reject(&self.index, number, identity)?;
                }
                continue;
            }
            let next = KeyState {
                hash: hash_bytes(hashes.value(row))?,
                updated_at: updated.is_valid(row).then(|| updated.value(row)),
                deleted: deleted.value(row),
                dimensions: incidents.dimensions(row, &mut self.index.words),
            };
            self.met_tombstone |= next.deleted;
            ledger.enter(&self.index, keys.value(row), next)?;
            if let Some(id) = portal_id {
                ledger.close_reject(&self.index, number, id)?;
            }
        }
        Ok((ledger, originals))
    }
}

/// Rows in landing order, by batch.
pub(crate) fn by_batch(rows: &RecordBatch) -> Result<Vec<(i64, RecordBatch)>> {
    let numbers = longs(rows, "_batch")?;
    let mut batches = Vec::new();
    let mut start = 0;
    for end in 1..=rows.num_rows() {
        if end == rows.num_rows() || numbers.value(end) != numbers.value(start) {
            batches.push((numbers.value(start), rows.slice(start, end - start)));
            start = end;
        }
    }
    Ok(batches)
}

/// The columns of `fast_counts` without its partition: the counted dimensions, the count, the batch.
fn count_columns(counts: &std::collections::BTreeMap<Dimensions, i64>, words: &Words, batch: i64) -> Vec<ArrayRef> {
    let label =
        |n: usize| -> ArrayRef { Arc::new(counts.keys().map(|d| words.text(d.labels[n])).collect::<StringArray>()) };
    vec![
        Arc::new(counts.keys().map(|d| d.hour).collect::<TimestampMicrosecondArray>()),
        Arc::new(counts.keys().map(|d| d.cell).collect::<Int64Array>()),
        label(0),
        label(1),
        label(2),
        label(3),
        Arc::new(Int64Array::from_iter_values(counts.values().copied())),
        Arc::new(Int64Array::from_value(batch, counts.len())),
    ]
}

/// The columns of `rejects` without its partition.
fn reject_columns(ledger: &Ledger, batch: i64, landed_at: i64, originals: &Originals) -> Vec<ArrayRef> {
    let changes = &ledger.rejects;
    let found = |row: i64| originals.get(&row);
    vec![
        Arc::new(Int64Array::from_value(batch, changes.len())),
        Arc::new(Int64Array::from_iter_values(changes.iter().map(|c| c.row))),
        Arc::new(TimestampMicrosecondArray::from_value(landed_at, changes.len())),
        Arc::new(StringArray::from_iter_values(changes.iter().map(|c| c.identity.as_str()))),
        Arc::new(StringArray::from_iter_values(changes.iter().map(|c| if c.closed { "closed" } else { "open" }))),
        Arc::new(changes.iter().map(|c| found(c.row).map(|(reason, _)| reason.as_str())).collect::<StringArray>()),
        Arc::new(changes.iter().map(|c| found(c.row).map(|(_, original)| original.as_str())).collect::<StringArray>()),
    ]
}

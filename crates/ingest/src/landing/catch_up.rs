//! Catching up: data derived from landed batches, made again from `raw` if a crash, another writer or a lost index left
//! it missing.

use std::collections::HashMap;

use arrow::array::{Array as _, RecordBatch};
use arrow::compute::concat_batches;
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, RawColumn, Result, ResultExt, failpoint};
use lake_query::{engine_error, fill, incident_select, sql_files};
use lake_store::{CountedDefinitions, Snapshot, fast_counts_transaction};

use crate::columns::{IncidentColumns, boolean_column, integer_column, parse_hash, text_column, time_column};
use crate::index::key_index::IndexStamp;
use crate::index::key_state::KeyState;
use crate::landing::Landing;
use crate::landing::ledger::Ledger;
use crate::landing::raw_batch::{RejectOriginals, find_last_file, split_by_batch};
use crate::raw_session::raw_session;
use crate::reject_identity::{content_hash, stored_identity};

/// Batches that one query of `raw` reads: bounds the memory of a rebuild.
const BATCHES_PER_QUERY: i64 = 8;

impl Landing {
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
                    "table {raw} ends with batch {last}, and batches up to {counted} are counted: it was restored to an earlier state than the other tables; restore the complete lake from one copy"
                ),
            ));
        }
        // An index ahead of the counts, as after restoring a lake from a backup, does not have the changes of the
        // batches between them.
        let usable = |stamp: &IndexStamp| stamp.batch <= counted || self.mark.rows_batch <= counted;
        let reflected = match self.index.read_stamp()? {
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
            let to = (from + BATCHES_PER_QUERY).min(self.mark.rows_batch);
            for (batch, rows) in self.read_landed_batches(&snapshot, from, to).await? {
                self.replay_batch(&snapshot, batch, &rows, batch > counted).await?;
            }
            from = to;
        }
        self.stamp.batch = self.mark.batch;
        self.stamp.file = find_last_file(&snapshot, self.mark.batch);
        self.index.commit(&Default::default(), &self.stamp)
    }

    /// Returns the landed rows of the batches `from < batch <= to`, by batch, in landing order.
    async fn read_landed_batches(&self, snapshot: &Snapshot, from: i64, to: i64) -> Result<Vec<(i64, RecordBatch)>> {
        let session = raw_session(&self.raw, snapshot)?;
        let text = fill(
            sql_files::INGEST_LANDED,
            &[
                ("incident", &incident_select(&self.resource)),
                ("added", &list_added_columns()),
                ("above", &from.to_string()),
                ("through", &to.to_string()),
            ],
        )?;
        let frame = session.context().sql(&text).await.map_err(engine_error)?;
        let stream = frame.execute_stream().await.map_err(engine_error)?;
        let schema = stream.schema();
        let parts: Vec<RecordBatch> = stream.try_collect().await.map_err(engine_error)?;
        let rows = concat_batches(&schema, &parts).or_err(Kind::Internal, || "landed rows")?;
        split_by_batch(&rows)
    }

    async fn replay_batch(&mut self, snapshot: &Snapshot, batch: i64, rows: &RecordBatch, derive: bool) -> Result<()> {
        let (ledger, originals) = tokio::task::block_in_place(|| self.rebuild_ledger(rows))?;
        if derive {
            tracing::info!(resource = self.resource.name, batch, "completing an interrupted landing");
            let landed_at = time_column(rows, "_landed_at")?.value(0);
            self.derive_batch(&ledger, batch, landed_at, &originals).await?;
        }
        self.stamp.batch = batch;
        self.stamp.file = find_last_file(snapshot, batch);
        self.index.commit(&ledger.changes, &self.stamp)?;
        failpoint("ingest:after-replay");
        Ok(())
    }

    /// Rebuilds the ledger of a landed batch from its rows, and collects the texts of its rejects.
    fn rebuild_ledger(&mut self, rows: &RecordBatch) -> Result<(Ledger, RejectOriginals)> {
        let incidents = IncidentColumns::new(rows)?;
        let (keys, hashes) = (text_column(rows, "_key")?, text_column(rows, "_hash")?);
        let (ids, reasons) = (text_column(rows, "_portal_id")?, text_column(rows, "_reject")?);
        let (extra, updated) = (text_column(rows, "_extra")?, time_column(rows, "_updated_at")?);
        let (deleted, numbers) = (boolean_column(rows, "_deleted")?, integer_column(rows, "_row")?);
        let known = self.index.read_known(keys.iter().flatten(), ids.iter().flatten())?;
        let mut ledger = Ledger::default();
        let mut originals = HashMap::new();
        for row in 0..rows.num_rows() {
            let number = numbers.value(row);
            let portal_id = ids.is_valid(row).then(|| ids.value(row));
            if reasons.is_valid(row) {
                let original = extra.value(row);
                let content = content_hash(&self.resource, original);
                ledger.enter_reject(number, &stored_identity(portal_id, original), content);
                originals.insert(number, (reasons.value(row).to_owned(), original.to_owned()));
                continue;
            }
            if keys.is_null(row) {
                // A reject that the source no longer has, or that came to be usable without saying anything new.
                if let Some(identity) = portal_id {
                    ledger.close_reject(&known, number, identity);
                }
                continue;
            }
            let next = KeyState {
                hash: parse_hash(hashes.value(row))?,
                updated_at: updated.is_valid(row).then(|| updated.value(row)),
                deleted: deleted.value(row),
                dimensions: incidents.dimensions(row, &mut self.index.labels),
            };
            self.found_tombstone |= next.deleted;
            ledger.enter(&known, keys.value(row), next);
            if let Some(id) = portal_id {
                ledger.close_reject(&known, number, id);
            }
        }
        Ok((ledger, originals))
    }
}

/// Returns the columns of `raw` that landing added, but for the text of usable rows and the partition, which it does not
/// need again.
fn list_added_columns() -> String {
    let needed = RawColumn::all().filter(|column| !matches!(column, RawColumn::Extra | RawColumn::LandedMonth));
    needed.map(RawColumn::name).collect::<Vec<_>>().join(", ")
}

//! Another key for rows that have landed: the raw table is written anew, each row under the key that it has now.
//!
//! What was published stays what it was, in its batch and order; only `_key` follows from the definition. Rows without
//! the new key become rejects, in batches of their own after the last. Rows that were deleted are left out, with their
//! tombstones: several rows may share the new key, and one that is gone must not take the others along. Until the next
//! compaction has counted it all from scratch, the resource is unreconciled.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, StructArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Field;
use arrow::json::LineDelimitedWriter;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Resource, Result, ResultExt};
use lake_portal::{Decoder, Reject};
use lake_query::{DeltaFiles, Engine, EngineOptions, LANDING_DOMAIN, engine_error, template};
use lake_store::{Commit, Committed, DataFile, DomainChange, Snapshot, Table, Written};
use serde_json::json;

use crate::landing::{Bare, Tombstone, complete};
use crate::rows::{longs, texts, times};
use crate::state::{LAND_TRANSACTION, LandingMark};

/// Rows without the new key that become one batch.
const REJECTS_A_BATCH: usize = 50_000;

/// Writes the raw table anew under the resource's key.
///
/// # Errors
/// If another writer lands meanwhile, the store does not answer, or a row cannot be read back.
pub(crate) async fn rekey(raw: &Table, resource: &Arc<Resource>, mark: &LandingMark) -> Result<()> {
    tracing::warn!(
        resource = resource.name,
        from = ?mark.key,
        to = ?resource.key,
        "the key has changed: every landed row gets the key that it has now; `compact` recounts them"
    );
    let snapshot = raw.snapshot().await?;
    let mut rekeying = Rekeying {
        decoder: Decoder::new(resource),
        raw,
        snapshot: &snapshot,
        gone_at: tombstones(raw, &snapshot).await?,
        written: Vec::new(),
        rejects: Vec::new(),
        batch: mark.batch,
    };
    let mut files: Vec<&DataFile> = snapshot.files.iter().collect();
    files.sort_by_key(|file| match file.ranges.get("_batch") {
        Some(lake_store::ColumnRange::Number(first, _)) => *first,
        _ => i64::MAX,
    });
    for file in files {
        rekeying.rewrite(file).await?;
    }
    rekeying.flush_rejects().await?;
    let Rekeying { written, batch, .. } = rekeying;
    let text = |mark: &LandingMark| serde_json::to_string(mark).or_err(Kind::Internal, || "the mark");
    let seen = raw.domain(&snapshot, LANDING_DOMAIN).await?;
    let rows_batch = if batch > mark.batch { batch } else { mark.rows_batch };
    let new = LandingMark { batch, rows_batch, key: resource.key.clone(), ..mark.clone() };
    let commit = Commit {
        operation: "REKEY",
        adds: written,
        removes: snapshot.files.to_vec(),
        transaction: (batch > mark.batch).then(|| (LAND_TRANSACTION.to_owned(), batch)),
        domains: vec![DomainChange { name: LANDING_DOMAIN.to_owned(), seen: Some(seen), text: text(&new)? }],
        info: HashMap::from([("batch".to_owned(), json!(batch))]),
        ..Commit::default()
    };
    match raw.commit(&commit).await? {
        Committed::Version(_) => Ok(()),
        Committed::Already => {
            Err(Error::new(Kind::Conflict, "another writer landed while the rows got another key; try again"))
        }
    }
}

struct Rekeying<'a> {
    decoder: Decoder,
    raw: &'a Table,
    snapshot: &'a Snapshot,
    /// Batch and row of the last tombstone of each key that has one.
    gone_at: HashMap<String, (i64, i64)>,
    written: Vec<Written>,
    /// Rows without the new key, not written yet.
    rejects: Vec<Bare>,
    /// The last batch.
    batch: i64,
}

impl Rekeying<'_> {
    async fn rewrite(&mut self, file: &DataFile) -> Result<()> {
        let Some(rows) = read(self.raw, self.snapshot, file).await? else { return Ok(()) };
        let numbers = longs(&rows, "_batch")?;
        let mut start = 0;
        let mut out = Vec::new();
        let mut writer = self.raw.writer(self.snapshot, file.partition.clone())?;
        for end in 1..=rows.num_rows() {
            if end == rows.num_rows() || numbers.value(end) != numbers.value(start) {
                out.push((numbers.value(start), rows.slice(start, end - start)));
                start = end;
            }
        }
        for (batch, rows) in out {
            let (page, bare) = self.under_new_key(&rows)?;
            if page.num_rows() + bare.len() > 0 {
                let landed_at = times(&rows, "_landed_at")?.value(0);
                let landed_at: DateTime<Utc> = DateTime::from_timestamp_micros(landed_at).unwrap_or_default();
                writer.write(&complete(&page, &bare, batch, landed_at, writer.schema())?).await?;
            }
        }
        if writer.rows() > 0 {
            self.written.push(writer.finish().await?);
        }
        if self.rejects.len() >= REJECTS_A_BATCH { self.flush_rejects().await } else { Ok(()) }
    }

    /// The rows of a batch as a page under the new key, and what is no row.
    fn under_new_key(&mut self, rows: &RecordBatch) -> Result<(RecordBatch, Vec<Bare>)> {
        let (keys, ids) = (texts(rows, "_key")?, texts(rows, "_portal_id")?);
        let (reasons, extra) = (texts(rows, "_reject")?, texts(rows, "_extra")?);
        let (batches, rows_of) = (longs(rows, "_batch")?, longs(rows, "_row")?);
        let published = published(self.decoder.resource(), rows)?;
        let mut page = self.decoder.begin();
        let mut bare = Vec::new();
        for (row, text) in published.iter().enumerate() {
            let id = ids.is_valid(row).then(|| ids.value(row).to_owned());
            if reasons.is_valid(row) {
                let (reason, original) = (reasons.value(row).to_owned(), extra.value(row).to_owned());
                bare.push(Bare::reject(&Reject { row, portal_id: id, reason, original }));
            } else if keys.is_null(row) {
                bare.extend(id.map(|id| Bare::tombstone(Tombstone::Reject(id))));
            } else if self
                .gone_at
                .get(keys.value(row))
                .is_none_or(|gone| (batches.value(row), rows_of.value(row)) > *gone)
            {
                page.push(text);
            }
        }
        let page = page.finish()?;
        self.rejects.extend(page.rejects.iter().map(Bare::reject));
        Ok((page.batch, bare))
    }

    /// The rows without the new key become the next batch.
    async fn flush_rejects(&mut self) -> Result<()> {
        if self.rejects.is_empty() {
            return Ok(());
        }
        self.batch += 1;
        let now = lake_model::now();
        let partition = HashMap::from([("_landed_month".to_owned(), Some(now.format("%Y-%m").to_string()))]);
        let mut writer = self.raw.writer(self.snapshot, partition)?;
        let none = RecordBatch::new_empty(Arc::clone(self.decoder.schema()));
        writer.write(&complete(&none, &std::mem::take(&mut self.rejects), self.batch, now, writer.schema())?).await?;
        self.written.push(writer.finish().await?);
        Ok(())
    }
}

/// A session in which `raw` is these files of the table.
async fn query(raw: &Table, files: &Snapshot, text: &str) -> Result<Vec<RecordBatch>> {
    let engine = Engine::new(EngineOptions::default(), raw.location())?;
    let session = engine.session();
    let provider = DeltaFiles::new(files, raw.folder(), &raw.location().store_url).map_err(engine_error)?;
    session.context().register_table("raw", Arc::new(provider)).map_err(engine_error)?;
    let frame = session.context().sql(text).await.map_err(engine_error)?;
    frame.execute_stream().await.map_err(engine_error)?.try_collect().await.map_err(engine_error)
}

/// Where the last tombstone of each key that has one lies: batch and row.
async fn tombstones(raw: &Table, snapshot: &Snapshot) -> Result<HashMap<String, (i64, i64)>> {
    let mut gone_at = HashMap::new();
    for batch in query(raw, snapshot, template("ingest/tombstones")?).await? {
        let (keys, batches, rows) = (texts(&batch, "_key")?, longs(&batch, "_batch")?, longs(&batch, "_row")?);
        // In landing order: the last one stays.
        for row in 0..batch.num_rows() {
            gone_at.insert(keys.value(row).to_owned(), (batches.value(row), rows.value(row)));
        }
    }
    Ok(gone_at)
}

/// A file's rows in landing order.
async fn read(raw: &Table, snapshot: &Snapshot, file: &DataFile) -> Result<Option<RecordBatch>> {
    let parts = query(raw, &snapshot.with_files(vec![file.clone()]), template("ingest/file_in_order")?).await?;
    let Some(schema) = parts.first().map(RecordBatch::schema) else { return Ok(None) };
    concat_batches(&schema, &parts).or_err(Kind::Internal, || "landed rows").map(Some)
}

/// Rows as a portal publishes them, each a JSON object: the declared columns, what had no column, the system fields.
fn published(resource: &Resource, rows: &RecordBatch) -> Result<Vec<String>> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let declared = resource.columns.iter().map(|column| (column.name.as_str(), column.name.as_str()));
    for (name, shown) in declared.chain([("_portal_id", ":id"), ("_updated_at", ":updated_at")]) {
        // A column that is declared since is absent in older files.
        if let Some(column) = rows.column_by_name(name) {
            fields.push(Field::new(shown, column.data_type().clone(), true));
            columns.push(Arc::clone(column));
        }
    }
    let failed = || "landed rows as they were published";
    let table = StructArray::try_new(fields.into(), columns, None).or_err(Kind::Internal, failed)?;
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&RecordBatch::from(table)).or_err(Kind::Internal, failed)?;
    writer.finish().or_err(Kind::Internal, failed)?;
    let text = String::from_utf8(writer.into_inner()).or_err(Kind::Internal, failed)?;
    let extra = texts(rows, "_extra")?;
    let rejects = texts(rows, "_reject")?;
    let lines = text.lines().enumerate().map(|(row, line)| {
        // What had no column, or did not fit it, comes first: it is what was published.
        match extra.is_valid(row) && rejects.is_null(row) {
            true => merged(extra.value(row), line),
            false => line.to_owned(),
        }
    });
    let lines: Vec<String> = lines.collect();
    if lines.len() == rows.num_rows() { Ok(lines) } else { Err(Error::internal(failed())) }
}

/// Two JSON objects as one.
fn merged(first: &str, second: &str) -> String {
    let first = first.trim_end().strip_suffix('}').unwrap_or("{");
    let second = second.trim_start().strip_prefix('{').unwrap_or("}");
    let comma = if first.ends_with('{') || second.starts_with('}') { "" } else { "," };
    format!("{first}{comma}{second}")
}

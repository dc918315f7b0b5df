//! Another key for rows that have landed: the raw table is rewritten, each row under the key that it has now.
//!
//! Published values stay as they were, in their batch and order; only `_key` follows from the definition. Rows without
//! the new key become rejects where they are. Deleted rows are omitted, with their tombstones: several rows may share
//! the new key, and one that is gone must not delete the others. Until the next compaction has counted everything from
//! scratch, and made the rejects again, the resource is unreconciled.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, StructArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Field;
use arrow::json::LineDelimitedWriter;
use chrono::DateTime;
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Resource, Result, ResultExt};
use lake_portal::{Decoder, Reject};
use lake_query::{definition_change, engine_error, sql_files, stored_definition};
use lake_store::{
    Commit, CommitOutcome, DEFINITION_DOMAIN, DataFile, LANDING_TRANSACTION, LandingMark, Snapshot, Table,
};
use serde_json::json;

use crate::columns::{integer_column, text_column, time_column};
use crate::landing::raw_batch::{MarkerRow, Tombstone, build_raw_batch, split_by_batch};
use crate::raw_session::raw_session;

/// Rewrites the raw table under the resource's key. The caller holds the resource's key index.
///
/// # Errors
/// If another writer lands meanwhile, the store does not answer, or a row cannot be read back.
pub(crate) async fn rekey(raw: &Table, resource: &Arc<Resource>) -> Result<()> {
    let snapshot = raw.snapshot().await?;
    let mark = LandingMark::read(raw, &snapshot).await?;
    tracing::warn!(
        resource = resource.name,
        from = ?mark.key,
        to = ?resource.key,
        "the key has changed: every landed row gets the key that it has now; `compact` recounts them"
    );
    let rekeying = Rekeying { decoder: Decoder::new(resource), gone_at: find_last_tombstones(raw, &snapshot).await? };
    let mut files: Vec<&DataFile> = snapshot.files.iter().collect();
    files.sort_by_key(|file| file.number_range("_batch").map_or(i64::MAX, |(first, _)| first));
    let mut adds = Vec::new();
    for file in files {
        let mut writer = raw.writer(&snapshot, file.partition.clone())?;
        for (batch, rows) in read_batches(raw, &snapshot, file).await? {
            let (page, markers) = rekeying.apply_new_key(&rows)?;
            if page.num_rows() + markers.len() > 0 {
                let landed_at = DateTime::from_timestamp_micros(time_column(&rows, "_landed_at")?.value(0));
                let columns = build_raw_batch(&page, &markers, batch, landed_at.unwrap_or_default(), writer.schema())?;
                writer.write(&columns).await?;
            }
        }
        if writer.rows() > 0 {
            adds.push(writer.finish().await?);
        }
    }
    // A batch without rows: a writer that lands meanwhile conflicts with its number, and finds another key.
    let batch = mark.batch + 1;
    let seen = raw.read_domain(&snapshot, LandingMark::DOMAIN).await?;
    let mark = LandingMark { batch, key: resource.key.clone(), ..mark };
    let mut domains = vec![mark.to_change(Some(seen))?];
    let stored = stored_definition(raw, &snapshot, DEFINITION_DOMAIN).await?;
    let definition = definition_change(&resource.definition, stored.as_ref(), DEFINITION_DOMAIN)?;
    domains.extend(definition.map(|(_, change)| change));
    let commit = Commit {
        operation: "REKEY",
        adds,
        removes: snapshot.files.to_vec(),
        transaction: Some((LANDING_TRANSACTION.to_owned(), batch)),
        domains,
        info: HashMap::from([("batch".to_owned(), json!(batch))]),
        ..Commit::default()
    };
    match raw.commit(&commit).await? {
        CommitOutcome::Version(_) => Ok(()),
        CommitOutcome::AlreadyCommitted => {
            Err(Error::new(Kind::Conflict, "another writer landed while the rows got another key; try again"))
        }
    }
}

struct Rekeying {
    decoder: Decoder,
    /// Batch and row of the last tombstone of each key that has one.
    gone_at: HashMap<String, (i64, i64)>,
}

impl Rekeying {
    /// Returns the rows of a batch as a page under the new key, and the rest that is not rows.
    fn apply_new_key(&self, rows: &RecordBatch) -> Result<(RecordBatch, Vec<MarkerRow>)> {
        let (keys, ids) = (text_column(rows, "_key")?, text_column(rows, "_portal_id")?);
        let (reasons, extra) = (text_column(rows, "_reject")?, text_column(rows, "_extra")?);
        let (batches, numbers) = (integer_column(rows, "_batch")?, integer_column(rows, "_row")?);
        let (published, updated) = (render_published(rows)?, time_column(rows, "_updated_at")?);
        let mut page = self.decoder.begin();
        let mut markers = Vec::new();
        for (row, text) in published.iter().enumerate() {
            let id = ids.is_valid(row).then(|| ids.value(row).to_owned());
            let place = (batches.value(row), numbers.value(row));
            if reasons.is_valid(row) {
                let (reason, original) = (reasons.value(row).to_owned(), extra.value(row).to_owned());
                let updated_at = updated.is_valid(row).then(|| updated.value(row));
                markers.push(MarkerRow::reject(&Reject { row, portal_id: id, reason, original, updated_at }));
            } else if keys.is_valid(row) && self.gone_at.get(keys.value(row)).is_none_or(|gone| place > *gone) {
                page.push(text);
            } else {
                // A row that closed a reject still closes it.
                markers.extend(id.map(|id| MarkerRow::tombstone(Tombstone::Reject(id))));
            }
        }
        let page = page.finish()?;
        markers.extend(page.rejects.iter().map(MarkerRow::reject));
        Ok((page.batch, markers))
    }
}

/// Runs a query over these files of the table as `raw`.
async fn query_raw(raw: &Table, files: &Snapshot, text: &str) -> Result<Vec<RecordBatch>> {
    let session = raw_session(raw, files)?;
    let frame = session.context().sql(text).await.map_err(engine_error)?;
    frame.execute_stream().await.map_err(engine_error)?.try_collect().await.map_err(engine_error)
}

/// Returns the position of the last tombstone of each key that has one: batch and row.
async fn find_last_tombstones(raw: &Table, snapshot: &Snapshot) -> Result<HashMap<String, (i64, i64)>> {
    let mut gone_at = HashMap::new();
    for batch in query_raw(raw, snapshot, sql_files::INGEST_TOMBSTONES).await? {
        let (keys, batches, rows) =
            (text_column(&batch, "_key")?, integer_column(&batch, "_batch")?, integer_column(&batch, "_row")?);
        // In landing order: the last one stays.
        for row in 0..batch.num_rows() {
            gone_at.insert(keys.value(row).to_owned(), (batches.value(row), rows.value(row)));
        }
    }
    Ok(gone_at)
}

/// Returns a file's rows by batch, in landing order.
async fn read_batches(raw: &Table, snapshot: &Snapshot, file: &DataFile) -> Result<Vec<(i64, RecordBatch)>> {
    let parts = query_raw(raw, &snapshot.with_files(vec![file.clone()]), sql_files::INGEST_FILE_IN_ORDER).await?;
    let Some(schema) = parts.first().map(RecordBatch::schema) else { return Ok(Vec::new()) };
    let rows = concat_batches(&schema, &parts).or_err(Kind::Internal, || "landed rows")?;
    split_by_batch(&rows)
}

/// Renders rows as a portal publishes them, each a JSON object: the columns, fields without a column, the system
/// fields.
fn render_published(rows: &RecordBatch) -> Result<Vec<String>> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let shown = match field.name().as_str() {
            "_portal_id" => ":id",
            "_updated_at" => ":updated_at",
            // A column that is no longer declared is kept: an alias may name it, else it goes to `_extra`.
            name if !name.starts_with('_') => name,
            _ => continue,
        };
        fields.push(Field::new(shown, column.data_type().clone(), true));
        columns.push(Arc::clone(column));
    }
    let failed = || "landed rows as they were published";
    let table = StructArray::try_new(fields.into(), columns, None).or_err(Kind::Internal, failed)?;
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&RecordBatch::from(table)).or_err(Kind::Internal, failed)?;
    writer.finish().or_err(Kind::Internal, failed)?;
    let text = String::from_utf8(writer.into_inner()).or_err(Kind::Internal, failed)?;
    let (extra, rejects) = (text_column(rows, "_extra")?, text_column(rows, "_reject")?);
    let lines = text.lines().enumerate().map(|(row, line)| {
        // Values without a column, or that did not fit it, come first: they are as published.
        match extra.is_valid(row) && rejects.is_null(row) {
            true => merge_objects(extra.value(row), line),
            false => line.to_owned(),
        }
    });
    let lines: Vec<String> = lines.collect();
    if lines.len() == rows.num_rows() { Ok(lines) } else { Err(Error::internal(failed())) }
}

/// Returns two JSON objects as one.
fn merge_objects(first: &str, second: &str) -> String {
    let first = first.trim_end().strip_suffix('}').unwrap_or("{");
    let second = second.trim_start().strip_prefix('{').unwrap_or("}");
    let comma = if first.ends_with('{') || second.starts_with('}') { "" } else { "," };
    format!("{first}{comma}{second}")
}

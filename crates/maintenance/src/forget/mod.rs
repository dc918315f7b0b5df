//! `forget`: a sealed record vanishes from every table, version, reject and index.
//!
//! The raw rows go first, with a mark that the rest is still to do; then all derived data is rebuilt, and the content
//! of older versions is removed with their logs. Each step can be repeated: a run that finds the mark does them all,
//! and removes it at the end.

mod purge;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::SecondsFormat;
use lake_compact::{CompactOptions, compact};
use lake_model::{Error, Resource, Result, failpoint};
use lake_query::{DeltaFiles, Reader, engine_error, fill, literal, sql_files};
use lake_store::{Commit, CommitOutcome, DataFile, ForgottenMark, ForgottenTime, Snapshot, Table, WrittenFile};
use serde_json::json;

use crate::forget::purge::purge;
use crate::rebuild_rejects::{rebuild_rejects, reject_identity_function, write_rows};

/// The result of forgetting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgetReport {
    /// Raw rows that are gone: versions of incidents and rejects. 0 where only an interrupted forgetting was finished.
    pub rows: u64,
    /// Whether an earlier forgetting, which had been interrupted, was finished.
    pub finished_earlier: bool,
}

/// Makes every row of the keys vanish from the lake. Nothing may land rows of the resource meanwhile; `remove_index`
/// removes the resource's key index.
///
/// # Errors
/// If the lake has none of the keys, or the store does not answer: then the next run continues it.
pub async fn forget(
    reader: &Reader,
    resource: &Arc<Resource>,
    keys: &[String],
    remove_index: impl FnOnce() -> Result<()>,
) -> Result<ForgetReport> {
    let raw = reader.lake().raw(&resource.name)?;
    let snapshot = raw.snapshot().await?;
    let mark = ForgottenMark::read(&raw, &snapshot).await?;
    let finished_earlier = mark.pending;
    let rewritten = rewrite_raw(reader, &raw, &snapshot, resource, keys).await?;
    if rewritten.rows == 0 && !finished_earlier {
        return Err(Error::not_found(format!(
            "{} holds no row of {}; keys are the `id` of incidents and the `identity` of rejects",
            resource.name,
            if keys.len() == 1 { "this key".to_owned() } else { format!("these {} keys", keys.len()) }
        )));
    }
    let rows = rewritten.rows;
    if rows > 0 {
        failpoint("forget:before-raw-commit");
        commit_raw(&raw, resource, &mark, rewritten, keys.len()).await?;
        failpoint("forget:after-raw-commit");
    }
    rebuild_rejects(reader, resource, "FORGET").await?;
    failpoint("forget:after-rejects");
    compact(reader, resource, CompactOptions { recount: true, ..CompactOptions::default() }, |_| {}).await?;
    failpoint("forget:after-recount");
    let version = purge(reader, resource).await?;
    remove_index()?;
    failpoint("forget:before-done");
    clear_pending(&raw, resource, version).await?;
    Ok(ForgetReport { rows, finished_earlier })
}

/// The raw files that contain rows of the keys, and their replacements.
#[derive(Default)]
struct RewrittenFiles {
    removes: Vec<DataFile>,
    adds: Vec<WrittenFile>,
    rows: u64,
}

fn sql_list(texts: &[String]) -> String {
    // SQL has no empty list; no text is null.
    let quoted: Vec<String> = texts.iter().map(|text| literal(text)).collect();
    if quoted.is_empty() { "NULL".to_owned() } else { quoted.join(", ") }
}

async fn rewrite_raw(
    reader: &Reader,
    raw: &Table,
    snapshot: &Snapshot,
    resource: &Resource,
    keys: &[String],
) -> Result<RewrittenFiles> {
    let ids = sql_list(&find_portal_ids(reader, raw, snapshot, keys).await?);
    let keys = sql_list(keys);
    let places = [("raw", "one_file"), ("keys", keys.as_str()), ("ids", ids.as_str())];
    let (forgotten, remaining) =
        (fill(sql_files::MAINTENANCE_FORGOTTEN, &places)?, fill(sql_files::MAINTENANCE_REMAINING, &places)?);
    let mut rewritten = RewrittenFiles::default();
    for file in snapshot.files.iter() {
        let session = reader.engine().session();
        let context = session.context();
        context.register_udf(reject_identity_function());
        let one = snapshot.with_files(vec![file.clone()]);
        let provider = DeltaFiles::new(&one, raw).map_err(engine_error)?;
        context.register_table("one_file", Arc::new(provider)).map_err(engine_error)?;
        let counted = context.sql(&forgotten).await.map_err(engine_error)?.collect().await.map_err(engine_error)?;
        let rows: i64 = counted.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().iter().flatten()).sum();
        if rows == 0 {
            continue;
        }
        let writer = raw.writer(snapshot, file.partition.clone())?;
        let frame = context.sql(&remaining).await.map_err(engine_error)?;
        let written = write_rows(frame, writer).await.map_err(|e| e.context(&resource.name))?;
        rewritten.adds.extend(written);
        rewritten.removes.push(file.clone());
        rewritten.rows += rows.unsigned_abs();
    }
    Ok(rewritten)
}

async fn find_portal_ids(reader: &Reader, raw: &Table, snapshot: &Snapshot, keys: &[String]) -> Result<Vec<String>> {
    let session = reader.engine().session();
    let context = session.context();
    let provider = DeltaFiles::new(snapshot, raw).map_err(engine_error)?;
    context.register_table("every_file", Arc::new(provider)).map_err(engine_error)?;
    let text = fill(sql_files::MAINTENANCE_PORTAL_IDS, &[("raw", "every_file"), ("keys", &sql_list(keys))])?;
    let found = context.sql(&text).await.map_err(engine_error)?.collect().await.map_err(engine_error)?;
    let ids = found.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
    Ok(ids.collect())
}

async fn commit_raw(
    raw: &Table,
    resource: &Resource,
    before: &ForgottenMark,
    rewritten: RewrittenFiles,
    keys: usize,
) -> Result<()> {
    let mut mark = before.clone();
    mark.count += 1;
    mark.pending = true;
    let at = lake_model::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    mark.times.push(ForgottenTime { at, keys, version: None });
    let commit = Commit {
        operation: "FORGET",
        adds: rewritten.adds,
        removes: rewritten.removes,
        domains: vec![mark.to_change()?],
        info: HashMap::from([("resource".to_owned(), json!(resource.name)), ("keys".to_owned(), json!(keys))]),
        ..Commit::default()
    };
    match raw.commit(&commit).await? {
        CommitOutcome::Version(_) => Ok(()),
        CommitOutcome::AlreadyCommitted => Err(Error::internal("forgetting carries no transaction")),
    }
}

/// Takes the mark of unfinished work away.
async fn clear_pending(raw: &Table, resource: &Resource, version: u64) -> Result<()> {
    let snapshot = raw.snapshot().await?;
    let mut mark = ForgottenMark::read(raw, &snapshot).await?;
    mark.pending = false;
    for time in mark.times.iter_mut().filter(|time| time.version.is_none()) {
        time.version = Some(version);
    }
    let commit = Commit {
        operation: "FORGET",
        domains: vec![mark.to_change()?],
        info: HashMap::from([("resource".to_owned(), json!(resource.name)), ("done".to_owned(), json!(true))]),
        ..Commit::default()
    };
    raw.commit(&commit).await?;
    Ok(())
}

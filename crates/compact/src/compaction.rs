//! One compaction of one resource.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::SecondsFormat;
use lake_model::{Error, Kind, Resource, Result, Window, failpoint};
use lake_query::{LakeSnapshot, Reader, ResourceSnapshot, sql_files, store_definition};
use lake_store::{Commit, CompactionMark, DEFINITION_DOMAIN, DataFile, DomainChange, Snapshot, Table, WrittenFile};
use serde_json::json;

use crate::context::CompactionContext;
use crate::counts_digest::CountsHasher;
use crate::drift::{measure_drift, query_partitions};
use crate::engine_rewrite::{register_recount, register_written_files, write_with_engine};
use crate::file_slots::{file_year, own_files};
use crate::file_units::{DEFAULT_FILE_ROWS, WrittenFiles};
use crate::merge::merge;
use crate::merge_counts::Replacement;
use crate::plan::{Plan, Scope, plan_compaction};
use crate::rebuild::rebuild;
use crate::report::{CompactionReport, PartitionReport};
use crate::sorted_rows::Outputs;

/// How to compact.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompactOptions {
    /// Recount this window from `raw` as well; it is widened to whole years.
    pub window: Option<Window>,
    /// Recount everything from `raw`, whatever is stored: the stored rows may be damaged.
    pub recount: bool,
    /// Only report.
    pub dry_run: bool,
    /// A file ends with the month that brings it to so many rows; 262,144 if none.
    pub file_rows: Option<usize>,
}

/// Attempts before a compaction that conflicts with others fails.
const MAX_CONFLICTS: usize = 5;

/// Compacts a resource. `progress` is called with the numbers of rows as they are written.
///
/// # Errors
/// If the resource has not landed, the store does not answer, or other compactions keep winning.
pub async fn compact(
    reader: &Reader,
    resource: &Arc<Resource>,
    options: CompactOptions,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Vec<CompactionReport>> {
    let mut conflicts = 0;
    loop {
        match try_compact(reader, resource, options, &mut progress).await {
            Err(error) if error.kind() == Kind::Conflict && conflicts < MAX_CONFLICTS => {
                conflicts += 1;
                tracing::info!(resource = resource.name, %error, "another compaction won, compacting again");
            }
            done => return done.map_err(|e| e.context(format!("compacting {}", resource.name))),
        }
    }
}

async fn try_compact(
    reader: &Reader,
    resource: &Arc<Resource>,
    options: CompactOptions,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<CompactionReport>> {
    let mut reports = Vec::new();
    // Read before the snapshot of the lake: a writer that replaces these files from now on conflicts.
    let incidents = reader.lake().incidents.snapshot().await?;
    let lake_snapshot = reader.open_newest().await?;
    let of_resource = find_landed(&lake_snapshot, resource)?;
    if of_resource.is_rekeyed() {
        return Err(Error::invalid(format!(
            "{} landed with the key {:?} and is now defined with {:?}; `hotspots-lake ingest {0}` gives every landed row its new key",
            resource.name, of_resource.mark.key, resource.key
        )));
    }
    if !options.dry_run {
        // Before the counts, so that a reader of the counts finds the definition they were counted under.
        let raw = lake_snapshot.lake.raw(&resource.name)?;
        store_definition(&raw, &resource.definition, DEFINITION_DOMAIN).await?;
        remove_compacted_fast_files(&lake_snapshot, of_resource, resource).await?;
    }
    let from_scratch =
        options.recount || of_resource.is_redefined() || has_leftover_files(&lake_snapshot, &incidents, resource);
    if from_scratch || of_resource.is_pending() {
        let first = if from_scratch { Scope::Everything } else { Scope::Touched };
        let done = match rewrite(reader, &lake_snapshot, &incidents, resource, &first, options, progress).await {
            // The merged rows are damaged or too many; a recount does not need them.
            Err(error) if matches!(error.kind(), Kind::Data | Kind::Exhausted) && !from_scratch => {
                tracing::warn!(resource = resource.name, %error, "the batches cannot be merged, everything is recounted");
                rewrite(reader, &lake_snapshot, &incidents, resource, &Scope::Everything, options, progress).await?
            }
            done => done?,
        };
        reports.push(done);
    }
    if options.recount && !options.dry_run {
        // No reader needs these any more: one that opens `fast_counts` from now on opens the new `counts` after it.
        let lake_snapshot = reader.open_newest().await?;
        remove_compacted_fast_files(&lake_snapshot, find_landed(&lake_snapshot, resource)?, resource).await?;
    }
    if let Some(window) = options.window {
        let incidents = reader.lake().incidents.snapshot().await?;
        let lake_snapshot = reader.open_newest().await?;
        let from_scratch = has_leftover_files(&lake_snapshot, &incidents, resource);
        let scope = if from_scratch { Scope::Everything } else { Scope::Years(window.whole_years().1) };
        reports.push(rewrite(reader, &lake_snapshot, &incidents, resource, &scope, options, progress).await?);
    }
    Ok(reports)
}

/// Returns whether `incidents` holds files of the resource that its compaction does not name: a compaction ended
/// between its two commits, perhaps under another definition. They are no base to build on.
fn has_leftover_files(lake_snapshot: &LakeSnapshot, newest: &Snapshot, resource: &Resource) -> bool {
    let paths = |snapshot: &Snapshot| -> Vec<String> {
        let mut paths: Vec<String> = own_files(snapshot, &resource.name).map(|file| file.path.clone()).collect();
        paths.sort_unstable();
        paths
    };
    paths(newest) != paths(&lake_snapshot.incidents)
}

fn find_landed<'v>(lake_snapshot: &'v LakeSnapshot, resource: &Resource) -> Result<&'v ResourceSnapshot> {
    lake_snapshot.resources.get(&resource.name).ok_or_else(|| {
        Error::not_found(format!("nothing of {} has landed yet; `hotspots-lake ingest {0}` lands it", resource.name))
    })
}

async fn rewrite(
    reader: &Reader,
    lake_snapshot: &Arc<LakeSnapshot>,
    newest: &Arc<Snapshot>,
    resource: &Arc<Resource>,
    scope: &Scope,
    options: CompactOptions,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<CompactionReport> {
    let mut plan = plan_compaction(resource, find_landed(lake_snapshot, resource)?, scope)?;
    if matches!(scope, Scope::Everything) {
        plan.years = list_years(lake_snapshot, newest, resource);
    }
    let context = Arc::new(CompactionContext {
        session: reader.session(lake_snapshot).await?,
        memory_bytes: reader.engine().memory_bytes(),
        file_rows: options.file_rows.unwrap_or(DEFAULT_FILE_ROWS),
        lake_snapshot: Arc::clone(lake_snapshot),
        newest: Arc::clone(newest),
        resource: Arc::clone(resource),
        hasher: Arc::new(CountsHasher::new()),
    });
    let mut report = CompactionReport {
        resource: resource.name.clone(),
        from_batch: plan.above,
        to_batch: plan.through,
        recounted: !matches!(scope, Scope::Touched),
        dry_run: options.dry_run,
        partitions: Vec::new(),
    };
    report.partitions = match (plan.from_raw, options.dry_run) {
        (true, true) => measure_recount(&context, &mut plan, progress).await?,
        (true, false) => recount(&context, &mut plan, report.recounted, progress).await?,
        (false, dry_run) => merge_batches(&context, &plan, dry_run, progress).await?,
    };
    Ok(report)
}

/// Recounts the partitions of a plan without writing anything.
async fn measure_recount(
    context: &CompactionContext,
    plan: &mut Plan,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<PartitionReport>> {
    let rebuilt = rebuild_in_memory(context, plan, Outputs::Digests, progress).await?;
    register_recount(context, plan, rebuilt.is_none()).await?;
    measure_drift(context, plan, rebuilt.as_ref().map(|files| &files.digests)).await
}

/// Recounts the partitions of a plan from `raw` and replaces them.
async fn recount(
    context: &CompactionContext,
    plan: &mut Plan,
    drift_may_be_unknown: bool,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<PartitionReport>> {
    let rebuilt = rebuild_in_memory(context, plan, Outputs::IncidentsAndCounts, progress).await?;
    let digests = rebuilt.as_ref().map(|files| files.digests.clone());
    let written = match rebuilt {
        Some(written) => written,
        None => write_with_engine(context, plan, progress).await?,
    };
    add_years(plan, &written.incidents);
    let (lake, counts) = (&context.lake_snapshot.lake, &context.lake_snapshot.counts);
    let removes = |snapshot: &Snapshot| -> Vec<DataFile> {
        let of_plan = |file: &&DataFile| plan.years.contains(&file_year(file));
        own_files(snapshot, &context.resource.name).filter(of_plan).cloned().collect()
    };
    let incidents = Replacement { removes: removes(&context.newest), adds: written.incidents };
    let incidents_version = commit_incidents(context, plan, incidents).await?;
    register_written_files(context, "counted", (&lake.counts, counts), &written.counts)?;
    let partitions = match measure_drift(context, plan, digests.as_ref()).await {
        Err(error) if error.kind() == Kind::Data && drift_may_be_unknown => {
            tracing::warn!(resource = context.resource.name, %error, "the stored rows could not be read: drift is unknown");
            query_partitions(context, sql_files::COMPACT_UNKNOWN_DRIFT).await?
        }
        found => found?,
    };
    commit_counts(context, plan, Replacement { removes: removes(counts), adds: written.counts }, incidents_version)
        .await?;
    Ok(partitions)
}

/// Merges the batches of a plan into the files that they touch.
async fn merge_batches(
    context: &Arc<CompactionContext>,
    plan: &Plan,
    dry_run: bool,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<PartitionReport>> {
    let merged = merge(context, plan, dry_run, progress).await?;
    if !dry_run {
        let incidents_version = commit_incidents(context, plan, merged.incidents).await?;
        commit_counts(context, plan, merged.counts, incidents_version).await?;
    }
    let partitions = merged.totals.into_iter().map(|(year, total)| PartitionReport {
        resource: context.resource.name.clone(),
        year,
        before: Some(total),
        after: total,
        drift: Some(0),
    });
    Ok(partitions.collect())
}

/// Rebuilds the partitions of a plan from `raw`; none if a month does not fit into memory.
async fn rebuild_in_memory(
    context: &CompactionContext,
    plan: &Plan,
    outputs: Outputs,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Option<WrittenFiles>> {
    match rebuild(context, plan, outputs, progress).await {
        Ok(written) => Ok(Some(written)),
        Err(error) if error.kind() == Kind::Exhausted => {
            tracing::info!(resource = context.resource.name, %error, "the engine sorts the rows, within its memory");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Returns every partition that the resource has now.
fn list_years(lake_snapshot: &LakeSnapshot, newest: &Snapshot, resource: &Resource) -> Vec<Option<i32>> {
    let files = own_files(&lake_snapshot.counts, &resource.name).chain(own_files(newest, &resource.name));
    let mut years: Vec<Option<i32>> = files.map(file_year).collect();
    years.sort_unstable();
    years.dedup();
    years
}

/// Years that a recount from scratch found rows in without their having had a partition.
fn add_years(plan: &mut Plan, written: &[WrittenFile]) {
    plan.years.extend(written.iter().map(|file| file.partition_value("year").and_then(|y| y.parse().ok())));
    plan.years.sort_unstable();
    plan.years.dedup();
}

/// Commits the files of incidents, which no reader reads before the commit of the counts.
async fn commit_incidents(context: &CompactionContext, plan: &Plan, files: Replacement) -> Result<u64> {
    failpoint("compact:before-incidents-commit");
    let table = &context.lake_snapshot.lake.incidents;
    let version = replace_files(table, &context.newest, &context.resource, plan, files, Vec::new()).await?;
    failpoint("compact:after-incidents-commit");
    Ok(version)
}

/// Commits the files of counts and the watermark.
async fn commit_counts(
    context: &CompactionContext,
    plan: &Plan,
    files: Replacement,
    incidents_version: u64,
) -> Result<()> {
    let (resource, table, snapshot) =
        (&context.resource, &context.lake_snapshot.lake.counts, &context.lake_snapshot.counts);
    let mark = CompactionMark {
        watermark: plan.through,
        incidents_version,
        fingerprint: resource.fingerprint(),
        compacted_at: lake_model::now().to_rfc3339_opts(SecondsFormat::Millis, true),
    };
    failpoint("compact:before-counts-commit");
    let seen = table.read_domain(snapshot, &CompactionMark::domain(&resource.name)).await?;
    let domains = vec![mark.to_change(&resource.name, Some(seen))?];
    replace_files(table, snapshot, resource, plan, files, domains).await?;
    failpoint("compact:after-counts-commit");
    Ok(())
}

/// Replaces files of a resource in a table; it is a conflict if the resource has got other files than those of `snapshot`.
async fn replace_files(
    table: &Table,
    snapshot: &Snapshot,
    resource: &Resource,
    plan: &Plan,
    files: Replacement,
    domains: Vec<DomainChange>,
) -> Result<u64> {
    let Replacement { removes, adds } = files;
    let stays = |file: &&DataFile| removes.iter().all(|removed| removed.path != file.path);
    let commit = Commit {
        operation: "COMPACT",
        keeps: own_files(snapshot, &resource.name).filter(stays).map(|file| file.path.clone()).collect(),
        replaces: vec![HashMap::from([("resource".to_owned(), Some(resource.name.clone()))])],
        removes,
        adds,
        domains,
        info: HashMap::from([
            ("resource".to_owned(), json!(resource.name)),
            ("from_batch".to_owned(), json!(plan.above)),
            ("to_batch".to_owned(), json!(plan.through)),
        ]),
        ..Commit::default()
    };
    match table.commit(&commit).await? {
        lake_store::CommitOutcome::Version(version) => Ok(version),
        lake_store::CommitOutcome::AlreadyCommitted => Err(Error::internal("a compaction carries no transaction")),
    }
}

/// Removes the fast files that the *last* compaction made superfluous: a reader of the version before it may have
/// needed them until now.
async fn remove_compacted_fast_files(
    lake_snapshot: &LakeSnapshot,
    of_resource: &ResourceSnapshot,
    resource: &Resource,
) -> Result<()> {
    let watermark = of_resource.watermark();
    let superfluous = lake_snapshot.fast_counts.files.iter().filter(|file| {
        file.partition_value("resource") == Some(&resource.name)
            && file.number_range("batch").is_some_and(|(_, last)| last <= watermark)
    });
    let removes: Vec<DataFile> = superfluous.cloned().collect();
    if removes.is_empty() {
        return Ok(());
    }
    let commit = Commit {
        operation: "CLEAN",
        removes,
        info: HashMap::from([("resource".to_owned(), json!(resource.name)), ("to_batch".to_owned(), json!(watermark))]),
        ..Commit::default()
    };
    lake_snapshot.lake.fast_counts.commit(&commit).await?;
    failpoint("compact:after-cleanup");
    Ok(())
}

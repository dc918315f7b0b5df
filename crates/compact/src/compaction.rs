//! One compaction of one resource.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use chrono::SecondsFormat;
use lake_model::{Error, Kind, Resource, Result, ResultExt, Window, failpoint};
use lake_query::{
    DeltaFiles, LakeSnapshot, Reader, ResourceSnapshot, Session, engine_error, fill, literal, sql_files,
    store_definition,
};
use lake_store::{
    ColumnRange, Commit, CompactionMark, DEFINITION_DOMAIN, DataFile, DomainChange, Snapshot, Table, WrittenFile,
};
use serde_json::json;

use crate::plan::{Plan, Scope, plan_compaction, query_years};
use crate::report::{CompactionReport, PartitionReport};
use crate::year_files::{write_years, year_partition};

/// How to compact.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompactOptions {
    /// Recount this window from `raw` as well; it is widened to whole years.
    pub window: Option<Window>,
    /// Recount everything from `raw`, whatever is stored: the stored rows may be damaged.
    pub recount: bool,
    /// Only report.
    pub dry_run: bool,
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
    // Read before the view: a writer that replaces these files from now on conflicts.
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
        let done = match rewrite(reader, &lake_snapshot, &incidents, resource, &first, options.dry_run, progress).await
        {
            // The merged rows are damaged; a recount does not need them.
            Err(error) if error.kind() == Kind::Data && !from_scratch => {
                tracing::warn!(resource = resource.name, %error, "the stored rows cannot be read; everything is recounted");
                rewrite(reader, &lake_snapshot, &incidents, resource, &Scope::Everything, options.dry_run, progress)
                    .await?
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
        reports.push(rewrite(reader, &lake_snapshot, &incidents, resource, &scope, options.dry_run, progress).await?);
    }
    Ok(reports)
}

/// Returns whether `incidents` holds files of the resource that its compaction does not name: a compaction ended
/// between its two commits, perhaps under another definition. They are no base to build on.
fn has_leftover_files(lake_snapshot: &LakeSnapshot, newest: &Snapshot, resource: &Resource) -> bool {
    let paths = |snapshot: &Snapshot| -> Vec<String> {
        let own = snapshot.files.iter().filter(|file| file.partition_value("resource") == Some(&resource.name));
        let mut paths: Vec<String> = own.map(|file| file.path.clone()).collect();
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
    lake_snapshot: &LakeSnapshot,
    newest: &Snapshot,
    resource: &Arc<Resource>,
    scope: &Scope,
    dry_run: bool,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<CompactionReport> {
    let of_resource = find_landed(lake_snapshot, resource)?;
    let session = reader.session(lake_snapshot).await?;
    let mut plan = plan_compaction(&session, resource, of_resource, scope).await?;
    if matches!(scope, Scope::Everything) {
        plan.years = list_years(lake_snapshot, newest, resource);
    }
    let mut report = CompactionReport {
        resource: resource.name.clone(),
        from_batch: plan.above,
        to_batch: plan.through,
        recounted: !matches!(scope, Scope::Touched),
        dry_run,
        partitions: Vec::new(),
    };
    let context = session.context();
    let frame = context.sql(&plan.incidents_sql).await.map_err(engine_error)?;
    if dry_run {
        context.register_table("recounted", frame.into_view()).map_err(engine_error)?;
        let counted = context.sql(&build_counts_sql("recounted")?).await.map_err(engine_error)?;
        if matches!(scope, Scope::Everything) {
            plan.years.extend(query_years(&session, "SELECT DISTINCT \"year\" FROM recounted").await?);
        }
        context.register_table("counted", counted.into_view()).map_err(engine_error)?;
        report.partitions = measure_drift(&session, resource, &plan).await?;
        return Ok(report);
    }
    let lake = &lake_snapshot.lake;
    let written = write_years(&lake.incidents, newest, &resource.name, frame, progress).await?;
    add_years(&mut plan, &written);
    failpoint("compact:before-incidents-commit");
    let incidents_version =
        replace_partitions(&lake.incidents, newest, resource, &plan, written.clone(), Vec::new()).await?;
    failpoint("compact:after-incidents-commit");
    register_written_files(&session, "recounted", &lake.incidents, newest, &written)?;
    let counted = context.sql(&build_counts_sql("recounted")?).await.map_err(engine_error)?;
    let written = write_years(&lake.counts, &lake_snapshot.counts, &resource.name, counted, &mut |_| {}).await?;
    register_written_files(&session, "counted", &lake.counts, &lake_snapshot.counts, &written)?;
    report.partitions = match measure_drift(&session, resource, &plan).await {
        Err(error) if error.kind() == Kind::Data && report.recounted => {
            tracing::warn!(resource = resource.name, %error, "the stored rows could not be read: drift is unknown");
            query_partitions(&session, resource, sql_files::COMPACT_UNKNOWN_DRIFT).await?
        }
        found => found?,
    };
    let mark = CompactionMark {
        watermark: plan.through,
        incidents_version,
        fingerprint: resource.fingerprint(),
        compacted_at: lake_model::now().to_rfc3339_opts(SecondsFormat::Millis, true),
    };
    failpoint("compact:before-counts-commit");
    let seen = lake.counts.read_domain(&lake_snapshot.counts, &CompactionMark::domain(&resource.name)).await?;
    let domains = vec![mark.to_change(&resource.name, Some(seen))?];
    replace_partitions(&lake.counts, &lake_snapshot.counts, resource, &plan, written, domains).await?;
    failpoint("compact:after-counts-commit");
    Ok(report)
}

fn build_counts_sql(incidents: &str) -> Result<String> {
    fill(sql_files::COMPACT_COUNTS, &[("incidents", incidents)])
}

/// Returns every partition that the resource has now.
fn list_years(lake_snapshot: &LakeSnapshot, newest: &Snapshot, resource: &Resource) -> Vec<Option<i32>> {
    let files = lake_snapshot.counts.files.iter().chain(newest.files.iter());
    let own = files.filter(|file| file.partition_value("resource") == Some(&resource.name));
    let mut years: Vec<Option<i32>> = own.map(file_year).collect();
    years.sort_unstable();
    years.dedup();
    years
}

fn file_year(file: &DataFile) -> Option<i32> {
    file.partition_value("year").and_then(|year| year.parse().ok())
}

/// Years that a recount from scratch found rows in without their having had a partition.
fn add_years(plan: &mut Plan, written: &[WrittenFile]) {
    plan.years.extend(written.iter().map(|file| file.partition_value("year").and_then(|y| y.parse().ok())));
    plan.years.sort_unstable();
    plan.years.dedup();
}

fn integer_column(column: &arrow::array::ArrayRef) -> Result<arrow::array::Int64Array> {
    let column = cast(column, &DataType::Int64).or_err(Kind::Internal, || "a compaction's numbers")?;
    Ok(column.as_primitive::<Int64Type>().clone())
}

fn register_written_files(
    session: &Session,
    name: &str,
    table: &Table,
    snapshot: &Snapshot,
    written: &[WrittenFile],
) -> Result<()> {
    let files = DeltaFiles::new(&snapshot.with_written_files(written), table).map_err(engine_error)?;
    session.context().register_table(name, Arc::new(files)).map_err(engine_error)?;
    Ok(())
}

/// Replaces the plan's partitions of a table: all their files go, the written ones come.
async fn replace_partitions(
    table: &Table,
    snapshot: &Snapshot,
    resource: &Resource,
    plan: &Plan,
    adds: Vec<WrittenFile>,
    domains: Vec<DomainChange>,
) -> Result<u64> {
    let of_plan = |file: &&DataFile| {
        file.partition_value("resource") == Some(&resource.name) && plan.years.contains(&file_year(file))
    };
    let commit = Commit {
        operation: "COMPACT",
        removes: snapshot.files.iter().filter(of_plan).cloned().collect(),
        replaces: plan.years.iter().map(|year| year_partition(&resource.name, *year)).collect(),
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

async fn measure_drift(session: &Session, resource: &Resource, plan: &Plan) -> Result<Vec<PartitionReport>> {
    let text = fill(
        sql_files::COMPACT_DRIFT,
        &[
            ("resource", &literal(&resource.name)),
            ("years", &plan.years_condition()),
            ("above", &plan.above.to_string()),
            ("through", &plan.through.to_string()),
        ],
    )?;
    query_partitions(session, resource, &text).await
}

/// Runs a report by year: incidents answered before, found now, and drift; null where unknown.
async fn query_partitions(session: &Session, resource: &Resource, sql: &str) -> Result<Vec<PartitionReport>> {
    let frame = session.context().sql(sql).await.map_err(engine_error)?;
    let mut partitions = Vec::new();
    for batch in frame.collect().await.map_err(engine_error)? {
        let column = |n: usize| integer_column(batch.column(n));
        let (years, before, after, drift) = (column(0)?, column(1)?, column(2)?, column(3)?);
        partitions.extend((0..batch.num_rows()).map(|row| PartitionReport {
            resource: resource.name.clone(),
            year: years.is_valid(row).then(|| years.value(row)).and_then(|y| i32::try_from(y).ok()),
            before: before.is_valid(row).then(|| before.value(row)),
            after: after.value(row),
            drift: drift.is_valid(row).then(|| drift.value(row)),
        }));
    }
    Ok(partitions)
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
            && matches!(file.ranges.get("batch"), Some(ColumnRange::Number(_, last)) if *last <= watermark)
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

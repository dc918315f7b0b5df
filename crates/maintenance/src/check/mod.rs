//! Checks that a lake is intact: its logs, every file, and that its tables agree.

mod finding;
mod remedy;
mod table_agreement;

pub use finding::{Finding, Severity};

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Error, Kind, Result};
use lake_query::{DeltaFiles, LakeSnapshot, Reader, engine_error};
use lake_store::{ColumnRange, DEFINITION_FILE, DataFile, RecomputedStatistics, Snapshot, StoredObject, Table};

use crate::check::finding::Findings;
use crate::check::remedy::{RESTORE, file_remedy};
use crate::check::table_agreement::{
    compare_counts_with_incidents, compare_counts_with_recount, compare_rejects_with_raw,
};

/// Returns what `check` finds of a lake whose definition is damaged, so that it cannot be opened.
pub fn damaged_definition(error: &Error) -> Finding {
    Finding::damaged(DEFINITION_FILE.to_owned(), error.to_string(), format!("{RESTORE}: {DEFINITION_FILE}"))
}

/// Reads the complete lake. `progress` is called with the numbers of rows as they are read. Memory is bounded by the
/// largest table's file list.
///
/// # Errors
/// If the store does not answer; damage is a finding.
pub async fn check(reader: &Reader, mut progress: impl FnMut(u64) + Send) -> Result<Vec<Finding>> {
    let lake = reader.lake();
    let mut findings = Findings::default();
    let mut tables = vec![lake.incidents.clone(), lake.counts.clone(), lake.fast_counts.clone(), lake.rejects.clone()];
    if lake.boundaries.exists().await? {
        tables.push(lake.boundaries.clone());
    }
    for name in lake.list_landed_resources().await? {
        tables.push(lake.raw(&name)?);
    }
    for table in &tables {
        check_table(reader, table, &mut findings, &mut progress).await?;
    }
    match reader.open_newest().await {
        Ok(lake_snapshot) => {
            check_named_incidents(reader, &lake_snapshot, &mut findings, &mut progress).await?;
            check_answers(reader, &lake_snapshot, &mut findings).await?;
        }
        Err(error) if matches!(error.kind(), Kind::Data | Kind::NotFound) => {
            findings.push_unreadable("the lake".to_owned(), "it cannot be opened", &error, RESTORE.to_owned());
        }
        Err(error) => return Err(error),
    }
    Ok(findings.0)
}

/// Checks the files of the incidents that `counts` names; after an interrupted compaction that is not the newest
/// version, whose files have been checked.
async fn check_named_incidents(
    reader: &Reader,
    lake_snapshot: &LakeSnapshot,
    findings: &mut Findings,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<()> {
    let table = &lake_snapshot.lake.incidents;
    let newest = table.snapshot().await?;
    let checked: BTreeSet<&str> = newest.files.iter().map(|file| file.path.as_str()).collect();
    let older = lake_snapshot.incidents.files.iter().filter(|file| !checked.contains(file.path.as_str()));
    let older = lake_snapshot.incidents.with_files(older.cloned().collect());
    if older.files.is_empty() {
        return Ok(());
    }
    let there: HashMap<String, StoredObject> =
        table.list_objects().map_ok(|object| (object.path.clone(), object)).try_collect().await?;
    for file in older.files.iter() {
        for finding in check_file(reader, table, &older, file, there.get(&file.path), progress).await? {
            let object = format!("table {}, an earlier version that counts name, {}", table.name(), file.path);
            findings.push(Finding::damaged(object, finding, file_remedy(table.name(), file)));
        }
    }
    Ok(())
}

async fn check_answers(reader: &Reader, lake_snapshot: &LakeSnapshot, findings: &mut Findings) -> Result<()> {
    compare_counts_with_incidents(reader, lake_snapshot, findings).await?;
    for (name, of) in &lake_snapshot.resources {
        let Some(resource) = &of.resource else {
            findings.push(Finding {
                severity: Severity::Note,
                object: name.clone(),
                finding: "its definition is not known, so it cannot be recounted".to_owned(),
                remedy: format!(
                    "name its directory with --resources; `hotspots-lake compact --resource {name}` keeps it"
                ),
            });
            continue;
        };
        if resource.definition.to_store(reader.stored_definition_of(lake_snapshot, name).await?.as_deref()).is_some() {
            findings.push(Finding {
                severity: Severity::Note,
                object: name.clone(),
                finding: "the lake does not store the configured definition".to_owned(),
                remedy: format!("hotspots-lake compact --resource {name}"),
            });
        }
        if of.is_redefined() {
            findings.push(Finding {
                severity: Severity::Note,
                object: name.clone(),
                finding: "it was counted under another definition than today's".to_owned(),
                remedy: format!("hotspots-lake compact --resource {name}"),
            });
            continue;
        }
        compare_rejects_with_raw(reader, lake_snapshot, resource, findings).await?;
        compare_counts_with_recount(reader, resource, findings).await?;
    }
    Ok(())
}

async fn check_table(
    reader: &Reader,
    table: &Table,
    findings: &mut Findings,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<()> {
    let name = table.name();
    let log = format!("table {name}, its log");
    if let Some(version) = table.list_log_files().await?.first_gap() {
        let finding = format!("the entry of version {version} is missing");
        findings.push(Finding::damaged(log.clone(), finding, format!("{RESTORE}: {name}/_delta_log")));
    }
    let damaged = table.find_damaged_entries().await?;
    let entries_named = !damaged.is_empty();
    for (version, error) in damaged {
        let entry = format!("_delta_log/{version:020}.json");
        let finding = format!("it cannot be read: {error}");
        findings.push(Finding::damaged(
            format!("table {name}, {entry}"),
            finding,
            format!("{RESTORE}: {name}/{entry}"),
        ));
    }
    let snapshot = match table.snapshot().await {
        Ok(snapshot) => snapshot,
        Err(error) if error.kind() == Kind::Data && entries_named => return Ok(()),
        Err(error) if matches!(error.kind(), Kind::Data | Kind::NotFound) => {
            let remedy = format!("{RESTORE}: {name}/_delta_log");
            findings.push(Finding::damaged(log, format!("it cannot be read: {error}"), remedy));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let mut there: HashMap<String, StoredObject> =
        table.list_objects().map_ok(|object| (object.path.clone(), object)).try_collect().await?;
    for file in snapshot.files.iter() {
        let object = there.remove(&file.path);
        for finding in check_file(reader, table, &snapshot, file, object.as_ref(), progress).await? {
            let object = format!("table {name}, version {}, {}", snapshot.version, file.path);
            findings.push(Finding::damaged(object, finding, file_remedy(name, file)));
        }
    }
    let unneeded = there.values().filter(|object| object.is_data_file());
    let (count, bytes) = unneeded.fold((0_u64, 0_u64), |(n, bytes), object| (n + 1, bytes + object.size));
    if count > 0 {
        findings.push(Finding {
            severity: Severity::Note,
            object: format!("table {name}"),
            finding: format!("{count} files ({bytes} bytes) are not of the newest version"),
            remedy: "hotspots-lake vacuum".to_owned(),
        });
    }
    Ok(())
}

/// Returns what is wrong with a file of a version; nothing, if it is intact.
async fn check_file(
    reader: &Reader,
    table: &Table,
    snapshot: &Snapshot,
    file: &DataFile,
    object: Option<&StoredObject>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<String>> {
    match object {
        None => return Ok(vec!["it is missing".to_owned()]),
        Some(object) if object.size != file.size => {
            return Ok(vec![format!("it has {} bytes, the log records {}", object.size, file.size)]);
        }
        Some(_) => {}
    }
    let read = async {
        let one = snapshot.with_files(vec![without_statistics(file)]);
        let provider = DeltaFiles::new(&one, table).map_err(engine_error)?;
        let session = reader.engine().session();
        let frame = session.context().read_table(Arc::new(provider)).map_err(engine_error)?;
        let mut rows = frame.execute_stream().await.map_err(engine_error)?;
        let mut recomputed = RecomputedStatistics::default();
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(engine_error)?;
            progress(batch.num_rows() as u64);
            recomputed.add(&batch);
        }
        Ok::<_, Error>(recomputed)
    };
    match read.await {
        Ok(recomputed) => {
            let mut found = recomputed.differences(file, snapshot);
            found.extend(find_misplaced(file));
            Ok(found)
        }
        Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Exhausted) => Err(error),
        Err(error) => Ok(vec![format!("it cannot be read: {error}")]),
    }
}

/// Returns the file without the number of rows in the log, so that they are really read.
fn without_statistics(file: &DataFile) -> DataFile {
    DataFile { rows: None, ranges: Default::default(), nulls: Default::default(), ..file.clone() }
}

/// Returns what is wrong with a file's partition: a year that is not that of its rows.
fn find_misplaced(file: &DataFile) -> Option<String> {
    let year = file.partition.get("year")?;
    let of = |micros: i64| lake_model::format_wall_clock(micros).get(..4).map(str::to_owned);
    let own: BTreeSet<Option<String>> = match file.ranges.get("occurred_at") {
        Some(ColumnRange::Time(first, last)) => [of(*first), of(*last)].into(),
        _ => [None].into(),
    };
    let as_named = own.len() == 1 && own.contains(year);
    (!as_named).then(|| {
        format!(
            "it is in the partition of {} and contains rows of other years",
            year.as_deref().unwrap_or("the undated")
        )
    })
}

//! Removes the content of older versions of the tables of a resource with their logs, whose statistics contain values
//! of rows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::TryStreamExt as _;
use lake_compact::{CompactOptions, compact};
use lake_model::{Error, Kind, Resource, Result, failpoint};
use lake_query::{LakeSnapshot, Reader};
use lake_store::{Commit, CompactionMark, DomainChange, Snapshot, StoredObject, Table};
use serde_json::json;

use crate::vacuum::remove_local_file;

/// Leaves of every table only what its newest version holds of the resource; earlier versions of the shared tables can
/// then no longer be read, of no resource. Returns the version at which the log of the raw table begins.
pub(crate) async fn purge(reader: &Reader, resource: &Arc<Resource>) -> Result<u64> {
    let incidents = name_newest_incidents(reader, resource).await?;
    let lake = reader.lake();
    let own = format!("resource={}", resource.name);
    lake.incidents.truncate_log_before(incidents).await?;
    remove_unreferenced(&lake.incidents, resource, &own).await?;
    failpoint("forget:after-first-purge");
    for table in [&lake.counts, &lake.fast_counts, &lake.rejects] {
        table.truncate_log_before(table.snapshot().await?.version).await?;
        remove_unreferenced(table, resource, &own).await?;
    }
    let raw = lake.raw(&resource.name)?;
    let version = raw.snapshot().await?.version;
    raw.truncate_log_before(version).await?;
    remove_unreferenced(&raw, resource, "").await?;
    Ok(version)
}

/// Removes the data files under `folder` of the table that its newest version does not refer to, and the remains of
/// unfinished writes there and in the log.
async fn remove_unreferenced(table: &Table, resource: &Resource, folder: &str) -> Result<()> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let own = |object: &StoredObject| object.is_data_file() && object.path.starts_with(&prefix);
    // Listed before the version is read: files that are committed in between are not among the unreferenced ones.
    let mut rest: Vec<String> = table
        .list_objects()
        .try_filter(|object| std::future::ready(own(object)))
        .map_ok(|object| object.path)
        .try_collect()
        .await?;
    let snapshot = table.snapshot().await?;
    let live: HashSet<&str> = snapshot.files.iter().map(|file| file.path.as_str()).collect();
    rest.retain(|path| !live.contains(path.as_str()));
    table.delete_objects(&rest, |_| {}).await?;
    if !rest.is_empty() {
        fence_late_commits(table, resource, &rest).await?;
    }
    for folder in [folder, "_delta_log"] {
        for (path, _, _) in table.list_temporary_files(folder)? {
            remove_local_file(&path)?;
        }
    }
    Ok(())
}

/// Commits a version. A writer that was about to commit one of the removed files, and had seen it, conflicts with this
/// version and checks its files again. A writer that was quicker is detected.
async fn fence_late_commits(table: &Table, resource: &Resource, removed: &[String]) -> Result<()> {
    let info = HashMap::from([("resource".to_owned(), json!(resource.name))]);
    table.commit(&Commit { operation: "FORGET", info, ..Commit::default() }).await?;
    let removed: HashSet<&str> = removed.iter().map(String::as_str).collect();
    match table.snapshot().await?.files.iter().find(|file| removed.contains(file.path.as_str())) {
        None => Ok(()),
        Some(file) => Err(Error::new(
            Kind::Conflict,
            format!(
                "table {}: {} was committed by another process while it was removed; run `forget` again, which writes it again",
                table.name(),
                file.path
            ),
        )),
    }
}

/// Makes the counts of every resource name the newest version of `incidents`, so that no earlier one is needed; that
/// version.
async fn name_newest_incidents(reader: &Reader, resource: &Resource) -> Result<u64> {
    let newest = reader.lake().incidents.snapshot().await?;
    let lake_snapshot = reader.open_newest().await?;
    let mut behind = Vec::new();
    for (name, of) in &lake_snapshot.resources {
        match &of.compaction {
            Some(mark) if mark.incidents_version < newest.version => behind.push(name.clone()),
            // Its first compaction is between its two commits.
            None if !list_own_files(&newest, name).is_empty() => behind.push(name.clone()),
            _ => {}
        }
    }
    for name in &behind {
        if list_own_files(&newest, name) != list_own_files(&lake_snapshot.incidents, name) {
            // A compaction that ended between its two commits: its incidents are no one's.
            let definition = lake_snapshot.catalog.get(name)?;
            tracing::info!(resource = name, "finishing an interrupted compaction");
            compact(reader, &definition, CompactOptions { recount: true, ..CompactOptions::default() }, |_| {}).await?;
            return Box::pin(name_newest_incidents(reader, resource)).await;
        }
    }
    if !behind.is_empty() {
        let domains = move_marks(&lake_snapshot, &behind, newest.version).await?;
        let info = HashMap::from([("resource".to_owned(), json!(resource.name))]);
        lake_snapshot.lake.counts.commit(&Commit { operation: "FORGET", domains, info, ..Commit::default() }).await?;
    }
    Ok(newest.version)
}

async fn move_marks(lake_snapshot: &LakeSnapshot, names: &[String], version: u64) -> Result<Vec<DomainChange>> {
    let mut changes = Vec::new();
    for name in names {
        let Some(mark) = lake_snapshot.resources.get(name).and_then(|of| of.compaction.as_ref()) else { continue };
        let mut mark = mark.clone();
        mark.incidents_version = version;
        let seen = lake_snapshot.lake.counts.read_domain(&lake_snapshot.counts, &CompactionMark::domain(name)).await?;
        changes.push(mark.to_change(name, Some(seen))?);
    }
    Ok(changes)
}

fn list_own_files(snapshot: &Snapshot, resource: &str) -> Vec<String> {
    let own = snapshot.files.iter().filter(|file| file.partition_value("resource") == Some(resource));
    let mut paths: Vec<String> = own.map(|file| file.path.clone()).collect();
    paths.sort_unstable();
    paths
}

//! Vacuum: data files that no version within the retention refers to, and the remains of unfinished writes.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt, failpoint, parse_duration};
use lake_store::{CompactionMark, Lake, StoredObject, Table};
use serde::Serialize;

/// A shorter retention could take what a writer has uploaded and is about to commit.
pub const MIN_RETENTION: TimeDelta = TimeDelta::hours(1);

/// Returns an age as people write it: a number and s, m, h or d.
///
/// # Errors
/// If it is not valid.
pub fn parse_age(text: &str) -> Result<TimeDelta> {
    parse_duration(text).and_then(|age| TimeDelta::from_std(age).ok()).ok_or_else(|| {
        Error::invalid(format!("`{text}` is not a valid age: expected a number and s, m, h or d, for example 7d"))
    })
}

/// How to vacuum.
#[derive(Clone, Copy, Debug)]
pub struct VacuumOptions {
    /// Versions that were current within this time stay readable, and younger objects stay whatever they are.
    pub older_than: TimeDelta,
    /// Whether to delete; otherwise only report.
    pub apply: bool,
}

/// The files of one table that were deleted, or would be.
#[derive(Clone, Debug, Serialize)]
pub struct VacuumReport {
    /// The table: its folder under the lake.
    pub table: String,
    /// Data files that no version within the retention refers to.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Temporary files of unfinished writes, on a local disk.
    pub temporary: u64,
    /// Their bytes.
    pub temporary_bytes: u64,
    /// Whether they were deleted.
    pub deleted: bool,
}

/// Deletes (or reports) what no version within the retention needs. Ages are by the store's clock.
///
/// # Errors
/// If the store does not answer or a log is damaged: files that were deleted until then were not needed.
pub async fn vacuum(lake: &Lake, options: VacuumOptions) -> Result<Vec<VacuumReport>> {
    let now = lake.read_store_time().await?;
    let too_long = || Error::invalid("that is before the first time of the clock; give a shorter age");
    let before = now.checked_sub_signed(options.older_than).ok_or_else(too_long)?;
    let mut done = Vec::new();
    let mut deletions = Deletions { apply: options.apply, first: true };
    for table in lake.list_tables().await? {
        // Listed before the log is read: files that are committed meanwhile are named there.
        let old: Vec<StoredObject> = table
            .list_objects()
            .try_filter(|object| std::future::ready(object.is_data_file() && object.modified < before))
            .try_collect()
            .await?;
        let needed = find_needed_files(lake, &table, before).await?;
        let unneeded: Vec<StoredObject> = old.into_iter().filter(|object| !needed.contains(&object.path)).collect();
        let unfinished: Vec<_> =
            table.list_temporary_files("")?.into_iter().filter(|(_, _, at)| *at < before).collect();
        done.push(VacuumReport {
            table: table.name().to_owned(),
            files: unneeded.len() as u64,
            bytes: unneeded.iter().map(|object| object.size).sum(),
            temporary: unfinished.len() as u64,
            temporary_bytes: unfinished.iter().map(|(_, size, _)| size).sum(),
            deleted: options.apply,
        });
        deletions.delete(&table, unneeded).await?;
        if options.apply {
            for (path, _, _) in unfinished {
                remove_local_file(&path)?;
            }
        }
    }
    Ok(done)
}

struct Deletions {
    apply: bool,
    first: bool,
}

impl Deletions {
    async fn delete(&mut self, table: &Table, objects: Vec<StoredObject>) -> Result<()> {
        if !self.apply || objects.is_empty() {
            return Ok(());
        }
        let paths: Vec<String> = objects.into_iter().map(|object| object.path).collect();
        if self.first {
            failpoint("vacuum:before-delete");
            self.first = false;
            table.delete_objects(&paths[..1], |_| {}).await?;
            failpoint("vacuum:after-first-delete");
        }
        table.delete_objects(&paths, |path| tracing::debug!(table = table.name(), path, "deleted")).await
    }
}

pub(crate) fn remove_local_file(path: &std::path::Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_err(Kind::Unavailable, || format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Returns the files that the newest version of a table refers to, and those of every version that was current at
/// `since` or after: a file that a version removed belongs to the one before it.
async fn find_needed_files(lake: &Lake, table: &Table, since: DateTime<Utc>) -> Result<HashSet<String>> {
    let written = table.list_log_files().await?.entries;
    let snapshot = table.snapshot().await?;
    let mut needed: HashSet<String> = snapshot.files.iter().map(|file| file.path.clone()).collect();
    // Counts name the versions of incidents they belong to, however old those are.
    let named =
        if table.name() == lake.incidents.name() { find_named_incidents(lake, since).await? } else { BTreeMap::new() };
    let oldest_named = named.values().min().copied().unwrap_or(u64::MAX);
    table
        .walk_log(None, |entry| {
            // An entry that came after the listing is young.
            let young = written.get(&entry.version).is_none_or(|at| *at >= since);
            if !young && entry.version <= oldest_named {
                return ControlFlow::Break(());
            }
            for file in entry.removes {
                let resource = file.partition.get("resource").and_then(Option::as_deref);
                let is_named = resource.and_then(|r| named.get(r)).is_some_and(|version| entry.version > *version);
                if young || is_named {
                    needed.insert(file.path);
                }
            }
            ControlFlow::Continue(())
        })
        .await?;
    Ok(needed)
}

/// Finds for each resource the oldest version of `incidents` named by a version of `counts` that was current at `since`
/// or after.
async fn find_named_incidents(lake: &Lake, since: DateTime<Utc>) -> Result<BTreeMap<String, u64>> {
    let mut named = BTreeMap::new();
    let mut note = |resource: &str, text: &str| -> Result<()> {
        let mark = CompactionMark::parse(resource, text)?;
        let oldest = named.entry(resource.to_owned()).or_insert(mark.incidents_version);
        *oldest = mark.incidents_version.min(*oldest);
        Ok(())
    };
    let newest = lake.snapshot_of(&lake.counts).await?;
    let files = lake.counts.list_log_files().await?;
    let current_then = files.entries.iter().rev().find(|(_, at)| **at < since).map(|(version, _)| *version);
    let mut snapshots = vec![std::sync::Arc::clone(&newest)];
    if let Some(version) = current_then
        && files.oldest().is_some_and(|oldest| oldest <= version)
    {
        snapshots.push(lake.counts.snapshot_at(version).await?);
    }
    for resource in lake.list_landed_resources().await? {
        for snapshot in &snapshots {
            if let Some(text) = lake.counts.read_domain(snapshot, &CompactionMark::domain(&resource)).await? {
                note(&resource, &text)?;
            }
        }
    }
    let mut within = Vec::new();
    lake.counts
        .walk_log(None, |entry| {
            if current_then.is_some_and(|version| entry.version <= version) {
                return ControlFlow::Break(());
            }
            within.extend(entry.domains);
            ControlFlow::Continue(())
        })
        .await?;
    let prefix = CompactionMark::domain("");
    for (domain, text) in within {
        if let Some(resource) = domain.strip_prefix(&prefix) {
            note(resource, &text)?;
        }
    }
    Ok(named)
}

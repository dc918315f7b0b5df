//! The lake as it was: a snapshot of earlier versions that agree with each other.
//!
//! A time alone does not determine which versions belong together, because clocks jump. What a compaction removed from
//! `fast_counts` must be contained in the `counts` that are read, and what was counted must be in the `raw` that is
//! read: both are looked up in the logs, and the versions are moved until it holds.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result};
use lake_store::{LogEntry, Snapshot, Table};

use crate::snapshot::file_statistics::last_batch;
use crate::snapshot::lake_snapshot::{DefinitionsChoice, LakeSnapshot, SnapshotTables};
use crate::snapshot::reader::Reader;
use crate::snapshot::time_travel::TimeTravel;

fn format_time(ms: Option<i64>) -> String {
    let time = ms.and_then(DateTime::<Utc>::from_timestamp_millis);
    time.map_or_else(|| "unknown time".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Finds the newest version committed at `ms` or before; `None` if the table was made later.
async fn find_version_at(table: &Table, ms: i64) -> Result<Option<u64>> {
    let (mut found, mut first) = (None, None);
    table
        .walk_log(None, |entry| {
            first = Some((entry.version, entry.committed_ms));
            if entry.committed_ms.is_some_and(|at| at <= ms) {
                found = Some(entry.version);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .await?;
    match (found, first) {
        (None, Some((version, at))) if version > 0 => {
            Err(gone_error(table, &format!("as it was at {}", format_time(Some(ms))), version, at))
        }
        (found, _) => Ok(found),
    }
}

fn gone_error(table: &Table, what: &str, version: u64, at: Option<i64>) -> Error {
    Error::new(
        Kind::Gone,
        format!(
            "the lake {what} cannot be read any more: of table {} the oldest that can is version {version} of {}; `hotspots-lake history` lists what can be read",
            table.name(),
            format_time(at)
        ),
    )
}

/// The range that a CLEAN of `fast_counts` removed: every batch of a resource up to a number.
struct Cleaned {
    version: u64,
    resource: String,
    to_batch: i64,
}

impl Cleaned {
    fn from_entry(entry: &LogEntry) -> Option<Self> {
        let resource = entry.text("resource")?.to_owned();
        let clean = entry.work == "CLEAN" && !entry.removes.is_empty();
        clean.then(|| Some(Self { version: entry.version, resource, to_batch: entry.number("to_batch")? }))?
    }
}

impl Reader {
    /// Opens a snapshot of the lake as it was, by the definitions that it had.
    ///
    /// # Errors
    /// If the lake was not there yet, or the versions are gone: then the text names the oldest that can be read.
    pub async fn open_past(&self, time_travel: &TimeTravel) -> Result<Arc<LakeSnapshot>> {
        self.open_agreeing(time_travel, DefinitionsChoice::Stored).await
    }

    /// Opens a snapshot that this reader has had before, for the next page of an answer: by the same definitions.
    ///
    /// # Errors
    /// As [`Self::open_past`].
    pub async fn reopen(&self, time_travel: &TimeTravel) -> Result<Arc<LakeSnapshot>> {
        self.open_agreeing(time_travel, DefinitionsChoice::Current).await
    }

    async fn open_agreeing(
        &self,
        time_travel: &TimeTravel,
        definitions: DefinitionsChoice,
    ) -> Result<Arc<LakeSnapshot>> {
        let lake = self.lake();
        let (counts, mut fast, ms) = match *time_travel {
            TimeTravel::Time(time) => {
                let ms = time.timestamp_millis();
                let counts = find_version_at(&lake.counts, ms).await?;
                let fast = find_version_at(&lake.fast_counts, ms).await?;
                let (Some(counts), Some(fast)) = (counts, fast) else {
                    let made = lake.fast_counts.read_log_entry(0).await?.and_then(|entry| entry.committed_ms);
                    return Err(Error::not_found(format!(
                        "there was no lake in {} at {}; it was made at {}",
                        lake.location(),
                        format_time(Some(ms)),
                        format_time(made)
                    )));
                };
                (counts, fast, ms)
            }
            TimeTravel::SnapshotTables { fast_counts, counts, .. } => {
                let mut ms = i64::MIN;
                for (table, version) in [(&lake.fast_counts, fast_counts), (&lake.counts, counts)] {
                    let entry = table.read_log_entry(version).await?;
                    ms = ms.max(entry.and_then(|entry| entry.committed_ms).unwrap_or(i64::MIN));
                }
                (counts, fast_counts, ms)
            }
        };
        let counts = self.open_table_at(&lake.counts, counts).await?;
        let names = lake.list_landed_resources().await?;
        while let Some(lost) = self.find_lost_batches(&names, &counts, fast).await? {
            match (time_travel, lost.version.checked_sub(1)) {
                (TimeTravel::Time(_), Some(before)) => fast = before,
                _ => {
                    return Err(Error::invalid(format!(
                        "version {fast} of fast_counts and version {} of counts do not belong together: batches up to {} of {} were removed from the one before they were in the other; give the text of one Lake-Version",
                        counts.version, lost.to_batch, lost.resource
                    )));
                }
            }
        }
        let fast_counts = self.open_table_at(&lake.fast_counts, fast).await?;
        let rejects = self.open_table_at(&lake.rejects, find_version_at(&lake.rejects, ms).await?.unwrap_or(0)).await?;
        let boundaries = match self.open_boundaries().await? {
            None => None,
            Some(_) => match find_version_at(&lake.boundaries, ms).await? {
                Some(version) => Some(self.open_table_at(&lake.boundaries, version).await?),
                None => None,
            },
        };
        let mut raws = Vec::new();
        for name in names {
            let counted = self.read_counted_batch(&name, &fast_counts).await?;
            let compacted = self.read_compaction_mark(&name, &counts).await?.map_or(0, |c| c.watermark);
            if let Some(raw) = self.open_raw_at(&name, ms, counted.max(compacted)).await? {
                raws.push((name, raw));
            }
        }
        let versions = SnapshotTables { fast_counts, counts, rejects, boundaries, raws };
        let lake_snapshot =
            self.assemble_snapshot(versions, definitions).await.map_err(|error| match error.kind() {
                Kind::NotFound | Kind::Data => {
                    Error::not_found(format!("{error}; `hotspots-lake history` lists what can be read"))
                }
                _ => error,
            })?;
        if let TimeTravel::SnapshotTables { .. } = time_travel {
            check_versions_agree(time_travel, &lake_snapshot)?;
        }
        check_files_exist(&lake_snapshot).await?;
        Ok(lake_snapshot)
    }

    /// Opens a table at a version that was read before.
    ///
    /// # Errors
    /// If the version does not exist yet, or can no longer be read.
    pub(crate) async fn open_table_at(&self, table: &Table, version: u64) -> Result<Arc<Snapshot>> {
        let newest = table.snapshot().await?.version;
        if version > newest {
            return Err(Error::not_found(format!(
                "table {} has no version {version} yet; the newest is {newest}",
                table.name()
            )));
        }
        let oldest = table.list_log_files().await?.oldest();
        if oldest.is_none_or(|oldest| version < oldest) {
            let (oldest, at) = table.find_oldest_readable().await?.unwrap_or((newest, None));
            return Err(gone_error(table, &format!("at version {version} of {}", table.name()), oldest, at));
        }
        table.snapshot_at(version).await
    }

    /// Finds the last CLEAN up to the version `fast` that removed batches that `counts` does not contain.
    async fn find_lost_batches(&self, names: &[String], counts: &Snapshot, fast: u64) -> Result<Option<Cleaned>> {
        if self.lake().counts.snapshot().await?.version == counts.version {
            // The compaction that cleaned had read these counts or earlier ones.
            return Ok(None);
        }
        let mut cleaned: Vec<Cleaned> = Vec::new();
        self.lake()
            .fast_counts
            .walk_log(Some(fast), |entry| {
                // The last of each resource reaches furthest.
                if let Some(clean) = Cleaned::from_entry(&entry)
                    && cleaned.iter().all(|c| c.resource != clean.resource)
                {
                    cleaned.push(clean);
                }
                if names.iter().all(|name| cleaned.iter().any(|c| c.resource == *name)) {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .await?;
        for clean in cleaned {
            let watermark = self.read_compaction_mark(&clean.resource, counts).await?.map_or(0, |c| c.watermark);
            if clean.to_batch > watermark {
                return Ok(Some(clean));
            }
        }
        Ok(None)
    }

    /// Opens the raw table of a resource as it was at `ms`, or a little later if the rows of batch `counted` came
    /// later.
    async fn open_raw_at(&self, name: &str, ms: i64, counted: i64) -> Result<Option<Arc<Snapshot>>> {
        let table = self.lake().raw(name)?;
        let version = find_version_at(&table, ms).await?;
        if version.is_none() && counted == 0 {
            return Ok(None);
        }
        let raw = self.open_table_at(&table, version.unwrap_or(0)).await?;
        if raw.files.iter().filter_map(last_batch).max().unwrap_or(0) >= counted {
            return Ok(Some(raw));
        }
        let mut later = None;
        table
            .walk_log(None, |entry| {
                if entry.version <= raw.version {
                    return ControlFlow::Break(());
                }
                if entry.number("batch").is_some_and(|batch| batch >= counted) {
                    later = Some(entry.version);
                }
                ControlFlow::Continue(())
            })
            .await?;
        match later {
            Some(version) => Ok(Some(self.open_table_at(&table, version).await?)),
            None => Ok(Some(raw)),
        }
    }
}

/// Checks that the version of `incidents` that was named is the one that `counts` names.
fn check_versions_agree(time_travel: &TimeTravel, lake_snapshot: &LakeSnapshot) -> Result<()> {
    let TimeTravel::SnapshotTables { fast_counts, counts, incidents } = *time_travel else { return Ok(()) };
    let (named, own) =
        (format!("fast_counts={fast_counts},counts={counts},incidents={incidents}"), lake_snapshot.version());
    if named == own {
        return Ok(());
    }
    Err(Error::invalid(format!("{named} do not belong together; with these counts it is {own}")))
}

/// Fails unless every file of the snapshot is still there: vacuum may have removed some.
///
/// # Errors
/// Of kind [`Kind::Gone`]; the text names the oldest version that can be read.
pub(crate) async fn check_files_exist(lake_snapshot: &LakeSnapshot) -> Result<()> {
    let lake = &lake_snapshot.lake;
    let mut read = vec![
        (lake.fast_counts.clone(), &lake_snapshot.fast_counts),
        (lake.counts.clone(), &lake_snapshot.counts),
        (lake.incidents.clone(), &lake_snapshot.incidents),
        (lake.rejects.clone(), &lake_snapshot.rejects),
    ];
    read.extend(lake_snapshot.boundaries.iter().map(|snapshot| (lake.boundaries.clone(), snapshot)));
    for (name, resource) in &lake_snapshot.resources {
        read.push((lake.raw(name)?, &resource.raw));
    }
    for (table, snapshot) in read {
        let there: HashSet<String> = table.list_objects().map_ok(|object| object.path).try_collect().await?;
        if snapshot.files.iter().any(|file| !there.contains(&file.path)) {
            let (oldest, at) = table.find_oldest_readable().await?.unwrap_or((snapshot.version, None));
            return Err(gone_error(&table, "as it was then", oldest, at));
        }
    }
    Ok(())
}

//! The log of a table as it was written: one entry per version, with the files it added and removed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use lake_model::{Error, Kind, Result, ResultExt};
use object_store::path::Path;
use serde_json::{Map, Value};

use crate::Table;

/// Log entries read at a time by a walk.
const ENTRIES_AT_ONCE: usize = 32;

/// A file that an entry of the log names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedFile {
    /// Its path under the table's folder, decoded.
    pub path: String,
    /// Partition column to value; `None` is null.
    pub partition: HashMap<String, Option<String>>,
    /// Its rows, if the entry records them.
    pub rows: Option<u64>,
}

/// The changes of one version, from its log entry.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// The version.
    pub version: u64,
    /// When it was committed by the clock of the machine that did, milliseconds since 1970 UTC.
    pub committed_ms: Option<i64>,
    /// The operation: "LAND", "DERIVE", "COMPACT", ..., or Delta's own name of it ("CREATE TABLE").
    pub work: String,
    /// The commit's own info: resource, batches, ...
    pub info: Map<String, Value>,
    /// The files that came.
    pub adds: Vec<LoggedFile>,
    /// The files that went.
    pub removes: Vec<LoggedFile>,
    /// The metadata domains that were set: name and text.
    pub domains: Vec<(String, String)>,
}

impl LogEntry {
    /// Returns an integer of the commit info.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.info.get(name)?.as_i64()
    }

    /// Returns a text of the commit info.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.info.get(name)?.as_str()
    }
}

/// Which entries and checkpoints a table's log holds.
#[derive(Clone, Debug, Default)]
pub struct LogFiles {
    /// The entries by version, with the store's time of writing.
    pub entries: BTreeMap<u64, DateTime<Utc>>,
    /// The checkpoints.
    pub checkpoints: BTreeSet<u64>,
}

impl LogFiles {
    /// Returns the newest version.
    pub fn newest(&self) -> Option<u64> {
        self.entries.keys().next_back().copied().max(self.checkpoints.iter().next_back().copied())
    }

    /// Returns the first version after `from` whose entry is missing although it is needed to read the newest one.
    pub fn first_gap(&self) -> Option<u64> {
        let newest = self.newest()?;
        let first = self.checkpoints.iter().next_back().map_or(0, |checkpoint| checkpoint + 1);
        (first..=newest).find(|version| !self.entries.contains_key(version))
    }

    /// Returns the oldest version that the entries and checkpoints which are there can still reproduce.
    pub fn oldest(&self) -> Option<u64> {
        let newest = self.newest()?;
        let mut first = newest + 1;
        while first > 0 && self.entries.contains_key(&(first - 1)) {
            first -= 1;
        }
        // Entries without the versions before them need a checkpoint as their base.
        if first == 0 { Some(0) } else { self.checkpoints.range(first.saturating_sub(1)..).next().copied() }
    }
}

fn parse_log_version(name: &str) -> Option<(u64, &str)> {
    let (digits, rest) = name.split_at_checked(20)?;
    let rest = rest.strip_prefix('.')?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?.map(|version| (version, rest))
}

impl Table {
    /// Lists the log.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list_log_files(&self) -> Result<LogFiles> {
        let folder = self.folder.clone().join("_delta_log");
        let mut listed = self.location.store.list(Some(&folder));
        let mut files = LogFiles::default();
        let failed = || format!("listing the log of table {} in {}", self.name, self.location);
        while let Some(object) = listed.try_next().await.or_err(Kind::Unavailable, failed)? {
            match object.location.filename().and_then(parse_log_version) {
                Some((version, "json")) => {
                    files.entries.insert(version, object.last_modified);
                }
                Some((version, rest)) if rest.starts_with("checkpoint.") && rest.ends_with("parquet") => {
                    files.checkpoints.insert(version);
                }
                _ => {}
            }
        }
        Ok(files)
    }

    /// Returns the log entry of a version; `None` if it is not there (any more).
    ///
    /// # Errors
    /// If the store does not answer or the entry is damaged.
    pub async fn read_log_entry(&self, version: u64) -> Result<Option<LogEntry>> {
        let place = || format!("table {}: the log entry of version {version}", self.name);
        let Some(bytes) = self.read_entry(version).await? else { return Ok(None) };
        let mut entry = LogEntry {
            version,
            committed_ms: None,
            work: String::new(),
            info: Map::new(),
            adds: Vec::new(),
            removes: Vec::new(),
            domains: Vec::new(),
        };
        for action in serde_json::Deserializer::from_slice(&bytes).into_iter::<Map<String, Value>>() {
            let action = action.or_err(Kind::Data, place)?;
            let Some((name, body)) = action.into_iter().next() else { continue };
            match name.as_str() {
                "commitInfo" => {
                    entry.committed_ms = body["timestamp"].as_i64();
                    let work = body["work"].as_str().or_else(|| body["operation"].as_str());
                    entry.work = work.unwrap_or_default().to_owned();
                    entry.info = body.as_object().cloned().unwrap_or_default();
                }
                "add" => entry.adds.push(parse_logged_file(&body).or_err(Kind::Data, place)?),
                "remove" => entry.removes.push(parse_logged_file(&body).or_err(Kind::Data, place)?),
                "domainMetadata" => {
                    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
                    entry.domains.push((text("domain"), text("configuration")));
                }
                _ => {}
            }
        }
        Ok(Some(entry))
    }

    /// Walks the log entries from the version `from` (the newest if none) back to the oldest that is there, until
    /// `each` breaks off.
    ///
    /// # Errors
    /// If the store does not answer or an entry is damaged.
    pub async fn walk_log(&self, from: Option<u64>, mut each: impl FnMut(LogEntry) -> ControlFlow<()>) -> Result<()> {
        let files = self.list_log_files().await?;
        let versions: Vec<u64> =
            files.entries.keys().rev().copied().filter(|v| from.is_none_or(|from| *v <= from)).collect();
        let mut entries =
            futures::stream::iter(versions.into_iter().map(|v| self.read_log_entry(v))).buffered(ENTRIES_AT_ONCE);
        while let Some(entry) = entries.try_next().await? {
            if let Some(entry) = entry
                && each(entry).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// Returns the versions whose log entries are damaged, and how. All are read, those that a checkpoint replaces as
    /// well.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn find_damaged_entries(&self) -> Result<Vec<(u64, Error)>> {
        let versions = self.list_log_files().await?.entries.into_keys();
        let entries = versions.map(|version| async move { (version, self.read_log_entry(version).await) });
        let mut entries = futures::stream::iter(entries).buffered(ENTRIES_AT_ONCE);
        let mut damaged = Vec::new();
        while let Some((version, read)) = entries.next().await {
            match read {
                Err(error) if error.kind() == Kind::Data => damaged.push((version, error)),
                read => drop(read?),
            }
        }
        Ok(damaged)
    }

    /// Walks the versions from the newest back and returns for each whether it can still be read: its log is there, and
    /// so are all its files.
    ///
    /// # Errors
    /// If the store does not answer or the log is damaged.
    pub async fn walk_versions(&self, mut each: impl FnMut(LogEntry, bool) -> ControlFlow<()>) -> Result<()> {
        let snapshot = self.snapshot().await?;
        let there = self.list_paths().await?;
        let oldest = self.list_log_files().await?.oldest().unwrap_or(u64::MAX);
        let mut missing: HashSet<String> =
            snapshot.files.iter().map(|f| f.path.clone()).filter(|path| !there.contains(path)).collect();
        self.walk_log(Some(snapshot.version), |entry| {
            let readable = missing.is_empty() && entry.version >= oldest;
            for file in &entry.adds {
                missing.remove(&file.path);
            }
            missing.extend(entry.removes.iter().map(|f| f.path.clone()).filter(|path| !there.contains(path)));
            each(entry, readable)
        })
        .await
    }

    /// Returns the oldest version that can still be read and when it was committed.
    ///
    /// # Errors
    /// If the store does not answer or the log is damaged.
    pub async fn find_oldest_readable(&self) -> Result<Option<(u64, Option<i64>)>> {
        let mut oldest = None;
        self.walk_versions(|entry, readable| {
            if readable {
                oldest = Some((entry.version, entry.committed_ms));
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
        .await?;
        Ok(oldest)
    }
}

fn parse_logged_file(body: &Value) -> Result<LoggedFile> {
    let path = body["path"].as_str().ok_or_else(|| Error::new(Kind::Data, "a file has no path"))?;
    let path = Path::from_url_path(path).or_err(Kind::Data, || format!("`{path}` is not a valid path"))?;
    let partition = body["partitionValues"].as_object().into_iter().flatten();
    let stats = body["stats"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    Ok(LoggedFile {
        path: path.to_string(),
        partition: partition.map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned))).collect(),
        rows: stats.and_then(|stats| stats["numRecords"].as_u64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: &[u64], checkpoints: &[u64]) -> LogFiles {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        LogFiles {
            entries: entries.iter().map(|v| (*v, at)).collect(),
            checkpoints: checkpoints.iter().copied().collect(),
        }
    }

    #[test]
    fn a_log_is_told_from_its_beginning_or_from_a_checkpoint() {
        assert_eq!(log(&[0, 1, 2], &[]).oldest(), Some(0));
        assert_eq!(log(&[5, 6], &[5]).oldest(), Some(5));
        assert_eq!(log(&[6, 7], &[5]).oldest(), Some(5));
        assert_eq!(log(&[3, 4, 5, 6], &[5]).oldest(), Some(5));
        assert_eq!(log(&[3, 4], &[]).oldest(), None);
    }

    #[test]
    fn a_missing_entry_is_a_gap_unless_a_checkpoint_is_above_it() {
        assert_eq!(log(&[0, 2], &[]).first_gap(), Some(1));
        assert_eq!(log(&[0, 2, 3], &[2]).first_gap(), None);
        assert_eq!(log(&[2, 4], &[2]).first_gap(), Some(3));
    }
}

//! The history of a lake: every version of every table.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use chrono::{DateTime, SecondsFormat, Utc};
use lake_model::{Error, Result};
use lake_store::{ForgottenMark, Lake, LogEntry, Table};
use serde::Serialize;

/// One version of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// The table: its folder under the lake.
    pub table: String,
    /// The version.
    pub version: u64,
    /// When, by the clock of the machine that committed it, RFC 3339.
    pub time: Option<String>,
    /// The operation: LAND, DERIVE, COMPACT, CLEAN, FORGET, or Delta's own name of it.
    pub work: String,
    /// The resource it was done for, where it was for one.
    pub resource: Option<String>,
    /// The batch, or the batches above the first number up to the second (`3..7`).
    pub batches: Option<String>,
    /// Files that came.
    pub files_added: usize,
    /// Rows in them.
    pub rows_added: u64,
    /// Files that went.
    pub files_removed: usize,
    /// Rows in them, if the log records them.
    pub rows_removed: Option<u64>,
    /// How many keys were forgotten, where any were.
    pub keys: Option<i64>,
    /// Whether the version can still be read.
    pub readable: bool,
    #[serde(skip)]
    committed_ms: i64,
}

fn format_batches(entry: &LogEntry) -> Option<String> {
    match (entry.number("batch"), entry.number("from_batch"), entry.number("to_batch")) {
        (Some(batch), _, _) => Some(batch.to_string()),
        (None, Some(from), Some(to)) => Some(format!("{from}..{to}")),
        (None, None, Some(to)) => Some(format!("..{to}")),
        _ => None,
    }
}

impl HistoryLine {
    fn from_entry(table: &Table, entry: &LogEntry, readable: bool) -> Self {
        let time = entry.committed_ms.and_then(DateTime::<Utc>::from_timestamp_millis);
        let own = table.name().strip_prefix("raw/");
        Self {
            table: table.name().to_owned(),
            version: entry.version,
            time: time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            work: entry.work.clone(),
            resource: entry.text("resource").or(own).map(str::to_owned),
            batches: format_batches(entry),
            files_added: entry.adds.len(),
            rows_added: entry.adds.iter().filter_map(|file| file.rows).sum(),
            files_removed: entry.removes.len(),
            rows_removed: match entry.removes.len() {
                0 => Some(0),
                _ => entry.number("rows_removed").and_then(|n| u64::try_from(n).ok()),
            },
            keys: entry.number("keys"),
            readable,
            committed_ms: entry.committed_ms.unwrap_or(i64::MIN),
        }
    }
}

/// Returns the versions of every table (or of `table`), the newest first, at most `limit`.
///
/// # Errors
/// If there is no such table, the store does not answer, or a log is damaged.
pub async fn read_history(lake: &Lake, table: Option<&str>, limit: usize) -> Result<Vec<HistoryLine>> {
    let mut tables = lake.list_tables().await?;
    if let Some(name) = table {
        let names: Vec<String> = tables.iter().map(|table| table.name().to_owned()).collect();
        tables.retain(|table| table.name() == name);
        if tables.is_empty() {
            return Err(Error::not_found(format!("there is no table `{name}`; there are {}", names.join(", "))));
        }
    }
    let mut heads = Vec::new();
    for table in &tables {
        let mut lines = Vec::new();
        table
            .walk_versions(|entry, readable| {
                if lines.len() == limit {
                    return ControlFlow::Break(());
                }
                lines.push(HistoryLine::from_entry(table, &entry, readable));
                ControlFlow::Continue(())
            })
            .await?;
        if lines.len() < limit && table.name().starts_with("raw/") {
            lines.extend(read_earlier_forgets(table, lines.last()).await?);
        }
        heads.push(VecDeque::from(lines));
    }
    // Each table is in the order of its versions whatever the clocks showed; times only determine how tables
    // interleave.
    let mut merged = Vec::new();
    while merged.len() < limit {
        let open = heads.iter_mut().filter(|lines| !lines.is_empty());
        let Some(newest) = open.max_by_key(|lines| lines.front().map(|line| line.committed_ms)) else { break };
        merged.extend(newest.pop_front());
    }
    Ok(merged)
}

/// Returns what was forgotten before the log of a raw table was truncated: the table's own mark has it. The version at
/// which the log begins may be one that `forget` committed later, and is not marked.
async fn read_earlier_forgets(table: &Table, oldest: Option<&HistoryLine>) -> Result<Vec<HistoryLine>> {
    let mark = ForgottenMark::read(table, table.snapshot().await?.as_ref()).await?;
    let is_untold = |version: u64| {
        oldest.is_none_or(|oldest| version < oldest.version || version == oldest.version && oldest.keys.is_none())
    };
    let earlier = mark.times.into_iter().rev().filter(|time| time.version.is_some_and(is_untold));
    let lines = earlier.map(|time| HistoryLine {
        table: table.name().to_owned(),
        version: time.version.unwrap_or_default(),
        committed_ms: DateTime::parse_from_rfc3339(&time.at).map_or(i64::MIN, |at| at.timestamp_millis()),
        time: Some(time.at),
        work: "FORGET".to_owned(),
        resource: table.name().strip_prefix("raw/").map(str::to_owned),
        batches: None,
        files_added: 0,
        rows_added: 0,
        files_removed: 0,
        rows_removed: None,
        keys: i64::try_from(time.keys).ok(),
        readable: false,
    });
    Ok(lines.collect())
}

//! The files of a table's log by their names, and the files of our own next to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Attributes, Error, GetOptions, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt as _, Result,
};
use serde::{Deserialize, Serialize};

use crate::objects::checksums::{verify_checksum, with_checksum};

/// The folder of a table that holds its log.
pub(crate) const LOG: &str = "_delta_log";
/// Readers of Delta tables pass over names in a log that do not begin with a version.
const NEWEST: &str = "_newest";

/// A file of a log that is checked when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// The actions of one version.
    Entry,
    /// All that holds at a version.
    Checkpoint,
    /// A hint to the last checkpoint.
    LastCheckpoint,
}

impl LogFile {
    pub(crate) fn from_path(path: &Path) -> Option<Self> {
        let (folder, name) = path.as_ref().rsplit_once('/')?;
        if folder.rsplit('/').next() != Some(LOG) {
            return None;
        }
        if name == "_last_checkpoint" {
            return Some(Self::LastCheckpoint);
        }
        let (version, kind) = name.split_once('.')?;
        let numbered = version.len() == 20 && version.bytes().all(|b| b.is_ascii_digit());
        match kind {
            "json" if numbered => Some(Self::Entry),
            "checkpoint.parquet" if numbered => Some(Self::Checkpoint),
            _ => None,
        }
    }
}

/// Returns the name of the entry of a version.
pub(crate) fn entry_name(version: u64) -> String {
    format!("{version:020}.json")
}

/// Returns the path of the entry of a version.
pub(crate) fn entry_path(table: &Path, version: u64) -> Path {
    table.clone().join(LOG).join(entry_name(version))
}

/// Returns the path of the checksum of a checkpoint.
pub(crate) fn checksum_path(checkpoint: &Path) -> Path {
    let (folder, name) = checkpoint.as_ref().rsplit_once('/').unwrap_or(("", checkpoint.as_ref()));
    Path::from(format!("{folder}/_blake3.{name}"))
}

#[derive(Deserialize, Serialize)]
struct LastCheckpointHint {
    version: u64,
    size: i64,
}

/// Returns the hint to the last checkpoint, if that checkpoint exists; else none, and readers list the log. The other
/// fields of the hint are omitted: readers would trust them, and no checksum covers them.
pub(crate) async fn read_last_checkpoint_hint(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    options: GetOptions,
) -> Result<GetResult> {
    let found = store.get_opts(path, options).await?;
    let meta = found.meta.clone();
    let none = |why: &str| Error::NotFound { path: path.to_string(), source: why.into() };
    let hint: LastCheckpointHint = serde_json::from_slice(&found.bytes().await?)
        .map_err(|_| none("the hint to the last checkpoint is damaged"))?;
    let folder = path.as_ref().rsplit_once('/').map_or("", |(folder, _)| folder);
    let checkpoint = Path::from(format!("{folder}/{:020}.checkpoint.parquet", hint.version));
    store.head(&checkpoint).await.map_err(|_| none("the hint names a checkpoint that does not exist"))?;
    let bytes = bytes::Bytes::from(serde_json::to_vec(&hint).map_err(|_| none("the hint cannot be written"))?);
    let range = 0..bytes.len() as u64;
    let payload = GetResultPayload::Stream(stream::once(async move { Ok(bytes) }).boxed());
    Ok(GetResult { payload, meta, range, attributes: Attributes::default() })
}

/// Records that a version exists. It is a hint: it may lag behind, and a failure to write it is ignored.
pub(crate) async fn write_newest_version(store: &dyn ObjectStore, table: &Path, version: u64) {
    let path = table.clone().join(LOG).join(NEWEST);
    if let Err(error) = store.put(&path, with_checksum(&version.to_string()).into()).await {
        tracing::debug!(%path, %error, "the newest version could not be noted");
    }
}

/// Returns a version that certainly existed; `None` if no readable file proves one.
///
/// # Errors
/// If the store does not answer.
pub(crate) async fn read_newest_version(store: &dyn ObjectStore, table: &Path) -> Result<Option<u64>> {
    let bytes = match store.get(&table.clone().join(LOG).join(NEWEST)).await {
        Ok(found) => found.bytes().await?,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(verify_checksum(&bytes).and_then(|version| version.parse().ok()))
}

/// Returns the name of a file without which the newest version of a log cannot be read, if one is missing.
///
/// # Errors
/// If the store does not answer.
pub(crate) async fn find_missing_file(store: &dyn ObjectStore, table: &Path) -> Result<Option<String>> {
    let (mut entries, mut checkpoint) = (BTreeSet::new(), None);
    let mut listed = store.list(Some(&table.clone().join(LOG)));
    while let Some(object) = listed.try_next().await? {
        let name = object.location.filename().and_then(|name| name.split_once('.'));
        match (LogFile::from_path(&object.location), name.and_then(|(version, _)| version.parse::<u64>().ok())) {
            (Some(LogFile::Entry), Some(version)) => drop(entries.insert(version)),
            (Some(LogFile::Checkpoint), Some(version)) => checkpoint = checkpoint.max(Some(version)),
            _ => {}
        }
    }
    let (Some(first), Some(newest)) = (entries.first().copied(), entries.last().copied()) else { return Ok(None) };
    let needed = checkpoint.map_or(0, |version| version + 1);
    if needed == 0 && first > 1 {
        // The entries before a checkpoint may be removed, so that it is the checkpoint that is missing.
        let hint = match store.get(&table.clone().join(LOG).join("_last_checkpoint")).await {
            Ok(found) => serde_json::from_slice::<LastCheckpointHint>(&found.bytes().await?).ok(),
            Err(_) => None,
        };
        return Ok(Some(format!("{:020}.checkpoint.parquet", hint.map_or(first, |hint| hint.version))));
    }
    let missing = (needed..newest).find(|version| !entries.contains(version));
    Ok(missing.map(|version| format!("{version:020}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_log_are_known_by_their_names() {
        let of = |path: &str| LogFile::from_path(&Path::from(path));
        assert_eq!(of("a/_delta_log/00000000000000000001.json"), Some(LogFile::Entry));
        assert_eq!(of("a/_delta_log/00000000000000000100.checkpoint.parquet"), Some(LogFile::Checkpoint));
        assert_eq!(of("a/_delta_log/_last_checkpoint"), Some(LogFile::LastCheckpoint));
        for other in
            ["a/part-1.parquet", "a/_delta_log/_newest", "a/00000000000000000001.json", "00000000000000000001.json"]
        {
            assert_eq!(of(other), None, "{other}");
        }
        let sum = checksum_path(&Path::from("a/_delta_log/00000000000000000100.checkpoint.parquet"));
        assert_eq!(sum.as_ref(), "a/_delta_log/_blake3.00000000000000000100.checkpoint.parquet");
    }
}

//! The key index: each key's current version, on local disk, derived from `raw`.
//!
//! It is stamped with the batch it reflects. Absent, damaged, of another table, of another definition or ahead, it is
//! thrown away and rebuilt by a scan; behind, it is brought up to date by the batches it lacks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use lake_model::{Error, Kind, Result, ResultExt};
use serde::{Deserialize, Serialize};

use crate::index::key_state::KeyState;
use crate::index::known_versions::KnownVersions;
use crate::index::label_dictionary::LabelDictionary;

/// The state that the index reflects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexStamp {
    /// The layout of the index itself.
    pub(crate) format: u32,
    /// The raw table's id.
    pub(crate) table_id: String,
    /// The definition's fingerprint: dimensions follow from it.
    pub(crate) fingerprint: String,
    /// How often records were forgotten: an index from before may still hold one.
    pub(crate) forgotten: u64,
    /// The last batch it contains.
    pub(crate) batch: i64,
    /// The raw file of the last batch with rows that it contains: a table that was put back from a copy has another.
    pub(crate) file: Option<String>,
}

/// The layout written here.
pub(crate) const INDEX_FORMAT: u32 = 3;

/// The changes of a batch to the index.
#[derive(Debug, Default)]
pub(crate) struct IndexChanges {
    pub(crate) keys: HashMap<String, KeyState>,
    /// Identity of a reject to its content hash while it is open, `None` when it closes.
    pub(crate) rejects: HashMap<String, Option<[u8; 16]>>,
}

/// The index of one resource.
pub(crate) struct KeyIndex {
    database: Database,
    keys: Keyspace,
    rejects: Keyspace,
    labels_space: Keyspace,
    meta: Keyspace,
    /// The keys that the running full scan has seen; see [`crate::full_scan`].
    pub(crate) seen: Keyspace,
    pub(crate) labels: LabelDictionary,
    open_rejects: usize,
    path: PathBuf,
}

impl std::fmt::Debug for KeyIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyIndex").field("path", &self.path).finish_non_exhaustive()
    }
}

fn describe_index(path: &Path) -> impl Fn() -> String + '_ {
    move || format!("the key index in {}", path.display())
}

/// The file that marks an index for deletion when it is opened next.
const DAMAGED_MARKER: &str = "damaged";

/// Returns an error of the index's own store as ours. Anything but an error of the disk is damage: the index is rebuilt
/// by the next run.
fn index_error(path: &Path, error: fjall::Error) -> Error {
    let shown = path.display();
    if matches!(error, fjall::Error::Io(_)) {
        return Error::new(Kind::Unavailable, format!("the key index in {shown}")).with_source(error);
    }
    let text = match std::fs::write(path.join(DAMAGED_MARKER), b"") {
        Ok(()) => format!("the key index in {shown} is damaged; the next run rebuilds it, run again"),
        Err(_) => format!("the key index in {shown} is damaged; remove that directory, the next run rebuilds it"),
    };
    Error::new(Kind::Unavailable, text).with_source(error)
}

impl KeyIndex {
    /// Opens the index and throws it away if it is damaged.
    ///
    /// # Errors
    /// A conflict, if another process has it open; or the disk refuses.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if path.join(DAMAGED_MARKER).exists() {
            tracing::warn!(path = %path.display(), "the key index is damaged and is rebuilt");
            std::fs::remove_dir_all(path).or_err(Kind::Unavailable, describe_index(path))?;
        }
        std::fs::create_dir_all(path).or_err(Kind::Unavailable, describe_index(path))?;
        match Self::try_open(path) {
            Ok(index) => Ok(index),
            Err(fjall::Error::Locked) => Err(Error::new(
                Kind::Conflict,
                format!(
                    "another process is landing this resource (it holds the key index in {}); try again when it is done",
                    path.display()
                ),
            )),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the key index cannot be opened and is rebuilt");
                std::fs::remove_dir_all(path).or_err(Kind::Unavailable, describe_index(path))?;
                std::fs::create_dir_all(path).or_err(Kind::Unavailable, describe_index(path))?;
                Self::try_open(path).or_err(Kind::Unavailable, describe_index(path))
            }
        }
    }

    fn try_open(path: &Path) -> Result<Self, fjall::Error> {
        let database =
            Database::builder(path).cache_size(64 << 20).worker_threads(1).max_journaling_size(256 << 20).open()?;
        let options = KeyspaceCreateOptions::default;
        let keys = database.keyspace("keys", || options().max_memtable_size(8 << 20))?;
        let rejects = database.keyspace("rejects", options)?;
        let labels_space = database.keyspace("words", options)?;
        let meta = database.keyspace("meta", options)?;
        let seen = database.keyspace("seen", || options().max_memtable_size(8 << 20))?;
        let mut labels = LabelDictionary::default();
        for entry in labels_space.iter() {
            let (_, text) = entry.into_inner()?;
            let text = String::from_utf8_lossy(&text);
            labels.number_of(Some(&text));
        }
        labels.saved = labels.texts.len();
        let open_rejects = rejects.len()?;
        Ok(Self { database, keys, rejects, labels_space, meta, seen, labels, open_rejects, path: path.to_owned() })
    }

    pub(crate) fn read_stamp(&self) -> Result<Option<IndexStamp>> {
        let bytes = self.meta.get("stamp").map_err(|e| index_error(&self.path, e))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) -> Result<()> {
        for space in [&self.meta, &self.keys, &self.rejects, &self.labels_space, &self.seen] {
            space.clear().map_err(|e| index_error(&self.path, e))?;
        }
        self.labels = LabelDictionary::default();
        self.open_rejects = 0;
        Ok(())
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<KeyState>> {
        let bytes = self.keys.get(key).map_err(|e| index_error(&self.path, e))?;
        match bytes {
            None => Ok(None),
            Some(bytes) => {
                let damaged = || {
                    let place = self.path.display();
                    Error::new(
                        Kind::Data,
                        format!("the key index in {place} is damaged; remove that directory, it is rebuilt"),
                    )
                };
                KeyState::decode(&bytes).ok_or_else(damaged).map(Some)
            }
        }
    }

    fn reject(&self, identity: &str) -> Result<Option<[u8; 16]>> {
        let bytes = self.rejects.get(identity).map_err(|e| index_error(&self.path, e))?;
        Ok(bytes.and_then(|bytes| bytes.as_ref().try_into().ok()))
    }

    /// Returns the live keys, in order.
    pub(crate) fn live_keys(&self) -> impl Iterator<Item = Result<String>> + use<> {
        let path = self.path.clone();
        self.keys.iter().filter_map(move |entry| match entry.into_inner() {
            Ok((key, state)) => {
                let live = KeyState::decode(&state).is_none_or(|state| !state.deleted);
                live.then(|| Ok(String::from_utf8_lossy(&key).into_owned()))
            }
            Err(error) => Some(Err(index_error(&path, error))),
        })
    }

    /// Returns the identities of the open rejects, in order.
    pub(crate) fn open_reject_identities(&self) -> impl Iterator<Item = Result<String>> + use<> {
        let path = self.path.clone();
        self.rejects.iter().map(move |entry| {
            let (identity, _) = entry.into_inner().map_err(|e| index_error(&path, e))?;
            Ok(String::from_utf8_lossy(&identity).into_owned())
        })
    }

    /// Adds keys to those that a full scan has seen.
    pub(crate) fn record_seen(&mut self, entries: &HashMap<Vec<u8>, Vec<u8>>) -> Result<()> {
        let mut batch = self.database.batch();
        for (entry, value) in entries {
            batch.insert(&self.seen, entry.as_slice(), value.as_slice());
        }
        batch.commit().map_err(|e| index_error(&self.path, e))
    }

    /// Removes what a full scan has seen.
    pub(crate) fn clear_seen(&mut self) -> Result<()> {
        self.seen.clear().map_err(|e| index_error(&self.path, e))
    }

    /// Returns the value of a key that a full scan has seen.
    pub(crate) fn read_seen(&self, entry: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.seen.get(entry).map_err(|e| index_error(&self.path, e))?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// Returns what the index holds of these keys, and of the rejects with these identities.
    pub(crate) fn read_known<'a, 'i>(
        &self,
        keys: impl IntoIterator<Item = &'a str>,
        identities: impl IntoIterator<Item = &'i str>,
    ) -> Result<KnownVersions<'a>> {
        let mut known = KnownVersions::default();
        for key in keys {
            if let Some(state) = self.get(key)? {
                known.keys.insert(key, state);
            }
        }
        if self.open_rejects == 0 {
            return Ok(known);
        }
        for identity in identities {
            if let Some(content) = self.reject(identity)? {
                known.rejects.insert(identity.to_owned(), content);
            }
        }
        Ok(known)
    }

    /// Writes a batch's changes and the new stamp, all or none.
    pub(crate) fn commit(&mut self, changes: &IndexChanges, stamp: &IndexStamp) -> Result<()> {
        let mut batch = self.database.batch();
        for (key, state) in &changes.keys {
            batch.insert(&self.keys, key.as_str(), state.encode());
        }
        for (identity, hash) in &changes.rejects {
            match hash {
                Some(hash) => batch.insert(&self.rejects, identity.as_str(), *hash),
                None => batch.remove(&self.rejects, identity.as_str()),
            }
        }
        for (n, text) in self.labels.texts.iter().enumerate().skip(self.labels.saved) {
            batch.insert(&self.labels_space, (n as u64).to_be_bytes(), text.as_str());
        }
        let stamp = serde_json::to_vec(stamp).or_err(Kind::Internal, describe_index(&self.path))?;
        batch.insert(&self.meta, "stamp", stamp);
        batch.commit().map_err(|e| index_error(&self.path, e))?;
        self.labels.saved = self.labels.texts.len();
        if !changes.rejects.is_empty() {
            self.open_rejects = self.rejects.len().map_err(|e| index_error(&self.path, e))?;
        }
        Ok(())
    }
}

//! The content of a commit, and its outcome.

use std::collections::{HashMap, HashSet};

use deltalake_core::kernel::{Action, Add, DomainMetadata, Remove};
use serde_json::Value;

use crate::delta::file_writer::WrittenFile;
use crate::objects::checksums::CHECKSUMS_TAG;
use crate::{DataFile, Snapshot};

/// A change of one table: all of it or none.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The operation, for the history: "LAND", "COMPACT", ...
    pub operation: &'static str,
    /// Files that appear.
    pub adds: Vec<WrittenFile>,
    /// Files that go; one that is gone already is a conflict.
    pub removes: Vec<DataFile>,
    /// Partitions (column to value) whose files are all in `removes` or `keeps`: if others appeared meanwhile, it is a
    /// conflict.
    pub replaces: Vec<HashMap<String, Option<String>>>,
    /// The paths of the files of these partitions that stay.
    pub keeps: HashSet<String>,
    /// Application id and version: the commit happens once for these, whichever writer tries.
    pub transaction: Option<(String, i64)>,
    /// Domain metadata to set. They survive checkpoints, unlike commit infos.
    pub domains: Vec<DomainChange>,
    /// For the history.
    pub info: HashMap<String, Value>,
}

/// A metadata domain that a commit sets.
#[derive(Clone, Debug)]
pub struct DomainChange {
    /// Its name.
    pub name: String,
    /// The value when the commit was prepared; if it has changed, that is a conflict. `None` checks nothing.
    pub expected: Option<Option<String>>,
    /// The new value: JSON.
    pub text: String,
}

/// The outcome of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is this version.
    Version(u64),
    /// Its transaction was there already: an earlier try of ours whose reply was lost, or another writer's.
    AlreadyCommitted,
}

impl Commit {
    pub(crate) fn to_actions(&self) -> Vec<Action> {
        let now_ms = lake_model::now().timestamp_millis();
        let adds = self.adds.iter().map(|file| {
            Action::Add(Add {
                path: file.path.clone(),
                partition_values: file.partition.clone(),
                size: i64::try_from(file.size).unwrap_or(i64::MAX),
                modification_time: now_ms,
                data_change: true,
                stats: Some(file.stats.clone()),
                tags: Some(HashMap::from([(CHECKSUMS_TAG.to_owned(), Some(file.sums.to_tag()))])),
                deletion_vector: None,
                base_row_id: None,
                default_row_commit_version: None,
                clustering_provider: None,
            })
        });
        let removes = self.removes.iter().map(|file| {
            Action::Remove(Remove {
                path: file.path.clone(),
                data_change: true,
                deletion_timestamp: Some(now_ms),
                extended_file_metadata: Some(true),
                partition_values: Some(file.partition.clone()),
                size: i64::try_from(file.size).ok(),
                tags: None,
                deletion_vector: None,
                base_row_id: None,
                default_row_commit_version: None,
            })
        });
        let domains = self.domains.iter().map(|change| {
            Action::DomainMetadata(DomainMetadata {
                domain: change.name.clone(),
                configuration: change.text.clone(),
                removed: false,
            })
        });
        adds.chain(removes).chain(domains).collect()
    }

    /// Notes that a version which is this commit is about to be published: the files it adds stay.
    pub(crate) fn hold_files(&self) {
        self.adds.iter().for_each(|file| file.uncommitted.hold());
    }

    /// Notes that that version is not this commit, and never will be.
    pub(crate) fn release_files(&self) {
        self.adds.iter().for_each(|file| file.uncommitted.release());
    }

    /// Returns the rows of the removed files, if the log records them.
    pub(crate) fn rows_removed(&self) -> u64 {
        self.removes.iter().filter_map(|file| file.rows).sum()
    }

    /// Returns whether the partitions this commit replaces hold no other files than those it removes or keeps.
    pub(crate) fn replaces_exactly(&self, snapshot: &Snapshot) -> bool {
        self.replaces.iter().all(|partition| {
            snapshot
                .files
                .iter()
                .filter(|file| partition.iter().all(|(k, v)| file.partition.get(k) == Some(v)))
                .all(|file| self.keeps.contains(&file.path) || self.removes.iter().any(|r| r.path == file.path))
        }) && self.removes.iter().all(|r| snapshot.files.iter().any(|f| f.path == r.path))
    }
}

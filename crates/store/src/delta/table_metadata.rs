//! What the log of a table holds next to its files: metadata domains, and the last transaction of each application.
//!
//! To find one, the log is replayed. What was found of a version is kept, and a later version is that one with what the
//! entries between them set: only these are read. A log whose earlier entry is not the one that was read is another log.

use std::sync::Arc;

use deltalake_core::DeltaTableError;
use deltalake_core::table::state::DeltaTableState;
use lake_model::{Error, Kind, Result};
use tokio::sync::MutexGuard;

use crate::delta::log_error::log_error;
use crate::delta::log_metadata::LogMetadata;
use crate::delta::log_read_permit::with_read_permit;
use crate::objects::checksums::compute_checksum;
use crate::{Snapshot, Table};

/// Versions of which something is kept: the newest, and the one before it, whose readers may not have ended.
const MAX_KEPT_VERSIONS: usize = 2;
/// Entries that are read to come from one version to another; beyond, the log is replayed.
const MAX_APPLIED_ENTRIES: u64 = 32;

impl Table {
    /// Returns the last version an application committed, by its transaction id.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn read_transaction(&self, snapshot: &Snapshot, app_id: &str) -> Result<Option<i64>> {
        let mut kept = self.metadata_of(snapshot.version).await;
        let of_version = kept.iter_mut().find(|known| known.version == snapshot.version);
        if let Some(found) = of_version.as_ref().and_then(|known| known.transactions.get(app_id)) {
            return Ok(*found);
        }
        let found = self.replay_transaction(snapshot, app_id).await?;
        if let Some(known) = of_version {
            known.transactions.insert(app_id.to_owned(), found);
        }
        Ok(found)
    }

    /// Returns the JSON text of a metadata domain.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn read_domain(&self, snapshot: &Snapshot, domain: &str) -> Result<Option<String>> {
        let mut kept = self.metadata_of(snapshot.version).await;
        let of_version = kept.iter_mut().find(|known| known.version == snapshot.version);
        if let Some(found) = of_version.as_ref().and_then(|known| known.domains.get(domain)) {
            return Ok(found.clone());
        }
        let found = self.replay_domain(snapshot, domain).await?;
        if let Some(known) = of_version {
            known.domains.insert(domain.to_owned(), found.clone());
        }
        Ok(found)
    }

    /// Returns what is known of versions, this one among them. Concurrent callers wait, and then have it as well.
    async fn metadata_of(&self, version: u64) -> MutexGuard<'_, Vec<LogMetadata>> {
        let mut kept = self.metadata.lock().await;
        if kept.iter().all(|known| known.version != version) {
            let earlier = kept.iter().filter(|known| known.version < version).max_by_key(|known| known.version);
            let advanced = match earlier.cloned() {
                Some(earlier) => self.advance_metadata(earlier, version).await,
                None => None,
            };
            let known = match advanced {
                Some(known) => known,
                None => {
                    let entry = self.read_entry(version).await.ok().flatten();
                    LogMetadata { version, entry: entry.as_deref().map(compute_checksum), ..LogMetadata::default() }
                }
            };
            if kept.len() >= MAX_KEPT_VERSIONS {
                kept.remove(0);
            }
            kept.push(known);
        }
        kept
    }

    /// Returns what is known of a version from what is known of an earlier one; `None` if the log does not lead there.
    async fn advance_metadata(&self, mut known: LogMetadata, version: u64) -> Option<LogMetadata> {
        if version - known.version > MAX_APPLIED_ENTRIES {
            return None;
        }
        let read = self.read_entry(known.version).await.ok()??;
        if known.entry != Some(compute_checksum(&read)) {
            return None;
        }
        while known.version < version {
            let next = self.read_entry(known.version + 1).await.ok()??;
            known.apply(&next)?;
        }
        Some(known)
    }

    /// Returns the last version an application committed, from the log as it is now.
    pub(super) async fn replay_transaction(&self, snapshot: &Snapshot, app_id: &str) -> Result<Option<i64>> {
        let failed = || format!("table {}: the transaction {app_id}", self.name());
        let error = match self.transaction_of(&snapshot.state, app_id).await {
            Ok(found) => return Ok(found),
            Err(error) => log_error(error, failed),
        };
        let Some(state) = self.reopen_state(snapshot.version).await else {
            return Err(self.explain_removed_version(snapshot.version, error).await);
        };
        self.transaction_of(&state, app_id).await.map_err(|error| log_error(error, failed))
    }

    /// Returns the text of a metadata domain, from the log as it is now.
    pub(super) async fn replay_domain(&self, snapshot: &Snapshot, domain: &str) -> Result<Option<String>> {
        let failed = || format!("table {}: the metadata {domain}", self.name());
        let error = match self.domain_of(&snapshot.state, domain).await {
            Ok(found) => return Ok(found),
            Err(error) => log_error(error, failed),
        };
        let Some(state) = self.reopen_state(snapshot.version).await else {
            return Err(self.explain_removed_version(snapshot.version, error).await);
        };
        self.domain_of(&state, domain).await.map_err(|error| log_error(error, failed))
    }

    async fn transaction_of(&self, state: &DeltaTableState, app_id: &str) -> Result<Option<i64>, DeltaTableError> {
        let (log, state, app_id) = (Arc::clone(&self.log), state.clone(), app_id.to_owned());
        with_read_permit(async move { state.snapshot().transaction_version(&*log, app_id).await }).await
    }

    async fn domain_of(&self, state: &DeltaTableState, domain: &str) -> Result<Option<String>, DeltaTableError> {
        let (log, state, domain) = (Arc::clone(&self.log), state.clone(), domain.to_owned());
        with_read_permit(async move { state.snapshot().domain_metadata(&*log, domain).await }).await
    }

    /// Returns the state of a version opened once more: its log may have been truncated since, and a checkpoint has
    /// what its entries had.
    async fn reopen_state(&self, version: u64) -> Option<DeltaTableState> {
        self.read_state(Some(version)).await.ok()
    }

    /// Returns why a version can no longer be read: its log was truncated above it, or else the error as it was.
    async fn explain_removed_version(&self, version: u64, error: Error) -> Error {
        match self.list_log_files().await {
            Ok(files) if files.oldest().is_some_and(|oldest| oldest > version) => {
                let text =
                    format!("table {}: `forget` has removed version {version} meanwhile; try again", self.name());
                Error::new(Kind::Conflict, text).with_source(error)
            }
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use object_store::ObjectStoreExt as _;
    use object_store::path::Path;

    use crate::{Commit, DomainChange, Lake, Location, Table};

    async fn open() -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().expect("a directory");
        let location = Location::parse(folder.path().to_str().expect("text")).expect("a place");
        let lake = Lake::create(location).await.expect("a lake");
        (folder, lake)
    }

    async fn commit(table: &Table, domains: &[(&str, &str)], transaction: Option<(&str, i64)>) {
        let change = |(name, text): &(&str, &str)| DomainChange {
            name: (*name).to_owned(),
            expected: None,
            text: (*text).to_owned(),
        };
        let commit = Commit {
            operation: "TEST",
            domains: domains.iter().map(change).collect(),
            transaction: transaction.map(|(app_id, version)| (app_id.to_owned(), version)),
            ..Commit::default()
        };
        table.commit(&commit).await.expect("a commit");
    }

    /// Checks that what is kept of the newest version is what a replay of its log says.
    async fn assert_as_replayed(table: &Table, domains: &[&str], transactions: &[&str]) {
        let snapshot = table.snapshot().await.expect("a version");
        let mut kept = HashMap::new();
        let mut replayed = HashMap::new();
        for domain in domains {
            kept.insert(*domain, table.read_domain(&snapshot, domain).await.expect("a domain"));
            replayed.insert(*domain, table.replay_domain(&snapshot, domain).await.expect("a domain"));
        }
        assert_eq!(kept, replayed, "version {}", snapshot.version);
        for app_id in transactions {
            let kept = table.read_transaction(&snapshot, app_id).await.expect("a transaction");
            assert_eq!(kept, table.replay_transaction(&snapshot, app_id).await.expect("a transaction"), "{app_id}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_kept_is_what_a_replay_of_the_log_says() {
        let (_folder, lake) = open().await;
        let (reader, writer) = (&lake.counts, Table::new(lake.location(), "counts").expect("a table"));
        let (domains, transactions) = (["a", "b", "never"], ["x", "y"]);
        assert_as_replayed(reader, &domains, &transactions).await;
        for round in 0..5 {
            commit(&writer, &[("a", &round.to_string())], Some(("x", round))).await;
            assert_as_replayed(reader, &domains, &transactions).await;
            // Several versions at a time, some of which set nothing.
            commit(&writer, &[], None).await;
            commit(&writer, &[("b", "\"text\"")], Some(("y", round * 2))).await;
            let before = reader.snapshot().await.expect("a version");
            commit(&writer, &[("b", &round.to_string())], None).await;
            assert_as_replayed(reader, &domains, &transactions).await;
            // The version before is still what it was.
            assert_eq!(reader.read_domain(&before, "b").await.expect("a domain").as_deref(), Some("\"text\""));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_is_another_is_replayed() {
        let ((_folder, lake), (_other_folder, other)) = (open().await, open().await);
        let table = &lake.counts;
        for (table, text) in [(table, "1"), (&other.counts, "2")] {
            commit(table, &[("a", text), ("b", text)], None).await;
        }
        assert_as_replayed(table, &["a", "b"], &[]).await;
        // The other log takes its place, with an entry more that sets one of the domains.
        commit(&other.counts, &[("a", "3")], None).await;
        let newest = other.counts.snapshot().await.expect("a version").version;
        for version in 1..=newest {
            let entry = Path::from(format!("counts/_delta_log/{version:020}.json"));
            let from = other.location().directory.as_ref().expect("local").join(entry.as_ref());
            let bytes = std::fs::read(from).expect("an entry");
            lake.location().store.put(&entry, bytes.into()).await.expect("an entry");
        }
        let snapshot = table.snapshot().await.expect("a version");
        assert_eq!(snapshot.version, newest);
        assert_eq!(table.read_domain(&snapshot, "a").await.expect("a domain").as_deref(), Some("3"));
        assert_eq!(table.read_domain(&snapshot, "b").await.expect("a domain").as_deref(), Some("2"));
    }
}

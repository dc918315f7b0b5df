//! The newest version of a table: read once, and again when the log has changed.

use std::path::PathBuf;
use std::sync::Arc;

use lake_model::{Kind, Result};

use crate::delta::known_version::KnownVersion;
use crate::delta::log_file::{LOG, entry_name};
use crate::delta::log_stamp::LogStamp;
use crate::{Snapshot, Table};

impl Table {
    /// Returns the newest version.
    ///
    /// # Errors
    /// If there is no such table, or its log cannot be read.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let stamp = match self.find_unchanged() {
            Ok(unchanged) => return Ok(unchanged),
            Err(stamp) => stamp,
        };
        let known = self.newest.lock().clone();
        let earlier = known.as_ref().map(|known| known.state.clone());
        let (noted, state) = tokio::join!(self.read_newest_version(), self.read_newest_state(earlier));
        let state = match (noted?, state) {
            (Some(noted), Err(error)) if error.kind() == Kind::NotFound => {
                return Err(self.missing_file_error(&entry_name(noted)).with_source(error));
            }
            // It may have been committed and noted since the log was listed.
            (Some(noted), Ok(state)) if state.version() < noted => {
                let state = self.read_newest_state(Some(state)).await?;
                if state.version() < noted {
                    return Err(self.missing_file_error(&entry_name(noted)));
                }
                state
            }
            (_, state) => state?,
        };
        if let Some(known) = known.filter(|known| known.snapshot.version == state.version()) {
            // The same version, and a log that may have been truncated since: requests use the new state.
            let snapshot = Arc::new(Snapshot { state: state.clone(), ..known.snapshot.as_ref().clone() });
            let mut newest = self.newest.lock();
            if newest.as_ref().is_none_or(|there| there.snapshot.version <= snapshot.version) {
                *newest = Some(KnownVersion { state, snapshot: Arc::clone(&snapshot), stamp });
            }
            return Ok(snapshot);
        }
        let snapshot = self.open_snapshot(state.clone()).await?;
        let mut newest = self.newest.lock();
        // Another task may have read a newer version meanwhile.
        if newest.as_ref().is_none_or(|there| there.snapshot.version < snapshot.version) {
            *newest = Some(KnownVersion { state, snapshot: Arc::clone(&snapshot), stamp });
        }
        Ok(snapshot)
    }

    /// Returns the newest version if its log shows, without being read, that it is the one that was read last. Only logs
    /// on a local disk do.
    pub fn unchanged_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.find_unchanged().ok()
    }

    /// Returns whether the table is on a local disk and has no log.
    pub fn is_absent(&self) -> bool {
        self.log_directory().is_some_and(|directory| matches!(directory.try_exists(), Ok(false)))
    }

    /// Returns the version that was read last if the log is unchanged; else the stamp of the log as it is now, if it has
    /// one. It asks the system for a few names that it has in memory, which takes less time than waking another thread.
    fn find_unchanged(&self) -> std::result::Result<Arc<Snapshot>, Option<LogStamp>> {
        let directory = self.log_directory().ok_or(None)?;
        let known = self.newest.lock().as_ref().map(|known| (Arc::clone(&known.snapshot), known.stamp));
        match known {
            Some((snapshot, Some(stamp))) if stamp.is_current(&directory, snapshot.version) => Ok(snapshot),
            _ => Err(LogStamp::read(&directory)),
        }
    }

    /// Returns the directory of the log, where it is on a local disk that nothing else stands before.
    fn log_directory(&self) -> Option<PathBuf> {
        Some(self.location.watched_directory()?.join(&self.name).join(LOG))
    }
}

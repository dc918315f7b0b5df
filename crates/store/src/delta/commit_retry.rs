//! How often and how long a commit is tried again.

use std::time::Duration;

use lake_model::{Error, Kind, Result};
use uuid::Uuid;

/// Conflicts with other writers before a commit fails with a conflict.
const MAX_CONFLICTS: u32 = 60;
/// Failures of the store before a commit fails; the store's own client has tried each one several times.
const MAX_FAILURES: u32 = 5;

/// How often one commit may still be tried.
#[derive(Default)]
pub(crate) struct CommitRetry {
    conflicts: u32,
    failures: u32,
}

impl CommitRetry {
    /// Waits a moment, longer after more attempts and never as long as another writer; or returns the error.
    pub(crate) async fn wait_or_fail(&mut self, error: Error) -> Result<()> {
        let tries = match error.kind() {
            Kind::Conflict => &mut self.conflicts,
            Kind::Unavailable => &mut self.failures,
            _ => return Err(error),
        };
        *tries += 1;
        if self.conflicts >= MAX_CONFLICTS || self.failures >= MAX_FAILURES {
            return Err(error);
        }
        tracing::debug!(%error, conflicts = self.conflicts, failures = self.failures, "a commit is tried again");
        let longest = u64::from((self.conflicts + self.failures).min(8)) * 32;
        let part = u64::from(Uuid::new_v4().as_bytes()[0]);
        tokio::time::sleep(Duration::from_millis(longest * part / 256)).await;
        Ok(())
    }
}

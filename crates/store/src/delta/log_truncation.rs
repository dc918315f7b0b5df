//! Removal of the log before a version, which makes the earlier versions unreadable.

use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};

use crate::Table;

impl Table {
    /// Writes a checkpoint of a version and removes every log entry and checkpoint before it: earlier versions can then
    /// no longer be read, and the content of their entries is gone.
    ///
    /// # Errors
    /// If the store does not answer; nothing is removed before the checkpoint is there.
    pub async fn truncate_log_before(&self, version: u64) -> Result<()> {
        let failed = || format!("table {}: the checkpoint of version {version}", self.name);
        if !self.list_log_files().await?.checkpoints.contains(&version) {
            self.write_checkpoint(version).await.or_err(Kind::Unavailable, failed)?;
        }
        if !self.list_log_files().await?.checkpoints.contains(&version) {
            return Err(Error::internal(failed()));
        }
        let folder = self.folder.clone().join("_delta_log");
        let listed: Vec<_> =
            self.location.store.list(Some(&folder)).try_collect().await.or_err(Kind::Unavailable, failed)?;
        let older = listed.iter().filter_map(|object| object.location.filename()).filter(|name| {
            let digits = name.get(..20).unwrap_or_default();
            digits.parse::<u64>().is_ok_and(|of| of < version)
        });
        let older: Vec<String> = older.map(|name| format!("_delta_log/{name}")).collect();
        self.delete_objects(&older, |_| {}).await
    }
}

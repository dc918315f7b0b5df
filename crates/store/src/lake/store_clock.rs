//! The store's own clock, which stamps its objects.

use chrono::{DateTime, TimeDelta, Utc};
use lake_model::{Kind, Result, ResultExt};
use object_store::ObjectStoreExt as _;

use crate::Lake;

/// The names of the objects by which the time of the store is read.
const CLOCK: &str = ".clock-";
/// Objects older than this were left by a process that ended while it asked.
const ASKED_LONG_AGO: TimeDelta = TimeDelta::hours(1);

impl Lake {
    /// Returns the time now by the store's own clock, which stamps its objects: asked of an object written for it. A
    /// disk that takes none, as a full one, goes by the clock of its machine.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn read_store_time(&self) -> Result<DateTime<Utc>> {
        match self.ask_time().await {
            Err(error) if self.location().directory.is_some() => {
                tracing::debug!(%error, "the time of the disk could not be read");
                // Not the program's own clock, which tests shift: files are stamped by the machine's.
                Ok(std::time::SystemTime::now().into())
            }
            asked => asked,
        }
    }

    async fn ask_time(&self) -> Result<DateTime<Utc>> {
        let location = self.location();
        let path = location.path(&format!("{CLOCK}{}", uuid::Uuid::new_v4()));
        let failed = || format!("asking the store of {location} for its time");
        location.store.put(&path, "time?".into()).await.or_err(Kind::Unavailable, failed)?;
        let found = location.store.head(&path).await;
        let removed = location.store.delete(&path).await;
        let now = found.or_err(Kind::Unavailable, failed)?.last_modified;
        removed.or_err(Kind::Unavailable, failed)?;
        // A process that was killed while it asked left its object behind.
        let listed = location.store.list_with_delimiter(None).await.or_err(Kind::Unavailable, failed)?;
        for object in listed.objects {
            let asked = object.location.filename().is_some_and(|name| name.starts_with(CLOCK));
            if asked && now - object.last_modified > ASKED_LONG_AGO {
                location.store.delete(&object.location).await.or_err(Kind::Unavailable, failed)?;
            }
        }
        Ok(now)
    }
}

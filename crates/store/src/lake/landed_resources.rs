//! The resources that have a raw table.

use futures::future::try_join_all;
use lake_model::{Kind, Result, ResultExt};
use object_store::path::Path;

use crate::Lake;
use crate::delta::log_stamp::PathStamp;

/// The folder of the raw tables.
const RAW: &str = "raw";

/// The resources that have a raw table.
#[derive(Clone, Debug)]
pub struct LandedResources {
    /// Their names, sorted.
    pub names: Vec<String>,
    /// What shows that there are no others since; `None` if the store does not show it.
    stamp: Option<FolderStamp>,
}

/// The state of the folder of the raw tables, which may not be there.
type FolderStamp = Option<PathStamp>;

impl Lake {
    /// Returns the names of the resources that have a raw table, sorted.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list_landed_resources(&self) -> Result<Vec<String>> {
        Ok(self.find_landed_resources().await?.names)
    }

    /// Returns the resources that have a raw table.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn find_landed_resources(&self) -> Result<LandedResources> {
        // Before the folder is listed, so that what is added meanwhile shows.
        let stamp = self.raw_folder_stamp();
        let folder = self.location.path(RAW);
        let listed = self.location.store.list_with_delimiter(Some(&folder)).await;
        let listed = listed.or_err(Kind::Unavailable, || format!("listing the raw tables of {}", self.location))?;
        let mut folders: Vec<&str> = listed.common_prefixes.iter().filter_map(Path::filename).collect();
        folders.sort_unstable();
        let there = try_join_all(folders.iter().map(|name| async { self.raw(name)?.exists().await })).await?;
        // A folder without a table may get one, which changes that folder alone.
        let stamp = stamp.filter(|_| there.iter().all(|there| *there));
        let landed = folders.into_iter().zip(there).filter(|(_, there)| *there);
        Ok(LandedResources { names: landed.map(|(name, _)| name.to_owned()).collect(), stamp })
    }

    /// Returns whether the lake shows, without being listed, that no other resource has landed since, and that no folder of
    /// these is gone. Whether their tables are whole, the tables show.
    pub fn has_landed_only(&self, landed: &LandedResources) -> bool {
        landed.stamp.is_some() && self.raw_folder_stamp() == landed.stamp
    }

    fn raw_folder_stamp(&self) -> Option<FolderStamp> {
        PathStamp::read_settled(&self.location.watched_directory()?.join(RAW))
    }
}

//! The directory for the spill files of a worker. It is removed after the worker; one whose server and worker were killed
//! together is removed when the next server starts.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tempfile::TempDir;

/// How the names of the directories begin.
const PREFIX: &str = "hotspots-lake-sql-";
/// The file that a server holds locked while the directory is its own.
const OWNER: &str = "owner";
/// Directories that are tried: one that is not locked yet may be removed by another server.
const MAX_TRIES: usize = 8;

/// A directory that only its server removes.
#[derive(Debug)]
pub(super) struct SpillDirectory {
    directory: TempDir,
    /// The system unlocks it when the process ends, however that happens.
    _owner: File,
}

impl SpillDirectory {
    /// Makes a directory within another.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn create(within: &Path) -> io::Result<Self> {
        for _ in 0..MAX_TRIES {
            let directory = TempDir::with_prefix_in(PREFIX, within)?;
            let path = directory.path().join(OWNER);
            let owner = File::create_new(&path)?;
            owner.lock()?;
            if path.exists() {
                return Ok(Self { directory, _owner: owner });
            }
        }
        Err(io::Error::other("other servers kept removing the directory for spill files"))
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes the directories whose servers have ended. Those of other users are left.
pub(super) fn remove_abandoned(within: &Path) {
    let Ok(entries) = fs::read_dir(within) else { return };
    let user = rustix::process::geteuid().as_raw();
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && fs::symlink_metadata(entry.path()).is_ok_and(|found| found.is_dir() && found.uid() == user);
        if is_ours && is_abandoned(&entry.path()) {
            match fs::remove_dir_all(entry.path()) {
                Ok(()) => tracing::info!("removed {}, which a server left", entry.path().display()),
                // Its worker may be removing it, too.
                Err(error) => tracing::debug!("{} cannot be removed: {error}", entry.path().display()),
            }
        }
    }
}

/// Returns whether no process holds the directory.
fn is_abandoned(directory: &Path) -> bool {
    match File::open(directory.join(OWNER)).map(|owner| owner.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directories_without_an_owner_are_removed() {
        let within = tempfile::tempdir().expect("a directory");
        let held = SpillDirectory::create(within.path()).expect("a directory");
        let left = within.path().join("hotspots-lake-sql-left");
        fs::create_dir_all(left.join("datafusion-1")).expect("a directory");
        File::create(left.join(OWNER)).expect("a file");
        // Files of other programs, and directories that a server is creating.
        for other in ["hotspots-lake-sql-made", "other-left"] {
            fs::create_dir(within.path().join(other)).expect("a directory");
        }
        File::create(within.path().join("other-left").join(OWNER)).expect("a file");
        remove_abandoned(within.path());
        assert!(held.path().is_dir());
        assert!(!left.exists());
        assert!(within.path().join("hotspots-lake-sql-made").is_dir());
        assert!(within.path().join("other-left").is_dir());
        let path = held.path().to_owned();
        drop(held);
        assert!(!path.exists());
    }
}

//! The state of a log on a local disk as its directory shows it: while it is the same, nothing of the log has changed,
//! and nothing has to be read again.
//!
//! Whatever adds, replaces or removes a file of the log changes the time of its directory. A change shows only if the
//! clock of the file system has moved since the change before it, so a directory that changed a moment ago has no stamp.

use std::io::{ErrorKind, Result};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::delta::log_file::entry_name;

/// The longest step of the clock of a file system: some count in two seconds.
const MAX_CLOCK_STEP_NS: i128 = 2_000_000_000;
/// The same where times have fractions of a millisecond: such times come from the system's clock, which moves at least
/// every 10 ms.
const MAX_FINE_CLOCK_STEP_NS: i128 = 50_000_000;
const NS_PER_MS: i64 = 1_000_000;

/// Which file or directory is at a path, and when it changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathStamp {
    device: u64,
    inode: u64,
    size: u64,
    changed_seconds: i64,
    changed_ns: i64,
}

impl PathStamp {
    /// Returns the stamp of a path; `None` if nothing is there.
    ///
    /// # Errors
    /// If the path cannot be looked at.
    fn read(path: &Path) -> Result<Option<Self>> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed_seconds: metadata.ctime(),
            changed_ns: metadata.ctime_nsec(),
        }))
    }

    /// Returns the stamp of a path, without one if nothing is there; `None` if it has changed a moment ago, so that its
    /// next change might not show.
    pub(crate) fn read_settled(path: &Path) -> Option<Option<Self>> {
        // Before the stamp is read: what happens meanwhile makes it too early, which is safe.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let now_ns = i128::try_from(now.as_nanos()).ok()?;
        let stamp = Self::read(path).ok()?;
        stamp.is_none_or(|stamp| stamp.is_settled(now_ns)).then_some(stamp)
    }

    /// Returns whether a change at `now`, or later, has another time than the last one.
    fn is_settled(&self, now_ns: i128) -> bool {
        let changed_ns = i128::from(self.changed_seconds) * 1_000_000_000 + i128::from(self.changed_ns);
        let is_fine = self.changed_ns % NS_PER_MS != 0;
        now_ns - changed_ns > if is_fine { MAX_FINE_CLOCK_STEP_NS } else { MAX_CLOCK_STEP_NS }
    }
}

/// The state of a table's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogStamp(PathStamp);

impl LogStamp {
    /// Returns the stamp of the log in `directory`; `None` if there is no log, or it has just changed.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        PathStamp::read_settled(directory)?.map(Self)
    }

    /// Returns whether the log in `directory` is still the one of this stamp, with `version` as its newest version.
    pub(crate) fn is_current(&self, directory: &Path, version: u64) -> bool {
        // The stamp says so already; a file system whose directories keep their times is not taken at its word.
        let has_next = || PathStamp::read(&directory.join(entry_name(version + 1)));
        Self::read(directory) == Some(*self) && matches!(has_next(), Ok(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(changed_ns: i64) -> PathStamp {
        PathStamp { device: 1, inode: 2, size: 3, changed_seconds: 1_000, changed_ns }
    }

    #[test]
    fn a_change_is_settled_once_the_clock_has_moved() {
        let at = |ns: i128| 1_000_000_000_000 + ns;
        for (changed_ns, now_ns, settled) in [
            (123_456_789, at(123_456_789), false),
            (123_456_789, at(173_456_789), false),
            (123_456_789, at(173_456_790), true),
            // Times in whole seconds, or in milliseconds, may stay the same for longer.
            (0, at(1_900_000_000), false),
            (0, at(2_000_000_001), true),
            (120_000_000, at(1_000_000_000), false),
            // A clock that was set back.
            (123_456_789, at(-5_000_000_000), false),
        ] {
            assert_eq!(stamp(changed_ns).is_settled(now_ns), settled, "{changed_ns} at {now_ns}");
        }
    }

    #[test]
    fn every_change_of_a_log_changes_its_stamp() {
        let folder = tempfile::tempdir().expect("a directory");
        let log = folder.path();
        let read = || {
            // It has changed just now: until that is settled there is no stamp.
            loop {
                if let Some(stamp) = LogStamp::read(log) {
                    return stamp;
                }
                std::thread::yield_now();
            }
        };
        std::fs::write(log.join(entry_name(0)), "0").expect("an entry");
        let mut known = read();
        assert!(known.is_current(log, 0) && known == read());
        let changes: [(&str, &dyn Fn()); 4] = [
            ("an entry is added", &|| std::fs::write(log.join(entry_name(1)), "1").expect("an entry")),
            ("an entry is removed", &|| std::fs::remove_file(log.join(entry_name(0))).expect("an entry")),
            ("an entry takes the place of another", &|| {
                std::fs::write(log.join("temporary"), "2").expect("an entry");
                std::fs::rename(log.join("temporary"), log.join(entry_name(1))).expect("an entry");
            }),
            ("the log is another", &|| {
                std::fs::remove_dir_all(log).expect("a log");
                std::fs::create_dir(log).expect("a log");
                std::fs::write(log.join(entry_name(1)), "1").expect("an entry");
            }),
        ];
        for (what, change) in changes {
            change();
            assert!(!known.is_current(log, 1), "{what}");
            known = read();
            assert!(known.is_current(log, 1), "{what}");
        }
        assert!(!known.is_current(log, 0), "an entry is there that was not known");
        std::fs::remove_dir_all(log).expect("a log");
        assert!(LogStamp::read(log).is_none() && !known.is_current(log, 1));
        std::fs::create_dir(log).expect("for the temporary directory");
    }
}

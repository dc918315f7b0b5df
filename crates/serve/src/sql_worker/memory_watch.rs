//! The memory of workers at work, looked at every few milliseconds by a thread of its own: one that takes more than it may
//! is ended at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lake_model::{Kind, Result, ResultExt};
use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, kill_process};

/// How often memory is looked at. A process can take some 20 MiB in this time.
const INTERVAL: Duration = Duration::from_millis(10);

/// Watches processes; its thread ends with it.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Bytes that all processes together may take.
    total_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// By process id.
    processes: BTreeMap<i32, Process>,
    is_over: bool,
}

#[derive(Debug)]
struct Process {
    max_bytes: usize,
    killed: Option<MemoryExcess>,
}

/// Why a process was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemoryExcess {
    /// It took more than it may.
    Own,
    /// All together took more than they may, and it was the largest.
    Total,
}

/// A process that is watched, until this is dropped.
#[derive(Debug)]
pub(super) struct WatchedProcess {
    shared: Arc<Shared>,
    pid: i32,
}

impl MemoryWatch {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the machine gives no more threads.
    pub(super) fn start(total_bytes: usize) -> Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), total_bytes });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sql-watch".to_owned());
        thread.spawn(move || own.run()).or_err(Kind::Internal, || "starting the thread that watches queries")?;
        Ok(Self { shared })
    }

    /// Watches a process, which may take this much. It must not be waited for meanwhile: its id would be another's.
    pub(super) fn watch(&self, pid: u32, max_bytes: usize) -> WatchedProcess {
        let pid = i32::try_from(pid).unwrap_or_default();
        self.shared.state.lock().processes.insert(pid, Process { max_bytes, killed: None });
        self.shared.changed.notify_one();
        WatchedProcess { shared: Arc::clone(&self.shared), pid }
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.shared.state.lock().is_over = true;
        self.shared.changed.notify_one();
    }
}

impl WatchedProcess {
    /// Returns whether it was ended for its memory.
    pub(super) fn excess(&self) -> Option<MemoryExcess> {
        self.shared.state.lock().processes.get(&self.pid).and_then(|process| process.killed)
    }
}

impl Drop for WatchedProcess {
    fn drop(&mut self) {
        self.shared.state.lock().processes.remove(&self.pid);
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock();
        while !state.is_over {
            if state.processes.is_empty() {
                self.changed.wait(&mut state);
                continue;
            }
            state.check(self.total_bytes);
            drop(state);
            std::thread::sleep(INTERVAL);
            state = self.state.lock();
        }
    }
}

impl State {
    fn check(&mut self, total_bytes: usize) {
        let (mut total, mut largest) = (0_usize, None);
        for (pid, process) in &mut self.processes {
            if process.killed.is_some() {
                continue;
            }
            let bytes = memory_bytes(*pid).unwrap_or(0);
            if bytes > process.max_bytes {
                process.kill(*pid, MemoryExcess::Own);
                continue;
            }
            total += bytes;
            if largest.is_none_or(|(most, _)| bytes > most) {
                largest = Some((bytes, *pid));
            }
        }
        if let Some((_, pid)) = largest.filter(|_| total > total_bytes)
            && let Some(process) = self.processes.get_mut(&pid)
        {
            process.kill(pid, MemoryExcess::Total);
        }
    }
}

impl Process {
    fn kill(&mut self, pid: i32, excess: MemoryExcess) {
        self.killed = Some(excess);
        if let Some(pid) = Pid::from_raw(pid) {
            // One that has ended already needs no end.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns the bytes that a process has for itself: neither the program's text nor files. `None` if the system does not
/// report them.
pub(super) fn memory_bytes(pid: i32) -> Option<usize> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    };
    Some((kib("RssAnon:")? + kib("RssShmem:").unwrap_or(0)) << 10)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_over_its_bound_or_the_largest_of_all_is_ended() {
        for (max_bytes, total_bytes, expected) in
            [(0, usize::MAX, MemoryExcess::Own), (usize::MAX, 0, MemoryExcess::Total)]
        {
            let watch = MemoryWatch::start(total_bytes).expect("a thread");
            // It waits for a line that never comes.
            let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat");
            let watched = watch.watch(child.id(), max_bytes);
            while watched.excess().is_none() {
                std::thread::yield_now();
            }
            assert_eq!(watched.excess(), Some(expected));
            drop(watched);
            assert!(!child.wait().expect("an end").success());
        }
    }
}

//! A worker as the server sees it: a process with two pipes and a directory for its spill files.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

use super::memory_watch::{MemoryExcess, memory_bytes};
use super::message::{MAX_FRAME_BYTES, Request, SqlWorkerSetup, Tag, to_json};
use super::spill_directory::SpillDirectory;

/// How long a process that was ended may take to be gone.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);
/// The overhead of an Arrow stream and a tag over a batch.
const FRAME_OVERHEAD_BYTES: usize = 8 << 20;
/// Lines of stderr that are kept for the cause of an end.
const MAX_LAST_LINES: usize = 20;

/// A worker.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    id: u32,
    stdin: ChildStdin,
    frames: FramedRead<ChildStdout, LengthDelimitedCodec>,
    /// The last lines that it wrote to stderr: the cause, where it broke off.
    last_lines: Arc<Mutex<VecDeque<String>>>,
    stderr: JoinHandle<()>,
    /// Statements that it has answered.
    pub(super) answered: usize,
    /// Removed after the process.
    _spill: SpillDirectory,
}

/// Why a worker ended in the middle of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndCause {
    Memory,
    Crash,
}

impl Process {
    /// Starts a worker.
    ///
    /// # Errors
    /// If the program cannot be started again.
    pub(super) async fn start(setup: &SqlWorkerSetup) -> Result<Self> {
        let failed = || "starting a process for queries in SQL";
        let spill = SpillDirectory::create(&std::env::temp_dir()).or_err(Kind::Unavailable, failed)?;
        let setup = SqlWorkerSetup { spill_directory: spill.path().to_owned(), ..setup.clone() };
        let mut command = Command::new(program()?);
        // Resolved values are sent to the worker; secrets of the server are not.
        let is_local = !setup.lake.contains("://");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("HOTSPOTS_") || is_local && text.starts_with("AWS_") {
                command.env_remove(&name);
            }
        }
        // A directory that is named to the engine is written to before there is anything to spill; this one is not.
        command.env("TMPDIR", spill.path());
        command.arg("sql-worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().or_err(Kind::Unavailable, failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::internal("a worker has no pipes"));
        };
        let id = child.id().unwrap_or_default();
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&last_lines);
        let stderr = tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::debug!(worker = id, "{line}");
                let mut kept = kept.lock();
                if kept.len() == MAX_LAST_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
        let codec =
            LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME_BYTES + FRAME_OVERHEAD_BYTES).new_codec();
        let frames = FramedRead::with_capacity(stdout, codec, 64 << 10);
        let mut process = Self { child, id, stdin, frames, last_lines, stderr, answered: 0, _spill: spill };
        process.write(&to_json(&setup)?).await.or_err(Kind::Unavailable, failed)?;
        Ok(process)
    }

    /// Returns its process id.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Bytes that it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        i32::try_from(self.id).ok().and_then(memory_bytes).unwrap_or(0)
    }

    /// Sends a request. A request that was sent in part only is the last one.
    ///
    /// # Errors
    /// If the process has ended.
    pub(super) async fn send(&mut self, request: &Request) -> Result<()> {
        let bytes = to_json(request)?;
        self.write(&bytes).await.or_err(Kind::Unavailable, || "asking a worker")
    }

    async fn write(&mut self, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).map_err(|_| std::io::ErrorKind::FileTooLarge)?;
        self.stdin.write_all(&length.to_be_bytes()).await?;
        self.stdin.write_all(payload).await?;
        self.stdin.flush().await
    }

    /// Returns the next frame; `None` if the process has ended. It is cancellation-safe.
    pub(super) async fn receive(&mut self) -> Option<(Tag, BytesMut)> {
        let mut frame = self.frames.next().await?.ok()?;
        if frame.is_empty() {
            return None;
        }
        let tag = frame.split_to(1);
        Some((Tag::read(tag[0])?, frame))
    }

    /// Ends it, if it has not ended, and waits until it is gone.
    pub(super) async fn end(mut self) -> Option<ExitStatus> {
        // One that is gone already cannot be ended.
        let _ = self.child.start_kill();
        timeout(EXIT_TIMEOUT, self.child.wait()).await.ok().and_then(Result::ok)
    }

    /// Returns why it ended, or why it was ended for its memory, and the error; `max_bytes` is its limit.
    pub(super) async fn explain_end(mut self, excess: Option<MemoryExcess>, max_bytes: usize) -> (EndCause, Error) {
        // A pipe that breaks comes before the end.
        let status = match timeout(EXIT_TIMEOUT, self.child.wait()).await {
            Ok(status) => status.ok(),
            Err(_) => None,
        };
        // Its last words are in the pipe still.
        let _ = timeout(EXIT_TIMEOUT, &mut self.stderr).await;
        let mut last_lines = self.last_lines.lock();
        let last_lines = last_lines.make_contiguous().join("\n");
        let (cause, error) = cause_of(excess, status, &last_lines, max_bytes);
        tracing::warn!(worker = self.id, ?status, last_lines, "a process for queries in SQL ended: {error}");
        (cause, error)
    }
}

fn cause_of(
    excess: Option<MemoryExcess>,
    status: Option<ExitStatus>,
    last_lines: &str,
    max_bytes: usize,
) -> (EndCause, Error) {
    let mib = max_bytes >> 20;
    let own = || {
        format!(
            "the query needed more than {mib} MiB, the limit of its process (by `request_memory_mib` of /limits); request less at a time"
        )
    };
    let memory = |text: String| (EndCause::Memory, Error::new(Kind::Exhausted, text));
    match excess {
        Some(MemoryExcess::Own) => return memory(own()),
        Some(MemoryExcess::Total) => {
            let text = "all queries together needed more memory than the server may use, and this one the most; request less at a time";
            return memory(text.to_owned());
        }
        None => {}
    }
    let signal = status.and_then(|status| status.signal());
    if last_lines.contains("memory allocation of") {
        return memory(own());
    }
    if signal == Some(rustix::process::Signal::KILL.as_raw()) {
        return memory(
            "the system ended the query's process: it had no more memory; request less at a time".to_owned(),
        );
    }
    let how = match (signal, status.and_then(|status| status.code())) {
        _ if last_lines.contains("stack overflow") => "its stack overflowed".to_owned(),
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "it does not answer".to_owned(),
    };
    let text = format!("the query ended its own process ({how}) and no other; simplify it, or split it");
    (EndCause::Crash, Error::new(Kind::Exhausted, text))
}

/// Returns the path of this program, also if its file has been replaced since it was started.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe().or_err(Kind::Internal, || "the program's own path")?;
    let running = PathBuf::from("/proc/self/exe");
    Ok(if own.exists() || !running.exists() { own } else { running })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_is_told_by_its_cause() {
        let status = |raw: i32| Some(ExitStatus::from_raw(raw));
        for (excess, status, line, cause, says) in [
            (Some(MemoryExcess::Own), status(9), "", EndCause::Memory, "more than 640 MiB"),
            (Some(MemoryExcess::Total), status(9), "", EndCause::Memory, "all queries together"),
            (
                None,
                status(6),
                "memory allocation of 8 bytes failed\nnote: a note",
                EndCause::Memory,
                "more than 640 MiB",
            ),
            (None, status(9), "", EndCause::Memory, "no more memory"),
            (None, status(6), "fatal runtime error: stack overflow, aborting", EndCause::Crash, "its stack overflowed"),
            (None, status(11), "", EndCause::Crash, "signal 11"),
            (None, status(256), "", EndCause::Crash, "exit code 1"),
            (None, None, "", EndCause::Crash, "does not answer"),
        ] {
            let (found, error) = cause_of(excess, status, line, 640 << 20);
            assert_eq!(found, cause, "{error}");
            assert!(error.message().contains(says), "{error}");
        }
    }
}

//! The built program, run from outside as a user runs it.

mod log;
mod running;

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use running::{Answer, Running};

/// How long a command may take before it counts as hung.
const DEADLINE: Duration = Duration::from_mins(5);

/// The output of a command and its exit code.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit code; 128 and the number of the signal where a signal ended it.
    pub status: i32,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl Output {
    /// Returns itself, if the command exited with 0.
    ///
    /// # Panics
    /// When it did not; the message contains the output of the command.
    pub fn success(self) -> Self {
        self.expect_status(0)
    }

    /// Returns itself, if the command exited with this code.
    ///
    /// # Panics
    /// When it did not; the message contains the output of the command.
    pub fn expect_status(self, status: i32) -> Self {
        let Self { status: got, stdout, stderr } = &self;
        assert_eq!(*got, status, "the exit code is not as expected\n-- stdout\n{stdout}\n-- stderr\n{stderr}");
        self
    }

    /// Parses stdout as one JSON value.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{}", self.stdout))
    }
}

/// How to run the program: binary, environment and working folder.
///
/// The caller's own `HOTSPOTS_*` and `RUST_LOG` never reach it.
#[derive(Clone, Debug)]
pub struct Program {
    binary: PathBuf,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
}

impl Program {
    /// Creates the program at this path; a test passes `env!("CARGO_BIN_EXE_hotspots-lake")`.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), env: Vec::new(), folder: None }
    }

    /// Sets the lake, by `HOTSPOTS_LAKE`.
    #[must_use]
    pub fn lake(self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().as_os_str().to_owned();
        self.env("HOTSPOTS_LAKE", path)
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Runs a command to its end, whatever that is.
    ///
    /// # Panics
    /// When it cannot be started, or does not end within five minutes.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Output {
        let mut child = self.spawn(args);
        let stdout = read_to_end(child.stdout.take().expect("stdout is piped"));
        let stderr = read_to_end(child.stderr.take().expect("stderr is piped"));
        let status = wait(&mut child, DEADLINE);
        if status.is_none() {
            child.kill().expect("a child that did not end can be killed");
        }
        let text = |reader: thread::JoinHandle<Vec<u8>>| {
            let bytes = reader.join().expect("a reader does not panic");
            String::from_utf8(bytes).expect("the program writes UTF-8")
        };
        let (stdout, stderr) = (text(stdout), text(stderr));
        let Some(status) = status else {
            panic!("{args:?} did not end within {DEADLINE:?}\n-- stderr\n{stderr}");
        };
        Output { status, stdout, stderr }
    }

    /// Starts a command that runs until it is stopped, with `--http 127.0.0.1:0` after its arguments, and returns when
    /// it reports its address.
    ///
    /// # Panics
    /// When it ends before that, or does not report it within a minute.
    #[must_use]
    pub fn spawn_serving(&self, args: &[&str]) -> Running {
        let args: Vec<&str> = args.iter().copied().chain(["--http", "127.0.0.1:0"]).collect();
        Running::when_listening(self.spawn(&args))
    }

    /// Starts a command and returns at once; for a test that kills it midway.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn_in_background(&self, args: &[&str]) -> Running {
        Running::at_once(self.spawn(args))
    }

    /// Returns the rows of an SQL query on this program's own lake.
    ///
    /// # Panics
    /// When the query fails or does not print an array.
    #[must_use]
    pub fn sql(&self, query: &str) -> Vec<Value> {
        match self.run(&["sql", "--format", "json", query]).success().json() {
            Value::Array(rows) => rows,
            other => panic!("sql --format json printed no array: {other}"),
        }
    }

    /// Returns the rows of an SQL query on a lake.
    ///
    /// # Panics
    /// When the query fails or does not print an array.
    #[must_use]
    pub fn sql_json(&self, lake: impl AsRef<Path>, query: &str) -> Vec<Value> {
        self.clone().lake(lake).sql(query)
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOTSPOTS_") {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG").envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()))
    }
}

/// Waits until the child ends; none when it did not within the time.
fn wait(child: &mut Child, most: Duration) -> Option<i32> {
    let deadline = Instant::now() + most;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(exit_code(status));
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn read_to_end(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

#[cfg(test)]
mod tests;

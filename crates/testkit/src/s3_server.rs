//! An S3 server for a test: moto's, in memory, on a free port; gone when dropped.
//!
//! Left alone, moto looks whether an object is there and then writes it, so that under load two conditional creations
//! succeed. Here it takes one request at a time, which makes each as atomic as S3's.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::{Program, missing_tool};

/// The secret that signs every request; no error may contain it.
pub const SECRET: &str = "a-secret-that-no-error-says";
/// The bucket that is there.
pub const BUCKET: &str = "lakes";

const KEY: &str = "test-key";
const REGION: &str = "us-east-1";
const SERVER: &str = "
import threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
app, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()
def in_turn(environ, start_response):
    with lock:
        return list(app(environ, start_response))
run_simple('127.0.0.1', 0, in_turn, threaded=True)
";
const SAID: &str = "Running on http://";
/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server with one empty bucket.
pub struct S3Server {
    url: String,
    child: Child,
}

impl S3Server {
    /// Starts one for a test; `None`, or a failure, if moto is not installed, which is reported.
    ///
    /// # Panics
    /// When it does not start, or where tools are required and it is missing.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let Some(python) = python() else {
            let how = "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python";
            missing_tool(test, "a Python with moto's server", how);
            return None;
        };
        let mut command = Command::new(python);
        command.args(["-c", SERVER]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("moto starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (say, said) = mpsc::channel();
        // It logs every request: unread output would fill the pipe and stop it.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once(SAID) {
                    drop(say.send(address.split_whitespace().next().unwrap_or_default().to_owned()));
                }
            }
        });
        let address = said.recv_timeout(PATIENCE).expect("moto reports its address");
        let server = Self { url: format!("http://{address}"), child };
        server.create_bucket();
        Some(server)
    }

    /// Returns its base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the program with a lake in this server's bucket.
    #[must_use]
    pub fn program(&self, program: Program, prefix: &str) -> Program {
        s3_program(program, &self.url).lake(format!("s3://{BUCKET}/{prefix}"))
    }

    fn create_bucket(&self) {
        let url = format!("{}/{BUCKET}", self.url);
        let work = async move {
            let client = reqwest::Client::builder().no_proxy().build().expect("a plain HTTP client can be made");
            client.put(url).send().await.expect("moto answers").status()
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let status = thread::spawn(move || runtime().block_on(work)).join().expect("a bucket is made");
        assert!(status.is_success(), "{status}");
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the program with the environment of an S3 client of the server at `url`.
#[must_use]
pub fn s3_program(program: Program, url: &str) -> Program {
    program
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_REGION", REGION)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ENDPOINT", url)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
}

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from)?;
    let has = Command::new(&python).args(["-c", "import moto.server, flask"]).output().ok()?;
    has.status.success().then_some(python)
}

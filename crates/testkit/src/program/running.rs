//! A running command: a server, or one that a test ends midway.

use std::process::{Child, Command};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use super::log::{Log, Waited};
use super::{exit_code, wait};

const LISTENING: &str = "listening on http://";

/// How long a server may take to listen, and to end once asked.
const PATIENCE: Duration = Duration::from_mins(1);

/// The answer of the server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns a header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} is not JSON: {error}\n{}", self.status, self.text()))
    }
}

/// A program that runs; killed when dropped.
pub struct Running {
    /// Where it listens, `http://127.0.0.1:PORT`; empty where it was not asked to.
    pub base_url: String,
    child: Child,
    stdout: Log,
    stderr: Log,
    client: reqwest::Client,
}

impl Running {
    pub(super) fn at_once(mut child: Child) -> Self {
        let stdout = Log::drain(child.stdout.take().expect("stdout is piped"));
        let stderr = Log::drain(child.stderr.take().expect("stderr is piped"));
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let client = client.expect("a plain HTTP client can be made");
        Self { base_url: String::new(), child, stdout, stderr, client }
    }

    pub(super) fn when_listening(child: Child) -> Self {
        let mut running = Self::at_once(child);
        let line = running.wait_for_log(LISTENING, PATIENCE);
        let (_, address) = line.split_once(LISTENING).expect("the line was found by this text");
        let of_address = |letter: char| letter.is_ascii_alphanumeric() || ".:[]-".contains(letter);
        let end = address.find(|letter| !of_address(letter)).unwrap_or(address.len());
        running.base_url = format!("http://{}", &address[..end]);
        running
    }

    /// Returns the first line on stderr that contains this text, waiting for it if necessary.
    ///
    /// # Panics
    /// When the program ends without it, or the time is over.
    pub fn wait_for_log(&self, part: &str, most: Duration) -> String {
        match self.stderr.wait_for(part, most) {
            Waited::Found(line) => line,
            Waited::Ended => panic!("the program ended without {part:?}\n{}", self.log()),
            Waited::TooLate => panic!("no {part:?} within {most:?}\n{}", self.log()),
        }
    }

    /// Sends `GET` for a path on this server, including a query.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.url(path))).await
    }

    /// Sends `GET` with request headers.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.client.get(self.url(path));
        self.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// Sends `POST` with a JSON value.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        let request = self.client.post(self.url(path)).header(CONTENT_TYPE, "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// Returns the address of a path on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns its stderr so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.stderr.text()
    }

    /// Returns its stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Asks it to end (`SIGTERM`) and waits until it does: its exit code.
    ///
    /// # Panics
    /// When it does not end within a minute.
    pub fn stop(&mut self) -> i32 {
        self.signal("-TERM");
        self.wait(PATIENCE)
    }

    /// Waits until it ends by itself, and returns its exit code.
    ///
    /// # Panics
    /// When it does not within the time.
    pub fn wait(&mut self, most: Duration) -> i32 {
        let Some(status) = wait(&mut self.child, most) else {
            panic!("the program did not end within {most:?}\n{}", self.log());
        };
        self.settle();
        status
    }

    /// Returns its exit code, if it has ended.
    ///
    /// # Panics
    /// When the system does not report it.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().expect("a child can be waited for").map(exit_code)
    }

    /// Ends it at once (`SIGKILL`), as a crash does.
    ///
    /// # Panics
    /// When the system does not let it.
    pub fn kill9(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
        self.settle();
    }

    /// Sends a signal by the system's `kill`, to a program that still runs.
    ///
    /// # Panics
    /// When that fails.
    pub fn signal(&mut self, signal: &str) {
        if self.ended().is_some() {
            return;
        }
        let id = self.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill can be run");
        assert!(sent.success() || self.ended().is_some(), "kill {signal} {id} failed");
    }

    /// Lets the readers take what a program that ended has left in its pipes.
    fn settle(&self) {
        self.stdout.wait_for_end(Duration::from_secs(5));
        self.stderr.wait_for_end(Duration::from_secs(5));
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let failed = |error: reqwest::Error| -> ! { panic!("{error:?}\n{}", self.log()) };
        let response = request.send().await.unwrap_or_else(|error| failed(error));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| failed(error));
        Answer { status, headers, body: body.to_vec() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

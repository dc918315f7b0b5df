//! A portal, or another server, that answers as scripted by a test, byte by byte.

use std::io::{BufRead as _, BufReader, Result, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that was made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The method and the complete target, as sent.
    pub(crate) line: String,
    pub(crate) path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Answer = dyn Fn(&Asked, &mut TcpStream) -> Result<()> + Send + Sync;

/// The server; each connection has one request, and a thread of its own.
pub(crate) struct RoguePortal {
    address: SocketAddr,
    asked: Arc<(Mutex<Vec<Asked>>, Condvar)>,
    stop: Arc<AtomicBool>,
}

impl RoguePortal {
    pub(crate) fn start(answer: impl Fn(&Asked, &mut TcpStream) -> Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, stop) = (Arc::<(Mutex<Vec<Asked>>, Condvar)>::default(), Arc::new(AtomicBool::new(false)));
        let (answer, served, stopped): (Arc<Answer>, _, _) = (Arc::new(answer), Arc::clone(&asked), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let (answer, served) = (Arc::clone(&answer), Arc::clone(&served));
                std::thread::spawn(move || serve(stream, &served, &*answer));
            }
        });
        Self { address, asked, stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.0.lock().expect("no test panics in it").clone()
    }

    /// Waits until it has been asked once.
    pub(crate) fn wait_until_asked(&self) {
        let (asked, more) = &*self.asked;
        let waited = more.wait_timeout_while(asked.lock().expect("a lock"), PATIENCE, |asked| asked.is_empty());
        assert!(!waited.expect("a lock").1.timed_out(), "no request came");
    }
}

impl Drop for RoguePortal {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The listener looks after the next connection only.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(mut stream: TcpStream, asked: &(Mutex<Vec<Asked>>, Condvar), answer: &Answer) {
    let Some(request) = read_head(&stream) else { return };
    asked.0.lock().expect("a lock").push(request.clone());
    asked.1.notify_all();
    // A client that leaves in the middle of an answer is what some tests are about.
    let _ = answer(&request, &mut stream);
}

fn read_head(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let line = lines.next()?;
    let target = line.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some(Asked { path: path.to_owned(), query, headers: headers.collect(), line: line.clone() })
}

/// Sends a complete answer.
pub(crate) fn answer(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<()> {
    head(stream, status, headers, Some(body.len() as u64))?;
    stream.write_all(body)
}

/// Sends the head of an answer, whose body ends with the connection if no length is given.
pub(crate) fn head(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], length: Option<u64>) -> Result<()> {
    let mut text = format!("HTTP/1.1 {status} As-Told\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    stream.write_all(format!("{text}\r\n").as_bytes())
}

/// Answers nothing for as long as the client stays.
pub(crate) fn hang(stream: &mut TcpStream) -> Result<()> {
    let mut end = Vec::new();
    std::io::Read::read_to_end(stream, &mut end).map(drop)
}

/// Answers as a dataset of these rows does, whose stamps are compared as text: pages in keyset order, and how many there
/// are. Rows without a stamp are served first, and after a cursor never again.
pub(crate) fn answer_rows(asked: &Asked, stream: &mut TcpStream, rows: &[Value]) -> Result<()> {
    let stamp = |row: &Value| row[":updated_at"].as_str().unwrap_or_default().to_owned();
    let id = |row: &Value| row[":id"].as_str().unwrap_or_default().to_owned();
    if asked.param("$select").is_some_and(|select| select.contains("count(*)")) {
        let newest = rows.iter().map(stamp).max();
        return json_answer(stream, &json!([{"n": rows.len().to_string(), "newest": newest}]));
    }
    let mut chosen: Vec<Value> = rows.to_vec();
    chosen.sort_by_key(|row| (stamp(row), id(row)));
    if let Some(filter) = asked.param("$where") {
        let texts: Vec<String> = filter.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        let (at, after) = (texts[0].clone(), texts.last().expect("an id").clone());
        chosen.retain(|row| (stamp(row), id(row)) > (at.clone(), after.clone()));
    }
    let limit = asked.param("$limit").map_or(1_000, |limit| limit.parse().expect("a number"));
    chosen.truncate(limit);
    json_answer(stream, &Value::from(chosen))
}

pub(crate) fn json_answer(stream: &mut TcpStream, body: &Value) -> Result<()> {
    answer(stream, 200, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

/// Returns the `n`th synthetic 311 case, as changed at `stamp`.
pub(crate) fn case(n: usize, stamp: &str) -> Value {
    json!({
        ":id": format!("row-{n:04}"), ":created_at": stamp, ":updated_at": stamp, ":version": format!("rv-{n:04}"),
        "service_request_id": n.to_string(), "requested_datetime": "2024-01-01T10:00:00.000",
        "service_name": "Graffiti", "lat": "37.77", "long": "-122.42",
    })
}

//! Many clients at once: each asks one question after the other on a connection of its own. A client in Python would
//! take the cores that the server needs.

use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The results of the clients.
#[derive(Debug)]
pub(crate) struct LoadReport {
    /// The time of each answer, from the first byte sent to the last byte received, ascending.
    pub(crate) latencies: Vec<Duration>,
    /// Answers with another status than 200.
    pub(crate) errors: usize,
    /// How long all of it took.
    pub(crate) elapsed: Duration,
}

impl LoadReport {
    /// Returns the report as JSON.
    pub(crate) fn to_json(&self) -> String {
        let answers = self.latencies.len();
        let at = |permille: usize| {
            let place = (answers * permille / 1_000).min(answers.saturating_sub(1));
            self.latencies.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
        };
        format!(
            r#"{{"answers":{answers},"errors":{},"seconds":{:.3},"p50_ms":{:.3},"p95_ms":{:.3},"p99_ms":{:.3}}}"#,
            self.errors,
            self.elapsed.as_secs_f64(),
            at(500),
            at(950),
            at(990)
        )
    }
}

/// Sends GET requests of these paths, each once, from that many clients until the time is over or all are asked.
pub(crate) fn run_clients(
    address: SocketAddr,
    paths: &[String],
    clients: usize,
    duration: Duration,
) -> Result<LoadReport> {
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let parts: Vec<Result<(Vec<Duration>, usize)>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..clients).map(|_| scope.spawn(|| run_client(address, paths, &next, begun + duration))).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(Error::other("a client panicked")))).collect()
    });
    let mut report = LoadReport { latencies: Vec::new(), errors: 0, elapsed: begun.elapsed() };
    for part in parts {
        let (latencies, errors) = part?;
        report.latencies.extend(latencies);
        report.errors += errors;
    }
    report.latencies.sort_unstable();
    Ok(report)
}

fn run_client(
    address: SocketAddr,
    paths: &[String],
    next: &AtomicUsize,
    end: Instant,
) -> Result<(Vec<Duration>, usize)> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::with_capacity(1 << 18, stream.try_clone()?), stream);
    let (mut latencies, mut errors, mut body) = (Vec::new(), 0, Vec::new());
    while Instant::now() < end
        && let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed))
    {
        let begun = Instant::now();
        write!(writer, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n\r\n")?;
        let status = read_answer(&mut reader, &mut body)?;
        latencies.push(begun.elapsed());
        errors += usize::from(status != 200);
    }
    Ok((latencies, errors))
}

/// Reads an answer with a length or in chunks, and returns its status.
fn read_answer(reader: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<u16> {
    let bad = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
    let status_line = read_line(reader)?;
    let status = status_line.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| bad("no status"))?;
    let mut length = None;
    loop {
        let line = read_line(reader)?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok();
        }
    }
    if let Some(length) = length {
        read_exactly(reader, body, length)?;
        return Ok(status);
    }
    loop {
        let line = read_line(reader)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(|_| bad("no length of a chunk"))?;
        // Each chunk is followed by an empty line.
        read_exactly(reader, body, length + 2)?;
        if length == 0 {
            return Ok(status);
        }
    }
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn read_exactly(reader: &mut BufReader<TcpStream>, body: &mut Vec<u8>, length: usize) -> Result<()> {
    body.resize(length, 0);
    reader.read_exact(body)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn every_path_is_asked_once_and_errors_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || serve(stream.expect("a connection")));
            }
        });
        let paths: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
        let report = run_clients(address, &paths, 4, Duration::from_secs(60)).expect("answers");
        assert_eq!((report.latencies.len(), report.errors), (100, 10), "every tenth path is an error");
    }

    /// Answers half of all paths with a length and half of them in chunks.
    fn serve(stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let mut writer = stream;
        while let Ok(line) = read_line(&mut reader) {
            let path: u32 = line.split(' ').nth(1).expect("a path")[1..].parse().expect("a number");
            while !read_line(&mut reader).expect("a header").is_empty() {}
            let status = if path.is_multiple_of(10) { "404 Not Found" } else { "200 OK" };
            let answer = if path.is_multiple_of(2) {
                format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nabc")
            } else {
                format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            };
            writer.write_all(answer.as_bytes()).expect("written");
        }
    }
}

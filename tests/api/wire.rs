//! HTTP as bytes on a socket: for what no well-behaved client does, such as asking and not reading.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lake_testkit::{Running, missing_tool};

/// How long a byte may be waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Creates a certificate for this machine and its key in a folder; without openssl the test reports that it did not
/// run.
pub(crate) fn certificate(test: &str, folder: &Path) -> Option<(String, String)> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-keyout", "server.key", "-out", "server.crt", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(folder)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        missing_tool(test, "openssl", "install it");
        return None;
    }
    let path = |name: &str| folder.join(name).to_str().expect("a path").to_owned();
    Some((path("server.crt"), path("server.key")))
}

/// One connection to a running server.
pub(crate) struct Wire(TcpStream);

impl Wire {
    /// Opens a connection without sending a request.
    pub(crate) fn connect(running: &Running) -> Self {
        Self::try_connect(running).expect("a connection")
    }

    /// Opens a connection, if the server accepts one.
    pub(crate) fn try_connect(running: &Running) -> std::io::Result<Self> {
        let address = running.base_url.strip_prefix("http://").expect("an address");
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// Asks, on a connection that stays open.
    pub(crate) fn ask(&mut self, path: &str, headers: &[(&str, &str)]) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: lake\r\n{headers}\r\n"));
    }

    /// Sends part of a request.
    pub(crate) fn send(&mut self, part: &str) {
        self.0.write_all(part.as_bytes()).expect("a part is sent");
    }

    /// Reads the head of an answer and not a byte of its body.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            assert_eq!(self.0.read(&mut byte).expect("a byte of the head"), 1, "the connection ended in the head");
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("text")
    }

    /// Reads a body to its end, of the length or in the chunks that its head names; `None` if it breaks off before that.
    pub(crate) fn body(mut self, head: &str) -> Option<Vec<u8>> {
        let head = head.to_ascii_lowercase();
        let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length:")) else {
            return self.chunks();
        };
        let mut bytes = vec![0; length.trim().parse().expect("a length")];
        self.fill(&mut bytes)?;
        Some(bytes)
    }

    /// Reads a body in chunks to its end; `None` if it breaks off before that.
    pub(crate) fn chunks(mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                line.push(self.byte()?);
            }
            let size = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
            let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("{size:?} is not a size of a chunk"));
            let begin = bytes.len();
            bytes.resize(begin + size + 2, 0);
            self.fill(&mut bytes[begin..])?;
            bytes.truncate(begin + size);
            if size == 0 {
                return Some(bytes);
            }
        }
    }

    /// Reads what comes until the connection ends, and whether it was reset.
    pub(crate) fn rest(mut self) -> (Vec<u8>, bool) {
        let mut rest = Vec::new();
        let is_reset = match self.0.read_to_end(&mut rest) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
            Err(error) => panic!("the connection does not end: {error}"),
        };
        (rest, is_reset)
    }

    /// Reads until the server closes the connection.
    pub(crate) fn end(mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection does not end: {error}"),
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.fill(&mut byte)?;
        Some(byte[0])
    }

    /// Fills the buffer; `None` if the connection ends before that.
    fn fill(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.0.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => None,
            Err(error) => panic!("reading an answer: {error}"),
        }
    }
}

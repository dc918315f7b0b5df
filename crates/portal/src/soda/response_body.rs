//! The bodies of a portal's answers, read within bounds: of bytes sent, of bytes unpacked, and of how many the latter
//! may be of the former.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use lake_model::{Error, Kind};
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;

/// The most bytes of a page, unpacked.
pub(crate) const MAX_PAGE_BYTES: usize = 256 << 20;
/// The most bytes of any other answer, unpacked: of counts, of metadata, of boundaries.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 20;
/// The most bytes of an error's body that are read.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// How long an error's body is waited for: the status already has the main information.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);
/// Up to this many bytes, an answer may decompress to any multiple of its size.
const FREE_UNPACKED_BYTES: usize = 16 << 20;
/// The most bytes that one sent byte may unpack to. Rows of JSON shrink to a twentieth; deflate reaches a thousandth.
const MAX_UNPACKED_RATIO: usize = 250;

/// Reads a body of at most `max_bytes`.
///
/// # Errors
/// If it is longer, is cut off, or has a compression that was not requested.
pub(crate) async fn read_body(mut response: Response, max_bytes: usize) -> Result<Bytes, Error> {
    let too_long = || {
        let text =
            format!("the answer is longer than {} MiB; if its rows are large, lower --page-size", max_bytes >> 20);
        Error::new(Kind::Exhausted, text)
    };
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Err(too_long());
    }
    let mut unpacker = Unpacker::new(&response, max_bytes)?;
    let mut sent = 0;
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            Error::new(Kind::Unavailable, "the connection was cut").with_source(error.without_url())
        })?;
        let Some(chunk) = chunk else { break };
        sent += chunk.len();
        if sent > max_bytes {
            return Err(too_long());
        }
        let is_whole = unpacker.write(&chunk)?;
        let unpacked = unpacker.unpacked();
        if unpacked > FREE_UNPACKED_BYTES && unpacked / MAX_UNPACKED_RATIO > sent {
            let text = format!("{sent} bytes of the answer unpack to more than {unpacked}, as no rows do");
            return Err(Error::new(Kind::Exhausted, text));
        }
        if !is_whole {
            return Err(too_long());
        }
    }
    unpacker.finish()
}

/// Reads the beginning of an error's body; nothing of it where it cannot be read.
pub(crate) async fn read_error_body(mut response: Response) -> Vec<u8> {
    let Ok(mut unpacker) = Unpacker::new(&response, MAX_ERROR_BYTES) else { return Vec::new() };
    let read = async {
        let mut sent = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            sent += chunk.len();
            if !matches!(unpacker.write(&chunk), Ok(true)) || sent > MAX_ERROR_BYTES {
                break;
            }
        }
    };
    // The part that has arrived by then is sufficient.
    let _ = tokio::time::timeout(ERROR_BODY_WAIT, read).await;
    unpacker.into_bytes()
}

/// Bytes up to a limit; bytes beyond it are dropped.
struct Bounded {
    bytes: Vec<u8>,
    max_bytes: usize,
    is_whole: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.max_bytes - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.is_whole = false;
            return Err(std::io::Error::other("longer than its bound"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Takes a body as it comes, packed or not.
enum Unpacker {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

impl Unpacker {
    fn new(response: &Response, max_bytes: usize) -> Result<Self, Error> {
        let bounded = Bounded { bytes: Vec::new(), max_bytes, is_whole: true };
        let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
        match encoding.as_deref() {
            None | Some(b"" | b"identity") => Ok(Self::Plain(bounded)),
            Some(b"gzip" | b"x-gzip") => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(bounded)))),
            Some(_) => Err(Error::new(Kind::Unavailable, "the answer has a compression that was not requested")),
        }
    }

    fn bounded(&self) -> &Bounded {
        match self {
            Self::Plain(bounded) => bounded,
            Self::Gzip(decoder) => decoder.get_ref(),
        }
    }

    fn unpacked(&self) -> usize {
        self.bounded().bytes.len()
    }

    /// Takes more of it; whether it is still within the bound.
    fn write(&mut self, chunk: &[u8]) -> Result<bool, Error> {
        let written = match self {
            Self::Plain(bounded) => bounded.write_all(chunk),
            Self::Gzip(decoder) => decoder.write_all(chunk),
        };
        match written {
            Ok(()) => Ok(true),
            Err(_) if !self.bounded().is_whole => Ok(false),
            Err(error) => Err(broken(error)),
        }
    }

    fn finish(self) -> Result<Bytes, Error> {
        let bounded = match self {
            Self::Plain(bounded) => bounded,
            Self::Gzip(decoder) => decoder.finish().map_err(broken)?,
        };
        Ok(Bytes::from(bounded.bytes))
    }

    fn into_bytes(mut self) -> Vec<u8> {
        match &mut self {
            Self::Plain(bounded) => std::mem::take(&mut bounded.bytes),
            Self::Gzip(decoder) => {
                // The bytes written so far are decompressed; a truncated end is not a loss here.
                let _ = decoder.flush();
                std::mem::take(&mut decoder.get_mut().bytes)
            }
        }
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "the answer is cut off, or is not the gzip that its header declares")
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_keeps_what_fits_and_says_that_there_was_more() {
        let mut bounded = Bounded { bytes: Vec::new(), max_bytes: 5, is_whole: true };
        assert!(bounded.write_all(b"abc").is_ok() && bounded.is_whole);
        assert!(bounded.write_all(b"defg").is_err());
        assert_eq!((bounded.bytes.as_slice(), bounded.is_whole), (b"abcde".as_slice(), false));
    }
}

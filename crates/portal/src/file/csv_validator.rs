//! CSV by RFC 4180: input that the CSV reader would accept and land wrong is an error with its line.

use std::io::{Error, ErrorKind, Read, Result};

/// The longest quoted field. A quote that is never closed would make one field of all that follows.
const MAX_QUOTED_BYTES: usize = 16 << 20;

/// Where in a record the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CsvPosition {
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote within a quoted field: its end, or the first of two.
    Quote,
}

/// Hands on the bytes of CSV and watches their quotes.
#[derive(Debug)]
pub(crate) struct CsvValidator<R> {
    input: R,
    position: CsvPosition,
    line: u64,
    /// The line on which the quoted field begins.
    quoted_from: u64,
    quoted_bytes: usize,
    last: u8,
}

impl<R: Read> CsvValidator<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, position: CsvPosition::FieldStart, line: 1, quoted_from: 0, quoted_bytes: 0, last: b'\n' }
    }

    /// Returns whether the last line has its end.
    pub(crate) fn ends_with_a_line(&self) -> bool {
        matches!(self.last, b'\n' | b'\r')
    }

    fn watch_replicas(&mut self, bytes: &[u8]) -> Result<()> {
        for &byte in bytes {
            // A carriage return ends a line alone too.
            self.line += u64::from(self.last == b'\r' && byte != b'\n');
            self.position = match (self.position, byte) {
                (_, 0) => {
                    let line = self.line;
                    return Err(broken(format!("line {line} holds a NUL byte; save the file as text in UTF-8")));
                }
                (CsvPosition::FieldStart, b'"') => {
                    self.quoted_from = self.line;
                    self.quoted_bytes = 0;
                    CsvPosition::Quoted
                }
                (CsvPosition::Quoted, b'"') => CsvPosition::Quote,
                (CsvPosition::Quoted, _) => {
                    self.quoted_bytes += 1;
                    if self.quoted_bytes > MAX_QUOTED_BYTES {
                        return Err(self.unclosed(&format!("within {} MiB", MAX_QUOTED_BYTES >> 20)));
                    }
                    CsvPosition::Quoted
                }
                (CsvPosition::Quote, b'"') => CsvPosition::Quoted,
                (_, b',' | b'\n' | b'\r') => CsvPosition::FieldStart,
                (CsvPosition::Quote, _) => {
                    return Err(broken(format!(
                        "line {}: text behind the quote that closes a field; a quote within a quoted field is doubled",
                        self.line
                    )));
                }
                (CsvPosition::FieldStart | CsvPosition::Unquoted, _) => CsvPosition::Unquoted,
            };
            self.line += u64::from(byte == b'\n');
            self.last = byte;
        }
        Ok(())
    }

    fn unclosed(&self, where_: &str) -> Error {
        broken(format!(
            "line {}: the quoted field that begins here is not closed {where_}; was the download cut off?",
            self.quoted_from
        ))
    }
}

fn broken(text: String) -> Error {
    Error::new(ErrorKind::InvalidData, text)
}

impl<R: Read> Read for CsvValidator<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.input.read(buffer)?;
        self.watch_replicas(&buffer[..read])?;
        if read == 0 && !buffer.is_empty() && self.position == CsvPosition::Quoted {
            return Err(self.unclosed("before the end of the file"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> std::result::Result<(), String> {
        let mut guard = CsvValidator::new(text);
        std::io::copy(&mut guard, &mut std::io::sink()).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn whole_csv_passes_whatever_its_line_ends() {
        for text in
            ["", "a,b\n1,2", "a,b\r\n\"1\r\n,\"\"\",2\r\n", "a,b\r1,\"2\"", "a,b\n5\" pipe,\"\"\n", "\"a\",\"b\""]
        {
            assert_eq!(read(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn broken_csv_is_told_with_its_line() {
        for (text, says) in [
            ("a,b\n1,\"2", "line 2: the quoted field"),
            ("a\r1\r\"2\n\n", "line 3: the quoted field"),
            ("a,b\n\"x\"y,2\n", "line 2: text behind the quote"),
            ("a,b\n\"x\" ,2\n", "line 2: text behind the quote"),
            ("a,b\r\n1,\x002\n", "line 2 holds a NUL"),
            ("a,b\n1,\"\"\"", "line 2: the quoted field"),
        ] {
            let error = read(text.as_bytes()).expect_err(says);
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}

//! A saved file as text: decompressed, without a byte order mark; another format is rejected with an error.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use lake_model::{Error, Kind, Result, ResultExt};

/// The first bytes of files that are not UTF-8 text, and their formats.
const OTHERS: [(&[u8], &str); 9] = [
    (b"\xFF\xFE\0\0", "UTF-32 text: save it as UTF-8"),
    (b"\0\0\xFE\xFF", "UTF-32 text: save it as UTF-8"),
    (b"\xFF\xFE", "UTF-16 text, as PowerShell and spreadsheets' \"Unicode text\" are: save it as UTF-8"),
    (b"\xFE\xFF", "UTF-16 text: save it as UTF-8"),
    (b"\x1F\x8B", "packed with gzip: let its name end with .gz"),
    (b"PK\x03\x04", "a ZIP archive or a workbook: unpack it, or save its sheet as CSV in UTF-8"),
    (b"\xD0\xCF\x11\xE0", "a workbook: save its sheet as CSV in UTF-8"),
    (b"PAR1", "a Parquet file: rows are saved as .json or .csv"),
    (b"%PDF", "a PDF document: rows are saved as .json or .csv"),
];
/// The byte order mark that some programs write before UTF-8 text.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The bytes that are read to recognise what a file is.
const SNIFFED_BYTES: u64 = 1024;

/// The most bytes of a row, including bytes that are read ahead.
const MAX_ROW_BYTES: usize = 64 << 20;

/// Opens a saved file whose name ends with `.gz` or not.
///
/// # Errors
/// If it cannot be read, or is something else than text in UTF-8.
pub(crate) fn open_text(path: &Path) -> Result<Box<dyn BufRead>> {
    // Opening a named pipe waits for its writer.
    let metadata = std::fs::metadata(path).or_err(Kind::NotFound, || "the file cannot be opened")?;
    if !metadata.is_file() {
        return Err(Error::invalid("not a file: a saved file is read twice, to check it before any row lands"));
    }
    let file = File::open(path).or_err(Kind::NotFound, || "the file cannot be opened")?;
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let mut input: Box<dyn Read> =
        if packed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
    let mut start = Vec::new();
    input.by_ref().take(SNIFFED_BYTES).read_to_end(&mut start).map_err(|error| unreadable(&error, packed))?;
    if let Some((_, what)) = OTHERS.iter().find(|(bytes, _)| start.starts_with(bytes)) {
        return Err(Error::invalid(format!("the file is {what}")));
    }
    if start.starts_with(BYTE_ORDER_MARK) {
        start.drain(..BYTE_ORDER_MARK.len());
    }
    if start.contains(&0) {
        let line = 1 + start.split(|b| *b == 0).next().unwrap_or_default().iter().filter(|b| **b == b'\n').count();
        let what = "a NUL byte, so this is not UTF-8 text; save it as UTF-8";
        return Err(Error::invalid(format!("line {line} holds {what}")));
    }
    Ok(Box::new(BufReader::with_capacity(1 << 20, Cursor::new(start).chain(input))))
}

/// Returns why a file could not be read to its end.
pub(crate) fn unreadable(error: &std::io::Error, packed: bool) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidData => Error::invalid(error.to_string()),
        _ if packed => Error::invalid(format!("the gzip data is damaged or cut off ({error}); save the file again")),
        _ => Error::invalid(format!("the file cannot be read: {error}")),
    }
}

/// Text of rows that fails if a row does not end: an incomplete row is held in memory.
pub(crate) struct RowBound {
    input: Box<dyn BufRead>,
    row_bytes: RowBytes,
}

/// Bytes read since the last row ended; its reader sets it to zero.
pub(crate) type RowBytes = Rc<Cell<usize>>;

impl RowBound {
    pub(crate) fn new(input: Box<dyn BufRead>) -> (Self, RowBytes) {
        let row_bytes = RowBytes::default();
        (Self { input, row_bytes: Rc::clone(&row_bytes) }, row_bytes)
    }
}

impl Read for RowBound {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        if self.row_bytes.get() > MAX_ROW_BYTES {
            let text = format!("a row is longer than {} MiB", MAX_ROW_BYTES >> 20);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
        }
        let read = self.input.read(bytes)?;
        self.row_bytes.set(self.row_bytes.get() + read);
        Ok(read)
    }
}

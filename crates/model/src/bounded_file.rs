//! User files that are read completely: within a size limit, and from a directory only regular ones.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::{Error, Kind, Result, ResultExt as _};

/// The most bytes of a file of settings, definitions, queries, tokens or keys.
pub const MAX_TEXT_FILE_BYTES: u64 = 4 << 20;

/// Reads a text file that was found in a directory.
///
/// # Errors
/// If it is not a regular file (opening a pipe would wait for its other end), is longer than [`MAX_TEXT_FILE_BYTES`],
/// is not UTF-8, or cannot be read.
pub fn read_regular_file(path: &Path) -> Result<String> {
    let shown = path.display();
    let about = std::fs::metadata(path).or_err(Kind::Invalid, || format!("{shown} cannot be read"))?;
    if !about.is_file() {
        return Err(Error::invalid(format!(
            "{shown} is not a regular file; move it out of the directory, or rename it"
        )));
    }
    read_text_file(path)
}

/// Reads a text file that a user has named: a pipe will do.
///
/// # Errors
/// If it is longer than [`MAX_TEXT_FILE_BYTES`], is not UTF-8, or cannot be read.
pub fn read_text_file(path: &Path) -> Result<String> {
    let shown = path.display();
    let bytes = read_file(path)?;
    String::from_utf8(bytes).or_err(Kind::Invalid, || format!("{shown} is not UTF-8 text"))
}

/// Reads a file that a user has named: a pipe will do.
///
/// # Errors
/// If it is longer than [`MAX_TEXT_FILE_BYTES`], or cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let unreadable = || format!("{shown} cannot be read");
    let file = File::open(path).or_err(Kind::Invalid, unreadable)?;
    read_bounded(file).or_err(Kind::Invalid, unreadable)?.ok_or_else(|| {
        Error::invalid(format!("{shown} is longer than {} MiB; is it the right file?", MAX_TEXT_FILE_BYTES >> 20))
    })
}

/// Reads a source to its end; nothing if it is longer than [`MAX_TEXT_FILE_BYTES`].
///
/// # Errors
/// If reading fails.
pub fn read_bounded(source: impl std::io::Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(MAX_TEXT_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= MAX_TEXT_FILE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_given_up_at_the_bound() {
        let error = read_text_file(Path::new("/dev/zero")).expect_err("no end").to_string();
        assert!(error.contains("longer than 4 MiB"), "{error}");
        let error = read_regular_file(Path::new("/dev/zero")).expect_err("a device").to_string();
        assert!(error.contains("not a regular file"), "{error}");
        let error = read_regular_file(&std::env::temp_dir()).expect_err("a directory").to_string();
        assert!(error.contains("not a regular file"), "{error}");
        let within = read_bounded(std::io::repeat(b'x').take(MAX_TEXT_FILE_BYTES)).expect("read");
        assert_eq!(within.map(|bytes| bytes.len() as u64), Some(MAX_TEXT_FILE_BYTES));
    }
}

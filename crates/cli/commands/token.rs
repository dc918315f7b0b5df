//! `token new`: makes a token and shows it once; the file of tokens keeps its hash.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use lake_model::{Error, Kind, Result, ResultExt as _};
use lake_serve::fresh_token;
use rustix::fs::{FileType, fstat};

use crate::args::{Token, TokenCommand};
use crate::output;

pub(crate) fn run(args: &Token) -> Result<u8> {
    let TokenCommand::New { name, token_file, scope } = &args.command;
    if token_file.is_none() && is_file(&std::io::stdout()) {
        return Err(Error::invalid(
            "stdout is a file, which would contain the token itself: give --token-file FILE, which appends the token's line \
             to FILE, and let the token be printed",
        ));
    }
    let (token, line) = fresh_token(name, *scope)?;
    match token_file {
        Some(path) => {
            append(path, &line)?;
            output::note(&format!("Its line is in {}. The token, which is nowhere else:", path.display()));
            output::print(&format!("{}\n", token.expose()))?;
        }
        None => {
            output::note("The token, which is nowhere else, and then its line for the file of --token-file:");
            output::print(&format!("{}\n{line}\n", token.expose()))?;
        }
    }
    Ok(0)
}

/// Returns whether an output is a regular file.
fn is_file(output: &impl std::os::fd::AsFd) -> bool {
    fstat(output).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file())
}

/// Appends a line to a file that its owner alone may read, unless it is there already.
fn append(path: &Path, line: &str) -> Result<()> {
    let failed = || format!("the token file {} cannot be written", path.display());
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let mut file = file.or_err(Kind::Invalid, failed)?;
    file.write_all(format!("{line}\n").as_bytes()).or_err(Kind::Invalid, failed)
}

//! The tokens that are known: those of the environment, and those of a file that may change meanwhile.
//!
//! Only tokens in the current file are valid: removing its line revokes a token, and without the file no token is
//! valid.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lake_model::{Error, Result, read_text_file};
use parking_lot::Mutex;

use super::options::AccessOptions;
use super::token::{Scope, TokenEntry, hash};

/// Where the tokens that are no lines of the file can come from.
const READ_TOKEN: &str = "the token of --token, HOTSPOTS_TOKEN or `token` of the config file";
const ADMIN_TOKEN: &str = "the token of --admin-token, HOTSPOTS_ADMIN_TOKEN or `admin-token` of the config file";

/// The greatest age of the file's tokens when one is checked.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct TokenStore {
    /// Of the environment.
    fixed: Vec<TokenEntry>,
    file: Option<TokenFile>,
}

#[derive(Debug)]
struct TokenFile {
    path: PathBuf,
    state: Mutex<FileState>,
}

#[derive(Debug)]
struct FileState {
    at: Instant,
    /// The content of the file; empty if it could not be read.
    text: String,
    known: Arc<Vec<TokenEntry>>,
}

impl TokenStore {
    /// Returns the tokens of the options; `None` if they have none.
    pub(super) fn from_options(options: AccessOptions) -> Result<Option<Self>> {
        let of = |token: &Option<_>, name, scope, what| {
            token.as_ref().map(|token| TokenEntry::from_token(name, scope, token, what))
        };
        let fixed = [
            of(&options.read_token, "HOTSPOTS_TOKEN", Scope::Read, READ_TOKEN),
            of(&options.admin_token, "HOTSPOTS_ADMIN_TOKEN", Scope::Admin, ADMIN_TOKEN),
        ];
        let fixed = fixed.into_iter().flatten().collect::<Result<Vec<_>>>()?;
        let file = options.token_file.map(TokenFile::open).transpose()?;
        Ok((!fixed.is_empty() || file.is_some()).then_some(Self { fixed, file }))
    }

    /// Returns the entry of the token that was sent, if it is valid. It is compared with every entry, so that the time
    /// does not depend on which one matches.
    pub(super) fn find(&self, shown: &str) -> Option<TokenEntry> {
        let shown = hash(shown);
        let of_file = self.file.as_ref().map(TokenFile::entries).unwrap_or_default();
        let mut found = None;
        for known in self.fixed.iter().chain(of_file.iter()) {
            if known.hash == shown {
                found = Some(known);
            }
        }
        found.cloned()
    }
}

impl TokenFile {
    /// Reads the file for the first time.
    fn open(path: PathBuf) -> Result<Self> {
        let text = read(&path)?;
        let known = Arc::new(parse_lines(&path, &text).collect::<Result<Vec<_>>>()?);
        Ok(Self { path, state: Mutex::new(FileState { at: Instant::now(), text, known }) })
    }

    /// Returns the tokens of the file as it is now, or was a moment ago. It is small: reading it costs as little as
    /// asking when it was changed, and sees every change.
    fn entries(&self) -> Arc<Vec<TokenEntry>> {
        let mut last = self.state.lock();
        if last.at.elapsed() >= RELOAD_INTERVAL {
            last.at = Instant::now();
            let text = read(&self.path).unwrap_or_else(|error| {
                tracing::error!(%error, "the tokens of the file are not known until it can be read");
                String::new()
            });
            if text != last.text {
                // An invalid line grants no access; the other lines are used.
                let right = parse_lines(&self.path, &text).filter_map(|known| {
                    known.inspect_err(|error| tracing::error!(%error, "a token is not known")).ok()
                });
                last.known = Arc::new(right.collect());
                last.text = text;
                tracing::info!(tokens = last.known.len(), file = %self.path.display(), "the token file was read again");
            }
        }
        Arc::clone(&last.known)
    }
}

fn read(path: &Path) -> Result<String> {
    read_text_file(path).map_err(|error| error.context("--token-file"))
}

/// Parses the file's tokens: every line that is neither empty nor a comment.
fn parse_lines<'a>(path: &'a Path, text: &'a str) -> impl Iterator<Item = Result<TokenEntry>> + 'a {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(move |(number, line)| {
        line.parse::<TokenEntry>().map_err(|error: Error| error.context(format!("{}, line {number}", path.display())))
    })
}

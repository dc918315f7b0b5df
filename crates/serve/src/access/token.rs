//! Bearer tokens (RFC 6750), what they allow, and the line of the token file that recognises one by its hash.

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lake_model::{Error, Result, Secret, listed};
use strum::{Display, EnumString, VariantNames};
use uuid::Uuid;

/// The prefix of every token of this program, so that a token that is found in a log or a repository can be recognised.
pub(crate) const PREFIX: &str = "hotspots_";
/// The prefix of the hash in a line.
const ALGORITHM: &str = "blake3:";
/// A shorter token could be guessed.
const MIN_TOKEN_CHARS: usize = 16;

/// The scope of a token. A greater one includes the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown_scope)]
pub enum Scope {
    /// Everything about the lake.
    Read,
    /// The scope that also allows reading data about the process.
    Admin,
}

fn unknown_scope(text: &str) -> Error {
    let names = listed(Scope::VARIANTS.iter().copied());
    Error::invalid(format!("`{text}` is not a scope: expected {names}"))
}

/// A token as a line of the file describes it.
#[derive(Clone, Debug)]
pub(super) struct TokenEntry {
    pub(super) name: String,
    pub(super) scope: Scope,
    /// Compared in constant time, as `blake3::Hash` does.
    pub(super) hash: blake3::Hash,
}

impl TokenEntry {
    /// Creates the entry of a token that is configured as plain text; `what` names the options that set it.
    pub(super) fn from_token(name: &str, scope: Scope, token: &Secret, what: &str) -> Result<Self> {
        let remedy = "make one with `hotspots-lake token new NAME`";
        if token.is_empty() {
            // A server with a token set is not meant to be open.
            return Err(Error::invalid(format!("{what} is empty; {remedy}, or do not set it")));
        }
        if token.expose().len() < MIN_TOKEN_CHARS {
            return Err(Error::invalid(format!("{what} has fewer than {MIN_TOKEN_CHARS} characters; {remedy}")));
        }
        Ok(Self { name: name.to_owned(), scope, hash: hash(token.expose()) })
    }
}

impl FromStr for TokenEntry {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let [name, scope, hash] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            let remedy = "`hotspots-lake token new NAME` prints one";
            return Err(Error::invalid(format!("expected a line of name, scope and hash; {remedy}")));
        };
        let digits = hash.strip_prefix(ALGORITHM).unwrap_or_default();
        let hash = blake3::Hash::from_hex(digits).map_err(|_| {
            Error::invalid(format!(
                "its hash is not valid: expected {ALGORITHM} and 64 hexadecimal digits, never the token"
            ))
        })?;
        Ok(Self { name: name.to_owned(), scope: scope.parse()?, hash })
    }
}

/// Returns a new token, to be shown once, and its line for the token file.
///
/// # Errors
/// If the name is not valid: letters, digits, `.`, `-` and `_`.
pub fn fresh_token(name: &str, scope: Scope) -> Result<(Secret, String)> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        let what = "up to 64 letters, digits, `.`, `-` and `_`";
        return Err(Error::invalid(format!("`{name}` is not a name of a token: expected {what}")));
    }
    // Two random UUIDs hold 244 bits of the system's randomness.
    let random = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
    let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
    let line = format!("{name} {scope} {ALGORITHM}{}", hash(&token));
    Ok((Secret::from(token), line))
}

/// Returns the hash of a token. A fast hash is sufficient: a token consists of random bits, which a dictionary attack
/// cannot find.
pub(super) fn hash(token: &str) -> blake3::Hash {
    blake3::hash(token.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_token_is_known_by_its_line_which_does_not_hold_it() {
        let (token, line) = fresh_token("map", Scope::Admin).expect("a token");
        let known: TokenEntry = line.parse().expect("a line");
        assert_eq!((known.name.as_str(), known.scope, known.hash), ("map", Scope::Admin, hash(token.expose())));
        assert!(!line.contains(token.expose()));
        assert_ne!(token, fresh_token("map", Scope::Admin).expect("another").0);
        for name in ["", "a b", "ü", "#"] {
            assert!(fresh_token(name, Scope::Read).is_err(), "{name}");
        }
    }

    #[test]
    fn a_line_that_is_none_says_why() {
        for (line, says) in [
            ("map", "name, scope and hash"),
            ("map write blake3:00", "blake3:"),
            (&format!("map write blake3:{}", "0".repeat(64)), "read or admin"),
            ("map read hotspots_abcdefgh", "never the token"),
        ] {
            let error = line.parse::<TokenEntry>().expect_err(line);
            assert!(error.message().replace('`', "").contains(says), "{error}");
        }
    }
}

//! The bytes of a log entry: sealed with a checksum and signed with the commit's id, and checked when they are read.

use bytes::Bytes;
use lake_model::{Error, Kind, Result};
use serde::de::IgnoredAny;
use uuid::Uuid;

/// How a sealed entry begins. Its first line is the commit info, whose members are the writer's own business.
const HEAD: &str = r#"{"commitInfo":{"blake3":""#;
const COMMIT_INFO: &str = r#"{"commitInfo":{"#;
const HEX: usize = 64;

fn signature(id: &Uuid) -> String {
    format!(r#"","txnId":"{id}","#)
}

/// The entry with its checksum, which covers all that follows it, and the id of the commit that it is.
pub(crate) fn seal(entry: &[u8], id: &Uuid) -> Result<Bytes> {
    let Some(rest) = entry.strip_prefix(COMMIT_INFO.as_bytes()) else {
        return Err(Error::internal("a log entry that does not begin with its commit info"));
    };
    let mut covered = signature(id).into_bytes();
    covered.extend_from_slice(rest);
    let sum = blake3::hash(&covered).to_hex();
    Ok([HEAD.as_bytes(), sum.as_bytes(), &covered].concat().into())
}

/// Whether an entry is the commit with this id.
pub(crate) fn is_commit(entry: &[u8], id: &Uuid) -> bool {
    entry.get(HEAD.len() + HEX..).is_some_and(|rest| rest.starts_with(signature(id).as_bytes()))
}

/// Checks an entry as it was read. One of another writer has no checksum: it must be lines of JSON.
///
/// # Errors
/// If it is not what was written: the text says how.
pub(crate) fn check(entry: &[u8]) -> Result<()> {
    let damaged = |how: &str| Err(Error::new(Kind::Data, how));
    if let Some(rest) = entry.strip_prefix(HEAD.as_bytes()) {
        return match rest.split_at_checked(HEX) {
            Some((sum, covered)) if blake3::hash(covered).to_hex().as_bytes() == sum => Ok(()),
            _ => damaged("does not have the bytes that were written"),
        };
    }
    let mut lines = entry.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).peekable();
    if lines.peek().is_none() {
        return damaged("is empty");
    }
    let object = |line: &[u8]| line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok();
    if lines.all(|line| object(line.trim_ascii())) { Ok(()) } else { damaged("is not made of lines of JSON") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(id: &Uuid) -> Vec<u8> {
        let entry = b"{\"commitInfo\":{\"timestamp\":1,\"operation\":\"WRITE\"}}\n{\"add\":{\"path\":\"a\"}}";
        seal(entry, id).expect("sealed").to_vec()
    }

    #[test]
    fn a_sealed_entry_is_json_lines_and_knows_its_commit() {
        let id = Uuid::new_v4();
        let entry = sealed(&id);
        check(&entry).expect("whole");
        assert!(is_commit(&entry, &id));
        assert!(!is_commit(&entry, &Uuid::new_v4()));
        let text = String::from_utf8(entry).expect("text");
        let info: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        assert_eq!(info["commitInfo"]["txnId"], id.to_string());
        assert_eq!(info["commitInfo"]["operation"], "WRITE");
    }

    #[test]
    fn a_sealed_entry_with_a_changed_byte_or_a_missing_end_is_damaged_or_says_the_same() {
        let entry = sealed(&Uuid::new_v4());
        for at in 0..entry.len() {
            let mut flipped = entry.clone();
            flipped[at] ^= 1;
            // A flip within the marker leaves JSON that holds the same actions, at worst without its info.
            assert!(check(&flipped).is_err() || at < HEAD.len(), "a flip at {at}");
            assert!(check(&entry[..at]).is_err(), "cut at {at}");
            let mut zeroed = entry.clone();
            zeroed[at..].fill(0);
            assert!(check(&zeroed).is_err(), "zeroed from {at}");
        }
    }

    #[test]
    fn an_entry_of_another_writer_needs_no_checksum() {
        check(b"{\"protocol\":{}}\n{\"commitInfo\":{\"timestamp\":1}}\n").expect("whole");
    }
}

//! The bytes of a log entry: sealed with a checksum, signed with the commit's id and the entry's own name, and checked
//! when they are read.

use bytes::Bytes;
use lake_model::{Error, Kind, Result};
use serde::de::IgnoredAny;
use uuid::Uuid;

/// How a sealed entry begins. Its first line is the commit info, whose members are the writer's own business.
const SEALED_PREFIX: &str = r#"{"commitInfo":{"blake3":""#;
const COMMIT_INFO_PREFIX: &str = r#"{"commitInfo":{"#;
const HEX_LEN: usize = 64;

/// How the name begins, after the signature. Entries of versions before this one have none.
const NAME_PREFIX: &[u8] = br#""entry":"#;

fn commit_id_member(id: &Uuid) -> String {
    format!(r#"","txnId":"{id}","#)
}

/// Names hold no character that JSON would escape.
fn name_member(name: &str) -> String {
    format!(r#""{name}","#)
}

/// Returns the entry with its checksum, which covers all that follows it: the id of the commit that it is, and its name
/// within the lake, so that it is the entry of no other version or table.
pub(crate) fn seal_entry(entry: &[u8], id: &Uuid, name: &str) -> Result<Bytes> {
    let Some(rest) = entry.strip_prefix(COMMIT_INFO_PREFIX.as_bytes()) else {
        return Err(Error::internal("a log entry that does not begin with its commit info"));
    };
    let mut covered = [commit_id_member(id).as_bytes(), NAME_PREFIX, name_member(name).as_bytes()].concat();
    covered.extend_from_slice(rest);
    let sum = blake3::hash(&covered).to_hex();
    Ok([SEALED_PREFIX.as_bytes(), sum.as_bytes(), &covered].concat().into())
}

/// Returns whether an entry is the commit with this id.
pub(crate) fn is_commit(entry: &[u8], id: &Uuid) -> bool {
    entry.get(SEALED_PREFIX.len() + HEX_LEN..).is_some_and(|rest| rest.starts_with(commit_id_member(id).as_bytes()))
}

/// Checks an entry as it was read, by its name within the lake. One of another writer has no checksum: it must be lines
/// of JSON.
///
/// # Errors
/// If it is not what was written there: the text describes the difference.
pub(crate) fn verify_entry(entry: &[u8], name: &str) -> Result<()> {
    let damaged = |how: &str| Err(Error::new(Kind::Data, how));
    if let Some(rest) = entry.strip_prefix(SEALED_PREFIX.as_bytes()) {
        return match rest.split_at_checked(HEX_LEN) {
            Some((sum, covered)) if blake3::hash(covered).to_hex().as_bytes() == sum => match sealed_name(covered) {
                Some(own) if !own.starts_with(name_member(name).as_bytes()) => {
                    damaged("contains another entry than the one that was written there")
                }
                _ => Ok(()),
            },
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

/// Returns what follows the beginning of the name, where an entry has one.
fn sealed_name(covered: &[u8]) -> Option<&[u8]> {
    covered.get(commit_id_member(&Uuid::nil()).len()..)?.strip_prefix(NAME_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "raw/calls/_delta_log/00000000000000000007.json";

    fn sealed(id: &Uuid) -> Vec<u8> {
        let entry = b"{\"commitInfo\":{\"timestamp\":1,\"operation\":\"WRITE\"}}\n{\"add\":{\"path\":\"a\"}}";
        seal_entry(entry, id, HERE).expect("sealed").to_vec()
    }

    #[test]
    fn a_sealed_entry_is_json_lines_and_knows_its_commit() {
        let id = Uuid::new_v4();
        let entry = sealed(&id);
        verify_entry(&entry, HERE).expect("whole");
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
            assert!(verify_entry(&flipped, HERE).is_err() || at < SEALED_PREFIX.len(), "a flip at {at}");
            assert!(verify_entry(&entry[..at], HERE).is_err(), "cut at {at}");
            let mut zeroed = entry.clone();
            zeroed[at..].fill(0);
            assert!(verify_entry(&zeroed, HERE).is_err(), "zeroed from {at}");
        }
    }

    #[test]
    fn an_entry_of_another_writer_needs_no_checksum() {
        verify_entry(b"{\"protocol\":{}}\n{\"commitInfo\":{\"timestamp\":1}}\n", HERE).expect("whole");
    }

    #[test]
    fn a_sealed_entry_is_whole_in_no_other_place() {
        let entry = sealed(&Uuid::new_v4());
        for other in ["calls/_delta_log/00000000000000000007.json", "raw/calls/_delta_log/00000000000000000008.json"] {
            assert!(verify_entry(&entry, other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_sealed_entry_without_a_name_is_whole() {
        let covered = [commit_id_member(&Uuid::new_v4()).as_bytes(), br#""timestamp":1}}"#].concat();
        let sum = blake3::hash(&covered).to_hex();
        verify_entry(&[SEALED_PREFIX.as_bytes(), sum.as_bytes(), &covered].concat(), HERE).expect("whole");
    }
}

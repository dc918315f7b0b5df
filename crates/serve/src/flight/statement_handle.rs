//! The content of a ticket and of the handle of a prepared statement.
//!
//! Neither is a secret and neither is trusted: a client that invents one can read only what it may read anyway.

use bytes::Bytes;
use lake_model::{Error, Result};
use lake_query::SnapshotVersions;
use prost::Message as _;

use super::bound_values::BoundValues;

/// How tickets are laid out; another number is another program's.
const FORMAT: u32 = 1;

/// A statement with its values; as a ticket also with the versions of the tables.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StatementHandle {
    #[prost(uint32, tag = "1")]
    format: u32,
    /// The id of the lake.
    #[prost(string, tag = "2")]
    lake: String,
    #[prost(string, tag = "3")]
    pub(super) sql: String,
    #[prost(message, optional, tag = "4")]
    pub(super) values: Option<BoundValues>,
    /// The versions that are read, a [`SnapshotVersions`]; empty in a handle.
    #[prost(string, tag = "5")]
    versions: String,
    /// The id that a cancellation names; empty in a handle.
    #[prost(string, tag = "6")]
    pub(super) id: String,
}

impl StatementHandle {
    /// Creates a handle of a statement without values.
    pub(super) fn new(lake: &str, sql: impl Into<String>) -> Self {
        Self { format: FORMAT, lake: lake.to_owned(), sql: sql.into(), ..Self::default() }
    }

    /// Returns the same handle with other values.
    #[must_use]
    pub(super) fn with_values(self, values: Option<BoundValues>) -> Self {
        Self { values, ..self }
    }

    /// Returns the same handle for a ticket: with the versions to read.
    #[must_use]
    pub(super) fn with_versions(self, versions: &SnapshotVersions) -> Self {
        Self { versions: versions.to_string(), id: uuid::Uuid::new_v4().to_string(), ..self }
    }

    /// Encodes it as bytes.
    pub(super) fn to_bytes(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// Reads what a client gives back; `what` names it.
    ///
    /// # Errors
    /// If it was not made by a server of this lake.
    pub(super) fn from_bytes(bytes: &[u8], lake: &str, what: &str) -> Result<Self> {
        let handle = Self::decode(bytes).ok().filter(|handle| handle.format == FORMAT && !handle.sql.is_empty());
        let handle =
            handle.ok_or_else(|| Error::invalid(format!("not a valid {what} of this server; request a new one")))?;
        if handle.lake != lake {
            return Err(Error::invalid(format!("this {what} is of another lake; request one of this lake")));
        }
        Ok(handle)
    }

    /// Returns the versions to read; `None` in a handle without a ticket.
    ///
    /// # Errors
    /// If they are not valid.
    pub(super) fn versions(&self) -> Result<Option<SnapshotVersions>> {
        let versions = Some(self.versions.as_str()).filter(|versions| !versions.is_empty());
        versions.map(str::parse).transpose().map_err(|error: Error| error.context("the ticket"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_as_it_was_written_and_only_by_its_own_lake() {
        let versions: SnapshotVersions = "fast_counts=1,counts=2,rejects=0,raw/a=3".parse().expect("versions");
        let ticket = StatementHandle::new("lake", "SELECT 1").with_versions(&versions);
        let read = StatementHandle::from_bytes(&ticket.to_bytes(), "lake", "ticket").expect("a ticket");
        assert_eq!(read, ticket);
        assert_eq!(read.versions().expect("versions"), Some(versions));
        assert!(
            StatementHandle::from_bytes(&ticket.to_bytes(), "other", "ticket")
                .expect_err("a lake")
                .message()
                .contains("another lake")
        );
    }

    #[test]
    fn what_is_no_ticket_is_refused_in_words() {
        let ticket = StatementHandle::new("lake", "SELECT 1").to_bytes();
        for wrong in [&b""[..], b"SELECT 1", &[0xff; 40], &ticket[..ticket.len() - 1]] {
            assert!(
                StatementHandle::from_bytes(wrong, "lake", "ticket")
                    .expect_err("no ticket")
                    .message()
                    .contains("not a valid ticket")
            );
        }
        assert_eq!(
            StatementHandle::from_bytes(&ticket, "lake", "handle").expect("a handle").versions().expect("none"),
            None
        );
    }
}

//! Marks: metadata that the log of a table stores next to its rows. Each is one JSON text in a metadata domain, which
//! survives checkpoints, and is committed together with the data that it describes. Names and members are the storage
//! format.

use lake_model::{Cursor, Kind, Result, ResultExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{DomainChange, Snapshot, Table};

/// The application id under which batches are committed to a raw table.
pub const LANDING_TRANSACTION: &str = "land";

/// Returns the application id under which a resource's batches are committed to `fast_counts`.
pub fn fast_counts_transaction(resource: &str) -> String {
    format!("fast:{resource}")
}

/// Returns the application id under which a resource's batches are committed to `rejects`.
pub fn rejects_transaction(resource: &str) -> String {
    format!("rejects:{resource}")
}

/// The metadata domain of a raw table that holds the definition of its resource.
pub const DEFINITION_DOMAIN: &str = "hotspots.definition";

/// Returns the metadata domain of `boundaries` that holds the definition of a set.
pub fn boundaries_definition_domain(set: &str) -> String {
    format!("{DEFINITION_DOMAIN}.{set}")
}

/// How far landing has come: in a raw table, committed together with each batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandingMark {
    /// The last batch, with or without rows.
    pub batch: i64,
    /// The last batch that holds rows.
    pub rows_batch: i64,
    /// The position at which the next scan continues.
    pub cursor: Option<Cursor>,
    /// Rows the portal served, those that landed nothing included.
    pub published: u64,
    /// Whether the rows are synthetic.
    pub synthetic: bool,
    /// The key columns that `_key` was made of; none before the first batch.
    pub key: Vec<String>,
    /// When the last batch landed, RFC 3339; empty before the first batch.
    pub landed_at: String,
}

impl LandingMark {
    /// The metadata domain of a raw table that holds the mark.
    pub const DOMAIN: &str = "hotspots.landing";

    /// Reads the mark of a raw table's version; the default where nothing has landed.
    ///
    /// # Errors
    /// If the log cannot be read or the mark is damaged.
    pub async fn read(raw: &Table, snapshot: &Snapshot) -> Result<Self> {
        let what = || format!("the landing mark of table {}", raw.name());
        Ok(read_mark(raw, snapshot, Self::DOMAIN, what).await?.unwrap_or_default())
    }

    /// Returns the change that sets the mark; `expected` as in [`DomainChange::expected`].
    ///
    /// # Errors
    /// Never, as marks are JSON.
    pub fn to_change(&self, expected: Option<Option<String>>) -> Result<DomainChange> {
        to_change(Self::DOMAIN.to_owned(), self, expected)
    }
}

/// The record of forgotten keys of a resource: in a raw table. It has no content, only that there was some. A key index
/// that reflects fewer runs of `forget` than `count` may still contain a forgotten key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgottenMark {
    /// How many times keys were forgotten.
    pub count: u64,
    /// Whether the last run was interrupted: rows that it removed from the raw table are still counted.
    pub pending: bool,
    /// Each time.
    pub times: Vec<ForgottenTime>,
}

/// One run of `forget`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgottenTime {
    /// When, RFC 3339.
    pub at: String,
    /// How many keys were named.
    pub keys: usize,
    /// The version of the raw table that no longer holds them, where it is known.
    pub version: Option<u64>,
}

impl ForgottenMark {
    /// The metadata domain of a raw table that holds the mark.
    pub const DOMAIN: &str = "hotspots.forgotten";

    /// Reads the mark of a raw table's version; the default where nothing was forgotten.
    ///
    /// # Errors
    /// If the log cannot be read or the mark is damaged.
    pub async fn read(raw: &Table, snapshot: &Snapshot) -> Result<Self> {
        let what = || format!("the mark of forgotten rows of table {}", raw.name());
        Ok(read_mark(raw, snapshot, Self::DOMAIN, what).await?.unwrap_or_default())
    }

    /// Returns the change that sets the mark, whatever it was.
    ///
    /// # Errors
    /// Never, as marks are JSON.
    pub fn to_change(&self) -> Result<DomainChange> {
        to_change(Self::DOMAIN.to_owned(), self, None)
    }
}

/// The mark of a compaction of a resource in `counts`: its commit is the commit point of the compaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactionMark {
    /// The last batch that the compacted tables contain.
    pub watermark: i64,
    /// The version of `incidents` that these counts belong to.
    pub incidents_version: u64,
    /// The fingerprint of the resource's definition they were counted under.
    pub fingerprint: String,
    /// When, RFC 3339.
    pub compacted_at: String,
}

impl CompactionMark {
    /// Returns the metadata domain of `counts` that holds the mark of a resource.
    pub fn domain(resource: &str) -> String {
        format!("hotspots.compaction.{resource}")
    }

    /// Parses the text of a resource's mark.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn parse(resource: &str, text: &str) -> Result<Self> {
        serde_json::from_str(text).or_err(Kind::Data, || format!("the compaction mark of {resource} in table counts"))
    }

    /// Reads the mark of a resource at a version of `counts`; none before the first compaction.
    ///
    /// # Errors
    /// If the log cannot be read or the mark is damaged.
    pub async fn read(counts: &Table, snapshot: &Snapshot, resource: &str) -> Result<Option<Self>> {
        let text = counts.read_domain(snapshot, &Self::domain(resource)).await?;
        text.map(|text| Self::parse(resource, &text)).transpose()
    }

    /// Returns the change that sets the mark of a resource; `expected` as in [`DomainChange::expected`].
    ///
    /// # Errors
    /// Never, as marks are JSON.
    pub fn to_change(&self, resource: &str, expected: Option<Option<String>>) -> Result<DomainChange> {
        to_change(Self::domain(resource), self, expected)
    }
}

/// The mark of landing a set in `boundaries`: committed together with the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundariesMark {
    /// The checksum of their content.
    pub blake3: String,
    /// How many there are.
    pub boundaries: u64,
    /// Whether they are synthetic.
    pub synthetic: bool,
    /// When they landed, RFC 3339.
    pub landed_at: String,
}

impl BoundariesMark {
    /// Returns the metadata domain of `boundaries` that holds the mark of a set.
    pub fn domain(set: &str) -> String {
        format!("hotspots.boundaries.{set}")
    }

    /// Parses the text of a set's mark.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn parse(set: &str, text: &str) -> Result<Self> {
        serde_json::from_str(text).or_err(Kind::Data, || format!("the mark of {set} in table boundaries"))
    }

    /// Reads the mark of a set at a version of `boundaries`; none where the set has not landed.
    ///
    /// # Errors
    /// If the log cannot be read or the mark is damaged.
    pub async fn read(boundaries: &Table, snapshot: &Snapshot, set: &str) -> Result<Option<Self>> {
        let text = boundaries.read_domain(snapshot, &Self::domain(set)).await?;
        text.map(|text| Self::parse(set, &text)).transpose()
    }

    /// Returns the change that sets the mark of a set; `expected` as in [`DomainChange::expected`].
    ///
    /// # Errors
    /// Never, as marks are JSON.
    pub fn to_change(&self, set: &str, expected: Option<Option<String>>) -> Result<DomainChange> {
        to_change(Self::domain(set), self, expected)
    }
}

/// Under which definitions the batches of a resource were counted: in `fast_counts`, first batch and fingerprint of
/// each, in batch order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountedDefinitions(pub Vec<(i64, String)>);

impl CountedDefinitions {
    /// Returns the metadata domain of `fast_counts` that holds those of a resource.
    pub fn domain(resource: &str) -> String {
        format!("hotspots.definitions.{resource}")
    }

    /// Reads those of a resource at a version of `fast_counts`; empty where nothing was counted.
    ///
    /// # Errors
    /// If the log cannot be read or its content is damaged.
    pub async fn read(fast_counts: &Table, snapshot: &Snapshot, resource: &str) -> Result<Self> {
        let what = || format!("the definitions of {resource} in table fast_counts");
        Ok(read_mark(fast_counts, snapshot, &Self::domain(resource), what).await?.unwrap_or_default())
    }

    /// Returns the change that sets those of a resource, where they were `before`.
    ///
    /// # Errors
    /// Never, as marks are JSON.
    pub fn to_change(&self, resource: &str, before: &Self) -> Result<DomainChange> {
        let expected = if before.0.is_empty() { None } else { Some(to_text(before)?) };
        to_change(Self::domain(resource), self, Some(expected))
    }
}

async fn read_mark<T: DeserializeOwned>(
    table: &Table,
    snapshot: &Snapshot,
    domain: &str,
    what: impl FnOnce() -> String,
) -> Result<Option<T>> {
    let text = table.read_domain(snapshot, domain).await?;
    text.map(|text| serde_json::from_str(&text).or_err(Kind::Data, what)).transpose()
}

fn to_text(mark: &impl Serialize) -> Result<String> {
    serde_json::to_string(mark).or_err(Kind::Internal, || "a mark as JSON")
}

fn to_change(name: String, mark: &impl Serialize, expected: Option<Option<String>>) -> Result<DomainChange> {
    Ok(DomainChange { name, expected, text: to_text(mark)? })
}

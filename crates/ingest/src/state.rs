//! What the raw table remembers of landing, beside its rows.

use lake_model::{Kind, Result, ResultExt};
use lake_portal::Cursor;
use lake_query::LANDING_DOMAIN;
use lake_store::{Snapshot, Table};
use serde::{Deserialize, Serialize};

/// The application id under which batches are committed to a raw table.
pub(crate) const LAND_TRANSACTION: &str = "land";

/// Where landing stands: committed together with each batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandingMark {
    /// The last batch.
    pub batch: i64,
    /// The last batch that holds rows.
    pub rows_batch: i64,
    /// Where the next scan goes on.
    pub cursor: Option<Cursor>,
    /// Rows the portal served, those that landed nothing included.
    pub published: u64,
    /// Whether the rows are synthetic.
    pub synthetic: bool,
    /// The key columns that `_key` was made of.
    pub key: Vec<String>,
    /// When the last batch landed, RFC 3339.
    pub landed_at: String,
}

/// Reads the mark of a raw table's version.
///
/// # Errors
/// If the log cannot be read or the mark is damaged.
pub async fn landing_mark(raw: &Table, snapshot: &Snapshot) -> Result<LandingMark> {
    match raw.read_domain(snapshot, LANDING_DOMAIN).await? {
        None => Ok(LandingMark::default()),
        Some(text) => {
            serde_json::from_str(&text).or_err(Kind::Data, || format!("the landing mark of table {}", raw.name()))
        }
    }
}

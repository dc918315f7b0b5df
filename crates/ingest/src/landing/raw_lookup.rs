//! Lookups of versions that the key index lacks and the raw rows have: needed rarely, as when rows come out of order or
//! share a key.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, StringArray};
use lake_model::{Kind, Result, ResultExt as _};
use lake_query::{engine_error, sql_files};
use lake_store::{Snapshot, Table};

use crate::columns::{text_column, time_column};
use crate::raw_session::raw_session;

/// The raw rows that have to be read before a page can be judged.
#[derive(Debug, Default)]
pub(crate) struct PendingLookups {
    /// Rows of the portal, by id, that may have landed in a newer version.
    ids: BTreeSet<String>,
    /// Keys whose current version another row of the portal may have given them.
    keys: BTreeSet<String>,
}

/// The answer of the raw rows.
#[derive(Debug, Default)]
pub(crate) struct RawLookup {
    /// The greatest `_updated_at` that a row of the portal has landed with, by id.
    pub(crate) newest_by_id: HashMap<String, i64>,
    /// The id of the row that gave a key its current version.
    pub(crate) holder_by_key: HashMap<String, String>,
}

impl PendingLookups {
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.keys.is_empty()
    }

    /// Returns whether the portal's row has landed in a version newer than that of `updated_at`. If the lookup has no
    /// answer yet, it is requested, and the row counts as not superseded until then.
    pub(crate) fn is_superseded(&mut self, lookup: &RawLookup, id: &str, updated_at: Option<i64>) -> bool {
        match lookup.newest_by_id.get(id) {
            Some(newest) => updated_at.is_some_and(|updated_at| updated_at < *newest),
            None => {
                self.ids.insert(id.to_owned());
                false
            }
        }
    }

    /// Returns the id of the row that gave a key its current version. If the lookup has no answer yet, it is requested.
    pub(crate) fn find_holder<'l>(&mut self, lookup: &'l RawLookup, key: &str) -> Option<&'l str> {
        let holder = lookup.holder_by_key.get(key).map(String::as_str);
        if holder.is_none() {
            self.keys.insert(key.to_owned());
        }
        holder
    }
}

impl RawLookup {
    /// Removes stamps after `latest_stamp`, which earlier releases landed: a row with one is newer than nothing.
    pub(crate) fn remove_future_stamps(&mut self, latest_stamp: i64) {
        self.newest_by_id.retain(|_, at| *at <= latest_stamp);
    }
}

/// Reads the pending versions from the raw rows.
///
/// # Errors
/// If they cannot be read.
pub(crate) async fn resolve_lookups(raw: &Table, pending: &PendingLookups) -> Result<RawLookup> {
    let snapshot = raw.snapshot().await?;
    let mut lookup = RawLookup::default();
    for batch in query_names(raw, &snapshot, sql_files::INGEST_NEWEST_BY_ID, &pending.ids).await? {
        let (ids, newest) = (text_column(&batch, "_portal_id")?, time_column(&batch, "newest")?);
        let known = (0..batch.num_rows()).filter(|row| newest.is_valid(*row));
        lookup.newest_by_id.extend(known.map(|row| (ids.value(row).to_owned(), newest.value(row))));
    }
    for batch in query_names(raw, &snapshot, sql_files::INGEST_HOLDERS, &pending.keys).await? {
        let (keys, ids) = (text_column(&batch, "_key")?, text_column(&batch, "_portal_id")?);
        let known = (0..batch.num_rows()).filter(|row| ids.is_valid(*row));
        lookup.holder_by_key.extend(known.map(|row| (keys.value(row).to_owned(), ids.value(row).to_owned())));
    }
    Ok(lookup)
}

/// Runs a query over the raw rows and a table `asked` of names.
async fn query_names(
    raw: &Table,
    snapshot: &Snapshot,
    query: &str,
    names: &BTreeSet<String>,
) -> Result<Vec<RecordBatch>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let session = raw_session(raw, snapshot)?;
    let names: ArrayRef = Arc::new(names.iter().map(Some).collect::<StringArray>());
    let names = RecordBatch::try_from_iter([("name", names)]).or_err(Kind::Internal, || "the names to look up")?;
    session.context().register_batch("asked", names).map_err(engine_error)?;
    let frame = session.context().sql(query).await.map_err(engine_error)?;
    frame.collect().await.map_err(engine_error)
}

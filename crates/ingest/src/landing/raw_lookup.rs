//! What the key index does not say and the raw rows do: seldom asked for, as when rows come out of order or share a key.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, StringArray};
use lake_model::{Kind, Result, ResultExt as _};
use lake_query::{engine_error, template};

use crate::columns::{texts, times};
use crate::landing::Landing;
use crate::raw_session::raw_session;

/// What a page leaves open.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// Rows of the portal, by id, that may have landed in a newer version.
    ids: BTreeSet<String>,
    /// Keys whose version another row of the portal may have given them.
    keys: BTreeSet<String>,
}

/// The raw rows' answer.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    /// The greatest `_updated_at` that a row of the portal has landed with, by id.
    newest: HashMap<String, i64>,
    /// The id of the row that gave a key its current version.
    holders: HashMap<String, String>,
}

impl Elsewhere {
    /// Leaves out what earlier releases landed with stamps after `latest_stamp`: it is newer than nothing.
    pub(crate) fn forget_future(&mut self, latest_stamp: i64) {
        self.newest.retain(|_, at| *at <= latest_stamp);
    }
}

impl Doubts {
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.keys.is_empty()
    }

    /// Whether the portal's row has landed in a version newer than that of `updated_at`; in doubt it has not.
    pub(crate) fn overtaken(&mut self, elsewhere: &Elsewhere, id: &str, updated_at: Option<i64>) -> bool {
        match elsewhere.newest.get(id) {
            Some(newest) => updated_at.is_some_and(|updated_at| updated_at < *newest),
            None => {
                self.ids.insert(id.to_owned());
                false
            }
        }
    }

    /// The id of the row that gave a key its current version, if that is known.
    pub(crate) fn holder<'e>(&mut self, elsewhere: &'e Elsewhere, key: &str) -> Option<&'e str> {
        let holder = elsewhere.holders.get(key).map(String::as_str);
        if holder.is_none() {
            self.keys.insert(key.to_owned());
        }
        holder
    }
}

impl Landing {
    /// Asks the raw rows.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(crate) async fn look_up(&self, doubts: &Doubts) -> Result<Elsewhere> {
        let snapshot = self.raw.snapshot().await?;
        let ask = async |name: &str, names: &BTreeSet<String>| -> Result<Vec<RecordBatch>> {
            if names.is_empty() {
                return Ok(Vec::new());
            }
            let session = raw_session(&self.raw, &snapshot)?;
            let names: ArrayRef = Arc::new(names.iter().map(Some).collect::<StringArray>());
            let names = RecordBatch::try_from_iter([("name", names)]).or_err(Kind::Internal, || "what is asked for")?;
            session.context().register_batch("asked", names).map_err(engine_error)?;
            let frame = session.context().sql(template(name)?).await.map_err(engine_error)?;
            frame.collect().await.map_err(engine_error)
        };
        let mut elsewhere = Elsewhere::default();
        for batch in ask("ingest/newest_by_id", &doubts.ids).await? {
            let (ids, newest) = (texts(&batch, "_portal_id")?, times(&batch, "newest")?);
            let known = (0..batch.num_rows()).filter(|row| newest.is_valid(*row));
            elsewhere.newest.extend(known.map(|row| (ids.value(row).to_owned(), newest.value(row))));
        }
        for batch in ask("ingest/holders", &doubts.keys).await? {
            let (keys, ids) = (texts(&batch, "_key")?, texts(&batch, "_portal_id")?);
            let known = (0..batch.num_rows()).filter(|row| ids.is_valid(*row));
            elsewhere.holders.extend(known.map(|row| (keys.value(row).to_owned(), ids.value(row).to_owned())));
        }
        Ok(elsewhere)
    }
}

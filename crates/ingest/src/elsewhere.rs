//! What the key index does not say and the raw rows do: seldom asked for, as when rows come out of order or share a key.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::Array as _;
use datafusion::dataframe::DataFrame;
use futures::StreamExt as _;
use lake_model::Result;
use lake_query::{DeltaFiles, Engine, EngineOptions, engine_error, fill, literal, template};

use crate::landing::Landing;
use crate::rows::{texts, times};

/// Names that one query asks for.
const NAMES_A_QUERY: usize = 1_000;

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
        let engine = Engine::new(EngineOptions::default(), self.lake.location())?;
        let session = engine.session();
        let provider = DeltaFiles::new(&snapshot, self.raw.folder(), &self.lake.location().store_url);
        session.context().register_table("raw", Arc::new(provider.map_err(engine_error)?)).map_err(engine_error)?;
        let ask = async |name: &str, names: &[String]| -> Result<DataFrame> {
            let names = names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ");
            let text = fill(template(name)?, &[("names", &names)])?;
            session.context().sql(&text).await.map_err(engine_error)
        };
        let mut elsewhere = Elsewhere::default();
        let ids: Vec<String> = doubts.ids.iter().cloned().collect();
        for ids in ids.chunks(NAMES_A_QUERY) {
            let mut rows = ask("ingest/newest_by_id", ids).await?.execute_stream().await.map_err(engine_error)?;
            while let Some(batch) = rows.next().await {
                let batch = batch.map_err(engine_error)?;
                let (ids, newest) = (texts(&batch, "_portal_id")?, times(&batch, "newest")?);
                let known = (0..batch.num_rows()).filter(|row| newest.is_valid(*row));
                elsewhere.newest.extend(known.map(|row| (ids.value(row).to_owned(), newest.value(row))));
            }
        }
        let keys: Vec<String> = doubts.keys.iter().cloned().collect();
        for keys in keys.chunks(NAMES_A_QUERY) {
            let mut rows = ask("ingest/holders", keys).await?.execute_stream().await.map_err(engine_error)?;
            while let Some(batch) = rows.next().await {
                let batch = batch.map_err(engine_error)?;
                let (keys, ids) = (texts(&batch, "_key")?, texts(&batch, "_portal_id")?);
                let known = (0..batch.num_rows()).filter(|row| ids.is_valid(*row));
                elsewhere.holders.extend(known.map(|row| (keys.value(row).to_owned(), ids.value(row).to_owned())));
            }
        }
        Ok(elsewhere)
    }
}

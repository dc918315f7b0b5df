//! What landing left beside a resource's rows: when it last landed, and whether the rows are synthetic.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lake_model::{Kind, Result, ResultExt};
use lake_query::View;
use serde::Deserialize;

/// The metadata domain of a raw table that says how landing stands.
const LANDING_DOMAIN: &str = "hotspots.landing";

/// The part of a landing mark that clients are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Mark {
    /// Whether the rows are synthetic.
    pub(crate) synthetic: bool,
    /// When the last batch landed, RFC 3339.
    pub(crate) landed_at: Option<String>,
}

/// The marks of the raw tables, read once a version.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<BTreeMap<String, (u64, Mark)>>);

impl Marks {
    /// The mark of a landed resource at the version that `view` read; an empty one if it has not landed.
    ///
    /// # Errors
    /// If the raw table's log cannot be read or the mark is damaged.
    pub(crate) async fn of(&self, view: &View, name: &str) -> Result<Mark> {
        let Some(resource) = view.resources.get(name) else {
            return Ok(Mark::default());
        };
        let version = resource.raw.version;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some((of, mark)) = known
            && of == version
        {
            return Ok(mark);
        }
        let text = view.lake.raw(name)?.domain(&resource.raw, LANDING_DOMAIN).await?;
        let damaged = || format!("the landing mark of table raw/{name}");
        let mark =
            text.map_or(Ok(Mark::default()), |text| serde_json::from_str::<Mark>(&text).or_err(Kind::Data, damaged))?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), (version, mark.clone()));
        Ok(mark)
    }
}

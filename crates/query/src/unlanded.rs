//! The resources of the catalog that have not landed: a query finds an empty table, so that it is the same before the first
//! row as after it.

use std::sync::Arc;

use datafusion::datasource::empty::EmptyTable;
use lake_model::{Error, Result};
use lake_store::raw_layout;

use crate::engine::Session;
use crate::error::engine_error;
use crate::view::{Reader, View};

impl Reader {
    /// Adds them to a session over a reading.
    ///
    /// # Errors
    /// Never, as the session has no such tables.
    pub fn with_unlanded(&self, session: &Session, view: &View) -> Result<()> {
        let schema = session.context().catalog("lake").and_then(|catalog| catalog.schema("raw"));
        let schema = schema.ok_or_else(|| Error::internal("the session has no schema raw"))?;
        for resource in self.catalog().iter().filter(|resource| !view.resources.contains_key(&resource.name)) {
            let table = Arc::new(EmptyTable::new(raw_layout(resource).schema));
            schema.register_table(resource.name.replace('-', "_"), table).map_err(engine_error)?;
        }
        Ok(())
    }
}

//! The resources of the catalog that have not landed: a query finds an empty table, so that it is the same before the first
//! row as after it.

use std::sync::Arc;

use datafusion::datasource::empty::EmptyTable;
use lake_model::{Error, Result};
use lake_store::raw_layout;

use crate::engine::{Engine, Session};
use crate::error::engine_error;
use crate::snapshot::lake_snapshot::LakeSnapshot;
use crate::snapshot::reader::Reader;

impl Reader {
    /// Creates a session over a snapshot for users' SQL.
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub async fn sql_session(&self, lake_snapshot: &LakeSnapshot) -> Result<Session> {
        self.sql_session_on(self.engine(), lake_snapshot).await
    }

    /// Creates the same session on an engine for one request: see [`Engine::with_limits`].
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub async fn sql_session_on(&self, engine: &Engine, lake_snapshot: &LakeSnapshot) -> Result<Session> {
        let session = self.session_on(engine, lake_snapshot).await?;
        add_empty_raw_tables(&session, lake_snapshot)?;
        Ok(session)
    }
}

fn add_empty_raw_tables(session: &Session, lake_snapshot: &LakeSnapshot) -> Result<()> {
    let schema = session.context().catalog("lake").and_then(|catalog| catalog.schema("raw"));
    let schema = schema.ok_or_else(|| Error::internal("the session has no schema raw"))?;
    for resource in
        lake_snapshot.catalog.iter().filter(|resource| !lake_snapshot.resources.contains_key(&resource.name))
    {
        let table = Arc::new(EmptyTable::new(raw_layout(resource).schema));
        schema.register_table(resource.name.replace('-', "_"), table).map_err(engine_error)?;
    }
    Ok(())
}

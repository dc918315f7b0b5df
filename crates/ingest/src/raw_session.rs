//! SQL over the rows that have landed.

use std::sync::Arc;

use lake_model::Result;
use lake_query::{DeltaFiles, Engine, EngineOptions, Session, engine_error};
use lake_store::{Snapshot, Table};

/// Returns a session in which `raw` is these files of the table.
///
/// # Errors
/// If the engine refuses them.
pub(crate) fn raw_session(raw: &Table, files: &Snapshot) -> Result<Session> {
    let session = Engine::new(EngineOptions::default(), raw.location())?.session();
    let provider = DeltaFiles::new(files, raw).map_err(engine_error)?;
    session.context().register_table("raw", Arc::new(provider)).map_err(engine_error)?;
    Ok(session)
}

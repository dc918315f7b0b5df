//! Partitions from scratch as the engine sorts and counts them: more slowly, and with any memory.

use std::sync::Arc;

use lake_model::Result;
use lake_query::{DeltaFiles, engine_error, fill, sql_files};
use lake_store::{Snapshot, Table, WrittenFile};

use crate::context::CompactionContext;
use crate::file_units::WrittenFiles;
use crate::plan::{Plan, query_years};
use crate::year_files::write_years;

/// Registers `counted`, the counts of a plan's rows, as a view; with `find_years`, the plan gets the years of those rows.
///
/// # Errors
/// If the rows cannot be read.
pub(crate) async fn register_recount(context: &CompactionContext, plan: &mut Plan, find_years: bool) -> Result<()> {
    let engine = context.session.context();
    let frame = engine.sql(&plan.incidents_sql).await.map_err(engine_error)?;
    engine.register_table("recounted", frame.into_view()).map_err(engine_error)?;
    let counted = engine.sql(&counts_sql()?).await.map_err(engine_error)?;
    if find_years && plan.is_everything() {
        plan.years.extend(query_years(&context.session, "SELECT DISTINCT \"year\" FROM recounted").await?);
        plan.years.sort_unstable();
        plan.years.dedup();
    }
    engine.register_table("counted", counted.into_view()).map_err(engine_error)?;
    Ok(())
}

/// Writes the files of a plan's rows.
///
/// # Errors
/// If the rows cannot be read or the store refuses a file.
pub(crate) async fn write_with_engine(
    context: &CompactionContext,
    plan: &Plan,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<WrittenFiles> {
    let (engine, lake, name) = (context.session.context(), &context.lake_snapshot.lake, &context.resource.name);
    let frame = engine.sql(&plan.incidents_sql).await.map_err(engine_error)?;
    let incidents = write_years(&lake.incidents, &context.newest, name, frame, progress).await?;
    register_written_files(context, "recounted", (&lake.incidents, &context.newest), &incidents)?;
    let counted = engine.sql(&counts_sql()?).await.map_err(engine_error)?;
    let counts = write_years(&lake.counts, &context.lake_snapshot.counts, name, counted, &mut |_| {}).await?;
    Ok(WrittenFiles { incidents, counts, ..WrittenFiles::default() })
}

fn counts_sql() -> Result<String> {
    fill(sql_files::COMPACT_COUNTS, &[("incidents", "recounted")])
}

/// Registers files that are in no version yet as a table.
///
/// # Errors
/// If they are none the engine can scan.
pub(crate) fn register_written_files(
    context: &CompactionContext,
    name: &str,
    (table, snapshot): (&Table, &Snapshot),
    written: &[WrittenFile],
) -> Result<()> {
    let files = DeltaFiles::new(&snapshot.with_written_files(written), table).map_err(engine_error)?;
    context.session.context().register_table(name, Arc::new(files)).map_err(engine_error)?;
    Ok(())
}

//! Open rejects read again, as they were published, under the current definition.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, StringArray};
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider as _};
use futures::StreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_portal::{Decoder, Page, PageBuilder, latest_local_stamp};
use lake_query::{DeltaFiles, Engine, EngineOptions, engine_error, fill, literal, sql_files};
use lake_store::Lake;
use tokio::sync::mpsc;

use crate::columns::text_column;

/// Hands over the open rejects of the decoder's resource as pages of at most `page_size` rows.
///
/// # Errors
/// If the rejects cannot be read.
pub(crate) async fn replay_rejects(
    lake: &Lake,
    decoder: &Decoder,
    page_size: usize,
    sender: &mpsc::Sender<Result<Page>>,
) -> Result<()> {
    let engine = Engine::new(EngineOptions::default(), lake.location())?;
    let session = engine.session();
    let context = session.context();
    let snapshot = lake.rejects.snapshot().await?;
    let provider = DeltaFiles::new(&snapshot, &lake.rejects);
    let stored = Arc::new(MemorySchemaProvider::new());
    stored.register_table("rejects".to_owned(), Arc::new(provider.map_err(engine_error)?)).map_err(engine_error)?;
    let catalog = context.catalog("lake").ok_or_else(|| Error::internal("the session has no catalog"))?;
    catalog.register_schema("stored", stored).map_err(engine_error)?;
    let rejects = context.sql(&fill(sql_files::VIEWS_REJECTS, &[])?).await.map_err(engine_error)?;
    context.register_table("rejects", rejects.into_view()).map_err(engine_error)?;
    let resource = literal(&decoder.resource().name);
    let open = fill(sql_files::INGEST_OPEN_REJECTS, &[("resource", &resource)])?;
    let frame = context.sql(&open).await.map_err(engine_error)?;
    let mut rows = frame.execute_stream().await.map_err(engine_error)?;
    let latest_stamp = latest_local_stamp();
    let mut builder = decoder.begin_as_of(latest_stamp);
    let mut identities = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(engine_error)?;
        let (names, originals) = (text_column(&batch, "identity")?, text_column(&batch, "original")?);
        for row in 0..batch.num_rows() {
            builder.push(originals.value(row));
            identities.push(names.value(row).to_owned());
            if identities.len() >= page_size {
                let full = std::mem::replace(&mut builder, decoder.begin_as_of(latest_stamp));
                if sender.send(Ok(build_page(full, &std::mem::take(&mut identities))?)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    if !identities.is_empty() {
        // A receiver that takes no more pages does not need this one.
        let _ = sender.send(Ok(build_page(builder, &identities)?)).await;
    }
    Ok(())
}

/// Returns a page whose rows are known by the identities of the rejects they were: landing closes those.
fn build_page(builder: PageBuilder<'_>, identities: &[String]) -> Result<Page> {
    let mut page = builder.finish()?;
    page.cursor = None;
    let still: std::collections::HashSet<usize> = page.rejects.iter().map(|reject| reject.row).collect();
    let usable = identities.iter().enumerate().filter(|(row, _)| !still.contains(row));
    let ids: ArrayRef = Arc::new(usable.map(|(_, identity)| Some(identity.as_str())).collect::<StringArray>());
    let schema = page.batch.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(page.batch.columns())
        .map(|(field, column)| if field.name() == "_portal_id" { Arc::clone(&ids) } else { Arc::clone(column) });
    page.batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect())
        .or_err(Kind::Internal, || format!("{} rejects read again", ids.len()))?;
    Ok(page)
}

//! The rejects of a resource made again from its raw rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use futures::StreamExt as _;
use lake_model::{Kind, Resource, Result, ResultExt};
use lake_query::{LakeSnapshot, Reader, Session, engine_error, fill, sql_files};
use lake_store::{Commit, DataFile, FileWriter, WrittenFile, fast_counts_transaction, rejects_transaction};
use serde_json::json;

/// Returns the function `reject_identity(portal_id, original)`: the identity of a reject, as in landing: the portal's
/// id, or else `text:` and the BLAKE3 hash of its text.
pub(crate) fn reject_identity_function() -> ScalarUDF {
    let body = |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let (ids, originals) = (arrays[0].as_string::<i32>(), arrays[1].as_string::<i32>());
        let identities = ids.iter().zip(originals).map(|(id, original)| match id {
            Some(id) => Some(id.to_owned()),
            None => original.map(|text| format!("text:{}", blake3::hash(text.as_bytes()).to_hex())),
        });
        let identities: ArrayRef = Arc::new(identities.collect::<StringArray>());
        Ok(ColumnarValue::Array(identities))
    };
    let text = || DataType::Utf8;
    create_udf("reject_identity", vec![text(), text()], text(), Volatility::Immutable, Arc::new(body))
}

/// Returns the last batch whose rejects have been derived.
pub(crate) async fn read_derived_through(lake_snapshot: &LakeSnapshot, resource: &str) -> Result<i64> {
    let lake = &lake_snapshot.lake;
    let counted =
        lake.fast_counts.read_transaction(&lake_snapshot.fast_counts, &fast_counts_transaction(resource)).await?;
    // Rejects come before fast counts.
    let rejected = lake.rejects.read_transaction(&lake_snapshot.rejects, &rejects_transaction(resource)).await?;
    Ok(counted.unwrap_or(0).max(rejected.unwrap_or(0)))
}

/// Returns the rejects as the raw rows of a reading make them.
pub(crate) async fn derive_rejects(session: &Session, resource: &Resource, through: i64) -> Result<DataFrame> {
    let context = session.context();
    context.register_udf(reject_identity_function());
    let raw = format!("raw.\"{}\"", resource.raw_table());
    let text = fill(sql_files::MAINTENANCE_REJECTS, &[("raw", &raw), ("through", &through.to_string())])?;
    context.sql(&text).await.map_err(engine_error)
}

/// Replaces the stored rejects of a resource by those that its raw rows make; `work` is for the history.
///
/// # Errors
/// If the store does not answer, or the resource lands meanwhile: a conflict.
pub async fn rebuild_rejects(reader: &Reader, resource: &Resource, work: &'static str) -> Result<()> {
    let lake_snapshot = reader.open_newest().await?;
    let session = reader.session(&lake_snapshot).await?;
    let through = read_derived_through(&lake_snapshot, &resource.name).await?;
    let frame = derive_rejects(&session, resource, through).await?;
    let table = &lake_snapshot.lake.rejects;
    let partition = HashMap::from([("resource".to_owned(), Some(resource.name.clone()))]);
    let writer = table.writer(&lake_snapshot.rejects, partition.clone())?;
    let adds = write_rows(frame, writer).await?;
    let own = |file: &&DataFile| file.partition_value("resource") == Some(&resource.name);
    let removes: Vec<DataFile> = lake_snapshot.rejects.files.iter().filter(own).cloned().collect();
    if adds.is_none() && removes.is_empty() {
        return Ok(());
    }
    let commit = Commit {
        operation: work,
        adds: adds.into_iter().collect(),
        removes,
        replaces: vec![partition],
        info: HashMap::from([("resource".to_owned(), json!(resource.name)), ("to_batch".to_owned(), json!(through))]),
        ..Commit::default()
    };
    table.commit(&commit).await?;
    Ok(())
}

/// Streams rows into one data file, in the columns that it holds; no file if there are no rows.
pub(crate) async fn write_rows(frame: DataFrame, mut writer: FileWriter) -> Result<Option<WrittenFile>> {
    let mut stream = frame.execute_stream().await.map_err(engine_error)?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine_error)?;
        if batch.num_rows() > 0 {
            let fitted = fit_columns(&batch, &writer)?;
            writer.write(&fitted).await?;
        }
    }
    if writer.rows() == 0 { Ok(None) } else { writer.finish().await.map(Some) }
}

fn fit_columns(batch: &RecordBatch, writer: &FileWriter) -> Result<RecordBatch> {
    let schema = writer.schema();
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => arrow::compute::cast(column, field.data_type()).or_err(Kind::Internal, || field.name().clone()),
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).or_err(Kind::Internal, || "rows of a rewritten file")
}

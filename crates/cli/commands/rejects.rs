//! `rejects`: rows that could not be used, with the reason.

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use lake_model::{Error, Result};
use lake_query::{engine_error, fill, literal, sql_files};
use serde_json::{Value, json};

use crate::args::{Global, Rejects};
use crate::output::Listing;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Rejects) -> Result<u8> {
    let catalog = context::load_catalog(global)?;
    let lake = context::open_lake(global).await?;
    let reader = context::create_reader(global, lake, &catalog)?;
    let snapshot = reader.open_newest().await?;
    let session = reader.session(&snapshot).await?;
    let names = args.names.to_vec();
    for name in names.iter().filter(|name| !snapshot.resources.contains_key(*name)) {
        // A name that nothing landed under is either known or mistyped.
        snapshot.catalog.get(name)?;
    }
    let named = match names.as_slice() {
        [] => "TRUE".to_owned(),
        names => format!("resource IN ({})", names.iter().map(|n| literal(n)).collect::<Vec<_>>().join(", ")),
    };
    let state = if args.all { "TRUE" } else { "state = 'open'" };
    let values = [("named", named.as_str()), ("state", state), ("limit", &args.limit.to_string())];
    let frame = session.context().sql(&fill(sql_files::REPORTS_REJECTS, &values)?).await.map_err(engine_error)?;
    let mut rows = Vec::new();
    for batch in frame.collect().await.map_err(engine_error)? {
        rows.extend((0..batch.num_rows()).map(|row| reject(&batch, row)).collect::<Result<Vec<_>>>()?);
    }
    if rows.is_empty() && args.format == Listing::Table {
        output::note("There are no rejects.");
    }
    output::print_rows(&rows, args.format)?;
    Ok(0)
}

fn reject(batch: &RecordBatch, row: usize) -> Result<Value> {
    let text = |name: &str| -> Result<Option<&str>> {
        let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let column = column.ok_or_else(|| Error::internal(format!("the rejects have no text `{name}`")))?;
        Ok(column.is_valid(row).then(|| column.value(row)))
    };
    let batch_number = batch.column_by_name("batch").and_then(|column| column.as_primitive_opt::<Int64Type>());
    Ok(json!({
        "resource": text("resource")?,
        "state": text("state")?,
        "batch": batch_number.map(|column| column.value(row)),
        "identity": text("identity")?,
        "reason": text("reason")?,
        "original": text("original")?,
    }))
}

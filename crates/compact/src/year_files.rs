//! Rows sorted by year become one data file a year.

use std::collections::HashMap;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use datafusion::dataframe::DataFrame;
use futures::StreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::engine_error;
use lake_store::{FileWriter, Snapshot, Table, WrittenFile};

/// Returns the partition of a resource's year.
pub(crate) fn year_partition(resource: &str, year: Option<i32>) -> HashMap<String, Option<String>> {
    HashMap::from([
        ("resource".to_owned(), Some(resource.to_owned())),
        ("year".to_owned(), year.map(|y| y.to_string())),
    ])
}

/// Streams `frame`, which is sorted by its last column `year`, into data files of `table`; `progress` is called with
/// the numbers of rows.
pub(crate) async fn write_years(
    table: &Table,
    snapshot: &Snapshot,
    resource: &str,
    frame: DataFrame,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<WrittenFile>> {
    let mut stream = frame.execute_stream().await.map_err(engine_error)?;
    let mut written = Vec::new();
    let mut open: Option<(Option<i32>, FileWriter)> = None;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine_error)?;
        for (year, rows) in split_by_year(&batch)? {
            progress(rows.num_rows() as u64);
            if let Some((of, writer)) = open.take() {
                if of == year {
                    open = Some((of, writer));
                } else {
                    written.push(writer.finish().await?);
                }
            }
            let writer = match &mut open {
                Some((_, writer)) => writer,
                None => &mut open.insert((year, table.writer(snapshot, year_partition(resource, year))?)).1,
            };
            let fitted = fit_columns(&rows, writer)?;
            writer.write(&fitted).await?;
        }
    }
    if let Some((_, writer)) = open {
        written.push(writer.finish().await?);
    }
    Ok(written)
}

/// Returns the runs of equal years in a batch.
fn split_by_year(batch: &RecordBatch) -> Result<Vec<(Option<i32>, RecordBatch)>> {
    let lost = || Error::internal("compacted rows lost their year");
    let years = batch.column_by_name("year").ok_or_else(lost)?;
    let years = years.as_primitive_opt::<Int32Type>().ok_or_else(lost)?;
    let year = |row: usize| years.is_valid(row).then(|| years.value(row));
    let mut runs = Vec::new();
    let mut start = 0;
    for end in 1..=batch.num_rows() {
        if end == batch.num_rows() || year(end) != year(start) {
            runs.push((year(start), batch.slice(start, end - start)));
            start = end;
        }
    }
    Ok(runs)
}

/// Returns the columns that the file holds, in its order.
fn fit_columns(batch: &RecordBatch, writer: &FileWriter) -> Result<RecordBatch> {
    let schema = writer.schema();
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name());
        let column = column.ok_or_else(|| Error::internal(format!("compacted rows lack `{}`", field.name())))?;
        arrow::compute::cast(column, field.data_type()).or_err(Kind::Internal, || field.name().clone())
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(std::sync::Arc::clone(schema), columns).or_err(Kind::Internal, || "compacted rows")
}

//! Checks that the tables agree: counts and a recount, counts and incidents, rejects and raw rows.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use lake_compact::{CompactOptions, compact};
use lake_model::{Kind, Resource, Result, ResultExt};
use lake_query::{LakeSnapshot, Reader, engine_error, fill, literal, sql_files};

use crate::check::finding::{Finding, Findings};
use crate::check::remedy::{recount_command, recount_year_command};
use crate::rebuild_rejects::{derive_rejects, read_derived_through};

fn read_integer(batch: &RecordBatch, column: usize, row: usize) -> Result<Option<i64>> {
    let column = cast(batch.column(column), &DataType::Int64).or_err(Kind::Internal, || "a comparison's numbers")?;
    Ok(column.is_valid(row).then(|| column.as_primitive::<Int64Type>().value(row)))
}

/// Returns a year as messages show it.
fn format_year(year: Option<i32>) -> String {
    year.map_or_else(|| "undated".to_owned(), |year| year.to_string())
}

/// Counts, compacted and fast, against a recount of the raw rows, bucket by bucket.
pub(crate) async fn compare_counts_with_recount(
    reader: &Reader,
    resource: &Arc<Resource>,
    into: &mut Findings,
) -> Result<()> {
    let options = CompactOptions { recount: true, dry_run: true, ..CompactOptions::default() };
    let name = &resource.name;
    let reports = match compact(reader, resource, options, |_| {}).await {
        Ok(reports) => reports,
        Err(error) if error.kind() == Kind::Data => {
            into.push_unreadable(
                format!("counts of {name}"),
                "they cannot be recounted",
                &error,
                recount_command(name),
            );
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for partition in reports.iter().flat_map(|report| &report.partitions) {
        if partition.drift != Some(0) {
            let before = partition.before.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
            into.push(Finding::differs(
                format!("counts of {name}, {}", format_year(partition.year)),
                format!(
                    "{before} incidents are counted, a recount of the raw rows finds {}; the buckets differ by {}",
                    partition.after,
                    partition.drift.unwrap_or_default()
                ),
                recount_year_command(name, partition.year),
            ));
        }
    }
    Ok(())
}

/// Compares stored counts with stored incidents, bucket by bucket.
pub(crate) async fn compare_counts_with_incidents(
    reader: &Reader,
    lake_snapshot: &LakeSnapshot,
    into: &mut Findings,
) -> Result<()> {
    let session = reader.session(lake_snapshot).await?;
    let context = session.context();
    let query = async {
        let text = fill(sql_files::MAINTENANCE_COUNTS_OF_INCIDENTS_DIFFER, &[])?;
        context.sql(&text).await.map_err(engine_error)?.collect().await.map_err(engine_error)
    };
    let found = match query.await {
        Err(error) if error.kind() == Kind::Data => {
            let remedy = "hotspots-lake compact --recount".to_owned();
            into.push_unreadable("tables counts and incidents".to_owned(), "they cannot be compared", &error, remedy);
            return Ok(());
        }
        found => found?,
    };
    for batch in &found {
        let names = batch.column(0).as_string::<i32>();
        for row in 0..batch.num_rows() {
            let (name, n) = (names.value(row), read_integer(batch, 2, row)?.unwrap_or_default());
            let year = read_integer(batch, 1, row)?.and_then(|year| i32::try_from(year).ok());
            into.push(Finding::differs(
                format!("counts of {name}, {}", format_year(year)),
                format!("they are not the counts of the stored incidents; the buckets differ by {n}"),
                recount_year_command(name, year),
            ));
        }
    }
    Ok(())
}

/// Compares stored rejects with those that the raw rows yield.
pub(crate) async fn compare_rejects_with_raw(
    reader: &Reader,
    lake_snapshot: &LakeSnapshot,
    resource: &Resource,
    into: &mut Findings,
) -> Result<()> {
    let session = reader.session(lake_snapshot).await?;
    let through = read_derived_through(lake_snapshot, &resource.name).await?;
    let name = &resource.name;
    let query = async {
        let frame = derive_rejects(&session, resource, through).await?;
        let context = session.context();
        context.register_table("made", frame.into_view()).map_err(engine_error)?;
        let places = [("resource", literal(name)), ("through", through.to_string())];
        let places: Vec<(&str, &str)> = places.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let text = fill(sql_files::MAINTENANCE_REJECTS_DIFFER, &places)?;
        context.sql(&text).await.map_err(engine_error)?.collect().await.map_err(engine_error)
    };
    let found = match query.await {
        Err(error) if error.kind() == Kind::Data => {
            into.push_unreadable(
                format!("rejects of {name}"),
                "they cannot be compared",
                &error,
                recount_command(name),
            );
            return Ok(());
        }
        found => found?,
    };
    let n = found.first().map_or(Ok(None), |batch| read_integer(batch, 0, 0))?.unwrap_or_default();
    if n != 0 {
        into.push(Finding::differs(
            format!("rejects of {name}"),
            format!("{n} rows are not as the raw rows make them"),
            recount_command(name),
        ));
    }
    Ok(())
}

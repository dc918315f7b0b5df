//! What the lake answered before, held against what was counted.

use arrow::array::{Array as _, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use lake_model::{Kind, Result, ResultExt};
use lake_query::{engine_error, fill, sql_files};

use crate::context::CompactionContext;
use crate::counts_digest::YearDigests;
use crate::plan::{Plan, years_condition};
use crate::rebuild::{answered_sql, digest_answered};
use crate::report::PartitionReport;

/// Returns what the lake answered before and what was counted, by year. Where the digests of what was counted are
/// given, the counts themselves, in the table `counted`, are compared only in the years whose digests differ.
///
/// # Errors
/// If the counts cannot be read.
pub(crate) async fn measure_drift(
    context: &CompactionContext,
    plan: &Plan,
    counted: Option<&YearDigests>,
) -> Result<Vec<PartitionReport>> {
    let Some(counted) = counted else { return compare_buckets(context, plan, &plan.years).await };
    let answered = digest_answered(context, plan).await?;
    let mut years: Vec<Option<i32>> = answered.0.keys().chain(counted.0.keys()).copied().collect();
    years.sort_unstable_by_key(|year| (year.is_none(), *year));
    years.dedup();
    let differing: Vec<Option<i32>> =
        years.iter().copied().filter(|year| answered.of(*year) != counted.of(*year)).collect();
    let mut compared =
        if differing.is_empty() { Vec::new() } else { compare_buckets(context, plan, &differing).await? };
    let partitions = years.into_iter().filter_map(|year| {
        if differing.contains(&year) {
            let found = compared.iter().position(|partition| partition.year == year)?;
            return Some(compared.swap_remove(found));
        }
        Some(PartitionReport {
            resource: context.resource.name.clone(),
            year,
            before: Some(answered.of(year).total),
            after: counted.of(year).total,
            drift: Some(0),
        })
    });
    Ok(partitions.collect())
}

/// Compares all buckets of what the lake answered before in some years with those of `counted`.
async fn compare_buckets(
    context: &CompactionContext,
    plan: &Plan,
    years: &[Option<i32>],
) -> Result<Vec<PartitionReport>> {
    let years = years_condition(years);
    let answered = answered_sql(&context.resource, plan, &years)?;
    let text = fill(sql_files::COMPACT_DRIFT, &[("answered", &answered), ("years", &years)])?;
    query_partitions(context, &text).await
}

/// Runs a report by year: incidents answered before, found now, and drift; null where unknown.
///
/// # Errors
/// If the query fails.
pub(crate) async fn query_partitions(context: &CompactionContext, sql: &str) -> Result<Vec<PartitionReport>> {
    let frame = context.session.context().sql(sql).await.map_err(engine_error)?;
    let mut partitions = Vec::new();
    for batch in frame.collect().await.map_err(engine_error)? {
        let column = |n: usize| integer_column(batch.column(n));
        let (years, before, after, drift) = (column(0)?, column(1)?, column(2)?, column(3)?);
        partitions.extend((0..batch.num_rows()).map(|row| PartitionReport {
            resource: context.resource.name.clone(),
            year: years.is_valid(row).then(|| years.value(row)).and_then(|y| i32::try_from(y).ok()),
            before: before.is_valid(row).then(|| before.value(row)),
            after: after.value(row),
            drift: drift.is_valid(row).then(|| drift.value(row)),
        }));
    }
    Ok(partitions)
}

fn integer_column(column: &ArrayRef) -> Result<Int64Array> {
    let column = cast(column, &DataType::Int64).or_err(Kind::Internal, || "a compaction's numbers")?;
    Ok(column.as_primitive::<Int64Type>().clone())
}

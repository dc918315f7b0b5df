//! Partitions from scratch: the current version of every key that has landed, sorted, counted and written in one pass.

use std::sync::Arc;

use arrow::array::RecordBatch;
use lake_model::{Resource, Result};
use lake_query::{engine_error, fill, incident_select, literal, sql_files};

use crate::batches::fold_batches;
use crate::context::CompactionContext;
use crate::counts_digest::YearDigests;
use crate::file_units::{FileTarget, WrittenFiles, plan_units, write_units};
use crate::incident_rows::IncidentBatch;
use crate::labels::{LabelDictionary, LabelReader};
use crate::plan::Plan;
use crate::row_buckets::RowBuckets;
use crate::sorted_rows::Outputs;
use crate::superseded_rows::register_current_versions;

/// Reads the current versions of the keys of a plan's partitions, and writes what `outputs` asks for.
///
/// # Errors
/// `Exhausted` if a month or the labels do not fit into memory; or the rows cannot be read, or the store refuses a file.
pub(crate) async fn rebuild(
    context: &CompactionContext,
    plan: &Plan,
    outputs: Outputs,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<WrittenFiles> {
    let raw = context.raw_table();
    let landed = fill(sql_files::COMPACT_LANDED, &[("above", "0"), ("through", &plan.through.to_string())])?;
    register_current_versions(context, &landed, context.of_resource()?.raw.rows()).await?;
    let select = incident_select(&context.resource);
    let values = [("incident", &*select), ("raw", &*raw), ("landed", &*landed), ("years", &*plan.condition)];
    let current = fill(sql_files::COMPACT_CURRENT, &values)?;
    let current = context.session.context().sql(&current).await.map_err(engine_error)?;
    let labels = Arc::new(LabelDictionary::new(context.max_label_bytes()));
    let make = |tasks: usize| (context.buckets(tasks), LabelReader::new(&labels));
    let add = |(buckets, labels): &mut (RowBuckets, LabelReader), batch: &RecordBatch| {
        buckets.add(&IncidentBatch::new(batch, labels)?, |_, _| 0)
    };
    let parts = fold_batches(current, make, add).await?;
    let (buckets, _accounts): (Vec<_>, Vec<_>) = parts.into_iter().map(|(buckets, _)| buckets.into_parts()).unzip();
    let units = plan_units(buckets.into_iter().flatten(), context.file_rows);
    let target = Arc::new(FileTarget::new(context, &labels, outputs));
    write_units(&target, units, context.workers(), &context.reservation(), progress).await
}

/// Returns the digests of what the lake answered before: the compacted counts, and the signed ones of later batches.
///
/// # Errors
/// If the counts cannot be read.
pub(crate) async fn digest_answered(context: &CompactionContext, plan: &Plan) -> Result<YearDigests> {
    let text = answered_sql(&context.resource, plan, &plan.condition)?;
    let frame = context.session.context().sql(&text).await.map_err(engine_error)?;
    let hasher = Arc::clone(&context.hasher);
    let add = move |digests: &mut YearDigests, batch: &RecordBatch| hasher.add_batch(digests, batch);
    let mut all = YearDigests::default();
    for part in fold_batches(frame, |_| YearDigests::default(), add).await? {
        all.merge(&part);
    }
    Ok(all)
}

/// Returns the SQL of what the lake answered before in the years of a condition.
pub(crate) fn answered_sql(resource: &Resource, plan: &Plan, years: &str) -> Result<String> {
    let signed = signed_sql(resource, plan)?;
    let values = [("resource", &*literal(&resource.name)), ("years", years), ("signed", &*signed)];
    fill(sql_files::COMPACT_ANSWERED, &values)
}

/// Returns the SQL of the signed counts of a plan's batches.
pub(crate) fn signed_sql(resource: &Resource, plan: &Plan) -> Result<String> {
    let (above, through) = (plan.above.to_string(), plan.through.to_string());
    let values = [("resource", &*literal(&resource.name)), ("above", &*above), ("through", &*through)];
    fill(sql_files::COMPACT_SIGNED, &values)
}

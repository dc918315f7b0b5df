//! The counts of a snapshot before they are netted: the compacted ones, and the signed ones of later batches. The view
//! `counts` and the plans of questions are both made from them.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::provider_as_source;
use datafusion::functions::expr_fn::date_part;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast};
use datafusion::prelude::{col, lit};
use lake_model::Result;
use lake_store::{Snapshot, Table};

use crate::engine::Session;
use crate::error::engine_error;
use crate::snapshot::lake_snapshot::LakeSnapshot;

/// The columns of counts but for the year, which `fast_counts` does not have.
const COLUMNS: [&str; 8] =
    ["resource", "occurred_at", "cell", "category", "subcategory", "district", "neighborhood", "count"];

/// The rows of counts that a question needs.
#[derive(Debug, Default)]
pub struct CountsFilter {
    /// Conditions on the columns that both tables have.
    pub conditions: Vec<Expr>,
    /// A condition on `year`, by which partitions of `counts` are skipped.
    pub year: Option<Expr>,
}

/// Returns the plan of compacted counts and of the signed counts of the batches above each watermark, not yet summed. Of
/// `fast_counts` it reads the resources that `is_selected` accepts.
///
/// # Errors
/// If the tables cannot be planned.
pub fn scan_counts(
    session: &Session,
    snapshot: &LakeSnapshot,
    filter: CountsFilter,
    is_selected: impl Fn(&str) -> bool,
) -> Result<DataFrame> {
    let lake = &snapshot.lake;
    let stored_filter = filter.conditions.iter().cloned().chain(filter.year).collect();
    let compacted = scan_table(session, snapshot, (&lake.counts, &snapshot.counts), stored_filter, col("year"))?;
    let pending = snapshot.resources.iter().filter(|(name, resource)| is_selected(name) && resource.is_pending());
    let above =
        pending.map(|(name, r)| col("resource").eq(lit(name.as_str())).and(col("batch").gt(lit(r.watermark()))));
    let Some(above) = above.reduce(Expr::or) else { return Ok(compacted) };
    let fast_filter = filter.conditions.into_iter().chain([above]).collect();
    let year = cast(date_part(lit("year"), col("occurred_at")), DataType::Int32).alias("year");
    let fast = scan_table(session, snapshot, (&lake.fast_counts, &snapshot.fast_counts), fast_filter, year)?;
    compacted.union(fast).map_err(engine_error)
}

/// Returns the plan of the rows of a table that pass all conditions.
fn scan_table(
    session: &Session,
    snapshot: &LakeSnapshot,
    (table, version): (&Table, &Arc<Snapshot>),
    conditions: Vec<Expr>,
    year: Expr,
) -> Result<DataFrame> {
    let provider = provider_as_source(snapshot.provider(table, version)?);
    let scan = LogicalPlanBuilder::scan(format!("stored.{}", table.name()), provider, None);
    let plan = scan.and_then(LogicalPlanBuilder::build).map_err(engine_error)?;
    let frame = DataFrame::new(session.context().state(), plan);
    let frame = conditions.into_iter().try_fold(frame, DataFrame::filter).map_err(engine_error)?;
    frame.select(COLUMNS.map(col).into_iter().chain([year]).collect::<Vec<_>>()).map_err(engine_error)
}

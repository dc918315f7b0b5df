//! The plan that answers a question: from hourly counts where they can, from the incidents where they cannot.

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry as _;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, cast};
use datafusion::prelude::{coalesce, col, lit};
use lake_model::{Error, Kind, Result};
use lake_query::{Session, View, engine_error};

use crate::app::Reading;
use crate::question::Question;
use crate::question::filters::Filters;
use crate::question::ordered::{By, Rows, first_rows};

/// The engine's error over a plan of ours: nothing in it is the client's doing.
pub(crate) fn plan_error(error: DataFusionError) -> Error {
    let error = engine_error(error);
    match error.kind() {
        Kind::Invalid => Error::internal(error.message()),
        Kind::Exhausted => error.context("the answer needs more memory than `request_memory_mib` of /limits"),
        _ => error,
    }
}

/// The rows that answer `question`, in the order of its dimensions, up to its limit.
///
/// # Errors
/// If the tables cannot be read.
pub(crate) async fn answer_rows(reading: &Reading, question: &Question) -> Result<Rows> {
    let frame = answer_frame(reading, question).await?;
    let order: Vec<By> = question.group_by.iter().map(|dimension| (dimension.member(), false)).collect();
    first_rows(frame, &order, question.limit).await.map_err(plan_error)
}

/// The rows that answer `question`, all and in no order.
///
/// # Errors
/// If the tables cannot be planned.
pub(crate) async fn answer_frame(reading: &Reading, question: &Question) -> Result<DataFrame> {
    if question.is_answered_by_counts() {
        from_counts(reading, question)
    } else {
        from_incidents(reading, question).await
    }
}

/// The answer from hourly counts, for questions that they answer.
pub(crate) fn from_counts(reading: &Reading, question: &Question) -> Result<DataFrame> {
    // Nothing is registered: a session with all tables and views costs more than planning this.
    let session = reading.engine.session();
    let frame = counted(&session, &reading.view, Some(&question.filters))?;
    aggregated(&session, frame, question, sum(col("count"))).map_err(plan_error)
}

/// The answer from the incidents themselves, for every question.
pub(crate) async fn from_incidents(reading: &Reading, question: &Question) -> Result<DataFrame> {
    let session = reading.session().await?;
    let frame = session.context().table("incidents").await.map_err(plan_error)?;
    let filters = &question.filters;
    let filters = filters.shared().into_iter().chain(filters.years()).chain(filters.points());
    let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(plan_error)?;
    aggregated(&session, frame, question, count(lit(1_i64))).map_err(plan_error)
}

fn aggregated(
    session: &Session,
    frame: DataFrame,
    question: &Question,
    counted: Expr,
) -> datafusion::error::Result<DataFrame> {
    let parent = session.context().udf("h3_cell_to_parent")?;
    let values = question.group_by.iter().map(|d| d.value(question.resolution, question.precision, &parent)).collect();
    if question.group_by.is_empty() {
        // The total of nothing is 0, not absent.
        let total = frame.aggregate(values, vec![counted.alias("count")])?;
        return total.select(vec![coalesce(vec![col("count"), lit(0_i64)]).alias("count")]);
    }
    let counted = frame.aggregate(values, vec![counted.alias("count")])?.filter(col("count").not_eq(lit(0_i64)))?;
    if !question.per_km2 {
        return Ok(counted);
    }
    let area = session.context().udf("h3_cell_area_km2")?.call(vec![col("cell")]);
    counted.with_column("per_km2", cast(col("count"), DataType::Float64) / area)
}

/// Compacted counts, and below them the signed counts of the batches above each watermark, not netted; only what
/// the filters ask for, everything if there are none.
///
/// # Errors
/// If the tables cannot be planned.
pub(crate) fn counted(session: &Session, view: &View, filters: Option<&Filters>) -> Result<DataFrame> {
    const COLUMNS: [&str; 8] =
        ["resource", "occurred_at", "cell", "category", "subcategory", "district", "neighborhood", "count"];
    let lake = &view.lake;
    let read = |table, snapshot, filters: Vec<Expr>| -> Result<DataFrame> {
        let frame = session.context().read_table(view.provider(table, snapshot)?).map_err(plan_error)?;
        let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(plan_error)?;
        frame.select_columns(&COLUMNS).map_err(plan_error)
    };
    let conditions = filters.map(Filters::shared).unwrap_or_default();
    let years = filters.and_then(Filters::years);
    let stored = read(&lake.counts, &view.counts, conditions.iter().cloned().chain(years).collect())?;
    let asked = |name: &String| filters.is_none_or(|filters| filters.resources.holds(name));
    let pending = view.resources.iter().filter(|(name, resource)| asked(name) && resource.is_pending());
    let above =
        pending.map(|(name, r)| col("resource").eq(lit(name.as_str())).and(col("batch").gt(lit(r.watermark()))));
    match above.reduce(Expr::or) {
        None => Ok(stored),
        Some(above) => {
            let fast = read(&lake.fast_counts, &view.fast_counts, conditions.into_iter().chain([above]).collect())?;
            stored.union(fast).map_err(plan_error)
        }
    }
}

//! The plan that answers a question: from hourly counts where they suffice, otherwise from the incidents.

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry as _;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, cast};
use datafusion::prelude::{coalesce, col, lit};
use lake_model::{Error, Kind, Result};
use lake_query::{CountsFilter, Session, engine_error, scan_counts};

use crate::aggregates::AggregatesRequest;
use crate::context::QueryContext;
use crate::counting::count_rows;
use crate::ordered_rows::{OrderedRows, SortColumn, first_rows};

/// Returns the engine's error of a plan that we made, for which a client is not responsible.
pub fn plan_error(error: DataFusionError) -> Error {
    let error = engine_error(error);
    match error.kind() {
        Kind::Invalid => Error::internal(error.message()),
        Kind::Exhausted => error.context("the answer needs more memory than `request_memory_mib` of /limits"),
        _ => error,
    }
}

/// Returns the rows that answer `question`, in the order of its dimensions, up to its limit.
///
/// # Errors
/// If the tables cannot be read.
pub async fn answer_rows(context: &QueryContext, question: &AggregatesRequest) -> Result<OrderedRows> {
    if let Some(counted) = count_rows(context, question, question.limit).await? {
        return Ok(counted.into_stream());
    }
    let frame = plan_answer(context, question).await?;
    let order: Vec<SortColumn> = question.group_by.iter().map(|dimension| (dimension.column(), false)).collect();
    first_rows(frame, &order, question.limit).await.map_err(plan_error)
}

/// Returns the rows that answer `question` with the greatest counts, the greatest first, up to its limit. Rows with equal
/// counts are in the order of its dimensions.
///
/// # Errors
/// If the tables cannot be read.
pub async fn most_frequent_rows(context: &QueryContext, question: &AggregatesRequest) -> Result<OrderedRows> {
    if let Some(counted) = count_rows(context, question, usize::MAX).await? {
        return Ok(counted.most_frequent(question.limit)?.into_stream());
    }
    let frame = plan_answer(context, question).await?;
    let dimensions = question.group_by.iter().map(|dimension| (dimension.column(), false));
    let order: Vec<SortColumn> = [("count", true)].into_iter().chain(dimensions).collect();
    first_rows(frame, &order, question.limit).await.map_err(plan_error)
}

/// Returns the plan of all rows that answer `question`, in no order.
///
/// # Errors
/// If the tables cannot be planned.
pub async fn answer_frame(context: &QueryContext, question: &AggregatesRequest) -> Result<DataFrame> {
    if let Some(counted) = count_rows(context, question, usize::MAX).await? {
        return context.engine.session().context().read_batch(counted.rows).map_err(plan_error);
    }
    plan_answer(context, question).await
}

async fn plan_answer(context: &QueryContext, question: &AggregatesRequest) -> Result<DataFrame> {
    if question.is_answered_by_counts() {
        plan_from_counts(context, question)
    } else {
        plan_from_incidents(context, question).await
    }
}

/// Returns the plan over hourly counts, for questions that they answer.
pub fn plan_from_counts(context: &QueryContext, question: &AggregatesRequest) -> Result<DataFrame> {
    // Nothing is registered: a session with all tables and views costs more than planning this.
    let session = context.engine.session();
    let filters = &question.filters;
    let filter = CountsFilter { conditions: filters.column_tests(), year: filters.year_test() };
    let frame = scan_counts(&session, &context.snapshot, filter, |name| filters.resources.contains(name))?;
    aggregate(&session, frame, question, sum(col("count"))).map_err(plan_error)
}

/// Returns the plan over the incidents, for every question.
pub async fn plan_from_incidents(context: &QueryContext, question: &AggregatesRequest) -> Result<DataFrame> {
    let session = context.session().await?;
    let frame = session.context().table("incidents").await.map_err(plan_error)?;
    let filters = &question.filters;
    let filters = filters.column_tests().into_iter().chain(filters.year_test()).chain(filters.point_test());
    let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(plan_error)?;
    aggregate(&session, frame, question, count(lit(1_i64))).map_err(plan_error)
}

fn aggregate(
    session: &Session,
    frame: DataFrame,
    question: &AggregatesRequest,
    counted: Expr,
) -> datafusion::error::Result<DataFrame> {
    let parent = session.context().udf("h3_cell_to_parent")?;
    let values =
        question.group_by.iter().map(|d| d.expression(question.resolution, question.precision, &parent)).collect();
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

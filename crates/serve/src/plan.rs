//! The plan that answers a question: from hourly counts where they can, from the incidents where they cannot.

use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry as _;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::prelude::{coalesce, col, lit};
use lake_model::{Error, Kind, Result, year_of};
use lake_query::{Reader, Session, View, engine_error};

use crate::place::holds_point;
use crate::question::Question;

/// The engine's error over a plan of ours: nothing in it is the client's doing.
pub(crate) fn plan_error(error: DataFusionError) -> Error {
    let error = engine_error(error);
    if error.kind() == Kind::Invalid { Error::internal(error.message()) } else { error }
}

/// The greatest limit that is put into the plan: the engine then keeps the first rows in a heap, which for many rows
/// takes twice as long as sorting all and reading the first.
const MOST_IN_HEAP: usize = 1_000;

/// The rows that answer `question`, ordered by their dimensions; its limit is the reader's to keep.
///
/// # Errors
/// If the tables cannot be planned.
pub(crate) async fn answer_frame(reader: &Reader, view: &View, question: &Question) -> Result<DataFrame> {
    if question.is_answered_by_counts() {
        from_counts(reader, view, question)
    } else {
        from_incidents(reader, view, question).await
    }
}

/// The answer from hourly counts, for questions that they answer.
pub(crate) fn from_counts(reader: &Reader, view: &View, question: &Question) -> Result<DataFrame> {
    // Nothing is registered: a session with all tables and views costs more than planning this.
    let session = reader.engine().session();
    let frame = counted(&session, view, Some(question))?;
    aggregated(&session, frame, question, sum(col("count"))).map_err(plan_error)
}

/// The answer from the incidents themselves, for every question.
pub(crate) async fn from_incidents(reader: &Reader, view: &View, question: &Question) -> Result<DataFrame> {
    let session = reader.session(view).await?;
    let frame = session.context().table("incidents").await.map_err(plan_error)?;
    let filters = conditions(question).into_iter().chain(in_years(question)).chain(places(question));
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
    let order: Vec<SortExpr> = question.group_by.iter().map(|d| col(d.member()).sort(true, false)).collect();
    let ordered =
        frame.aggregate(values, vec![counted.alias("count")])?.filter(col("count").not_eq(lit(0_i64)))?.sort(order)?;
    if question.limit > MOST_IN_HEAP { Ok(ordered) } else { ordered.limit(0, Some(question.limit + 1)) }
}

/// Compacted counts, and below them the signed counts of the batches above each watermark, not netted; only what
/// `question` asks for, everything if there is none.
///
/// # Errors
/// If the tables cannot be planned.
pub(crate) fn counted(session: &Session, view: &View, question: Option<&Question>) -> Result<DataFrame> {
    const COLUMNS: [&str; 8] =
        ["resource", "occurred_at", "cell", "category", "subcategory", "district", "neighborhood", "count"];
    let lake = &view.lake;
    let read = |table, snapshot, filters: Vec<Expr>| -> Result<DataFrame> {
        let frame = session.context().read_table(view.provider(table, snapshot)?).map_err(plan_error)?;
        let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(plan_error)?;
        frame.select_columns(&COLUMNS).map_err(plan_error)
    };
    let conditions = question.map(conditions).unwrap_or_default();
    let years = question.and_then(in_years);
    let stored = read(&lake.counts, &view.counts, conditions.iter().cloned().chain(years).collect())?;
    let asked = |name: &String| question.is_none_or(|q| q.resources.is_empty() || q.resources.contains(name));
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

fn all(conditions: Vec<Expr>) -> Option<Expr> {
    conditions.into_iter().reduce(Expr::and)
}

fn instant(micros: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(micros), None))
}

fn one_of(value: Expr, list: Vec<Expr>) -> Option<Expr> {
    (!list.is_empty()).then(|| value.in_list(list, false))
}

/// What is asked of columns that `counts` and `incidents` share.
fn conditions(question: &Question) -> Vec<Expr> {
    let texts = |texts: &[String]| texts.iter().map(|text| lit(text.as_str())).collect();
    let numbers = |numbers: &[i32]| numbers.iter().map(|number| lit(*number)).collect();
    let labels = question.labels.iter().map(|(label, values)| one_of(col(label.member()), texts(values)));
    let occurred_at = || col("occurred_at");
    [
        one_of(col("resource"), texts(&question.resources)),
        question.start.map(|start| occurred_at().gt_eq(instant(start))),
        question.end.map(|end| occurred_at().lt(instant(end))),
        one_of(crate::bucket::hour(occurred_at()), numbers(&question.hours)),
        one_of(crate::bucket::weekday(occurred_at()), numbers(&question.weekdays)),
    ]
    .into_iter()
    .chain(labels)
    .flatten()
    .collect()
}

/// The years that the window touches: their files alone are opened. The undated have none, and no window holds them.
fn in_years(question: &Question) -> Option<Expr> {
    let from = question.start.map(|start| col("year").gt_eq(lit(year_of(start))));
    let to = question.end.map(|end| col("year").lt_eq(lit(year_of(end - 1))));
    all(from.into_iter().chain(to).collect())
}

/// The tests of an incident's point, the cheap ones of boxes first.
fn places(question: &Question) -> Option<Expr> {
    let near = question.near;
    let polygon = question.polygon.clone();
    let boxes = [question.bbox, near.map(|c| c.bounds()), polygon.as_ref().map(|p| p.bounds())];
    let tests = [
        near.map(|circle| holds_point("near", move |lat, lon| circle.contains(lat, lon))),
        polygon.map(|area| holds_point("polygon", move |lat, lon| area.contains(lat, lon))),
    ];
    all(boxes.into_iter().flatten().map(|b| b.holds()).chain(tests.into_iter().flatten()).collect())
}

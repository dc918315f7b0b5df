//! `/incidents`: the rows behind a cell and filters, a page at a time, all pages of one version of the lake.

mod page_token;

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMicrosecondType;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{col, lit};
use futures::TryStreamExt as _;
use lake_analytics::{
    CELLS, FILTERS, FORMAT, Filters, Parameter, ParameterTable, Shape, SortColumn, ValueKind, first_rows,
    parse_optional_integer, plan_error, unknown_value, with_filters,
};
use lake_model::{Kind, Result, ResultExt, listed};

use self::page_token::{PageKey, PageToken};
use crate::app::{App, RequestContext};
use crate::http::endpoint::{Endpoint, INCIDENTS};
use crate::http::request::early_end::EarlyEnd;
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::{Question, RowsAnswer, RowsRequest};
use crate::problem::Problem;

/// The columns there are.
const COLUMNS: [&str; 13] = [
    "resource",
    "id",
    "occurred_at",
    "closed_at",
    "category",
    "subcategory",
    "status",
    "district",
    "neighborhood",
    "latitude",
    "longitude",
    "cell",
    "updated_at",
];

/// The newest first, the undated last; the key makes it total.
const ORDER: [SortColumn; 3] = [("occurred_at", true), ("resource", false), ("id", false)];

/// Rows of a page where the request names no limit.
const DEFAULT_ROWS: usize = 1_000;
/// The most rows of a page.
const MAX_ROWS: usize = 10_000;

const OWN_PARAMETERS: [Parameter; 5] = [
    Parameter::new("columns", Shape::Many, "The columns to return, separated by commas; all by default."),
    Parameter::new(
        "page",
        Shape::One,
        "The page to return: the value of Lake-Next of the previous page, with the same filters; the first by default.",
    ),
    Parameter::with_values(
        "limit",
        Shape::One,
        ValueKind::Integer(1, MAX_ROWS as i64),
        "The maximum number of rows of a page; 1000 by default.",
    ),
    CELLS,
    FORMAT,
];

/// The parameters of `/incidents`.
const PARAMETERS: ParameterTable =
    &with_filters::<{ OWN_PARAMETERS.len() }, { OWN_PARAMETERS.len() + FILTERS.len() }>(OWN_PARAMETERS);

/// The definition of `/incidents`.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: INCIDENTS,
    about: "The incidents themselves, the newest first, a page at a time.",
    parameters: PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /incidents`, and `POST` with the same parameters as the members of a JSON object.
pub(crate) async fn answer(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, EarlyEnd> {
    let parameters = params.parse(&ENDPOINT)?;
    let columns = parse_columns(parameters.all("columns"))?;
    let most = MAX_ROWS.min(app.limits.answers.max_rows);
    let limit = parse_optional_integer(&parameters, "limit", 1, most)?.unwrap_or(DEFAULT_ROWS.min(most));
    let filters = Filters::parse(&parameters, &app.limits.answers)?;
    let question = PageToken::fingerprint(&parameters);
    let page = parameters.single("page").map(|text| PageToken::decode(text, &question)).transpose()?;
    let version = page.as_ref().map(|page| page.version.as_str());
    let canonical_text = format!("{:?}", (&filters, &columns, limit, &page));
    let asked = Question { parameters: &parameters, filters: &filters, canonical_text, version };
    let request = RowsRequest::prepare(&app, &params, asked).await?;
    let after = page.as_ref().map(|page| &page.after);
    let (rows, truncated) = request.run(read_page(&request.context, &filters, after, limit)).await?;
    let next = truncated.then(|| last_key(&rows)).flatten();
    let next = next.map(|after| PageToken { version: request.context.snapshot.version(), question, after }.encode());
    let shown = project(&rows, &columns)?;
    let link =
        next.as_deref().filter(|_| params.method != Method::POST).map(|token| params.address_with("page", token));
    Ok(request.respond(RowsAnswer { schema: shown.schema(), batches: vec![shown], truncated, next, link })?)
}

fn parse_columns(given: Option<&[String]>) -> Result<Vec<&'static str>, Problem> {
    let Some(given) = given else { return Ok(COLUMNS.to_vec()) };
    let mut chosen = Vec::new();
    for name in given.iter().flat_map(|text| text.split(',')).map(str::trim) {
        let found = COLUMNS.into_iter().find(|column| *column == name);
        let column = found.ok_or_else(|| unknown_value("columns", name, COLUMNS.into_iter()))?;
        if !chosen.contains(&column) {
            chosen.push(column);
        }
    }
    if chosen.is_empty() {
        return Err(Problem::invalid_parameter(
            "columns",
            format!("`columns` is empty: expected some of {}", listed(COLUMNS)),
        ));
    }
    Ok(chosen)
}

/// Reads a page of incidents with every column, and whether there are more.
async fn read_page(
    context: &RequestContext,
    filters: &Filters,
    after: Option<&PageKey>,
    limit: usize,
) -> Result<(RecordBatch, bool)> {
    let session = context.session().await?;
    let frame = session.context().table("incidents").await.map_err(plan_error)?;
    let tests = filters
        .column_tests()
        .into_iter()
        .chain(filters.year_test())
        .chain(filters.point_test())
        .chain(after.map(PageKey::following));
    let frame = tests.into_iter().try_fold(frame, DataFrame::filter).map_err(plan_error)?;
    let frame = frame.select(COLUMNS.map(col)).map_err(plan_error)?;
    let found = first_rows(frame, &ORDER, limit).await.map_err(plan_error)?;
    let batches: Vec<RecordBatch> = found.batches.try_collect().await.map_err(plan_error)?;
    let rows = concat_batches(&found.schema, &batches).or_err(Kind::Internal, || "a page of incidents")?;
    Ok((rows, found.truncated))
}

fn project(rows: &RecordBatch, columns: &[&str]) -> Result<RecordBatch> {
    let indices: Result<Vec<usize>, _> = columns.iter().map(|name| rows.schema().index_of(name)).collect();
    let projected = indices.and_then(|indices| rows.project(&indices));
    projected.or_err(Kind::Internal, || "the columns of incidents")
}

/// Returns the position of the last row of a page in the order.
fn last_key(rows: &RecordBatch) -> Option<PageKey> {
    let last = rows.num_rows().checked_sub(1)?;
    let text = |name: &str| Some(rows.column_by_name(name)?.as_string_opt::<i32>()?.value(last).to_owned());
    let at = rows.column_by_name("occurred_at")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let occurred_at = at.is_valid(last).then(|| at.value(last));
    Some(PageKey { occurred_at, resource: text("resource")?, id: text("id")? })
}

impl PageKey {
    /// Returns the test that a row comes after this position in [`ORDER`].
    fn following(&self) -> datafusion::logical_expr::Expr {
        let (resource, id) = (lit(self.resource.as_str()), lit(self.id.as_str()));
        let same_instant = col("resource").gt(resource.clone()).or(col("resource").eq(resource).and(col("id").gt(id)));
        match self.occurred_at {
            None => col("occurred_at").is_null().and(same_instant),
            Some(at) => {
                let at = lit(datafusion::common::ScalarValue::TimestampMicrosecond(Some(at), None));
                let earlier = col("occurred_at").lt(at.clone()).or(col("occurred_at").is_null());
                earlier.or(col("occurred_at").eq(at).and(same_instant))
            }
        }
    }
}

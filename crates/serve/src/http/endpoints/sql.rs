//! `/sql`: ask anything, read-only.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use lake_analytics::{
    CELLS, FORMAT, Parameter, ParameterError, ParameterTable, Parameters, Shape, ValueKind, parse_integer,
};
use lake_model::{Kind, parse_json};
use serde_json::Value;
use tokio::time::timeout_at;

use crate::app::App;
use crate::http::endpoint::{Endpoint, SQL};
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_body::RequestBody;
use crate::http::request::rows_request::RowsRequest;
use crate::limits::timeout_error;
use crate::problem::Problem;
use crate::sql_worker::{Sql, StatementValues, plan};

/// The rows that any query may be asked for at most.
pub(crate) const LIMIT: Parameter = Parameter::with_values(
    "limit",
    Shape::One,
    ValueKind::Integer(1, i64::MAX),
    "Rows at most, in the order of the query.",
);

const PARAMETERS: ParameterTable = &[
    Parameter::new("query", Shape::One, "One query that reads: SELECT, WITH, EXPLAIN, SHOW or DESCRIBE."),
    Parameter::new(
        "parameters",
        Shape::Object,
        "Values for its places: an object by name, or an array in the order of the places.",
    ),
    LIMIT,
    CELLS,
    FORMAT,
];

/// What `/sql` is.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: SQL,
    about: "The rows of a query in SQL, which reads and changes nothing. Values for its places are bound, never pasted.",
    parameters: PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /sql`.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::from_query(SQL, PARAMETERS, query.as_deref().unwrap_or_default())?;
    answer(&app, &parameters, parameters.single("query"), &values(&parameters)?, &method, &headers).await
}

/// Answers `POST /sql`: a JSON object of the parameters, or the query itself as text.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    RequestBody(body): RequestBody,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::from_query(SQL, PARAMETERS, query.as_deref().unwrap_or_default())?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/json" && kind != "application/sql" {
        // An HTML form can send other types to any server that its reader's browser reaches.
        let given = if kind.is_empty() { "none".to_owned() } else { format!("`{kind}`") };
        return Err(Problem::unsupported_type(format!(
            "the body has the content type {given}: send a JSON object with Content-Type: application/json, or the query \
             itself with Content-Type: application/sql"
        )));
    }
    if kind == "application/sql" {
        let text = std::str::from_utf8(&body).map_err(|_| Problem::from_kind(Kind::Invalid, "the body is no UTF-8"))?;
        return answer(&app, &parameters, Some(text), &values(&parameters)?, &method, &headers).await;
    }
    let what =
        "the body is a JSON object with the query as `query`, or the query itself with Content-Type: application/sql";
    let parsed = std::str::from_utf8(&body).map_err(|error| error.to_string());
    let parsed = parsed.and_then(|text| parse_json(text).map_err(|error| error.to_string()));
    let parsed = parsed.map_err(|error| Problem::from_kind(Kind::Invalid, format!("{what}; it is none: {error}")))?;
    let Value::Object(mut members) = parsed else { return Err(Problem::from_kind(Kind::Invalid, what)) };
    // Values keep their types: `5` is a number and `"5"` is a text.
    let given = members.remove("parameters");
    parameters.add_json(Value::Object(members).to_string().as_bytes())?;
    let values = match given {
        Some(values) => values,
        None => values(&parameters)?,
    };
    answer(&app, &parameters, parameters.single("query"), &values, &method, &headers).await
}

/// The values in the address: JSON.
fn values(parameters: &Parameters) -> Result<Value, Problem> {
    let wrong = |error| Problem::invalid_parameter("parameters", format!("`parameters` is no JSON: {error}"));
    parameters.single("parameters").map_or(Ok(Value::Null), |text| parse_json(text).map_err(wrong))
}

async fn answer(
    app: &App,
    parameters: &Parameters,
    query: Option<&str>,
    values: &Value,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let Some(query) = query.filter(|query| !query.trim().is_empty()) else {
        return Err(Problem::invalid_parameter(
            "query",
            "there is no `query`: write one, such as SELECT COUNT(*) FROM incidents",
        ));
    };
    let limit = row_limit(app, parameters.single("limit"))?;
    let cells = parameters.single(CELLS.name).unwrap_or_default();
    let mut request = RowsRequest::open(app, "sql", parameters.single("format"), headers)
        .await?
        .with_cells(parameters.single(CELLS.name))?;
    let deadline = request.deadline;
    let answered = async {
        let planned =
            plan(&request.context, Sql::Text(query.to_owned()), StatementValues::Json(values.to_string())).await?;
        if *method != Method::POST
            && planned.is_fixed
            && let Some(known) = request.name(headers, &[query, &planned.values, &limit.to_string(), cells])?
        {
            return Ok(known);
        }
        let format = request.format();
        request.stream(planned.first_rows(limit, format).await?)
    };
    timeout_at(deadline, answered).await.map_err(|_| timeout_error())?
}

/// How many rows are answered at most.
///
/// # Errors
/// If it is no number of rows, or more than there may be.
pub(crate) fn row_limit(app: &App, text: Option<&str>) -> Result<usize, ParameterError> {
    let limits = &app.limits.answers;
    text.map_or(Ok(limits.default_rows), |text| parse_integer("limit", text, 1, limits.max_rows))
}

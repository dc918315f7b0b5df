//! `/sql`: ask anything, read-only.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::Response;
use lake_analytics::{
    CELLS, FORMAT, Parameter, ParameterError, ParameterTable, Parameters, Shape, ValueKind, parse_integer,
};
use lake_model::{Kind, parse_unambiguous_json};
use serde_json::Value;

use crate::app::App;
use crate::http::endpoint::{Endpoint, SQL};
use crate::http::request::early_end::EarlyEnd;
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::RowsRequest;
use crate::limits::run_until;
use crate::problem::Problem;
use crate::sql_worker::{Sql, StatementValues, plan};

/// The maximum number of rows of any query.
pub(crate) const LIMIT: Parameter = Parameter::with_values(
    "limit",
    Shape::One,
    ValueKind::Integer(1, i64::MAX),
    "The maximum number of rows, in the order of the query; `default_rows` of /limits by default.",
);

const PARAMETERS: ParameterTable = &[
    Parameter::new("query", Shape::One, "One read-only statement: SELECT, WITH, EXPLAIN, SHOW or DESCRIBE."),
    Parameter::new(
        "parameters",
        Shape::Object,
        "Values for the placeholders: an object by name, or an array in their order.",
    ),
    LIMIT,
    CELLS,
    FORMAT,
];

/// The definition of `/sql`.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: SQL,
    about: "The rows of a read-only SQL query. Values are bound to its placeholders, never inserted as text.",
    parameters: PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// A statement, its values and the parameters of its answer.
struct SqlRequest {
    parameters: Parameters,
    query: String,
    values: Value,
}

/// Answers `GET /sql`, and `POST` with a JSON object of the parameters, or the query itself as text.
pub(crate) async fn answer(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, EarlyEnd> {
    let SqlRequest { parameters, query, values } = SqlRequest::parse(&params)?;
    let limit = row_limit(&app, parameters.single("limit"))?;
    let (format, cells) = (parameters.single("format"), parameters.single(CELLS.name));
    let mut request = RowsRequest::prepare_query(&app, &params, "sql", format, cells).await?;
    let deadline = request.deadline;
    let answered = async {
        let sql = Sql::Text(query.clone());
        let planned = plan(&request.context, sql, StatementValues::Json(values.to_string())).await?;
        if params.method != Method::POST && planned.is_fixed {
            let texts = [&query, &*planned.values, &limit.to_string(), cells.unwrap_or_default()];
            request.tag(&params, &texts)?;
        }
        let format = request.format();
        Ok(request.respond_with_stream(planned.first_rows(limit, format).await?)?)
    };
    run_until(deadline, Box::pin(answered)).await
}

impl SqlRequest {
    fn parse(params: &RequestParams) -> Result<Self, Problem> {
        let parameters = params.parse_query(&ENDPOINT)?;
        match params.body() {
            None => {
                let query = parameters.single("query").map(str::to_owned);
                let values = parse_values(&parameters)?;
                Self::new(parameters, query, values)
            }
            Some(body) => Self::parse_body(params, parameters, body),
        }
    }

    fn parse_body(params: &RequestParams, mut parameters: Parameters, body: &[u8]) -> Result<Self, Problem> {
        let kind = params.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" && kind != "application/sql" {
            // An HTML form can send other types to any server that its reader's browser reaches.
            let given = if kind.is_empty() { "none".to_owned() } else { format!("`{kind}`") };
            return Err(Problem::unsupported_type(format!(
                "the body has the content type {given}: send a JSON object with Content-Type: application/json, or the \
                 query itself with Content-Type: application/sql"
            )));
        }
        if kind == "application/sql" {
            let text = std::str::from_utf8(body);
            let text = text.map_err(|_| Problem::from_kind(Kind::Invalid, "the body is not UTF-8 text"))?;
            let values = parse_values(&parameters)?;
            return Self::new(parameters, Some(text.to_owned()), values);
        }
        let what = "the body is a JSON object with the query as `query`, or the query itself with Content-Type: application/sql";
        let parsed = std::str::from_utf8(body).map_err(|error| error.to_string());
        let parsed = parsed.and_then(|text| parse_unambiguous_json(text).map_err(|error| error.to_string()));
        let parsed =
            parsed.map_err(|error| Problem::from_kind(Kind::Invalid, format!("{what}; this body is not: {error}")))?;
        let Value::Object(mut members) = parsed else { return Err(Problem::from_kind(Kind::Invalid, what)) };
        // Values keep their types: `5` is a number and `"5"` is a text.
        let values = members.remove("parameters");
        parameters.add_json(Value::Object(members).to_string().as_bytes())?;
        let values = values.map_or_else(|| parse_values(&parameters), Ok)?;
        let query = parameters.single("query").map(str::to_owned);
        Self::new(parameters, query, values)
    }

    fn new(parameters: Parameters, query: Option<String>, values: Value) -> Result<Self, Problem> {
        let Some(query) = query.filter(|query| !query.trim().is_empty()) else {
            let what = "there is no `query`: write one, such as SELECT COUNT(*) FROM incidents";
            return Err(Problem::invalid_parameter("query", what));
        };
        Ok(Self { parameters, query, values })
    }
}

/// Parses the values in the address: JSON.
fn parse_values(parameters: &Parameters) -> Result<Value, Problem> {
    let wrong = |error| Problem::invalid_parameter("parameters", format!("`parameters` is not valid JSON: {error}"));
    parameters.single("parameters").map_or(Ok(Value::Null), |text| parse_unambiguous_json(text).map_err(wrong))
}

/// Parses the limit of rows.
///
/// # Errors
/// If it is not a number of rows, or more than there may be.
pub(crate) fn row_limit(app: &App, text: Option<&str>) -> Result<usize, ParameterError> {
    let limits = &app.limits.answers;
    text.map_or(Ok(limits.default_rows), |text| parse_integer("limit", text, 1, limits.max_rows))
}

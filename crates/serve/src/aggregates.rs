//! `/aggregates`: how many, where, when, of what kind.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use lake_model::{Kind, Result, ResultExt};
use lake_query::{Format, View};

use crate::answer::Rows;
use crate::parameters::Parameters;
use crate::plan::answer_frame;
use crate::problem::Problem;
use crate::question::{ACCEPTED, Question};
use crate::routes::{AGGREGATES, Body};
use crate::server::App;

/// Answers `GET /aggregates`.
pub(crate) async fn get(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let parameters = Parameters::from_query(AGGREGATES, ACCEPTED, query.as_deref().unwrap_or_default())?;
    answer(&app, &parameters).await
}

/// Answers `POST /aggregates`: the same parameters, as the members of a JSON object.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::from_query(AGGREGATES, ACCEPTED, query.as_deref().unwrap_or_default())?;
    parameters.add_json(&body)?;
    answer(&app, &parameters).await
}

async fn answer(app: &App, parameters: &Parameters) -> Result<Response, Problem> {
    let question = Question::parse(parameters, &app.options)?;
    let view = app.reader.view().await?;
    question.check_resources(&app.resource_names(&view))?;
    let rows = Rows::take(answer_frame(&app.reader, &view, &question).await?, question.limit).await?;
    let truncated = rows.truncated;
    let mut response = rows.into_body(Format::Json)?.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in reading_headers(&view, &question.resources)? {
        headers.insert(HeaderName::from_static(name), value);
    }
    headers.insert("lake-truncated", flag(truncated));
    Ok(response)
}

fn flag(value: bool) -> HeaderValue {
    HeaderValue::from_static(if value { "true" } else { "false" })
}

/// What was read for an answer over `names` (all if empty): its versions, whether it is exact, as of when, and
/// whether any of it is synthetic.
fn reading_headers(view: &View, names: &[String]) -> Result<Vec<(&'static str, HeaderValue)>> {
    let version = HeaderValue::from_str(&view.version()).or_err(Kind::Internal, || "the versions read")?;
    let mut headers = vec![("lake-version", version), ("lake-exact", flag(view.is_exact(names)))];
    if let Some(time) = view.as_of_ms().and_then(DateTime::from_timestamp_millis) {
        let text = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        headers.push(("lake-as-of", HeaderValue::from_str(&text).or_err(Kind::Internal, || "the time read")?));
    }
    let mut read = view.resources.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
    if read.any(|(_, resource)| resource.mark.synthetic) {
        headers.push(("lake-synthetic", flag(true)));
    }
    Ok(headers)
}

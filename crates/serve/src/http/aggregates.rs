//! `/aggregates`: how many, where, when, of what kind.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tokio::time::timeout_at;

use super::answer::too_slow;
use super::endpoint::{AGGREGATES, Endpoint};
use super::negotiate::FORMATS;
use super::routes::Body;
use super::rows::Asked;
use crate::app::App;
use crate::problem::Problem;
use crate::question::parameters::Parameters;
use crate::question::plan::answer_rows;
use crate::question::{ACCEPTED, Question};

/// What `/aggregates` is.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: AGGREGATES,
    about: "Counts of incidents by where, when and of what kind.",
    parameters: ACCEPTED,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /aggregates`.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::from_query(AGGREGATES, ACCEPTED, query.as_deref().unwrap_or_default())?;
    answer(&app, &parameters, &method, &headers).await
}

/// Answers `POST /aggregates`: the same parameters, as the members of a JSON object.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::from_query(AGGREGATES, ACCEPTED, query.as_deref().unwrap_or_default())?;
    parameters.add_json(&body)?;
    answer(&app, &parameters, &method, &headers).await
}

async fn answer(app: &App, parameters: &Parameters, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
    let question = Question::parse(parameters, &app.limits)?;
    match Asked::new(app, parameters, &question.filters, method, headers, None).await? {
        Err(known) => Ok(known),
        Ok(asked) => {
            let rows = answer_rows(&asked.reading, &question);
            let rows = timeout_at(asked.deadline, rows).await.map_err(|_| too_slow())??;
            asked.stream(rows)
        }
    }
}

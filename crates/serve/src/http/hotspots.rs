//! `/hotspots`: which cells are hot beyond chance, and their trend.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use lake_model::{Kind, ResultExt as _};
use tokio::time::timeout_at;

use super::answer::too_slow;
use super::endpoint::{Endpoint, HOTSPOTS};
use super::negotiate::FORMATS;
use super::routes::Body;
use super::rows::{Asked, Made};
use crate::app::App;
use crate::hotspots::{ACCEPTED, Hotspots};
use crate::problem::Problem;
use crate::question::parameters::Parameters;

/// What `/hotspots` is.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: HOTSPOTS,
    about: "Which cells are hot or cold beyond chance (Getis-Ord Gi*), the hottest first, and their trend by month \
            (Mann-Kendall). Every filter applies.",
    parameters: ACCEPTED,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /hotspots`.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::from_query(HOTSPOTS, ACCEPTED, query.as_deref().unwrap_or_default())?;
    answer(&app, &parameters, &method, &headers).await
}

/// Answers `POST /hotspots`: the same parameters, as the members of a JSON object.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::from_query(HOTSPOTS, ACCEPTED, query.as_deref().unwrap_or_default())?;
    parameters.add_json(&body)?;
    answer(&app, &parameters, &method, &headers).await
}

async fn answer(app: &App, parameters: &Parameters, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
    let question = Hotspots::parse(parameters, &app.limits)?;
    let asked = match Asked::new(app, parameters, &question.filters, method, headers, None).await? {
        Ok(asked) => asked,
        Err(known) => return Ok(known),
    };
    let found = question.answer(&asked.reading);
    let found = timeout_at(asked.deadline, found).await.map_err(|_| too_slow())??;
    let schema = found.batch.schema();
    let mut response =
        asked.answer(Made { schema, batches: vec![found.batch], truncated: found.truncated, next: None })?;
    let headers = response.headers_mut();
    headers.insert("lake-unlocated", HeaderValue::from(found.unlocated));
    if let Some(months) = found.months {
        let months = HeaderValue::from_str(&months).or_err(Kind::Internal, || "months as a header")?;
        headers.insert("lake-trend-months", months);
    }
    Ok(response)
}

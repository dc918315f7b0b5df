//! `/hotspots`: which cells are hot beyond chance, and their trend.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use lake_analytics::{HOTSPOTS_PARAMETERS, HotspotsRequest, answer_hotspots};
use lake_model::{Kind, ResultExt as _};
use tokio::time::timeout_at;

use crate::app::App;
use crate::http::endpoint::{Endpoint, HOTSPOTS};
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_params::Given;
use crate::http::request::rows_request::{Asked, Made};
use crate::limits::timeout_error;
use crate::problem::Problem;

/// What `/hotspots` is.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: HOTSPOTS,
    about: "Which cells are hot or cold beyond chance (Getis-Ord Gi*), the hottest first, and their trend by month \
            (Mann-Kendall). Every filter applies.",
    parameters: HOTSPOTS_PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /hotspots`, and `POST` with the same parameters as the members of a JSON object.
pub(crate) async fn answer(State(app): State<Arc<App>>, given: Given) -> Result<Response, Problem> {
    let parameters = given.parameters(&ENDPOINT)?;
    let question = HotspotsRequest::parse(&parameters, &app.limits.answers)?;
    let (filters, asks) = (&question.filters, format!("{question:?}"));
    let asked = match Asked::new(&app, &parameters, filters, &asks, &given.method, &given.headers, None).await? {
        Ok(asked) => asked,
        Err(known) => return Ok(known),
    };
    let found = answer_hotspots(&asked.reading, &question, asked.reading.clone());
    let found = timeout_at(asked.deadline, found).await.map_err(|_| timeout_error())??;
    let schema = found.batch.schema();
    let mut response = asked.answer(Made {
        schema,
        batches: vec![found.batch],
        truncated: found.truncated,
        next: None,
        link: None,
    })?;
    let headers = response.headers_mut();
    headers.insert("lake-unlocated", HeaderValue::from(found.unlocated));
    if let Some(months) = found.months {
        let months = HeaderValue::from_str(&months).or_err(Kind::Internal, || "months as a header")?;
        headers.insert("lake-trend-months", months);
    }
    Ok(response)
}

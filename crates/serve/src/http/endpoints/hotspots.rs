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
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::{RowsAnswer, RowsRequest};
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
pub(crate) async fn answer(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, Problem> {
    let parameters = params.parameters(&ENDPOINT)?;
    let question = HotspotsRequest::parse(&parameters, &app.limits.answers)?;
    let (filters, asks) = (&question.filters, format!("{question:?}"));
    let request =
        match RowsRequest::new(&app, &parameters, filters, &asks, &params.method, &params.headers, None).await? {
            Ok(request) => request,
            Err(known) => return Ok(known),
        };
    let found = answer_hotspots(&request.context, &question, request.context.clone());
    let found = timeout_at(request.deadline, found).await.map_err(|_| timeout_error())??;
    let schema = found.batch.schema();
    let mut response = request.answer(RowsAnswer {
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

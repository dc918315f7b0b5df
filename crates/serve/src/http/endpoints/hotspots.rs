//! `/hotspots`: which cells are hot beyond chance, and their trend.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use lake_analytics::{HOTSPOTS_PARAMETERS, HotspotsRequest, answer_hotspots};
use lake_model::{Kind, ResultExt as _};

use crate::app::App;
use crate::http::endpoint::{Endpoint, HOTSPOTS};
use crate::http::request::early_end::EarlyEnd;
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::{Question, RowsAnswer, RowsRequest};

/// The definition of `/hotspots`.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: HOTSPOTS,
    about: "Which cells are hot or cold beyond chance (Getis-Ord Gi*), the hottest first, and their trend by month \
            (Mann-Kendall). Every filter applies.",
    parameters: HOTSPOTS_PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /hotspots`, and `POST` with the same parameters as the members of a JSON object.
pub(crate) async fn answer(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, EarlyEnd> {
    let parameters = params.parse(&ENDPOINT)?;
    let question = HotspotsRequest::parse(&parameters, &app.limits.answers)?;
    let canonical_text = format!("{question:?}");
    let asked = Question { parameters: &parameters, filters: &question.filters, canonical_text, version: None };
    let request = RowsRequest::prepare(&app, &params, asked).await?;
    let found = request.run(Box::pin(answer_hotspots(&request.context, &question, request.context.clone()))).await?;
    let schema = found.batch.schema();
    let mut response = request.respond(RowsAnswer {
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

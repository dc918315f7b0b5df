//! `/aggregates`: counts of incidents by place, time and label.

use lake_analytics::{AGGREGATES_PARAMETERS, AggregatesRequest, answer_rows};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::http::endpoint::{AGGREGATES, Endpoint};
use crate::http::request::early_end::EarlyEnd;
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::{Question, RowsRequest};

/// The definition of `/aggregates`.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: AGGREGATES,
    about: "Counts of incidents by place, time and label.",
    parameters: AGGREGATES_PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /aggregates`, and `POST` with the same parameters as the members of a JSON object.
pub(crate) async fn answer(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, EarlyEnd> {
    let parameters = params.parse(&ENDPOINT)?;
    let question = AggregatesRequest::parse(&parameters, &app.limits.answers)?;
    let canonical_text = format!("{question:?}");
    let asked = Question { parameters: &parameters, filters: &question.filters, canonical_text, version: None };
    let request = RowsRequest::prepare(&app, &params, asked).await?;
    let rows = request.run(answer_rows(&request.context, &question)).await?;
    Ok(request.respond_with_stream(rows)?)
}

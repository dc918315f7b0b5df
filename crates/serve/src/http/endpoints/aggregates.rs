//! `/aggregates`: how many, where, when, of what kind.

use lake_analytics::{AGGREGATES_PARAMETERS, AggregatesRequest, answer_rows};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use tokio::time::timeout_at;

use crate::app::App;
use crate::http::endpoint::{AGGREGATES, Endpoint};
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::RowsRequest;
use crate::limits::timeout_error;
use crate::problem::Problem;

/// What `/aggregates` is.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: AGGREGATES,
    about: "Counts of incidents by where, when and of what kind.",
    parameters: AGGREGATES_PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /aggregates`, and `POST` with the same parameters as the members of a JSON object.
pub(crate) async fn answer(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, Problem> {
    let parameters = params.parameters(&ENDPOINT)?;
    let question = AggregatesRequest::parse(&parameters, &app.limits.answers)?;
    let (filters, asks) = (&question.filters, format!("{question:?}"));
    match RowsRequest::new(&app, &parameters, filters, &asks, &params.method, &params.headers, None).await? {
        Err(known) => Ok(known),
        Ok(request) => {
            let rows = answer_rows(&request.context, &question);
            let rows = timeout_at(request.deadline, rows).await.map_err(|_| timeout_error())??;
            request.stream(rows)
        }
    }
}

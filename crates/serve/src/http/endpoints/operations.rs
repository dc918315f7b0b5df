//! Endpoints for operators: liveness, readiness, limits and metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use lake_model::Kind;

use crate::app::App;
use crate::metrics;
use crate::problem::Problem;

/// Answers `GET /healthz`: the process answers.
pub(crate) async fn get_liveness() -> &'static str {
    "ok"
}

/// Answers `GET /readyz`: the lake can be read, and the server is not stopping.
pub(crate) async fn get_readiness(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if app.stop.is_cancelled() {
        let what = "the server is stopping: it finishes running requests and accepts no new ones";
        return Err(Problem::from_kind(Kind::Unavailable, what));
    }
    match app.reader.open_newest().await {
        Ok(_) => Ok("ready"),
        Err(error) => Err(Problem::from_kind(Kind::Unavailable, error.to_string())),
    }
}

/// Answers `GET /limits`: every limit of a request.
pub(crate) async fn get_limits(State(app): State<Arc<App>>) -> Response {
    Json(app.limits.list_all()).into_response()
}

/// Answers `GET /metrics`.
pub(crate) async fn get_metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = metrics::write(&app).await?;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response())
}

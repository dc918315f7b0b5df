//! The body of a request.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use lake_model::Kind;

use crate::app::App;
use crate::problem::Problem;

/// A request's body, of bounded size.
#[derive(Debug)]
pub(crate) struct RequestBody(pub(crate) Bytes);

impl FromRequest<Arc<App>> for RequestBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let Ok(read) = tokio::time::timeout(app.limits.timeout, Bytes::from_request(request, app)).await else {
            return Err(Problem::from_kind(
                Kind::TimedOut,
                "the body took longer than `timeout_ms` of /limits to come",
            ));
        };
        match read {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::body_too_large(app.limits.max_body_bytes))
            }
            Err(rejection) => Err(Problem::from_kind(Kind::Invalid, rejection.body_text())),
        }
    }
}

//! The body of a request.

use std::sync::Arc;

use axum::body::{Bytes, HttpBody as _};
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
        let max_bytes = app.limits.max_body_bytes;
        // A body of an announced length is rejected before it comes.
        if request.body().size_hint().lower() > max_bytes as u64 {
            return Err(Problem::body_too_large(max_bytes));
        }
        let Ok(read) = tokio::time::timeout(app.limits.timeout, Bytes::from_request(request, app)).await else {
            return Err(Problem::from_kind(
                Kind::TimedOut,
                "the body took longer than `timeout_ms` of /limits to come",
            ));
        };
        match read {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::body_too_large(max_bytes))
            }
            Err(rejection) => Err(Problem::from_kind(Kind::Invalid, rejection.body_text())),
        }
    }
}

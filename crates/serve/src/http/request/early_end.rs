//! Why a handler ends before its answer is made.

use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// The end of a request without its answer; `?` returns it from a handler.
#[derive(Debug)]
pub(crate) enum EarlyEnd {
    /// The request cannot be answered.
    Problem(Box<Problem>),
    /// The client has the answer already.
    NotModified(Box<Response>),
}

impl<E> From<E> for EarlyEnd
where
    Problem: From<E>,
{
    fn from(error: E) -> Self {
        Self::Problem(Box::new(error.into()))
    }
}

impl IntoResponse for EarlyEnd {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::NotModified(response) => *response,
        }
    }
}

//! Errors as clients see them: `application/problem+json` (RFC 9457) that names the parameter and the remedy.

use std::any::Any;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lake_analytics::ParameterError;
use lake_model::{Error, Kind};
use serde::Serialize;

use crate::access::Busy;
use crate::request_id::RequestId;

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Where the kind of problem is explained: `/problems/<slug>`.
    #[serde(rename = "type")]
    explained: String,
    title: &'static str,
    status: u16,
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    /// After how many seconds it makes sense to ask again.
    #[serde(skip)]
    retry_after: Option<u32>,
}

/// A problem as it is sent.
#[derive(Serialize)]
struct Sent<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    /// The name of the request, by which its lines in the log are found.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// Every title, with the remedy.
const TITLES: [(&str, &str); 19] = [
    (
        "invalid request",
        "The request is not valid. The detail names what is expected; correct the request and send it again.",
    ),
    ("not found", "There is nothing under that name. GET /api lists the paths."),
    (
        "method not allowed",
        "The path exists, but does not take this method. The header Allow lists the methods that it takes.",
    ),
    ("body too large", "The body is larger than this server accepts. Simplify the polygon, or split the request."),
    (
        "not acceptable",
        "The server supports none of the formats in the header Accept. The detail lists those that it supports.",
    ),
    ("head too large", "The address or the headers are larger than this server reads. Send the parameters with POST."),
    ("unsupported type", "The server does not read this content type. The detail lists those that it reads."),
    (
        "precondition failed",
        "The answer is not the one that the header If-Match names: something landed since. Ask without that header.",
    ),
    (
        "range not satisfiable",
        "The range begins beyond the end of the answer. The header Content-Range has its length in bytes.",
    ),
    ("gone", "The version was removed by vacuum and cannot be restored. Request the current version."),
    ("conflict", "Another process committed first. Send the request again."),
    ("limit reached", "The answer needs more than this server may use. Ask for a shorter window or coarser cells."),
    ("too slow", "The answer took longer than this server allows. Ask for a shorter window or coarser cells."),
    (
        "too many requests",
        "The client sends more requests than the server allows. Try again after the seconds in Retry-After.",
    ),
    ("unavailable", "The lake's store does not answer, or the lake is not open yet. Try again later."),
    ("token needed", "Requests without a token are rejected. Send the header Authorization: Bearer TOKEN."),
    ("not allowed", "The client is not allowed to do this."),
    ("damaged data", "Stored bytes differ from those that were written. The detail names the table."),
    ("internal error", "This is a bug of the server. Its log has the details."),
];

impl Problem {
    fn new(title: &'static str, status: u16, detail: impl Into<String>) -> Self {
        Self {
            explained: format!("/problems/{}", title.replace(' ', "-")),
            title,
            status,
            detail: detail.into(),
            parameter: None,
            retry_after: None,
        }
    }

    /// Creates the problem of an error of `kind`.
    pub(crate) fn from_kind(kind: Kind, detail: impl Into<String>) -> Self {
        Self::new(kind.title(), kind.http_status(), detail)
    }

    /// Creates the problem of an invalid parameter; `detail` states what is expected.
    pub(crate) fn invalid_parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.to_owned()), ..Self::from_kind(Kind::Invalid, detail) }
    }

    /// Creates the problem of a path that does not have this method.
    pub(crate) fn method_not_allowed(method: &str, path: &str) -> Self {
        Self::new("method not allowed", 405, format!("{path} does not take {method}"))
    }

    /// Creates the problem of a request that accepts none of the formats.
    pub(crate) fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::new("not acceptable", 406, detail)
    }

    /// Creates the problem of a request head that HTTP could not parse; the status is that of the parser.
    pub(crate) fn malformed_head(status: u16, detail: &str) -> Self {
        let title = if matches!(status, 414 | 431) { "head too large" } else { "invalid request" };
        Self::new(title, status, detail)
    }

    /// Creates the problem of a body with an unsupported content type.
    pub(crate) fn unsupported_type(detail: impl Into<String>) -> Self {
        Self::new("unsupported type", 415, detail)
    }

    /// Creates the problem of an answer that is not the one that the condition names.
    pub(crate) fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new("precondition failed", 412, detail)
    }

    /// Creates the problem of a range outside the answer.
    pub(crate) fn range_not_satisfiable(detail: impl Into<String>) -> Self {
        Self::new("range not satisfiable", 416, detail)
    }

    /// Creates the problem of a body of more than `most` bytes.
    pub(crate) fn body_too_large(most: usize) -> Self {
        Self::new("body too large", 413, format!("the body may have {most} bytes (`max_body_bytes` of /limits)"))
    }

    /// Creates the problem of a panic, a bug, during a request.
    pub(crate) fn panicked(cause: &(dyn Any + Send)) -> Self {
        let text =
            cause.downcast_ref::<&str>().map(|t| (*t).to_owned()).or_else(|| cause.downcast_ref::<String>().cloned());
        tracing::error!(cause = text.as_deref().unwrap_or("unknown"), "a request panicked");
        Self::from_kind(
            Kind::Internal,
            "the request could not be answered because of a bug; the server's log has the cause",
        )
    }

    /// Returns the problem as it is sent.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&Sent { problem: self, request_id: RequestId::current() }).unwrap_or_default()
    }

    /// Returns the meaning of the problem under `/problems/<slug>`; `None` if there is no such problem.
    pub(crate) fn explanation(slug: &str) -> Option<String> {
        let (title, meaning) = TITLES.iter().find(|(title, _)| title.replace(' ', "-") == slug)?;
        Some(format!("{title}\n\n{meaning}\n"))
    }
}

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        Self { retry_after: Some(busy.seconds()), ..Self::from(Error::from(busy)) }
    }
}

impl From<ParameterError> for Problem {
    fn from(error: ParameterError) -> Self {
        Self { parameter: error.parameter, ..Self::from_kind(Kind::Invalid, error.message) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if matches!(error.kind(), Kind::Internal | Kind::Data | Kind::Unavailable) {
            tracing::error!(%error, "a request failed");
        }
        Self::from_kind(error.kind(), error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let challenge = match status {
            StatusCode::UNAUTHORIZED => Some("Bearer realm=\"hotspots-lake\""),
            StatusCode::FORBIDDEN => Some("Bearer realm=\"hotspots-lake\", error=\"insufficient_scope\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after.unwrap_or(1)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_is_explained_where_its_type_points() {
        for kind in Kind::all() {
            let problem = Problem::from_kind(kind, "x");
            let slug = problem.explained.strip_prefix("/problems/").expect("a path");
            assert!(Problem::explanation(slug).is_some(), "{slug}");
        }
        assert!(Problem::explanation("no-such").is_none());
    }

    #[test]
    fn a_problem_names_its_parameter_and_leaves_the_member_out_where_there_is_none() {
        let wrong = serde_json::to_value(Problem::invalid_parameter("limit", "a number")).expect("JSON");
        assert_eq!(wrong["parameter"], "limit");
        assert_eq!(wrong["status"], 400);
        assert_eq!(wrong["type"], "/problems/invalid-request");
        let other = serde_json::to_value(Problem::method_not_allowed("PUT", "/aggregates")).expect("JSON");
        assert!(other.get("parameter").is_none());
    }
}

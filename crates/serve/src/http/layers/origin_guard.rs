//! The rules for `Host` and `Origin`, which name where a request goes and comes from; they hold for every client.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use lake_model::Kind;
use tower_http::cors::AllowOrigin;

use crate::access::FetchMetadata;
use crate::app::App;
use crate::http::endpoint::{HEALTHZ, READYZ};
use crate::problem::Problem;

/// Probes use an IP address, and their answers reveal nothing of the lake.
const PROBES: [&str; 2] = [HEALTHZ, READYZ];

/// Lets a request pass that is for this server and not sent by a page of a stranger.
pub(crate) async fn check_origin(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match check_request(&app, &parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => {
            let mut response = problem.into_response();
            // No token would help.
            response.headers_mut().remove(header::WWW_AUTHENTICATE);
            response
        }
    }
}

/// Returns the origins whose pages may read answers (CORS).
pub(crate) fn allowed_origins(app: &Arc<App>) -> AllowOrigin {
    if app.access.origins().allow_any_page() {
        return AllowOrigin::any();
    }
    let app = Arc::clone(app);
    AllowOrigin::predicate(move |origin: &HeaderValue, parts: &Parts| {
        origin.to_str().is_ok_and(|origin| app.access.origins().allows(origin, authority(parts)))
    })
}

fn check_request(app: &App, parts: &Parts) -> Result<(), Problem> {
    check_syntax(parts)?;
    let origins = app.access.origins();
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if !PROBES.contains(&path) {
        origins.check_host(authority(parts)).inspect_err(|_| app.metrics.add_refusal("host"))?;
    }
    let text = |name: HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let metadata = FetchMetadata {
        site: text(HeaderName::from_static("sec-fetch-site")),
        mode: text(HeaderName::from_static("sec-fetch-mode")),
        destination: text(HeaderName::from_static("sec-fetch-dest")),
    };
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let checked = origins.check_page(text(header::ORIGIN), authority(parts), metadata, reads);
    Ok(checked.inspect_err(|_| app.metrics.add_refusal("origin"))?)
}

/// Checks the header `Host` (RFC 9112, 3.2).
fn check_syntax(parts: &Parts) -> Result<(), Problem> {
    let hosts: Vec<&HeaderValue> = parts.headers.get_all(header::HOST).iter().collect();
    let wrong = |what: &str| Err(Problem::from_kind(Kind::Invalid, what));
    match hosts.as_slice() {
        [] if parts.version == Version::HTTP_11 => {
            wrong("a request over HTTP/1.1 has a header `Host`: send the name under which this server is reached")
        }
        [] => Ok(()),
        [host] if host.is_empty() || Authority::try_from(host.as_bytes()).is_ok() => Ok(()),
        [_] => wrong("the header `Host` is not a name with or without a port"),
        _ => wrong("the header `Host` is sent more than once"),
    }
}

/// Returns the name of the server in the request, and its port: from the address if it has one.
fn authority(parts: &Parts) -> Option<&str> {
    let host = || parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    parts.uri.authority().map(Authority::as_str).or_else(host)
}

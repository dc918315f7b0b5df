//! The map at `/`: the page that the build script made of `web/`, held by the program, and the page without it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use lake_model::Kind;

use super::map_page::{self, MapPage};
use crate::app::App;
use crate::problem::Problem;

/// Names hold a hash of the content: they never mean another.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// A page of text, with its style in it.
const TEXT_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");

/// Answers `GET /`.
pub(crate) async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let Some(MapPage { text: page, etag, policy }) = &app.map_page else {
        return text(include_str!("without_map.html"));
    };
    let told = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, ASK_AGAIN),
        (header::ETAG, etag.clone()),
        (header::CONTENT_SECURITY_POLICY, policy.clone()),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    // Compression on the way makes the name a weak one; the text behind it is the same.
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let name = etag.to_str().unwrap_or_default();
    if known.flat_map(|list| list.split(',')).any(|one| one.trim().trim_start_matches("W/") == name) {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    (told, page.clone()).into_response()
}

/// Answers `GET /api`: a page about the API, for people.
pub(crate) async fn get_api() -> Response {
    text(include_str!("api.html"))
}

fn text(page: &'static str) -> Response {
    let mut response = Html(page).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, TEXT_POLICY);
    response
}

/// Answers `GET /assets/{file}`: the files of the page.
pub(crate) async fn get_asset(
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(name) = name.map_err(|rejection| Problem::from_kind(Kind::NotFound, rejection.body_text()))?;
    let mut response = file(&format!("assets/{name}"), &headers)?;
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    Ok(response)
}

/// Answers `GET /icon.svg`.
pub(crate) async fn get_icon(headers: HeaderMap) -> Result<Response, Problem> {
    named("icon.svg", &headers)
}

/// Answers `GET /licenses.md`: the libraries of the page, and their licences.
pub(crate) async fn get_licenses(headers: HeaderMap) -> Result<Response, Problem> {
    named("licenses.md", &headers)
}

/// Returns a file whose content may change under its name.
fn named(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let mut response = file(name, headers)?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    Ok(response)
}

fn file(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let Some((plain, packed)) = map_page::find_file(name) else {
        let what = format!("there is no /{name}: the page is of another version of the program; reload it");
        return Err(Problem::from_kind(Kind::NotFound, what));
    };
    let told = [
        (header::CONTENT_TYPE, media_type(name)),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if takes_brotli(headers) {
        let packed_header: (HeaderName, HeaderValue) = (header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        return Ok((told, [packed_header], Bytes::from_static(packed)).into_response());
    }
    Ok((told, Bytes::from_static(plain)).into_response())
}

/// Returns whether the client names Brotli and does not refuse it (RFC 9110, 12.5.3).
fn takes_brotli(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|list| list.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("br"))
            && !parts.any(|part| matches!(part.strip_prefix("q="), Some(q) if q.parse() == Ok(0.0)))
    })
}

fn media_type(name: &str) -> HeaderValue {
    HeaderValue::from_static(match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("md") => "text/markdown; charset=utf-8",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_sent_to_who_names_it_and_does_not_refuse_it() {
        let takes = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            takes_brotli(&headers)
        };
        assert!(takes("gzip, deflate, br, zstd") && takes("BR;q=0.5"));
        assert!(!takes("gzip") && !takes("br;q=0, gzip") && !takes("br; q=0.0") && !takes_brotli(&HeaderMap::new()));
    }
}

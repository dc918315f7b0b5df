//! An answer before it is sent: status, headers, body, and how the body is to go wrong.

use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use serde_json::Value;

use crate::ids;

const JSON: &str = "application/json;charset=utf-8";

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Rows sent, for the log.
    pub(crate) rows: usize,
    /// Whether it is a page of data, after which the callback runs.
    pub(crate) is_page: bool,
    /// Whether the connection breaks in the middle of the body.
    pub(crate) broken: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Vec<u8>) -> Answer {
        let headers = vec![("content-type", JSON.to_owned())];
        Answer { status, headers, body, rows: 0, is_page: false, broken: false }
    }

    pub(crate) fn error(status: u16, body: &Value) -> Answer {
        Answer::new(status, body.to_string().into_bytes())
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }

    pub(crate) fn into_response(self, gzip: bool, serial: u64) -> Response {
        let compressed = if gzip && !self.body.is_empty() { compress(&self.body) } else { None };
        let is_compressed = compressed.is_some();
        let bytes = Bytes::from(compressed.unwrap_or(self.body));
        let body = if self.broken { break_off(bytes) } else { Body::from(bytes) };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(JSON));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if is_compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let request = format!("{:016x}{:016x}", ids::scatter(serial), ids::scatter(!serial));
        if let Ok(value) = HeaderValue::try_from(request) {
            headers.insert(HeaderName::from_static("x-socrata-requestid"), value);
        }
        response
    }
}

fn compress(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// Returns half of the body, and then an error instead of its end.
fn break_off(bytes: Bytes) -> Body {
    let half = bytes.slice(..bytes.len() / 2);
    let parts = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]).then(|part| async {
        // The first half has to leave before the connection breaks.
        if part.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        part
    });
    Body::from_stream(parts)
}

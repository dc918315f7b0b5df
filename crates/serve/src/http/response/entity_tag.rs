//! Entity tags in the headers of requests and responses (RFC 9110, 8.8.3).

use axum::http::{HeaderMap, HeaderValue, header};

/// Answers that may be cached and revalidated each time: the revalidation is short if nothing has changed.
pub(crate) const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Returns the answer's name in a tag: the part before the hyphen; the part after it identifies the bytes. Empty if the
/// tag has no name.
pub(crate) fn question_of(tag: &HeaderValue) -> &str {
    tag.to_str().map(question_of_tag).unwrap_or_default()
}

pub(super) fn question_of_tag(tag: &str) -> &str {
    let opaque = tag.trim_start_matches("W/").trim_matches('"');
    opaque.split_once('-').map_or(opaque, |(question, _)| question)
}

/// Returns the tag that the client has of an answer.
pub(crate) fn find_client_tag(headers: &HeaderMap, question: &str) -> Option<HeaderValue> {
    let known = if_none_match_tags(headers).find(|tag| question_of_tag(tag) == question)?;
    HeaderValue::from_str(known).ok()
}

/// Returns the tags of `If-None-Match`.
pub(super) fn if_none_match_tags(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|text| text.split(',')).map(str::trim)
}

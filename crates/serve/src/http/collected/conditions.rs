//! Conditions on the tag of an answer (RFC 9110, 13).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The outcome of a request's conditions.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answer.
    Proceed,
    /// Nothing, as the client has the answer.
    NotModified,
    /// Nothing, as the client means another answer.
    Failed,
}

/// Checks `If-Match` and `If-None-Match` against a strong tag.
pub(super) fn check(headers: &HeaderMap, tag: &HeaderValue) -> Outcome {
    let tag = tag.as_bytes();
    if headers.contains_key(header::IF_MATCH) && !tags(headers, &header::IF_MATCH).any(|one| one == b"*" || one == tag)
    {
        return Outcome::Failed;
    }
    let is_known = |one: &[u8]| one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == tag;
    if tags(headers, &header::IF_NONE_MATCH).any(is_known) { Outcome::NotModified } else { Outcome::Proceed }
}

/// Returns whether a range may be sent: there is no `If-Range`, or it names this strong tag. A weak tag and a date never do.
pub(super) fn allow_range(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|named| named == tag)
}

/// Returns whether a request names the tag of the answer that it means.
pub(super) fn names_a_tag(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_RANGE) || headers.contains_key(header::IF_MATCH)
}

/// Returns the tags of a header. No tag of this server has a comma.
fn tags<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: HeaderValue = HeaderValue::from_static("\"q-c\"");

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn if_match_compares_strongly_and_if_none_match_weakly() {
        for (name, value, outcome) in [
            (header::IF_MATCH, "\"q-c\"", Outcome::Proceed),
            (header::IF_MATCH, "\"x\", \"q-c\"", Outcome::Proceed),
            (header::IF_MATCH, "*", Outcome::Proceed),
            (header::IF_MATCH, "W/\"q-c\"", Outcome::Failed),
            (header::IF_MATCH, "\"q-d\"", Outcome::Failed),
            (header::IF_MATCH, "", Outcome::Failed),
            (header::IF_NONE_MATCH, "\"q-c\"", Outcome::NotModified),
            (header::IF_NONE_MATCH, "\"x\",W/\"q-c\"", Outcome::NotModified),
            (header::IF_NONE_MATCH, "*", Outcome::NotModified),
            (header::IF_NONE_MATCH, "\"q-d\"", Outcome::Proceed),
        ] {
            assert_eq!(check(&headers(name.clone(), value), &TAG), outcome, "{name}: {value}");
        }
        assert_eq!(check(&HeaderMap::new(), &TAG), Outcome::Proceed);
    }

    #[test]
    fn if_range_takes_the_strong_tag_alone() {
        for (value, allowed) in
            [("\"q-c\"", true), ("W/\"q-c\"", false), ("\"q-d\"", false), ("Sun, 22 Nov 2026 00:00:00 GMT", false)]
        {
            assert_eq!(allow_range(&headers(header::IF_RANGE, value), &TAG), allowed, "{value}");
        }
        assert!(allow_range(&HeaderMap::new(), &TAG));
    }
}

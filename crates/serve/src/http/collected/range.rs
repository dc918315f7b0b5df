//! The part of an answer that a request selects (RFC 9110, 14).
//!
//! The parsers of the crates `headers` and `http-range-header` reject a suffix that is longer than the answer, although
//! it selects the complete answer; Parquet readers request such suffixes of short files.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// The part of an answer that a request selects.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selection {
    Whole,
    /// Some of its bytes, at least one.
    Part(Range<usize>),
    /// Bytes beyond its end.
    Unsatisfiable,
}

/// Returns what the header `Range` selects of an answer of this length. Anything but a single range of bytes selects
/// the complete answer: several ranges may be answered so, and a malformed header is ignored (RFC 9110, 14.2).
pub(super) fn select(headers: &HeaderMap, length: usize) -> Selection {
    let part = match parse(headers) {
        None => return Selection::Whole,
        Some(Requested::Last(0)) => return Selection::Unsatisfiable,
        // No range can be named of an answer without bytes.
        Some(Requested::Last(_)) if length == 0 => return Selection::Whole,
        Some(Requested::Last(count)) => length.saturating_sub(count)..length,
        Some(Requested::From(first, last)) => first..last.saturating_add(1).min(length),
    };
    if part.start < length { Selection::Part(part) } else { Selection::Unsatisfiable }
}

/// Returns whether a request selects a range.
pub(super) fn is_range(headers: &HeaderMap) -> bool {
    parse(headers).is_some()
}

/// Returns whether a request selects a range by its positions. A request for the last bytes begins a new read: that is
/// how Parquet files are opened.
pub(super) fn is_continuation(headers: &HeaderMap) -> bool {
    matches!(parse(headers), Some(Requested::From(..)))
}

/// A single range of bytes.
enum Requested {
    /// The first and the last position.
    From(usize, usize),
    /// How many bytes at the end.
    Last(usize),
}

fn parse(headers: &HeaderMap) -> Option<Requested> {
    let text = only(headers.get_all(header::RANGE).iter())?.to_str().ok()?;
    let (unit, ranges) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let range = only(ranges.split(',').map(str::trim).filter(|range| !range.is_empty()))?;
    match range.split_once('-')? {
        ("", count) => Some(Requested::Last(position(count)?)),
        (first, "") => Some(Requested::From(position(first)?, usize::MAX)),
        (first, last) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(Requested::From(first, last))
        }
    }
}

/// Parses a position; one that exceeds `usize` becomes the greatest.
fn position(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(usize::MAX))
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn selected(range: &str, length: usize) -> Selection {
        let value = HeaderValue::from_str(range).expect("a header");
        select(&HeaderMap::from_iter([(header::RANGE, value)]), length)
    }

    #[test]
    fn a_single_range_selects_its_bytes() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=2-9", 2..10),
            ("bytes=2-10", 2..10),
            ("bytes=2-99999999999999999999999", 2..10),
            ("bytes=9-", 9..10),
            ("bytes=0-", 0..10),
            ("bytes=-1", 9..10),
            ("bytes=-10", 0..10),
            ("bytes=-11", 0..10),
            ("bytes=-99999999999999999999999", 0..10),
            ("BYTES=007-8", 7..9),
            ("bytes= 2-5 ,", 2..6),
        ] {
            assert_eq!(selected(range, 10), Selection::Part(part), "{range}");
        }
    }

    #[test]
    fn a_range_beyond_the_end_cannot_be_satisfied() {
        for (range, length) in [
            ("bytes=10-", 10),
            ("bytes=10-12", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=99999999999999999999-", 10),
        ] {
            assert_eq!(selected(range, length), Selection::Unsatisfiable, "{range} of {length}");
        }
    }

    #[test]
    fn whatever_is_not_one_range_of_bytes_selects_all() {
        for range in [
            "bytes=0-1,3-4",
            "bytes=5-2",
            "bytes=-",
            "bytes=",
            "bytes",
            "rows=0-1",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=1 - 2",
            "",
        ] {
            assert_eq!(selected(range, 10), Selection::Whole, "{range}");
        }
        assert_eq!(selected("bytes=-5", 0), Selection::Whole, "an answer without bytes has no parts");
        let twice = [HeaderValue::from_static("bytes=0-1"), HeaderValue::from_static("bytes=2-3")];
        let mut headers = HeaderMap::new();
        for value in twice {
            headers.append(header::RANGE, value);
        }
        assert_eq!(select(&headers, 10), Selection::Whole);
    }
}

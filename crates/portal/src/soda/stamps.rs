//! The portal's own stamps (`:updated_at`), and its present, which no stamp can be later than.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use lake_model::parse_wall_clock;
use reqwest::header::{DATE, HeaderMap};

/// How far a stamp may be beyond the portal's present: the clocks of its machines differ.
const CLOCK_MARGIN: Duration = Duration::from_secs(3_600);

/// Returns a stamp in microseconds since 1970 UTC; none if the text is not a time.
pub fn parse_stamp(text: &str) -> Option<i64> {
    parse_wall_clock(text)
        .or_else(|| DateTime::parse_from_rfc3339(text.trim()).ok().map(|time| time.timestamp_micros()))
}

/// Returns the latest stamp that can be true, by the `Date` of an answer, or the machine's clock without one.
pub(crate) fn latest_stamp(headers: &HeaderMap) -> i64 {
    let date = headers.get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
    match date {
        Some(date) => micros(date + CLOCK_MARGIN),
        None => latest_local_stamp(),
    }
}

/// Returns the latest stamp that can be true, by the machine's clock.
pub fn latest_local_stamp() -> i64 {
    let margin = i64::try_from(CLOCK_MARGIN.as_micros()).unwrap_or(i64::MAX);
    lake_model::now().timestamp_micros().saturating_add(margin)
}

fn micros(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_portals_clock_counts_with_a_margin_of_an_hour() {
        let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"))]);
        assert_eq!(Some(latest_stamp(&headers)), parse_stamp("1994-11-06T09:49:37.000Z"));
        let wrong = HeaderMap::from_iter([(DATE, HeaderValue::from_static("soon"))]);
        assert!(latest_stamp(&wrong) >= latest_stamp(&HeaderMap::new()) - 60_000_000);
    }

    #[test]
    fn a_stamp_may_have_an_offset() {
        assert_eq!(parse_stamp("2026-01-01T02:00:00.5+02:00"), parse_stamp("2026-01-01T00:00:00.500Z"));
        assert_eq!(parse_stamp("2026-01-01 00:00:00"), parse_stamp("2026-01-01T00:00:00Z"));
        for text in ["", "not a date", "1700000000", "10000-01-01T00:00:00Z"] {
            assert_eq!(parse_stamp(text), None, "{text}");
        }
    }
}

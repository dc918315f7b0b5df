//! Converts wall-clock times to instants.

use std::str::FromStr as _;

use arrow::array::timezone::Tz;
use arrow::compute::kernels::cast_utils::string_to_datetime;
use chrono::{FixedOffset, LocalResult, NaiveDateTime, Offset as _, TimeDelta, TimeZone};
use datafusion::common::{plan_datafusion_err, plan_err};
use datafusion::error::Result;

/// The longest gap in a zone: a complete day, where the date line moved.
const MAX_GAP_HOURS: i64 = 24;

/// Parses the name or offset of a zone.
///
/// # Errors
/// If it is not a zone.
pub(super) fn parse_zone(name: &str) -> Result<Tz> {
    Tz::from_str(name).map_err(|_| {
        plan_datafusion_err!("`{name}` is not a time zone; write one such as 'America/Los_Angeles', 'UTC' or '-08:00'")
    })
}

/// Returns the instant, in UTC, of a wall-clock time in a zone.
///
/// A time in a gap or an overlap is converted with the lesser of the two offsets, which is standard time, as PostgreSQL
/// does.
pub(super) fn instant_of(local: NaiveDateTime, zone: &Tz) -> Option<NaiveDateTime> {
    let offset = match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) => offset.fix(),
        LocalResult::Ambiguous(one, other) => lesser_offset(one.fix(), other.fix()),
        LocalResult::None => find_offset_before_gap(local, zone)?,
    };
    local.checked_sub_signed(TimeDelta::seconds(i64::from(offset.local_minus_utc())))
}

/// Returns the offset before the gap that contains `local`.
fn find_offset_before_gap(local: NaiveDateTime, zone: &Tz) -> Option<FixedOffset> {
    (1..=MAX_GAP_HOURS).find_map(|hours| {
        let earlier = local.checked_sub_signed(TimeDelta::hours(hours))?;
        zone.offset_from_local_datetime(&earlier).latest().map(|offset| offset.fix())
    })
}

fn lesser_offset(one: FixedOffset, other: FixedOffset) -> FixedOffset {
    if one.local_minus_utc() <= other.local_minus_utc() { one } else { other }
}

/// Returns the instant, in UTC, of a text with an offset, or of a text as wall-clock time in a zone.
///
/// # Errors
/// If the text is not a time.
pub(super) fn instant_of_text(text: &str, zone: &Tz) -> Result<NaiveDateTime> {
    let (Some(zero), Some(one)) = (FixedOffset::east_opt(0), FixedOffset::east_opt(3600)) else {
        return plan_err!("no offsets");
    };
    let read = string_to_datetime(&zero, text)?.naive_utc();
    // A text with an offset is the same instant in every zone.
    if string_to_datetime(&one, text)?.naive_utc() == read {
        return Ok(read);
    }
    instant_of(read, zone).ok_or_else(|| plan_datafusion_err!("the time {text} is outside the supported range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(zone: &str, text: &str) -> String {
        instant_of_text(text, &parse_zone(zone).expect(zone)).expect(text).to_string()
    }

    #[test]
    fn a_wall_clock_at_a_change_of_clocks_is_standard_time() {
        for (zone, local, utc) in [
            ("America/Los_Angeles", "2024-01-15T12:00:00", "2024-01-15 20:00:00"),
            ("America/Los_Angeles", "2024-07-15T12:00:00", "2024-07-15 19:00:00"),
            ("America/Los_Angeles", "2024-03-10T01:59:59", "2024-03-10 09:59:59"),
            ("America/Los_Angeles", "2024-03-10T02:30:00", "2024-03-10 10:30:00"),
            ("America/Los_Angeles", "2024-03-10T03:00:00", "2024-03-10 10:00:00"),
            ("America/Los_Angeles", "2024-11-03T01:30:00", "2024-11-03 09:30:00"),
            ("Europe/Berlin", "2024-03-31T02:15:00", "2024-03-31 01:15:00"),
            ("Europe/Berlin", "2024-10-27T02:15:00", "2024-10-27 01:15:00"),
            ("Australia/Lord_Howe", "2024-10-06T02:15:00", "2024-10-05 15:45:00"),
            ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30 22:00:00"),
            ("-08:00", "2024-03-10T02:30:00", "2024-03-10 10:30:00"),
            ("America/Los_Angeles", "2024-03-10T02:30:00+01:00", "2024-03-10 01:30:00"),
            ("America/Los_Angeles", "2024-03-10T02:30:00Z", "2024-03-10 02:30:00"),
        ] {
            assert_eq!(instant(zone, local), utc, "{zone} {local}");
        }
    }

    #[test]
    fn what_is_no_zone_is_refused_with_examples() {
        let error = parse_zone("Mars/Olympus").expect_err("no zone").to_string();
        assert!(error.contains("`Mars/Olympus` is not a time zone; write one such as"), "{error}");
    }
}

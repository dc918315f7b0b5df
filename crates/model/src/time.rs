//! Wall-clock time: the city's own clock as published, without a zone, as microseconds since 1970-01-01T00:00.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime};

/// Microseconds in an hour.
pub const MICROS_PER_HOUR: i64 = 3_600_000_000;
/// Microseconds in a day.
pub const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// Parses `2024`, `2024-06`, `2024-06-01`, `2024-06-01T12:30`, `...:15` and `...:15.123`, with `T` or a space
/// between date and time and with or without a trailing `Z`, which means nothing. An offset is not a wall-clock time.
pub fn parse_wall_clock(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let date = parse_date(date)?;
    let time = match time {
        Some(time) => parse_time(time)?,
        None => NaiveTime::MIN,
    };
    Some(NaiveDateTime::new(date, time).and_utc().timestamp_micros())
}

fn digits(text: &str, width: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (width.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4..=4)?;
    let month = parts.next().map_or(Some(1), |p| digits(p, 2..=2))?;
    let day = parts.next().map_or(Some(1), |p| digits(p, 2..=2))?;
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let mut parts = text.split(':');
    let hour = digits(parts.next()?, 2..=2)?;
    let minute = digits(parts.next()?, 2..=2)?;
    let (second, micros) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (digits(seconds, 2..=2)?, 0),
            Some((whole, fraction)) => {
                let micros = digits(fraction.get(..6.min(fraction.len()))?, 1..=6)?;
                if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let scale = 10u32.pow(6 - u32::try_from(fraction.len().min(6)).ok()?);
                (digits(whole, 2..=2)?, micros * scale)
            }
        },
    };
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros)
}

/// Returns the wall-clock time as `2024-06-01T12:30:00`, without a zone; fractions only where there are any.
pub fn format_wall_clock(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        None => micros.to_string(),
    }
}

/// Returns the calendar year of a wall-clock time.
pub fn year_of(micros: i64) -> i32 {
    DateTime::from_timestamp_micros(micros).map_or(1970, |time| time.year())
}

/// Returns the first instant of a calendar year.
pub fn year_start(year: i32) -> i64 {
    NaiveDate::from_ymd_opt(year, 1, 1).map_or(0, |d| d.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

/// Returns the first instant of the calendar month that a wall-clock time is in.
pub fn month_start(micros: i64) -> i64 {
    month_from(micros, 0)
}

/// Returns the first instant of the calendar month after the one that a wall-clock time is in.
pub fn next_month(micros: i64) -> i64 {
    month_from(micros, 1)
}

fn month_from(micros: i64, months: u32) -> i64 {
    let start = DateTime::from_timestamp_micros(micros).and_then(|time| time.date_naive().with_day(1));
    let month = start.and_then(|day| day.checked_add_months(Months::new(months)));
    month.map_or(micros, |day| day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_shape_is_read_and_an_offset_is_not() {
        let noon = 1_717_243_200_000_000;
        for text in ["2024-06-01T12:00:00.000", "2024-06-01T12:00", "2024-06-01 12:00:00", "2024-06-01T12:00:00.000Z"] {
            assert_eq!(parse_wall_clock(text), Some(noon), "{text}");
        }
        assert_eq!(parse_wall_clock("2024-06-01T12:00:00.5"), Some(noon + 500_000));
        assert_eq!(parse_wall_clock("2024-06-01T12:00:00.123456789"), Some(noon + 123_456));
        for text in [
            "",
            "2024-06-01T12:00:00+02:00",
            "2024-13-01",
            "24-01-01",
            "2024-6-1",
            "2024-06-01T1:00",
            "x",
            "2024-06-01T12:00:00.é",
        ] {
            assert_eq!(parse_wall_clock(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_formatted_is_read_back() {
        for micros in [0, 1_717_243_200_123_000, -86_400_000_000] {
            assert_eq!(parse_wall_clock(&format_wall_clock(micros)), Some(micros));
        }
        assert_eq!(year_of(year_start(2024)), 2024);
        assert_eq!(year_of(year_start(2024) - 1), 2023);
    }

    #[test]
    fn a_month_begins_on_its_first_day_and_ends_where_the_next_begins() {
        let at = |text: &str| parse_wall_clock(text).expect("a time");
        assert_eq!(month_start(at("2024-02-29T23:59:59.999")), at("2024-02"));
        assert_eq!(next_month(at("2024-12-01")), at("2025-01"));
        assert_eq!(month_start(at("1969-12-31T01:00")), at("1969-12"));
    }
}

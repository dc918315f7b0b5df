//! The oracle's own calendar: wall-clock seconds since 1970, by arithmetic on days.

const DAY: i64 = 86_400;

/// Parses the time of occurrence: readable, and from 1900 to before 2100.
#[must_use]
pub fn occurrence(text: &str) -> Option<i64> {
    let (from, to) = (days(1900, 1, 1) * DAY, days(2100, 1, 1) * DAY);
    parse(text).filter(|&at| from <= at && at < to)
}

/// Reads `YYYY-MM-DD`, alone or with `THH:MM`, `THH:MM:SS` or a fraction of a second after that,
/// which is cut off. A zone is not read: published times have none.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let (date, clock) = match text.split_once('T') {
        Some((date, clock)) => (date, seconds_of_day(clock)?),
        None => (text, 0),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    exists.then(|| days(year, month, day) * DAY + clock)
}

/// Formats as `YYYY`.
#[must_use]
pub fn year(at: i64) -> String {
    day(at)[..4].to_owned()
}

/// Formats as `YYYY-MM`.
#[must_use]
pub fn month(at: i64) -> String {
    day(at)[..7].to_owned()
}

/// Formats as `YYYY-MM-DD`.
#[must_use]
pub fn day(at: i64) -> String {
    date_label(at.div_euclid(DAY))
}

/// Formats the Monday on or before, `YYYY-MM-DD`.
#[must_use]
pub fn week_start(at: i64) -> String {
    date_label(at.div_euclid(DAY) - (weekday(at) - 1))
}

/// Returns the start of a bucket of this many seconds, counted from 1970-01-01 and thus from midnight if they divide a
/// day, `YYYY-MM-DDTHH:MM:SS`.
#[must_use]
pub fn bucket(at: i64, seconds: i64) -> String {
    label(at.div_euclid(seconds) * seconds)
}

/// Formats as `YYYY-MM-DDTHH:MM:SS`.
#[must_use]
pub fn label(at: i64) -> String {
    let clock = at.rem_euclid(DAY);
    format!("{}T{:02}:{:02}:{:02}", day(at), clock / 3600, clock / 60 % 60, clock % 60)
}

/// Returns the hour, 0 to 23.
#[must_use]
pub fn hour_of_day(at: i64) -> i64 {
    at.rem_euclid(DAY) / 3600
}

/// Returns the weekday, 1 for Monday to 7 for Sunday; 1970 began on a Thursday.
#[must_use]
pub fn weekday(at: i64) -> i64 {
    (at.div_euclid(DAY) + 3).rem_euclid(7) + 1
}

fn seconds_of_day(clock: &str) -> Option<i64> {
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, minute, second) = match (parts.as_slice(), fraction) {
        ([hour, minute], None) => (hour, minute, &"00"),
        ([hour, minute, second], _) => (hour, minute, second),
        _ => return None,
    };
    if let Some(fraction) = fraction {
        digits(fraction, fraction.len()).filter(|_| (1..=9).contains(&fraction.len()))?;
    }
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    let exists = hour < 24 && minute < 60 && second < 60;
    exists.then_some(hour * 3600 + minute * 60 + second)
}

fn digits(text: &str, length: usize) -> Option<i64> {
    let fits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from year 1 to the start of this year.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    days_before(year) - days_before(1970) + months + day - 1
}

fn date_label(day: i64) -> String {
    let mut year = 1970 + day.div_euclid(365);
    while days(year, 1, 1) > day {
        year -= 1;
    }
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let mut left = day - days(year, 1, 1);
    let mut month = 1;
    while left >= days_in_month(year, month) {
        left -= days_in_month(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

#[cfg(test)]
mod tests {
    use super::{label, occurrence, parse, week_start, weekday};
    use chrono::{Datelike, Days, NaiveDate};

    #[test]
    fn every_day_from_1900_to_2100_is_where_another_calendar_has_it() {
        let mut date = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
        while date.year() < 2100 {
            let at = parse(&date.to_string()).unwrap();
            assert_eq!(at, date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp(), "{date}");
            assert_eq!(label(at + 86_399), format!("{date}T23:59:59"));
            assert_eq!(weekday(at), i64::from(date.weekday().number_from_monday()), "{date}");
            let monday = date - Days::new(u64::from(date.weekday().num_days_from_monday()));
            assert_eq!(week_start(at), monday.to_string(), "{date}");
            date = date + Days::new(1);
        }
    }

    #[test]
    fn a_time_is_read_to_the_second_and_its_fraction_cut_off() {
        let second = parse("2020-04-07T23:53:08").unwrap();
        assert_eq!(parse("2020-04-07T23:53:08.000"), Some(second));
        assert_eq!(parse("2020-04-07T23:53:08.999"), Some(second));
        assert_eq!(parse("2020-04-07T23:53"), Some(second - 8));
        assert_eq!(parse("1969-12-31T23:59:59.500"), Some(-1));
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "soon",
            "2020",
            "2020-04",
            "2020-4-7",
            "2019-02-29",
            "1900-02-29",
            "2020-13-01",
            "2020-00-10",
            "2020-04-31",
            "2020-04-07T24:00:00",
            "2020-04-07T23:60:00",
            "2020-04-07T23:59:60",
            "2020-04-07T23:53:08.",
            "2020-04-07T23:53:08Z",
            "2020-04-07T23:53:08+01:00",
            "2020-04-07 23:53:08",
            "04/07/2020",
            "+020-04-07",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_outside_1900_to_2100_is_no_time_of_occurrence() {
        assert_eq!(occurrence("1899-12-31T23:59:59"), None);
        assert!(occurrence("1900-01-01T00:00:00").is_some());
        assert!(occurrence("2099-12-31T23:59:59.999").is_some());
        assert_eq!(occurrence("2100-01-01T00:00:00"), None);
    }
}

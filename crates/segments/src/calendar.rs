//! Hours of the wall clock, and the intervals that they are in.

use chrono::{Datelike as _, NaiveDate};
use lake_model::MICROS_PER_HOUR;

/// Hours since 1970-01-01T00:00 of the wall clock.
pub type Hour = i32;

/// The hour of incidents without a usable time. It comes after all others, as nulls do in answers.
pub(crate) const UNDATED: Hour = Hour::MAX;

const HOURS_PER_DAY: Hour = 24;
/// Days from 0001-01-01 to 1970-01-01, plus one: how the calendar counts days.
const EPOCH_DAY: i32 = 719_163;

/// How long the intervals of a segment are; later ones are longer and consist of whole earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

impl Interval {
    /// Returns the first hour of the interval that `hour` is in.
    pub(crate) fn start(self, hour: Hour) -> Hour {
        let day = day_of(hour);
        match (self, date(day)) {
            _ if hour == UNDATED => UNDATED,
            (Self::Hour, _) => hour,
            (Self::Month, Some(date)) => first_hour(date.with_day(1), day),
            (Self::Year, Some(date)) => first_hour(date.with_ordinal(1), day),
            (Self::Day | Self::Month | Self::Year, _) => day * HOURS_PER_DAY,
        }
    }

    /// Returns the first hour after the interval that begins at `start`.
    pub(crate) fn end(self, start: Hour) -> Hour {
        let day = day_of(start);
        let next_day = (day + 1) * HOURS_PER_DAY;
        match (self, date(day)) {
            (Self::Hour, _) => start + 1,
            (Self::Month, Some(date)) => match date.month() {
                12 => first_hour(NaiveDate::from_ymd_opt(date.year() + 1, 1, 1), day),
                month => first_hour(NaiveDate::from_ymd_opt(date.year(), month + 1, 1), day),
            },
            (Self::Year, Some(date)) => first_hour(NaiveDate::from_ymd_opt(date.year() + 1, 1, 1), day),
            (Self::Day | Self::Month | Self::Year, _) => next_day,
        }
    }
}

/// Returns the hour that begins at `micros` of the wall clock; `None` if none begins there.
pub fn hour_of_micros(micros: i64) -> Option<Hour> {
    let hour = Hour::try_from(micros.div_euclid(MICROS_PER_HOUR)).ok()?;
    (micros.rem_euclid(MICROS_PER_HOUR) == 0 && hour < UNDATED).then_some(hour)
}

/// Returns the instant at which an hour begins, wall-clock microseconds.
pub fn micros_of_hour(hour: Hour) -> i64 {
    i64::from(hour) * MICROS_PER_HOUR
}

/// Hours in a week.
pub(crate) const HOURS_PER_WEEK: usize = 168;

/// Returns the hour of the week, that of Monday 00:00 being 0.
pub(crate) fn hour_of_week(hour: Hour) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((i64::from(hour) + 72).rem_euclid(168)).unwrap_or(0)
}

fn day_of(hour: Hour) -> i32 {
    hour.div_euclid(HOURS_PER_DAY)
}

fn date(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH_DAY)?)
}

fn first_hour(date: Option<NaiveDate>, otherwise_day: i32) -> Hour {
    date.map_or(otherwise_day, |date| date.num_days_from_ce() - EPOCH_DAY) * HOURS_PER_DAY
}

#[cfg(test)]
mod tests {
    use lake_model::parse_wall_clock;

    use super::*;

    fn hour(text: &str) -> Hour {
        hour_of_micros(parse_wall_clock(text).expect(text)).expect(text)
    }

    #[test]
    fn an_interval_has_the_start_and_end_of_its_calendar() {
        for (interval, at, start, end) in [
            (Interval::Hour, "2024-02-29T13:00", "2024-02-29T13:00", "2024-02-29T14:00"),
            (Interval::Day, "2024-02-29T13:00", "2024-02-29", "2024-03-01"),
            (Interval::Month, "2024-02-29T13:00", "2024-02-01", "2024-03-01"),
            (Interval::Month, "2023-12-31T23:00", "2023-12-01", "2024-01-01"),
            (Interval::Year, "2024-02-29T13:00", "2024-01-01", "2025-01-01"),
            (Interval::Year, "1905-03-07T01:00", "1905-01-01", "1906-01-01"),
            (Interval::Day, "1969-12-31T22:00", "1969-12-31", "1970-01-01"),
        ] {
            assert_eq!(interval.start(hour(at)), hour(start), "{interval:?} of {at}");
            assert_eq!(interval.end(hour(start)), hour(end), "{interval:?} from {start}");
        }
    }

    #[test]
    fn hours_and_weekdays_are_those_of_the_wall_clock() {
        for (at, of_day, of_week) in
            [("2024-06-01T23:00", 23, 5), ("2024-06-03T07:00", 7, 0), ("1969-12-31T22:00", 22, 2)]
        {
            assert_eq!(hour_of_week(hour(at)), 24 * of_week + of_day, "{at}");
        }
    }
}

//! When incidents occur: a history of eighteen years with growth, seasons, days of the week, hours, and busy days.

use crate::random::{Random, Weighted};

/// 2008-07-01, in days since 1970.
const FIRST_DAY: i64 = 14_061;
/// The day after the last: 2026-07-01, in days since 1970.
pub(crate) const END_DAY: i64 = 20_635;
/// How many days before the end "the newest two months" are.
const NEWEST_DAYS: usize = 61;
pub(crate) const DAY_SECONDS: i64 = 86_400;

/// By month, January first, in percent.
const SEASONS: [u64; 12] = [97, 92, 95, 96, 99, 103, 108, 109, 106, 105, 98, 92];
/// By day of the week, Monday first, in percent.
const WEEKDAYS: [u64; 7] = [108, 106, 104, 103, 104, 94, 81];
/// By hour of a working day.
const HOURS: [u64; 24] = [22, 15, 11, 9, 9, 14, 28, 52, 74, 86, 88, 86, 82, 80, 80, 82, 84, 82, 72, 62, 54, 46, 38, 30];
/// By hour of a day at the weekend.
const WEEKEND_HOURS: [u64; 24] =
    [42, 36, 30, 20, 14, 14, 20, 34, 50, 64, 74, 78, 78, 76, 74, 72, 72, 70, 68, 64, 60, 56, 52, 46];

/// The days of the history, by how much happens on each.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    days: Weighted,
    hours: Weighted,
    weekend_hours: Weighted,
}

impl Calendar {
    pub(crate) fn new() -> Self {
        let length = u64::try_from(END_DAY - FIRST_DAY).unwrap_or(0);
        let weights = (0..length).map(|number| {
            let day = FIRST_DAY + i64::try_from(number).unwrap_or(0);
            let (_, month, _) = date(day);
            let growth = 100 + 120 * number / length;
            let mut random = Random::new(0xDA7, number);
            let busy = if random.permille(16) { 150 } else { 85 + random.below(31) };
            growth * SEASONS[usize::from(month) - 1] * WEEKDAYS[weekday(day)] * busy / 1_000
        });
        Self { days: Weighted::new(weights), hours: Weighted::new(HOURS), weekend_hours: Weighted::new(WEEKEND_HOURS) }
    }

    /// Returns the day of row `number` of `total` rows in the order of their days. Rows beyond the total are late
    /// reports from the last month.
    pub(crate) fn day_of_row(&self, number: u64, total: u64, random: &mut Random) -> i64 {
        if number >= total {
            return END_DAY - 1 - i64::try_from(random.below(30)).unwrap_or(0);
        }
        let point = u128::from(number) * u128::from(self.days.total()) / u128::from(total.max(1));
        FIRST_DAY + i64::try_from(self.days.at(u64::try_from(point).unwrap_or(0))).unwrap_or(0)
    }

    /// Returns the first of `total` rows that is in the newest two months.
    pub(crate) fn first_newest_row(&self, total: u64) -> u64 {
        let first_day = usize::try_from(END_DAY - FIRST_DAY).unwrap_or(0) - NEWEST_DAYS;
        let before = u128::from(self.days.sum_before(first_day)) * u128::from(total);
        u64::try_from(before.div_ceil(u128::from(self.days.total()))).unwrap_or(total)
    }

    /// Returns a second of a day.
    pub(crate) fn second_of_day(&self, day: i64, random: &mut Random) -> i64 {
        let hours = if weekday(day) >= 5 { &self.weekend_hours } else { &self.hours };
        let hour = i64::try_from(hours.pick(random)).unwrap_or(0);
        day * DAY_SECONDS + hour * 3_600 + i64::try_from(random.below(3_600)).unwrap_or(0)
    }
}

/// Returns the day of the week of a day since 1970, Monday 0.
fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

/// Returns year, month and day of a day since 1970.
pub(crate) fn date(day: i64) -> (i64, u8, u8) {
    // The algorithm counts from 0000-03-01, so that the leap day is the last of a year.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u8::try_from(month).unwrap_or(1), u8::try_from(day_of_month).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates_and_weekdays() {
        assert_eq!((date(0), weekday(0)), ((1970, 1, 1), 3), "a Thursday");
        assert_eq!(date(FIRST_DAY), (2008, 7, 1));
        assert_eq!((date(END_DAY - 1), weekday(END_DAY - 1)), ((2026, 6, 30), 1), "a Tuesday");
        assert_eq!(date(19_782), (2024, 2, 29));
    }

    #[test]
    fn rows_are_in_the_order_of_their_days() {
        let calendar = Calendar::new();
        let mut random = Random::new(1, 1);
        let days: Vec<i64> = (0..10_000).map(|row| calendar.day_of_row(row, 10_000, &mut random)).collect();
        assert!(days.is_sorted());
        assert_eq!((days[0], days[9_999]), (FIRST_DAY, END_DAY - 1));
        let newest = usize::try_from(calendar.first_newest_row(10_000)).expect("a row");
        assert!(days[newest] >= END_DAY - 61 && days[newest - 1] < END_DAY - 61, "{newest}");
        assert!(calendar.day_of_row(10_000, 10_000, &mut random) >= END_DAY - 30, "a late report");
    }
}

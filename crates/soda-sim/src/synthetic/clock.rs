//! When things happen: nights are quiet, weekends differ from weekdays, by kind of thing.

use rand::RngExt;
use rand::rngs::StdRng;

use super::pick::{Weighted, permille};
use crate::stamp;

/// A minute, an hour and a day in milliseconds.
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The end of the made-up time, 2026-07-01 at local midnight: nothing happens after it.
pub(crate) const LAST_MOMENT: i64 = 20_635 * DAY;

/// Names of weekdays, Sunday first.
pub(crate) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How likely a thing is by weekday (Sunday first) and by hour.
pub(crate) struct Rhythm {
    pub(crate) weekdays: [u32; 7],
    pub(crate) hours: [u32; 24],
}

/// Requests to the city: office hours, weekdays.
pub(crate) const REQUESTS: Rhythm = Rhythm {
    weekdays: [70, 112, 110, 108, 106, 104, 78],
    hours: [14, 9, 7, 5, 7, 18, 42, 74, 100, 108, 108, 102, 96, 92, 90, 86, 78, 66, 56, 48, 42, 36, 30, 20],
};

/// Calls for an ambulance or an engine: all day, least before dawn.
pub(crate) const CALLS: Rhythm = Rhythm {
    weekdays: [98, 100, 99, 100, 101, 105, 104],
    hours: [58, 50, 44, 36, 33, 36, 46, 60, 76, 86, 92, 95, 96, 96, 95, 96, 97, 98, 96, 92, 86, 80, 74, 66],
};

/// Incidents for the police: afternoons and evenings, most on Fridays.
pub(crate) const OFFENCES: Rhythm = Rhythm {
    weekdays: [94, 98, 99, 101, 99, 112, 106],
    hours: [86, 42, 34, 26, 20, 22, 30, 46, 66, 74, 78, 84, 104, 84, 86, 92, 96, 102, 106, 98, 90, 84, 80, 64],
};

/// Crashes: the two rush hours, fewest on Sundays.
pub(crate) const CRASHES: Rhythm = Rhythm {
    weekdays: [82, 96, 102, 103, 103, 110, 96],
    hours: [28, 22, 22, 12, 10, 16, 32, 60, 82, 76, 64, 66, 72, 78, 86, 94, 102, 112, 104, 82, 66, 56, 48, 38],
};

/// Moments from 2023-01-01 to 2026-06-30 in local time, ascending.
pub(crate) fn moments(count: usize, rhythm: &Rhythm, rng: &mut StdRng) -> Vec<i64> {
    let (first, last) = (stamp::days(2023, 1, 1), stamp::days(2026, 6, 30));
    let days = Weighted::new((first..=last).map(|day| {
        // A little more in summer and a little more every year.
        let (year, month, _) = stamp::civil(day);
        let season = [96, 95, 98, 99, 101, 103, 105, 104, 104, 103, 98, 94][index(month) - 1];
        let growth = 100 + u32::try_from(year - 2023).unwrap_or(0);
        rhythm.weekdays[weekday(day)] * season * growth
    }));
    let hours = Weighted::new(rhythm.hours);
    let mut moments: Vec<i64> = (0..count)
        .map(|_| {
            let day = first + i64::try_from(days.pick(rng)).unwrap_or(0);
            let hour = i64::try_from(hours.pick(rng)).unwrap_or(0);
            day * DAY + hour * HOUR + rng.random_range(0..3_600) * 1_000
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// Returns the number of a day's weekday, Sunday being 0.
pub(crate) fn weekday(day: i64) -> usize {
    usize::try_from((day + 4).rem_euclid(7)).unwrap_or(0)
}

/// Returns the name of the weekday of a time.
pub(crate) fn weekday_name(ms: i64) -> &'static str {
    WEEKDAYS[weekday(ms.div_euclid(DAY))]
}

/// Returns the midnight before a time.
pub(crate) fn midnight(ms: i64) -> i64 {
    ms.div_euclid(DAY) * DAY
}

/// Formats the `HH:MM` of a time.
pub(crate) fn hour_minute(ms: i64) -> String {
    stamp::floating(ms)[11..16].to_owned()
}

/// Returns the year of a time.
pub(crate) fn year(ms: i64) -> i64 {
    stamp::civil(ms.div_euclid(DAY)).0
}

/// Returns when the portal publishes an incident of this local time: in the load of the next morning, which reaches the
/// portal in a few batches. All rows of a batch share its stamp, in UTC.
pub(crate) fn published(ms: i64, batch: u64) -> i64 {
    let day = ms.div_euclid(DAY) + 1;
    let batch = i64::try_from(batch % 3).unwrap_or(0);
    // Not at the same millisecond every day.
    let wobble = (day * 7_919 + batch * 104_729).rem_euclid(600_000);
    day * DAY + 10 * HOUR + batch * 11 * MINUTE + wobble
}

/// Returns the local time of a stamp, for the columns in which a publisher stores it.
pub(crate) fn local(stamp_ms: i64) -> i64 {
    stamp_ms - 7 * HOUR
}

/// Returns the time, or nothing for the few rows whose time was never entered.
pub(crate) fn known(rng: &mut StdRng, ms: i64) -> Option<i64> {
    let lost = permille(rng, 1) && permille(rng, 400);
    (!lost).then_some(ms)
}

fn index(month: u32) -> usize {
    usize::try_from(month).unwrap_or(1)
}

//! StudyAreaTotals calendar months.

use std::fmt;

use chrono::{DateTime, Datelike as _};
use lake_model::{month_start, next_month};

use crate::filters::Filters;

/// Months since the year 0.
pub(super) type Month = i64;

/// Returns the month of a wall-clock time.
pub(super) fn month_of(micros: i64) -> Month {
    DateTime::from_timestamp_micros(micros).map_or(0, |time| i64::from(time.year()) * 12 + i64::from(time.month0()))
}

/// Months that follow each other, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Months {
    first: Month,
    end: Month,
}

impl Months {
    /// Returns the complete months of the requested window. Where the window is open, the counts limit it: their first
    /// and last month may be incomplete, and are omitted. `None` if no month is complete.
    pub(super) fn whole(filters: &Filters, counted: Option<(Month, Month)>) -> Option<Self> {
        let first = match filters.start {
            Some(start) if month_start(start) == start => month_of(start),
            Some(start) => month_of(next_month(start)),
            None => counted?.0 + 1,
        };
        let end = match filters.end {
            Some(end) => month_of(end),
            None => counted?.1,
        };
        (first < end).then_some(Self { first, end })
    }

    /// Returns how many there are.
    pub(super) fn len(self) -> usize {
        usize::try_from(self.end - self.first).unwrap_or(0)
    }

    /// Returns the position of a month, from 0; `None` if it is not one of them.
    pub(super) fn place(self, month: Month) -> Option<usize> {
        (month < self.end).then(|| usize::try_from(month - self.first).ok())?
    }
}

impl fmt::Display for Months {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |month: Month| format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1);
        write!(f, "{}..{}", text(self.first), text(self.end))
    }
}

#[cfg(test)]
mod tests {
    use lake_model::parse_wall_clock;

    use super::*;
    use crate::hotspots::HOTSPOTS_PARAMETERS;
    use crate::limits::AnswerLimits;
    use crate::parameters::Parameters;

    fn whole(window: &str, counted: Option<(&str, &str)>) -> Option<String> {
        let parameters = Parameters::from_query("/hotspots", HOTSPOTS_PARAMETERS, window).expect(window);
        let filters = Filters::parse(&parameters, &AnswerLimits::default()).expect(window);
        let month = |text: &str| month_of(parse_wall_clock(text).expect("a time"));
        let months = Months::whole(&filters, counted.map(|(first, last)| (month(first), month(last))));
        months.map(|months| months.to_string())
    }

    #[test]
    fn only_whole_months_of_the_window_are_taken() {
        let counted = Some(("2020-03-07", "2024-11-30"));
        for (window, months) in [
            ("start_time=2024-01-01&end_time=2024-07-01", Some("2024-01..2024-07")),
            ("start_time=2024-01-01T00:00:01&end_time=2024-07-01", Some("2024-02..2024-07")),
            ("start_time=2023-12-02&end_time=2024-07-31T23:59", Some("2024-01..2024-07")),
            ("start_time=2024-06-02&end_time=2024-07-31", None),
            ("start_time=1999-01-01&end_time=2000-01-01", Some("1999-01..2000-01")),
            ("start_time=2024-01-01", Some("2024-01..2024-11")),
            ("end_time=2021-01-01", Some("2020-04..2021-01")),
            ("", Some("2020-04..2024-11")),
            ("end_time=2020-04-01", None),
            ("start_time=2030-01-01", None),
        ] {
            assert_eq!(whole(window, counted).as_deref(), months, "{window}");
        }
        assert_eq!(whole("", None), None);
        assert_eq!(whole("start_time=2024-01-01&end_time=2024-03-01", None).as_deref(), Some("2024-01..2024-03"));
    }

    #[test]
    fn a_month_has_its_place_among_them() {
        let months = Months { first: 24_288, end: 24_291 };
        let places = [24_287, 24_288, 24_290, 24_291].map(|month| months.place(month));
        assert_eq!((places, months.len()), ([None, Some(0), Some(2), None], 3));
    }
}

//! A window `A..B` over the time of occurrence: half-open, in wall-clock time.

use crate::time::{format_wall_clock, parse_wall_clock};
use crate::{Error, Result, year_of, year_start};

/// A half-open interval of wall-clock microseconds, `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first instant inside.
    pub start: i64,
    /// The first instant after.
    pub end: i64,
}

impl Window {
    /// Returns a window from its two ends.
    ///
    /// # Errors
    /// If it would be empty or run backwards.
    pub fn new(start: i64, end: i64) -> Result<Self> {
        if start >= end {
            return Err(Error::invalid(format!(
                "the window {}..{} is empty; it is half-open, so its end must be after its start",
                format_wall_clock(start),
                format_wall_clock(end)
            )));
        }
        Ok(Self { start, end })
    }

    /// Parses `2020..2030`, `2024-06..2024-07`, `2024-06-01..2024-06-08`, with or without a time of day.
    ///
    /// # Errors
    /// If the text is not a valid window.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::invalid(format!(
                "`{text}` is not a valid window: {what}; expected A..B with years, months, days or times, for example \
                 2020..2030, 2024-06..2024-07 or 2024-06-01..2024-06-08"
            ))
        };
        let (start, end) = text.split_once("..").ok_or_else(|| wrong("`..` is missing"))?;
        let start = parse_wall_clock(start).ok_or_else(|| wrong("its start is not a valid time"))?;
        let end = parse_wall_clock(end).ok_or_else(|| wrong("its end is not a valid time"))?;
        Self::new(start, end)
    }

    /// Returns the window widened to whole years, and those years.
    pub fn whole_years(self) -> (Self, std::ops::RangeInclusive<i32>) {
        let years = year_of(self.start)..=year_of(self.end - 1);
        (Self { start: year_start(*years.start()), end: year_start(*years.end() + 1) }, years)
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", format_wall_clock(self.start), format_wall_clock(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_half_open_and_widens_to_the_years_it_touches() {
        let decade = Window::parse("2020..2030").expect("a window");
        assert_eq!(decade.whole_years().1, 2020..=2029);
        assert_eq!(decade.whole_years().0, decade);
        let month = Window::parse("2023-12-15..2024-01-01T00:01").expect("a window");
        assert_eq!(month.whole_years().1, 2023..=2024);
    }

    #[test]
    fn windows_that_are_none_say_what_they_may_be() {
        for text in ["2020", "2030..2020", "2020..2020", "a..b", "2020-01-01T00:00+01:00..2021"] {
            let error = Window::parse(text).expect_err(text).to_string();
            assert!(error.contains("half-open") || error.contains("A..B"), "{error}");
        }
    }
}

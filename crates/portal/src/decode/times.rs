//! Times as portals and spreadsheets write them: every style that Socrata offers for an export, and those of saved
//! spreadsheets that are unambiguous. Ambiguous times are not read.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use lake_model::{DateOrder, Resource, parse_wall_clock};

/// The longest text that may be a time.
const MAX_TIME_BYTES: usize = 64;
/// The centuries that a year of two digits may belong to.
const CENTURIES: [i32; 4] = [1800, 1900, 2000, 2100];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// How the times of a resource are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeRules {
    order: Option<DateOrder>,
    earliest: i64,
    latest: i64,
}

impl TimeRules {
    pub(crate) fn new(resource: &Resource) -> Self {
        let bounds = &resource.bounds;
        Self { order: resource.date_order, earliest: bounds.earliest, latest: bounds.latest }
    }

    /// Returns the rules of a resource that declares nothing of its times but perhaps the order of day and month.
    pub(crate) fn undeclared(order: Option<DateOrder>) -> Self {
        let start = |year| micros(date(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN));
        Self { order, earliest: start(1900), latest: start(2100) }
    }

    /// Returns a published time in wall-clock microseconds; `None` if it is not one, or could be two.
    pub(crate) fn parse(&self, text: &str) -> Option<i64> {
        if let Some(micros) = parse_wall_clock(text) {
            return Some(micros);
        }
        if text.len() > MAX_TIME_BYTES {
            return None;
        }
        let text = text.to_ascii_lowercase();
        // `char::is_whitespace` covers the narrow no-break space that browsers write before AM and PM.
        let words: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).collect();
        let clock = words.iter().position(|word| word.contains(':')).unwrap_or(words.len());
        let (date, time) = words.split_at(clock);
        Some(micros(self.date(date)?.and_time(time_of_day(time)?)))
    }

    /// Returns whether the time is within the bounds of the resource.
    pub(crate) fn is_plausible(&self, micros: i64) -> bool {
        (self.earliest..self.latest).contains(&micros)
    }

    /// Returns the order in which dates of digits are read that end with the year.
    pub(crate) fn order(&self) -> DateOrder {
        self.order.unwrap_or(DateOrder::MonthFirst)
    }

    fn date(&self, words: &[&str]) -> Option<NaiveDate> {
        let words = match words.split_first() {
            Some((first, rest)) if !rest.is_empty() && is_name_of(first.trim_end_matches('.'), &WEEKDAYS).is_some() => {
                rest
            }
            _ => words,
        };
        match words {
            [word] if !word.contains(|c: char| c.is_ascii_alphabetic()) => self.date_of_digits(word),
            _ => self.date_with_a_name(words),
        }
    }

    fn date_of_digits(&self, word: &str) -> Option<NaiveDate> {
        let separator = word.chars().find(|c| !c.is_ascii_digit()).filter(|c| ['/', '-', '.'].contains(c))?;
        let parts: Vec<&str> = word.split(separator).collect();
        if !parts.iter().all(|part| is_number(part)) {
            return None;
        }
        match parts[..] {
            [year, month, day] if year.len() == 4 => date(number(year)?, number(month)?, number(day)?),
            [first, second, year] if separator == '/' || self.order.is_some() => {
                let (month, day) = match self.order() {
                    DateOrder::MonthFirst => (number(first)?, number(second)?),
                    DateOrder::DayFirst => (number(second)?, number(first)?),
                };
                self.date_of_year(year, month, day)
            }
            // With a dot it may be a number.
            [year, month] if separator != '.' && year.len() == 4 => date(number(year)?, number(month)?, 1),
            [month, year] if separator != '.' && year.len() == 4 => date(number(year)?, number(month)?, 1),
            _ => None,
        }
    }

    /// Returns a date whose month has a name, which leaves no doubt of the order but for a year of two digits that is
    /// first.
    fn date_with_a_name(&self, words: &[&str]) -> Option<NaiveDate> {
        let mut tokens: Vec<&str> = Vec::new();
        for word in words {
            for mut part in word.split(['-', '/', '.']).filter(|part| !part.is_empty()) {
                // `03apr2016` is three tokens.
                while let Some(first) = part.chars().next() {
                    let end = part.find(|c: char| c.is_ascii_digit() != first.is_ascii_digit()).unwrap_or(part.len());
                    tokens.push(&part[..end]);
                    part = &part[end..];
                }
            }
        }
        let at = tokens.iter().position(|token| !token.starts_with(|c: char| c.is_ascii_digit()))?;
        let month = month_of(tokens.remove(at))?;
        if !tokens.iter().all(|token| is_number(token)) {
            return None;
        }
        match (tokens.as_slice(), at) {
            ([year], 0 | 1) if year.len() == 4 => date(number(year)?, month, 1),
            ([year, day], 1) if year.len() == 4 => date(number(year)?, month, number(day)?),
            ([day, year], 0 | 1) => self.date_of_year(year, month, number(day)?),
            _ => None,
        }
    }

    /// Returns a date with a year of four digits, or of two if only one century is within the bounds of the resource.
    fn date_of_year(&self, year: &str, month: u32, day: u32) -> Option<NaiveDate> {
        match year.len() {
            4 => date(number(year)?, month, day),
            2 => {
                let within = |date: &NaiveDate| self.is_plausible(micros(date.and_time(NaiveTime::MIN)));
                let short: i32 = number(year)?;
                let mut dates = CENTURIES.iter().filter_map(|century| date(century + short, month, day)).filter(within);
                let date = dates.next()?;
                dates.next().is_none().then_some(date)
            }
            _ => None,
        }
    }
}

/// Returns the order of day and month that a text leaves as the only one; `None` if it is not a date of digits or both do.
pub(crate) fn evident_order(text: &str) -> Option<DateOrder> {
    let word = text.split_whitespace().next()?;
    let separator = word.chars().find(|c| !c.is_ascii_digit()).filter(|c| ['/', '-', '.'].contains(c))?;
    let mut parts = word.split(separator);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !is_number(year) || ![2, 4].contains(&year.len()) || first.len() > 2 {
        return None;
    }
    match (number::<u32>(first)?, number::<u32>(second)?) {
        (13..=31, 1..=12) => Some(DateOrder::DayFirst),
        (1..=12, 13..=31) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}

fn micros(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp_micros()
}

fn date(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if is_number(text) { text.parse().ok() } else { None }
}

/// Returns the place in `names` of a name in full or of its first three letters.
fn is_name_of(text: &str, names: &[&str]) -> Option<usize> {
    names.iter().position(|name| text == *name || name.get(..3) == Some(text))
}

fn month_of(text: &str) -> Option<u32> {
    let at = if text == "sept" { Some(8) } else { is_name_of(text, &MONTHS) };
    u32::try_from(at? + 1).ok()
}

/// Returns the time of day in the words from the clock on; midnight if there are none.
fn time_of_day(words: &[&str]) -> Option<NaiveTime> {
    let Some((first, rest)) = words.split_first() else { return Some(NaiveTime::MIN) };
    let end = first.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(first.len());
    let (clock, glued) = first.split_at(end);
    let suffix: String =
        std::iter::once(&glued).chain(rest).flat_map(|word| word.chars()).filter(|c| *c != '.').collect();
    let (afternoon, zone) = match suffix.get(..2) {
        Some("am") => (Some(false), &suffix[2..]),
        Some("pm") => (Some(true), &suffix[2..]),
        _ => (None, suffix.as_str()),
    };
    // As in `2016-04-03T12:00Z`, UTC is ignored; another offset would not be a wall-clock time of the city.
    if !["", "z", "utc", "gmt", "+0000", "+00:00"].contains(&zone) {
        return None;
    }
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let (second, fraction) = match parts.next() {
        None => ("00", ""),
        Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "")),
    };
    let whole = parts.next().is_none() && minute.len() == 2 && second.len() == 2 && hour.len() <= 2;
    if !whole || clock.ends_with('.') {
        return None;
    }
    let hour: u32 = number(hour)?;
    let hour = match afternoon {
        None => hour,
        Some(after) if (1..=12).contains(&hour) => hour % 12 + if after { 12 } else { 0 },
        Some(_) => return None,
    };
    NaiveTime::from_hms_micro_opt(hour, number(minute)?, number(second)?, microseconds(fraction)?)
}

/// Returns a fraction of a second in microseconds, without what is finer.
fn microseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() {
        return Some(0);
    }
    if !is_number(fraction) {
        return None;
    }
    number(&format!("{fraction:0<6}")[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(order: Option<DateOrder>, earliest: &str) -> TimeRules {
        let at = |text: &str| parse_wall_clock(text).expect("a time");
        TimeRules { order, earliest: at(earliest), latest: at("2100-01-01") }
    }

    fn read(text: &str) -> Option<String> {
        rules(None, "1900-01-01").parse(text).map(lake_model::format_wall_clock)
    }

    /// Every style that Socrata offers for a column, as chrono writes it, and which parts of a time it has.
    const SOCRATA_STYLES: [(&str, i64); 24] = [
        ("%Y %b %d %I:%M:%S %p", SECOND),
        ("%Y %b %d", DAY),
        ("%m/%d/%Y %I:%M:%S %p", SECOND),
        ("%m/%d/%Y", DAY),
        ("%Y/%m/%d %I:%M:%S %p", SECOND),
        ("%Y/%m/%d", DAY),
        ("%B %d, %Y %I:%M %p", MINUTE),
        ("%B %d, %Y %I:%M:%S %p", SECOND),
        ("%B %d, %Y", DAY),
        ("%b %d, %Y", DAY),
        ("%b %d, %Y %I:%M %p", MINUTE),
        ("%d %B %Y", DAY),
        ("%d %B %Y %I:%M:%S %p", SECOND),
        ("%Y %B %d", DAY),
        ("%Y %B %d %I:%M:%S %p", SECOND),
        ("%m/%d/%Y %I:%M:%S %p +0000", SECOND),
        ("%Y-%m-%dT%H:%M:%S%.3f", MILLISECOND),
        ("%Y-%m-%dT%H:%M:%S%.3fZ", MILLISECOND),
        ("%Y-%m-%d %H:%M", MINUTE),
        ("%m/%d/%Y %H:%M", MINUTE),
        ("%m/%d/%Y %I:%M %p", MINUTE),
        ("%-m/%-d/%Y %-H:%M", MINUTE),
        ("%d-%b-%Y %H:%M:%S", SECOND),
        ("%A, %B %-d, %Y", DAY),
    ];
    /// Those that have only a month or a year.
    const SOCRATA_MONTHS: [&str; 6] = ["%m/%Y", "%Y/%m", "%b %Y", "%Y %b", "%B %Y", "%Y %B"];
    const MILLISECOND: i64 = 1_000;
    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;
    const DAY: i64 = 24 * 60 * MINUTE;

    /// Draws 64 bits from a seed (splitmix64).
    fn draw(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn every_export_style_reads_back_what_was_written() {
        let (mut seed, rules) = (311, rules(None, "1900-01-01"));
        let span = rules.latest - rules.earliest;
        for _ in 0..250 {
            let drawn = i64::try_from(draw(&mut seed) >> 1).expect("63 bits");
            let micros = (rules.earliest + drawn % span).div_euclid(MILLISECOND) * MILLISECOND;
            let time = chrono::DateTime::from_timestamp_micros(micros).expect("a time").naive_utc();
            for (style, precision) in SOCRATA_STYLES {
                let text = time.format(style).to_string();
                let expected = Some(micros.div_euclid(precision) * precision);
                for text in [text.clone(), text.to_lowercase(), text.to_uppercase(), format!("  {text} ")] {
                    assert_eq!(rules.parse(&text), expected, "{text}");
                }
                for (from, to) in [(" PM", " p.m."), (" AM", "\u{202f}a.m."), (" AM", "AM"), (" PM", "\u{a0}PM")] {
                    assert_eq!(rules.parse(&text.replace(from, to)), expected, "{text}");
                }
                assert_eq!(rules.parse(&text.replace("Sep ", "Sept. ")), expected, "{text}");
            }
            for style in SOCRATA_MONTHS {
                let text = time.format(style).to_string();
                assert_eq!(rules.parse(&text), Some(lake_model::month_start(micros)), "{text}");
            }
            let day_first = TimeRules { order: Some(DateOrder::DayFirst), ..rules };
            for style in ["%d/%m/%Y %I:%M:%S %p", "%d-%m-%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S"] {
                let text = time.format(style).to_string();
                assert_eq!(day_first.parse(&text), Some(micros.div_euclid(SECOND) * SECOND), "{text}");
            }
        }
    }

    #[test]
    fn right_values_of_exports_are_read() {
        for (text, expected) in [
            ("2016 Apr 03 11:15:12 PM", "2016-04-03T23:15:12"),
            ("2016 Apr 04 12:00:00 AM", "2016-04-04T00:00:00"),
            ("2016 apr 04 12:30:00 pm", "2016-04-04T12:30:00"),
            ("2026/01/13 09:37:06 PM", "2026-01-13T21:37:06"),
            ("01/13/2026 09:37:06 PM", "2026-01-13T21:37:06"),
            ("6/9/2019 9:48", "2019-06-09T09:48:00"),
            ("06/29/2019 9:48 a.m.", "2019-06-29T09:48:00"),
            ("January 13, 2026", "2026-01-13T00:00:00"),
            ("13 sept 2026", "2026-09-13T00:00:00"),
            ("15-Dec-2005", "2005-12-15T00:00:00"),
            ("15DEC2005", "2005-12-15T00:00:00"),
            ("Thursday, December 15, 2005 12:52 PM", "2005-12-15T12:52:00"),
            ("2016-4-3", "2016-04-03T00:00:00"),
            ("2018-12-01 12:25:00 AM", "2018-12-01T00:25:00"),
            ("01/13/2026 09:37:06.5 PM", "2026-01-13T21:37:06.500"),
            ("01/13/2026 09:37:06 PM +0000", "2026-01-13T21:37:06"),
            ("02/29/2024", "2024-02-29T00:00:00"),
            ("2016", "2016-01-01T00:00:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_could_be_two_is_not_read() {
        for text in [
            "",
            "12/15/05 12:52",
            "15-Dec-05",
            "13/01/2026",
            "13-01-2026",
            "01-02-2026",
            "01.02.2026",
            "4.2016",
            "2016.04",
            "04/07",
            "Apr 16",
            "apr",
            "11:15",
            "02/30/2024",
            "02/29/2023",
            "01/13/2026 13:00 PM",
            "01/13/2026 00:30 AM",
            "01/13/2026 24:00",
            "01/13/2026 9:5",
            "01/13/2026 09:37:06 PM -0700",
            "01/13/2026 09:37:06. PM",
            "01/13/2026 09:37 PM, or later",
            "2016 Avr 03",
            "01/13/20260",
            "1460000000",
            "20160403",
            "unknown",
            "NaN",
            "１/２/2016",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_of_two_digits_needs_bounds_of_one_century() {
        let bounded = rules(None, "1980-01-01");
        for (text, expected) in [
            ("12/15/05 12:52", Some("2005-12-15T12:52:00")),
            ("1/5/19 9:05", Some("2019-01-05T09:05:00")),
            ("12/31/79", Some("2079-12-31T00:00:00")),
            ("15-Dec-05", Some("2005-12-15T00:00:00")),
            // 1985 and 2085 are both within the bounds.
            ("12/15/85", None),
        ] {
            assert_eq!(bounded.parse(text).map(lake_model::format_wall_clock).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_shows_where_one_is_above_12() {
        assert_eq!(evident_order("13/01/2026 10:00"), Some(DateOrder::DayFirst));
        assert_eq!(evident_order("01/13/26"), Some(DateOrder::MonthFirst));
        for text in ["01/02/2026", "2026/13/01", "13/13/2026", "32/01/2026", "2026-01-13T00:00:00", "13", "x"] {
            assert_eq!(evident_order(text), None, "{text}");
        }
    }
}

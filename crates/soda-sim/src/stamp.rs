//! Moments in milliseconds since 1970 and their text, written by hand because two of them are
//! rendered for every row of a page.

const DAY_MS: i64 = 86_400_000;

/// Returns the civil date of a day number, as (year, month, day).
pub(crate) fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// Returns the day number of a civil date.
pub(crate) fn days(year: i64, month: u32, day: u32) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Appends `2026-08-06T09:20:17.588`, without a zone.
pub(crate) fn push_floating(out: &mut Vec<u8>, ms: i64) {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let rest = ms.rem_euclid(DAY_MS);
    digits(out, year.clamp(0, 9_999), 4);
    out.push(b'-');
    digits(out, i64::from(month), 2);
    out.push(b'-');
    digits(out, i64::from(day), 2);
    out.push(b'T');
    digits(out, rest / 3_600_000, 2);
    out.push(b':');
    digits(out, rest / 60_000 % 60, 2);
    out.push(b':');
    digits(out, rest / 1_000 % 60, 2);
    out.push(b'.');
    digits(out, rest % 1_000, 3);
}

/// Appends `2026-08-06T09:20:17.588Z`.
pub(crate) fn push_fixed(out: &mut Vec<u8>, ms: i64) {
    push_floating(out, ms);
    out.push(b'Z');
}

/// Formats a time without a zone.
pub(crate) fn floating(ms: i64) -> String {
    let mut out = Vec::with_capacity(24);
    push_floating(&mut out, ms);
    out.into_iter().map(char::from).collect()
}

/// Formats a time in UTC.
pub(crate) fn fixed(ms: i64) -> String {
    let mut text = floating(ms);
    text.push('Z');
    text
}

/// Formats a time as HTTP headers have it.
pub(crate) fn http_date(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .map(|moment| moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

fn digits(out: &mut Vec<u8>, number: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

/// Reads a date, or a date and time, with or without a zone; without one it is taken as it is.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?);
    let date = chrono::NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        u32::try_from(month).ok()?,
        u32::try_from(day).ok()?,
    )?;
    let midnight = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis();
    if bytes.len() == 10 {
        return Some(midnight);
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let (clock, shift) = split_zone(&text[11..])?;
    Some(midnight + clock_ms(clock)? - shift)
}

/// Splits a text into the time of day and the zone's offset in milliseconds.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(place) = text.rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let zone = &text[place + 1..];
    let (hours, minutes) = match zone.len() {
        2 => (number(zone)?, 0),
        4 => (number(&zone[..2])?, number(&zone[2..])?),
        5 if zone.as_bytes()[2] == b':' => (number(&zone[..2])?, number(&zone[3..])?),
        _ => return None,
    };
    let shift = (hours * 60 + minutes) * 60_000;
    Some((&text[..place], if text.as_bytes()[place] == b'-' { -shift } else { shift }))
}

fn clock_ms(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let hours = number(parts.next()?)?;
    let minutes = number(parts.next()?)?;
    let seconds = parts.next().unwrap_or("0");
    if parts.next().is_some() || hours > 23 || minutes > 59 {
        return None;
    }
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let seconds = number(whole)?;
    if seconds > 59 || number(fraction.get(..fraction.len().min(9))?).is_none() {
        return None;
    }
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + number(&thousandths)?)
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        for text in ["2026-08-06T09:20:17.588", "1970-01-01T00:00:00.000", "2024-02-29T23:59:59.999"] {
            assert_eq!(parse(text).map(floating).as_deref(), Some(text));
        }
    }

    #[test]
    fn the_zone_may_be_named_or_left_out() {
        let utc = parse("2026-08-06T09:20:17.588Z");
        assert!(utc.is_some());
        assert_eq!(parse("2026-08-06T09:20:17.588"), utc);
        assert_eq!(parse("2026-08-06T02:20:17.588-07:00"), utc);
        assert_eq!(parse("2026-08-06"), parse("2026-08-06T00:00:00"));
    }

    #[test]
    fn what_is_not_a_moment_is_refused() {
        for text in ["", "2026", "2026-13-01", "2026-02-30", "2026-01-01T25:00:00", "2026-01-01Tx", "éééééé"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for day in (-800_000..800_000).step_by(997) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
    }
}

//! The texts of single values, written straight into a buffer.

use std::io::Write as _;

use chrono::DateTime;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The days from 1 March of year 0 to 1 January 1970, in the Gregorian calendar.
const DAYS_BEFORE_1970: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;
const YEARS_PER_ERA: i64 = 400;

/// Appends a whole number.
pub(crate) fn write_integer(value: i64, text: &mut Vec<u8>) {
    text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a cell in hexadecimal digits, as [`crate::cell_text`] writes it.
pub(crate) fn write_cell(cell: i64, text: &mut Vec<u8>) {
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(cell.to_be_bytes()) {
        pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
        pair[1] = HEX_DIGITS[usize::from(byte & 15)];
    }
    let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len() - 1);
    text.extend_from_slice(&digits[first..]);
}

/// Appends a wall-clock time, such as `2024-06-01T12:30:00`, with a fraction of a second only if it has one.
pub(crate) fn write_time(micros: i64, text: &mut Vec<u8>) {
    let (seconds, fraction) = (micros.div_euclid(MICROS_PER_SECOND), micros.rem_euclid(MICROS_PER_SECOND));
    let (days, second) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
    let (year, month, day) = date_of_day(days);
    if fraction != 0 || !(0..=9_999).contains(&year) {
        // Callers have checked that a calendar has these.
        let time = DateTime::from_timestamp_micros(micros).unwrap_or_default().naive_utc();
        let _ = write!(text, "{time:?}");
        return;
    }
    let mut digits = *b"0000-00-00T00:00:00";
    let values = [year / 100, year % 100, month, day, second / 3_600, second / 60 % 60, second % 60];
    for (value, at) in values.into_iter().zip([0, 2, 5, 8, 11, 14, 17]) {
        let value = u8::try_from(value).unwrap_or_default();
        digits[at] = b'0' + value / 10;
        digits[at + 1] = b'0' + value % 10;
    }
    text.extend_from_slice(&digits);
}

/// Returns the year, month and day of a day, counted from 1970-01-01.
fn date_of_day(day: i64) -> (i64, i64, i64) {
    // Years that begin with March end with the day that a leap year adds.
    let day = day + DAYS_BEFORE_1970;
    let (era, day) = (day.div_euclid(DAYS_PER_ERA), day.rem_euclid(DAYS_PER_ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (era * YEARS_PER_ERA + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: fn(i64, &mut Vec<u8>), value: i64) -> String {
        let mut text = b"before ".to_vec();
        write(value, &mut text);
        String::from_utf8(text).expect("text").split_off("before ".len())
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00"),
            (-1_000_000, "1969-12-31T23:59:59"),
            (1_709_210_096_000_000, "2024-02-29T12:34:56"),
            (951_782_400_000_000, "2000-02-29T00:00:00"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00"),
            (253_402_300_799_000_000, "9999-12-31T23:59:59"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00"),
            (-62_167_219_201_000_000, "-0001-12-31T23:59:59"),
            (1_709_210_096_789_000, "2024-02-29T12:34:56.789"),
            (1_709_210_096_789_012, "2024-02-29T12:34:56.789012"),
            (-1, "1969-12-31T23:59:59.999999"),
        ] {
            assert_eq!(written(write_time, micros), text);
        }
        // Every day of eight centuries, by another calendar.
        for day in -146_097..146_097 {
            let time = DateTime::from_timestamp(day * SECONDS_PER_DAY, 0).expect("a time").naive_utc();
            assert_eq!(written(write_time, day * SECONDS_PER_DAY * MICROS_PER_SECOND), format!("{time:?}"));
        }
    }

    #[test]
    fn cells_and_numbers_are_written_as_they_are_formatted() {
        for value in [0, 1, 15, 16, 0x08a2_8308_2a67_7fff, i64::MAX, -1, i64::MIN, 255, -256] {
            assert_eq!(written(write_cell, value), format!("{value:x}"));
            assert_eq!(written(write_integer, value), value.to_string());
        }
    }
}

//! Durations as people write them: in definitions and on the command line.

use std::time::Duration;

/// Returns the duration that a text states: a whole number and `s`, `m`, `h` or `d`, such as `15m`. `None` for any other
/// text.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(unit_seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("15m", 900), ("1h", 3_600), ("7d", 604_800)] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        // A month has no fixed length, and a day and a half has two readings.
        for text in ["", "7", "d", "7 d", "7D", "7dd", "1.5d", "-1d", "1month", "1d12h", "1ü", "18446744073709551615d"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}

//! A row as JSON text, as a SODA portal writes it: every value is a string, an absent value has no member.

use std::io::Write as _;

use crate::calendar::{DAY_SECONDS, date};

/// Writes the members of one object.
#[derive(Debug)]
pub(crate) struct Line<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Line<'o> {
    /// Begins an object.
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    /// Ends the object.
    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(if self.is_first { b"\"" } else { b",\"" });
        self.is_first = false;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Writes a text, which contains nothing that JSON escapes.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
    }

    /// Writes formatted text.
    pub(crate) fn formatted(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        self.name(name);
        // Writing to memory does not fail.
        let _ = write!(self.out, "\"{value}\"");
    }

    /// Writes a whole number.
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.formatted(name, format_args!("{value}"));
    }

    /// Writes a time of the city's clock, if there is one.
    pub(crate) fn time(&mut self, name: &str, seconds: Option<i64>) {
        if let Some(seconds) = seconds {
            self.name(name);
            push_time(self.out, seconds, b".000\"");
        }
    }

    /// Writes a time in UTC.
    pub(crate) fn utc(&mut self, name: &str, seconds: i64) {
        self.name(name);
        push_time(self.out, seconds, b".000Z\"");
    }

    /// Writes a member whose JSON is given.
    pub(crate) fn json(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        self.name(name);
        // As above.
        let _ = write!(self.out, "{value}");
    }
}

fn push_time(out: &mut Vec<u8>, seconds: i64, end: &[u8]) {
    let (year, month, day) = date(seconds.div_euclid(DAY_SECONDS));
    let rest = seconds.rem_euclid(DAY_SECONDS);
    out.push(b'"');
    push_digits(out, year, 4);
    for (before, value) in [(b'-', i64::from(month)), (b'-', i64::from(day))] {
        out.push(before);
        push_digits(out, value, 2);
    }
    for (before, value) in [(b'T', rest / 3_600), (b':', rest / 60 % 60), (b':', rest % 60)] {
        out.push(before);
        push_digits(out, value, 2);
    }
    out.extend_from_slice(end);
}

fn push_digits(out: &mut Vec<u8>, value: i64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = u8::try_from(value / 10_i64.pow(place) % 10).unwrap_or(0);
        out.push(b'0' + digit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_object() {
        let mut out = Vec::new();
        let mut line = Line::begin(&mut out);
        line.text("kind", "Fire");
        line.number("id", 7);
        line.time("at", Some(1_214_870_400 + 3_723));
        line.time("closed", None);
        line.utc(":updated_at", 0);
        line.json("point", format_args!("[{}]", 1));
        line.end();
        let text = String::from_utf8(out).expect("text");
        let expected = concat!(
            r#"{"kind":"Fire","id":"7","at":"2008-07-01T01:02:03.000","#,
            r#"":updated_at":"1970-01-01T00:00:00.000Z","point":[1]}"#
        );
        assert_eq!(text, expected);
    }
}

//! Which state of the lake to read, as users write it: a time, or the versions of an earlier answer.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use lake_model::{Error, Result};

/// An earlier state of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeTravel {
    /// The lake as it was at this time, by the clocks of the writers.
    Time(DateTime<Utc>),
    /// The versions that an answer named in `Lake-Version`.
    SnapshotTables {
        /// The version of `fast_counts`.
        fast_counts: u64,
        /// The version of `counts`.
        counts: u64,
        /// The newest version of `incidents` that `counts` names.
        incidents: u64,
    },
}

impl TimeTravel {
    /// Parses a time: RFC 3339, or a date or date and time in UTC.
    ///
    /// # Errors
    /// If the text is not a time.
    pub fn parse_time(text: &str) -> Result<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Time(time.with_timezone(&Utc)));
        }
        let plain = text.replace('T', " ");
        let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
        let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&plain, format).ok());
        let time = time.or_else(|| plain.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0));
        time.map(|time| Self::Time(time.and_utc())).ok_or_else(|| {
            Error::invalid(format!(
                "`{text}` is not a valid time: expected 2026-03-01T12:00:00Z, or 2026-03-01 12:00 or 2026-03-01, which are UTC"
            ))
        })
    }

    /// Parses the text of a `Lake-Version` header.
    ///
    /// # Errors
    /// If a version is missing.
    pub fn parse_versions(text: &str) -> Result<Self> {
        let version = |name: &str| {
            let mut parts = text.split(',').filter_map(|part| part.trim().split_once('='));
            parts.find(|(of, _)| *of == name).and_then(|(_, number)| u64::from_str(number).ok())
        };
        match (version("fast_counts"), version("counts"), version("incidents")) {
            (Some(fast_counts), Some(counts), Some(incidents)) => {
                Ok(Self::SnapshotTables { fast_counts, counts, incidents })
            }
            _ => Err(Error::invalid(format!(
                "`{text}` does not name the versions of a snapshot: expected the text of Lake-Version, for example fast_counts=12,counts=5,incidents=5"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339_or_utc() {
        let same = ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01 12:00", "2026-03-01T12:00:00.000"];
        for text in same {
            assert_eq!(
                TimeTravel::parse_time(text).expect(text),
                TimeTravel::parse_time(same[0]).expect("a time"),
                "{text}"
            );
        }
        assert!(TimeTravel::parse_time("2026-03-01").is_ok());
        assert!(TimeTravel::parse_time("yesterday").expect_err("no time").to_string().contains("UTC"));
    }

    #[test]
    fn versions_are_the_text_of_the_header() {
        let text = "fast_counts=12,counts=5,incidents=4";
        let expected = TimeTravel::SnapshotTables { fast_counts: 12, counts: 5, incidents: 4 };
        assert_eq!(TimeTravel::parse_versions(text).expect("versions"), expected);
        assert!(TimeTravel::parse_versions("counts=5").is_err());
    }
}

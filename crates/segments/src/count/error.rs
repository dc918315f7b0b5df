//! Why a question is not answered.

use std::fmt;

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountError {
    /// There are more groups than may be held.
    TooManyGroups,
    /// A segment has no exact times and places.
    NoPoints,
    /// Nobody waits for the answer any more.
    Stopped,
}

impl fmt::Display for CountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyGroups => "there are too many groups",
            Self::NoPoints => "exact times and places are not known",
            Self::Stopped => "the question was given up",
        })
    }
}

impl std::error::Error for CountError {}

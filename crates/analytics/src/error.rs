//! The error of a parameter.

use std::fmt;

use lake_model::Error;

/// A parameter that is not valid, or a request that is not made of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterError {
    /// The parameter; `None` if the complete request cannot be read.
    pub parameter: Option<String>,
    /// The value, and what is expected.
    pub message: String,
}

impl ParameterError {
    /// Returns the error of one parameter; `message` states what is expected.
    pub fn new(parameter: &str, message: impl Into<String>) -> Self {
        Self { parameter: Some(parameter.to_owned()), message: message.into() }
    }

    /// Returns the error of a request that cannot be read.
    pub fn of_request(message: impl Into<String>) -> Self {
        Self { parameter: None, message: message.into() }
    }

    /// Returns the error with the name of the limit of `/limits` that was exceeded.
    #[must_use]
    pub fn with_limit_name(mut self, limit: &str) -> Self {
        self.message = format!("{} (`{limit}` of /limits)", self.message);
        self
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ParameterError> for Error {
    fn from(error: ParameterError) -> Self {
        Self::invalid(error.message)
    }
}

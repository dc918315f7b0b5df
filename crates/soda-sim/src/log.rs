//! The log of requests, for tests that ask what a client really sent.

/// A request as the portal saw it and how it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The path, without the query.
    pub path: String,
    /// The decoded query parameters, in the order they were sent.
    pub query: Vec<(String, String)>,
    /// The application token, from the header or from `$$app_token`.
    pub token: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// How many rows the answer carried.
    pub rows: usize,
}

impl Request {
    /// Returns the value of a query parameter, if it was sent.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

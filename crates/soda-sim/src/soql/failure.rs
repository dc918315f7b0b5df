//! Why a query is refused, and where in it.

/// The clause of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clause {
    Select,
    Where,
    Group,
    Order,
}

/// A place in a query: a clause and the number of a token in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) clause: Clause,
    pub(crate) token: usize,
}

/// Why a query is refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    NoSuchColumn {
        column: String,
        place: Place,
    },
    NoSuchFunction {
        function: String,
        place: Place,
    },
    TypeMismatch {
        function: String,
        kind: &'static str,
        place: Place,
    },
    NotGrouped {
        column: String,
        place: Place,
    },
    /// It does not parse.
    Malformed,
    /// A parameter whose value cannot be.
    BadParameter {
        parameter: String,
        value: String,
    },
    /// `$limit` above the portal's cap.
    OverLimit {
        cap: u64,
    },
}

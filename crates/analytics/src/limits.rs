//! The limits of an answer that a question may not exceed.

/// The limits of the answers to questions, the same over every interface of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Rows of an answer if the request names no limit.
    pub default_rows: usize,
    /// The greatest number of rows of an answer; `usize::MAX` where nothing limits it.
    pub max_rows: usize,
    /// The greatest number of positions of a polygon.
    pub max_corners: usize,
    /// The greatest number of cells that a request names.
    pub max_cells: usize,
    /// The greatest number of cells in the study area of hot spots.
    pub max_hotspot_cells: usize,
}

impl AnswerLimits {
    /// The limits where nothing else is set.
    pub const DEFAULT: Self = Self {
        default_rows: 100_000,
        max_rows: 1_000_000,
        max_corners: 25_000,
        max_cells: 1_000,
        max_hotspot_cells: 100_000,
    };
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

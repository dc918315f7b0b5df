//! A row of a dataset: its place in the order of pages, and its text.

/// The place of a row in its dataset: the order a keyset page walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) updated_at: i64,
    pub(crate) id: u64,
}

/// A row, its body rendered once.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) version: u64,
    pub(crate) created_at: i64,
    /// The published object, computed regions last.
    pub(crate) text: Text,
    /// Where the computed regions begin in it.
    pub(crate) plain_end: usize,
}

/// The text of a row, or where it is.
#[derive(Debug)]
pub(crate) enum Text {
    /// The text itself.
    Own(Box<str>),
    /// A part of a block.
    Packed {
        /// The number of the block.
        block: usize,
        /// Where the text begins and ends in the block, in bytes.
        bytes: std::ops::Range<usize>,
    },
}

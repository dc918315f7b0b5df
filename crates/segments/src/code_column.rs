//! A column of codes in as few bytes as its greatest code needs.

use std::ops::Range;

use crate::code::Code;

/// Returns the codes, all of which fit, in exactly as much memory as they take.
fn narrow<N: TryFrom<Code> + Default>(codes: &[Code]) -> Vec<N> {
    let mut narrow = Vec::with_capacity(codes.len());
    narrow.extend(codes.iter().map(|code| N::try_from(*code).unwrap_or_default()));
    narrow
}

/// A column of codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CodeColumn {
    /// The same code in every row.
    Same(Code),
    /// Codes up to 255.
    Bytes(Vec<u8>),
    /// Codes up to 65,535.
    Shorts(Vec<u16>),
    /// Any codes.
    Words(Vec<u32>),
}

impl CodeColumn {
    pub(crate) fn new(codes: Vec<Code>) -> Self {
        let greatest = codes.iter().copied().max().unwrap_or(0);
        if codes.iter().all(|code| *code == greatest) {
            return Self::Same(greatest);
        }
        if greatest <= u32::from(u8::MAX) {
            return Self::Bytes(narrow(&codes));
        }
        if greatest <= u32::from(u16::MAX) {
            return Self::Shorts(narrow(&codes));
        }
        let mut codes = codes;
        codes.shrink_to_fit();
        Self::Words(codes)
    }

    pub(crate) fn get(&self, row: usize) -> Code {
        match self {
            Self::Same(code) => *code,
            Self::Bytes(codes) => codes[row].into(),
            Self::Shorts(codes) => codes[row].into(),
            Self::Words(codes) => codes[row],
        }
    }

    /// Returns those of `rows`, which are sorted by this column, whose codes are in `codes`.
    pub(crate) fn rows_of(&self, rows: Range<usize>, codes: &Range<Code>) -> Range<usize> {
        fn within<C: Copy + Into<Code>>(column: &[C], rows: Range<usize>, codes: &Range<Code>) -> Range<usize> {
            let sorted = &column[rows.clone()];
            let below = |limit: Code| rows.start + sorted.partition_point(|code| (*code).into() < limit);
            below(codes.start)..below(codes.end)
        }
        match self {
            Self::Same(code) if codes.contains(code) => rows,
            Self::Same(_) => rows.start..rows.start,
            Self::Bytes(column) => within(column, rows, codes),
            Self::Shorts(column) => within(column, rows, codes),
            Self::Words(column) => within(column, rows, codes),
        }
    }

    /// Returns the greatest code.
    pub(crate) fn greatest(&self) -> Code {
        match self {
            Self::Same(code) => *code,
            Self::Bytes(codes) => codes.iter().copied().max().unwrap_or(0).into(),
            Self::Shorts(codes) => codes.iter().copied().max().unwrap_or(0).into(),
            Self::Words(codes) => codes.iter().copied().max().unwrap_or(0),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Same(_) => 0,
            Self::Bytes(codes) => codes.len(),
            Self::Shorts(codes) => 2 * codes.len(),
            Self::Words(codes) => 4 * codes.len(),
        }
    }
}

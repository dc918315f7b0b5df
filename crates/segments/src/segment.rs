//! Counts of one file, or of a rollup of it, in the order of time.

use std::mem::size_of;

use crate::calendar::{Hour, Interval, UNDATED};
use crate::code_column::CodeColumn;
use crate::dimension::Dimension;

/// Counts in the order of time. Each interval of time that has any is a run of rows; a row is a code of each dimension and a
/// count.
#[derive(Clone, Debug)]
pub struct Segment {
    pub(crate) interval: Interval,
    /// The dimension by whose codes the rows of each run are sorted.
    pub(crate) sorted_by: Option<Dimension>,
    /// The first hour of each run, ascending; the run of incidents without a time is the last.
    pub(crate) starts: Vec<Hour>,
    /// The first row of each run, and the number of rows.
    pub(crate) first_rows: Vec<u32>,
    /// By dimension; none where the segment is rolled up over it.
    pub(crate) columns: [Option<CodeColumn>; Dimension::ALL.len()],
    pub(crate) counts: Counts,
    /// The sum of the counts before each run, and of all.
    pub(crate) sums: Vec<i64>,
    /// Where and when exactly; none if only cells and hours are known.
    pub(crate) points: Option<Points>,
}

/// The exact time and place of each row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Points {
    /// Microseconds since the start of the hour, ascending within a run.
    pub(crate) micros: Vec<u32>,
    /// Degrees; not a number where the place is not known.
    pub(crate) latitudes: Vec<f64>,
    /// Degrees; not a number where the place is not known.
    pub(crate) longitudes: Vec<f64>,
}

/// The counts of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Counts from 0 to 255.
    Bytes(Vec<u8>),
    /// Any counts; those of pending batches may be negative.
    Words(Vec<i64>),
}

impl Counts {
    pub(crate) fn new(counts: Vec<i64>) -> Self {
        if counts.iter().all(|count| u8::try_from(*count).is_ok()) {
            let mut bytes = Vec::with_capacity(counts.len());
            bytes.extend(counts.iter().map(|count| u8::try_from(*count).unwrap_or_default()));
            return Self::Bytes(bytes);
        }
        let mut counts = counts;
        counts.shrink_to_fit();
        Self::Words(counts)
    }

    pub(crate) fn get(&self, row: usize) -> i64 {
        match self {
            Self::Bytes(counts) => counts[row].into(),
            Self::Words(counts) => counts[row],
        }
    }
}

impl Segment {
    /// Makes a segment of rows in the order of time: the run of each row, and its codes and count.
    pub(crate) fn new(
        interval: Interval,
        starts: Vec<Hour>,
        first_rows: Vec<u32>,
        columns: [Option<CodeColumn>; Dimension::ALL.len()],
        counts: Vec<i64>,
    ) -> Self {
        let mut sums = Vec::with_capacity(first_rows.len());
        let (mut sum, mut row) = (0, 0);
        for first in &first_rows {
            let first = *first as usize;
            sum += counts[row..first].iter().sum::<i64>();
            sums.push(sum);
            row = first;
        }
        Self { interval, sorted_by: None, starts, first_rows, columns, counts: Counts::new(counts), sums, points: None }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.first_rows.last().map_or(0, |rows| *rows as usize)
    }

    /// Returns the bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().flatten().map(CodeColumn::bytes).sum();
        let counts = match &self.counts {
            Counts::Bytes(counts) => counts.len(),
            Counts::Words(counts) => counts.len() * size_of::<i64>(),
        };
        let runs = self.starts.len() * (size_of::<Hour>() + size_of::<u32>() + size_of::<i64>());
        let points = self
            .points
            .as_ref()
            .map_or(0, |points| points.micros.len() * size_of::<u32>() + 2 * points.latitudes.len() * size_of::<f64>());
        size_of::<Self>() + columns + counts + runs + points
    }

    /// Returns the first and the last hour of incidents with a time; `None` if there are none.
    pub fn hours(&self) -> Option<(Hour, Hour)> {
        let dated = self.dated_runs();
        Some((*self.starts[..dated].first()?, *self.starts[..dated].last()?))
    }

    /// Returns the number of runs that have a time.
    pub(crate) fn dated_runs(&self) -> usize {
        self.starts.len() - usize::from(self.starts.last() == Some(&UNDATED))
    }
}

//! A segment and its rollups by some dimensions, coarsest first.

use std::sync::Arc;

use crate::calendar::Interval;
use crate::dimension::DimensionSet;
use crate::segment::Segment;

/// A rollup is worth its memory if it has at most one row for so many of the next finer.
const MIN_ROWS_SAVED: usize = 2;

/// The rollups of a segment by some dimensions, coarsest first.
#[derive(Clone, Debug)]
pub struct Rollups(Vec<Arc<Segment>>);

/// The counts of one file: as they are stored, and rolled up. Each level answers what the next finer one answers, if a
/// question has those dimensions and no shorter intervals.
#[derive(Clone, Debug)]
pub struct SegmentLevels {
    /// The last is the segment itself.
    coarsest_first: Vec<Arc<Segment>>,
}

/// A file's counts, and the resource that they are of.
#[derive(Clone, Debug)]
pub struct SegmentOfResource {
    /// The number of the resource among the groups of the question.
    pub resource: usize,
    /// The counts.
    pub levels: SegmentLevels,
}

impl Rollups {
    /// Returns the rollups of a segment that are worth their memory.
    pub fn new(segment: &Segment, dimensions: DimensionSet) -> Self {
        let mut levels: Vec<Arc<Segment>> = Vec::new();
        for interval in [Interval::Hour, Interval::Day, Interval::Month, Interval::Year] {
            let finest = levels.last().map_or(segment, AsRef::as_ref);
            let Some(coarser) = finest.roll_up(dimensions, interval) else { break };
            // Sorted by a label, a year is an index of it.
            let is_index = interval == Interval::Year && dimensions.contains_label();
            if is_index || coarser.rows() * MIN_ROWS_SAVED <= finest.rows() {
                levels.push(Arc::new(coarser));
            }
        }
        levels.reverse();
        Self(levels)
    }

    /// Returns the bytes that they take in memory.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|level| level.bytes()).sum()
    }
}

impl SegmentLevels {
    /// Returns a segment with its rollups, where there are any.
    pub fn new(segment: Arc<Segment>, rollups: Option<&Rollups>) -> Self {
        let rollups = rollups.map(|rollups| rollups.0.as_slice()).unwrap_or_default();
        Self { coarsest_first: rollups.iter().map(Arc::clone).chain([segment]).collect() }
    }

    /// Returns whether exact times and places are known.
    pub(crate) fn has_points(&self) -> bool {
        self.segment().is_some_and(|segment| segment.points.is_some())
    }

    /// Returns the segment that nothing is rolled up of.
    fn segment(&self) -> Option<&Segment> {
        self.coarsest_first.last().map(AsRef::as_ref)
    }

    /// Returns the levels with intervals of at most this length, coarsest first.
    pub(crate) fn levels_up_to(&self, interval: Interval) -> impl Iterator<Item = &Segment> {
        self.coarsest_first.iter().map(AsRef::as_ref).filter(move |level| level.interval <= interval)
    }
}

//! The same counts with fewer dimensions or longer intervals.

use rustc_hash::FxHashMap;

use crate::calendar::Interval;
use crate::code::Code;
use crate::code_column::CodeColumn;
use crate::dimension::{Dimension, DimensionSet};
use crate::segment::Segment;

/// The dimensions in the order in which rows of a rollup are sorted: those that questions filter by come first.
const ORDER: [Dimension; Dimension::ALL.len()] =
    [Dimension::Category, Dimension::Subcategory, Dimension::District, Dimension::Neighborhood, Dimension::Cell];

impl Segment {
    /// Returns the counts by these dimensions and intervals; `None` if the segment lacks one of them or has longer intervals,
    /// or if the codes do not fit 64 bits together. Counts that net to zero are no rows.
    pub fn roll_up(&self, dimensions: DimensionSet, interval: Interval) -> Option<Self> {
        if interval < self.interval {
            return None;
        }
        let mut kept = Vec::new();
        let mut bits = 0;
        for dimension in ORDER.into_iter().filter(|dimension| dimensions.contains(*dimension)).rev() {
            let column = self.columns[dimension.index()].as_ref()?;
            let width = Code::BITS - column.greatest().leading_zeros();
            if bits + width > u64::BITS {
                return None;
            }
            kept.push(KeptColumn { dimension, column, shift: bits, mask: (1 << width) - 1 });
            bits += width;
        }
        let (mut starts, mut first_rows, mut keys, mut counts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut run = 0;
        while run < self.starts.len() {
            let start = interval.start(self.starts[run]);
            let mut next = run;
            while next < self.starts.len() && interval.start(self.starts[next]) == start {
                next += 1;
            }
            let rows = self.sum_rows(&kept, self.first_rows[run] as usize..self.first_rows[next] as usize);
            if !rows.is_empty() {
                starts.push(start);
                first_rows.push(u32::try_from(counts.len()).ok()?);
                keys.extend(rows.iter().map(|(key, _)| *key));
                counts.extend(rows.iter().map(|(_, count)| *count));
            }
            run = next;
        }
        first_rows.push(u32::try_from(counts.len()).ok()?);
        let sorted_by = kept.last().map(|kept| kept.dimension);
        let mut columns = [const { None }; Dimension::ALL.len()];
        for KeptColumn { dimension, shift, mask, .. } in kept {
            let codes = keys.iter().map(|key| Code::try_from(key.unbounded_shr(shift) & mask).unwrap_or(0));
            columns[dimension.index()] = Some(CodeColumn::new(codes.collect()));
        }
        Some(Self { sorted_by, ..Self::new(interval, starts, first_rows, columns, counts) })
    }

    /// Returns the sums of rows by their codes, in the order of codes.
    fn sum_rows(&self, kept: &[KeptColumn<'_>], rows: std::ops::Range<usize>) -> Vec<(u64, i64)> {
        let mut sums: FxHashMap<u64, i64> = FxHashMap::default();
        for row in rows {
            let key = kept.iter().fold(0, |key, kept| key | u64::from(kept.column.get(row)).unbounded_shl(kept.shift));
            *sums.entry(key).or_default() += self.counts.get(row);
        }
        let mut sums: Vec<(u64, i64)> = sums.into_iter().filter(|(_, count)| *count != 0).collect();
        sums.sort_unstable();
        sums
    }
}

/// A column of a rollup, and where its codes are in the key of a row.
struct KeptColumn<'a> {
    dimension: Dimension,
    column: &'a CodeColumn,
    shift: u32,
    mask: u64,
}

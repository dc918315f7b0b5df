//! The sums of groups.

use rustc_hash::FxHashMap;

use super::error::CountError;

/// Where counts are summed by group.
pub(super) trait Accumulator: Sized + Send {
    /// Adds to a group.
    fn add(&mut self, group: usize, count: i64);

    /// Fails once more groups are held than may be.
    fn check(&self) -> Result<(), CountError>;

    /// Returns the sums of both.
    fn merge(self, other: Self) -> Result<Self, CountError>;

    /// Returns the groups whose sums are not zero.
    fn into_rows(self) -> Vec<(usize, i64)>;
}

/// A sum for each group there could be.
pub(super) struct DenseSums(Vec<i64>);

impl DenseSums {
    pub(super) fn new(groups: usize) -> Self {
        Self(vec![0; groups])
    }
}

impl Accumulator for DenseSums {
    #[inline]
    fn add(&mut self, group: usize, count: i64) {
        self.0[group] += count;
    }

    fn check(&self) -> Result<(), CountError> {
        Ok(())
    }

    fn merge(mut self, other: Self) -> Result<Self, CountError> {
        self.0.iter_mut().zip(other.0).for_each(|(sum, other)| *sum += other);
        Ok(self)
    }

    fn into_rows(self) -> Vec<(usize, i64)> {
        self.0.into_iter().enumerate().filter(|(_, sum)| *sum != 0).collect()
    }
}

/// The sums of the groups that occur.
pub(super) struct SparseSums {
    sums: FxHashMap<usize, i64>,
    max_groups: usize,
}

impl SparseSums {
    pub(super) fn new(max_groups: usize) -> Self {
        Self { sums: FxHashMap::default(), max_groups }
    }
}

impl Accumulator for SparseSums {
    #[inline]
    fn add(&mut self, group: usize, count: i64) {
        *self.sums.entry(group).or_default() += count;
    }

    fn check(&self) -> Result<(), CountError> {
        if self.sums.len() > self.max_groups { Err(CountError::TooManyGroups) } else { Ok(()) }
    }

    fn merge(self, other: Self) -> Result<Self, CountError> {
        let (mut into, from) = if self.sums.len() < other.sums.len() { (other, self) } else { (self, other) };
        from.sums.into_iter().for_each(|(group, sum)| into.add(group, sum));
        into.check()?;
        Ok(into)
    }

    fn into_rows(self) -> Vec<(usize, i64)> {
        self.sums.into_iter().filter(|(_, sum)| *sum != 0).collect()
    }
}

//! Digests of counts by year. Two sets of signed counts have the same digest if their sums agree in every bucket,
//! whatever their order and however they are split; if a bucket differs, so do the digests, but for a chance of 1 in 2^128.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use lake_model::{Error, Result};

use crate::incident_rows::{NO_CELL, NO_TIME, text_column, values};
use crate::labels::{COUNTED_LABELS, LABELS, SortedLabels};

/// The counts of a year: how many, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CountsDigest {
    /// All counts, added up.
    pub(crate) total: i64,
    lanes: [u64; 2],
}

impl CountsDigest {
    fn add(&mut self, lanes: [u64; 2], count: i64) {
        self.total = self.total.wrapping_add(count);
        for (sum, lane) in self.lanes.iter_mut().zip(lanes) {
            *sum = sum.wrapping_add(lane.wrapping_mul(count.cast_unsigned()));
        }
    }
}

/// Digests by year; none for the undated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct YearDigests(pub(crate) BTreeMap<Option<i32>, CountsDigest>);

impl YearDigests {
    /// Adds the digest of other counts of a year.
    pub(crate) fn add(&mut self, year: Option<i32>, digest: &CountsDigest) {
        let sum = self.0.entry(year).or_default();
        sum.total = sum.total.wrapping_add(digest.total);
        for (sum, lane) in sum.lanes.iter_mut().zip(digest.lanes) {
            *sum = sum.wrapping_add(lane);
        }
    }

    /// Adds the digests of other counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(year, digest)| self.add(*year, digest));
    }

    /// Returns the digest of a year.
    pub(crate) fn of(&self, year: Option<i32>) -> CountsDigest {
        self.0.get(&year).copied().unwrap_or_default()
    }
}

/// Computes digests. Those of two hashers cannot be compared: each has random keys.
pub(crate) struct CountsHasher {
    texts: RandomState,
    seeds: [u64; 2],
}

impl CountsHasher {
    /// Returns a hasher with keys of its own.
    pub(crate) fn new() -> Self {
        let texts = RandomState::new();
        let seeds = [texts.hash_one(1_u8), texts.hash_one(2_u8)];
        Self { texts, seeds }
    }

    fn hash_label(&self, column: usize, text: Option<&str>) -> u64 {
        self.texts.hash_one((column, text))
    }

    fn hash_bucket(&self, words: [u64; 2 + COUNTED_LABELS]) -> [u64; 2] {
        self.seeds.map(|seed| words.iter().fold(seed, |state, word| mix(state ^ word)))
    }

    /// Returns the hashes of all texts, by column and rank.
    pub(crate) fn hash_labels(&self, labels: &SortedLabels) -> LabelHashes {
        let mut hashes = LabelHashes::default();
        for (column, (known, null)) in hashes.known.iter_mut().zip(&mut hashes.null).enumerate() {
            *known = labels.texts(column).iter().map(|text| self.hash_label(column, text)).collect();
            *null = self.hash_label(column, None);
        }
        hashes
    }

    /// Adds a bucket whose labels are given as ranks.
    pub(crate) fn add_bucket(
        &self,
        digest: &mut CountsDigest,
        labels: &LabelHashes,
        (hour, cell, ranks): (i64, i64, [u32; COUNTED_LABELS]),
        count: i64,
    ) {
        let mut words = [hour.cast_unsigned(), cell.cast_unsigned(), 0, 0, 0, 0];
        for (column, word) in words[2..].iter_mut().enumerate() {
            let known = usize::try_from(ranks[column]).ok().and_then(|rank| labels.known[column].get(rank));
            *word = known.copied().unwrap_or(labels.null[column]);
        }
        digest.add(self.hash_bucket(words), count);
    }

    /// Adds rows of counts as the engine returns them.
    ///
    /// # Errors
    /// If they lack a column.
    pub(crate) fn add_batch(&self, digests: &mut YearDigests, batch: &RecordBatch) -> Result<()> {
        let lost = || Error::internal("counts without a year");
        let years = batch.column_by_name("year").and_then(|years| years.as_primitive_opt::<Int32Type>());
        let years = years.ok_or_else(lost)?;
        let hours = values::<TimestampMicrosecondType>(batch, "occurred_at", NO_TIME)?;
        let cells = values::<Int64Type>(batch, "cell", NO_CELL)?;
        let counts = values::<Int64Type>(batch, "count", 0)?;
        let mut labels = [text_column(batch, LABELS[0])?; COUNTED_LABELS];
        for (column, label) in labels.iter_mut().enumerate() {
            *label = text_column(batch, LABELS[column])?;
        }
        for row in 0..batch.num_rows() {
            let mut words = [hours[row].cast_unsigned(), cells[row].cast_unsigned(), 0, 0, 0, 0];
            for (column, word) in words[2..].iter_mut().enumerate() {
                let text = labels[column].is_valid(row).then(|| labels[column].value(row));
                *word = self.hash_label(column, text);
            }
            let year = years.is_valid(row).then(|| years.value(row));
            digests.0.entry(year).or_default().add(self.hash_bucket(words), counts[row]);
        }
        Ok(())
    }
}

/// The hashes of labels by column and rank, and those of nulls.
#[derive(Default)]
pub(crate) struct LabelHashes {
    known: [Vec<u64>; COUNTED_LABELS],
    null: [u64; COUNTED_LABELS],
}

/// Returns a number each of whose bits depends on each bit of `word`: the finaliser of SplitMix64.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    type Row = (Option<i32>, i64, Option<i64>, [Option<&'static str>; COUNTED_LABELS], i64);

    fn digest(hasher: &CountsHasher, rows: &[Row]) -> YearDigests {
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("year", Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>())),
            ("occurred_at", Arc::new(rows.iter().map(|row| Some(row.1)).collect::<TimestampMicrosecondArray>())),
            ("cell", Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>())),
            ("count", Arc::new(rows.iter().map(|row| Some(row.4)).collect::<Int64Array>())),
        ];
        for (column, name) in LABELS.into_iter().enumerate().take(COUNTED_LABELS) {
            columns.push((name, Arc::new(rows.iter().map(|row| row.3[column]).collect::<StringArray>())));
        }
        let mut digests = YearDigests::default();
        hasher.add_batch(&mut digests, &RecordBatch::try_from_iter(columns).expect("a batch")).expect("the columns");
        digests
    }

    const A: [Option<&str>; COUNTED_LABELS] = [Some("a"), None, Some("x"), None];

    #[test]
    fn digests_are_equal_if_the_sums_of_all_buckets_are() {
        let hasher = CountsHasher::new();
        let summed = digest(&hasher, &[(Some(2024), 3, Some(7), A, 3), (None, 0, None, A, 1)]);
        let signed = [
            (None, 0, None, A, 2),
            (Some(2024), 3, Some(7), A, 4),
            (Some(2024), 4, Some(7), A, 1),
            (None, 0, None, A, -1),
            (Some(2024), 3, Some(7), A, -1),
            (Some(2024), 4, Some(7), A, -1),
        ];
        assert_eq!(digest(&hasher, &signed), summed);
    }

    #[test]
    fn digests_differ_where_one_bucket_does() {
        let hasher = CountsHasher::new();
        let of = |time, cell, labels, count| digest(&hasher, &[(Some(2024), time, cell, labels, count)]);
        let all = [
            of(3, Some(7), A, 1),
            of(4, Some(7), A, 1),
            of(3, Some(8), A, 1),
            of(3, None, A, 1),
            of(3, Some(7), A, 2),
            of(3, Some(7), [Some("b"), None, Some("x"), None], 1),
            // A text in another column, and an empty one in the place of a null.
            of(3, Some(7), [Some("a"), None, None, Some("x")], 1),
            of(3, Some(7), [None, Some("a"), Some("x"), None], 1),
            of(3, Some(7), [Some("a"), Some(""), Some("x"), None], 1),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(all[n + 1..].iter().all(|other| other != one), "{n}");
        }
    }
}

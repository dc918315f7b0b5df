//! Which landed versions of rows are superseded by a later version of their key.
//!
//! Most keys land once. A first pass over the keys marks hashes in bit sets: a key whose hash was met once occurs once. Only
//! the others (those with several versions, and a few whose hashes happen to meet) are sorted to find the newest. The
//! result is a bit a row, by batch.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use lake_model::{Error, Result};
use lake_query::{engine_error, fill, sql_files};

use crate::batches::fold_batches;
use crate::context::CompactionContext;

/// Bits of a set for each row: the more, the fewer keys are sorted for nothing.
const BITS_PER_ROW: u64 = 16;
const MIN_BITS: u64 = 1 << 16;
const MAX_BITS: u64 = 1 << 30;

/// The rows that are superseded, by batch: a bit for each row of the batch.
#[derive(Default)]
pub(crate) struct SupersededRows(BTreeMap<i64, Vec<u64>>);

impl SupersededRows {
    fn insert(&mut self, batch: i64, row: i64) -> Result<()> {
        let row = usize::try_from(row).map_err(|_| Error::internal(format!("batch {batch} has a row {row}")))?;
        let words = self.0.entry(batch).or_default();
        if words.len() <= row / 64 {
            words.resize(row / 64 + 1, 0);
        }
        words[row / 64] |= 1 << (row % 64);
        Ok(())
    }

    fn contains(&self, batch: i64, row: i64) -> bool {
        let words = self.0.get(&batch);
        let row = usize::try_from(row).unwrap_or(usize::MAX);
        words.and_then(|words| words.get(row / 64)).is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    /// Returns the function of a landed row's batch and number that is true for the current version of its key.
    fn into_function(self) -> ScalarUDF {
        let run = move |arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let number = |n: usize| arrays.get(n).and_then(|array| array.as_primitive_opt::<Int64Type>());
            let lost = || DataFusionError::Internal("a landed row has no batch or number".to_owned());
            let (batches, rows) = number(0).zip(number(1)).ok_or_else(lost)?;
            let current = batches.values().iter().zip(rows.values()).map(|(batch, row)| !self.contains(*batch, *row));
            Ok(ColumnarValue::Array(Arc::new(current.map(Some).collect::<BooleanArray>()) as ArrayRef))
        };
        let inputs = vec![DataType::Int64, DataType::Int64];
        create_udf("is_current_version", inputs, DataType::Boolean, Volatility::Immutable, Arc::new(run))
    }
}

/// The hashes of keys that were met, and of those that were met more than once. A hash has one bit.
struct MetKeys {
    hasher: RandomState,
    once: Vec<AtomicU64>,
    again: Vec<AtomicU64>,
}

impl MetKeys {
    fn for_rows(rows: u64, max_bytes: usize) -> Self {
        let fitting = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_mul(4).max(MIN_BITS);
        let fitting = if fitting.is_power_of_two() { fitting } else { fitting.next_power_of_two() / 2 };
        let bits = rows.saturating_mul(BITS_PER_ROW).clamp(MIN_BITS, MAX_BITS).next_power_of_two().min(fitting);
        let words = || (0..bits / 64).map(|_| AtomicU64::new(0)).collect();
        Self { hasher: RandomState::new(), once: words(), again: words() }
    }

    /// Returns the word and the bit of a key.
    fn bit_of(&self, key: &str) -> (usize, u64) {
        let hash = self.hasher.hash_one(key);
        let word = usize::try_from(hash >> 6).unwrap_or(usize::MAX) & (self.once.len() - 1);
        (word, 1 << (hash & 63))
    }

    fn add(&self, key: &str) {
        let (word, bit) = self.bit_of(key);
        if self.once[word].fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            self.again[word].fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn may_recur(&self, key: &str) -> bool {
        let (word, bit) = self.bit_of(key);
        self.again[word].load(Ordering::Relaxed) & bit != 0
    }

    fn into_function(self: Arc<Self>) -> ScalarUDF {
        let run = move |arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let keys = arrays.first().and_then(|array| array.as_string_opt::<i32>());
            let keys = keys.ok_or_else(|| DataFusionError::Internal("a landed row has no key".to_owned()))?;
            let recur = keys.iter().map(|key| key.map(|key| self.may_recur(key)));
            Ok(ColumnarValue::Array(Arc::new(recur.collect::<BooleanArray>()) as ArrayRef))
        };
        create_udf("key_may_recur", vec![DataType::Utf8], DataType::Boolean, Volatility::Immutable, Arc::new(run))
    }
}

/// Makes the function `is_current_version(_batch, _row)` known to the session: whether no later version of a row's key is
/// among the landed rows of the condition `landed`, which are `rows` or fewer.
///
/// # Errors
/// If the raw rows cannot be read.
pub(crate) async fn register_current_versions(compaction: &CompactionContext, landed: &str, rows: u64) -> Result<()> {
    let (context, raw) = (compaction.session.context(), &*compaction.raw_table());
    let met = Arc::new(MetKeys::for_rows(rows, compaction.max_key_bytes()));
    let keys = context.sql(&fill(sql_files::COMPACT_KEYS, &[("raw", raw), ("landed", landed)])?).await;
    let add = |met: &mut Arc<MetKeys>, batch: &arrow::array::RecordBatch| {
        let keys = batch.column(0).as_string_opt::<i32>().ok_or_else(|| Error::internal("landed rows have no keys"))?;
        keys.iter().flatten().for_each(|key| met.add(key));
        Ok(())
    };
    fold_batches(keys.map_err(engine_error)?, |_| Arc::clone(&met), add).await?;
    context.register_udf(met.into_function());
    let superseded = context.sql(&fill(sql_files::COMPACT_SUPERSEDED, &[("raw", raw), ("landed", landed)])?).await;
    let add = |rows: &mut SupersededRows, batch: &arrow::array::RecordBatch| {
        let number = |n: usize| batch.column(n).as_primitive_opt::<Int64Type>();
        let (batches, numbers) =
            number(0).zip(number(1)).ok_or_else(|| Error::internal("landed rows have no numbers"))?;
        batches.values().iter().zip(numbers.values()).try_for_each(|(batch, row)| rows.insert(*batch, *row))
    };
    let parts = fold_batches(superseded.map_err(engine_error)?, |_| SupersededRows::default(), add).await?;
    context.deregister_udf("key_may_recur");
    let mut all = SupersededRows::default();
    for (batch, words) in parts.into_iter().flat_map(|part| part.0) {
        let merged = all.0.entry(batch).or_default();
        if merged.len() < words.len() {
            merged.resize(words.len(), 0);
        }
        merged.iter_mut().zip(words).for_each(|(merged, word)| *merged |= word);
    }
    context.register_udf(all.into_function());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_met_twice_may_recur_in_a_set_of_any_size() {
        for max_bytes in [1, 1 << 14, 1 << 20] {
            let met = MetKeys::for_rows(50_000, max_bytes);
            (0..50_000).chain((0..50_000).step_by(7)).for_each(|n: i32| met.add(&n.to_string()));
            assert!((0..50_000).step_by(7).all(|n: i32| met.may_recur(&n.to_string())), "{max_bytes}");
        }
        let met = MetKeys::for_rows(50_000, 1 << 20);
        (0..50_000).for_each(|n: i32| met.add(&n.to_string()));
        let needless = (0..50_000).filter(|n: &i32| met.may_recur(&n.to_string())).count();
        assert!(needless < 5_000, "{needless} of 50,000 keys that occur once are sorted");
    }
}

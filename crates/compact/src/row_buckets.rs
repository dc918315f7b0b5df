//! Rows by file and month: the order in which files are written. What does not fit into memory waits on disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Months, NaiveDate};
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::memory_pool::MemoryReservation;
use lake_model::{Error, Result};

use crate::incident_rows::{IncidentBatch, IncidentRows, NO_TIME, OCCURRED_AT};
use crate::spill::{SpillTarget, SpilledBatch};

/// A bucket of rows: those of one month that belong into one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BucketKey {
    /// The file, by a number of its own.
    pub(crate) slot: usize,
    /// Months since year 0; none for rows without a time.
    pub(crate) month: Option<i32>,
}

impl BucketKey {
    /// Returns the year; none for rows without a time.
    pub(crate) fn year(self) -> Option<i32> {
        self.month.map(|month| month.div_euclid(12))
    }
}

/// The rows of a bucket: those in memory, and those on disk.
#[derive(Default)]
pub(crate) struct Bucket {
    rows: IncidentRows,
    spilled: Vec<SpilledBatch>,
}

impl Bucket {
    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() + self.spilled.iter().map(|batch| batch.rows).sum::<usize>()
    }

    /// Moves all rows to the end of `rows`.
    ///
    /// # Errors
    /// If what waits on disk cannot be read.
    pub(crate) fn append_to(mut self, rows: &mut IncidentRows) -> Result<()> {
        for batch in &self.spilled {
            rows.extend_spilled(&batch.read()?)?;
        }
        if rows.len() == 0 {
            *rows = self.rows;
            return Ok(());
        }
        let waiting = self.rows.take_spilled()?;
        rows.extend_spilled(&waiting)
    }
}

/// The buckets that one task fills.
pub(crate) struct RowBuckets {
    buckets: BTreeMap<BucketKey, Bucket>,
    bytes: usize,
    max_bytes: usize,
    reservation: MemoryReservation,
    disk: Arc<DiskManager>,
    month: MonthRange,
}

impl RowBuckets {
    /// Returns empty buckets that hold at most `max_bytes` in memory.
    pub(crate) fn new(max_bytes: usize, reservation: MemoryReservation, disk: Arc<DiskManager>) -> Self {
        let (buckets, month) = (BTreeMap::new(), MonthRange::default());
        Self { buckets, bytes: 0, max_bytes, reservation, disk, month }
    }

    /// Adds rows; `slot_of` gives the file of a row by its year and time.
    ///
    /// # Errors
    /// If the disk refuses what does not fit into memory.
    pub(crate) fn add(&mut self, batch: &IncidentBatch, slot_of: impl Fn(Option<i32>, i64) -> usize) -> Result<()> {
        let times = &batch.integers[OCCURRED_AT];
        let mut start = 0;
        while start < times.len() {
            let key = self.key_of(times[start], &slot_of)?;
            let mut end = start + 1;
            while end < times.len() && self.key_of(times[end], &slot_of)? == key {
                end += 1;
            }
            let bucket = self.buckets.entry(key).or_default();
            let before = bucket.rows.bytes();
            bucket.rows.extend(batch, start..end)?;
            self.bytes += bucket.rows.bytes() - before;
            start = end;
        }
        // Columns that grow take up to twice their bytes.
        let needed = self.bytes + self.bytes / 2;
        if self.bytes > self.max_bytes || self.reservation.try_resize(needed).is_err() {
            self.spill()?;
        }
        Ok(())
    }

    /// Returns the buckets, and the account of the memory that they take.
    pub(crate) fn into_parts(self) -> (BTreeMap<BucketKey, Bucket>, MemoryReservation) {
        (self.buckets, self.reservation)
    }

    fn key_of(&mut self, time: i64, slot_of: &impl Fn(Option<i32>, i64) -> usize) -> Result<BucketKey> {
        let month = if time == NO_TIME { None } else { Some(self.month.month_of(time)?) };
        let key = BucketKey { slot: 0, month };
        Ok(BucketKey { slot: slot_of(key.year(), time), month })
    }

    fn spill(&mut self) -> Result<()> {
        let mut target = SpillTarget::create(&self.disk)?;
        for bucket in self.buckets.values_mut().filter(|bucket| bucket.rows.len() > 0) {
            bucket.spilled.push(target.write(&bucket.rows.take_spilled()?)?);
        }
        target.finish()?;
        self.bytes = 0;
        self.reservation.free();
        Ok(())
    }
}

/// The month of the last time, whose neighbours are mostly in the same.
#[derive(Default)]
pub(crate) struct MonthRange {
    start: i64,
    end: i64,
    month: i32,
}

impl MonthRange {
    /// Returns whether a time is in the month of the last time.
    pub(crate) fn contains(&self, micros: i64) -> bool {
        (self.start..self.end).contains(&micros)
    }

    /// Returns the month of a time, counted from year 0.
    ///
    /// # Errors
    /// If the calendar does not reach it.
    pub(crate) fn month_of(&mut self, micros: i64) -> Result<i32> {
        if !self.contains(micros) {
            let beyond = || Error::internal(format!("{micros} µs is beyond the calendar"));
            let date = DateTime::from_timestamp_micros(micros).ok_or_else(beyond)?.date_naive();
            let first = date.with_day(1).ok_or_else(beyond)?;
            let next = first.checked_add_months(Months::new(1)).ok_or_else(beyond)?;
            let micros_of = |date: NaiveDate| Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
            self.start = micros_of(first).ok_or_else(beyond)?;
            self.end = micros_of(next).ok_or_else(beyond)?;
            self.month = first.year() * 12 + i32::try_from(first.month0()).map_err(|_| beyond())?;
        }
        Ok(self.month)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use datafusion::execution::memory_pool::MemoryConsumer;
    use datafusion::execution::runtime_env::RuntimeEnv;

    use super::*;
    use crate::incident_rows::INTEGERS;
    use crate::labels::{LABELS, LabelDictionary, LabelReader};

    fn batch(first: i64, rows: i64) -> RecordBatch {
        let of = |value: &dyn Fn(i64) -> Option<i64>| (first..first + rows).map(value).collect::<Vec<_>>();
        let mut columns: Vec<(&str, ArrayRef)> = vec![(
            "id",
            Arc::new((first..first + rows).map(|n| Some(format!("case {}", n * 7))).collect::<StringArray>()),
        )];
        for (column, name) in (1_i64..).zip(INTEGERS) {
            // Some times are null, and those of a batch are in three months.
            let value = |n: i64| (n % 13 != column).then_some(1_700_000_000_000_000 + n % 3 * 2_700_000_000_000 + n);
            let array: ArrayRef = match name {
                "cell" => Arc::new(Int64Array::from(of(&value))),
                _ => Arc::new(TimestampMicrosecondArray::from(of(&value))),
            };
            columns.push((name, array));
        }
        for name in ["latitude", "longitude"] {
            let array = of(&|n| (n % 5 != 0).then_some(n)).into_iter().map(|n| n.map(|n| n as f64 / 7.0));
            columns.push((name, Arc::new(array.collect::<Float64Array>())));
        }
        for (column, name) in (2_i64..).zip(LABELS) {
            let array = (first..first + rows).map(|n| (n % 11 != 0).then(|| format!("{name} {}", n % column)));
            columns.push((name, Arc::new(array.collect::<StringArray>())));
        }
        RecordBatch::try_from_iter(columns).expect("a batch")
    }

    #[test]
    fn rows_that_waited_on_disk_are_the_rows_that_were_added() {
        let runtime = RuntimeEnv::default();
        let found = [1 << 30, 40_000].map(|max_bytes| {
            let labels = Arc::new(LabelDictionary::new(1 << 20));
            let mut reader = LabelReader::new(&labels);
            let account = MemoryConsumer::new("test").with_can_spill(true).register(&runtime.memory_pool);
            let mut buckets = RowBuckets::new(max_bytes, account, Arc::clone(&runtime.disk_manager));
            for n in 0..20 {
                let batch = IncidentBatch::new(&batch(n * 100, 100), &mut reader).expect("the columns");
                buckets.add(&batch, |year, _| usize::from(year.is_none())).expect("added");
            }
            let spilled = buckets.buckets.values().any(|bucket| !bucket.spilled.is_empty());
            assert_eq!(spilled, max_bytes < 1 << 30);
            let (buckets, _account) = buckets.into_parts();
            let rows = buckets.into_iter().map(|(key, bucket)| {
                let (mut rows, expected) = (IncidentRows::default(), bucket.len());
                bucket.append_to(&mut rows).expect("read again");
                assert_eq!(rows.len(), expected);
                // A number that is not one does not equal itself: texts do.
                (key, format!("{:?}", rows.take_spilled().expect("a batch")))
            });
            rows.collect::<Vec<_>>()
        });
        assert_eq!(found[0].len(), 4, "three months and the undated");
        assert_eq!(found[0], found[1]);
    }

    #[test]
    fn a_time_is_in_the_month_of_the_calendar() {
        let mut range = MonthRange::default();
        for (time, year, month) in [
            ("1969-12-31T23:59:59.999999", 1969, 12),
            ("1970-01-01T00:00:00", 1970, 1),
            ("2024-02-29T23:59:59", 2024, 2),
            ("2024-03-01T00:00:00", 2024, 3),
            ("1899-12-31T00:00:00", 1899, 12),
        ] {
            let micros = lake_model::parse_wall_clock(time).expect("a time");
            let found = range.month_of(micros).expect("a month");
            assert_eq!(found, year * 12 + month - 1, "{time}");
            assert_eq!(BucketKey { slot: 0, month: Some(found) }.year(), Some(year), "{time}");
        }
    }
}

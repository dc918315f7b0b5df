//! The files of a rewrite: the months that each holds, and writing them, several at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::memory_pool::MemoryReservation;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::engine_error;
use lake_store::{FileWriter, Snapshot, Table, WrittenFile};

use crate::batches::run_tasks;
use crate::context::CompactionContext;
use crate::counts_digest::YearDigests;
use crate::incident_rows::IncidentRows;
use crate::labels::LabelDictionary;
use crate::row_buckets::{Bucket, BucketKey};
use crate::sorted_rows::{CountsContext, Outputs, SortedRows, sort_rows};
use crate::year_files::year_partition;

/// A file ends with the month that brings it to so many rows: two row groups. Smaller files are cheaper to replace when a
/// few of their rows change, and more of them are slower to list and to open.
pub(crate) const DEFAULT_FILE_ROWS: usize = 256 * 1024;

/// Bytes in memory for each row of a month while it is sorted: collected, in order, and as batches.
const SORT_BYTES_PER_ROW: usize = 320;

/// The rows of one file: consecutive months of one year.
#[derive(Default)]
pub(crate) struct FileUnit {
    year: Option<i32>,
    months: Vec<Vec<Bucket>>,
    rows: usize,
}

/// Returns the files that these buckets become.
pub(crate) fn plan_units(buckets: impl IntoIterator<Item = (BucketKey, Bucket)>, file_rows: usize) -> Vec<FileUnit> {
    let mut by_key: BTreeMap<BucketKey, Vec<Bucket>> = BTreeMap::new();
    for (key, bucket) in buckets {
        by_key.entry(key).or_default().push(bucket);
    }
    let mut units: Vec<FileUnit> = Vec::new();
    let mut last: Option<(usize, Option<i32>)> = None;
    for (key, buckets) in by_key {
        let of = (key.slot, key.year());
        if last != Some(of) || units.last().is_none_or(|unit| unit.rows >= file_rows) {
            units.push(FileUnit { year: key.year(), ..FileUnit::default() });
            last = Some(of);
        }
        if let Some(unit) = units.last_mut() {
            unit.rows += buckets.iter().map(Bucket::len).sum::<usize>();
            unit.months.push(buckets);
        }
    }
    units
}

/// Where the files are written.
pub(crate) struct FileTarget {
    incidents: (Table, Arc<Snapshot>),
    counts: (Table, Arc<Snapshot>),
    resource: String,
    counting: CountsContext,
    outputs: Outputs,
}

/// What a rewrite has written, and the digests of its counts.
#[derive(Default)]
pub(crate) struct WrittenFiles {
    pub(crate) incidents: Vec<WrittenFile>,
    pub(crate) counts: Vec<WrittenFile>,
    pub(crate) digests: YearDigests,
    pub(crate) rows: usize,
}

/// Writes files, as many at a time as there are `workers`; `progress` is called with the
/// numbers of rows.
///
/// # Errors
/// If a month does not fit into memory, or the store refuses a file.
pub(crate) async fn write_units(
    target: &Arc<FileTarget>,
    units: Vec<FileUnit>,
    workers: usize,
    reservation: &MemoryReservation,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<WrittenFiles> {
    let mut all = WrittenFiles::default();
    let tasks = units.into_iter().map(|unit| {
        let (target, reservation) = (Arc::clone(target), reservation.new_empty());
        async move { target.write(unit, reservation).await }
    });
    let add = |written: WrittenFiles| {
        progress(written.rows as u64);
        all.rows += written.rows;
        all.incidents.extend(written.incidents);
        all.counts.extend(written.counts);
        all.digests.merge(&written.digests);
    };
    run_tasks(tasks, workers, add).await?;
    Ok(all)
}

impl FileTarget {
    /// Returns a target for rows whose labels are in `labels`.
    pub(crate) fn new(context: &CompactionContext, labels: &LabelDictionary, outputs: Outputs) -> Self {
        let (lake, labels, hasher) = (&context.lake_snapshot.lake, labels.sort(), Arc::clone(&context.hasher));
        let hashes = hasher.hash_labels(&labels);
        Self {
            incidents: (lake.incidents.clone(), Arc::clone(&context.newest)),
            counts: (lake.counts.clone(), Arc::clone(&context.lake_snapshot.counts)),
            resource: context.resource.name.clone(),
            counting: CountsContext { labels, hasher, hashes },
            outputs,
        }
    }

    async fn write(self: Arc<Self>, unit: FileUnit, reservation: MemoryReservation) -> Result<WrittenFiles> {
        let mut written = WrittenFiles { rows: unit.rows, ..WrittenFiles::default() };
        let (mut incidents, mut counts) = (None, None);
        for month in unit.months {
            let rows: usize = month.iter().map(Bucket::len).sum();
            reservation.try_resize(rows.saturating_mul(SORT_BYTES_PER_ROW)).map_err(engine_error)?;
            let target = Arc::clone(&self);
            let sorted = SpawnedTask::spawn_blocking(move || target.sort(month));
            let sorted = sorted.join_unwind().await.or_err(Kind::Unavailable, || "the compaction was stopped")??;
            self.append(&self.incidents, &mut incidents, unit.year, &sorted.incidents).await?;
            if self.outputs == Outputs::IncidentsAndCounts {
                self.append(&self.counts, &mut counts, unit.year, &sorted.counts).await?;
            }
            written.digests.add(unit.year, &sorted.digest);
        }
        if let Some(writer) = incidents {
            written.incidents.push(writer.finish().await?);
        }
        if let Some(writer) = counts {
            written.counts.push(writer.finish().await?);
        }
        Ok(written)
    }

    fn sort(&self, month: Vec<Bucket>) -> Result<SortedRows> {
        let mut rows = IncidentRows::default();
        for bucket in month {
            bucket.append_to(&mut rows)?;
        }
        sort_rows(rows, &self.counting, self.outputs)
    }

    async fn append(
        &self,
        to: &(Table, Arc<Snapshot>),
        writer: &mut Option<FileWriter>,
        year: Option<i32>,
        batches: &[RecordBatch],
    ) -> Result<()> {
        for batch in batches {
            let writer = match writer {
                Some(writer) => writer,
                None => writer.insert(to.0.writer(&to.1, year_partition(&self.resource, year))?),
            };
            writer.write(&order_columns(batch, writer)?).await?;
        }
        Ok(())
    }
}

/// Returns the columns in the order of the file. Labels stay dictionaries: they are written as texts.
pub(crate) fn order_columns(batch: &RecordBatch, writer: &FileWriter) -> Result<RecordBatch> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for field in writer.schema().fields() {
        let name = field.name();
        let column = batch.column_by_name(name);
        let column = column.ok_or_else(|| Error::internal(format!("compacted rows lack `{name}`")))?;
        let is_text = matches!(column.data_type(), DataType::Dictionary(_, text) if **text == DataType::Utf8);
        if !(column.data_type() == field.data_type() || is_text && *field.data_type() == DataType::Utf8) {
            return Err(Error::internal(format!("compacted rows have `{name}` as {}", column.data_type())));
        }
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(Arc::clone(column));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).or_err(Kind::Internal, || "compacted rows")
}

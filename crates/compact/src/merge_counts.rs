//! The counts of a merge: the stored ones and the signed ones, summed by bucket in the files that these touch.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use futures::StreamExt as _;
use lake_model::{Error, Kind, Result};
use lake_query::engine_error;
use lake_store::{DataFile, FileWriter, WrittenFile};

use crate::batches::{fold_batches, read_file, run_tasks};
use crate::context::CompactionContext;
use crate::file_slots::{FileSlots, YearDifferences, file_year};
use crate::file_units::order_columns;
use crate::incident_rows::{NO_CELL, NO_TIME, text_column, values};
use crate::labels::{COUNTED_LABELS, LABELS, LabelDictionary, LabelReader, SortedLabels};
use crate::plan::Plan;
use crate::rebuild::signed_sql;
use crate::row_buckets::MonthRange;
use crate::sorted_rows::{CountedBucket, counts_to_batches};
use crate::year_files::year_partition;

/// The bytes that a bucket takes while the counts of a file are summed.
const BUCKET_BYTES: u64 = 128;

/// Files that go and files that come.
#[derive(Default)]
pub(crate) struct Replacement {
    pub(crate) removes: Vec<DataFile>,
    pub(crate) adds: Vec<WrittenFile>,
}

/// What became of the counts.
#[derive(Default)]
pub(crate) struct MergedCounts {
    pub(crate) replacement: Replacement,
    /// What the signed counts add to each year.
    pub(crate) differences: YearDifferences,
}

type Counts = Vec<(CountedBucket, i64)>;

/// Adds the signed counts of a plan's batches to the stored ones; with `dry_run`, nothing is written.
///
/// # Errors
/// `Exhausted` if the counts of a file do not fit into memory, `Data` if a bucket would count less than nothing or the
/// counts cannot be read; or the store refuses a file.
pub(crate) async fn merge_counts(
    context: &Arc<CompactionContext>,
    plan: &Plan,
    labels: &Arc<LabelDictionary>,
    dry_run: bool,
) -> Result<MergedCounts> {
    let mut merged = MergedCounts::default();
    let slots = FileSlots::new(&context.lake_snapshot.counts, &context.resource.name);
    let mut by_slot: BTreeMap<(usize, Option<i32>), Counts> = BTreeMap::new();
    let mut months = MonthRange::default();
    for (bucket, count) in read_signed(context, plan, labels).await? {
        let year = year_of(&mut months, bucket.hour)?;
        *merged.differences.entry(year).or_default() += count;
        by_slot.entry((slots.slot_of(year, bucket.hour), year)).or_default().push((bucket, count));
    }
    if dry_run {
        return Ok(merged);
    }
    let mut tasks = Vec::new();
    for ((slot, year), signed) in by_slot {
        let file = slots.files.get(slot).cloned();
        merged.replacement.removes.extend(file.clone());
        let rewrite = CountsRewrite { context: Arc::clone(context), labels: Arc::clone(labels), year, file, signed };
        tasks.push(rewrite.run());
    }
    run_tasks(tasks, context.workers(), |written| merged.replacement.adds.extend(written)).await?;
    Ok(merged)
}

fn year_of(months: &mut MonthRange, hour: i64) -> Result<Option<i32>> {
    if hour == NO_TIME {
        return Ok(None);
    }
    Ok(Some(months.month_of(hour)?.div_euclid(12)))
}

/// Returns the signed counts of a plan's batches, summed by bucket; those that add up to nothing are left out.
async fn read_signed(context: &CompactionContext, plan: &Plan, labels: &Arc<LabelDictionary>) -> Result<Counts> {
    let text = signed_sql(&context.resource, plan)?;
    let frame = context.session.context().sql(&text).await.map_err(engine_error)?;
    let make = |_| (LabelReader::new(labels), Counts::new());
    let add = |(labels, counts): &mut (LabelReader, Counts), batch: &RecordBatch| read_counts(batch, labels, counts);
    let parts = fold_batches(frame, make, add).await?;
    Ok(sum_buckets(parts.into_iter().flat_map(|(_, counts)| counts).collect()))
}

/// Appends the rows of a batch of counts, with labels as numbers.
fn read_counts(batch: &RecordBatch, labels: &mut LabelReader, counts: &mut Counts) -> Result<()> {
    let hours = values::<TimestampMicrosecondType>(batch, "occurred_at", NO_TIME)?;
    let cells = values::<Int64Type>(batch, "cell", NO_CELL)?;
    let numbers = batch.column_by_name("count").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let numbers = numbers.ok_or_else(|| Error::internal("counts without a count"))?;
    let mut columns: [Vec<u32>; COUNTED_LABELS] = Default::default();
    for (column, of_column) in columns.iter_mut().enumerate() {
        *of_column = labels.read_column(column, text_column(batch, LABELS[column])?)?;
    }
    counts.extend((0..batch.num_rows()).map(|row| {
        let labels = std::array::from_fn(|column| columns[column][row]);
        (CountedBucket { hour: hours[row], cell: cells[row], labels }, numbers.value(row))
    }));
    Ok(())
}

/// Returns the sums of counts by bucket, in the order of the buckets; those that are 0 are left out.
fn sum_buckets(mut counts: Counts) -> Counts {
    counts.sort_by_key(|(bucket, _)| *bucket);
    counts.dedup_by(|(bucket, count), (kept, sum)| {
        let same = bucket == kept;
        if same {
            *sum += *count;
        }
        same
    });
    counts.retain(|(_, count)| *count != 0);
    counts
}

/// A file of counts that is written again, with the signed counts that join it.
struct CountsRewrite {
    context: Arc<CompactionContext>,
    labels: Arc<LabelDictionary>,
    year: Option<i32>,
    /// The file; none where the year has none.
    file: Option<DataFile>,
    signed: Counts,
}

impl CountsRewrite {
    async fn run(self) -> Result<Vec<WrittenFile>> {
        let context = &self.context;
        let mut counts = self.signed;
        if let Some(file) = &self.file {
            let account = context.reservation();
            let rows = file.rows.unwrap_or_default() + counts.len() as u64;
            let bytes = usize::try_from(rows.saturating_mul(BUCKET_BYTES)).unwrap_or(usize::MAX);
            account.try_grow(bytes).map_err(engine_error)?;
            let frame =
                read_file(&context.session, &context.lake_snapshot.lake.counts, &context.lake_snapshot.counts, file)?;
            let mut reader = LabelReader::new(&self.labels);
            let mut stream = frame.execute_stream().await.map_err(engine_error)?;
            while let Some(batch) = stream.next().await {
                read_counts(&batch.map_err(engine_error)?, &mut reader, &mut counts)?;
            }
            debug_assert_eq!(file_year(file), self.year, "{}", file.path);
        }
        let labels = self.labels.sort();
        for (bucket, _) in &mut counts {
            bucket.labels = std::array::from_fn(|column| labels.rank(column, bucket.labels[column]));
        }
        let counts = sum_buckets(counts);
        if let Some((_, count)) = counts.iter().find(|(_, count)| *count < 0) {
            let year = self.year.map_or_else(|| "the undated".to_owned(), |year| year.to_string());
            return Err(Error::new(Kind::Data, format!("a bucket of {year} would count {count}")));
        }
        write_counts(context, self.year, &counts, &labels).await
    }
}

/// Writes sorted counts of a year; a file ends with the month that brings it to its number of rows.
async fn write_counts(
    context: &CompactionContext,
    year: Option<i32>,
    counts: &[(CountedBucket, i64)],
    labels: &SortedLabels,
) -> Result<Vec<WrittenFile>> {
    let (table, partition) = (&context.lake_snapshot.lake.counts, year_partition(&context.resource.name, year));
    let (mut months, mut written) = (MonthRange::default(), Vec::new());
    let mut writer: Option<FileWriter> = None;
    let mut rest = counts;
    while let Some((first, _)) = rest.first() {
        let month = if first.hour == NO_TIME { None } else { Some(months.month_of(first.hour)?) };
        let same = |bucket: &CountedBucket| month.is_none() || months.contains(bucket.hour);
        let (of_month, others) = rest.split_at(rest.partition_point(|(bucket, _)| same(bucket)));
        rest = others;
        for batch in counts_to_batches(of_month, labels)? {
            let writer = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(table.writer(&context.lake_snapshot.counts, partition.clone())?),
            };
            writer.write(&order_columns(&batch, writer)?).await?;
        }
        if writer.as_ref().is_some_and(|writer| writer.rows() >= context.file_rows)
            && let Some(full) = writer.take()
        {
            written.push(full.finish().await?);
        }
    }
    if let Some(last) = writer {
        written.push(last.finish().await?);
    }
    Ok(written)
}

//! The rows of a month, sorted as they are stored, and their counts.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use lake_model::{Kind, Result, ResultExt};

use crate::counts_digest::{CountsDigest, CountsHasher, LabelHashes};
use crate::incident_rows::{CELL, INTEGERS, IncidentRows, NO_CELL, NO_TIME, OCCURRED_AT, REALS};
use crate::labels::{COUNTED_LABELS, LABELS, SortedLabels};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Rows of a batch that is written at once.
const BATCH_ROWS: usize = 16_384;

/// What counts and digests are made with.
pub(crate) struct CountsContext {
    pub(crate) labels: SortedLabels,
    pub(crate) hasher: Arc<CountsHasher>,
    pub(crate) hashes: LabelHashes,
}

/// A bucket of counts, in the order in which they are stored: labels are ranks, or numbers of a dictionary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CountedBucket {
    pub(crate) hour: i64,
    pub(crate) cell: i64,
    pub(crate) labels: [u32; COUNTED_LABELS],
}

/// What is made of sorted rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outputs {
    /// Files of incidents and of counts, and the digests of these.
    IncidentsAndCounts,
    /// Files of incidents.
    Incidents,
    /// The digests of counts.
    Digests,
}

/// Sorted rows: those of incidents by time, cell and id, those of counts by hour, cell and labels.
pub(crate) struct SortedRows {
    pub(crate) incidents: Vec<RecordBatch>,
    pub(crate) counts: Vec<RecordBatch>,
    pub(crate) digest: CountsDigest,
}

/// Sorts the rows of a month and counts them, as far as `outputs` asks for it.
///
/// # Errors
/// If the rows are not what was collected.
pub(crate) fn sort_rows(mut rows: IncidentRows, context: &CountsContext, outputs: Outputs) -> Result<SortedRows> {
    let ids = rows.take_ids()?;
    let mut order: Vec<(i64, i64, u32)> = (0_u32..)
        .zip(rows.integers[OCCURRED_AT].iter().zip(&rows.integers[CELL]))
        .map(|(row, (time, cell))| (*time, *cell, row))
        .collect();
    // The rows that stay in a file are in order already, and a stable sort merges such runs.
    order.sort_by(|a, b| match (a.0, a.1).cmp(&(b.0, b.1)) {
        Ordering::Equal => ids.value(a.2 as usize).cmp(ids.value(b.2 as usize)),
        order => order,
    });
    let (mut counts, mut digest) = (Vec::new(), CountsDigest::default());
    if outputs != Outputs::Incidents {
        let counted = count_rows(&rows, &order, context);
        for (bucket, count) in &counted {
            let place = (bucket.hour, bucket.cell, bucket.labels);
            context.hasher.add_bucket(&mut digest, &context.hashes, place, *count);
        }
        counts = counts_to_batches(&counted, &context.labels)?;
    }
    let mut incidents = Vec::new();
    if outputs != Outputs::Digests {
        for part in order.chunks(BATCH_ROWS) {
            incidents.push(take_rows(&ids, &rows, part, context)?);
        }
    }
    Ok(SortedRows { incidents, counts, digest })
}

fn take_rows(
    ids: &StringArray,
    rows: &IncidentRows,
    order: &[(i64, i64, u32)],
    context: &CountsContext,
) -> Result<RecordBatch> {
    let places = || order.iter().map(|(_, _, row)| *row as usize);
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("id", Arc::new(StringArray::from_iter_values(places().map(|row| ids.value(row)))))];
    for (column, name) in INTEGERS.into_iter().enumerate() {
        let values = places().map(|row| rows.integers[column][row]);
        columns.push((name, if column == CELL { cells(values) } else { times(values) }));
    }
    for (column, name) in REALS.into_iter().enumerate() {
        let values = places().map(|row| rows.reals[column][row]);
        let values: Float64Array = values.map(|value| (!value.is_nan()).then_some(value)).collect();
        columns.push((name, Arc::new(values)));
    }
    for (column, name) in LABELS.into_iter().enumerate() {
        let ranks = places().map(|row| context.labels.rank(column, rows.labels[column][row]));
        columns.push((name, context.labels.to_array(column, ranks)?));
    }
    to_batch(columns)
}

fn count_rows(rows: &IncidentRows, order: &[(i64, i64, u32)], context: &CountsContext) -> Vec<(CountedBucket, i64)> {
    let hour_of = |time: i64| if time == NO_TIME { time } else { time - time.rem_euclid(MICROS_PER_HOUR) };
    let mut counted: Vec<(CountedBucket, i64)> = Vec::new();
    let mut of_hour: Vec<CountedBucket> = Vec::new();
    for part in order.chunk_by(|a, b| hour_of(a.0) == hour_of(b.0)) {
        of_hour.clear();
        of_hour.extend(part.iter().map(|(time, cell, row)| {
            let rank = |column: usize| context.labels.rank(column, rows.labels[column][*row as usize]);
            CountedBucket { hour: hour_of(*time), cell: *cell, labels: std::array::from_fn(rank) }
        }));
        of_hour.sort_unstable();
        let buckets = of_hour.chunk_by(|a, b| a == b);
        counted.extend(buckets.map(|same| (same[0], i64::try_from(same.len()).unwrap_or(i64::MAX))));
    }
    counted
}

/// Returns sorted counts as rows of the table.
///
/// # Errors
/// If a label is not among `labels`.
pub(crate) fn counts_to_batches(counted: &[(CountedBucket, i64)], labels: &SortedLabels) -> Result<Vec<RecordBatch>> {
    let batches = counted.chunks(BATCH_ROWS).map(|part| {
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("occurred_at", times(part.iter().map(|(bucket, _)| bucket.hour))),
            ("cell", cells(part.iter().map(|(bucket, _)| bucket.cell))),
        ];
        for (column, name) in LABELS.into_iter().enumerate().take(COUNTED_LABELS) {
            columns.push((name, labels.to_array(column, part.iter().map(|(bucket, _)| bucket.labels[column]))?));
        }
        columns.push(("count", Arc::new(part.iter().map(|(_, count)| *count).collect::<Int64Array>())));
        to_batch(columns)
    });
    batches.collect()
}

fn times(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.map(|time| (time != NO_TIME).then_some(time)).collect::<TimestampMicrosecondArray>())
}

fn cells(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.map(|cell| (cell != NO_CELL).then_some(cell)).collect::<Int64Array>())
}

fn to_batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, column)| column).collect())
        .or_err(Kind::Internal, || "compacted rows")
}

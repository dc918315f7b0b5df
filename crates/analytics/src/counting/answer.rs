//! The answer to a question from decoded counts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use futures::StreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::{PendingIncidents, SegmentCache, SegmentFile, cell_area_km2};
use lake_segments::{CountedGroups, DimensionSet, Hour, Segment, SegmentLevels, SegmentOfResource, count_groups};

use super::codes::CodedQuestion;
use super::counted_files::{FileOfResource, counted_files, incident_files};
use crate::aggregates::AggregatesRequest;
use crate::context::QueryContext;
use crate::filters::Filters;
use crate::ordered_rows::OrderedRows;

/// Files with no more rows than these are decoded at once, since a question waits for them; with more, the engine is faster.
const MAX_ROWS_TO_WAIT_FOR: u64 = 400_000;
/// Groups that a question may hold: some 100 MiB.
const MAX_GROUPS: usize = 1 << 22;
/// About what a group takes in memory, bytes.
const BYTES_PER_GROUP: usize = 24;
/// Counting fewer rows than these is fast without rollups.
const MIN_ROWS_TO_ROLL_UP: usize = 1_000;

/// The first rows of an answer, in the order of its dimensions.
pub struct CountedRows {
    /// The rows.
    pub rows: RecordBatch,
    /// Whether there are more.
    pub truncated: bool,
}

/// Returns the first `limit` rows that answer a question; `None` if decoded files do not answer it now, and a plan has to.
///
/// # Errors
/// If the columns of the answer do not fit each other.
pub async fn count_rows(
    context: &QueryContext,
    question: &AggregatesRequest,
    limit: usize,
) -> Result<Option<CountedRows>> {
    let Some(cache) = context.reader.segments() else { return Ok(None) };
    let (snapshot, filters) = (&context.snapshot, &question.filters);
    let by_hour = question.is_answered_by_counts();
    let files = if by_hour { counted_files(snapshot, filters) } else { incident_files(snapshot, filters) };
    let Some(files) = files else { return Ok(None) };
    if !load_missing(cache, &files).await {
        return Ok(None);
    }
    let Some(corrections) = (if by_hour { Some(Vec::new()) } else { corrections(context, filters) }) else {
        return Ok(None);
    };
    let levels = |dimensions: DimensionSet| -> Option<Vec<(&str, SegmentLevels)>> {
        let of_files = files.iter().map(|file| Some((file.resource.as_str(), cache.get(&file.file, dimensions)?)));
        let of_pending =
            corrections.iter().map(|(name, segment)| Some((*name, SegmentLevels::new(Arc::clone(segment), None))));
        of_files.chain(of_pending).collect()
    };
    // Evicted by other questions meanwhile, if not.
    let Some(segments) = levels(DimensionSet::default()) else { return Ok(None) };
    let hours = segments.iter().filter_map(|(_, levels)| levels.hours());
    let hours: Option<(Hour, Hour)> = hours.reduce(|all, of_file| (all.0.min(of_file.0), all.1.max(of_file.1)));
    let resources: Vec<&str> = segments.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>().into_iter().collect();
    // Taken after the segments, so that it has all of their codes.
    let dictionaries = cache.dictionaries();
    let names: Vec<String> = resources.iter().map(|name| (*name).to_owned()).collect();
    let (asked, of_cells) = (question.clone(), Arc::clone(cache));
    let code = move || {
        let boxes = || of_cells.cell_boxes(&dictionaries);
        CodedQuestion::new(&asked, &dictionaries, &names, hours, boxes)
    };
    let Ok(Some(coded)) = tokio::task::spawn_blocking(code).await else { return Ok(None) };
    let dimensions = coded.request.dimensions();
    let Some(levels) = levels(dimensions) else { return Ok(None) };
    let is_rolled_up = levels.iter().all(|(_, levels)| levels.is_rolled_up());
    let rows: usize = levels.iter().map(|(_, levels)| levels.rows()).sum();
    if by_hour && !is_rolled_up && rows >= MIN_ROWS_TO_ROLL_UP {
        cache.roll_up_later(files.iter().map(|file| file.file.clone()).collect(), dimensions);
    }
    let number = |of: &str| resources.iter().position(|name| *name == of).unwrap_or(0);
    let segments: Vec<SegmentOfResource> =
        levels.into_iter().map(|(resource, levels)| SegmentOfResource { resource: number(resource), levels }).collect();
    let max_groups = MAX_GROUPS.min(context.engine.memory_bytes() / BYTES_PER_GROUP);
    // Dropped with this future, when its time is over.
    let abandoned = StopOnDrop::default();
    let stop = Arc::clone(&abandoned.0);
    let count = move || {
        let counted = count_groups(&coded.request, &segments, limit, max_groups, &stop);
        counted.ok().map(|counted| (coded, counted))
    };
    let Ok(counted) = tokio::task::spawn_blocking(count).await else { return Ok(None) };
    counted.map(|(coded, counted)| answer(question, &coded, &counted)).transpose()
}

/// Returns what pending batches change in the stored incidents, by resource; `None` if some of it is not known yet.
fn corrections<'a>(context: &'a QueryContext, filters: &Filters) -> Option<Vec<(&'a str, Arc<Segment>)>> {
    let (cache, snapshot) = (context.reader.segments()?, &context.snapshot);
    let names = snapshot.resources.keys().filter(|name| filters.resources.contains(name));
    let pending =
        names.filter_map(|name| Some((name.as_str(), PendingIncidents::new(context.reader.engine(), snapshot, name)?)));
    // All of them are asked for, so that they are made at the same time.
    let found: Vec<(&str, Option<Arc<Segment>>)> =
        pending.map(|(name, pending)| (name, cache.corrections(pending))).collect();
    found.into_iter().map(|(name, segment)| Some((name, segment?))).collect()
}

/// Stops counting when it is dropped.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl CountedRows {
    /// Returns the rows with the greatest counts, the greatest first; rows with equal counts keep their order.
    ///
    /// # Errors
    /// If the rows have no counts.
    pub fn most_frequent(self, limit: usize) -> Result<Self> {
        let missing = || Error::internal("an answer has no column of counts");
        let counts = self.rows.column_by_name("count").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let counts = counts.ok_or_else(missing)?;
        let mut order: Vec<u32> = (0..u32::try_from(counts.len()).map_err(|_| missing())?).collect();
        order.sort_by_key(|row| std::cmp::Reverse(counts.value(*row as usize)));
        let truncated = self.truncated || order.len() > limit;
        order.truncate(limit);
        let rows = take_record_batch(&self.rows, &UInt32Array::from(order)).or_err(Kind::Internal, || "the answer")?;
        Ok(Self { rows, truncated })
    }

    /// Returns the rows as a stream of one batch.
    pub fn into_stream(self) -> OrderedRows {
        let Self { rows, truncated } = self;
        OrderedRows { schema: rows.schema(), batches: futures::stream::iter([Ok(rows)]).boxed(), truncated }
    }
}

/// Returns whether all files are decoded, those after a short wait that are few.
async fn load_missing(cache: &Arc<SegmentCache>, files: &[FileOfResource]) -> bool {
    let is_missing = |file: &&FileOfResource| cache.get(&file.file, DimensionSet::default()).is_none();
    let missing: Vec<SegmentFile> = files.iter().filter(is_missing).map(|file| file.file.clone()).collect();
    if missing.is_empty() {
        return true;
    }
    let all: Vec<SegmentFile> = files.iter().map(|file| file.file.clone()).collect();
    if !cache.has_room_for(&all) {
        return false;
    }
    let rows: Option<u64> = missing.iter().map(|file| file.rows).sum();
    if rows.is_none_or(|rows| rows > MAX_ROWS_TO_WAIT_FOR) {
        cache.load_later(missing);
        return false;
    }
    // The plan that answers instead reports what is wrong with a file.
    futures::future::join_all(missing.iter().map(|file| cache.load(file))).await.iter().all(Result::is_ok)
}

fn answer(question: &AggregatesRequest, coded: &CodedQuestion, counted: &CountedGroups) -> Result<CountedRows> {
    let mut columns = coded.columns(counted);
    let counts: ArrayRef = Arc::new(Int64Array::from_iter_values(counted.counts()));
    // As in the plans: a sum of counts may be null to the planner, but for a total; and a count of rows is not.
    let is_nullable = question.is_answered_by_counts() && !question.group_by.is_empty();
    columns.push((Field::new("count", DataType::Int64, is_nullable), counts));
    if question.per_km2 {
        columns.push((Field::new("per_km2", DataType::Float64, true), rates(&columns)));
    }
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).or_err(Kind::Internal, || "the answer")?;
    Ok(CountedRows { rows, truncated: counted.truncated })
}

/// Returns the counts per square kilometre of their cells.
fn rates(columns: &[(Field, ArrayRef)]) -> ArrayRef {
    let numbers = |name: &str| {
        let column = columns.iter().find(|(field, _)| field.name() == name);
        column.and_then(|(_, array)| array.as_primitive_opt::<Int64Type>())
    };
    let (Some(cells), Some(counts)) = (numbers("cell"), numbers("count")) else {
        return Arc::new(Float64Array::new_null(columns.first().map_or(0, |(_, array)| array.len())));
    };
    let rate = |(cell, count): (Option<i64>, Option<i64>)| {
        #[expect(clippy::cast_precision_loss, reason = "a rate is a rounded number anyway")]
        let count = count? as f64;
        Some(count / cell_area_km2(cell?)?)
    };
    Arc::new(cells.iter().zip(counts).map(rate).collect::<Float64Array>())
}

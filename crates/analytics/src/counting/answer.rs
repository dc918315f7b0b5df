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

/// A question waits until files with no more rows than these are decoded; with more, the engine is faster.
const MAX_ROWS_TO_WAIT_FOR: u64 = 400_000;
/// Groups that a question may hold: some 100 MiB.
const MAX_GROUPS: usize = 1 << 22;
/// About what a group takes in memory, bytes.
const BYTES_PER_GROUP: usize = 24;
/// Rows of an answer that are written at once.
const BATCH_ROWS: usize = 8_192;
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
    let Some(segments) = find_segments(context, cache, question).await else { return Ok(None) };
    // Dropped with this future, when its time is over.
    let abandoned = StopOnDrop::default();
    let counting = Counting {
        question: question.clone(),
        cache: Arc::clone(cache),
        segments,
        limit,
        max_groups: MAX_GROUPS.min(context.engine.memory_bytes() / BYTES_PER_GROUP),
        stop: Arc::clone(&abandoned.0),
    };
    let Ok(Some(answer)) = tokio::task::spawn_blocking(move || counting.run()).await else { return Ok(None) };
    cache.add_answer();
    answer.map(Some)
}

/// The rows of a file, or what pending batches change.
struct FoundSegment {
    resource: String,
    /// Its file, if it is one of counts.
    counts: Option<SegmentFile>,
    segment: Arc<Segment>,
}

/// Returns what a question counts; `None` if not all of it is decoded.
async fn find_segments(
    context: &QueryContext,
    cache: &Arc<SegmentCache>,
    question: &AggregatesRequest,
) -> Option<Vec<FoundSegment>> {
    let (snapshot, filters) = (&context.snapshot, &question.filters);
    let by_hour = question.is_answered_by_counts();
    let files = if by_hour { counted_files(snapshot, filters)? } else { incident_files(snapshot, filters)? };
    let segments = load_segments(cache, &files).await?;
    let found = files.into_iter().zip(segments).map(|(file, segment)| FoundSegment {
        resource: file.resource,
        counts: by_hour.then_some(file.file),
        segment,
    });
    let mut found: Vec<FoundSegment> = found.collect();
    if !by_hour {
        found.extend(corrections(context, cache, filters)?);
    }
    Some(found)
}

/// A question, and what it counts.
struct Counting {
    question: AggregatesRequest,
    cache: Arc<SegmentCache>,
    segments: Vec<FoundSegment>,
    limit: usize,
    max_groups: usize,
    stop: Arc<AtomicBool>,
}

impl Counting {
    /// Returns the answer; `None` if a plan has to make it.
    fn run(&self) -> Option<Result<CountedRows>> {
        let hours = self.segments.iter().filter_map(|found| found.segment.hours());
        let hours: Option<(Hour, Hour)> = hours.reduce(|all, of_file| (all.0.min(of_file.0), all.1.max(of_file.1)));
        let resources: BTreeSet<&str> = self.segments.iter().map(|found| found.resource.as_str()).collect();
        let resources: Vec<&str> = resources.into_iter().collect();
        // Taken after the segments, so that it has all of their codes.
        let dictionaries = self.cache.dictionaries();
        let boxes = || self.cache.cell_boxes(&dictionaries);
        let coded = CodedQuestion::new(&self.question, &dictionaries, &resources, hours, boxes)?;
        let segments = self.roll_up(&resources, coded.request.dimensions());
        let counted = count_groups(&coded.request, &segments, self.limit, self.max_groups, &self.stop).ok()?;
        Some(answer(&self.question, &coded, &counted))
    }

    /// Returns the segments with their rollups by these dimensions. Those that are not there yet are made in the background.
    fn roll_up(&self, resources: &[&str], dimensions: DimensionSet) -> Vec<SegmentOfResource> {
        let mut missing = Vec::new();
        let with_rollups = |found: &FoundSegment| {
            let rollups = found.counts.as_ref().and_then(|file| {
                let rollups = self.cache.rollups(file, dimensions);
                if rollups.is_none() {
                    missing.push(file.clone());
                }
                rollups
            });
            SegmentOfResource {
                resource: resources.binary_search(&found.resource.as_str()).unwrap_or(0),
                levels: SegmentLevels::new(Arc::clone(&found.segment), rollups.as_deref()),
            }
        };
        let segments = self.segments.iter().map(with_rollups).collect();
        let rows: usize = self.segments.iter().map(|found| found.segment.rows()).sum();
        if rows >= MIN_ROWS_TO_ROLL_UP {
            self.cache.roll_up_later(missing, dimensions);
        }
        segments
    }
}

/// Returns what pending batches change in the stored incidents; `None` if some of it is not known yet.
fn corrections(context: &QueryContext, cache: &Arc<SegmentCache>, filters: &Filters) -> Option<Vec<FoundSegment>> {
    let names = context.snapshot.resources.keys().filter(|name| filters.resources.contains(name));
    let engine = context.reader.engine();
    let pending = names.filter_map(|name| Some((name, PendingIncidents::new(engine, &context.snapshot, name)?)));
    // All of them are requested before the first that is missing ends the search.
    let found: Vec<(&String, Option<Arc<Segment>>)> =
        pending.map(|(name, pending)| (name, cache.corrections(pending))).collect();
    let found = found
        .into_iter()
        .map(|(name, segment)| Some(FoundSegment { resource: name.clone(), counts: None, segment: segment? }));
    found.collect()
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

    /// Returns the rows as a stream of batches, so that what writes them holds a part of their text only.
    pub fn into_stream(self) -> OrderedRows {
        let Self { rows, truncated } = self;
        let schema = rows.schema();
        let starts = (0..rows.num_rows()).step_by(BATCH_ROWS);
        let batches = starts.map(move |start| Ok(rows.slice(start, BATCH_ROWS.min(rows.num_rows() - start))));
        OrderedRows { schema, batches: futures::stream::iter(batches).boxed(), truncated }
    }
}

/// Returns the rows of files, those that are not decoded after a short wait if they are few; `None` if there are more.
async fn load_segments(cache: &Arc<SegmentCache>, files: &[FileOfResource]) -> Option<Vec<Arc<Segment>>> {
    let kept: Vec<Option<Arc<Segment>>> = files.iter().map(|file| cache.segment(&file.file)).collect();
    if kept.iter().all(Option::is_some) {
        return kept.into_iter().collect();
    }
    if !cache.has_room_for(files.iter().map(|file| &file.file)) {
        return None;
    }
    let missing = files.iter().zip(&kept).filter(|(_, kept)| kept.is_none()).map(|(file, _)| &file.file);
    let rows: Option<u64> = missing.clone().map(|file| file.rows).sum();
    if rows.is_none_or(|rows| rows > MAX_ROWS_TO_WAIT_FOR) {
        cache.load_later(missing.cloned().collect());
        return None;
    }
    let loaded = files.iter().zip(kept).map(|(file, kept)| async {
        match kept {
            Some(segment) => Some(segment),
            // The plan that answers instead reports what is wrong with a file.
            None => cache.load(&file.file).await.ok(),
        }
    });
    futures::future::join_all(loaded).await.into_iter().collect()
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

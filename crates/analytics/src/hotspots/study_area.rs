//! The counts for hot spots from the engine: the study area, and the requested part of it, by cell and month.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, Int64Type, TimestampMicrosecondType};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result};

use super::months::{Month, month_of};
use super::request::HotspotsRequest;
use crate::aggregates::AggregatesRequest;
use crate::context::QueryContext;
use crate::dimension::Dimension;
use crate::filters::Filters;
use crate::plan::{answer_frame, plan_error};
use crate::time_bucket::TimePrecision;

/// The count of a cell in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellCount {
    pub(super) cell: i64,
    /// `None` if rows are not grouped by it, or for undated incidents.
    pub(super) month: Option<Month>,
    pub(super) count: i64,
}

/// The counts.
#[derive(Debug)]
pub(super) struct StudyArea {
    /// The cells of the study area, ascending.
    pub(super) cells: Vec<i64>,
    /// The requested counts, in ascending order of cells and months; a cell without any has no row.
    pub(super) counts: Vec<CellCount>,
    /// The requested incidents without a usable place.
    pub(super) unlocated: i64,
    /// The memory of it, which is a part of the request's.
    _held: MemoryReservation,
}

/// Counts the requested incidents, and finds the study area: the cells with any incident of the requested resources and
/// places, of whatever kind and time.
///
/// # Errors
/// If the tables cannot be read, or the study area has too many cells.
pub(super) async fn count_study_area(context: &QueryContext, request: &HotspotsRequest) -> Result<StudyArea> {
    let mut dimensions = vec![Dimension::Cell];
    dimensions.extend(request.trend.then_some(Dimension::Time));
    let counting = count_cells(context, request, request.filters.clone(), dimensions);
    // If the request filters by area only, every cell there is requested.
    let finding = async {
        if request.filters.select_only_places() {
            return Ok(None);
        }
        count_cells(context, request, request.filters.without_kinds_and_times(), vec![Dimension::Cell]).await.map(Some)
    };
    let ((mut counts, held), found) = futures::try_join!(counting, finding)?;
    counts.sort_unstable();
    let unlocated = counts.partition_point(|row| row.cell == NO_CELL);
    let unlocated = counts.drain(..unlocated).map(|row| row.count).sum();
    let there = found.as_ref().map_or(&counts, |(found, _)| found).iter().map(|row| row.cell);
    let area: BTreeSet<i64> = there.filter(|cell| *cell != NO_CELL).collect();
    if area.len() > request.max_cells {
        return Err(too_many_cells(request.max_cells));
    }
    Ok(StudyArea { cells: area.into_iter().collect(), counts, unlocated, _held: held })
}

/// Stands for no cell, and comes before every one: no H3 index is 0.
const NO_CELL: i64 = 0;

fn too_many_cells(most: usize) -> Error {
    let what = format!("the study area has more than {most} cells (`max_hotspot_cells` of /limits)");
    Error::new(Kind::Exhausted, format!("{what}; request a coarser geo_precision or a smaller area"))
}

/// Returns the rows of one count, in no order, and the memory reservation for them.
async fn count_cells(
    context: &QueryContext,
    request: &HotspotsRequest,
    filters: Filters,
    group_by: Vec<Dimension>,
) -> Result<(Vec<CellCount>, MemoryReservation)> {
    let by_month = group_by.contains(&Dimension::Time);
    let counts_request = AggregatesRequest {
        filters,
        resolution: request.resolution,
        precision: TimePrecision::Month,
        group_by,
        per_km2: false,
        limit: usize::MAX,
    };
    let frame = answer_frame(context, &counts_request).await?;
    let held = MemoryConsumer::new("hot spots").register(&frame.task_ctx().runtime_env().memory_pool);
    let mut stream = frame.execute_stream().await.map_err(plan_error)?;
    let mut counts = Vec::new();
    while let Some(batch) = stream.try_next().await.map_err(plan_error)? {
        held.try_grow(batch.num_rows() * size_of::<CellCount>()).map_err(plan_error)?;
        counts.extend(read_counts(&batch, by_month));
        if !by_month && counts.len() > request.max_cells + 1 {
            return Err(too_many_cells(request.max_cells));
        }
    }
    Ok((counts, held))
}

fn read_counts(batch: &RecordBatch, by_month: bool) -> impl Iterator<Item = CellCount> {
    let cells = batch.column(0).as_primitive::<Int64Type>();
    let months = by_month.then(|| batch.column(1).as_primitive::<TimestampMicrosecondType>());
    let counts = batch.column(usize::from(by_month) + 1).as_primitive::<Int64Type>();
    (0..batch.num_rows()).map(move |row| CellCount {
        cell: value_at(cells, row).unwrap_or(NO_CELL),
        month: months.and_then(|months| value_at(months, row)).map(month_of),
        count: counts.value(row),
    })
}

fn value_at<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    values.is_valid(row).then(|| values.value(row))
}

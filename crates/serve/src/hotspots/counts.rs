//! What the engine counts for hot spots: the study area, and what of it is asked for, by cell and month.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, Int64Type, TimestampMicrosecondType};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result};

use super::Hotspots;
use super::months::{Month, month_of};
use crate::app::Reading;
use crate::question::Question;
use crate::question::bucket::TimePrecision;
use crate::question::dimension::Dimension;
use crate::question::filters::Filters;
use crate::question::plan::{answer_frame, plan_error};

/// The count of a cell in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Count {
    pub(super) cell: i64,
    /// None where it is not told apart, or of undated incidents.
    pub(super) month: Option<Month>,
    pub(super) count: i64,
}

/// What was counted.
#[derive(Debug)]
pub(super) struct Counted {
    /// The cells of the study area, ascending.
    pub(super) area: Vec<i64>,
    /// What is asked for, in ascending order of cells and months; a cell without any has no row.
    pub(super) counts: Vec<Count>,
    /// What is asked for and has no usable place.
    pub(super) unlocated: i64,
    /// The memory of it, which is a part of the request's.
    _held: MemoryReservation,
}

/// Counts what is asked, and finds the study area: the cells in which the lake holds any incident of the resources and
/// places asked for, of whatever kind and time.
///
/// # Errors
/// If the tables cannot be read, or the study area has too many cells.
pub(super) async fn counted(reading: &Reading, asked: &Hotspots) -> Result<Counted> {
    let mut dimensions = vec![Dimension::Cell];
    dimensions.extend(asked.trend.then_some(Dimension::Time));
    let counting = rows(reading, asked, asked.filters.clone(), dimensions);
    // Where nothing but places is asked for, what is asked for is all that lies there.
    let finding = async {
        if asked.filters.are_places() {
            return Ok(None);
        }
        rows(reading, asked, asked.filters.places(), vec![Dimension::Cell]).await.map(Some)
    };
    let ((mut counts, held), found) = futures::try_join!(counting, finding)?;
    counts.sort_unstable();
    let unlocated = counts.partition_point(|row| row.cell == NOWHERE);
    let unlocated = counts.drain(..unlocated).map(|row| row.count).sum();
    let there = found.as_ref().map_or(&counts, |(found, _)| found).iter().map(|row| row.cell);
    let area: BTreeSet<i64> = there.filter(|cell| *cell != NOWHERE).collect();
    if area.len() > asked.most_cells {
        return Err(too_many(asked.most_cells));
    }
    Ok(Counted { area: area.into_iter().collect(), counts, unlocated, _held: held })
}

/// Stands for no cell, and comes before every one: no H3 index is 0.
const NOWHERE: i64 = 0;

fn too_many(most: usize) -> Error {
    let what = format!("the study area has more than {most} cells (`max_hotspot_cells` of /limits)");
    Error::new(Kind::Exhausted, format!("{what}; ask for a coarser geo_precision or a smaller area"))
}

/// The rows of one count, in no order, and the memory that they hold.
async fn rows(
    reading: &Reading,
    asked: &Hotspots,
    filters: Filters,
    group_by: Vec<Dimension>,
) -> Result<(Vec<Count>, MemoryReservation)> {
    let by_month = group_by.contains(&Dimension::Time);
    let question = Question {
        filters,
        resolution: asked.resolution,
        precision: TimePrecision::Month,
        group_by,
        per_km2: false,
        limit: usize::MAX,
    };
    let frame = answer_frame(reading, &question).await?;
    let held = MemoryConsumer::new("hot spots").register(&frame.task_ctx().runtime_env().memory_pool);
    let mut stream = frame.execute_stream().await.map_err(plan_error)?;
    let mut counts = Vec::new();
    while let Some(batch) = stream.try_next().await.map_err(plan_error)? {
        held.try_grow(batch.num_rows() * size_of::<Count>()).map_err(plan_error)?;
        counts.extend(read(&batch, by_month));
        if !by_month && counts.len() > asked.most_cells + 1 {
            return Err(too_many(asked.most_cells));
        }
    }
    Ok((counts, held))
}

fn read(batch: &RecordBatch, by_month: bool) -> impl Iterator<Item = Count> {
    let cells = batch.column(0).as_primitive::<Int64Type>();
    let months = by_month.then(|| batch.column(1).as_primitive::<TimestampMicrosecondType>());
    let counts = batch.column(usize::from(by_month) + 1).as_primitive::<Int64Type>();
    (0..batch.num_rows()).map(move |row| Count {
        cell: value(cells, row).unwrap_or(NOWHERE),
        month: months.and_then(|months| value(months, row)).map(month_of),
        count: counts.value(row),
    })
}

fn value<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    values.is_valid(row).then(|| values.value(row))
}

//! The statistics of every cell of a study area, computed from its counts.

use std::collections::HashMap;

use lake_model::{Error, Kind, Result};
use lake_query::cell_disk;
use tokio_util::sync::CancellationToken;

use super::benjamini_hochberg::adjust_p_values;
use super::gi_star::{Neighborhood, StudyAreaTotals};
use super::mann_kendall::{Trend, mann_kendall};
use super::months::Months;
use super::normal::two_sided_p;
use super::request::HotspotsRequest;
use super::study_area::{CellCount, StudyArea};

/// The level at which a trend rises or falls.
const TREND_LEVEL: f64 = 0.05;

/// A cell of the study area, and its statistics.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CellStatistics {
    pub(super) cell: i64,
    pub(super) count: i64,
    /// How many cells of the study area its disk has, itself included.
    pub(super) disk_cells: u32,
    pub(super) z: Option<f64>,
    pub(super) p: Option<f64>,
    pub(super) p_adjusted: Option<f64>,
    /// `hot` or `cold`.
    pub(super) significance: Option<&'static str>,
    pub(super) trend: Option<Trend>,
}

impl CellStatistics {
    /// Returns `rising` or `falling`; `None` without a trend.
    pub(super) fn direction(&self) -> Option<&'static str> {
        let trend = self.trend.filter(|trend| trend.p < TREND_LEVEL)?;
        Some(if trend.z > 0.0 { "rising" } else { "falling" })
    }
}

/// The cells, the hottest first, and the months over which their trends go.
#[derive(Debug)]
pub(super) struct HotspotResult {
    pub(super) cells: Vec<CellStatistics>,
    pub(super) months: Option<Months>,
}

/// Returns the statistics of the requested cells: by falling `z`, those without one last, and then by cell.
///
/// # Errors
/// If it is cancelled because no client waits for it any more.
pub(super) fn compute(area: &StudyArea, request: &HotspotsRequest, stop: &CancellationToken) -> Result<HotspotResult> {
    let by_cell: HashMap<i64, &[CellCount]> =
        area.counts.chunk_by(|one, other| one.cell == other.cell).map(|rows| (rows[0].cell, rows)).collect();
    let rows = |cell: i64| by_cell.get(&cell).copied().unwrap_or_default();
    let counts: Vec<i64> = area.cells.iter().map(|cell| rows(*cell).iter().map(|row| row.count).sum()).collect();
    let neighborhoods = neighborhoods(&area.cells, &counts, request.rings);
    let totals = StudyAreaTotals::of(&counts);
    let z: Vec<Option<f64>> = neighborhoods.iter().map(|local| totals.z(*local)).collect();
    let p: Vec<Option<f64>> = z.iter().map(|z| z.map(two_sided_p)).collect();
    let p_adjusted = adjust_p_values(&p);
    let significance: Vec<Option<&'static str>> =
        z.iter().zip(&p_adjusted).map(|(z, p)| significance(*z, *p, request.alpha)).collect();
    let months = request.trend.then(|| months(area, request)).flatten();
    let cells = (0..area.cells.len()).filter(|at| !request.significant || significance[*at].is_some()).map(|at| {
        if stop.is_cancelled() {
            return Err(Error::new(Kind::TimedOut, "no client waits for these hot spots any more"));
        }
        Ok(CellStatistics {
            cell: area.cells[at],
            count: counts[at],
            disk_cells: neighborhoods[at].cells,
            z: z[at],
            p: p[at],
            p_adjusted: p_adjusted[at],
            significance: significance[at],
            trend: months.and_then(|months| trend(rows(area.cells[at]), months)),
        })
    });
    let mut cells = cells.collect::<Result<Vec<CellStatistics>>>()?;
    let hotness = |cell: &CellStatistics| cell.z.unwrap_or(f64::NEG_INFINITY);
    cells.sort_unstable_by(|one, other| hotness(other).total_cmp(&hotness(one)).then(one.cell.cmp(&other.cell)));
    Ok(HotspotResult { cells, months })
}

/// Returns the part of the study area in the disk around each cell.
fn neighborhoods(area: &[i64], counts: &[i64], rings: u32) -> Vec<Neighborhood> {
    let count_of: HashMap<i64, i64> = area.iter().copied().zip(counts.iter().copied()).collect();
    let local = |cell: &i64| {
        let near = cell_disk(*cell, rings).into_iter().filter_map(|near| count_of.get(&near));
        near.fold(Neighborhood::default(), |local, count| Neighborhood {
            cells: local.cells + 1,
            count: local.count + count,
        })
    };
    area.iter().map(local).collect()
}

fn significance(z: Option<f64>, p_adjusted: Option<f64>, alpha: f64) -> Option<&'static str> {
    let z = z.filter(|_| p_adjusted.is_some_and(|p| p <= alpha))?;
    Some(if z > 0.0 { "hot" } else { "cold" })
}

fn months(area: &StudyArea, request: &HotspotsRequest) -> Option<Months> {
    let months = area.counts.iter().filter_map(|row| row.month);
    let (first, last) = (months.clone().min(), months.max());
    Months::whole(&request.filters, first.zip(last))
}

fn trend(rows: &[CellCount], months: Months) -> Option<Trend> {
    let counted = rows.iter().filter_map(|row| Some((months.place(row.month?)?, row.count)));
    mann_kendall(months.len(), &counted.collect::<Vec<_>>())
}

//! The statistics of every cell of a study area, of what was counted in it.

use std::collections::HashMap;

use lake_model::{Error, Kind, Result};
use lake_query::cell_disk;
use tokio_util::sync::CancellationToken;

use super::Hotspots;
use super::benjamini_hochberg::adjusted;
use super::counts::{Count, Counted};
use super::gi_star::{Local, Whole};
use super::mann_kendall::{Trend, mann_kendall};
use super::months::Months;
use super::normal::two_sided;

/// The level at which a trend rises or falls.
const TREND_LEVEL: f64 = 0.05;

/// A cell of the study area, and what was found of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
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

impl Cell {
    /// `rising` or `falling`.
    pub(super) fn direction(&self) -> Option<&'static str> {
        let trend = self.trend.filter(|trend| trend.p < TREND_LEVEL)?;
        Some(if trend.z > 0.0 { "rising" } else { "falling" })
    }
}

/// The cells, the hottest first, and the months over which their trends go.
#[derive(Debug)]
pub(super) struct Reckoned {
    pub(super) cells: Vec<Cell>,
    pub(super) months: Option<Months>,
}

/// The statistics of the cells that are asked for: by falling `z`, those without one last, and then by cell.
///
/// # Errors
/// If it is told to stop: nobody waits for it any more.
pub(super) fn reckon(counted: &Counted, asked: &Hotspots, stop: &CancellationToken) -> Result<Reckoned> {
    let by_cell: HashMap<i64, &[Count]> =
        counted.counts.chunk_by(|one, other| one.cell == other.cell).map(|rows| (rows[0].cell, rows)).collect();
    let rows = |cell: i64| by_cell.get(&cell).copied().unwrap_or_default();
    let counts: Vec<i64> = counted.area.iter().map(|cell| rows(*cell).iter().map(|row| row.count).sum()).collect();
    let locals = locals(&counted.area, &counts, asked.rings);
    let whole = Whole::of(&counts);
    let z: Vec<Option<f64>> = locals.iter().map(|local| whole.z(*local)).collect();
    let p: Vec<Option<f64>> = z.iter().map(|z| z.map(two_sided)).collect();
    let p_adjusted = adjusted(&p);
    let significance: Vec<Option<&'static str>> =
        z.iter().zip(&p_adjusted).map(|(z, p)| significance(*z, *p, asked.alpha)).collect();
    let months = asked.trend.then(|| months(counted, asked)).flatten();
    let cells = (0..counted.area.len()).filter(|at| !asked.significant || significance[*at].is_some()).map(|at| {
        if stop.is_cancelled() {
            return Err(Error::new(Kind::TimedOut, "nobody waits for these hot spots any more"));
        }
        Ok(Cell {
            cell: counted.area[at],
            count: counts[at],
            disk_cells: locals[at].cells,
            z: z[at],
            p: p[at],
            p_adjusted: p_adjusted[at],
            significance: significance[at],
            trend: months.and_then(|months| trend(rows(counted.area[at]), months)),
        })
    });
    let mut cells = cells.collect::<Result<Vec<Cell>>>()?;
    let hotness = |cell: &Cell| cell.z.unwrap_or(f64::NEG_INFINITY);
    cells.sort_unstable_by(|one, other| hotness(other).total_cmp(&hotness(one)).then(one.cell.cmp(&other.cell)));
    Ok(Reckoned { cells, months })
}

/// What the disk around each cell holds of the study area.
fn locals(area: &[i64], counts: &[i64], rings: u32) -> Vec<Local> {
    let count_of: HashMap<i64, i64> = area.iter().copied().zip(counts.iter().copied()).collect();
    let local = |cell: &i64| {
        let near = cell_disk(*cell, rings).into_iter().filter_map(|near| count_of.get(&near));
        near.fold(Local::default(), |local, count| Local { cells: local.cells + 1, count: local.count + count })
    };
    area.iter().map(local).collect()
}

fn significance(z: Option<f64>, p_adjusted: Option<f64>, alpha: f64) -> Option<&'static str> {
    let z = z.filter(|_| p_adjusted.is_some_and(|p| p <= alpha))?;
    Some(if z > 0.0 { "hot" } else { "cold" })
}

fn months(counted: &Counted, asked: &Hotspots) -> Option<Months> {
    let months = counted.counts.iter().filter_map(|row| row.month);
    let (first, last) = (months.clone().min(), months.max());
    Months::whole(&asked.filters, first.zip(last))
}

fn trend(rows: &[Count], months: Months) -> Option<Trend> {
    let counted = rows.iter().filter_map(|row| Some((months.place(row.month?)?, row.count)));
    mann_kendall(months.len(), &counted.collect::<Vec<_>>())
}

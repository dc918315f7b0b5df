//! Which cells are hot beyond chance, and their trend: counts of the engine, and what is reckoned of them. The
//! statistics know nothing of cells, questions or the engine; `docs/hotspots.md` has their formulas and what they mean.

mod benjamini_hochberg;
mod counts;
mod gi_star;
mod mann_kendall;
mod months;
mod normal;
mod reckon;
mod rows;

use arrow::array::RecordBatch;
use lake_model::{FINEST_RESOLUTION, Kind, Result, ResultExt};
use tokio_util::sync::CancellationToken;

use self::counts::counted;
use self::reckon::reckon;
use self::rows::batch;
use crate::app::Reading;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::question::filters::{FILTERS, Filters, with_filters};
use crate::question::parameters::{Accepted, Parameter, Parameters, Shape, Values};
use crate::question::values::{flag, number, proportion};
use crate::question::{FORMAT, GEO_PRECISION};

/// The widest disk, rings of cells around the middle one.
const MOST_RINGS: u32 = 5;
/// The greatest false discovery rate.
const MOST_ALPHA: f64 = 0.5;

const OWN: [Parameter; 7] = [
    GEO_PRECISION,
    Parameter::of(
        "neighbors",
        Shape::One,
        Values::Whole(1, MOST_RINGS as i64),
        "How far a cell's neighbours reach, rings of the H3 grid; 1 if not given.",
    ),
    Parameter::of(
        "alpha",
        Shape::One,
        Values::Proportion(MOST_ALPHA),
        "The false discovery rate up to which a cell is hot or cold; 0.05 if not given.",
    ),
    Parameter::of("trend", Shape::One, Values::Flag, "Whether each cell's trend by month is told; true if not given."),
    Parameter::of("significant", Shape::One, Values::Flag, "Only cells that are hot or cold; false if not given."),
    Parameter::of("limit", Shape::One, Values::Whole(1, i64::MAX), "Rows at most, the hottest first."),
    FORMAT,
];

/// The parameters of `/hotspots`.
pub(crate) const ACCEPTED: Accepted = &with_filters::<{ OWN.len() }, { OWN.len() + FILTERS.len() }>(OWN);

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Hotspots {
    pub(crate) filters: Filters,
    /// The H3 resolution of cells.
    resolution: u8,
    /// The radius of a cell's disk, rings of the grid.
    rings: u32,
    /// The false discovery rate.
    alpha: f64,
    /// Whether the trend is asked for.
    trend: bool,
    /// Whether only hot and cold cells are asked for.
    significant: bool,
    /// Rows at most.
    limit: usize,
    /// The most cells that are compared.
    most_cells: usize,
}

/// What was found.
pub(crate) struct Found {
    pub(crate) batch: RecordBatch,
    pub(crate) truncated: bool,
    /// How many of the incidents asked for have no usable place, and so take no part.
    pub(crate) unlocated: i64,
    /// The months over which trends go, as `2024-01..2024-07`; none where no month is whole, or no trend is asked for.
    pub(crate) months: Option<String>,
}

impl Hotspots {
    /// Reads the question.
    ///
    /// # Errors
    /// The first parameter that is wrong, and what it may be.
    pub(crate) fn parse(parameters: &Parameters, limits: &Limits) -> Result<Self, Problem> {
        Ok(Self {
            filters: Filters::parse(parameters, limits)?,
            resolution: number(parameters, GEO_PRECISION.name, 0, FINEST_RESOLUTION)?.unwrap_or(9),
            rings: number(parameters, "neighbors", 1, MOST_RINGS)?.unwrap_or(1),
            alpha: proportion(parameters, "alpha", MOST_ALPHA)?.unwrap_or(0.05),
            trend: flag(parameters, "trend")?.unwrap_or(true),
            significant: flag(parameters, "significant")?.unwrap_or(false),
            limit: number(parameters, "limit", 1, limits.max_rows)
                .map_err(|problem| problem.because("max_rows"))?
                .unwrap_or(limits.default_rows),
            most_cells: limits.max_hotspot_cells,
        })
    }

    /// The cells of the study area with their statistics, the hottest first, up to the limit.
    ///
    /// # Errors
    /// If the tables cannot be read, or the study area has too many cells.
    pub(crate) async fn answer(&self, reading: &Reading) -> Result<Found> {
        let counted = counted(reading, self).await?;
        // The work ends soon after the request's time is over or its client has left, and keeps its turn until then.
        let stop = CancellationToken::new();
        let _ends = stop.clone().drop_guard();
        let (asked, turn) = (self.clone(), reading.clone());
        let work = move || {
            let _turn = turn;
            let reckoned = reckon(&counted, &asked, &stop)?;
            let kept = reckoned.cells.len().min(asked.limit);
            Ok(Found {
                batch: batch(&reckoned.cells[..kept], asked.trend)?,
                truncated: kept < reckoned.cells.len(),
                unlocated: counted.unlocated,
                months: reckoned.months.map(|months| months.to_string()),
            })
        };
        tokio::task::spawn_blocking(work).await.or_err(Kind::Internal, || "reckoning hot spots")?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Hotspots, Problem> {
        Hotspots::parse(&Parameters::from_query("/hotspots", ACCEPTED, query)?, &Limits::default())
    }

    #[test]
    fn nothing_asked_is_every_cell_with_its_nearest_neighbours_and_its_trend() {
        let asked = ask("").expect("a question");
        assert_eq!((asked.resolution, asked.rings, asked.trend, asked.significant), (9, 1, true, false));
        assert_eq!((asked.alpha, asked.limit), (0.05, 100_000));
        let asked = ask("alpha=0.5&neighbors=5&trend=false&significant=true&limit=3").expect("a question");
        assert_eq!((asked.alpha, asked.rings, asked.trend, asked.significant, asked.limit), (0.5, 5, false, true, 3));
    }

    #[test]
    fn a_wrong_value_names_its_parameter_and_what_it_may_be() {
        for (query, parameter, says) in [
            ("neighbors=0", "neighbors", "1 to 5"),
            ("neighbors=6", "neighbors", "1 to 5"),
            ("alpha=0", "alpha", "above 0 and at most 0.5"),
            ("alpha=0.51", "alpha", "above 0 and at most 0.5"),
            ("alpha=NaN", "alpha", "above 0 and at most 0.5"),
            ("alpha=5%25", "alpha", "above 0 and at most 0.5"),
            ("trend=yes", "trend", "`true` or `false`"),
            ("significant=1", "significant", "`true` or `false`"),
            ("geo_precision=11", "geo_precision", "0 to 10"),
            ("limit=0", "limit", "1 to 1000000"),
            ("time_precision=1h", "time_precision", "`geo_precision`"),
        ] {
            let problem = ask(query).expect_err(query);
            assert_eq!(problem.parameter.as_deref(), Some(parameter), "{query}: {problem:?}");
            assert!(problem.detail.contains(says), "{query}: {}", problem.detail);
        }
    }
}

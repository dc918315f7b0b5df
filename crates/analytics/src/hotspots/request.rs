//! A question for hot spots.

use lake_model::FINEST_RESOLUTION;

use crate::aggregates::{FORMAT, GEO_PRECISION};
use crate::error::ParameterError;
use crate::filters::{FILTERS, Filters, with_filters};
use crate::limits::AnswerLimits;
use crate::parameter_values::{parse_limit, parse_optional_boolean, parse_optional_integer, parse_optional_proportion};
use crate::parameters::{Parameter, ParameterTable, Parameters, Shape, ValueKind};

/// The widest disk, rings of cells around the middle one.
const MAX_RINGS: u32 = 5;
/// The greatest false discovery rate.
const MAX_ALPHA: f64 = 0.5;

const OWN: [Parameter; 7] = [
    GEO_PRECISION,
    Parameter::with_values(
        "neighbors",
        Shape::One,
        ValueKind::Integer(1, MAX_RINGS as i64),
        "The radius of a cell's neighbourhood, rings of the H3 grid; 1 by default.",
    ),
    Parameter::with_values(
        "alpha",
        Shape::One,
        ValueKind::Proportion(MAX_ALPHA),
        "The false discovery rate up to which a cell is hot or cold; 0.05 by default.",
    ),
    Parameter::with_values(
        "trend",
        Shape::One,
        ValueKind::Boolean,
        "Whether to compute each cell's trend by month; true by default.",
    ),
    Parameter::with_values(
        "significant",
        Shape::One,
        ValueKind::Boolean,
        "Whether to return only cells that are hot or cold; false by default.",
    ),
    Parameter::with_values(
        "limit",
        Shape::One,
        ValueKind::Integer(1, i64::MAX),
        "The maximum number of rows, the hottest first; `default_rows` of /limits by default.",
    ),
    FORMAT,
];

/// The parameters of `/hotspots`.
pub const HOTSPOTS_PARAMETERS: ParameterTable = &with_filters::<{ OWN.len() }, { OWN.len() + FILTERS.len() }>(OWN);

/// A question for hot spots.
#[derive(Clone, Debug)]
pub struct HotspotsRequest {
    /// The incidents to count.
    pub filters: Filters,
    /// The H3 resolution of cells.
    pub(super) resolution: u8,
    /// The radius of a cell's disk, rings of the grid.
    pub(super) rings: u32,
    /// The false discovery rate.
    pub(super) alpha: f64,
    /// Whether the trend is requested.
    pub(super) trend: bool,
    /// Whether only hot and cold cells are requested.
    pub(super) significant: bool,
    /// Rows at most.
    pub(super) limit: usize,
    /// The most cells that are compared.
    pub(super) max_cells: usize,
}

impl HotspotsRequest {
    /// Reads the question.
    ///
    /// # Errors
    /// The first parameter that is wrong, and its expected values.
    pub fn parse(parameters: &Parameters, limits: &AnswerLimits) -> Result<Self, ParameterError> {
        Ok(Self {
            filters: Filters::parse(parameters, limits)?,
            resolution: parse_optional_integer(parameters, GEO_PRECISION.name, 0, FINEST_RESOLUTION)?.unwrap_or(9),
            rings: parse_optional_integer(parameters, "neighbors", 1, MAX_RINGS)?.unwrap_or(1),
            alpha: parse_optional_proportion(parameters, "alpha", MAX_ALPHA)?.unwrap_or(0.05),
            trend: parse_optional_boolean(parameters, "trend")?.unwrap_or(true),
            significant: parse_optional_boolean(parameters, "significant")?.unwrap_or(false),
            limit: parse_limit(parameters, limits)?,
            max_cells: limits.max_hotspot_cells,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<HotspotsRequest, ParameterError> {
        HotspotsRequest::parse(
            &Parameters::from_query("/hotspots", HOTSPOTS_PARAMETERS, query)?,
            &AnswerLimits::default(),
        )
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
            let error = ask(query).expect_err(query);
            assert_eq!(error.parameter.as_deref(), Some(parameter), "{query}: {error:?}");
            assert!(error.message.contains(says), "{query}: {}", error.message);
        }
    }
}

//! The question that `/aggregates` and its neighbours are asked, read from parameters, and the plan that answers it.

pub(crate) mod bucket;
pub(crate) mod choice;
pub(crate) mod dimension;
pub(crate) mod filters;
pub(crate) mod labels;
pub(crate) mod ordered;
pub(crate) mod parameters;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod values;

use bucket::{PRECISION_NAMES, TimePrecision};
use dimension::Dimension;
use filters::{FILTERS, Filters, with_filters};
use lake_model::FINEST_RESOLUTION;
use lake_query::Cells;
use parameters::{Accepted, Parameter, Parameters, Shape, Values};
use values::{group_by, number, precision};

use crate::limits::Limits;
use crate::problem::Problem;

/// The parameter that names a format.
pub(crate) const FORMAT: Parameter =
    Parameter::new("format", Shape::One, "The format of the answer; it wins over the header Accept.");

/// The parameter that names the resolution of cells.
pub(crate) const GEO_PRECISION: Parameter =
    Parameter::of("geo_precision", Shape::One, Values::Whole(0, 10), "The H3 resolution of cells; 9 if not given.");

/// The parameter that names the form of cells.
pub(crate) const CELLS: Parameter = Parameter::of(
    "cells",
    Shape::One,
    Values::OneOf(Cells::NAMES),
    "How the column `cell` is written in JSON and CSV: as hexadecimal `text`, or as the `number` that SQL has; `text` if \
     not given.",
);

const OWN: [Parameter; 7] = [
    GEO_PRECISION,
    Parameter::of(
        "time_precision",
        Shape::One,
        Values::OneOf(PRECISION_NAMES),
        "How long a bucket is; 24h if not given.",
    ),
    Parameter::new("group_by", Shape::Many, "What to tell apart, between commas; resource,cell,time if not given."),
    Parameter::of(
        "per",
        Shape::One,
        Values::OneOf(&["km2"]),
        "A rate beside the count: per square kilometre of the cell.",
    ),
    Parameter::of("limit", Shape::One, Values::Whole(1, i64::MAX), "Rows at most, in the order of the dimensions."),
    CELLS,
    FORMAT,
];

/// The parameters of `/aggregates`.
pub(crate) const ACCEPTED: Accepted = &with_filters::<{ OWN.len() }, { OWN.len() + FILTERS.len() }>(OWN);

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) filters: Filters,
    /// The H3 resolution of cells.
    pub(crate) resolution: u8,
    pub(crate) precision: TimePrecision,
    pub(crate) group_by: Vec<Dimension>,
    /// Whether the rate per square kilometre is asked for.
    pub(crate) per_km2: bool,
    /// Rows at most.
    pub(crate) limit: usize,
}

impl Question {
    /// Reads the question.
    ///
    /// # Errors
    /// The first parameter that is wrong, and what it may be.
    pub(crate) fn parse(parameters: &Parameters, limits: &Limits) -> Result<Self, Problem> {
        let precision = precision(parameters.one("time_precision").unwrap_or("24h"))?;
        let mut group_by = group_by(parameters.many("group_by"))?;
        if precision == TimePrecision::All {
            group_by.retain(|dimension| *dimension != Dimension::Time);
        }
        let per_km2 = match parameters.one("per") {
            None => false,
            Some("km2") if group_by.contains(&Dimension::Cell) => true,
            Some("km2") => {
                return Err(Problem::parameter("per", "`per=km2` needs `cell` in `group_by`: it is the cell's area"));
            }
            Some(other) => return Err(values::not_one_of("per", other, ["km2"].into_iter())),
        };
        Ok(Self {
            filters: Filters::parse(parameters, limits)?,
            resolution: number(parameters, "geo_precision", 0, FINEST_RESOLUTION)?.unwrap_or(9),
            precision,
            group_by,
            per_km2,
            limit: number(parameters, "limit", 1, limits.max_rows)
                .map_err(|problem| problem.because("max_rows"))?
                .unwrap_or(limits.default_rows),
        })
    }

    /// Whether hourly counts answer it: no test of an incident's point, no time finer than the hour.
    pub(crate) fn is_answered_by_counts(&self) -> bool {
        let hourly = self.precision.holds_hours() || !self.group_by.contains(&Dimension::Time);
        hourly && self.filters.are_hourly()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lake_model::MICROS_PER_HOUR;

    use super::*;

    fn ask(query: &str) -> Result<Question, Problem> {
        Question::parse(&Parameters::from_query("/aggregates", ACCEPTED, query)?, &Limits::default())
    }

    #[test]
    fn nothing_asked_is_everything_by_resource_cell_and_day() {
        let question = ask("").expect("a question");
        assert_eq!(question.group_by, [Dimension::Resource, Dimension::Cell, Dimension::Time]);
        assert_eq!((question.resolution, question.limit), (9, 100_000));
        assert!(question.is_answered_by_counts());
    }

    #[test]
    fn what_is_asked_is_understood() {
        let question = ask(
            "resource=311-cases&category=Graffiti%2C%20Public&start_time=2024-06-01&end_time=2024-06-02T01:00Z\
             &geo_precision=10&time_precision=1w&hour=0&hour=23&weekday=7&group_by=cell,hour&group_by=weekday,cell&limit=7&format=json",
        )
        .expect("a question");
        assert_eq!(question.filters.resources.wanted, ["311-cases"]);
        let graffiti = choice::Choice { wanted: vec!["Graffiti, Public".to_owned()], unwanted: Vec::new() };
        assert_eq!(question.filters.labels, [(Dimension::Category, graffiti)]);
        assert_eq!(
            question.filters.end.expect("an end") - question.filters.start.expect("a start"),
            25 * MICROS_PER_HOUR
        );
        assert_eq!((question.filters.hours, question.filters.weekdays), (vec![0, 23], vec![7]));
        assert_eq!(question.group_by, [Dimension::Cell, Dimension::Hour, Dimension::Weekday]);
        assert_eq!(question.limit, 7);
        assert_eq!(ask("group_by=").expect("a total").group_by, []);
        assert_eq!(ask("time_precision=all").expect("no time").group_by, [Dimension::Resource, Dimension::Cell]);
    }

    #[test]
    fn points_minutes_and_broken_hours_need_the_rows() {
        for query in [
            "bbox=-1,-1,1,1",
            "near=37,-122,5",
            "time_precision=15m",
            "start_time=2024-06-01T00:30",
            "end_time=2024-06-01T00:00:01",
        ] {
            assert!(!ask(query).expect(query).is_answered_by_counts(), "{query}");
        }
        for query in
            ["time_precision=15m&group_by=cell", "start_time=2024-06-01T01:00&end_time=2024-07-01", "hour=3&weekday=1"]
        {
            assert!(ask(query).expect(query).is_answered_by_counts(), "{query}");
        }
    }

    #[test]
    fn a_wrong_value_names_its_parameter_and_what_it_may_be() {
        for (query, parameter, says) in [
            ("geo_precision=11", "geo_precision", "0 to 10"),
            ("geo_precision=-1", "geo_precision", "0 to 10"),
            ("time_precision=1d", "time_precision", "`24h`"),
            ("time_precision=15min", "time_precision", "did you mean `15m`?"),
            ("hour=24", "hour", "0 to 23"),
            ("weekday=0", "weekday", "1 to 7"),
            ("group_by=cell,tme", "group_by", "did you mean `time`?"),
            ("group_by=cell,,time", "group_by", "`neighborhood`"),
            ("limit=0", "limit", "1 to 1000000"),
            ("limit=x", "limit", "1 to 1000000"),
            ("start_time=2024-06-01T00:00:00%2B02:00", "start_time", "without an offset"),
            ("start_time=2024", "start_time", "a date"),
            ("start_time=2024-06T12:00", "start_time", "a date"),
            ("end_time=tomorrow", "end_time", "a date"),
            ("start_time=2024-06-01&end_time=2024-06-01", "end_time", "after `start_time`"),
            ("bbox=1,2,3", "bbox", "west,south,east,north"),
            ("bbox=37.7,-122.5,37.8,-122.3", "bbox", "west,south,east,north"),
            ("near=37,-122,0", "near", "metres above 0"),
            ("near=37,-122,NaN", "near", "metres above 0"),
            ("near=-122,37,5", "near", "latitude,longitude"),
            ("polygon=%7B%7D", "polygon", "GeoJSON Polygon"),
            ("cell=85283473fffffff&cell=x", "cell", "hexadecimal"),
            ("cell=8c2a100894409ff", "cell", "0 to 10"),
            ("located=yes", "located", "`true` or `false`"),
            ("per=km2&group_by=time", "per", "`cell`"),
            ("per=mile", "per", "`km2`"),
        ] {
            let problem = ask(query).expect_err(query);
            assert_eq!(problem.parameter.as_deref(), Some(parameter), "{query}: {problem:?}");
            assert!(problem.detail.contains(says), "{query}: {}", problem.detail);
        }
    }

    #[test]
    fn an_unknown_resource_finds_its_neighbour() {
        let known = BTreeSet::from(["311-cases", "fire-incidents"]);
        let check = |query: &str| ask(query).expect("a question").filters.check_resources(&known);
        assert_eq!(check("resource=311-cases"), Ok(()));
        let problem = check("resource=311-cases&resource=fire-incident").expect_err("unknown");
        assert!(problem.detail.contains("did you mean `fire-incidents`?"), "{}", problem.detail);
        assert_eq!(problem.parameter.as_deref(), Some("resource"));
    }
}

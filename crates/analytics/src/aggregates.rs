//! The question that `/aggregates` and its neighbours are asked, read from parameters, and the plan that answers it.

use crate::dimension::Dimension;
use crate::filters::{FILTERS, Filters, with_filters};
use crate::parameter_values::{
    parse_group_by, parse_limit, parse_optional_integer, parse_time_precision, unknown_value,
};
use crate::parameters::{Parameter, ParameterTable, Parameters, Shape, ValueKind};
use crate::time_bucket::{PRECISION_NAMES, TimePrecision};
use lake_model::FINEST_RESOLUTION;
use lake_query::Cells;

use crate::error::ParameterError;
use crate::limits::AnswerLimits;

/// The parameter of the format.
pub const FORMAT: Parameter =
    Parameter::new("format", Shape::One, "The format of the answer; it takes precedence over the header Accept.");

/// The parameter of the resolution of cells.
pub const GEO_PRECISION: Parameter = Parameter::with_values(
    "geo_precision",
    Shape::One,
    ValueKind::Integer(0, 10),
    "The H3 resolution of cells, 0 to 10; 9 by default.",
);

/// The parameter of how cells are written.
pub const CELLS: Parameter = Parameter::with_values(
    "cells",
    Shape::One,
    ValueKind::OneOf(Cells::NAMES),
    "How the column `cell` is written in JSON and CSV: as hexadecimal `text`, or as the signed 64-bit `number` of SQL; \
     `text` by default.",
);

const OWN: [Parameter; 7] = [
    GEO_PRECISION,
    Parameter::with_values(
        "time_precision",
        Shape::One,
        ValueKind::OneOf(PRECISION_NAMES),
        "The length of time buckets; 24h by default.",
    ),
    Parameter::new(
        "group_by",
        Shape::Many,
        "The dimensions to group by, separated by commas: resource, cell, time, category, subcategory, district, \
         neighborhood, hour, weekday; resource,cell,time by default.",
    ),
    Parameter::with_values(
        "per",
        Shape::One,
        ValueKind::OneOf(&["km2"]),
        "Add a rate to each count: incidents per square kilometre of the cell.",
    ),
    Parameter::with_values(
        "limit",
        Shape::One,
        ValueKind::Integer(1, i64::MAX),
        "The maximum number of rows, in the order of the dimensions; `default_rows` of /limits by default.",
    ),
    CELLS,
    FORMAT,
];

/// The parameters of `/aggregates`.
pub const AGGREGATES_PARAMETERS: ParameterTable = &with_filters::<{ OWN.len() }, { OWN.len() + FILTERS.len() }>(OWN);

/// A question for counts.
#[derive(Clone, Debug)]
pub struct AggregatesRequest {
    /// The incidents to count.
    pub filters: Filters,
    /// The H3 resolution of cells.
    pub resolution: u8,
    /// The length of time buckets.
    pub precision: TimePrecision,
    /// The dimensions that the counts are grouped by, in the order of the answer.
    pub group_by: Vec<Dimension>,
    /// Whether the answer has a rate per square kilometre.
    pub per_km2: bool,
    /// Rows at most.
    pub limit: usize,
}

impl AggregatesRequest {
    /// Parses the question.
    ///
    /// # Errors
    /// The first parameter that is not valid.
    pub fn parse(parameters: &Parameters, limits: &AnswerLimits) -> Result<Self, ParameterError> {
        let precision = parse_time_precision(parameters.single("time_precision").unwrap_or("24h"))?;
        let mut group_by = parse_group_by(parameters.all("group_by"))?;
        if precision == TimePrecision::All {
            group_by.retain(|dimension| *dimension != Dimension::Time);
        }
        let per_km2 = match parameters.single("per") {
            None => false,
            Some("km2") if group_by.contains(&Dimension::Cell) => true,
            Some("km2") => {
                return Err(ParameterError::new("per", "`per=km2` needs `cell` in `group_by`: it is the cell's area"));
            }
            Some(other) => return Err(unknown_value("per", other, ["km2"].into_iter())),
        };
        Ok(Self {
            filters: Filters::parse(parameters, limits)?,
            resolution: parse_optional_integer(parameters, "geo_precision", 0, FINEST_RESOLUTION)?.unwrap_or(9),
            precision,
            group_by,
            per_km2,
            limit: parse_limit(parameters, limits)?,
        })
    }

    /// Returns whether hourly counts answer the question: it tests no point and has no time finer than the hour.
    pub fn is_answered_by_counts(&self) -> bool {
        let hourly = self.precision.is_multiple_of_hours() || !self.group_by.contains(&Dimension::Time);
        hourly && self.filters.fit_hourly_counts()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lake_model::MICROS_PER_HOUR;

    use super::*;
    use crate::value_filter::ValueFilter;

    fn ask(query: &str) -> Result<AggregatesRequest, ParameterError> {
        AggregatesRequest::parse(
            &Parameters::from_query("/aggregates", AGGREGATES_PARAMETERS, query)?,
            &AnswerLimits::default(),
        )
    }

    #[test]
    fn defaults_group_by_resource_cell_and_day() {
        let question = ask("").expect("a question");
        assert_eq!(question.group_by, [Dimension::Resource, Dimension::Cell, Dimension::Time]);
        assert_eq!((question.resolution, question.limit), (9, 100_000));
        assert!(question.is_answered_by_counts());
    }

    #[test]
    fn parameters_are_parsed() {
        let question = ask(
            "resource=311-cases&category=Graffiti%2C%20Public&start_time=2024-06-01&end_time=2024-06-02T01:00Z\
             &geo_precision=10&time_precision=1w&hour=0&hour=23&weekday=7&group_by=cell,hour&group_by=weekday,cell&limit=7&format=json",
        )
        .expect("a question");
        assert_eq!(question.filters.resources.included, ["311-cases"]);
        let graffiti = ValueFilter { included: vec!["Graffiti, Public".to_owned()], excluded: Vec::new() };
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
    fn points_minutes_and_partial_hours_need_the_rows() {
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
    fn an_error_names_parameter_and_expected_values() {
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
            let error = ask(query).expect_err(query);
            assert_eq!(error.parameter.as_deref(), Some(parameter), "{query}: {error:?}");
            assert!(error.message.contains(says), "{query}: {}", error.message);
        }
    }

    #[test]
    fn an_unknown_resource_suggests_the_nearest() {
        let known = BTreeSet::from(["311-cases", "fire-incidents"]);
        let check = |query: &str| ask(query).expect("a question").filters.check_resources(&known);
        assert_eq!(check("resource=311-cases"), Ok(()));
        let error = check("resource=311-cases&resource=fire-incident").expect_err("unknown");
        assert!(error.message.contains("did you mean `fire-incidents`?"), "{}", error.message);
        assert_eq!(error.parameter.as_deref(), Some("resource"));
    }
}

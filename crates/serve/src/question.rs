//! The question that `/aggregates` is asked, read from its parameters.

use std::collections::BTreeSet;
use std::sync::Arc;

use lake_model::{FINEST_RESOLUTION, MICROS_PER_HOUR};

use crate::area::Area;
use crate::bucket::TimePrecision;
use crate::dimension::Dimension;
use crate::parameters::{Accepted, Parameters, Shape};
use crate::place::{Circle, Rectangle};
use crate::problem::Problem;
use crate::server::ServeOptions;
use crate::values::{bbox, check_format, group_by, near, not_one_of, number, numbers, polygon, precision, time};

/// The parameters it takes.
pub(crate) const ACCEPTED: Accepted = &[
    ("resource", Shape::Many),
    ("category", Shape::Many),
    ("subcategory", Shape::Many),
    ("district", Shape::Many),
    ("neighborhood", Shape::Many),
    ("start_time", Shape::One),
    ("end_time", Shape::One),
    ("bbox", Shape::Numbers),
    ("polygon", Shape::Object),
    ("near", Shape::Numbers),
    ("geo_precision", Shape::One),
    ("time_precision", Shape::One),
    ("hour", Shape::Many),
    ("weekday", Shape::Many),
    ("group_by", Shape::Many),
    ("limit", Shape::One),
    ("format", Shape::One),
];

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The resources; all if none is named.
    pub(crate) resources: Vec<String>,
    /// The labels asked for, by dimension.
    pub(crate) labels: Vec<(Dimension, Vec<String>)>,
    /// The first instant inside, wall-clock microseconds.
    pub(crate) start: Option<i64>,
    /// The first instant after, wall-clock microseconds.
    pub(crate) end: Option<i64>,
    pub(crate) bbox: Option<Rectangle>,
    pub(crate) polygon: Option<Arc<Area>>,
    pub(crate) near: Option<Circle>,
    /// The H3 resolution of cells.
    pub(crate) resolution: u8,
    pub(crate) precision: TimePrecision,
    pub(crate) hours: Vec<i32>,
    pub(crate) weekdays: Vec<i32>,
    pub(crate) group_by: Vec<Dimension>,
    /// Rows at most.
    pub(crate) limit: usize,
}

impl Question {
    /// Reads the question.
    ///
    /// # Errors
    /// The first parameter that is wrong, and what it may be.
    pub(crate) fn parse(parameters: &Parameters, options: &ServeOptions) -> Result<Self, Problem> {
        check_format(parameters.one("format"))?;
        let (start, end) = window(parameters)?;
        let labels = Dimension::LABELS.into_iter().filter_map(|dimension| {
            let texts = parameters.many(dimension.name()).filter(|texts| !texts.is_empty())?;
            Some((dimension, texts.to_vec()))
        });
        let precision = precision(parameters.one("time_precision").unwrap_or("24h"))?;
        let mut group_by = group_by(parameters.many("group_by"))?;
        if precision == TimePrecision::All {
            group_by.retain(|dimension| *dimension != Dimension::Time);
        }
        Ok(Self {
            resources: parameters.many("resource").unwrap_or_default().to_vec(),
            labels: labels.collect(),
            start,
            end,
            bbox: parameters.one("bbox").map(bbox).transpose()?,
            polygon: parameters.one("polygon").map(|text| polygon(text, options.max_corners)).transpose()?,
            near: parameters.one("near").map(near).transpose()?,
            resolution: number(parameters, "geo_precision", 0, FINEST_RESOLUTION)?.unwrap_or(9),
            precision,
            hours: numbers(parameters, "hour", 0, 23)?,
            weekdays: numbers(parameters, "weekday", 1, 7)?,
            group_by,
            limit: number(parameters, "limit", 1, options.max_limit)?.unwrap_or(options.default_limit),
        })
    }

    /// Checks that every resource asked for is one of `known`.
    ///
    /// # Errors
    /// The first that is not, and the nearest that is.
    pub(crate) fn check_resources(&self, known: &BTreeSet<&str>) -> Result<(), Problem> {
        match self.resources.iter().find(|name| !known.contains(name.as_str())) {
            None => Ok(()),
            Some(name) => Err(not_one_of("resource", name, known.iter().copied())),
        }
    }

    /// Whether hourly counts answer it: no test of an incident's point, no time finer than the hour.
    pub(crate) fn is_answered_by_counts(&self) -> bool {
        let whole = |instant: Option<i64>| instant.is_none_or(|instant| instant.rem_euclid(MICROS_PER_HOUR) == 0);
        let anywhere = self.bbox.is_none() && self.polygon.is_none() && self.near.is_none();
        let hourly = self.precision.holds_hours() || !self.group_by.contains(&Dimension::Time);
        anywhere && hourly && whole(self.start) && whole(self.end)
    }
}

fn window(parameters: &Parameters) -> Result<(Option<i64>, Option<i64>), Problem> {
    let instant = |name: &str| parameters.one(name).map(|text| time(name, text)).transpose();
    let (start, end) = (instant("start_time")?, instant("end_time")?);
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        let what = "`end_time` must lie after `start_time`: the window holds its start and not its end";
        return Err(Problem::parameter("end_time", what));
    }
    Ok((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Question, Problem> {
        Question::parse(&Parameters::from_query("/aggregates", ACCEPTED, query)?, &ServeOptions::default())
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
        assert_eq!(question.resources, ["311-cases"]);
        assert_eq!(question.labels, [(Dimension::Category, vec!["Graffiti, Public".to_owned()])]);
        assert_eq!(question.end.expect("an end") - question.start.expect("a start"), 25 * MICROS_PER_HOUR);
        assert_eq!((question.hours, question.weekdays), (vec![0, 23], vec![7]));
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
            ("bbox=1,1,0,2", "bbox", "west not above east"),
            ("near=37,-122,0", "near", "metres above 0"),
            ("near=37,-122,NaN", "near", "metres above 0"),
            ("near=-122,37,5", "near", "latitude,longitude"),
            ("polygon=%7B%7D", "polygon", "GeoJSON Polygon"),
            ("format=csv", "format", "not there yet"),
            ("format=xml", "format", "`parquet`"),
            ("format=jsn", "format", "it may be `json`"),
        ] {
            let problem = ask(query).expect_err(query);
            assert_eq!(problem.parameter.as_deref(), Some(parameter), "{query}: {problem:?}");
            assert!(problem.detail.contains(says), "{query}: {}", problem.detail);
        }
    }

    #[test]
    fn an_unknown_resource_finds_its_neighbour() {
        let known = BTreeSet::from(["311-cases", "fire-incidents"]);
        let check = |query: &str| ask(query).expect("a question").check_resources(&known);
        assert_eq!(check("resource=311-cases"), Ok(()));
        let problem = check("resource=311-cases&resource=fire-incident").expect_err("unknown");
        assert!(problem.detail.contains("did you mean `fire-incidents`?"), "{}", problem.detail);
        assert_eq!(problem.parameter.as_deref(), Some("resource"));
    }
}

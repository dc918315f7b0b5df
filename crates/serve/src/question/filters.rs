//! Which incidents are asked for: by resource, label, place and time; the same words for every endpoint.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use lake_model::{MICROS_PER_HOUR, year_of};
use lake_query::{Area, Rectangle};

use super::bucket::{hour, weekday};
use super::choice::Choice;
use super::dimension::Dimension;
use super::parameters::{Parameter, Parameters, Shape, Values};
use super::place::{CellRange, Circle, holds_point};
use super::values::{bbox, cells, flag, in_order, near, not_one_of, numbers, polygon, time};
use crate::limits::Limits;
use crate::problem::Problem;

/// The parameters that choose incidents.
pub(crate) const FILTERS: [Parameter; 20] = [
    Parameter::new("resource", Shape::Many, "Only these resources."),
    Parameter::new("resource!", Shape::Many, "None of these resources."),
    Parameter::new("category", Shape::Many, "Only these categories; empty stands for those without one."),
    Parameter::new("category!", Shape::Many, "None of these categories; empty leaves out those without one."),
    Parameter::new("subcategory", Shape::Many, "Only these subcategories."),
    Parameter::new("subcategory!", Shape::Many, "None of these subcategories."),
    Parameter::new("district", Shape::Many, "Only these districts."),
    Parameter::new("district!", Shape::Many, "None of these districts."),
    Parameter::new("neighborhood", Shape::Many, "Only these neighborhoods."),
    Parameter::new("neighborhood!", Shape::Many, "None of these neighborhoods."),
    Parameter::new(
        "start_time",
        Shape::One,
        "The first instant inside: a date, minutes or seconds of the city's wall clock.",
    ),
    Parameter::new("end_time", Shape::One, "The first instant after."),
    Parameter::of("hour", Shape::Many, Values::Whole(0, 23), "Only these hours of the day."),
    Parameter::of("weekday", Shape::Many, Values::Whole(1, 7), "Only these days of the week, Monday 1 to Sunday 7."),
    Parameter::of("dated", Shape::One, Values::Flag, "Only incidents with a usable time, or only those without."),
    Parameter::new("cell", Shape::Many, "Only incidents in these H3 cells, hexadecimal, of any resolution up to 10."),
    Parameter::of("located", Shape::One, Values::Flag, "Only incidents with a usable place, or only those without."),
    Parameter::new(
        "bbox",
        Shape::Numbers,
        "Only points in the box west,south,east,north, degrees; west above east crosses the 180th meridian.",
    ),
    Parameter::new(
        "polygon",
        Shape::Object,
        "Only points in a GeoJSON Polygon or MultiPolygon, or a Feature with one. Longitudes may go on beyond 180 or -180.",
    ),
    Parameter::new("near", Shape::Numbers, "Only points within latitude,longitude,metres."),
];

/// The filters and, after them, the parameters that are an endpoint's own.
pub(crate) const fn with_filters<const OWN: usize, const ALL: usize>(own: [Parameter; OWN]) -> [Parameter; ALL] {
    let mut all = [FILTERS[0]; ALL];
    let mut n = 0;
    while n < ALL {
        all[n] = if n < FILTERS.len() { FILTERS[n] } else { own[n - FILTERS.len()] };
        n += 1;
    }
    all
}

/// Which incidents are asked for: equal for all questions that mean the same, however they were written.
#[derive(Clone, Debug)]
pub(crate) struct Filters {
    pub(crate) resources: Choice,
    /// What is asked of labels, by dimension.
    pub(crate) labels: Vec<(Dimension, Choice)>,
    /// The first instant inside, wall-clock microseconds.
    pub(crate) start: Option<i64>,
    /// The first instant after, wall-clock microseconds.
    pub(crate) end: Option<i64>,
    pub(crate) hours: Vec<i32>,
    pub(crate) weekdays: Vec<i32>,
    pub(crate) dated: Option<bool>,
    pub(crate) cells: Vec<CellRange>,
    pub(crate) located: Option<bool>,
    pub(crate) bbox: Option<Rectangle>,
    pub(crate) polygon: Option<Arc<Area>>,
    pub(crate) near: Option<Circle>,
}

impl Filters {
    /// Reads the filters.
    ///
    /// # Errors
    /// The first parameter that is wrong, and what it may be.
    pub(crate) fn parse(parameters: &Parameters, limits: &Limits) -> Result<Self, Problem> {
        let (start, end) = window(parameters)?;
        let labels = Dimension::LABELS.map(|dimension| (dimension, Choice::parse(parameters, dimension.name())));
        Ok(Self {
            resources: Choice::parse(parameters, "resource"),
            labels: labels.into_iter().filter(|(_, choice)| *choice != Choice::default()).collect(),
            start,
            end,
            hours: in_order(numbers(parameters, "hour", 0, 23)?),
            weekdays: in_order(numbers(parameters, "weekday", 1, 7)?),
            dated: flag(parameters, "dated")?,
            cells: in_order(few_cells(parameters, limits.max_cells)?),
            located: flag(parameters, "located")?,
            bbox: parameters.one("bbox").map(bbox).transpose()?,
            polygon: parameters.one("polygon").map(|text| polygon(text, limits.max_corners)).transpose()?,
            near: parameters.one("near").map(near).transpose()?,
        })
    }

    /// Returns filters that every incident fits.
    pub(crate) fn none() -> Self {
        Self {
            resources: Choice::default(),
            labels: Vec::new(),
            start: None,
            end: None,
            hours: Vec::new(),
            weekdays: Vec::new(),
            dated: None,
            cells: Vec::new(),
            located: None,
            bbox: None,
            polygon: None,
            near: None,
        }
    }

    /// The resources and places asked for, of whatever kind and time.
    pub(crate) fn places(&self) -> Self {
        Self {
            labels: self.labels.iter().filter(|(label, _)| label.is_place()).cloned().collect(),
            start: None,
            end: None,
            hours: Vec::new(),
            weekdays: Vec::new(),
            dated: None,
            ..self.clone()
        }
    }

    /// Whether nothing but resources and places is asked for.
    pub(crate) fn are_places(&self) -> bool {
        let any_time = self.start.is_none() && self.end.is_none() && self.dated.is_none();
        let any_hour = self.hours.is_empty() && self.weekdays.is_empty();
        any_time && any_hour && self.labels.iter().all(|(label, _)| label.is_place())
    }

    /// Checks that every resource named is one of `known`.
    ///
    /// # Errors
    /// The first that is not, and the nearest that is.
    pub(crate) fn check_resources(&self, known: &BTreeSet<&str>) -> Result<(), Problem> {
        let mut named = self.resources.wanted.iter().chain(&self.resources.unwanted);
        match named.find(|name| !known.contains(name.as_str())) {
            None => Ok(()),
            Some(name) => Err(not_one_of("resource", name, known.iter().copied())),
        }
    }

    /// Whether hourly counts can be filtered so: no test of an incident's point, no broken hour.
    pub(crate) fn are_hourly(&self) -> bool {
        let whole = |instant: Option<i64>| instant.is_none_or(|instant| instant.rem_euclid(MICROS_PER_HOUR) == 0);
        let anywhere = self.bbox.is_none() && self.polygon.is_none() && self.near.is_none();
        anywhere && whole(self.start) && whole(self.end)
    }

    /// The tests of columns that `counts` and `incidents` share.
    pub(crate) fn shared(&self) -> Vec<Expr> {
        let occurred_at = || col("occurred_at");
        let null_or_not = |column: Expr, there: bool| if there { column.is_not_null() } else { column.is_null() };
        let cells = self.cells.iter().map(CellRange::holds).reduce(Expr::or);
        let tests = [
            self.start.map(|start| occurred_at().gt_eq(instant(start))),
            self.end.map(|end| occurred_at().lt(instant(end))),
            one_of(hour(occurred_at()), &self.hours),
            one_of(weekday(occurred_at()), &self.weekdays),
            self.dated.map(|dated| null_or_not(occurred_at(), dated)),
            self.located.map(|located| null_or_not(col("cell"), located)),
            cells,
        ];
        let labels = self.labels.iter().flat_map(|(label, choice)| choice.tests(&col(label.member())));
        self.resources.tests(&col("resource")).into_iter().chain(tests.into_iter().flatten()).chain(labels).collect()
    }

    /// The years that the window touches: their files alone are opened. The undated have none, and no window holds them.
    pub(crate) fn years(&self) -> Option<Expr> {
        let from = self.start.map(|start| col("year").gt_eq(lit(year_of(start))));
        let to = self.end.map(|end| col("year").lt_eq(lit(year_of(end - 1))));
        from.into_iter().chain(to).reduce(Expr::and)
    }

    /// The tests of an incident's point, the cheap ones of boxes first.
    pub(crate) fn points(&self) -> Option<Expr> {
        let near = self.near;
        let polygon = self.polygon.clone();
        let boxes = [self.bbox, near.map(|c| c.bounds()), polygon.as_ref().map(|p| p.bounds())];
        let tests = [
            near.map(|circle| holds_point("near", move |lat, lon| circle.contains(lat, lon))),
            polygon.map(|area| holds_point("polygon", move |lat, lon| area.contains(lat, lon))),
        ];
        boxes.into_iter().flatten().map(|b| b.holds()).chain(tests.into_iter().flatten()).reduce(Expr::and)
    }
}

/// Each cell is a test of its own, one within the other: many are more than a plan should hold.
fn few_cells(parameters: &Parameters, most: usize) -> Result<Vec<CellRange>, Problem> {
    let named = parameters.many("cell").map_or(0, <[String]>::len);
    if named > most {
        let what = format!("`cell` names {named} cells; it may name {most} (`max_cells` of /limits)");
        return Err(Problem::parameter("cell", what));
    }
    cells(parameters, "cell")
}

fn instant(micros: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(micros), None))
}

fn one_of(value: Expr, numbers: &[i32]) -> Option<Expr> {
    (!numbers.is_empty()).then(|| value.in_list(numbers.iter().map(|number| lit(*number)).collect(), false))
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

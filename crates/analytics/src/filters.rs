//! Filters of incidents by resource, label, place and time, the same for every endpoint.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use lake_model::{MICROS_PER_HOUR, year_of};
use lake_query::{Area, CellBox, Rectangle};
use lake_segments::{CellOverlap, PlaceFilter};

use crate::dimension::Dimension;
use crate::error::ParameterError;
use crate::limits::AnswerLimits;
use crate::parameter_values::{
    parse_bbox, parse_cells, parse_integers, parse_near, parse_optional_boolean, parse_polygon, parse_time,
    sort_and_dedup, unknown_value,
};
use crate::parameters::{Parameter, Parameters, Shape, ValueKind};
use crate::spatial_filter::{CellRange, Circle, point_in_plan};
use crate::time_bucket::{day_of_week, hour_of_day};
use crate::value_filter::ValueFilter;

/// The parameters that filter incidents.
pub const FILTERS: [Parameter; 20] = [
    Parameter::new("resource", Shape::Many, "Only incidents of these resources; all by default."),
    Parameter::new("resource!", Shape::Many, "No incidents of these resources."),
    Parameter::new(
        "category",
        Shape::Many,
        "Only incidents of these categories; an empty value selects incidents without one. All by default.",
    ),
    Parameter::new(
        "category!",
        Shape::Many,
        "No incidents of these categories; an empty value excludes incidents without one.",
    ),
    Parameter::new("subcategory", Shape::Many, "Only incidents of these subcategories; all by default."),
    Parameter::new("subcategory!", Shape::Many, "No incidents of these subcategories."),
    Parameter::new("district", Shape::Many, "Only incidents in these districts; all by default."),
    Parameter::new("district!", Shape::Many, "No incidents in these districts."),
    Parameter::new("neighborhood", Shape::Many, "Only incidents in these neighborhoods; all by default."),
    Parameter::new("neighborhood!", Shape::Many, "No incidents in these neighborhoods."),
    Parameter::new(
        "start_time",
        Shape::One,
        "Only incidents at or after this time on the city's wall clock: a date, or a date and a time to the minute or \
         second. No limit by default.",
    ),
    Parameter::new(
        "end_time",
        Shape::One,
        "Only incidents before this time, written as `start_time`. No limit by default.",
    ),
    Parameter::with_values(
        "hour",
        Shape::Many,
        ValueKind::Integer(0, 23),
        "Only incidents in these hours of the day, 0 to 23; all by default.",
    ),
    Parameter::with_values(
        "weekday",
        Shape::Many,
        ValueKind::Integer(1, 7),
        "Only incidents on these days of the week, Monday 1 to Sunday 7; all by default.",
    ),
    Parameter::with_values(
        "dated",
        Shape::One,
        ValueKind::Boolean,
        "`true`: only incidents with a usable time; `false`: only those without. Both by default.",
    ),
    Parameter::new(
        "cell",
        Shape::Many,
        "Only incidents in these H3 cells, hexadecimal, of resolutions 0 to 10; all by default.",
    ),
    Parameter::with_values(
        "located",
        Shape::One,
        ValueKind::Boolean,
        "`true`: only incidents with a usable place; `false`: only those without. Both by default.",
    ),
    Parameter::new(
        "bbox",
        Shape::Numbers,
        "Only incidents in this box: west,south,east,north in degrees. If west is greater than east, the box crosses the \
         180th meridian.",
    ),
    Parameter::new(
        "polygon",
        Shape::Object,
        "Only incidents in this GeoJSON Polygon or MultiPolygon, or Feature with one. Its longitudes may continue beyond \
         180 or -180.",
    ),
    Parameter::new(
        "near",
        Shape::Numbers,
        "Only incidents in this circle: latitude,longitude,radius in degrees and metres.",
    ),
];

/// Returns the parameters of the filters, followed by an endpoint's own.
pub const fn with_filters<const OWN: usize, const ALL: usize>(own: [Parameter; OWN]) -> [Parameter; ALL] {
    let mut all = [FILTERS[0]; ALL];
    let mut n = 0;
    while n < ALL {
        all[n] = if n < FILTERS.len() { FILTERS[n] } else { own[n - FILTERS.len()] };
        n += 1;
    }
    all
}

/// The filters of a question, in a canonical form: two questions with the same meaning have equal filters.
#[derive(Clone, Debug)]
pub struct Filters {
    /// The resources.
    pub resources: ValueFilter,
    /// The filters of labels, by dimension.
    pub labels: Vec<(Dimension, ValueFilter)>,
    /// The first instant inside, wall-clock microseconds.
    pub start: Option<i64>,
    /// The first instant after, wall-clock microseconds.
    pub end: Option<i64>,
    /// Hours of the day, 0 to 23; all if empty.
    pub hours: Vec<i32>,
    /// ISO days of the week, 1 to 7; all if empty.
    pub weekdays: Vec<i32>,
    /// Only incidents with a time, or only those without.
    pub dated: Option<bool>,
    /// Cells, any of which contains the incident; all if empty.
    pub cells: Vec<CellRange>,
    /// Only incidents with a place, or only those without.
    pub located: Option<bool>,
    /// A box that contains the point.
    pub bbox: Option<Rectangle>,
    /// An area that contains the point.
    pub polygon: Option<Arc<Area>>,
    /// A circle that contains the point.
    pub near: Option<Circle>,
}

impl Filters {
    /// Parses the filters.
    ///
    /// # Errors
    /// The first parameter that is not valid.
    pub fn parse(parameters: &Parameters, limits: &AnswerLimits) -> Result<Self, ParameterError> {
        let (start, end) = window(parameters)?;
        let labels = Dimension::LABELS.map(|dimension| (dimension, ValueFilter::parse(parameters, dimension.name())));
        Ok(Self {
            resources: ValueFilter::parse(parameters, "resource"),
            labels: labels.into_iter().filter(|(_, choice)| *choice != ValueFilter::default()).collect(),
            start,
            end,
            hours: sort_and_dedup(parse_integers(parameters, "hour", 0, 23)?),
            weekdays: sort_and_dedup(parse_integers(parameters, "weekday", 1, 7)?),
            dated: parse_optional_boolean(parameters, "dated")?,
            cells: sort_and_dedup(parse_bounded_cells(parameters, limits.max_cells)?),
            located: parse_optional_boolean(parameters, "located")?,
            bbox: parameters.single("bbox").map(parse_bbox).transpose()?,
            polygon: parameters.single("polygon").map(|text| parse_polygon(text, limits.max_corners)).transpose()?,
            near: parameters.single("near").map(parse_near).transpose()?,
        })
    }

    /// Returns filters that every incident passes.
    pub fn none() -> Self {
        Self {
            resources: ValueFilter::default(),
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

    /// Returns the filters of resources and places alone.
    pub fn without_kinds_and_times(&self) -> Self {
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

    /// Returns whether the filters are those of resources and places alone.
    pub fn select_only_places(&self) -> bool {
        let any_time = self.start.is_none() && self.end.is_none() && self.dated.is_none();
        let any_hour = self.hours.is_empty() && self.weekdays.is_empty();
        any_time && any_hour && self.labels.iter().all(|(label, _)| label.is_place())
    }

    /// Checks that every named resource is one of `known`.
    ///
    /// # Errors
    /// The first unknown name, with the nearest known one.
    pub fn check_resources(&self, known: &BTreeSet<&str>) -> Result<(), ParameterError> {
        let mut named = self.resources.included.iter().chain(&self.resources.excluded);
        match named.find(|name| !known.contains(name.as_str())) {
            None => Ok(()),
            Some(name) => Err(unknown_value("resource", name, known.iter().copied())),
        }
    }

    /// Returns whether hourly counts can be filtered: no point is tested, and the window consists of full hours.
    pub fn fit_hourly_counts(&self) -> bool {
        let whole = |instant: Option<i64>| instant.is_none_or(|instant| instant.rem_euclid(MICROS_PER_HOUR) == 0);
        !self.test_points() && whole(self.start) && whole(self.end)
    }

    /// Returns whether the points of incidents are tested.
    pub(crate) fn test_points(&self) -> bool {
        self.bbox.is_some() || self.polygon.is_some() || self.near.is_some()
    }

    /// Returns the conditions on columns that `counts` and `incidents` share.
    pub fn column_tests(&self) -> Vec<Expr> {
        let occurred_at = || col("occurred_at");
        let null_or_not = |column: Expr, there: bool| if there { column.is_not_null() } else { column.is_null() };
        let cells = self.cells.iter().map(CellRange::to_condition).reduce(Expr::or);
        let tests = [
            self.start.map(|start| occurred_at().gt_eq(instant(start))),
            self.end.map(|end| occurred_at().lt(instant(end))),
            in_list(hour_of_day(occurred_at()), &self.hours),
            in_list(day_of_week(occurred_at()), &self.weekdays),
            self.dated.map(|dated| null_or_not(occurred_at(), dated)),
            self.located.map(|located| null_or_not(col("cell"), located)),
            cells,
        ];
        let labels = self.labels.iter().flat_map(|(label, choice)| choice.tests(&col(label.column())));
        self.resources.tests(&col("resource")).into_iter().chain(tests.into_iter().flatten()).chain(labels).collect()
    }

    /// Returns the first and the last year of the window, where it has an end on that side.
    pub(crate) fn years(&self) -> (Option<i32>, Option<i32>) {
        (self.start.map(year_of), self.end.map(|end| year_of(end - 1)))
    }

    /// Returns the condition on `year`, so that only files of the years of the window are opened. Undated incidents have no
    /// year, and no window contains them.
    pub fn year_test(&self) -> Option<Expr> {
        let (first, last) = self.years();
        let from = first.map(|first| col("year").gt_eq(lit(first)));
        let to = last.map(|last| col("year").lt_eq(lit(last)));
        from.into_iter().chain(to).reduce(Expr::and)
    }

    /// Returns the test of an incident's place by its cell and point; `None` if every place passes. `boxes` are those of the
    /// cells by code, from code 1 on.
    pub(crate) fn place_filter(&self, boxes: &[Option<CellBox>]) -> Option<PlaceFilter> {
        if !self.test_points() {
            return None;
        }
        let (bbox, polygon, near) = (self.bbox, self.polygon.clone(), self.near);
        let overlap = |cell: &CellBox| {
            let of_bbox = bbox.iter().map(|bbox| bbox.overlap(cell));
            let of_near = near.iter().map(|near| near.overlap(cell));
            let of_polygon = polygon.iter().map(|polygon| polygon.overlap(cell));
            of_bbox.chain(of_near).chain(of_polygon).min().unwrap_or(CellOverlap::Inside)
        };
        let of_cells = boxes.iter().map(|cell| cell.as_ref().map_or(CellOverlap::Partial, overlap));
        let cells = std::iter::once(CellOverlap::Outside).chain(of_cells).collect();
        let bounds = [near.map(|near| near.bounds()), polygon.as_ref().map(|polygon| polygon.bounds())];
        let contains = move |latitude: f64, longitude: f64| {
            // As in the plan, with the same order of floating-point numbers.
            bounds.iter().flatten().all(|bounds| bounds.contains(latitude, longitude))
                && bbox.is_none_or(|bbox| bbox.contains(latitude, longitude))
                && near.is_none_or(|near| near.contains(latitude, longitude))
                && polygon.as_ref().is_none_or(|polygon| polygon.contains(latitude, longitude))
        };
        Some(PlaceFilter { cells, contains: Arc::new(contains) })
    }

    /// Returns the condition on an incident's point; the bounding boxes, which are cheap, come first.
    pub fn point_test(&self) -> Option<Expr> {
        let near = self.near;
        let polygon = self.polygon.clone();
        let boxes = [self.bbox, near.map(|c| c.bounds()), polygon.as_ref().map(|p| p.bounds())];
        let tests = [
            near.map(|circle| point_in_plan("near", move |lat, lon| circle.contains(lat, lon))),
            polygon.map(|area| point_in_plan("polygon", move |lat, lon| area.contains(lat, lon))),
        ];
        boxes.into_iter().flatten().map(|b| b.to_condition()).chain(tests.into_iter().flatten()).reduce(Expr::and)
    }
}

/// Parses at most `most` cells: each is a condition of its own, nested in the others, so many would make the plan too deep.
fn parse_bounded_cells(parameters: &Parameters, most: usize) -> Result<Vec<CellRange>, ParameterError> {
    let named = parameters.all("cell").map_or(0, <[String]>::len);
    if named > most {
        let what = format!("`cell` names {named} cells; it may name {most} (`max_cells` of /limits)");
        return Err(ParameterError::new("cell", what));
    }
    parse_cells(parameters, "cell")
}

fn instant(micros: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(micros), None))
}

fn in_list(value: Expr, numbers: &[i32]) -> Option<Expr> {
    (!numbers.is_empty()).then(|| value.in_list(numbers.iter().map(|number| lit(*number)).collect(), false))
}

fn window(parameters: &Parameters) -> Result<(Option<i64>, Option<i64>), ParameterError> {
    let instant = |name: &str| parameters.single(name).map(|text| parse_time(name, text)).transpose();
    let (start, end) = (instant("start_time")?, instant("end_time")?);
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        let what = "`end_time` must be after `start_time`: the window includes its start but not its end";
        return Err(ParameterError::new("end_time", what));
    }
    Ok((start, end))
}

//! The values of parameters: each read, or refused with what it may be.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use lake_model::{listed, nearest, parse_wall_clock};
use lake_query::{Area, Rectangle, parse_cell};

use crate::problem::Problem;
use crate::question::bucket::{PRECISIONS, TimePrecision};
use crate::question::dimension::Dimension;
use crate::question::parameters::Parameters;
use crate::question::place::{CellRange, Circle};

/// The problem of a name that is not among those there are, with the nearest that is.
pub(crate) fn not_one_of<'k>(parameter: &str, given: &str, names: impl Iterator<Item = &'k str> + Clone) -> Problem {
    let may = match nearest(given, names.clone()) {
        Some(near) => format!("did you mean `{near}`? It may be"),
        None => "it may be".to_owned(),
    };
    Problem::parameter(parameter, format!("`{given}` is no `{parameter}`; {may} {}", listed(names)))
}

/// An instant, wall-clock microseconds.
pub(crate) fn time(name: &str, text: &str) -> Result<i64, Problem> {
    // A year or a month alone would leave open whether an end means its first or its last day.
    let whole_date = text.trim().as_bytes().get("2024-06".len()) == Some(&b'-');
    parse_wall_clock(text).filter(|_| whole_date).ok_or_else(|| {
        let what = format!(
            "`{text}` is no `{name}`; it may be a date, minutes or seconds, such as 2024-06-01, 2024-06-01T12:30 or \
             2024-06-01T12:30:00: the city's wall clock, without an offset"
        );
        Problem::parameter(name, what)
    })
}

/// The length of time buckets.
pub(crate) fn precision(given: &str) -> Result<TimePrecision, Problem> {
    let found = PRECISIONS.iter().find(|(name, _)| *name == given).map(|(_, precision)| *precision);
    found.ok_or_else(|| not_one_of("time_precision", given, PRECISIONS.iter().map(|(name, _)| *name)))
}

/// What is grouped by, in the order in which it is first named.
pub(crate) fn group_by(given: Option<&[String]>) -> Result<Vec<Dimension>, Problem> {
    let Some(given) = given else {
        return Ok(vec![Dimension::Resource, Dimension::Cell, Dimension::Time]);
    };
    let mut dimensions = Vec::new();
    for name in given.iter().filter(|text| !text.trim().is_empty()).flat_map(|text| text.split(',')) {
        let name = name.trim();
        let found = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
        let dimension = found.ok_or_else(|| not_one_of("group_by", name, Dimension::ALL.iter().map(|d| d.name())))?;
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    Ok(dimensions)
}

/// A whole number from `least` to `most`.
pub(crate) fn whole<N>(name: &str, text: &str, least: N, most: N) -> Result<N, Problem>
where
    N: FromStr + PartialOrd + Display,
{
    match text.trim().parse::<N>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(Problem::parameter(
            name,
            format!("`{text}` is no `{name}`; it may be a whole number from {least} to {most}"),
        )),
    }
}

/// A whole number, where it is given.
pub(crate) fn number<N>(parameters: &Parameters, name: &str, least: N, most: N) -> Result<Option<N>, Problem>
where
    N: FromStr + PartialOrd + Display,
{
    parameters.one(name).map(|text| whole(name, text, least, most)).transpose()
}

/// What is asked for by several values: neither their order nor how often each is given asks anything else.
pub(crate) fn in_order<T: Ord>(mut given: Vec<T>) -> Vec<T> {
    given.sort();
    given.dedup();
    given
}

/// A number above 0 and at most `most`, where it is given.
pub(crate) fn proportion(parameters: &Parameters, name: &str, most: f64) -> Result<Option<f64>, Problem> {
    let read = |text: &str| {
        let number = text.trim().parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= most);
        number.ok_or_else(|| {
            let what = format!("`{text}` is no `{name}`; it may be a number above 0 and at most {most}");
            Problem::parameter(name, what)
        })
    };
    parameters.one(name).map(read).transpose()
}

/// Any number of whole numbers.
pub(crate) fn numbers(parameters: &Parameters, name: &str, least: i32, most: i32) -> Result<Vec<i32>, Problem> {
    parameters.many(name).unwrap_or_default().iter().map(|text| whole(name, text, least, most)).collect()
}

/// A yes or no, where it is given.
pub(crate) fn flag(parameters: &Parameters, name: &str) -> Result<Option<bool>, Problem> {
    parameters
        .one(name)
        .map(|text| text.parse().map_err(|_| not_one_of(name, text, ["true", "false"].into_iter())))
        .transpose()
}

/// Any number of cells.
pub(crate) fn cells(parameters: &Parameters, name: &str) -> Result<Vec<CellRange>, Problem> {
    let cell = |text: &String| {
        parse_cell(text).and_then(CellRange::of).ok_or_else(|| {
            let what = "it may be an H3 index of resolution 0 to 10, hexadecimal, such as 8928308280fffff";
            Problem::parameter(name, format!("`{text}` is no `{name}`; {what}"))
        })
    };
    parameters.many(name).unwrap_or_default().iter().map(cell).collect()
}

/// Numbers between commas, as many as there should be.
fn reals<const N: usize>(text: &str) -> Option<[f64; N]> {
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|part| part.trim().parse::<f64>().ok().filter(|n| n.is_finite())).collect();
    numbers?.try_into().ok()
}

/// A box.
pub(crate) fn bbox(text: &str) -> Result<Rectangle, Problem> {
    match reals(text) {
        Some([west, south, east, north])
            if west.abs() <= 180.0 && east.abs() <= 180.0 && south >= -90.0 && south <= north && north <= 90.0 =>
        {
            Ok(Rectangle { west, south, east, north })
        }
        _ => {
            let what = "it may be west,south,east,north in degrees, longitudes from -180 to 180 and south not above \
                        north, such as -122.52,37.70,-122.35,37.83; west above east crosses the 180th meridian";
            Err(Problem::parameter("bbox", format!("`{text}` is no `bbox`; {what}")))
        }
    }
}

/// A circle.
pub(crate) fn near(text: &str) -> Result<Circle, Problem> {
    match reals(text) {
        Some([latitude, longitude, metres]) if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && metres > 0.0 => {
            Ok(Circle { latitude, longitude, metres })
        }
        _ => {
            let what = "it may be latitude,longitude,metres in degrees and metres above 0, such as 37.77,-122.42,500";
            Err(Problem::parameter("near", format!("`{text}` is no `near`; {what}")))
        }
    }
}

/// An area of at most `most_corners` positions.
pub(crate) fn polygon(text: &str, most_corners: usize) -> Result<Arc<Area>, Problem> {
    Area::parse(text, most_corners).map(Arc::new).map_err(|why| {
        let what = "it may be a GeoJSON Polygon or MultiPolygon, or a Feature with one";
        Problem::parameter("polygon", format!("`polygon` cannot be used: {why}; {what}"))
    })
}

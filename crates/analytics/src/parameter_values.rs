//! Parsers of the values of parameters; an error names the value and what is expected.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use lake_model::{listed, nearest, parse_unambiguous_json, parse_wall_clock};
use lake_query::{Area, Rectangle, parse_cell};

use crate::dimension::Dimension;
use crate::error::ParameterError;
use crate::limits::AnswerLimits;
use crate::parameters::Parameters;
use crate::spatial_filter::{CellRange, Circle};
use crate::time_bucket::{PRECISIONS, TimePrecision};

/// Returns the error of a value that is not one of `names`, with the nearest of them.
pub fn unknown_value<'k>(parameter: &str, given: &str, names: impl Iterator<Item = &'k str> + Clone) -> ParameterError {
    let may = match nearest(given, names.clone()) {
        Some(near) => format!("did you mean `{near}`? Expected"),
        None => "expected".to_owned(),
    };
    ParameterError::new(parameter, format!("`{given}` is not a valid `{parameter}`: {may} {}", listed(names)))
}

/// Parses an instant as wall-clock microseconds.
pub(crate) fn parse_time(name: &str, text: &str) -> Result<i64, ParameterError> {
    // A year or a month alone would leave open whether an end means its first or its last day.
    let whole_date = text.trim().as_bytes().get("2024-06".len()) == Some(&b'-');
    parse_wall_clock(text).filter(|_| whole_date).ok_or_else(|| {
        let what = format!(
            "`{text}` is not a valid `{name}`: expected a date, minutes or seconds, such as 2024-06-01, 2024-06-01T12:30 or \
             2024-06-01T12:30:00, in the city's wall-clock time without an offset"
        );
        ParameterError::new(name, what)
    })
}

/// Parses the length of time buckets.
pub(crate) fn parse_time_precision(given: &str) -> Result<TimePrecision, ParameterError> {
    let found = PRECISIONS.iter().find(|(name, _)| *name == given).map(|(_, precision)| *precision);
    found.ok_or_else(|| unknown_value("time_precision", given, PRECISIONS.iter().map(|(name, _)| *name)))
}

/// Parses the dimensions to group by, in the order in which each is first named.
pub(crate) fn parse_group_by(given: Option<&[String]>) -> Result<Vec<Dimension>, ParameterError> {
    let Some(given) = given else {
        return Ok(vec![Dimension::Resource, Dimension::Cell, Dimension::Time]);
    };
    let mut dimensions = Vec::new();
    for name in given.iter().filter(|text| !text.trim().is_empty()).flat_map(|text| text.split(',')) {
        let name = name.trim();
        let unknown = |_: strum::ParseError| unknown_value("group_by", name, Dimension::NAMES.iter().copied());
        let dimension = name.parse().map_err(unknown)?;
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    Ok(dimensions)
}

/// Parses an integer from `min` to `max`.
pub fn parse_integer<N>(name: &str, text: &str, min: N, max: N) -> Result<N, ParameterError>
where
    N: FromStr + PartialOrd + Display,
{
    match text.trim().parse::<N>() {
        Ok(number) if number >= min && number <= max => Ok(number),
        _ => Err(ParameterError::new(
            name,
            format!("`{text}` is not a valid `{name}`: expected an integer from {min} to {max}"),
        )),
    }
}

/// Parses an integer from `min` to `max`, if the parameter is given.
pub fn parse_optional_integer<N>(
    parameters: &Parameters,
    name: &str,
    min: N,
    max: N,
) -> Result<Option<N>, ParameterError>
where
    N: FromStr + PartialOrd + Display,
{
    parameters.single(name).map(|text| parse_integer(name, text, min, max)).transpose()
}

/// Parses the greatest number of rows of an answer; the default if it is not given.
pub(crate) fn parse_limit(parameters: &Parameters, limits: &AnswerLimits) -> Result<usize, ParameterError> {
    let Some(text) = parameters.single("limit") else { return Ok(limits.default_rows) };
    if limits.max_rows < usize::MAX {
        return parse_integer("limit", text, 1, limits.max_rows).map_err(|error| error.with_limit_name("max_rows"));
    }
    text.trim().parse().ok().filter(|rows| *rows > 0).ok_or_else(|| {
        let what = format!("`{text}` is not a valid `limit`: expected an integer from 1");
        ParameterError::new("limit", what)
    })
}

/// Sorts values and removes duplicates: neither their order nor repetition changes the meaning of a filter.
pub(crate) fn sort_and_dedup<T: Ord>(mut given: Vec<T>) -> Vec<T> {
    given.sort();
    given.dedup();
    given
}

/// Parses a number above 0 and at most `max`, if the parameter is given.
pub(crate) fn parse_optional_proportion(
    parameters: &Parameters,
    name: &str,
    max: f64,
) -> Result<Option<f64>, ParameterError> {
    let read = |text: &str| {
        let number = text.trim().parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= max);
        number.ok_or_else(|| {
            let what = format!("`{text}` is not a valid `{name}`: expected a number above 0 and at most {max}");
            ParameterError::new(name, what)
        })
    };
    parameters.single(name).map(read).transpose()
}

/// Parses any number of integers.
pub(crate) fn parse_integers(
    parameters: &Parameters,
    name: &str,
    min: i32,
    max: i32,
) -> Result<Vec<i32>, ParameterError> {
    parameters.all(name).unwrap_or_default().iter().map(|text| parse_integer(name, text, min, max)).collect()
}

/// Parses `true` or `false`, if the parameter is given.
pub fn parse_optional_boolean(parameters: &Parameters, name: &str) -> Result<Option<bool>, ParameterError> {
    parameters
        .single(name)
        .map(|text| text.parse().map_err(|_| unknown_value(name, text, ["true", "false"].into_iter())))
        .transpose()
}

/// Parses any number of cells.
pub(crate) fn parse_cells(parameters: &Parameters, name: &str) -> Result<Vec<CellRange>, ParameterError> {
    let cell = |text: &String| {
        parse_cell(text).and_then(CellRange::of).ok_or_else(|| {
            let what = "expected an H3 index of resolution 0 to 10, hexadecimal, such as 8928308280fffff";
            ParameterError::new(name, format!("`{text}` is not a valid `{name}`: {what}"))
        })
    };
    parameters.all(name).unwrap_or_default().iter().map(cell).collect()
}

/// Parses exactly `N` finite numbers between commas.
fn parse_reals<const N: usize>(text: &str) -> Option<[f64; N]> {
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|part| part.trim().parse::<f64>().ok().filter(|n| n.is_finite())).collect();
    numbers?.try_into().ok()
}

/// Parses a box.
pub(crate) fn parse_bbox(text: &str) -> Result<Rectangle, ParameterError> {
    match parse_reals(text) {
        Some([west, south, east, north])
            if west.abs() <= 180.0 && east.abs() <= 180.0 && south >= -90.0 && south <= north && north <= 90.0 =>
        {
            Ok(Rectangle { west, south, east, north })
        }
        _ => {
            let what = "expected west,south,east,north in degrees, longitudes from -180 to 180 and south not above \
                        north, such as -122.52,37.70,-122.35,37.83; west above east crosses the 180th meridian";
            Err(ParameterError::new("bbox", format!("`{text}` is not a valid `bbox`: {what}")))
        }
    }
}

/// Parses a circle.
pub(crate) fn parse_near(text: &str) -> Result<Circle, ParameterError> {
    match parse_reals(text) {
        Some([latitude, longitude, metres]) if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && metres > 0.0 => {
            Ok(Circle { latitude, longitude, metres })
        }
        _ => {
            let what = "expected latitude,longitude,metres in degrees and metres above 0, such as 37.77,-122.42,500";
            Err(ParameterError::new("near", format!("`{text}` is not a valid `near`: {what}")))
        }
    }
}

/// Parses an area of at most `max_corners` positions.
pub(crate) fn parse_polygon(text: &str, max_corners: usize) -> Result<Arc<Area>, ParameterError> {
    let checked = parse_unambiguous_json(text).map_err(|error| format!("it is not GeoJSON: {error}"));
    checked.and_then(|_| Area::parse(text, max_corners)).map(Arc::new).map_err(|why| {
        let what = "expected a GeoJSON Polygon or MultiPolygon, or a Feature with one";
        ParameterError::new("polygon", format!("`polygon` cannot be used: {why}; {what}"))
    })
}

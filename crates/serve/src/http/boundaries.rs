//! `/boundaries`: the outlines of neighborhoods and districts, for a map to draw, to colour and to filter by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use datafusion::logical_expr::{Expr, col, lit};
use geo::{Coord, LineString, MapCoords as _, MultiPolygon, Polygon, Simplify as _};
use lake_model::{DividedBy, Error, Kind, Result, ResultExt};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::answer::too_slow;
use super::endpoint::{BOUNDARIES, Endpoint};
use super::versioned::{Name, Timing, flag, say_reading};
use crate::app::{App, Reading};
use crate::problem::Problem;
use crate::question::parameters::{Accepted, Parameter, Parameters, Shape, Values};
use crate::question::plan::plan_error;
use crate::question::values::{not_one_of, number};

/// The most that an outline may be simplified by, metres.
const MOST_TOLERANCE: i64 = 10_000;
/// Metres of a degree of latitude.
const METRES_PER_DEGREE: f64 = 111_195.0;
/// Digits of a simplified coordinate: a tenth of a metre.
const PLACES: f64 = 1e6;

/// The parameters of `/boundaries`.
const ACCEPTED: Accepted = &[
    Parameter::new("resource", Shape::Many, "Sets of boundaries, such as sf-neighborhoods; all if not given."),
    Parameter::of(
        "dimension",
        Shape::One,
        Values::OneOf(DividedBy::NAMES),
        "Those of this label of incidents; both if not given.",
    ),
    Parameter::new("city", Shape::One, "Those of this city; every city if not given."),
    Parameter::new("counts_for", Shape::Many, "Those whose labels the incidents of these resources carry."),
    Parameter::of(
        "tolerance",
        Shape::One,
        Values::Whole(0, MOST_TOLERANCE),
        "How far a simplified outline may lie from its own, metres; 0 if not given: as published.",
    ),
];

/// What `/boundaries` is.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: BOUNDARIES,
    about: "The outlines of neighborhoods and districts as GeoJSON, with the labels that incidents carry.",
    parameters: ACCEPTED,
    formats: &[],
    takes_body: false,
};

/// Answers `GET /boundaries`.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let deadline = Instant::now() + app.limits.timeout;
    let mut timing = Timing::begin();
    let parameters = Parameters::from_query(BOUNDARIES, ACCEPTED, query.as_deref().unwrap_or_default())?;
    let tolerance = number(&parameters, "tolerance", 0, MOST_TOLERANCE)?.unwrap_or(0);
    let reading = timeout_at(deadline, app.reading()).await.map_err(|_| too_slow())??;
    let sets = chosen(&app, &reading, &parameters)?;
    timing.step("open");
    let name = Name::of_boundaries(&reading, &parameters)?;
    if name.is_known(&headers) {
        return Ok(name.not_modified(&reading.view, &[])?);
    }
    let made = async {
        let batches = read(&reading, &sets, &parameters).await?;
        let synthetic = reading.reader.boundaries_marks(&reading.view).await?;
        let synthetic = synthetic.iter().any(|(name, mark)| mark.synthetic && sets.contains(name));
        let counts_for = counts_for(&app);
        let written = tokio::task::spawn_blocking(move || collection(&batches, &counts_for, tolerance));
        Ok::<_, Error>((written.await.or_err(Kind::Internal, || "writing boundaries")??, synthetic))
    };
    let (text, synthetic) = timeout_at(deadline, made).await.map_err(|_| too_slow())??;
    timing.step("answer");
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/geo+json"));
    name.say(headers);
    say_reading(headers, &reading.view, &[])?;
    headers.remove("lake-synthetic");
    if synthetic {
        headers.insert("lake-synthetic", flag(true));
    }
    timing.say(headers);
    Ok(response)
}

/// The sets that are asked for and have landed.
fn chosen(app: &App, reading: &Reading, parameters: &Parameters) -> Result<BTreeSet<String>, Problem> {
    let landed = reading.view.boundaries_names();
    let defined = || app.reader.catalog().boundaries();
    let known: BTreeSet<&str> = defined().map(|set| set.name.as_str()).chain(landed.iter().copied()).collect();
    let mut sets = landed.clone();
    if let Some(wanted) = parameters.many("resource") {
        if let Some(wrong) = wanted.iter().find(|name| !known.contains(name.as_str())) {
            return Err(not_one_of("resource", wrong, known.iter().copied()));
        }
        sets.retain(|name| wanted.iter().any(|wanted| wanted == name));
    }
    if let Some(counted) = parameters.many("counts_for") {
        let resources = app.resource_names(&reading.view);
        if let Some(wrong) = counted.iter().find(|name| !resources.contains(name.as_str())) {
            return Err(not_one_of("counts_for", wrong, resources.iter().copied()));
        }
        let labels = |name: &str| {
            let set = defined().find(|set| set.name == name);
            set.is_some_and(|set| set.resources.iter().any(|resource| counted.contains(resource)))
        };
        sets.retain(|name| labels(name));
    }
    if let Some(dimension) = parameters.one("dimension")
        && !DividedBy::NAMES.contains(&dimension)
    {
        return Err(not_one_of("dimension", dimension, DividedBy::NAMES.iter().copied()));
    }
    Ok(sets.into_iter().map(str::to_owned).collect())
}

/// The resources that each set labels.
fn counts_for(app: &App) -> BTreeMap<String, Vec<String>> {
    app.reader.catalog().boundaries().map(|set| (set.name.clone(), set.resources.clone())).collect()
}

/// The columns that are told of, in the order in which they are read.
const COLUMNS: [&str; 10] =
    ["resource", "city", "dimension", "label", "name", "geometry", "west", "south", "east", "north"];

async fn read(reading: &Reading, sets: &BTreeSet<String>, parameters: &Parameters) -> Result<Vec<RecordBatch>> {
    let session = reading.session().await?;
    let named: Vec<Expr> = sets.iter().map(lit).collect();
    let mut frame = session.context().table("boundaries").await.map_err(plan_error)?;
    frame = frame.filter(col("resource").in_list(named, false)).map_err(plan_error)?;
    for column in ["dimension", "city"] {
        if let Some(text) = parameters.one(column) {
            frame = frame.filter(col(column).eq(lit(text))).map_err(plan_error)?;
        }
    }
    let order = ["resource", "label"].map(|column| col(column).sort(true, false));
    let frame = frame.select_columns(&COLUMNS).and_then(|frame| frame.sort(order.to_vec())).map_err(plan_error)?;
    frame.collect().await.map_err(plan_error)
}

#[derive(Serialize)]
struct Collection<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    features: Vec<Feature<'a>>,
}

#[derive(Serialize)]
struct Feature<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    bbox: [f64; 4],
    geometry: Box<RawValue>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Properties<'a> {
    resource: &'a str,
    city: &'a str,
    dimension: &'a str,
    label: &'a str,
    name: &'a str,
    counts_for: &'a [String],
}

fn collection(
    batches: &[RecordBatch],
    counts_for: &BTreeMap<String, Vec<String>>,
    tolerance_m: i64,
) -> Result<Vec<u8>> {
    let damaged = || Error::new(Kind::Data, "table boundaries: a boundary is not as it was landed");
    let mut features = Vec::new();
    for batch in batches {
        let texts = |column: usize| batch.column(column).as_string_opt::<i32>().ok_or_else(damaged);
        let degrees = |column: usize| batch.column(column).as_primitive_opt::<Float64Type>().ok_or_else(damaged);
        let (resources, cities, dimensions, labels, names) = (texts(0)?, texts(1)?, texts(2)?, texts(3)?, texts(4)?);
        let geometries = texts(5)?;
        let corners = [degrees(6)?, degrees(7)?, degrees(8)?, degrees(9)?];
        for row in 0..batch.num_rows() {
            let (resource, label) = (resources.value(row), labels.value(row));
            let text = geometries.value(row);
            features.push(Feature {
                kind: "Feature",
                id: format!("{resource}/{label}"),
                bbox: corners.map(|column| column.value(row)),
                geometry: if tolerance_m == 0 { raw(text.to_owned())? } else { simplified(text, tolerance_m)? },
                properties: Properties {
                    resource,
                    city: cities.value(row),
                    dimension: dimensions.value(row),
                    label,
                    name: names.value(row),
                    counts_for: counts_for.get(resource).map_or(&[], Vec::as_slice),
                },
            });
        }
    }
    let collection = Collection { kind: "FeatureCollection", features };
    serde_json::to_vec(&collection).or_err(Kind::Internal, || "boundaries as GeoJSON")
}

fn raw(geometry: String) -> Result<Box<RawValue>> {
    RawValue::from_string(geometry).or_err(Kind::Data, || "table boundaries: a geometry is no JSON")
}

/// A stored geometry.
#[derive(Deserialize)]
struct Stored {
    coordinates: Vec<Vec<Vec<[f64; 2]>>>,
}

/// An outline with fewer positions, none of which it had lies further than `tolerance_m` metres from it.
///
/// Each ring is simplified for itself: between neighbours a gap or an overlap of that width may open.
fn simplified(geometry: &str, tolerance_m: i64) -> Result<Box<RawValue>> {
    let damaged = || "table boundaries: a geometry is no MultiPolygon";
    let stored: Stored = serde_json::from_str(geometry).or_err(Kind::Data, damaged)?;
    let ring = |ring: Vec<[f64; 2]>| ring.into_iter().map(|[x, y]| Coord { x, y }).collect::<LineString<f64>>();
    let polygons = stored.coordinates.into_iter().filter_map(|rings| {
        let mut rings = rings.into_iter().map(ring);
        rings.next().map(|outline| Polygon::new(outline, rings.collect()))
    });
    let outline = MultiPolygon::new(polygons.collect());
    let middle = outline.iter().flat_map(|polygon| polygon.exterior().coords()).map(|at| at.y).next().unwrap_or(0.0);
    // Distances are measured where a degree of longitude is as long as one of latitude.
    let narrower = middle.to_radians().cos().max(1e-6);
    #[expect(clippy::cast_precision_loss, reason = "at most ten thousand")]
    let degrees = tolerance_m as f64 / METRES_PER_DEGREE;
    let flat = outline.map_coords(|at| Coord { x: at.x * narrower, y: at.y }).simplify(degrees);
    let rounded = |value: f64| (value * PLACES).round() / PLACES;
    let positions =
        |ring: &LineString<f64>| ring.coords().map(|at| [rounded(at.x / narrower), rounded(at.y)]).collect::<Vec<_>>();
    let coordinates: Vec<Vec<Vec<[f64; 2]>>> = flat
        .iter()
        .map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(positions).collect())
        .collect();
    let text = serde_json::to_string(&coordinates).or_err(Kind::Internal, || "an outline as JSON")?;
    raw(format!(r#"{{"type":"MultiPolygon","coordinates":{text}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simplified_ring_is_closed_and_has_what_matters() {
        // A square of some 1.1 km whose southern side has a dent of 1 m, with a hole of 20 m.
        let geometry = r#"{"type":"MultiPolygon","coordinates":[[
            [[0,0],[0.005,0.00001],[0.01,0],[0.01,0.01],[0,0.01],[0,0]],
            [[0.001,0.001],[0.001,0.0012],[0.0012,0.0012],[0.0012,0.001],[0.001,0.001]]]]}"#;
        let rings = |tolerance_m: i64| -> Vec<Vec<[f64; 2]>> {
            let text = simplified(geometry, tolerance_m).expect("simplified");
            let stored: Stored = serde_json::from_str(text.get()).expect("GeoJSON");
            stored.coordinates.into_iter().flatten().collect()
        };
        assert_eq!(rings(10)[0], [[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, 0.0]]);
        assert_eq!(rings(10)[1].len(), 5);
        for ring in rings(10_000) {
            assert!(ring.len() >= 4 && ring.first() == ring.last(), "{ring:?}");
        }
    }
}

//! `/boundaries`: the outlines of neighborhoods and districts, for a map to draw, to colour and to filter by.

mod outline;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use datafusion::logical_expr::{Expr, col, lit};
use lake_analytics::{
    Parameter, ParameterTable, Parameters, Shape, ValueKind, parse_optional_integer, plan_error, unknown_value,
};
use lake_model::{BoundaryDimension, Error, Kind, Result, ResultExt, parse_json};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use self::outline::Outline;
use crate::app::{App, RequestContext};
use crate::http::endpoint::{BOUNDARIES, Endpoint};
use crate::http::request::request_params::RequestParams;
use crate::http::response::answer_tag::AnswerTag;
use crate::http::response::lake_headers::{bool_header, insert_lake_headers};
use crate::http::response::server_timing::ServerTiming;
use crate::limits::run_until;
use crate::problem::Problem;

/// The most that an outline may be simplified by, metres.
const MAX_TOLERANCE_M: i64 = 10_000;
/// The parameters of `/boundaries`.
const PARAMETERS: ParameterTable = &[
    Parameter::new("resource", Shape::Many, "Only these sets of boundaries, such as sf-neighborhoods; all by default."),
    Parameter::with_values(
        "dimension",
        Shape::One,
        ValueKind::OneOf(BoundaryDimension::NAMES),
        "Only boundaries of this label of incidents; both by default.",
    ),
    Parameter::new("city", Shape::One, "Only boundaries of this city; all by default."),
    Parameter::new(
        "counts_for",
        Shape::Many,
        "Only boundaries whose labels occur in the incidents of these resources; all by default.",
    ),
    Parameter::with_values(
        "tolerance",
        Shape::One,
        ValueKind::Integer(0, MAX_TOLERANCE_M),
        "How far simplification may move an outline, metres; smaller parts are omitted. 0 by default: outlines as \
         published.",
    ),
];

/// The definition of `/boundaries`.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: BOUNDARIES,
    about: "The outlines of neighborhoods and districts as GeoJSON, with the labels of incidents.",
    parameters: PARAMETERS,
    formats: &[],
    takes_body: false,
};

/// Answers `GET /boundaries`.
pub(crate) async fn get(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, Problem> {
    let deadline = Instant::now() + app.limits.timeout;
    let mut timing = ServerTiming::begin();
    let parameters = params.parse(&ENDPOINT)?;
    let tolerance = parse_optional_integer(&parameters, "tolerance", 0, MAX_TOLERANCE_M)?.unwrap_or(0);
    let context = run_until(deadline, app.open_context()).await?;
    let sets = select_sets(&context, &parameters)?;
    timing.step("open");
    let places = (parameters.single("dimension"), parameters.single("city"));
    let name = AnswerTag::for_boundaries(&context, &format!("{:?}", (&sets, places, tolerance)))?;
    if name.matches(&params.headers) {
        return Ok(name.not_modified(&context.snapshot, &[])?);
    }
    let made = async {
        let batches = read_rows(&context, &sets, &parameters).await?;
        let synthetic = context.reader.boundaries_marks(&context.snapshot).await?;
        let synthetic = synthetic.iter().any(|(name, mark)| mark.synthetic && sets.contains(name));
        let counts_for = counts_for(&context);
        let written = tokio::task::spawn_blocking(move || to_geojson(&batches, &counts_for, tolerance));
        Ok::<_, Error>((written.await.or_err(Kind::Internal, || "writing boundaries")??, synthetic))
    };
    let (text, synthetic) = run_until(deadline, made).await?;
    timing.step("answer");
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/geo+json"));
    name.insert_into(headers);
    insert_lake_headers(headers, &context.snapshot, &[])?;
    headers.remove("lake-synthetic");
    if synthetic {
        headers.insert("lake-synthetic", bool_header(true));
    }
    timing.insert_into(headers);
    Ok(response)
}

/// Returns the requested sets that have landed.
fn select_sets(context: &RequestContext, parameters: &Parameters) -> Result<BTreeSet<String>, Problem> {
    let landed = context.snapshot.boundaries_names();
    let defined = || context.snapshot.catalog.boundaries();
    let known: BTreeSet<&str> = defined().map(|set| set.name.as_str()).chain(landed.iter().copied()).collect();
    let mut sets = landed.clone();
    if let Some(wanted) = parameters.all("resource") {
        if let Some(wrong) = wanted.iter().find(|name| !known.contains(name.as_str())) {
            return Err(unknown_value("resource", wrong, known.iter().copied()).into());
        }
        sets.retain(|name| wanted.iter().any(|wanted| wanted == name));
    }
    if let Some(counted) = parameters.all("counts_for") {
        let resources = context.snapshot.resource_names();
        if let Some(wrong) = counted.iter().find(|name| !resources.contains(name.as_str())) {
            return Err(unknown_value("counts_for", wrong, resources.iter().copied()).into());
        }
        let labels = |name: &str| {
            let set = defined().find(|set| set.name == name);
            set.is_some_and(|set| set.resources.iter().any(|resource| counted.contains(resource)))
        };
        sets.retain(|name| labels(name));
    }
    if let Some(dimension) = parameters.single("dimension")
        && !BoundaryDimension::NAMES.contains(&dimension)
    {
        return Err(unknown_value("dimension", dimension, BoundaryDimension::NAMES.iter().copied()).into());
    }
    Ok(sets.into_iter().map(str::to_owned).collect())
}

/// Returns the resources that each set labels.
fn counts_for(context: &RequestContext) -> BTreeMap<String, Vec<String>> {
    context.snapshot.catalog.boundaries().map(|set| (set.name.clone(), set.resources.clone())).collect()
}

/// The columns of the answer, in the order in which they are read.
const COLUMNS: [&str; 10] =
    ["resource", "city", "dimension", "label", "name", "geometry", "west", "south", "east", "north"];

async fn read_rows(
    context: &RequestContext,
    sets: &BTreeSet<String>,
    parameters: &Parameters,
) -> Result<Vec<RecordBatch>> {
    let session = context.session().await?;
    let named: Vec<Expr> = sets.iter().map(lit).collect();
    let mut frame = session.context().table("boundaries").await.map_err(plan_error)?;
    frame = frame.filter(col("resource").in_list(named, false)).map_err(plan_error)?;
    for column in ["dimension", "city"] {
        if let Some(text) = parameters.single(column) {
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

fn to_geojson(
    batches: &[RecordBatch],
    counts_for: &BTreeMap<String, Vec<String>>,
    tolerance_m: i64,
) -> Result<Vec<u8>> {
    let damaged = || Error::new(Kind::Data, "table boundaries: a boundary is damaged");
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
                geometry: if tolerance_m == 0 { raw(text.to_owned())? } else { simplify(text, tolerance_m)? },
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
    RawValue::from_string(geometry).or_err(Kind::Data, || "table boundaries: a geometry is not valid JSON")
}

fn simplify(geometry: &str, tolerance_m: i64) -> Result<Box<RawValue>> {
    let stored: Outline = parse_json(geometry)
        .and_then(serde_json::from_value)
        .or_err(Kind::Data, || "table boundaries: a geometry is not a MultiPolygon")?;
    #[expect(clippy::cast_precision_loss, reason = "at most ten thousand")]
    let simple = stored.simplified(tolerance_m as f64);
    raw(serde_json::to_string(&simple).or_err(Kind::Internal, || "an outline as JSON")?)
}

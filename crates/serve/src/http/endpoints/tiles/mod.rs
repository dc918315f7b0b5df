//! `/tiles/{z}/{x}/{y}.mvt`: counts by cell as Mapbox vector tiles (<https://github.com/mapbox/vector-tile-spec>, 2.1),
//! in the Web Mercator grid that maps use.

pub(crate) mod tile_json;
mod tile_polygons;

use std::f64::consts::PI;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt as _;
use lake_analytics::{
    AggregatesRequest, Dimension, FILTERS, Filters, Parameter, ParameterTable, Shape, TimePrecision, ValueKind,
    answer_frame, parse_optional_integer, plan_error, with_filters,
};
use lake_model::{Error, FINEST_RESOLUTION, Kind, Result, ResultExt};
use lake_query::{Point, cell_corners, cell_text};
use mvt::{GeomEncoder, GeomType, Tile};
use tokio::time::Instant;

use self::tile_polygons::{EXTENT, clip_to_tile, exterior_rings};
use crate::app::{App, RequestContext};
use crate::http::endpoint::{Endpoint, TILES};
use crate::http::request::request_params::RequestParams;
use crate::http::response::answer_tag::AnswerTag;
use crate::http::response::lake_headers::insert_lake_headers;
use crate::http::response::server_timing::ServerTiming;
use crate::limits::run_until;
use crate::problem::Problem;

/// The deepest zoom that is answered.
pub(crate) const MAX_ZOOM: u32 = 24;
/// The name of the layer.
pub(crate) const LAYER: &str = "cells";

const OWN_PARAMETERS: [Parameter; 1] = [Parameter::with_values(
    "geo_precision",
    Shape::One,
    ValueKind::Integer(0, 10),
    "The H3 resolution of cells, 0 to 10; chosen by the zoom by default.",
)];

/// The parameters of tiles, in addition to those of the path.
pub(crate) const PARAMETERS: ParameterTable =
    &with_filters::<{ OWN_PARAMETERS.len() }, { OWN_PARAMETERS.len() + FILTERS.len() }>(OWN_PARAMETERS);

/// The definition of tiles.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: TILES,
    about: "Counts by cell as a vector tile: layer `cells`, members `cell` and `count`; `/tiles.json` describes them.",
    parameters: PARAMETERS,
    formats: &[],
    takes_body: true,
};

/// A tile of the grid: zoom, column from the west, row from the north.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TileAddress {
    z: u32,
    x: u32,
    y: u32,
}

/// Answers `GET /tiles/{z}/{x}/{y}.mvt`, and `POST` with the same parameters as the members of a JSON object.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    params: RequestParams,
) -> Result<Response, Problem> {
    let deadline = Instant::now() + app.limits.timeout;
    let mut timing = ServerTiming::begin();
    let Path((z, x, y)) = path.map_err(|rejection| tile_not_found(&rejection.body_text()))?;
    let address = TileAddress::parse(&z, &x, &y)?;
    let parameters = params.parse(&ENDPOINT)?;
    let filters = Filters::parse(&parameters, &app.limits.answers)?;
    let resolution = parse_optional_integer(&parameters, "geo_precision", 0, FINEST_RESOLUTION)?;
    let resolution = resolution.unwrap_or_else(|| address.resolution());
    let context = app.open_context().await?;
    filters.check_resources(&context.snapshot.resource_names())?;
    timing.step("open");
    let names = filters.resources.included.clone();
    let name = AnswerTag::for_question(&context, &names, &format!("{:?}", (&filters, resolution, address)), "mvt")?;
    if params.method != Method::POST && name.matches(&params.headers) {
        return Ok(name.not_modified(&context.snapshot, &names)?);
    }
    let made = render_tile(&context, filters, resolution, address, app.limits.max_tile_cells);
    let bytes = run_until(deadline, made).await?;
    timing.step("count");
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.mapbox-vector-tile"));
    name.insert_into(headers);
    insert_lake_headers(headers, &context.snapshot, &names)?;
    timing.insert_into(headers);
    Ok(response)
}

fn tile_not_found(why: &str) -> Problem {
    let what = "a tile is /tiles/{z}/{x}/{y}.mvt: zoom 0 to 24, and a column and row below 2 to the power of it";
    Problem::from_kind(Kind::NotFound, format!("{why}; {what}"))
}

impl TileAddress {
    fn parse(z: &str, x: &str, y: &str) -> Result<Self, Problem> {
        let wrong = || tile_not_found(&format!("there is no tile /tiles/{z}/{x}/{y}"));
        let whole = |text: &str| text.parse::<u32>().ok();
        let y = y.strip_suffix(".mvt").and_then(whole).ok_or_else(wrong)?;
        let (Some(z), Some(x)) = (whole(z), whole(x)) else { return Err(wrong()) };
        if z > MAX_ZOOM || x >> z > 0 || y >> z > 0 {
            return Err(wrong());
        }
        Ok(Self { z, x, y })
    }

    /// Returns the resolution whose cells are some 15 to 30 pixels wide at this zoom: a cell is a seventh of its
    /// parent, a tile a quarter of its own.
    fn resolution(self) -> u8 {
        let by_zoom = (self.z * 3).saturating_sub(2) / 4;
        u8::try_from(by_zoom).unwrap_or(FINEST_RESOLUTION).min(FINEST_RESOLUTION)
    }

    /// Returns the position of a point in the tile: 0 to 1 from its west and north edges.
    fn to_tile_widths(self, longitude: f64, latitude: f64) -> (f64, f64) {
        let tiles = f64::from(1_u32 << self.z);
        let x = (longitude + 180.0) / 360.0 * tiles - f64::from(self.x);
        let y = (1.0 - latitude.to_radians().tan().asinh() / PI) / 2.0 * tiles - f64::from(self.y);
        (x, y)
    }

    /// Clips a cell to the tile and its margin, in widths of the tile: the parts of a concave cell, and both sides of
    /// one that the 180th meridian cuts.
    fn clip_cell(self, cell: i64) -> Vec<Vec<Point>> {
        let corners = cell_corners(cell);
        let turned = |turn: f64| -> Vec<Point> {
            corners.iter().map(|(longitude, latitude)| self.to_tile_widths(longitude + turn, *latitude)).collect()
        };
        [0.0, -360.0, 360.0].map(turned).iter().flat_map(|ring| clip_to_tile(ring)).collect()
    }
}

/// Renders the counts of the cells that the tile touches, and of no others, so that a tile's limit bounds the memory.
async fn render_tile(
    context: &RequestContext,
    filters: Filters,
    resolution: u8,
    address: TileAddress,
    most: usize,
) -> Result<Vec<u8>> {
    let question = AggregatesRequest {
        filters: Filters { located: filters.located.or(Some(true)), ..filters },
        resolution,
        precision: TimePrecision::All,
        group_by: vec![Dimension::Cell],
        per_km2: false,
        limit: usize::MAX,
    };
    let mut stream = answer_frame(context, &question).await?.execute_stream().await.map_err(plan_error)?;
    let mut counts: Vec<(i64, i64)> = Vec::new();
    while let Some(batch) = stream.try_next().await.map_err(plan_error)? {
        let (cells, numbers) =
            (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        let located = (0..batch.num_rows()).filter(|row| cells.is_valid(*row));
        let counted = located.map(|row| (cells.value(row), numbers.value(row)));
        counts.extend(counted.filter(|(cell, _)| !address.clip_cell(*cell).is_empty()));
        if counts.len() > most {
            let what = format!("the tile has more than {most} cells (`max_tile_cells` of /limits)");
            return Err(Error::new(Kind::Exhausted, format!("{what}; request a coarser geo_precision")));
        }
    }
    // The same tile for the same version, whichever partition was first.
    counts.sort_unstable();
    encode_tile(&counts, address).or_err(Kind::Internal, || "drawing a tile")
}

fn encode_tile(counts: &[(i64, i64)], address: TileAddress) -> Result<Vec<u8>, mvt::Error> {
    let mut tile = Tile::new(EXTENT);
    let mut layer = tile.create_layer(LAYER);
    for (cell, count) in counts {
        let mut polygon = GeomEncoder::new(GeomType::Polygon);
        for ring in exterior_rings(&address.clip_cell(*cell)) {
            for (x, y) in ring {
                polygon.add_point(f64::from(x), f64::from(y))?;
            }
            polygon.complete_geom()?;
        }
        let mut feature = layer.into_feature(polygon.encode()?);
        feature.set_id(feature_id(*cell));
        feature.add_tag_string("cell", &cell_text(*cell));
        feature.add_tag_int("count", *count);
        layer = feature.into_layer();
    }
    if layer.num_features() > 0 {
        tile.add_layer(layer)?;
    }
    tile.to_bytes()
}

/// Returns the id of a cell's feature: the index without the digits that no cell of a lake has. It is the same in every
/// tile, and below 2 to the power of 45, so that JavaScript, whose numbers are exact to 53 bits, can distinguish cells.
fn feature_id(cell: i64) -> u64 {
    const UNUSED_BITS: u32 = 3 * (15 - FINEST_RESOLUTION as u32);
    u64::try_from(cell).unwrap_or_default() >> UNUSED_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_tile_of_the_grid() {
        assert_eq!(
            TileAddress::parse("12", "655", "1583.mvt").expect("a tile"),
            TileAddress { z: 12, x: 655, y: 1583 }
        );
        for (z, x, y) in [
            ("1", "2", "0.mvt"),
            ("1", "0", "2.mvt"),
            ("25", "0", "0.mvt"),
            ("0", "0", "0"),
            ("a", "0", "0.mvt"),
            ("-1", "0", "0.mvt"),
        ] {
            assert!(TileAddress::parse(z, x, y).is_err(), "{z}/{x}/{y}");
        }
    }

    #[test]
    fn a_place_lies_where_the_grid_has_it() {
        // The corners of the world at zoom 0, and San Francisco's city hall at zoom 12.
        let world = TileAddress { z: 0, x: 0, y: 0 };
        let near = |(x, y): (f64, f64), (at_x, at_y): (f64, f64)| (x - at_x).abs() < 1e-6 && (y - at_y).abs() < 1e-6;
        assert!(near(world.to_tile_widths(-180.0, 85.051_128_779_806_6), (0.0, 0.0)));
        assert!(near(world.to_tile_widths(180.0, -85.051_128_779_806_6), (1.0, 1.0)));
        assert!(near(world.to_tile_widths(0.0, 0.0), (0.5, 0.5)));
        let (x, y) = TileAddress { z: 12, x: 655, y: 1583 }.to_tile_widths(-122.4193, 37.7793);
        assert!((0.0..1.0).contains(&x) && (0.0..1.0).contains(&y), "{x} {y}");
    }

    #[test]
    fn an_id_names_one_cell_and_is_exact_in_javascript() {
        // City Hall's cells of resolution 0, 9 and 10, and a neighbour of the last.
        let cells = [0x0802_9fff_ffff_ffff, 0x0892_8308_2803_ffff, 0x08a2_8308_2800_7fff, 0x08a2_8308_2800_ffff];
        let ids = cells.map(feature_id);
        assert_eq!(ids.map(|id| i64::try_from(id << 15 | 0x7fff).expect("63 bits")), cells);
        assert!(ids.iter().all(|id| *id < 1 << 45), "{ids:?}");
    }

    #[test]
    fn deeper_zooms_have_finer_cells() {
        let resolutions: Vec<u8> = (0..=18).map(|z| TileAddress { z, x: 0, y: 0 }.resolution()).collect();
        assert_eq!(resolutions, [0, 0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 10, 10, 10]);
    }
}

//! Vector tiles, read by a reader of their protocol (<https://github.com/mapbox/vector-tile-spec/tree/master/2.1>) written
//! here: their counts are those of `/aggregates`.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use prost::Message;

use crate::harness::{Bench, CASES_RESOURCE};

#[derive(Clone, PartialEq, Message)]
struct Tile {
    #[prost(message, repeated, tag = "3")]
    layers: Vec<Layer>,
}

#[derive(Clone, PartialEq, Message)]
struct Layer {
    #[prost(uint32, required, tag = "15")]
    version: u32,
    #[prost(string, required, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    features: Vec<Feature>,
    #[prost(string, repeated, tag = "3")]
    keys: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    values: Vec<Content>,
    #[prost(uint32, optional, tag = "5")]
    extent: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct Feature {
    #[prost(uint64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(uint32, repeated, tag = "2")]
    tags: Vec<u32>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(uint32, repeated, tag = "4")]
    geometry: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct Content {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "4")]
    whole: Option<i64>,
    #[prost(uint64, optional, tag = "5")]
    natural: Option<u64>,
    #[prost(sint64, optional, tag = "6")]
    signed: Option<i64>,
}

/// Returns the rings of a polygon in units of the tile.
fn rings(geometry: &[u32]) -> Vec<Vec<(i64, i64)>> {
    let zigzag = |number: u32| i64::from(number >> 1) ^ -i64::from(number & 1);
    let (mut rings, mut at, mut numbers) = (Vec::new(), (0, 0), geometry.iter().copied());
    while let Some(command) = numbers.next() {
        match command & 7 {
            7 => continue,
            1 => rings.push(Vec::new()),
            2 => {}
            other => panic!("command {other}"),
        }
        for _ in 0..command >> 3 {
            at.0 += zigzag(numbers.next().expect("x"));
            at.1 += zigzag(numbers.next().expect("y"));
            rings.last_mut().expect("a ring").push(at);
        }
    }
    rings
}

/// Returns the tile of a place.
fn tile_of(longitude: f64, latitude: f64, zoom: u32) -> (u32, u32) {
    let tiles = f64::from(1_u32 << zoom);
    let x = (longitude + 180.0) / 360.0 * tiles;
    let y = (1.0 - latitude.to_radians().tan().asinh() / PI) / 2.0 * tiles;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column and a row of the grid")]
    let tile = (x as u32, y as u32);
    tile
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cells_of_all_tiles_are_the_cells_counted_each_in_its_place() {
    let bench = Bench::synthetic(800);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    for (zoom, resolution, filter) in
        [(9_u32, 7_u8, ""), (11, 8, "&category=Noise%20Report"), (12, 8, "&hour=9&hour=17")]
    {
        let (west, north) = tile_of(-123.25, 38.05, zoom);
        let (east, south) = tile_of(-121.95, 37.35, zoom);
        let mut found: BTreeMap<String, i64> = BTreeMap::new();
        for x in west..=east {
            for y in north..=south {
                let path = format!("/tiles/{zoom}/{x}/{y}.mvt?geo_precision={resolution}{filter}");
                let answer = serving.get(&path).await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                assert_eq!(answer.header("content-type"), Some("application/vnd.mapbox-vector-tile"));
                let tile = Tile::decode(answer.body.as_slice()).expect("a tile");
                let Some(layer) = tile.layers.first() else { continue };
                assert_eq!((tile.layers.len(), layer.version, layer.name.as_str()), (1, 2, "cells"), "{path}");
                for feature in &layer.features {
                    assert_eq!(feature.kind, Some(3), "a polygon");
                    let rings = rings(&feature.geometry);
                    assert_eq!(rings.len(), 1, "{path}");
                    let ring = &rings[0];
                    let next = |n: usize| ring[(n + 1) % ring.len()];
                    let twice: i64 = (0..ring.len()).map(|n| ring[n].0 * next(n).1 - next(n).0 * ring[n].1).sum();
                    assert!(twice > 0, "an outer ring has a positive area: {ring:?}");
                    let extent = i64::from(layer.extent.unwrap_or(4096));
                    let meets = |of: fn(&(i64, i64)) -> i64| {
                        let margin = extent / 64 + 1;
                        ring.iter().any(|at| of(at) >= -margin) && ring.iter().any(|at| of(at) <= extent + margin)
                    };
                    assert!(meets(|at| at.0) && meets(|at| at.1), "{path}: {ring:?}");
                    let tag = |name: &str| {
                        let pair = feature.tags.chunks(2).find(|pair| layer.keys[pair[0] as usize] == name);
                        &layer.values[pair.unwrap_or_else(|| panic!("no {name}"))[1] as usize]
                    };
                    let index = u64::from_str_radix(tag("cell").text.as_deref().expect("a text"), 16).expect("a cell");
                    assert_eq!(feature.id, Some(index >> 15), "the id is the cell's");
                    let count = tag("count");
                    let natural = count.natural.and_then(|number| i64::try_from(number).ok());
                    let count = count.whole.or(natural).or(count.signed).expect("a whole number");
                    let cell = tag("cell").text.clone().expect("a text");
                    // A cell on an edge is in both tiles, the same in each.
                    assert_eq!(*found.entry(cell).or_insert(count), count);
                }
            }
        }
        let path = format!("/aggregates?group_by=cell&located=true&geo_precision={resolution}{filter}");
        let rows = serving.get(&path).await.json();
        let pair = |row: &serde_json::Value| {
            (row["cell"].as_str().expect("a cell").to_owned(), row["count"].as_i64().expect("a count"))
        };
        let counted: BTreeMap<String, i64> = rows.as_array().expect("rows").iter().map(pair).collect();
        assert!(!counted.is_empty());
        assert_eq!(found, counted, "zoom {zoom}");
    }
    // The id of a cell is the same in every tile and zoom; `/tiles.json` contains the address of the tiles, with the
    // filters.
    let described = serving.get("/tiles.json?category=Noise%20Report").await.json();
    let template = described["tiles"][0].as_str().expect("a template");
    assert_eq!(template, format!("{}/tiles/{{z}}/{{x}}/{{y}}.mvt?category=Noise%20Report", serving.base_url));
    assert_eq!((&described["tilejson"], &described["maxzoom"]), (&"3.0.0".into(), &24.into()));
    assert_eq!(described["vector_layers"][0]["id"], "cells");
    let fields = described["vector_layers"][0]["fields"].as_object().expect("fields");
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["cell", "count"]);
    let bounds: Vec<f64> = serde_json::from_value(described["bounds"].clone()).expect("a box");
    assert!(bounds[0] < -122.4 && bounds[2] > -122.4 && bounds[1] < 37.77 && bounds[3] > 37.77, "{bounds:?}");
    assert!(described["attribution"].as_str().is_some_and(|text| text.contains("data.sfgov.org")), "{described}");
    for path in ["/tiles.json?categry=x", "/tiles.json?resource=nope", "/tiles.json?geo_precision=11"] {
        assert_eq!(serving.get(path).await.status, 400, "{path}");
    }
    // A trusted proxy names the address that clients use; other clients are ignored.
    let forwarded = [("x-forwarded-proto", "https"), ("x-forwarded-host", "maps.example")];
    let behind = bench.program().spawn_serving(&["serve", "--trusted-proxy", "127.0.0.1"]);
    for (server, base) in [(&serving, serving.base_url.as_str()), (&behind, "https://maps.example")] {
        let described = server.get_with("/tiles.json", &forwarded).await.json();
        assert_eq!(described["tiles"][0], format!("{base}/tiles/{{z}}/{{x}}/{{y}}.mvt"));
    }
    let empty = serving.get("/tiles/3/7/7.mvt").await;
    assert_eq!((empty.status, empty.body.len()), (200, 0), "a tile without cells is empty");
    assert_eq!(serving.get("/tiles/9/81/197.mvt?located=false").await.body.len(), 0);
    for path in ["/tiles/1/2/0.mvt", "/tiles/0/0/0.png", "/tiles/99/0/0.mvt", "/tiles/a/b/c.mvt"] {
        assert_eq!(serving.get(path).await.status, 404, "{path}");
    }
}

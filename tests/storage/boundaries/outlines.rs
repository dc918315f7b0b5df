//! Outlines as a map gets them over HTTP: valid GeoJSON, within the tolerance, around the incidents that have their label.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lake_testkit::Row;
use serde_json::{Value, json};

use super::{LATER_MS, MOVED, SET, edit, ingest, standing};
use crate::harness::{Bench, CASES, CASES_RESOURCE};

type Position = [f64; 2];
type Outline = Vec<Vec<Vec<Position>>>;

fn outline(geometry: &Value) -> Outline {
    assert_eq!(geometry["type"], "MultiPolygon");
    serde_json::from_value(geometry["coordinates"].clone()).expect("positions")
}

/// Tests a point by the even-odd rule over all rings: holes are out.
fn holds(outline: &Outline, [x, y]: Position) -> bool {
    let crossed = outline.iter().flatten().flat_map(|ring| ring.windows(2)).filter(|edge| {
        let ([ax, ay], [bx, by]) = (edge[0], edge[1]);
        (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
    });
    crossed.count() % 2 == 1
}

/// Checks what RFC 7946 demands of a collection of outlines.
fn assert_geojson(collection: &Value) {
    assert_eq!(collection["type"], "FeatureCollection");
    for feature in collection["features"].as_array().expect("features") {
        assert_eq!(feature["type"], "Feature");
        let bbox: [f64; 4] = serde_json::from_value(feature["bbox"].clone()).expect("a box");
        for polygon in outline(&feature["geometry"]) {
            for (number, ring) in polygon.iter().enumerate() {
                assert!(ring.len() >= 4 && ring.first() == ring.last(), "{}: an open ring", feature["id"]);
                let [x, y] = ring[0];
                let area: f64 =
                    ring.windows(2).map(|e| (e[0][0] - x) * (e[1][1] - y) - (e[1][0] - x) * (e[0][1] - y)).sum();
                assert!((area > 0.0) == (number == 0) || area == 0.0, "{}: ring {number} turns wrong", feature["id"]);
                for [x, y] in ring {
                    let inside =
                        *x >= bbox[0] - 1e-6 && *y >= bbox[1] - 1e-6 && *x <= bbox[2] + 1e-6 && *y <= bbox[3] + 1e-6;
                    assert!(inside, "{}: {x} {y} is out of {bbox:?}", feature["id"]);
                }
            }
        }
    }
}

fn positions(collection: &Value) -> usize {
    let features = collection["features"].as_array().expect("features");
    features.iter().map(|feature| outline(&feature["geometry"]).iter().flatten().map(Vec::len).sum::<usize>()).sum()
}

fn ids(collection: &Value) -> BTreeSet<String> {
    let features = collection["features"].as_array().expect("features");
    let ids: BTreeSet<String> = features.iter().map(|f| f["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids.len(), features.len(), "an id is there twice");
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_gets_outlines_as_geojson_and_keeps_them_until_they_change() {
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let none = serving.get("/boundaries").await;
    assert_eq!((none.status, none.json()), (200, json!({"type": "FeatureCollection", "features": []})));
    for set in [SET, "sf-police-districts", "sf-police-districts-capitals", "sf-supervisor-districts"] {
        ingest(&bench, set).success();
    }
    let all = serving.get("/boundaries").await;
    assert_eq!(all.status, 200, "{}", all.text());
    assert_eq!(all.header("content-type"), Some("application/geo+json"));
    assert!(all.header("lake-version").is_some_and(|version| version.starts_with("fast_counts=")));
    let collection = all.json();
    assert_geojson(&collection);
    assert_eq!(ids(&collection).len(), 39 + 10 + 10 + 11);
    let feature = collection["features"].as_array().unwrap().iter().find(|f| f["id"] == "sf-police-districts/Southern");
    let expected = json!({
        "resource": "sf-police-districts", "city": "San Francisco", "dimension": "district", "label": "Southern",
        "name": "Southern", "counts_for": ["police-department-incidents"],
    });
    assert_eq!(feature.expect("a district")["properties"], expected);

    for (query, count) in [
        ("resource=sf-neighborhoods", 39),
        ("resource=sf-neighborhoods&resource=sf-supervisor-districts", 50),
        ("dimension=district", 31),
        ("dimension=neighborhood&city=San+Francisco", 39),
        ("city=Chicago", 0),
        ("counts_for=311-cases", 10),
        ("counts_for=police-department-incidents", 49),
        ("resource=chicago-community-areas", 0),
    ] {
        let answer = serving.get(&format!("/boundaries?{query}")).await;
        assert_eq!((answer.status, ids(&answer.json()).len()), (200, count), "{query}: {}", answer.text());
    }
    for (query, parameter, says) in [
        ("toleranc=5", "toleranc", "did you mean `tolerance`?"),
        ("resource=sf-neighborhood", "resource", "did you mean `sf-neighborhoods`?"),
        ("dimension=neighbourhood", "dimension", "did you mean `neighborhood`?"),
        ("counts_for=311-case", "counts_for", "did you mean `311-cases`?"),
        ("tolerance=-1", "tolerance", "from 0 to 10000"),
        ("tolerance=much", "tolerance", "an integer"),
        ("city=a&city=b", "city", "given twice"),
    ] {
        let answer = serving.get(&format!("/boundaries?{query}")).await;
        let problem = answer.json();
        assert_eq!((answer.status, &problem["parameter"]), (400, &json!(parameter)), "{query}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{query}: {problem}");
    }

    let tag = all.header("etag").expect("a tag").to_owned();
    let known = serving.get_with("/boundaries", &[("if-none-match", &tag)]).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag.as_str())));
    assert_ne!(serving.get("/boundaries?tolerance=5").await.header("etag"), Some(tag.as_str()));
    // Incidents that land do not send a map for outlines it has.
    let change = |row: &mut Row| drop(row.insert("service_name".to_owned(), "Another kind".into()));
    bench.portal.update_where(CASES, |_| true, change, LATER_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert_eq!(serving.get_with("/boundaries", &[("if-none-match", &tag)]).await.status, 304);
    edit(&bench);
    ingest(&bench, SET).success();
    let changed = serving.get_with("/boundaries", &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status, 200);
    assert!(changed.text().contains(MOVED));
    let packed = serving.get_with("/boundaries", &[("accept-encoding", "gzip")]).await;
    assert_eq!(packed.status, 200);
    assert!(packed.body.len() < changed.body.len() / 2 || packed.json() == changed.json());
}

/// Returns real boundaries, if they are next to the repository.
fn saved(test: &str, file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    if !path.is_file() {
        eprintln!("{test}: {} is not there, going on without it", path.display());
        return None;
    }
    Some(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_files_of_real_boundaries_land_and_are_simplified_within_the_tolerance() {
    let bench = Bench::synthetic(100);
    let mut landed = 0;
    for (set, file, count, label) in [
        (SET, "sf_boundaries/analysis_neighborhoods.geojson", 41, "Oceanview/Merced/Ingleside"),
        ("sf-police-districts", "sf_boundaries/police_districts.geojson", 10, "Southern"),
        ("sf-police-districts-capitals", "sf_boundaries/police_districts.geojson", 10, "SOUTHERN"),
        ("sf-supervisor-districts", "sf_boundaries/supervisor_districts_2022_with_names.geojson", 11, "10"),
        ("chicago-community-areas", "chicago_crimes/community_areas.geojson", 77, "35"),
    ] {
        let Some(path) = saved("saved_files_of_real_boundaries", file) else { continue };
        let path = path.to_str().expect("text");
        bench.program().run(&["ingest", set, "--file", path]).success();
        let again = bench.program().run(&["ingest", set, "--file", path]).success();
        assert!(again.stderr.contains("unchanged"), "{}", again.stderr);
        let standing = standing(&bench, set);
        assert_eq!(standing.len(), count, "{set}");
        assert!(standing.contains_key(label), "{set}: {:?}", standing.keys());
        landed += 1;
    }
    if landed == 0 {
        return;
    }
    let name =
        bench.program().sql("SELECT name FROM boundaries WHERE resource = 'chicago-community-areas' AND label = '35'");
    assert_eq!(Value::from(name), json!([{"name": "DOUGLAS"}]));
    let serving = bench.program().spawn_serving(&["serve"]);
    let mut before = usize::MAX;
    let whole = serving.get("/boundaries").await.json();
    for tolerance in [0, 5, 50, 500, 10_000] {
        let answer = serving.get(&format!("/boundaries?tolerance={tolerance}")).await;
        let collection = answer.json();
        assert_geojson(&collection);
        assert_eq!(ids(&collection), ids(&whole));
        let now = positions(&collection);
        assert!(now < before, "{tolerance} m: {now} positions, {before} before");
        before = now;
    }
    // Every position that was omitted is within the tolerance of the remaining outline.
    let of = |collection: &Value| outline(&collection["features"][0]["geometry"]);
    let tolerance = 20.0;
    let simple = of(&serving.get("/boundaries?tolerance=20").await.json());
    for (polygon, simple) in of(&whole).iter().zip(&simple) {
        for (ring, simple) in polygon.iter().zip(simple) {
            let farthest = ring.iter().map(|position| distance_m(*position, simple)).fold(0.0, f64::max);
            assert!(farthest <= tolerance * 1.02 + 0.2, "{farthest} m");
        }
    }
}

/// Metres from a position to the nearest edge of a ring.
fn distance_m([x, y]: Position, ring: &[Position]) -> f64 {
    let (east, north) = (111_195.0 * y.to_radians().cos(), 111_195.0);
    let flat = |[a, b]: Position| ((a - x) * east, (b - y) * north);
    let to_edge = |edge: &[Position]| {
        let ((ax, ay), (bx, by)) = (flat(edge[0]), flat(edge[1]));
        let (dx, dy) = (bx - ax, by - ay);
        let along = (-(ax * dx + ay * dy) / (dx * dx + dy * dy).max(1e-12)).clamp(0.0, 1.0);
        (ax + along * dx).hypot(ay + along * dy)
    };
    ring.windows(2).map(to_edge).fold(f64::INFINITY, f64::min)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_incident_of_the_demo_lies_in_the_boundary_that_its_label_names() {
    let bench = Bench::synthetic(8_000);
    for dataset in lake_soda_sim::synthetic::DATASETS {
        bench.ingest(&bench.program(), dataset.resource, &[]).success();
    }
    for set in lake_soda_sim::synthetic::BOUNDARIES.iter().flat_map(|dataset| dataset.resources) {
        ingest(&bench, set).success();
    }
    let serving = bench.program().spawn_serving(&["serve"]);
    let collection = serving.get("/boundaries").await.json();
    let mut outlines: BTreeMap<(String, String), BTreeMap<String, Outline>> = BTreeMap::new();
    for feature in collection["features"].as_array().expect("features") {
        let text = |name: &str| feature["properties"][name].as_str().expect("text").to_owned();
        for resource in feature["properties"]["counts_for"].as_array().expect("resources") {
            let of = outlines.entry((resource.as_str().expect("a name").to_owned(), text("dimension"))).or_default();
            let before = of.insert(text("label"), outline(&feature["geometry"]));
            assert!(before.is_none(), "two boundaries of {resource} are called {}", text("label"));
        }
    }
    // Both of police, crashes and 311; fire has no districts that are known.
    assert_eq!(outlines.len(), 8);
    for ((resource, dimension), outlines) in &outlines {
        let facets = serving.get(&format!("/facets?facet={dimension}&resource={resource}&limit=1000")).await.json();
        let labels: BTreeSet<&str> =
            facets.as_array().expect("facets").iter().filter_map(|facet| facet["value"].as_str()).collect();
        let unknown: Vec<&str> =
            labels.iter().filter(|label| !outlines.contains_key(**label) && **label != "Out of SF").copied().collect();
        assert!(unknown.is_empty(), "{resource}: {unknown:?} have no boundary");
        if dimension == "district" {
            assert!(outlines.keys().all(|label| labels.contains(label.as_str())), "{resource}: {labels:?}");
        }
        let rows = bench.program().sql(&format!(
            "SELECT {dimension} AS label, longitude, latitude FROM incidents WHERE resource = '{resource}' \
             AND {dimension} IS NOT NULL AND cell IS NOT NULL"
        ));
        let of_label = rows.iter().filter_map(|row| {
            let at = [row["longitude"].as_f64().expect("degrees"), row["latitude"].as_f64().expect("degrees")];
            Some((outlines.get(row["label"].as_str().expect("a label"))?, at))
        });
        let inside: Vec<bool> = of_label.map(|(outline, at)| holds(outline, at)).collect();
        let share = inside.iter().filter(|inside| **inside).count() as f64 / inside.len() as f64;
        assert!(inside.len() > 100 && share > 0.995, "{resource}, {dimension}: {share} of {}", inside.len());
    }
}

//! Boundaries on the built program: a set lands completely and once, an invalid one leaves the stored set, and a map
//! that requests outlines gets those whose labels the incidents have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lake_soda_sim::Fault;
use lake_testkit::{Output, Row, S3Server};
use serde_json::{Map, Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

/// The dataset of neighborhoods, and their set.
const NEIGHBORHOODS: &str = "j2bu-swwd";
const SET: &str = "sf-neighborhoods";
/// The status that the operating system reports of an aborted process.
const ABORTED: i32 = 128 + 6;
const LATER_MS: i64 = 1_790_000_000_000;
/// A sentence that only an edited boundary holds.
const MOVED: &str = "[-122.4,37.7]";

fn ingest(bench: &Bench, set: &str) -> Output {
    bench.ingest(&bench.program(), set, &["--retries", "1"])
}

/// Returns the stored outlines of a set: label to outline.
fn standing(bench: &Bench, set: &str) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rows = bench.program().sql(&format!("SELECT label, geometry FROM boundaries WHERE resource = '{set}'"));
    let count = rows.len();
    let standing: BTreeMap<_, _> = rows.iter().map(|row| (text(&row["label"]), text(&row["geometry"]))).collect();
    assert_eq!(standing.len(), count, "a label stands twice");
    standing
}

/// Versions of the table that landed something.
fn landings(bench: &Bench) -> usize {
    let history = bench.program().run(&["history", "--table", "boundaries", "--format", "json"]).success().json();
    history.as_array().expect("an array").iter().filter(|line| line["work"] == "LAND").count()
}

/// Changes the outline of one neighborhood, and removes another.
fn edit(bench: &Bench) {
    let square = json!({"type": "Polygon", "coordinates": [
        [[-122.5, 37.7], [-122.4, 37.7], [-122.4, 37.8], [-122.5, 37.8], [-122.5, 37.7]]
    ]});
    put_geometry(bench, &square);
    assert_eq!(bench.portal.delete_where(NEIGHBORHOODS, |row| row["nhood"] == "Seacliff"), 1);
}

fn put_geometry(bench: &Bench, geometry: &Value) {
    let is_mission = |row: &Row| row["nhood"] == "Mission";
    let change = |row: &mut Row| drop(row.insert("the_geom".to_owned(), geometry.clone()));
    assert_eq!(bench.portal.update_where(NEIGHBORHOODS, is_mission, change, LATER_MS), 1);
}

#[test]
fn a_set_lands_once_and_a_changed_one_takes_its_place_in_one_version() {
    let bench = Bench::synthetic(100);
    let said = ingest(&bench, SET).success().stderr;
    assert!(said.contains("39 boundaries, landed"), "{said}");
    let first = standing(&bench, SET);
    assert_eq!(first.len(), bench.portal.row_count(NEIGHBORHOODS));
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"));
    // The publisher's nightly stamp is not a change.
    bench.portal.restamp(NEIGHBORHOODS, LATER_MS, |_| {});
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"));
    assert_eq!(landings(&bench), 1);

    edit(&bench);
    assert!(ingest(&bench, SET).success().stderr.contains("38 boundaries, landed"));
    let second = standing(&bench, SET);
    assert_eq!(landings(&bench), 2);
    assert!(second["Mission"].contains(MOVED), "{}", second["Mission"]);
    let gone: Vec<&String> = first.keys().filter(|label| !second.contains_key(*label)).collect();
    assert_eq!(gone, ["Seacliff"]);
    assert_eq!(
        second
            .iter()
            .filter(|(label, geometry)| first[*label] != **geometry)
            .map(|(label, _)| label)
            .collect::<Vec<_>>(),
        ["Mission"]
    );
}

#[test]
fn sets_stand_beside_each_other_and_without_names_all_are_taken() {
    let bench = Bench::synthetic(100);
    // Chicago is not in this portal: some of it fails.
    bench.program().run(&["ingest", "--portal", bench.served.url(), "--retries", "0"]).expect_status(3);
    let sets =
        bench.program().sql("SELECT resource, COUNT(*) AS n FROM boundaries GROUP BY resource ORDER BY resource");
    let expected = json!([
        {"resource": "sf-find-neighborhoods", "n": 39},
        {"resource": "sf-neighborhoods", "n": 39},
        {"resource": "sf-police-districts", "n": 10},
        {"resource": "sf-police-districts-capitals", "n": 10},
        {"resource": "sf-supervisor-districts", "n": 11},
    ]);
    assert_eq!(Value::from(sets), expected);
    let stored = bench.program().sql("SELECT COUNT(*) AS n FROM stored.boundaries");
    assert_eq!(stored[0]["n"], 109);
    let status = bench.program().run(&["status", "--format", "json"]).success().json();
    let of = |name: &str| {
        let rows = status.as_array().expect("an array");
        rows.iter().find(|row| row["resource"] == name).unwrap_or_else(|| panic!("{name}: {status}")).clone()
    };
    assert_eq!((&of(SET)["boundaries"], &of(SET)["rows_are"]), (&json!(39), &json!("real")));
    assert_eq!(of(CASES_RESOURCE)["boundaries"], Value::Null);
}

#[test]
fn what_is_wrong_is_named_and_leaves_what_stood() {
    let bench = Bench::synthetic(100);
    ingest(&bench, SET).success();
    let stood = standing(&bench, SET);
    let good = bench.portal.rows(NEIGHBORHOODS).into_iter().find(|row| row["nhood"] == "Mission").expect("a row");
    for (geometry, says) in [
        (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}), "is open"),
        (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}), "3 positions"),
        (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 91], [1, 1], [0, 0]]]}), "in degrees"),
        (json!({"type": "Point", "coordinates": [0, 0]}), "is a Point"),
        (Value::Null, "no GeoJSON geometry"),
    ] {
        put_geometry(&bench, &geometry);
        let said = ingest(&bench, SET).expect_status(2).stderr;
        assert!(said.contains(SET) && said.contains("`Mission`") && said.contains(says), "{said}");
        assert_eq!(standing(&bench, SET), stood, "{says}");
    }
    put_geometry(&bench, &good["the_geom"]);
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"));

    for fault in [Fault::Status(500), Fault::CutBody, Fault::NotJson, Fault::TruncatedJson, Fault::Stale] {
        // The first request asks how many there are; each is tried once more.
        bench.portal.push_faults([Fault::None, fault.clone(), fault.clone()]);
        ingest(&bench, SET).expect_status(4);
        assert_eq!((bench.portal.faults_left(), standing(&bench, SET)), (0, stood.clone()), "{fault:?}");
    }

    bench.portal.delete_where(NEIGHBORHOODS, |_| true);
    let said = ingest(&bench, SET).expect_status(4).stderr;
    assert!(said.contains("no rows"), "{said}");
    bench.portal.remove_dataset(NEIGHBORHOODS);
    ingest(&bench, SET).expect_status(2);
    assert_eq!(standing(&bench, SET), stood);
    assert_eq!(landings(&bench), 1);
}

#[test]
fn a_set_that_changes_while_it_is_read_is_read_again() {
    let bench = Bench::synthetic(100);
    // After the count and the first page a row goes, so that the pages no longer belong together.
    bench.portal.on_page(|number, portal| {
        if number == 2 {
            portal.delete_where(NEIGHBORHOODS, |row| row["nhood"] == "Seacliff");
        }
    });
    let said = bench.ingest(&bench.program(), SET, &["--page-size", "7"]).success().stderr;
    assert!(said.contains("reading the boundaries again") && said.contains("38 boundaries, landed"), "{said}");
    assert_eq!(standing(&bench, SET).len(), 38);
    // One that never comes to rest is not landed at all.
    bench.portal.on_page(|number, portal| {
        let at_ms = LATER_MS + i64::try_from(number).expect("a page") * 1_000;
        portal.restamp(NEIGHBORHOODS, at_ms, |_| {});
    });
    let said = ingest(&bench, SET).expect_status(4).stderr;
    assert!(said.contains("changed while it was read"), "{said}");
    assert_eq!(landings(&bench), 1);
}

#[test]
fn a_kill_leaves_the_old_set_or_the_new_one() {
    for point in
        ["store:before-table", "store:after-table", "store:before-sync", "store:before-publish", "store:after-publish"]
    {
        let bench = Bench::synthetic(100);
        let killed = |nth: u32| {
            let program = bench.program().env("HOTSPOTS_FAIL_AT", format!("{point}:{nth}"));
            bench.ingest(&program, SET, &[]).status
        };
        bench.ingest(&bench.program(), "sf-police-districts", &[]).success();
        let mut died = 0;
        // With the state before: nothing, then a set.
        for round in 0..2 {
            let old = standing(&bench, SET);
            if round == 1 {
                edit(&bench);
            }
            let mut nth = 1;
            loop {
                let status = killed(nth);
                if status == 0 {
                    break;
                }
                assert_eq!(status, ABORTED, "{point}");
                died += 1;
                let now = standing(&bench, SET);
                let is_new = now.len() == bench.portal.row_count(NEIGHBORHOODS)
                    && (round == 0 || now["Mission"].contains(MOVED));
                assert!(now == old || is_new, "{point}:{nth}: {:?}", now.keys());
                nth += 1;
            }
            ingest(&bench, SET).success();
            assert_eq!(standing(&bench, SET).len(), bench.portal.row_count(NEIGHBORHOODS), "{point}");
        }
        assert!(died > 0 || point.ends_with("table"), "no run passes {point}");
        bench.program().run(&["check"]).success();
        assert_eq!(standing(&bench, "sf-police-districts").len(), 10);
    }
}

#[test]
fn two_that_land_a_set_at_once_land_it_once() {
    let bench = Bench::synthetic(100);
    ingest(&bench, "sf-police-districts").success();
    for round in 0..3 {
        put_geometry(
            &bench,
            &json!({"type": "Polygon", "coordinates": [
                [[-122.5, 37.7], [-122.4, 37.7], [-122.4, 37.8 + f64::from(round) / 100.0], [-122.5, 37.7]]
            ]}),
        );
        let args = ["ingest", SET, "--portal", bench.served.url()];
        let mut both: Vec<_> = (0..2).map(|_| bench.program().spawn_in_background(&args)).collect();
        for one in &mut both {
            assert_eq!(one.wait(std::time::Duration::from_mins(1)), 0, "{}", one.log());
        }
        assert_eq!(landings(&bench), 2 + usize::try_from(round).expect("a number"));
    }
}

#[test]
fn synthetic_boundaries_and_real_ones_do_not_mix() {
    let bench = Bench::synthetic(100);
    let mut up = bench.program().spawn_serving(&["up", "--demo", "--demo-rows", "500"]);
    up.wait_for_log("Every resource has been ingested and compacted once", std::time::Duration::from_mins(4));
    assert_eq!(up.stop(), 0, "{}", up.log());
    let said = ingest(&bench, SET).expect_status(2).stderr;
    assert!(said.contains("synthetic"), "{said}");
}

#[test]
fn a_lake_without_boundaries_answers_that_there_are_none() {
    let bench = Bench::synthetic(100);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert!(!bench.lake().join("boundaries").exists());
    assert_eq!(bench.program().sql("SELECT * FROM boundaries"), Vec::<Value>::new());
    assert_eq!(bench.program().sql("SELECT resource, label FROM stored.boundaries"), Vec::<Value>::new());
    bench.program().run(&["check"]).success();
    let columns = |bench: &Bench| {
        let query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'boundaries' \
                     AND table_schema = 'main' ORDER BY ordinal_position";
        bench.program().sql(query)
    };
    let before = columns(&bench);
    assert!(!before.is_empty());
    ingest(&bench, SET).success();
    assert_eq!(columns(&bench), before, "a lake with boundaries has the same columns");
}

#[test]
fn the_lake_as_it_was_has_the_boundaries_that_it_had() {
    let bench = Bench::synthetic(100);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    ingest(&bench, SET).success();
    edit(&bench);
    ingest(&bench, SET).success();
    let history = bench.program().run(&["history", "--table", "boundaries", "--format", "json"]).success().json();
    let first = history.as_array().expect("lines").iter().find(|line| line["version"] == 1).expect("a version");
    let then = first["time"].as_str().expect("a time");
    let query = "SELECT COUNT(*) AS n FROM boundaries";
    let was = bench.program().run(&["sql", "--format", "json", "--as-of", then, query]).success().json();
    assert_eq!((&was[0]["n"], &bench.program().sql(query)[0]["n"]), (&json!(39), &json!(38)));
}

#[test]
fn check_vacuum_and_history_know_boundaries_and_damage_is_repaired_by_the_command_that_is_named() {
    let bench = Bench::synthetic(100);
    ingest(&bench, SET).success();
    edit(&bench);
    ingest(&bench, SET).success();
    let stood = standing(&bench, SET);
    let history = bench.program().run(&["history", "--table", "boundaries", "--format", "json"]).success().json();
    let last = &history[0];
    assert_eq!((&last["work"], &last["resource"]), (&json!("LAND"), &json!(SET)));
    assert_eq!((&last["rows_added"], &last["rows_removed"]), (&json!(38), &json!(39)));

    let vacuum = ["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply", "--format", "json"];
    let vacuumed = bench.program().run(&vacuum).success().json();
    let of_boundaries = vacuumed.as_array().expect("tables").iter().find(|table| table["table"] == "boundaries");
    assert_eq!(of_boundaries.expect("the table")["files"], 1, "the file that was replaced: {vacuumed}");
    assert_eq!(standing(&bench, SET), stood);
    bench.program().run(&["check"]).success();

    let folder = bench.lake().join("boundaries").join(format!("resource={SET}"));
    let files: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("a partition").map(|e| e.expect("an entry").path()).collect();
    let file = files.iter().find(|path| path.extension().is_some_and(|e| e == "parquet")).expect("a file");
    let mut bytes = std::fs::read(file).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] = !bytes[middle];
    std::fs::write(file, bytes).expect("written");
    let found = bench.program().run(&["check", "--format", "json"]).expect_status(5).json();
    let found = found.as_array().expect("findings").iter().find(|finding| finding["severity"] == "damaged");
    let remedy = found.expect("a finding")["mend"].as_str().expect("a remedy").to_owned();
    assert_eq!(remedy, format!("hotspots-lake ingest --full {SET}"));
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"), "what is the same lands nothing");
    bench.ingest(&bench.program(), SET, &["--full"]).success();
    bench.program().run(&["check"]).success();
    assert_eq!(standing(&bench, SET), stood);
}

#[test]
fn boundaries_of_ones_own_are_a_file_among_the_others() {
    let bench = Bench::synthetic(100);
    let files = bench.folder.path().join("mine");
    std::fs::create_dir(&files).expect("a directory");
    let text = "name = \"my-districts\"\ntitle = \"Mine\"\nportal = \"https://example.org\"\ndataset = \"wkhw-cjsf\"\n\
                city = \"Elsewhere\"\ncadence = \"30d\"\n\n[boundaries]\ndimension = \"district\"\nlabel = \"district\"\n\
                geometry = \"the_geom\"\ncase = \"lower\"\nresources = [\"311-cases\"]\n";
    std::fs::write(files.join("my-districts.toml"), text).expect("a file");
    let program = bench.program().env("HOTSPOTS_RESOURCES", &files);
    let shown = program.run(&["resources", "show", "my-districts"]).success().json();
    assert_eq!((&shown["dimension"], &shown["case"]), (&json!("district"), &json!("lower")));
    let list = program.run(&["resources", "list", "--format", "json"]).success().json();
    let kinds: BTreeMap<&str, &str> = list
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| (row["name"].as_str().expect("a name"), row["kind"].as_str().expect("a kind")))
        .collect();
    assert_eq!((kinds["my-districts"], kinds[SET], kinds[CASES_RESOURCE]), ("boundaries", "boundaries", "incidents"));
    bench.ingest(&program, "my-districts", &[]).success();
    let rows = program.sql("SELECT label, city FROM boundaries WHERE resource = 'my-districts' ORDER BY label LIMIT 1");
    assert_eq!(Value::from(rows), json!([{"label": "bayview", "city": "Elsewhere"}]));
    let wrong = program.run(&["compact", "--resource", "my-districts"]).expect_status(2).stderr;
    assert!(wrong.contains("set of boundaries"), "{wrong}");
    let wrong = program.run(&["ingest", "my-districts", "--replay-rejects"]).expect_status(2).stderr;
    assert!(wrong.contains("no rejects"), "{wrong}");
}

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

#[test]
fn a_file_that_is_no_set_says_why_and_lands_nothing() {
    let bench = Bench::synthetic(100);
    let file = bench.folder.path().join("boundaries.geojson");
    let good = json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]});
    let feature = |geometry: &Value| json!({"type": "Feature", "properties": {"nhood": "A"}, "geometry": geometry});
    for (content, says) in [
        ("not JSON".to_owned(), "GeoJSON FeatureCollection"),
        (json!({"type": "Topology"}).to_string(), "GeoJSON FeatureCollection"),
        (json!({"type": "FeatureCollection", "features": []}).to_string(), "no boundary"),
        (
            json!({"type": "FeatureCollection", "features": [feature(&good), feature(&Value::Null)]}).to_string(),
            "boundary 2",
        ),
        (json!([{"name": "A", "the_geom": good}]).to_string(), "no label in `nhood`"),
    ] {
        std::fs::write(&file, &content).expect("a file");
        let said = bench.program().run(&["ingest", SET, "--file", file.to_str().unwrap()]).expect_status(2).stderr;
        assert!(said.contains("boundaries.geojson") && said.contains(says), "{said}");
    }
    assert!(!bench.lake().join("boundaries").exists());
    // Rows saved from the portal itself are as good.
    let rows: Vec<Map<String, Value>> = bench.portal.rows(NEIGHBORHOODS);
    std::fs::write(&file, json!(rows).to_string()).expect("a file");
    bench.program().run(&["ingest", SET, "--file", file.to_str().unwrap()]).success();
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"), "a file and the portal say the same");
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

#[test]
fn boundaries_land_on_s3_as_on_a_disk() {
    let Some(server) = S3Server::start("boundaries_land_on_s3_as_on_a_disk") else { return };
    let bench = Bench::synthetic(100);
    let program = server.program(bench.program(), "city").env("HOTSPOTS_INDEX", bench.folder.path().join("index"));
    for expected in ["landed", "unchanged"] {
        let said = bench.ingest(&program, SET, &[]).success().stderr;
        assert!(said.contains(expected), "{said}");
    }
    edit(&bench);
    bench.ingest(&program, SET, &[]).success();
    let rows = program.sql("SELECT COUNT(*) AS n FROM boundaries");
    assert_eq!(rows[0]["n"], 38);
    program.run(&["check"]).success();
}

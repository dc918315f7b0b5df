//! A lake explains itself: what landed under a file of the user is answered without that file.

use std::path::PathBuf;
use std::sync::Arc;

use lake_model::Catalog;
use lake_query::{Engine, EngineOptions, LakeSnapshot, Reader, SnapshotVersions, TimeTravel};
use lake_store::{Lake, Location};
use lake_testkit::oracle::Oracle;
use lake_testkit::{Program, Row};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE, assert_exact, copy};

const EDITED_MS: i64 = 1_790_000_000_000;
/// A resource that only a file of the user defines; its rows are those of 311 cases.
pub(crate) const OWN: &str = "city-calls";
/// The status that the operating system reports of an aborted process.
const ABORTED: i32 = 128 + 6;

/// Creates a directory with the definition of 311 cases under this name, changed.
pub(crate) fn file_of(bench: &Bench, folder: &str, name: &str, changes: &[(&str, &str)]) -> PathBuf {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/resources/311-cases.toml");
    let mut text = std::fs::read_to_string(file).unwrap().replacen("311-cases", name, 1);
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let directory = bench.folder.path().join(folder);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("own.toml"), text).unwrap();
    directory
}

fn with_file(bench: &Bench, directory: &PathBuf) -> Program {
    bench.program().env("HOTSPOTS_RESOURCES", directory)
}

/// Edits rows, so that a batch lands that is not compacted.
fn edit(bench: &Bench, at_ms: i64) {
    let chosen = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('3'));
    let change = |row: &mut Row| {
        row.insert("service_name".to_owned(), format!("Kind {at_ms}").into());
        row.insert("lat".to_owned(), "37.7612".into());
    };
    assert!(bench.portal.update_where(CASES, chosen, change, at_ms) > 0);
}

fn standing(program: &Program) -> Value {
    program.run(&["status", "--format", "json"]).success().json()[0].clone()
}

/// Creates a lake with a resource of the user's own, half of it compacted, and the directory of its file.
fn own_lake() -> (Bench, PathBuf, Oracle) {
    let bench = Bench::synthetic(900);
    let directory = file_of(&bench, "own", OWN, &[]);
    let program = with_file(&bench, &directory);
    bench.ingest(&program, OWN, &["--page-size", "100"]).success();
    program.run(&["compact"]).success();
    edit(&bench, EDITED_MS);
    bench.ingest(&program, OWN, &["--page-size", "100"]).success();
    let oracle = bench.oracle(CASES);
    (bench, directory, oracle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_answers_the_same_without_the_files_of_its_rows() {
    let (bench, directory, oracle) = tokio::task::block_in_place(own_lake);
    let (with, without) = (with_file(&bench, &directory), bench.program());
    let portal = bench.served.url();
    tokio::task::block_in_place(|| {
        for (program, origin) in [(&with, "file"), (&without, "lake")] {
            assert_exact(program, OWN, &oracle, origin);
            let row = standing(program);
            assert_eq!((&row["exact"], &row["definition"]), (&json!(true), &json!(origin)), "{row}");
            let quiet = program.run(&["sql", "SELECT 1 AS one"]).success();
            assert!(!quiet.stderr.contains("warning"), "{}", quiet.stderr);
        }
        let listed = without.run(&["resources", "list", "--format", "json"]).success().json();
        let own = listed.as_array().unwrap().iter().find(|row| row["name"] == OWN).expect("known");
        assert_eq!(own["defined_by"], "lake", "{own}");
        assert!(without.run(&["resources", "show", OWN]).success().stdout.contains(CASES));
        without.run(&["audit", "--portal", portal]).success();
        without.run(&["check"]).success();
    });
    for command in [&["serve"][..], &["up", OWN, "--portal", portal]] {
        let serving = tokio::task::block_in_place(|| without.spawn_serving(command));
        let answer = serving.get(&format!("/aggregates?resource={OWN}&group_by=resource")).await;
        assert_eq!(answer.header("Lake-Exact"), Some("true"), "{command:?}");
        assert_eq!(answer.json()[0]["count"], oracle.totals().incidents, "{command:?}");
        let incidents = serving.get(&format!("/incidents?resource={OWN}&limit=5000&format=ndjson")).await.text();
        assert_eq!(incidents.lines().count() as i64, oracle.totals().incidents, "{command:?}: {incidents}");
        let resources = serving.get("/resources").await.json();
        let own = resources.as_array().unwrap().iter().find(|row| row["name"] == OWN).expect("listed");
        assert_eq!(own["title"], "San Francisco 311 cases", "{command:?}");
    }
    tokio::task::block_in_place(|| {
        edit(&bench, EDITED_MS + 60_000);
        bench.ingest(&without, OWN, &[]).success();
        assert_exact(&without, OWN, &bench.oracle(CASES), "landed without the file");
        without.run(&["compact"]).success();
        without.run(&["compact", "--window", "2000..2040"]).success();
        assert_exact(&without, OWN, &bench.oracle(CASES), "compacted without the file");
        // Forgetting removes the log, and the definition stays.
        let id = bench.portal.rows(CASES)[0]["service_request_id"].as_str().unwrap().to_owned();
        without.run(&["forget", OWN, &id]).success();
        without.run(&["vacuum", "--apply", "--older-than", "0s", "--nothing-else-runs"]).success();
        let row = standing(&without);
        assert_eq!((&row["exact"], &row["definition"]), (&json!(true), &json!("lake")), "{row}");
        assert_eq!(row["incidents"], bench.oracle(CASES).totals().incidents - 1, "{row}");
        without.run(&["check"]).success();
    });
}

#[test]
fn a_file_that_is_given_is_newer_than_the_lakes_definition() {
    let (bench, directory, oracle) = own_lake();
    let narrow = file_of(&bench, "narrow", OWN, &[("south = 37.40", "south = 37.76")]);
    let (old, new, without) = (with_file(&bench, &directory), with_file(&bench, &narrow), bench.program());
    let row = standing(&new);
    assert_eq!((&row["exact"], &row["definition"]), (&json!(false), &json!("file")), "{row}");
    let told = new.run(&["sql", "SELECT SUM(count) FROM counts"]).success().stderr;
    assert!(told.contains(OWN) && told.contains("compact --resource city-calls"), "{told}");
    // Nothing changes if the option is absent.
    assert_exact(&without, OWN, &oracle, "without a file");
    new.run(&["compact"]).success();
    let located = "SELECT COUNT(cell) AS n FROM incidents";
    let narrowed = new.sql(located);
    assert!(narrowed[0]["n"].as_i64().unwrap() < oracle.totals().located, "{narrowed:?}");
    assert_eq!(standing(&without)["exact"], true, "the lake has the new definition");
    assert_eq!(without.sql(located), narrowed);
    // The file of the old one is given again: it is the newer one now.
    assert_eq!(standing(&old)["exact"], false);
    old.run(&["compact"]).success();
    assert_exact(&without, OWN, &oracle, "the old definition again");
    without.run(&["check"]).success();
}

#[test]
fn a_users_definition_outlives_that_of_the_program() {
    let bench = Bench::synthetic(600);
    let narrow = file_of(&bench, "narrow", CASES_RESOURCE, &[("south = 37.40", "south = 37.76")]);
    let (own, without) = (with_file(&bench, &narrow), bench.program());
    bench.ingest(&own, CASES_RESOURCE, &["--page-size", "100"]).success();
    let located = "SELECT COUNT(cell) AS n FROM incidents";
    let narrowed = own.sql(located);
    for when in ["landed", "compacted"] {
        let row = standing(&without);
        assert_eq!((&row["exact"], &row["definition"]), (&json!(true), &json!("lake")), "{when}: {row}");
        assert_eq!(without.sql(located), narrowed, "{when}");
        without.run(&["compact"]).success();
    }
    // Another landing without the file is one under the user's definition.
    edit(&bench, EDITED_MS);
    bench.ingest(&without, CASES_RESOURCE, &[]).success();
    assert_eq!(standing(&without)["exact"], true);
}

#[test]
fn time_travel_goes_by_the_definition_of_that_time() {
    let (bench, directory, oracle) = own_lake();
    let program = with_file(&bench, &directory);
    let status = program.run(&["status"]).success().stderr;
    let then = status.lines().find_map(|line| line.strip_prefix("Lake-Version: ")).expect("a version").to_owned();
    let narrow = with_file(&bench, &file_of(&bench, "narrow", OWN, &[("south = 37.40", "south = 37.76")]));
    narrow.run(&["compact"]).success();
    edit(&bench, EDITED_MS + 60_000);
    bench.ingest(&narrow, OWN, &[]).success();
    let located = "SELECT COUNT(*) AS n, COUNT(cell) AS located FROM incidents";
    for (program, name) in [(&program, "the old file"), (&narrow, "the new file"), (&bench.program(), "no file")] {
        let args = ["sql", "--format", "json", "--at-version", &then, located];
        let answered = program.run(&args).success();
        let row = &answered.json()[0];
        assert_eq!((&row["n"], &row["located"]), (&json!(oracle.totals().incidents), &json!(oracle.totals().located)));
        assert!(!answered.stderr.contains("warning"), "{name}: {}", answered.stderr);
    }
}

#[test]
fn the_definition_of_who_landed_last_is_the_lakes() {
    let bench = Bench::synthetic(600);
    let wide = with_file(&bench, &file_of(&bench, "wide", OWN, &[]));
    let narrow = with_file(&bench, &file_of(&bench, "narrow", OWN, &[("south = 37.40", "south = 37.76")]));
    for (round, program) in [&wide, &narrow, &wide].into_iter().enumerate() {
        edit(&bench, EDITED_MS + 60_000 * round as i64);
        bench.ingest(program, OWN, &["--page-size", "100"]).success();
    }
    // Batches under two definitions have no exact answer under either, and are marked so.
    let without = bench.program();
    let told = without.run(&["sql", "SELECT SUM(count) FROM counts"]).success().stderr;
    assert!(told.contains(OWN) && told.contains("compact"), "{told}");
    without.run(&["compact"]).success();
    assert_eq!(standing(&without)["exact"], true);
    assert_exact(&without, OWN, &bench.oracle(CASES), "recounted under the last");
}

#[test]
fn two_who_land_at_once_leave_one_definition() {
    let bench = Bench::synthetic(600);
    let directory = file_of(&bench, "own", OWN, &[]);
    let run = |index: &str| {
        let index = bench.folder.path().join(index);
        let program = with_file(&bench, &directory).env("HOTSPOTS_INDEX", index);
        bench.ingest(&program, OWN, &["--page-size", "25"])
    };
    let outputs = std::thread::scope(|scope| {
        let two = [scope.spawn(|| run("one")), scope.spawn(|| run("two"))];
        two.map(|one| one.join().unwrap())
    });
    assert!(outputs.iter().any(|output| output.status == 0), "{outputs:?}");
    run("one").success();
    assert_exact(&bench.program(), OWN, &bench.oracle(CASES), "two writers");
    assert_eq!(standing(&bench.program())["definition"], "lake");
}

#[test]
fn a_kill_leaves_rows_with_their_definition_or_neither() {
    for (point, landed) in [("ingest:before-raw-commit", false), ("ingest:after-raw-commit", true)] {
        let bench = Bench::synthetic(300);
        let own = with_file(&bench, &file_of(&bench, "own", OWN, &[]));
        bench.ingest(&own.clone().env("HOTSPOTS_FAIL_AT", point), OWN, &[]).expect_status(ABORTED);
        let without = bench.program();
        if landed {
            bench.ingest(&without, OWN, &[]).success();
        } else {
            bench.ingest(&without, OWN, &[]).expect_status(2);
            bench.ingest(&own, OWN, &[]).success();
        }
        assert_exact(&without, OWN, &bench.oracle(CASES), point);
    }
    for point in ["compact:before-incidents-commit", "compact:before-counts-commit", "compact:after-counts-commit"] {
        let (bench, _, _) = own_lake();
        let narrow = file_of(&bench, "narrow", OWN, &[("south = 37.40", "south = 37.76")]);
        let dying = with_file(&bench, &narrow).env("HOTSPOTS_FAIL_AT", point);
        dying.run(&["compact"]).expect_status(ABORTED);
        // The lake has the new definition, and reports what of it is still to be counted.
        let without = bench.program();
        let row = standing(&without);
        assert_eq!(row["exact"], point == "compact:after-counts-commit", "{point}: {row}");
        without.run(&["compact"]).success();
        assert_eq!(standing(&without)["exact"], true, "{point}");
        let counted = without.sql("SELECT COUNT(*) AS n, COUNT(cell) AS located FROM incidents");
        let direct = with_file(&bench, &narrow).sql("SELECT COUNT(*) AS n, COUNT(cell) AS located FROM incidents");
        assert_eq!(counted, direct, "{point}");
    }
}

#[test]
fn a_lake_without_definitions_says_so_until_it_gets_them() {
    let (bench, directory, oracle) = own_lake();
    // As version 0.1.0 left it.
    let log = bench.lake().join("raw").join(OWN).join("_delta_log");
    let entries = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let newest = entries.filter_map(|name| name.strip_suffix(".json")?.parse::<u64>().ok()).max().unwrap();
    let gone = json!({"domainMetadata": {"domain": "hotspots.definition", "configuration": "", "removed": true}});
    std::fs::write(log.join(format!("{:020}.json", newest + 1)), format!("{gone}\n")).unwrap();
    let without = bench.program();
    let row = standing(&without);
    assert_eq!((&row["exact"], &row["definition"]), (&json!(false), &Value::Null), "{row}");
    for command in [&["sql", "SELECT SUM(count) FROM counts"][..], &["status"]] {
        let told = without.run(command).success().stderr;
        assert!(told.contains(OWN) && told.contains("--resources"), "{command:?}: {told}");
        let quiet = without.run(&[command, &["--quiet"]].concat()).success().stderr;
        assert_eq!(quiet, "", "{command:?}");
    }
    let refused = without.run(&["compact"]).expect_status(2).stderr;
    assert!(refused.contains(OWN), "{refused}");
    let found = without.run(&["check", "--format", "json"]).success().json();
    assert!(found.to_string().contains("its definition is not known"), "{found}");
    let with = with_file(&bench, &directory);
    assert_exact(&with, OWN, &oracle, "with the file");
    let found = with.run(&["check", "--format", "json"]).success().json();
    assert!(found.to_string().contains("does not store the configured definition"), "{found}");
    with.run(&["compact"]).success();
    assert_exact(&without, OWN, &oracle, "once a compaction has stored it");
}

#[test]
fn a_lake_of_the_first_release_gets_its_definitions() {
    for command in [&["ingest", CASES_RESOURCE, "--file", "next.json"][..], &["compact"]] {
        let folder = tempfile::tempdir().unwrap();
        let golden = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/0.1.0"));
        copy(&golden.join("stored"), &folder.path().join("lake"));
        std::fs::copy(golden.join("next.json"), folder.path().join("next.json")).unwrap();
        let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake"));
        let program = program.lake(folder.path().join("lake")).current_dir(folder.path());
        assert_eq!(standing(&program)["exact"], true);
        program.run(command).success();
        let stored = std::fs::read_dir(folder.path().join("lake/raw/311-cases/_delta_log")).unwrap().any(|entry| {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
            text.contains(r#""domain":"hotspots.definition""#) && text.contains("San Francisco 311 cases")
        });
        assert!(stored, "{command:?}");
        let row = standing(&program);
        assert_eq!((&row["exact"], &row["definition"]), (&json!(true), &json!("program")), "{command:?}: {row}");
        program.run(&["check"]).success();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn boundaries_are_known_without_their_file() {
    let bench = Bench::synthetic(300);
    let directory = bench.folder.path().join("own");
    std::fs::create_dir_all(&directory).unwrap();
    let set = |resources: &str| {
        let text = format!(
            "name = \"wards\"\ntitle = \"Wards\"\nportal = \"https://example.org\"\ndataset = \"abcd-1234\"\n\
             city = \"San Francisco\"\ncadence = \"30d\"\n[boundaries]\ndimension = \"district\"\nlabel = \"ward\"\n\
             geometry = \"the_geom\"\nresources = [{resources}]\n"
        );
        std::fs::write(directory.join("wards.toml"), text).unwrap();
    };
    set("\"311-cases\"");
    let square =
        json!({"type": "Polygon", "coordinates": [[[-122.5, 37.7], [-122.4, 37.7], [-122.4, 37.8], [-122.5, 37.7]]]});
    let feature = json!({"type": "Feature", "properties": {"ward": "1"}, "geometry": square});
    let collection = json!({"type": "FeatureCollection", "features": [feature]});
    std::fs::write(bench.folder.path().join("wards.geojson"), collection.to_string()).unwrap();
    let (with, without) = (with_file(&bench, &directory), bench.program());
    let land = ["ingest", "wards", "--file", "wards.geojson"];
    tokio::task::block_in_place(|| {
        with.run(&land).success();
        let again = without.run(&land).success();
        assert!(again.stderr.contains("1 boundaries, unchanged"), "{}", again.stderr);
        let listed = without.run(&["resources", "list", "--format", "json"]).success().json();
        let own = listed.as_array().unwrap().iter().find(|row| row["name"] == "wards").expect("known");
        assert_eq!((&own["defined_by"], &own["kind"]), (&json!("lake"), &json!("boundaries")));
    });
    let labelled = async |program: &Program, resource: &str| {
        let serving = tokio::task::block_in_place(|| program.spawn_serving(&["serve"]));
        let answer = serving.get(&format!("/boundaries?counts_for={resource}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["features"].as_array().unwrap().len()
    };
    assert_eq!(labelled(&without, "311-cases").await, 1);
    assert_eq!(labelled(&without, "traffic-crashes").await, 0);
    // Of the same outlines another use: the new file holds from the next landing on.
    set("\"police-department-incidents\"");
    tokio::task::block_in_place(|| with.run(&land).success());
    assert_eq!(labelled(&without, "police-department-incidents").await, 1);
    assert_eq!(labelled(&without, "311-cases").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_an_answer_is_read_by_the_same_definitions() {
    let (bench, _, _) = tokio::task::block_in_place(own_lake);
    let narrow = file_of(&bench, "narrow", OWN, &[("south = 37.40", "south = 37.76")]);
    let serving = tokio::task::block_in_place(|| with_file(&bench, &narrow).spawn_serving(&["serve"]));
    let address = format!("/incidents?resource={OWN}&columns=id,cell&format=csv");
    let whole = serving.get(&format!("{address}&limit=5000")).await.text();
    let (mut paged, mut page) = (String::new(), String::new());
    loop {
        let answer = serving.get(&format!("{address}&limit=100{page}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        paged.push_str(if paged.is_empty() { &text } else { text.split_once('\n').expect("a header").1 });
        let Some(next) = answer.header("lake-next") else { break };
        page = format!("&page={next}");
    }
    assert_eq!(paged, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_reading_keeps_the_definitions_of_its_time() {
    let (bench, _, _) = tokio::task::block_in_place(own_lake);
    let narrow = file_of(&bench, "narrow", OWN, &[("south = 37.40", "south = 37.76")]);
    let lake = Lake::open(Location::parse(bench.lake().to_str().unwrap()).unwrap()).await.unwrap();
    let engine = Engine::new(EngineOptions::default(), lake.location()).unwrap();
    let mut catalog = Catalog::built_in().unwrap();
    catalog.add_directory(&narrow).unwrap();
    let reader = Reader::new(lake, engine, Arc::new(catalog));
    let fingerprint = |snapshot: &LakeSnapshot| snapshot.catalog.get(OWN).unwrap().fingerprint();
    let today = reader.open_newest().await.unwrap();
    let time_travel = TimeTravel::parse_versions(&today.version()).unwrap();
    let then = reader.open_past(&time_travel).await.unwrap();
    assert_ne!(fingerprint(&today), fingerprint(&then), "the file is newer");
    for snapshot in [today, then] {
        let pin: SnapshotVersions = snapshot.versions().to_string().parse().unwrap();
        assert_eq!(fingerprint(&reader.open_versions(&pin).await.unwrap()), fingerprint(&snapshot), "{pin}");
    }
}

//! Lakes that each release wrote, as stored: later versions give the same answers from them, and can write to them.
//!
//! `tests/golden/<release>/` holds the lake (`stored/`, without its key index), what was landed into it (`first.json`,
//! then `edits.json`), the right answers by the oracle (`answers.json`), and rows to land next (`next.json`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lake_testkit::oracle::{Oracle, Order};
use lake_testkit::{Program, Roles, Row};
use serde_json::{Value, json};

use crate::harness::{CASES, CASES_RESOURCE, assert_exact, copy};

/// A log records where its lake was made: a place that every machine has.
const MADE_IN: &str = "/var/tmp/lake";

fn releases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = std::fs::read_dir(folder).expect("tests/golden");
    let mut releases: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    releases.sort();
    releases
}

fn rows(release: &Path, name: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(release.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn program(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.join("lake")).current_dir(folder)
}

/// Copies a release's lake, to be changed.
fn opened(release: &Path) -> (tempfile::TempDir, Program) {
    let folder = tempfile::tempdir().expect("a directory");
    copy(&release.join("stored"), &folder.path().join("lake"));
    let program = program(folder.path());
    (folder, program)
}

/// Returns the program's answers to the questions of a golden lake.
fn answers(program: &Program) -> Value {
    let mut months = BTreeMap::new();
    for row in program
        .sql("SELECT date_trunc('month', occurred_at) AS m, category AS c, SUM(count) AS n FROM counts GROUP BY 1, 2")
    {
        let month = row["m"].as_str().map_or("undated", |month| &month[..7]).to_owned();
        months.insert(format!("{month} {}", row["c"].as_str().unwrap_or("none")), row["n"].clone());
    }
    let one = |query: &str| program.sql(query)[0]["n"].clone();
    json!({
        "incidents": one("SELECT COUNT(*) AS n FROM incidents"),
        "counted": one("SELECT SUM(count) AS n FROM counts"),
        "located": one("SELECT COUNT(cell) AS n FROM incidents"),
        "rejects": one("SELECT COUNT(*) AS n FROM rejects WHERE state = 'open'"),
        "months": months,
    })
}

/// Returns the same by the oracle.
fn expected(oracle: &Oracle) -> Value {
    let totals = oracle.totals();
    let mut months = BTreeMap::new();
    for ((month, category), n) in oracle.by_month_category() {
        let month = month.unwrap_or_else(|| "undated".to_owned());
        months.insert(format!("{month} {}", category.unwrap_or_else(|| "none".to_owned())), n);
    }
    json!({
        "incidents": totals.incidents,
        "counted": totals.incidents,
        "located": totals.located,
        "rejects": totals.rejects,
        "months": months,
    })
}

fn oracle_of(files: &[Vec<Row>]) -> Oracle {
    Oracle::of(&Roles::of_dataset(CASES), &files.concat(), &Order::AsGiven)
}

#[test]
fn the_lake_of_every_release_answers_the_same_and_stays_exact_when_it_goes_on() {
    let releases = releases();
    assert!(!releases.is_empty(), "there is a golden lake");
    for release in releases {
        let name = release.display();
        let (folder, program) = opened(&release);
        let text = std::fs::read_to_string(release.join("answers.json")).expect("answers.json");
        let right: Value = serde_json::from_str(&text).expect("answers.json is JSON");
        assert_eq!(answers(&program), right, "{name}: as stored");
        let landed = [rows(&release, "first.json"), rows(&release, "edits.json")];
        assert_exact(&program, CASES_RESOURCE, &oracle_of(&landed), &format!("{name}, as stored"));
        program.run(&["check"]).success();
        std::fs::copy(release.join("next.json"), folder.path().join("next.json")).expect("a copy");
        program.run(&["ingest", CASES_RESOURCE, "--file", "next.json"]).success();
        let oracle = oracle_of(&[landed.concat(), rows(&release, "next.json")]);
        assert_exact(&program, CASES_RESOURCE, &oracle, &format!("{name}, went on"));
        let compacted = program.run(&["compact", "--window", "2000..2040", "--format", "json"]).success();
        for partition in compacted.json().as_array().expect("an array") {
            assert_eq!(partition["drift"], 0, "{name}: {partition}");
        }
        assert_exact(&program, CASES_RESOURCE, &oracle, &format!("{name}, compacted"));
        program.run(&["check"]).success();
    }
}

#[test]
fn a_lake_of_a_newer_format_is_refused() {
    let release = releases().pop().expect("a golden lake");
    let (folder, program) = opened(&release);
    let definition = folder.path().join("lake/lake.json");
    let text = std::fs::read_to_string(&definition).expect("lake.json");
    std::fs::write(&definition, text.replace("\"format\": 1", "\"format\": 999")).expect("written");
    for command in [["status"].as_slice(), &["compact"], &["sql", "SELECT 1"]] {
        let refused = program.run(command).expect_status(2);
        assert!(refused.stderr.contains("format 999") && refused.stderr.contains("newer"), "{}", refused.stderr);
    }
}

#[test]
fn a_table_with_a_feature_that_is_not_known_is_refused() {
    let release = releases().pop().expect("a golden lake");
    for feature in ["deletionVectors", "aFeatureOfTomorrow"] {
        let (folder, program) = opened(&release);
        let log = folder.path().join("lake/counts/_delta_log");
        let entries = std::fs::read_dir(&log).expect("a log").map(|e| e.expect("an entry").file_name());
        let versions = entries.filter_map(|name| name.to_str()?.strip_suffix(".json")?.parse::<u64>().ok());
        let next = versions.max().expect("a version") + 1;
        let protocol = json!({"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["timestampNtz", feature],
            "writerFeatures": ["timestampNtz", "domainMetadata", feature],
        }});
        std::fs::write(log.join(format!("{next:020}.json")), format!("{protocol}\n")).expect("written");
        let refused = program.run(&["sql", "SELECT SUM(count) FROM counts"]).expect_status(2);
        assert!(refused.stderr.contains("counts") && refused.stderr.contains(feature), "{}", refused.stderr);
    }
}

/// Run it once for each release, before it is published, and commit what it makes.
#[test]
#[ignore = "makes the golden lake of this release"]
fn make_the_golden_lake_of_this_release() {
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(env!("CARGO_PKG_VERSION"));
    assert!(!release.exists(), "{} is there; a golden lake is never made again", release.display());
    std::fs::create_dir_all(&release).expect("a directory");
    let save = |name: &str, rows: &[Row]| {
        let text = serde_json::to_string_pretty(rows).expect("JSON");
        std::fs::write(release.join(name), text).expect("written");
    };
    let portal = lake_soda_sim::synthetic::san_francisco(400, 3);
    let all = portal.rows(CASES);
    let mut first = all[..60].to_vec();
    first[0].remove("lat");
    first[1].remove("requested_datetime");
    let mut keyless = all[60].clone();
    keyless.remove("service_request_id");
    first.push(keyless);
    let later = |row: &Row, name: &str, value: &str, day: &str| {
        let mut row = row.clone();
        row.insert(name.to_owned(), value.into());
        row.insert(":updated_at".to_owned(), format!("2027-01-{day}T00:00:00.000Z").into());
        row
    };
    let mut edits = vec![
        later(&first[2], "lat", "37.7601", "01"),
        later(&first[3], "requested_datetime", "2021-05-05T05:05:00.000", "01"),
        later(&first[4], "service_name", "Another Kind", "01"),
    ];
    edits.extend_from_slice(&all[61..65]);
    let mut next = vec![later(&first[3], "service_name", "Yet Another", "02")];
    next.extend_from_slice(&all[65..75]);
    save("first.json", &first);
    save("edits.json", &edits);
    save("next.json", &next);
    let lake = Path::new(MADE_IN);
    assert!(!lake.exists(), "{MADE_IN} is there; remove it first");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(lake).current_dir(&release);
    for (file, size) in [("first.json", "25"), ("edits.json", "100")] {
        program.run(&["ingest", CASES_RESOURCE, "--file", file, "--page-size", size]).success();
        if file == "first.json" {
            program.run(&["compact"]).success();
        }
    }
    let right = expected(&oracle_of(&[first, edits]));
    assert_eq!(answers(&program), right, "the new lake");
    std::fs::write(release.join("answers.json"), serde_json::to_string_pretty(&right).expect("JSON")).expect("written");
    std::fs::remove_dir_all(lake.join(".index")).expect("an index");
    copy(lake, &release.join("stored"));
    std::fs::remove_dir_all(lake).expect("removed");
}

//! Boundaries in the commands that keep a lake: history, check, vacuum, queries of the past.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{SET, edit, ingest, standing};
use crate::harness::{Bench, CASES_RESOURCE};

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

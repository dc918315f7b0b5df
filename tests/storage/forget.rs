//! A sealed record vanishes: no byte of the lake holds it, and every count is what it is without it.

use std::path::{Path, PathBuf};

use arrow::util::pretty::pretty_format_batches;
use lake_model::FAIL_POINTS;
use lake_soda_sim::Portal;
use lake_testkit::Row;
use lake_testkit::oracle::Oracle;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::harness::{Bench, CASES, CASES_RESOURCE};

const KEY: &str = "987654321987";
const TEXT: &str = "a matter under seal";
const EDITED_MS: i64 = 1_790_000_000_000;

fn is_sealed(row: &Row) -> bool {
    row.get("status_notes").and_then(|notes| notes.as_str()).is_some_and(|notes| notes.contains(TEXT))
}

/// Creates a lake with several versions of a record, in several batches, as an incident and as a reject, compacted and
/// not, with the remains of killed writers.
fn with_a_record_to_seal(size: &str) -> Bench {
    let portal: Portal = lake_soda_sim::synthetic::san_francisco(500, 5);
    let mut row = portal.rows(CASES)[0].clone();
    row.retain(|name, _| !name.starts_with(':'));
    row.insert("service_request_id".to_owned(), KEY.into());
    row.insert("status_notes".to_owned(), format!("{TEXT}, first").into());
    row.insert("requested_datetime".to_owned(), "2019-07-07T07:07:00.000".into());
    portal.insert(CASES, vec![row], 1_600_000_000_000);
    let bench = Bench::new(portal);
    // Small pages, so that there is a checkpoint which holds it as well.
    let ingest = || drop(bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", size]).success());
    ingest();
    bench.ingest(&bench.program(), "fire-incidents", &[]).success();
    bench.program().run(&["compact"]).success();
    let set =
        |name: &'static str, value: &'static str| move |row: &mut Row| drop(row.insert(name.to_owned(), value.into()));
    bench.portal.update_where(CASES, is_sealed, |row| drop(row.remove("service_request_id")), EDITED_MS);
    ingest();
    bench.portal.update_where(CASES, is_sealed, set("service_request_id", KEY), EDITED_MS + 1_000);
    ingest();
    bench.program().run(&["compact", "--resource", CASES_RESOURCE]).success();
    bench.portal.update_where(CASES, is_sealed, set("lat", "37.7711"), EDITED_MS + 2_000);
    ingest();
    bench.program().env("HOTSPOTS_FAIL_AT", "compact:after-incidents-commit").run(&["compact"]).expect_status(128 + 6);
    // The remains of killed writers: a data file that was never committed, and unfinished ones of data and log.
    let of_raw = bench.lake().join("raw/311-cases");
    let held = holders(&bench, &[TEXT]);
    let data = held.iter().find(|path| path.starts_with(&of_raw) && path.extension().is_some_and(|e| e == "parquet"));
    let data = data.expect("a raw file that holds it");
    std::fs::copy(data, data.with_file_name("part-00000000-0000-4000-8000-000000000000.parquet")).expect("a copy");
    std::fs::copy(data, data.with_file_name("part-00000000-0000-4000-8000-000000000001.parquet#42")).expect("a copy");
    std::fs::write(of_raw.join("_delta_log/00000000000000000999.json#42"), KEY).expect("written");
    bench
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Returns the content of a Parquet file, checkpoints of a log included, as text.
fn decoded(path: &Path) -> String {
    let file = std::fs::File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader");
    let batches: Vec<_> = reader.collect::<Result<_, _>>().expect("rows");
    pretty_format_batches(&batches).expect("text").to_string()
}

/// Returns the files of the lake that contain one of the texts, in their bytes or in their rows.
fn holders(bench: &Bench, texts: &[&str]) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).expect("a file");
        let in_bytes = |text: &&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        // The sum of a checkpoint is named after it, and is text.
        let sum = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("_blake3."));
        let parquet = !sum && path.extension().is_some_and(|e| e == "parquet");
        let rows = if parquet { decoded(path) } else { String::new() };
        texts.iter().any(|text| in_bytes(text) || rows.contains(*text))
    };
    all_files(&bench.lake()).into_iter().filter(holds).collect()
}

fn without(bench: &Bench) -> Oracle {
    let mut oracle = bench.oracle(CASES);
    assert!(oracle.remove(KEY), "the portal still publishes it");
    oracle
}

fn portal_id(bench: &Bench) -> String {
    let rows = bench.portal.rows(CASES);
    let row = rows.iter().find(|row| is_sealed(row)).expect("the record");
    row[":id"].as_str().expect("an id").to_owned()
}

fn assert_forgotten(bench: &Bench, when: &str) {
    assert_eq!(holders(bench, &[KEY, TEXT]), Vec::<PathBuf>::new(), "{when}");
    bench.assert_exact(CASES_RESOURCE, &without(bench), when);
    bench.assert_exact("fire-incidents", &bench.oracle("wr8u-xric"), when);
    let id = portal_id(bench);
    for query in [
        format!("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _key = '{KEY}' OR _portal_id = '{id}'"),
        format!("SELECT COUNT(*) AS n FROM stored.rejects WHERE identity = '{id}'"),
    ] {
        assert_eq!(bench.program().sql(&query)[0]["n"], 0, "{when}: {query}");
    }
    let history = bench.program().run(&["history", "--table", "raw/311-cases", "--format", "json"]).success();
    let line =
        history.json().as_array().expect("lines").iter().any(|line| line["work"] == "FORGET" && line["keys"] == 1);
    assert!(line, "{when}: {}", history.stdout);
    bench.program().run(&["check"]).success();
}

#[test]
fn a_forgotten_record_is_in_no_byte_of_the_lake_and_in_no_count() {
    let bench = with_a_record_to_seal("2");
    let held = holders(&bench, &[KEY]);
    for part in [
        "raw/311-cases/_landed",
        "raw/311-cases/_delta_log/",
        "checkpoint",
        "incidents/resource",
        "incidents/_delta_log",
        ".index",
    ] {
        assert!(held.iter().any(|path| path.to_string_lossy().contains(part)), "{part} holds it: {held:?}");
    }
    let query = format!("SELECT COUNT(*) AS n FROM stored.rejects WHERE identity = '{}'", portal_id(&bench));
    assert_eq!(bench.program().sql(&query)[0]["n"], 2, "it was a reject, and is none any more");
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "before");
    bench.program().run(&["forget", CASES_RESOURCE, KEY]).success();
    assert_forgotten(&bench, "forgotten");
    // Landing continues where it was: the cursor is there, and nothing lands twice.
    bench.portal.delete_where(CASES, is_sealed);
    crate::storage::history::edit(&bench, 9);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "landing continues");
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "and compaction");
    assert_eq!(holders(&bench, &[KEY, TEXT]), Vec::<PathBuf>::new(), "it did not come back");
    let other = bench.program().sql("SELECT id FROM incidents WHERE resource = '311-cases' ORDER BY id LIMIT 1");
    bench.program().run(&["forget", CASES_RESOURCE, other[0]["id"].as_str().expect("an id")]).success();
    let history = bench.program().run(&["history", "--table", "raw/311-cases", "--format", "json"]).success();
    let lines = history.json().as_array().expect("lines").iter().filter(|line| line["keys"] == 1).count();
    assert_eq!(lines, 2, "both are in the history: {}", history.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_serves_the_lake_meanwhile_answers_without_the_record_at_once() {
    let bench = with_a_record_to_seal("40");
    let serving = bench.program().spawn_serving(&["serve"]);
    let total = async || {
        let answer =
            serving.get("/aggregates?resource=311-cases&geo_precision=0&time_precision=all&group_by=resource").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.header("lake-as-of").is_some() && answer.header("lake-exact") == Some("true"));
        answer.json()[0]["count"].as_i64().expect("a count")
    };
    assert_eq!(total().await, bench.oracle(CASES).totals().incidents);
    bench.program().run(&["forget", CASES_RESOURCE, KEY]).success();
    assert_eq!(total().await, without(&bench).totals().incidents);
}

#[test]
fn a_forgotten_record_that_is_still_published_lands_again_with_a_full_read() {
    let bench = with_a_record_to_seal("40");
    let saved = serde_json::to_string(&bench.portal.rows(CASES)).expect("JSON");
    std::fs::write(bench.folder.path().join("saved.json"), saved).expect("written");
    bench.program().run(&["forget", CASES_RESOURCE, KEY]).success();
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert_eq!(holders(&bench, &[TEXT]), Vec::<PathBuf>::new(), "the cursor is past it");
    bench.program().run(&["ingest", CASES_RESOURCE, "--file", "saved.json"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "read again");
}

#[test]
fn forgetting_what_is_not_there_says_so_and_changes_nothing() {
    let bench = Bench::synthetic(100);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let before = bench.program().run(&["history", "--format", "json"]).success().stdout;
    let refused = bench.program().run(&["forget", CASES_RESOURCE, "1"]).expect_status(2);
    assert!(refused.stderr.contains("holds no row"), "{}", refused.stderr);
    assert_eq!(bench.program().run(&["history", "--format", "json"]).success().stdout, before);
    bench.program().run(&["forget", "fire-incidents", "1"]).expect_status(2);
}

#[test]
fn a_kill_at_each_step_of_forgetting_is_made_good_by_running_it_again() {
    for point in FAIL_POINTS.iter().filter(|point| point.starts_with("forget:")) {
        let bench = with_a_record_to_seal("40");
        let killed = bench.program().env("HOTSPOTS_FAIL_AT", *point).run(&["forget", CASES_RESOURCE, KEY]);
        assert_eq!(killed.status, 128 + 6, "{point}: {}", killed.stderr);
        bench.program().run(&["forget", CASES_RESOURCE, KEY]).success();
        assert_forgotten(&bench, point);
        let again = bench.program().run(&["forget", CASES_RESOURCE, KEY]).expect_status(2);
        assert!(again.stderr.contains("holds no row"), "{}", again.stderr);
    }
}

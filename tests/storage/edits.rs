//! Rows updated, moved, re-dated and inserted at the portal: fast answers are right at once, compaction changes none.

use serde_json::Value;

use crate::harness::{Bench, CASES, CASES_RESOURCE, stored};

/// Later than every stamp of the synthetic rows.
const EDITED_MS: i64 = 1_790_000_000_000;

fn id_of(row: &lake_testkit::Row) -> u64 {
    row["service_request_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{row:?} has no id"))
}

/// Makes every kind of edit, on different rows; `round` makes each round's edits its own.
pub(crate) fn edit(bench: &Bench, round: i64) {
    let at = |n: i64| EDITED_MS + round * 60_000 + n * 1_000;
    let portal = &bench.portal;
    let each = |n: u64, r: u64| move |row: &lake_testkit::Row| id_of(row) % n == r;
    let set = |name: &'static str, value: String| {
        move |row: &mut lake_testkit::Row| {
            row.insert(name.to_owned(), Value::from(value.clone()));
        }
    };
    // The content changes, no counted dimension does.
    portal.update_where(CASES, each(11, 0), set("status_notes", format!("note {round}")), at(0));
    // Moved to another cell, and to nowhere.
    portal.update_where(CASES, each(11, 1), set("lat", format!("37.7{}123", round % 9)), at(1));
    portal.update_where(CASES, each(53, 2), set("long", "0.0".to_owned()), at(2));
    // Re-dated into another month, another year, and to no time at all.
    portal.update_where(
        CASES,
        each(11, 3),
        set("requested_datetime", format!("2019-0{}-15T08:30:00.000", 1 + round % 9)),
        at(3),
    );
    portal.update_where(CASES, each(61, 4), |row| drop(row.remove("requested_datetime")), at(4));
    // Another kind.
    portal.update_where(CASES, each(11, 5), set("service_name", format!("Kind {round}")), at(5));
    // New ones, sharing a stamp.
    let mut new = portal.rows(CASES)[..7].to_vec();
    for (n, row) in new.iter_mut().enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), format!("{}", 800_000_000_000 + round * 100 + n as i64).into());
    }
    portal.insert(CASES, new, at(6));
}

#[test]
fn edited_rows_are_counted_right_at_once_and_compaction_changes_no_answer() {
    let bench = Bench::synthetic(3_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "400"]).success();
    for round in 0..3 {
        edit(&bench, round);
        bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
        let oracle = bench.oracle(CASES);
        bench.assert_exact(CASES_RESOURCE, &oracle, &format!("round {round}, fast"));
        let compacted = bench.program().run(&["compact", "--format", "json"]).success();
        for partition in compacted.json().as_array().unwrap() {
            assert_eq!(partition["drift"], 0, "round {round}: {partition}");
        }
        bench.assert_exact(CASES_RESOURCE, &oracle, &format!("round {round}, compacted"));
    }
}

#[test]
fn content_that_returns_to_what_it_was_lands_three_versions() {
    let bench = Bench::synthetic(400);
    let first = id_of(&bench.portal.rows(CASES)[0]);
    let set = |name: &'static str, at: i64| {
        bench.portal.update_where(
            CASES,
            |row| id_of(row) == first,
            |row| drop(row.insert("service_name".to_owned(), name.into())),
            EDITED_MS + at,
        );
        bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
        bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), name);
    };
    set("A", 0);
    let versions = |program: &lake_testkit::Program| {
        let query = format!("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _key = '{first}'");
        program.sql(&query)[0]["n"].as_i64().unwrap()
    };
    let before = versions(&bench.program());
    set("B", 1_000);
    set("A", 2_000);
    assert_eq!(versions(&bench.program()), before + 2);
}

#[test]
fn compacting_a_window_twice_leaves_the_same_tables_and_finds_no_drift() {
    let bench = Bench::synthetic(3_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "400"]).success();
    bench.ingest(&bench.program(), "fire-incidents", &[]).success();
    edit(&bench, 1);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let window = || bench.program().run(&["compact", "--window", "2020..2030", "--format", "json"]).success().json();
    window();
    let once = stored(&bench.program());
    let again = window();
    assert_eq!(stored(&bench.program()), once);
    let partitions = again.as_array().unwrap();
    assert_eq!(partitions.len(), 8, "each year from 2023 to 2026 of both resources is reported: {again}");
    for partition in partitions {
        assert_eq!(partition["drift"], 0, "{partition}");
        assert_eq!(partition["how"], "recounted", "{partition}");
        assert_eq!(partition["before"], partition["after"], "{partition}");
    }
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after two windows");
}

#[test]
fn a_dry_run_reports_and_writes_nothing() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let report = bench.program().run(&["compact", "--dry-run", "--format", "json"]).success().json();
    let incidents: i64 = report.as_array().unwrap().iter().map(|p| p["after"].as_i64().unwrap()).sum();
    assert_eq!(incidents, bench.oracle(CASES).totals().incidents);
    assert!(stored(&bench.program()).0.is_empty());
}

#[test]
fn windows_tile() {
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    edit(&bench, 2);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let count = |from: &str, to: &str| {
        let query = format!(
            "SELECT COALESCE(SUM(count), 0) AS n FROM counts WHERE occurred_at >= TIMESTAMP '{from}' AND occurred_at < TIMESTAMP '{to}'"
        );
        bench.program().sql(&query)[0]["n"].as_i64().unwrap()
    };
    let edges = [
        "2023-01-01T00:00:00",
        "2023-07-01T05:00:00",
        "2024-01-01T00:00:00",
        "2024-02-29T23:00:00",
        "2027-01-01T00:00:00",
    ];
    let parts: i64 = edges.windows(2).map(|pair| count(pair[0], pair[1])).sum();
    assert_eq!(parts, count(edges[0], edges[4]));
    assert!(parts > 0);
}

#[test]
fn a_row_older_than_what_is_there_lands_nothing() {
    let bench = Bench::synthetic(500);
    let old = serde_json::to_string(&bench.portal.rows(CASES)).unwrap();
    std::fs::write(bench.folder.path().join("old.json"), old).unwrap();
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    edit(&bench, 1);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let late = bench.program().run(&["ingest", CASES_RESOURCE, "--file", "old.json"]).success();
    assert!(late.stderr.contains("0 new, 0 changed") && !late.stderr.contains(" 0 stale"), "{}", late.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after old rows came late");
}

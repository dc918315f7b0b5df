//! Whatever a publisher writes into a system field, nothing is silenced for good, counted twice or lost.

use std::sync::{Arc, Mutex};

use lake_testkit::{Output, Program};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};
use crate::portal::rogue_portal::{RoguePortal, answer_rows, case};

/// 2026-10-01, which the portals of these tests take for the present.
const NOW_MS: i64 = 1_790_812_800_000;
/// A stamp of 9999-12-30.
const FAR_MS: i64 = 253_402_128_000_000;
/// A day after the present, for tests that continue.
const NEXT_DAY_MS: i64 = NOW_MS + 86_400_000;

fn is_case(n: usize) -> impl Fn(&lake_testkit::Row) -> bool + Copy {
    move |row| row["service_request_id"].as_str().unwrap().parse::<usize>().unwrap() % 10 == n
}

fn rename(bench: &Bench, n: usize, name: &'static str, at_ms: i64) {
    let change = |row: &mut lake_testkit::Row| drop(row.insert("service_name".to_owned(), name.into()));
    assert!(bench.portal.update_where(CASES, is_case(n), change, at_ms) > 0);
}

fn bench() -> Bench {
    let bench = Bench::synthetic(800);
    bench.portal.set_clock(NOW_MS);
    bench
}

#[test]
fn a_stamp_in_the_future_silences_nothing_that_follows() {
    let bench = bench();
    let ingest = |more: &[&str]| bench.ingest(&bench.program(), CASES_RESOURCE, more).success();
    ingest(&[]);
    rename(&bench, 3, "From The Future", FAR_MS);
    for (size, told) in [("1000", true), ("7", true)] {
        let said = ingest(&["--page-size", size]);
        assert_eq!(said.stderr.contains("is in the future, such as 9999-12-30"), told, "{}", said.stderr);
        bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "a stamp in the future");
    }
    let again = ingest(&[]);
    assert!(again.stderr.contains(" 0 new, 0 changed") && again.stderr.contains("; 0 batches"), "{}", again.stderr);
    // Later changes are read, of other rows and of the same, whose stamps are right again or older than they were.
    rename(&bench, 4, "After It", NOW_MS);
    ingest(&[]);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "a change after it");
    rename(&bench, 3, "Mended", NOW_MS + 1_000);
    let repaired = ingest(&[]);
    assert!(!repaired.stderr.contains("future"), "{}", repaired.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "the same rows again");
    // A full pass and an audit take it as it is.
    rename(&bench, 5, "Again", FAR_MS);
    bench.portal.delete_where(CASES, is_case(6));
    ingest(&["--full", "--allow-deletes"]);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "a full pass");
    let args = ["audit", "--resource", CASES_RESOURCE, "--keys", "--portal", bench.served.url()];
    bench.program().run(&args).success();
}

#[test]
fn a_margin_of_an_hour_is_left_to_the_clocks() {
    let bench = bench();
    rename(&bench, 1, "Soon", NOW_MS + 3_500_000);
    let said = bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert!(!said.stderr.contains("future"), "{}", said.stderr);
    rename(&bench, 1, "Later", NOW_MS + 3_700_000);
    let said = bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert!(said.stderr.contains("future"), "{}", said.stderr);
}

/// Creates a lake whose next run continues in the year 9999, as earlier releases left it.
fn stuck() -> Bench {
    let bench = bench();
    bench.portal.set_clock(FAR_MS);
    rename(&bench, 3, "From The Future", FAR_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.portal.set_clock(NEXT_DAY_MS);
    rename(&bench, 3, "Mended", NEXT_DAY_MS);
    rename(&bench, 4, "Unread", NEXT_DAY_MS);
    bench
}

#[test]
fn a_lake_stuck_in_the_future_is_found_and_repaired_by_audit() {
    let bench = stuck();
    let refused = bench.ingest(&bench.program(), CASES_RESOURCE, &[]).expect_status(5);
    let remedy = "hotspots-lake audit --resource 311-cases --repair";
    assert!(refused.stderr.contains("in the future") && refused.stderr.contains(remedy), "{}", refused.stderr);
    let audit = |more: &[&str]| -> Output {
        let mut args = vec!["audit", "--resource", CASES_RESOURCE, "--portal", bench.served.url(), "--format", "json"];
        args.extend(more);
        bench.program().run(&args)
    };
    for more in [&[][..], &["--keys"], &["--window", "2020..2021"]] {
        let found = audit(more).expect_status(1);
        let rows = found.json();
        let finding = rows.as_array().unwrap().iter().find(|row| row["finding"] == "cursor in the future");
        assert!(finding.unwrap()["key"].as_str().unwrap().starts_with("9999-12-30"), "{rows}");
        assert!(found.stderr.contains(remedy), "{}", found.stderr);
    }
    let repaired = audit(&["--keys", "--repair"]).success();
    assert!(repaired.stderr.contains("was stuck in the future"), "{}", repaired.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "repaired");
    audit(&["--keys"]).success();
    rename(&bench, 3, "Goes On", NEXT_DAY_MS + 1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "continues");
}

#[test]
fn a_replica_that_lags_deletes_nothing_beside_a_future_stamp() {
    let bench = bench();
    bench.portal.set_tells_modified(false);
    rename(&bench, 3, "From The Future", FAR_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    rename(&bench, 4, "New", NOW_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let right = bench.oracle(CASES);
    // The rows of a replica that has not seen the last change, and lacks rows: the future stamp makes it no newer.
    bench.portal.delete_where(CASES, is_case(4));
    let full = bench.ingest(&bench.program(), CASES_RESOURCE, &["--full"]).expect_status(3);
    assert!(full.stderr.contains("not deleted"), "{}", full.stderr);
    bench.assert_exact(CASES_RESOURCE, &right, "nothing is deleted");
}

/// A portal of these rows, and a lake of its own.
struct Odd {
    rows: Arc<Mutex<Vec<Value>>>,
    portal: RoguePortal,
    folder: tempfile::TempDir,
}

impl Odd {
    fn new(rows: Vec<Value>) -> Self {
        let rows = Arc::new(Mutex::new(rows));
        let served = Arc::clone(&rows);
        let portal = RoguePortal::start(move |asked, stream| answer_rows(asked, stream, &served.lock().unwrap()));
        Self { rows, portal, folder: tempfile::tempdir().expect("a directory") }
    }

    fn program(&self) -> Program {
        Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(self.folder.path().join("lake"))
    }

    fn ingest(&self) -> Output {
        self.program().run(&["ingest", CASES_RESOURCE, "--portal", &self.portal.url(), "--retries", "0"])
    }

    fn keys(&self) -> Vec<String> {
        let rows = self.program().sql("SELECT id FROM incidents ORDER BY CAST(id AS BIGINT)");
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn odd_system_fields_silence_lose_and_double_nothing() {
    let long = "x".repeat(5_000);
    for (field, value) in [
        (":updated_at", json!("9999-12-31T23:59:59.999Z")),
        (":updated_at", json!("zzz, not a date")),
        (":updated_at", json!("0001-01-01T00:00:00.000Z")),
        (":updated_at", json!(null)),
        (":updated_at", json!({"at": [1]})),
        (":updated_at", json!("")),
        (":id", json!(null)),
        (":id", json!("row-0001")),
        (":id", json!(long)),
        (":id", json!("\u{1b}[31m\n'\"\\ row\u{0}")),
        (":id", json!(7)),
        (":created_at", json!("9999-12-31T23:59:59.999Z")),
        (":version", json!({"not": "a version"})),
    ] {
        let mut rows: Vec<Value> = (1..=5).map(|n| case(n, &format!("2026-01-0{n}T00:00:00.000Z"))).collect();
        rows[2][field] = value.clone();
        let odd = Odd::new(rows);
        odd.ingest().success();
        assert_eq!(odd.keys(), ["1", "2", "3", "4", "5"], "{field} {value}");
        let again = odd.ingest().success();
        assert!(again.stderr.contains(" 0 new, 0 changed") && again.stderr.contains("; 0 batches"), "{}", again.stderr);
        odd.rows.lock().unwrap().push(case(6, "2026-02-01T00:00:00.000Z"));
        let next = odd.ingest().success();
        assert_eq!(odd.keys(), ["1", "2", "3", "4", "5", "6"], "{field} {value}: {}", next.stderr);
        assert!(!next.stderr.contains('\u{1b}'), "{}", next.stderr);
        // The portal corrects it, and the row changes.
        odd.rows.lock().unwrap()[2] = case(3, "2026-03-01T00:00:00.000Z");
        odd.rows.lock().unwrap()[2]["service_name"] = "Mended".into();
        odd.ingest().success();
        let repaired = odd.program().sql("SELECT COUNT(*) AS n FROM incidents WHERE category = 'Mended'");
        assert_eq!(repaired[0]["n"], 1, "{field} {value}");
    }
}

#[test]
fn rows_out_of_order_are_read_again_or_refused() {
    let rows: Vec<Value> =
        [3, 1, 5, 2, 4].into_iter().map(|n| case(n, &format!("2026-01-0{n}T00:00:00.000Z"))).collect();
    let shuffled = Arc::new(Mutex::new(rows));
    let served = Arc::clone(&shuffled);
    // It ignores `$order`: the rows above the cursor come in storage order.
    let portal = RoguePortal::start(move |asked, stream| {
        let mut rows = served.lock().unwrap().clone();
        if let Some(after) = asked.param("$where").and_then(|filter| filter.split('\'').nth(1)) {
            rows.retain(|row| row[":updated_at"].as_str().unwrap() > after);
        }
        rows.truncate(asked.param("$limit").unwrap().parse().unwrap());
        crate::portal::rogue_portal::json_answer(stream, &Value::from(rows))
    });
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    let url = portal.url();
    let ingest = |more: &[&str]| {
        let mut args = vec!["ingest", CASES_RESOURCE, "--portal", &url, "--retries", "0"];
        args.extend(more);
        program.run(&args)
    };
    let refused = ingest(&["--page-size", "3"]).expect_status(4);
    assert!(refused.stderr.contains("order of `:updated_at`"), "{}", refused.stderr);
    let count = || program.sql("SELECT COALESCE(SUM(count), 0) AS n FROM counts")[0]["n"].as_i64().unwrap();
    for _ in 0..2 {
        let said = ingest(&[]).success();
        assert!(said.stderr.contains("the next run reads them again"), "{}", said.stderr);
        assert_eq!(count(), 5);
    }
    shuffled.lock().unwrap().push(case(6, "2026-01-03T12:00:00.000Z"));
    ingest(&[]).success();
    assert_eq!(count(), 6, "a row between those that were read");
}

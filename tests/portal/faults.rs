//! The faults of portals.

use std::time::Duration;

use lake_soda_sim::Fault;
use serde_json::Value;

use crate::harness::{Bench, CASES, CASES_RESOURCE};

#[test]
fn every_passing_fault_is_ridden_out_and_the_counts_are_right() {
    let bench = Bench::synthetic(1_500);
    bench.portal.push_faults([
        Fault::TooManyRequests { retry_after_s: Some(0) },
        Fault::Status(503),
        Fault::None,
        Fault::CutBody,
        Fault::NotJson,
        Fault::TruncatedJson,
        Fault::None,
        Fault::Stale,
        Fault::Status(500),
        Fault::Accepted202,
        Fault::Status(408),
        Fault::Delay(Duration::from_millis(20)),
    ]);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    assert_eq!(bench.portal.faults_left(), 0, "the faults were met");
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after faults");
}

#[test]
fn a_portal_that_stays_down_is_exit_code_4_and_what_had_landed_stays() {
    let bench = Bench::synthetic(1_500);
    bench.portal.push_faults([Fault::None, Fault::None].into_iter().chain((0..40).map(|_| Fault::Status(503))));
    let failed = bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100", "--retries", "3"]);
    let failed = failed.expect_status(4);
    assert!(failed.stderr.contains("503"), "{}", failed.stderr);
    let landed = bench.program().sql("SELECT SUM(count) AS n FROM counts")[0]["n"].as_i64().unwrap();
    assert_eq!(landed, 200, "the pages before the fault");
    bench.portal.push_faults([]);
    while bench.portal.faults_left() > 0 {
        bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100", "--retries", "8"]);
    }
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "when the portal is back");
}

#[test]
fn a_rejected_token_is_dropped_once_and_a_wrong_request_is_not_tried_again() {
    let bench = Bench::synthetic(300);
    bench.portal.set_token(Some("the right one"));
    let program = bench.program().env("HOTSPOTS_APP_TOKEN", "a wrong one");
    bench.ingest(&program, CASES_RESOURCE, &[]).success();
    let refused = bench.portal.requests().iter().filter(|r| r.status == 403).count();
    assert_eq!(refused, 1);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "without the token");
    bench.portal.clear_requests();
    bench.portal.remove_dataset("ubvf-ztfx");
    bench.ingest(&bench.program(), "traffic-crashes", &[]).expect_status(2);
    assert_eq!(bench.portal.requests().len(), 1, "a 404 is asked once");
}

#[test]
fn a_portal_that_does_not_compare_ids_is_paged_by_time_with_its_ties() {
    let bench = Bench::synthetic(2_000);
    // One stamp for half of the rows: a tie far larger than a page.
    let even =
        |row: &lake_testkit::Row| row["service_request_id"].as_str().unwrap().ends_with(['0', '2', '4', '6', '8']);
    bench.portal.update_where(
        CASES,
        even,
        |row| drop(row.insert("status_notes".to_owned(), "tied".into())),
        1_790_000_000_000,
    );
    bench.portal.refuse_id_comparison(CASES, true);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "paged by time");
    bench.portal.update_where(
        CASES,
        even,
        |row| drop(row.insert("service_name".to_owned(), "Tied".into())),
        1_791_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "paged by time, second run");
}

#[test]
fn rows_that_change_between_the_pages_of_a_scan_are_neither_lost_nor_counted_twice() {
    let bench = Bench::synthetic(2_000);
    bench.portal.on_page(|page, portal| {
        let stamp = 1_790_000_000_000 + i64::try_from(page).unwrap() * 1_000;
        let touched = |row: &lake_testkit::Row| {
            let id: u64 = row["service_request_id"].as_str().unwrap().parse().unwrap();
            page < 8 && id % 17 == page
        };
        portal.update_where(
            CASES,
            touched,
            move |row| drop(row.insert("service_name".to_owned(), Value::from(format!("Page {page}")))),
            stamp,
        );
    });
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after edits between pages");
}

#[test]
fn max_pages_stops_and_the_next_run_goes_on_from_there() {
    let bench = Bench::synthetic(1_500);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100", "--max-pages", "2"]).success();
    let landed = bench.program().sql("SELECT SUM(count) AS n FROM counts")[0]["n"].as_i64().unwrap();
    assert_eq!(landed, 200);
    bench.portal.clear_requests();
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    let first = bench.portal.requests().into_iter().next().unwrap();
    assert!(first.param("$where").is_some_and(|filter| filter.contains(":updated_at")), "{first:?}");
    assert!(bench.portal.requests().iter().all(|r| r.param("$offset").is_none()), "pages are never offsets");
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after two runs");
}

//! Rows that a publisher removes: gone from every answer once that is proven, never on a doubtful word.

use lake_soda_sim::Fault;
use lake_testkit::{Program, Row};

use crate::harness::{Bench, CASES, CASES_RESOURCE, stored};

const EDITED_MS: i64 = 1_790_000_000_000;

fn id_of(row: &Row) -> u64 {
    row.get("service_request_id").and_then(|id| id.as_str()?.parse().ok()).unwrap_or(0)
}

fn full(bench: &Bench, more: &[&str]) -> lake_testkit::Output {
    bench.ingest(&bench.program(), CASES_RESOURCE, &[&["--full", "--page-size", "300"], more].concat())
}

fn landed(bench: &Bench) -> i64 {
    bench.program().sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\"")[0]["n"].as_i64().unwrap()
}

#[test]
fn a_row_that_is_gone_leaves_every_answer_at_once_and_comes_back_when_it_does() {
    let bench = Bench::synthetic(3_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let chosen = |row: &Row| id_of(row) % 31 == 3;
    let removed: Vec<Row> = bench.portal.rows(CASES).into_iter().filter(|row| chosen(row)).collect();
    assert!(removed.len() > 20);
    bench.portal.delete_where(CASES, chosen);
    let run = full(&bench, &[]).success();
    assert!(run.stderr.contains(&format!("{} deleted", removed.len())), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "deleted, fast");
    let report = bench.program().run(&["compact", "--format", "json"]).success().json();
    assert!(report.as_array().unwrap().iter().all(|partition| partition["drift"] == 0), "{report}");
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "deleted, compacted");
    // Inserted again, with the stamps they had: a tombstone is older than anything that comes after it.
    let back = removed.into_iter().map(|row| row.into_iter().filter(|(name, _)| !name.starts_with(':')).collect());
    bench.portal.insert(CASES, back.collect(), 1_000_000_000_000);
    full(&bench, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "back, fast");
    bench.program().run(&["compact", "--window", "2000..2030"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "back, compacted");
}

#[test]
fn reading_all_again_without_a_change_lands_nothing() {
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let (before, tables) = (landed(&bench), stored(&bench.program()));
    bench.portal.restamp(CASES, EDITED_MS, |row| drop(row.insert("data_loaded_at".to_owned(), "2026-01-01".into())));
    let run = full(&bench, &[]).success();
    assert!(run.stderr.contains("0 new, 0 changed"), "{}", run.stderr);
    assert_eq!(landed(&bench), before);
    assert_eq!(stored(&bench.program()), tables);
}

#[test]
fn more_than_a_twentieth_goes_only_where_that_is_asked() {
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let before = bench.oracle(CASES);
    bench.portal.delete_where(CASES, |row| id_of(row).is_multiple_of(5));
    let refused = full(&bench, &[]).expect_status(3);
    assert!(refused.stderr.contains("--allow-deletes"), "{}", refused.stderr);
    bench.assert_exact(CASES_RESOURCE, &before, "nothing was deleted");
    full(&bench, &["--allow-deletes"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "deleted as asked");
}

#[test]
fn an_empty_portal_deletes_nothing_whatever_is_allowed() {
    let bench = Bench::synthetic(500);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let before = bench.oracle(CASES);
    bench.portal.delete_where(CASES, |_| true);
    let refused = full(&bench, &["--allow-deletes"]).expect_status(3);
    assert!(refused.stderr.contains("proves nothing"), "{}", refused.stderr);
    bench.assert_exact(CASES_RESOURCE, &before, "nothing was deleted");
}

#[test]
fn a_source_that_changes_during_the_pass_deletes_nothing_until_it_holds_still() {
    let bench = Bench::synthetic(3_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    // Behind the pass a row goes that it has seen, so that what it has not seen proves nothing.
    let first = bench.portal.rows(CASES)[0].clone();
    bench.portal.delete_where(CASES, |row| id_of(row) % 47 == 1 && id_of(row) != id_of(&first));
    bench.portal.on_page(move |page, portal| {
        // The second answer is the first page of rows, the first one the count.
        if page == 2 {
            assert_eq!(portal.delete_where(CASES, |row| id_of(row) == id_of(&first)), 1);
        }
    });
    let run = full(&bench, &[]).success();
    assert!(run.stderr.contains("the source changed meanwhile"), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the second pass");
    // One that never holds still ends without a deletion.
    let tombstones = bench.program().sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _deleted");
    let template = bench.portal.rows(CASES)[0].clone();
    bench.portal.delete_where(CASES, |row| id_of(row) % 53 == 1);
    let mut serial = 0;
    bench.portal.on_page(move |_, portal| {
        serial += 1;
        let mut row: Row =
            template.iter().filter(|(n, _)| !n.starts_with(':')).map(|(n, v)| (n.clone(), v.clone())).collect();
        row.insert("service_request_id".to_owned(), format!("{}", 900_000_000_000_u64 + serial).into());
        portal.insert(CASES, vec![row], EDITED_MS + i64::try_from(serial).unwrap() * 1_000);
    });
    let run = full(&bench, &[]).expect_status(4);
    assert!(run.stderr.contains("try again"), "{}", run.stderr);
    let gone = bench.program().sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _deleted");
    assert_eq!(gone, tombstones, "nothing was deleted");
}

#[test]
fn a_replica_that_lags_deletes_nothing() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let before = bench.oracle(CASES);
    bench.portal.push_faults(std::iter::repeat_n(Fault::Stale, 40));
    let run = full(&bench, &["--retries", "3"]).expect_status(4);
    assert!(run.stderr.contains("lags behind"), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &before, "nothing was deleted");
}

#[test]
fn a_replica_from_before_the_last_edits_deletes_nothing() {
    let bench = Bench::synthetic(1_000);
    let replica = lake_testkit::PortalThread::start(&lake_soda_sim::synthetic::san_francisco(1_000, 7));
    let against_replica = ["ingest", CASES_RESOURCE, "--full", "--portal", replica.url(), "--retry-wait-ms", "1"];
    // It lacks new rows.
    let mut new = bench.portal.rows(CASES)[..5].to_vec();
    for (n, row) in new.iter_mut().enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), format!("{}", 700_000_000_000 + n).into());
    }
    bench.portal.insert(CASES, new, EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let run = bench.program().run(&against_replica).expect_status(4);
    assert!(run.stderr.contains("lags"), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "new rows stay");
    // It serves older versions.
    let edit = |row: &mut Row| drop(row.insert("service_name".to_owned(), "Edited".into()));
    bench.portal.update_where(CASES, |row| id_of(row) % 9 == 1, edit, EDITED_MS + 1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&against_replica).expect_status(4);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "edits stay");
}

#[test]
fn a_replica_that_lacks_old_rows_and_new_ones_deletes_the_old_alone() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    // A row that was removed before the replica fell behind is gone from it too.
    let frozen = lake_soda_sim::synthetic::san_francisco(1_000, 7);
    let replica = lake_testkit::PortalThread::start(&frozen);
    for portal in [&bench.portal, &frozen] {
        portal.set_tells_modified(false);
        portal.delete_where(CASES, |row| id_of(row) % 97 == 1);
    }
    let new = |n: u64| {
        let mut row = bench.portal.rows(CASES)[0].clone();
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), format!("{}", 700_000_000_000 + n).into());
        row
    };
    bench.portal.insert(CASES, vec![new(1), new(2)], EDITED_MS);
    bench.portal.insert(CASES, vec![new(3)], EDITED_MS + 500);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let against_replica = ["ingest", CASES_RESOURCE, "--full", "--portal", replica.url(), "--retry-wait-ms", "1"];
    let run = bench.program().run(&against_replica).expect_status(3);
    assert!(run.stderr.contains("3 of the ") && run.stderr.contains("--allow-deletes"), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "the new rows stay, the old ones are gone");
    let repair = ["audit", "--resource", CASES_RESOURCE, "--keys", "--repair", "--portal", replica.url()];
    let run = bench.program().run(&repair).expect_status(1);
    assert!(run.stderr.contains("newer than the portal's newest row"), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "nor does an audit delete them");
    // Rows that are newest and were removed go as soon as something newer is published.
    bench.portal.delete_where(CASES, |row| id_of(row) == 700_000_000_003);
    let run = full(&bench, &[]).expect_status(3);
    assert!(run.stderr.contains("1 of the 1 rows"), "{}", run.stderr);
    bench.portal.insert(CASES, vec![new(4)], EDITED_MS + 1_000);
    full(&bench, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "it is gone");
}

#[test]
fn a_reject_that_is_gone_is_closed() {
    let bench = Bench::synthetic(1_000);
    let mut keyless: Row = bench.portal.rows(CASES)[0].clone();
    keyless.retain(|name, _| !name.starts_with(':') && name != "service_request_id");
    bench.portal.insert(CASES, vec![keyless], EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "one reject");
    bench.portal.delete_where(CASES, |row| !row.contains_key("service_request_id"));
    full(&bench, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "none");
    // The index is derived: rebuilt from raw it has the same content.
    std::fs::remove_dir_all(bench.lake().join(".index")).unwrap();
    let run = full(&bench, &[]).success();
    assert!(run.stderr.contains("0 new, 0 changed") && !run.stderr.contains("deleted"), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "none, from a rebuilt index");
}

#[test]
fn a_kill_between_tombstone_and_count_loses_nothing() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    bench.portal.delete_where(CASES, |row| id_of(row) % 41 == 1);
    let run = |program: &Program| bench.ingest(program, CASES_RESOURCE, &["--full"]).status;
    let armed = bench.program().env("HOTSPOTS_FAIL_AT", "ingest:after-raw-commit");
    assert_eq!(run(&armed), 128 + 6);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "filled in by the next run");
}

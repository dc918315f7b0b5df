//! `kill -9` at each named point and at random moments, then the same command again: the same counts.
//!
//! `HOTSPOTS_SEED` draws the moments of one lake, `HOTSPOTS_LONG=1` those of more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use lake_model::FAIL_POINTS;
use lake_soda_sim::Portal;
use lake_testkit::{Program, Row};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::faults::store_faults::{long, spread, tiny};
use crate::harness::{Bench, CASES, CASES_RESOURCE, copy, requested_seed};

/// The status that the operating system reports of an aborted process.
const ABORTED: i32 = 128 + 6;

const VACUUM: [&str; 5] = ["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"];

fn small_portal() -> Portal {
    let portal = lake_soda_sim::synthetic::san_francisco(500, 11);
    let mut keyless: Row = portal.rows(CASES)[0].clone();
    keyless.retain(|name, _| !name.starts_with(':') && name != "service_request_id");
    portal.insert(CASES, vec![keyless], 1_700_000_000_000);
    portal
}

fn edit(portal: &Portal) {
    let id = |row: &Row| row.get("service_request_id").and_then(|id| id.as_str()?.parse::<u64>().ok());
    let move_it = |row: &mut Row| drop(row.insert("lat".to_owned(), "37.7601".into()));
    portal.update_where(CASES, |row| id(row).is_some_and(|id| id % 5 == 0), move_it, 1_790_000_000_000);
    let redate = |row: &mut Row| drop(row.insert("requested_datetime".to_owned(), "2021-05-05T05:05:00.000".into()));
    portal.update_where(CASES, |row| id(row).is_some_and(|id| id % 7 == 0), redate, 1_790_000_001_000);
}

/// Runs with a point armed and, if that killed it, again without; whether it did.
fn die_and_run_again(point: &str, run: impl Fn(&Program) -> i32, program: impl Fn() -> Program) -> bool {
    let died = run(&program().env("HOTSPOTS_FAIL_AT", point));
    assert!(died == ABORTED || died == 0, "{point}: exit code {died}");
    if died == ABORTED {
        assert_eq!(run(&program()), 0, "{point}: the run after the crash");
    }
    died == ABORTED
}

/// Creates a lake in memory: a kill does not lose data of the operating system, and a disk would only be slow.
fn in_memory() -> Bench {
    Bench::within(small_portal(), tiny::folder())
}

/// Runs through landing, compaction, edits and compaction with a point armed; how often it killed.
fn kill_at(point: &str) -> usize {
    let bench = in_memory();
    // Checkpoints come with every hundredth version.
    let page_size = if point.contains("checkpoint") { "2" } else { "60" };
    let ingest = |program: &Program| bench.ingest(program, CASES_RESOURCE, &["--page-size", page_size]).status;
    let compact = |program: &Program| program.run(&["compact"]).status;
    let mut deaths = 0;
    let mut step = |run: &dyn Fn(&Program) -> i32, what: &str| {
        let died = die_and_run_again(point, run, || bench.program());
        deaths += usize::from(died);
        if died || what == "vacuumed" {
            bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("{point}: {what}"));
        }
    };
    step(&ingest, "landed");
    step(&compact, "compacted");
    edit(&bench.portal);
    if point.starts_with("ingest:after-index-clear") || point.starts_with("ingest:after-replay") {
        std::fs::remove_dir_all(bench.lake().join(".index")).expect("an index");
    }
    step(&ingest, "edits landed");
    step(&compact, "edits compacted");
    step(&|program| program.run(&VACUUM).status, "vacuumed");
    let window = bench.program().run(&["compact", "--window", "2000..2030", "--format", "json"]).success();
    for partition in window.json().as_array().unwrap() {
        assert_eq!(partition["drift"], 0, "{point}: {partition}");
    }
    let everything = ["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"];
    deaths += usize::from(die_and_run_again(point, |program| program.run(&everything).status, || bench.program()));
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("{point}: vacuumed"));
    deaths
}

/// Kills at each point whose name passes, once; returns how many.
fn kill_at_each(chosen: impl Fn(&str) -> bool) {
    let mut kills = 0;
    for point in FAIL_POINTS.iter().filter(|point| chosen(point)) {
        let deaths = kill_at(point);
        assert!(deaths > 0, "no run passes {point}");
        kills += deaths;
    }
    eprintln!("{kills} kills");
}

// Two tests, so that two cores share the points.
#[test]
fn a_kill_at_each_named_point_of_ingest_loses_nothing_and_counts_nothing_twice() {
    kill_at_each(|point| point.starts_with("ingest:"));
}

#[test]
fn a_kill_at_each_other_named_point_loses_nothing_and_counts_nothing_twice() {
    // Rows that `forget` removes are gone from the answers: its own tests kill it.
    kill_at_each(|point| !point.starts_with("ingest:") && !point.starts_with("forget:"));
}

#[test]
fn there_are_points_where_state_changes_hands() {
    assert!(FAIL_POINTS.len() >= 15);
    let names: std::collections::BTreeSet<_> = FAIL_POINTS.iter().collect();
    assert_eq!(names.len(), FAIL_POINTS.len());
}

/// Makes an edit of the publisher that differs from all others.
fn edit_some(portal: &Portal, nth: u64) {
    let id = |row: &Row| row.get("service_request_id").and_then(|id| id.as_str()?.parse::<u64>().ok());
    let change = |row: &mut Row| {
        row.insert("service_name".to_owned(), format!("Kind {}", nth % 3).into());
        row.insert("lat".to_owned(), format!("37.7{}01", nth % 10).into());
    };
    let at_ms = 1_790_000_000_000 + i64::try_from(nth).unwrap() * 1_000;
    assert!(portal.update_where(CASES, |row| id(row).is_some_and(|id| id % 11 == nth % 11), change, at_ms) > 0);
}

/// How often a lake is killed.
const KILLS: u64 = 100;

/// Kills commands on one lake again and again; returns how many of the kills met a program at work.
fn kill_at_random(seed: u64) -> u64 {
    let mut random = StdRng::seed_from_u64(seed);
    let bench = in_memory();
    let ingest =
        ["ingest", CASES_RESOURCE, "--portal", bench.served.url(), "--page-size", "20", "--retry-wait-ms", "1"];
    let compact = ["compact"];
    // How long an undisturbed run takes here, with as much to land as there will be.
    let began = Instant::now();
    bench.program().run(&ingest).success();
    let lasts = began.elapsed();
    let mut midway = 0;
    for nth in 1..=KILLS {
        edit_some(&bench.portal, nth);
        let args: &[&str] = if nth % 3 == 0 { &compact } else { &ingest };
        let mut running = bench.program().spawn_in_background(args);
        // The one place for a random moment: it is what is tested.
        std::thread::sleep(lasts.mul_f64(random.random_range(0.0..1.0)));
        midway += u64::from(running.ended().is_none());
        running.kill9();
        if nth % 10 == 0 {
            bench.program().run(&ingest).success();
            bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("after {nth} kills"));
        }
    }
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted after all kills");
    let window = bench.program().run(&["compact", "--window", "2000..2030", "--format", "json"]).success();
    for partition in window.json().as_array().unwrap() {
        assert_eq!(partition["drift"], 0, "{partition}");
    }
    eprintln!("{KILLS} kills, {midway} of them midway, within {lasts:?}");
    midway
}

#[test]
fn kills_at_random_moments_lose_nothing_and_count_nothing_twice() {
    let asked = requested_seed();
    let first = asked.unwrap_or(311);
    let lakes = if long() && asked.is_none() { 10 } else { 1 };
    let midway = AtomicU64::new(0);
    let seed = |lake: usize| first + u64::try_from(lake).unwrap();
    spread(
        lakes,
        |lake| format!("HOTSPOTS_SEED={}", seed(lake)),
        |lake| {
            midway.fetch_add(kill_at_random(seed(lake)), Ordering::SeqCst);
        },
    );
    eprintln!("{lakes} lakes from seed {first}, {KILLS} kills each, {} midway", midway.into_inner());
}

#[test]
fn a_kill_at_a_later_passing_of_the_points_of_ingest_is_no_worse() {
    let of_each_page = |point: &&&str| point.starts_with("ingest:") && !point.contains("index-clear");
    for point in FAIL_POINTS.iter().filter(of_each_page) {
        assert!(kill_at(&format!("{point}:3")) > 0, "no run passes {point} three times");
    }
    for nth in [2, 5, 9] {
        assert!(kill_at(&format!("store:before-publish:{nth}")) > 0);
    }
}

#[test]
fn a_lost_key_index_is_rebuilt_and_lands_nothing_twice() {
    let bench = Bench::new(small_portal());
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
    std::fs::remove_dir_all(bench.lake().join(".index")).expect("an index");
    edit(&bench.portal);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the index was lost");
    // An index that is behind, as after a copy from a backup, is brought up to date.
    let index = bench.lake().join(".index");
    let kept = bench.folder.path().join("kept");
    copy(&index, &kept);
    bench.portal.update_where(
        CASES,
        |_| true,
        |row| drop(row.insert("service_name".to_owned(), "New".into())),
        1_791_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    std::fs::remove_dir_all(&index).expect("an index");
    copy(&kept, &index);
    bench.portal.update_where(
        CASES,
        |_| true,
        |row| drop(row.insert("service_name".to_owned(), "Newer".into())),
        1_792_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the index fell behind");
}

/// Removes the log entries that a checkpoint makes superfluous; how many.
fn forget_log_before_checkpoint(table: &std::path::Path) -> usize {
    let log = table.join("_delta_log");
    let mut removed = 0;
    for entry in std::fs::read_dir(&log).expect("a log") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
        if name.ends_with(".json") && name.as_str() < "00000000000000000100.json" {
            std::fs::remove_file(path).expect("removed");
            removed += 1;
        }
    }
    removed
}

#[test]
fn cursor_transactions_and_watermarks_survive_checkpoints() {
    let bench = Bench::new(small_portal());
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "2"]).success();
    for table in ["raw/311-cases", "fast_counts"] {
        assert_eq!(forget_log_before_checkpoint(&bench.lake().join(table)), 100, "{table} has a checkpoint at 100");
    }
    bench.portal.clear_requests();
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "50"]).success();
    let first = bench.portal.requests().into_iter().next().expect("a request");
    assert!(first.param("$where").is_some(), "the cursor is there: {first:?}");
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "read from a checkpoint");
    std::fs::remove_dir_all(bench.lake().join(".index")).expect("an index");
    edit(&bench.portal);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "50"]).success();
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted from a checkpoint");
}

//! The lake as it was: every earlier answer can be had again, until vacuum lets it go.

use lake_testkit::{Program, Row};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

const EDITED_MS: i64 = 1_790_000_000_000;

/// Edits of every kind, and new rows; each round its own.
pub(crate) fn edit(bench: &Bench, round: i64) {
    let at = |n: i64| EDITED_MS + round * 60_000 + n * 1_000;
    let id = |row: &Row| row.get("service_request_id").and_then(|id| id.as_str()?.parse::<i64>().ok()).unwrap_or(0);
    let each = move |r: i64| move |row: &Row| id(row) % 11 == r;
    let set = |name: &'static str, value: String| {
        move |row: &mut Row| drop(row.insert(name.to_owned(), value.clone().into()))
    };
    bench.portal.update_where(CASES, each(1), set("lat", format!("37.7{}123", round % 9)), at(0));
    bench.portal.update_where(
        CASES,
        each(3),
        set("requested_datetime", format!("20{}-03-15T08:30:00.000", 18 + round % 5)),
        at(1),
    );
    bench.portal.update_where(CASES, each(5), set("service_name", format!("Kind {round}")), at(2));
    let mut new = bench.portal.rows(CASES)[..5].to_vec();
    for (n, row) in new.iter_mut().enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), format!("{}", 800_000_000_000 + round * 100 + n as i64).into());
    }
    new[0].remove("service_request_id");
    bench.portal.insert(CASES, new, at(3));
}

/// Returns the answers that are compared for each state.
fn answers(program: &Program, moment: &[&str]) -> Value {
    let queries = [
        "SELECT resource, occurred_at, cell, category, district, SUM(count) AS n FROM counts GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5",
        "SELECT * FROM incidents ORDER BY resource, id",
        "SELECT resource, identity, state, reason FROM rejects ORDER BY 1, 2",
    ];
    let ask = |query: &&str| {
        let args = [["sql", "--format", "json", query].as_slice(), moment].concat();
        program.run(&args).success().json()
    };
    queries.iter().map(ask).collect()
}

/// Returns the text of `Lake-Version`.
fn version(program: &Program) -> String {
    let status = program.run(&["status"]).success();
    let line = status.stderr.lines().find_map(|line| line.strip_prefix("Lake-Version: ")).expect("a version");
    line.to_owned()
}

struct Moment {
    step: &'static str,
    time: String,
    version: String,
    answers: Value,
}

/// Returns the lake's answers now; a state is past when this returns.
fn moment(bench: &Bench, step: &'static str) -> Moment {
    let program = bench.program();
    let time = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    Moment { step, time, version: version(&program), answers: answers(&program, &[]) }
}

#[derive(Clone, Copy)]
enum By {
    Time,
    Version,
}

fn assert_as_it_was(bench: &Bench, moments: &[Moment], by: By, when: &str) {
    for moment in moments {
        let named = match by {
            By::Time => ["--as-of", &moment.time],
            By::Version => ["--at-version", &moment.version],
        };
        assert_eq!(answers(&bench.program(), &named), moment.answers, "{}, {named:?}, asked {when}", moment.step);
    }
}

#[test]
fn the_lake_as_it_was_answers_as_it_did_then() {
    let bench = Bench::synthetic(600);
    let ingest = |resource: &str| drop(bench.ingest(&bench.program(), resource, &["--page-size", "90"]).success());
    let compact = |more: &[&str]| drop(bench.program().run(&[["compact"].as_slice(), more].concat()).success());
    ingest(CASES_RESOURCE);
    let mut moments = vec![moment(&bench, "landed")];
    compact(&[]);
    moments.push(moment(&bench, "compacted"));
    ingest("fire-incidents");
    moments.push(moment(&bench, "another resource landed"));
    for (round, step) in ["edited once", "edited twice"].into_iter().enumerate() {
        edit(&bench, round as i64);
        ingest(CASES_RESOURCE);
        moments.push(moment(&bench, step));
    }
    compact(&["--resource", CASES_RESOURCE]);
    moments.push(moment(&bench, "edits compacted"));
    edit(&bench, 2);
    ingest(CASES_RESOURCE);
    moments.push(moment(&bench, "edited again"));
    assert_as_it_was(&bench, &moments, By::Version, "before more compactions");
    compact(&[]);
    compact(&["--window", "2000..2030"]);
    compact(&["--recount"]);
    assert_as_it_was(&bench, &moments, By::Time, "after more compactions");
    bench.program().run(&["vacuum", "--apply"]).success();
    assert_as_it_was(&bench, &moments, By::Version, "after a vacuum that keeps a week");
}

#[test]
fn a_clock_that_jumps_does_not_make_the_past_lose_what_was_counted() {
    let bench = Bench::synthetic(400);
    let land = |round: i64| {
        edit(&bench, round);
        bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    };
    land(0);
    bench.program().run(&["compact"]).success();
    land(1);
    // The next counts are committed an hour ahead of everything else.
    bench.program().env("HOTSPOTS_CLOCK_SHIFT_S", "3600").run(&["compact"]).success();
    land(2);
    // The fast files of those counts go, by the right clock, and nothing more happens.
    bench.program().env("HOTSPOTS_FAIL_AT", "compact:after-cleanup").run(&["compact"]).expect_status(128 + 6);
    let now = moment(&bench, "now");
    let then = answers(&bench.program(), &["--as-of", &now.time]);
    assert_eq!(then, now.answers);
    // Versions that never belonged together are rejected rather than added up.
    let named = now.version.split(',').map(|part| match part.split_once('=') {
        Some(("counts", _)) => "counts=1".to_owned(),
        Some(("incidents", _)) => "incidents=1".to_owned(),
        _ => part.to_owned(),
    });
    let named = named.collect::<Vec<_>>().join(",");
    let refused = bench.program().run(&["sql", "--at-version", &named, "SELECT 1"]).expect_status(2);
    assert!(refused.stderr.contains("do not belong together"), "{}", refused.stderr);
}

#[test]
fn what_cannot_be_read_says_what_can() {
    let bench = Bench::synthetic(300);
    let refused = |args: &[&str], says: &str| {
        let refused =
            bench.program().run(&[["sql", "SELECT SUM(count) FROM counts"].as_slice(), args].concat()).expect_status(2);
        assert!(refused.stderr.contains(says), "{args:?}: {}", refused.stderr);
    };
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let first = moment(&bench, "compacted");
    edit(&bench, 0);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    refused(&["--as-of", "2001-01-01"], "there was no lake");
    refused(&["--as-of", "yesterday"], "2026-03-01T12:00:00Z");
    refused(&["--at-version", "counts=1"], "fast_counts=12,counts=5,incidents=5");
    refused(&["--at-version", "fast_counts=900,counts=1,incidents=1"], "no version 900 yet");
    refused(&["--at-version", &first.version.replace("incidents=1", "incidents=2")], "do not belong together");
    bench.program().run(&["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"]).success();
    refused(&["--as-of", &first.time], "the oldest that can is version");
    refused(&["--at-version", &first.version], "the oldest that can is version");
}

#[test]
fn the_history_says_what_was_done_and_what_can_still_be_read() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "30"]).success();
    bench.program().run(&["compact"]).success();
    edit(&bench, 0);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let history = |args: &[&str]| {
        let args = [["history", "--format", "json", "--limit", "1000"].as_slice(), args].concat();
        bench.program().run(&args).success().json().as_array().expect("an array").clone()
    };
    let all = history(&[]);
    for (table, stored) in [
        ("raw/311-cases", "raw.\"311_cases\""),
        ("counts", "stored.counts"),
        ("incidents", "stored.incidents"),
        ("fast_counts", "stored.fast_counts"),
    ] {
        let own: Vec<&Value> = all.iter().filter(|line| line["table"] == table).collect();
        let versions: Vec<u64> = own.iter().map(|line| line["version"].as_u64().expect("a number")).collect();
        assert_eq!(
            versions,
            (0..versions.len() as u64).rev().collect::<Vec<_>>(),
            "{table}: every version, newest first"
        );
        let sum = |name: &str| own.iter().map(|line| line[name].as_i64().expect("a number")).sum::<i64>();
        let rows = &bench.program().sql(&format!("SELECT COUNT(*) AS n FROM {stored}"))[0]["n"];
        assert_eq!(json!(sum("rows_added") - sum("rows_removed")), *rows, "{table}");
        assert!(own.iter().all(|line| line["readable"] == true), "{table}: nothing is gone yet");
    }
    let works = |table: &str| -> Vec<String> {
        let lines = history(&["--table", table]);
        lines
            .iter()
            .map(|line| format!("{} {}", line["work"].as_str().expect("work"), line["batches"].as_str().unwrap_or("-")))
            .collect()
    };
    let last =
        works("raw/311-cases").first().and_then(|work| work.strip_prefix("LAND ").map(str::to_owned)).expect("a batch");
    let before: i64 = last.parse::<i64>().expect("a number") - 1;
    assert_eq!(
        works("counts"),
        [format!("COMPACT {before}..{last}"), format!("COMPACT 0..{before}"), "CREATE TABLE -".to_owned()]
    );
    assert_eq!(works("fast_counts")[..2], [format!("CLEAN ..{before}"), format!("DERIVE {last}")]);
    bench.program().run(&["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"]).success();
    let counts = history(&["--table", "counts"]);
    let readable: Vec<&Value> = counts.iter().map(|line| &line["readable"]).collect();
    assert_eq!(readable[0], true);
    assert_eq!(readable[1], false, "its files were replaced and are gone");
    assert_eq!(
        bench.program().run(&["history", "--limit", "3", "--format", "json"]).success().json().as_array().map(Vec::len),
        Some(3)
    );
    let refused = bench.program().run(&["history", "--table", "count"]).expect_status(2);
    assert!(refused.stderr.contains("fast_counts"), "{}", refused.stderr);
}

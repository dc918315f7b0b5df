//! Answers of a server whose lake other processes change: each commit is in the next answer, and what is lost, replaced or
//! put back is noticed.

use std::time::{Duration, Instant};

use lake_testkit::{Row, Running};
use serde_json::json;

use crate::api::access::landed;
use crate::harness::{CASES, CASES_RESOURCE, copy};

/// What every request opens: the counts, and whether they are exact.
const BY_RESOURCE: &str = "/aggregates?group_by=resource";
/// For so long a server is asked until it must know that nothing changes.
const QUIET: Duration = Duration::from_millis(150);

/// Asks until the lake has been quiet for a while; returns the answer, which is always the same.
async fn ask_while_quiet(serving: &Running, path: &str) -> String {
    let began = Instant::now();
    let first = serving.get(path).await;
    assert_eq!(first.status, 200, "{}", first.text());
    while began.elapsed() < QUIET {
        assert_eq!(serving.get(path).await.text(), first.text());
    }
    first.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_another_process_is_in_the_next_answer() {
    let bench = tokio::task::block_in_place(|| landed(300));
    let program = bench.program();
    let serving = tokio::task::block_in_place(|| program.spawn_serving(&["serve"]));
    for round in 0..3 {
        ask_while_quiet(&serving, BY_RESOURCE).await;
        let chosen = |row: &Row| {
            row.get("service_request_id").and_then(|id| id.as_str()).is_some_and(|id| id.ends_with(&round.to_string()))
        };
        let change = |row: &mut Row| drop(row.insert("service_name".to_owned(), format!("Round {round}").into()));
        let changed = bench.portal.update_where(CASES, chosen, change, 1_790_000_000_000 + round);
        assert!(changed > 0);
        tokio::task::block_in_place(|| bench.ingest(&program, CASES_RESOURCE, &[]).success());
        let path = format!("/aggregates?group_by=category&category=Round+{round}");
        let answered = serving.get(&path).await;
        assert_eq!(answered.json(), json!([{"category": format!("Round {round}"), "count": changed}]), "{round}");
        let version = answered.header("lake-version").map(str::to_owned);
        // What is compacted is another version with the same rows.
        let rows = ask_while_quiet(&serving, &path).await;
        tokio::task::block_in_place(|| program.run(&["compact"]).success());
        let compacted = serving.get(&path).await;
        assert_ne!(compacted.header("lake-version").map(str::to_owned), version);
        assert_eq!(compacted.text(), rows);
    }
    // A resource that was not there.
    let before = ask_while_quiet(&serving, BY_RESOURCE).await;
    tokio::task::block_in_place(|| bench.ingest(&program, "fire-incidents", &[]).success());
    let answered = serving.get(BY_RESOURCE).await.json();
    assert_eq!(answered.as_array().map(Vec::len), Some(2), "{before}: {answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_lost_under_a_server_is_noticed_when_it_is_back() {
    let bench = tokio::task::block_in_place(|| landed(200));
    tokio::task::block_in_place(|| bench.program().run(&["compact"]).success());
    let serving = tokio::task::block_in_place(|| bench.program().spawn_serving(&["serve"]));
    let (lake, away) = (bench.lake(), bench.folder.path().join("away"));
    for lost in ["counts", "fast_counts", "incidents", "rejects", "raw/311-cases", "raw/311-cases/_delta_log"] {
        let right = ask_while_quiet(&serving, BY_RESOURCE).await;
        std::fs::rename(lake.join(lost), &away).expect("a table");
        // What a server has read of a table it may still answer; else it says which table is lost.
        let answered = serving.get(BY_RESOURCE).await;
        let table = lost.trim_end_matches("/_delta_log");
        let is_named = answered.status == 500 && answered.text().contains(&format!("table {table}"));
        assert!(is_named || (answered.status == 200 && answered.text() == right), "{lost}: {}", answered.text());
        std::fs::rename(&away, lake.join(lost)).expect("a table");
        assert_eq!(serving.get(BY_RESOURCE).await.text(), right, "{lost}");
    }
    // It has not stopped looking.
    tokio::task::block_in_place(|| bench.ingest(&bench.program(), "fire-incidents", &[]).success());
    assert_eq!(serving.get(BY_RESOURCE).await.json().as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_put_in_the_place_of_another_is_the_one_that_is_read() {
    let bench = tokio::task::block_in_place(|| landed(200));
    let (lake, other) = (bench.lake(), bench.folder.path().join("other"));
    copy(&lake, &other);
    let serving = tokio::task::block_in_place(|| bench.program().spawn_serving(&["serve"]));
    let older = ask_while_quiet(&serving, BY_RESOURCE).await;
    tokio::task::block_in_place(|| bench.ingest(&bench.program(), "fire-incidents", &[]).success());
    let newer = ask_while_quiet(&serving, BY_RESOURCE).await;
    let swap = || {
        let away = bench.folder.path().join("away");
        std::fs::rename(&lake, &away).expect("a lake");
        std::fs::rename(&other, &lake).expect("a lake");
        std::fs::rename(&away, &other).expect("a lake");
    };
    swap();
    assert_eq!(serving.get(BY_RESOURCE).await.text(), older, "the lake from before");
    swap();
    assert_eq!(ask_while_quiet(&serving, BY_RESOURCE).await, newer);
}

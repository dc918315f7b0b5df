//! `/changes`: what landed, as signed counts, adds up to the counts; it can be followed, and taken up where it broke.

use std::collections::BTreeMap;

use futures::{Stream, StreamExt as _};
use lake_testkit::{Row, Running};
use serde_json::Value;

use crate::harness::{Bench, CASES, CASES_RESOURCE};

type Sums = BTreeMap<[String; 7], i64>;

const MEMBERS: [&str; 7] = ["resource", "occurred_at", "cell", "category", "subcategory", "district", "neighborhood"];

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn add(sums: &mut Sums, row: &Value) {
    let key = MEMBERS.map(|member| row[member].to_string());
    *sums.entry(key).or_default() += row["count"].as_i64().expect("a count");
}

fn edit(bench: &Bench, digit: char, stamp: i64) {
    let moved = |row: &mut Row| {
        row.insert("lat".to_owned(), "37.7512".into());
        row.insert("requested_datetime".to_owned(), "2024-06-06T06:06:06.000".into());
    };
    let some = move |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with(digit));
    bench.portal.update_where(CASES, some, moved, stamp);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "40"]).success();
}

/// Returns the current counts, at the finest level.
async fn counts(serving: &Running) -> (Sums, String) {
    let path = "/aggregates?group_by=resource,time,cell,category,subcategory,district,neighborhood&time_precision=1h&geo_precision=10";
    let answer = serving.get(path).await;
    let mut sums = Sums::new();
    answer.json().as_array().expect("rows").iter().for_each(|row| add(&mut sums, row));
    (sums, answer.header("lake-version").expect("a version").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changes_up_to_a_version_add_up_to_the_counts_of_that_version() {
    let bench = Bench::synthetic(500);
    let serving = bench.program();
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
    let serving = serving.spawn_serving(&["serve"]);
    // Each with the position that its version names.
    let mut known = vec![counts(&serving).await];
    for (n, digit) in ['3', '7'].into_iter().enumerate() {
        edit(&bench, digit, 1_790_000_000_000 + 1_000_000_000 * n as i64);
        known.push(counts(&serving).await);
    }
    bench.program().run(&["compact"]).success();
    edit(&bench, '5', 1_796_000_000_000);
    known.push(counts(&serving).await);
    let answer = serving.get("/changes?since=0").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    let changes = lines(&answer.text());
    for (expected, version) in known {
        let position: u64 = version
            .split(',')
            .find_map(|part| part.strip_prefix("fast_counts="))
            .and_then(|number| number.parse().ok())
            .expect("a version");
        let mut sums = Sums::new();
        let before = changes.iter().filter(|change| change["version"].as_u64() <= Some(position));
        before.filter(|change| change["kind"] == "count").for_each(|change| add(&mut sums, change));
        sums.retain(|_, count| *count != 0);
        assert_eq!(sums, expected, "up to {version}");
    }
    // Each batch states how many follow it.
    let batches: Vec<&Value> = changes.iter().filter(|change| change["kind"] == "batch").collect();
    let numbers: Vec<i64> = batches.iter().map(|batch| batch["batch"].as_i64().expect("a number")).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "every batch once, in order");
    for batch in &batches {
        let own = changes.iter().filter(|c| c["kind"] == "count" && c["version"] == batch["version"]);
        let (many, net) = own.fold((0, 0), |(many, net), c| (many + 1, net + c["count"].as_i64().expect("a count")));
        assert_eq!((batch["changes"].as_i64(), batch["net"].as_i64()), (Some(many), Some(net)), "{batch}");
    }
    // Taken up after a position, only what came later; without counts, the batches alone.
    let middle = batches[batches.len() / 2]["version"].as_u64().expect("a version");
    let later = lines(&serving.get(&format!("/changes?since={middle}")).await.text());
    let rest: Vec<Value> = changes.iter().filter(|c| c["version"].as_u64() > Some(middle)).cloned().collect();
    assert_eq!(later, rest);
    let alone = lines(&serving.get("/changes?since=0&counts=false").await.text());
    assert_eq!(alone.iter().collect::<Vec<_>>(), batches);
    assert!(lines(&serving.get("/changes?since=0&resource!=311-cases").await.text()).is_empty());
    assert!(lines(&serving.get("/changes").await.text()).is_empty(), "from now on nothing has landed");
    let ahead = serving.get("/changes?since=9999999").await;
    assert_eq!(ahead.status, 400, "{}", ahead.text());
}

/// Returns the next complete event of a stream, with its fields.
async fn event(
    stream: &mut (impl Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
    text: &mut String,
) -> BTreeMap<String, String> {
    loop {
        if let Some((event, rest)) = text.split_once("\n\n") {
            let fields = event.lines().filter_map(|line| line.split_once(':'));
            let fields: BTreeMap<String, String> =
                fields.map(|(name, value)| (name.to_owned(), value.trim_start().to_owned())).collect();
            *text = rest.to_owned();
            if fields.contains_key("event") {
                return fields;
            }
            continue;
        }
        let bytes = stream.next().await.expect("the stream continues").expect("bytes");
        text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_batches_land_and_go_on_after_the_last_one_that_was_read() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let follow = |last: Option<String>| {
        let request =
            client.get(serving.url("/changes")).header("accept", "text/event-stream").header("accept-encoding", "gzip");
        let request = if let Some(last) = last { request.header("last-event-id", last) } else { request };
        async move { request.send().await.expect("an answer") }
    };
    let response = follow(None).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut stream, mut text) = (Box::pin(response.bytes_stream()), String::new());
    edit(&bench, '3', 1_790_000_000_000);
    let first = event(&mut stream, &mut text).await;
    assert_eq!(first["event"], "batch");
    let batch: Value = serde_json::from_str(&first["data"]).expect("JSON");
    let mut last = first;
    for _ in 0..batch["changes"].as_i64().expect("a number") {
        assert!(!last.contains_key("id"), "only the last event of a batch names the position");
        last = event(&mut stream, &mut text).await;
        assert_eq!(last["event"], "count");
    }
    assert_eq!(last["id"], batch["version"].to_string());
    drop(stream);
    // Batches that landed without a listener come first.
    edit(&bench, '7', 1_791_000_000_000);
    let response = follow(Some(last["id"].clone())).await;
    let (mut stream, mut text) = (Box::pin(response.bytes_stream()), String::new());
    let next = event(&mut stream, &mut text).await;
    let next: Value = serde_json::from_str(&next["data"]).expect("JSON");
    assert_eq!(next["batch"].as_i64(), batch["batch"].as_i64().map(|number| number + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_can_be_followed_as_well() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    // Compression would hold lines back.
    let request = client.get(serving.url("/changes?follow=true&counts=false")).header("accept-encoding", "gzip");
    let response = request.send().await.expect("an answer");
    assert!(!response.headers().contains_key("content-encoding"));
    let mut stream = Box::pin(response.bytes_stream());
    edit(&bench, '3', 1_790_000_000_000);
    let bytes = stream.next().await.expect("the stream continues").expect("bytes");
    let batch: Value = serde_json::from_slice(&bytes).expect("a line");
    assert_eq!(batch["kind"], "batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vacuum_took_is_gone_and_what_is_left_can_be_taken_up() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
    for (n, digit) in ['3', '7'].into_iter().enumerate() {
        bench.program().run(&["compact"]).success();
        edit(&bench, digit, 1_790_000_000_000 + 1_000_000_000 * n as i64);
    }
    let serving = bench.program().spawn_serving(&["serve"]);
    assert_eq!(serving.get("/changes?since=0").await.status, 200);
    bench.program().run(&["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"]).success();
    for query in ["since=0", "since=0&format=sse", "since=0&counts=false"] {
        let gone = serving.get(&format!("/changes?{query}")).await;
        assert_eq!(gone.status, 410, "{query}: {}", gone.text());
        assert!(gone.text().contains("start again from /aggregates"), "{}", gone.text());
    }
    assert_eq!(serving.get("/changes").await.status, 200);
}

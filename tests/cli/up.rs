//! `up --demo`: the complete job in one process.

use std::time::{Duration, Instant};

use lake_testkit::Program;

use crate::harness::process_bytes;

const LONG: Duration = Duration::from_secs(240);
/// The memory limit of an idle demo of the usual size, without the program's own text: some 60 to 100 MiB more are
/// resident, depending on the build.
const MAX_SETTLED_BYTES: u64 = 300 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_demo_holds_little_memory() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    let mut up = program.spawn_serving(&["up", "--demo"]);
    up.wait_for_log("Every resource has been ingested and compacted once", LONG);
    let answer = up.get("/aggregates?group_by=resource").await;
    assert_eq!(answer.header("lake-exact"), Some("true"), "{}", answer.text());
    // Nobody asks any more: within seconds idle threads end, and what was freed goes back.
    let (since, mut looks) = (Instant::now(), tokio::time::interval(Duration::from_millis(100)));
    let held_bytes = || process_bytes(up.id(), "RssAnon").expect("a running process");
    while held_bytes() > MAX_SETTLED_BYTES {
        let held = held_bytes() >> 20;
        assert!(since.elapsed() < LONG, "{held} MiB are held: {}", up.log());
        looks.tick().await;
    }
    assert_eq!(up.stop(), 0, "{}", up.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn up_ingests_compacts_serves_and_stops_in_order() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    let mut up = program.spawn_serving(&["up", "--demo", "--demo-rows", "6000"]);
    assert_eq!(up.get("/healthz").await.status, 200);
    up.wait_for_log("Every resource has been ingested and compacted once", LONG);
    assert!(up.log().contains("Synthetic"), "demo rows are marked: {}", up.log());
    assert_eq!(up.get("/readyz").await.status, 200);
    let portal = lake_soda_sim::synthetic::san_francisco(6_000, 311);
    let answer = up.get("/aggregates?group_by=resource").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("lake-exact"), Some("true"));
    let rows = answer.json();
    for dataset in &lake_soda_sim::synthetic::DATASETS {
        let row = rows.as_array().unwrap().iter().find(|row| row["resource"] == dataset.resource);
        assert_eq!(
            row.map(|row| row["count"].as_u64().unwrap()),
            Some(portal.row_count(dataset.id) as u64),
            "{}",
            dataset.resource
        );
    }
    assert_eq!(up.stop(), 0, "{}", up.log());
    let status = program.run(&["status", "--format", "json"]).success().json();
    assert!(
        status.as_array().unwrap().iter().all(|row| row["rows_are"] == "synthetic" && row["unreconciled"] == 0),
        "{status}"
    );
    let real = program.run(&["ingest", "311-cases", "--file", "/dev/null"]).expect_status(2);
    assert!(real.stderr.contains("synthetic"), "real rows do not mix with synthetic ones: {}", real.stderr);
}

#[test]
fn up_names_the_resources_whose_portal_never_answered() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    // Nothing listens on port 1.
    let mut up = program.spawn_serving(&["up", "311-cases", "--portal", "http://127.0.0.1:1", "--retries", "0"]);
    up.wait_for_log("Not ingested, and tried again soon: 311-cases.", LONG);
    assert!(!up.log().contains("Every resource has been ingested"), "{}", up.log());
    assert_eq!(up.stop(), 0, "{}", up.log());
}

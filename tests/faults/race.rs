//! Concurrent landing and compaction lose no row and count none twice, in one process or several, on a disk or S3.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch, new_null_array};
use futures::TryStreamExt as _;
use lake_compact::{CompactOptions, compact};
use lake_model::{Catalog, Window};
use lake_query::{Engine, EngineOptions, Reader};
use lake_store::{Commit, CommitOutcome, Lake, Location};
use lake_testkit::{BUCKET, Program, Row, S3Server, SECRET};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;

use crate::harness::{Bench, CASES, CASES_RESOURCE, assert_exact};

async fn reader(bench: &Bench) -> Reader {
    reader_of(Location::parse(bench.lake().to_str().unwrap()).unwrap()).await
}

async fn reader_of(location: Location) -> Reader {
    let lake = Lake::open(location).await.unwrap();
    let engine = Engine::new(EngineOptions::default(), lake.location()).unwrap();
    Reader::new(lake, engine, Arc::new(Catalog::built_in().unwrap()))
}

fn edit(bench: &Bench, last_digit: char, at_ms: i64) {
    let chosen = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with(last_digit));
    let change = |row: &mut Row| {
        row.insert("service_name".to_owned(), format!("Kind {last_digit}").into());
        row.insert("requested_datetime".to_owned(), "2024-05-05T05:05:00.000".into());
    };
    assert!(bench.portal.update_where(CASES, chosen, change, at_ms) > 0);
}

/// Compacts a window in this process, and does `meanwhile` once, when the first rows are written.
async fn compact_window(bench: &Bench, window: &str, meanwhile: impl Fn() + Send + Sync) {
    let reader = reader(bench).await;
    let resource = reader.catalog().await.unwrap().get(CASES_RESOURCE).unwrap();
    let options = CompactOptions { window: Some(Window::parse(window).unwrap()), ..CompactOptions::default() };
    let mut done = false;
    let progress = |_rows: u64| {
        if !std::mem::replace(&mut done, true) {
            tokio::task::block_in_place(&meanwhile);
        }
    };
    compact(&reader, &resource, options, progress).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_lands_during_a_windows_recount_is_kept() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    // The first rewrite merges what is pending; the batch that lands during it is above the window's watermark.
    compact_window(&bench, "2023..2024", || {
        edit(&bench, '3', 1_790_000_000_000);
        bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    })
    .await;
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the window");
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the next compaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_is_overtaken_by_another_does_not_set_the_watermark_back() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    // Nothing is pending: the rows written are those of the window, and the other compaction touches another year.
    compact_window(&bench, "2023..2024", || {
        let in_2024 = |row: &Row| row["requested_datetime"].as_str().is_some_and(|time| time.starts_with("2024"));
        let change = |row: &mut Row| drop(row.insert("service_name".to_owned(), "Overtaken".into()));
        let dated = |row: &Row| row.contains_key("requested_datetime") && in_2024(row);
        assert!(bench.portal.update_where(CASES, dated, change, 1_790_000_000_000) > 0);
        bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
        bench.program().run(&["compact"]).success();
    })
    .await;
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after both");
    let status = bench.program().run(&["status", "--format", "json"]).success().json();
    assert_eq!(status[0]["unreconciled"], 0, "{status}");
}

/// Returns the lake under `prefix` of the server's bucket, for this process.
fn on_s3(server: &S3Server, prefix: &str) -> Location {
    let store = AmazonS3Builder::new()
        .with_bucket_name(BUCKET)
        .with_endpoint(server.url())
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_access_key_id("test-key")
        .with_secret_access_key(SECRET)
        .build()
        .unwrap();
    Location::in_store(Arc::new(store), format!("s3://{BUCKET}").parse().unwrap(), Path::from(prefix)).unwrap()
}

/// Commits a file of one row with the writer's name, under its transaction if it has one.
async fn commit_row(lake: &Lake, id: &str, number: i64, once: bool) -> CommitOutcome {
    let table = &lake.fast_counts;
    let snapshot = table.snapshot().await.unwrap();
    let partition = HashMap::from([("resource".to_owned(), Some(id.to_owned()))]);
    let mut writer = table.writer(&snapshot, partition).unwrap();
    let columns = writer.schema().fields().iter().map(|field| match field.name().as_str() {
        "batch" => Arc::new(Int64Array::from(vec![number])) as _,
        _ => new_null_array(field.data_type(), 1),
    });
    let row = RecordBatch::try_new(Arc::clone(writer.schema()), columns.collect()).unwrap();
    writer.write(&row).await.unwrap();
    let adds = vec![writer.finish().await.unwrap()];
    let transaction = once.then(|| (id.to_owned(), number));
    table.commit(&Commit { operation: "TEST", adds, transaction, ..Commit::default() }).await.unwrap()
}

/// Starts eight tasks: two pairs under one transaction id each, two with an id of their own, two without any.
async fn eight_writers(location: Location, commits: i64) {
    Lake::create(location.clone()).await.unwrap();
    let mut tasks = Vec::new();
    for task in 0..8 {
        let location = location.clone();
        tasks.push(tokio::spawn(async move {
            let lake = Lake::open(location).await.unwrap();
            let id = if task < 4 { format!("shared-{}", task / 2) } else { format!("own-{task}") };
            let mut versions = Vec::new();
            for number in 1..=commits {
                if let CommitOutcome::Version(version) = commit_row(&lake, &id, number, task < 6).await {
                    versions.push((version, id.clone()));
                }
            }
            versions
        }));
    }
    let mut versions = BTreeMap::new();
    for task in tasks {
        for (version, id) in task.await.unwrap() {
            let other = versions.insert(version, id);
            assert!(other.is_none(), "version {version} is acknowledged twice");
        }
    }
    let lake = Lake::open(location).await.unwrap();
    let snapshot = lake.fast_counts.snapshot().await.unwrap();
    let mut effects = BTreeMap::<(String, String), usize>::new();
    for file in snapshot.files.iter() {
        let id = file.partition_value("resource").unwrap().to_owned();
        *effects.entry((id, format!("{:?}", file.ranges["batch"]))).or_default() += 1;
    }
    let ids = ["shared-0", "shared-1", "own-4", "own-5", "own-6", "own-7"];
    assert_eq!(effects.len(), ids.len() * usize::try_from(commits).unwrap(), "{effects:?}");
    assert!(effects.values().all(|times| *times == 1), "{effects:?}");
    assert_eq!(versions.len(), effects.len(), "what was acknowledged is what is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn what_eight_writers_commit_on_a_disk_is_there_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    eight_writers(Location::parse(folder.path().join("lake").to_str().unwrap()).unwrap(), 25).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn what_eight_writers_commit_on_s3_is_there_exactly_once() {
    let Some(server) = S3Server::start("what_eight_writers_commit_on_s3_is_there_exactly_once") else { return };
    eight_writers(on_s3(&server, "raced"), 6).await;
}

/// Returns the incidents of the only resource, twice: as the sum of its counts, and as rows.
async fn totals(reader: &Reader) -> [String; 2] {
    let session = reader.session(&reader.open_newest().await.unwrap()).await.unwrap();
    let mut totals = Vec::new();
    for question in ["SELECT SUM(count) FROM counts", "SELECT COUNT(*) FROM incidents"] {
        let stream = session.sql(question).await.unwrap().execute_stream().await.unwrap();
        let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        totals.push(arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap());
    }
    totals.try_into().unwrap()
}

/// Starts four ingesting processes with an index each, a compactor, and readers: every row is edited, none comes or
/// goes, so that every answer counts them all.
async fn processes(bench: &Bench, program: &Program, location: Location) {
    let index = |n: u32| -> PathBuf { bench.folder.path().join(format!("index-{n}")) };
    let with_index = |n: u32| program.clone().env("HOTSPOTS_INDEX", index(n));
    tokio::task::block_in_place(|| bench.ingest(&with_index(0), CASES_RESOURCE, &["--page-size", "50"]).success());
    let rows = bench.oracle(CASES).totals().incidents.to_string();
    let change = |row: &mut Row| {
        row.insert("service_name".to_owned(), "Edited".into());
        row.insert("requested_datetime".to_owned(), "2024-05-05T05:05:00.000".into());
    };
    bench.portal.update_where(CASES, |_| true, change, 1_790_000_000_000);
    let url = bench.served.url();
    let args = ["ingest", CASES_RESOURCE, "--portal", url, "--retry-wait-ms", "1", "--page-size", "20"];
    let mut ingesting: Vec<_> = (0..4).map(|n| with_index(n).spawn_in_background(&args)).collect();
    let compactor = program.clone();
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let compacting = tokio::task::spawn_blocking(move || {
        let mut runs = 0;
        while !*stopped.borrow_and_update() {
            compactor.run(&["compact"]).success();
            runs += 1;
        }
        runs
    });
    let reader = reader_of(location).await;
    let mut readings = 0;
    while ingesting.iter_mut().any(|running| running.ended().is_none()) {
        assert_eq!(totals(&reader).await, [rows.as_str(), rows.as_str()], "reading {readings}");
        readings += 1;
    }
    stop.send(true).unwrap();
    assert!(compacting.await.unwrap() > 0 && readings > 0);
    for running in &mut ingesting {
        assert_eq!(tokio::task::block_in_place(|| running.wait(Duration::from_mins(1))), 0, "{}", running.log());
    }
    let exact = |when: &str| assert_exact(&with_index(0), CASES_RESOURCE, &bench.oracle(CASES), when);
    tokio::task::block_in_place(|| {
        exact("after the race");
        program.run(&["compact"]).success();
        exact("after the race, compacted");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn four_ingesting_processes_and_a_compactor_on_a_disk_count_every_row_once() {
    let bench = Bench::synthetic(1_000);
    let location = Location::parse(bench.lake().to_str().unwrap()).unwrap();
    processes(&bench, &bench.program(), location).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_ingesting_processes_and_a_compactor_on_s3_count_every_row_once() {
    let test = "four_ingesting_processes_and_a_compactor_on_s3_count_every_row_once";
    let Some(server) = S3Server::start(test) else { return };
    let bench = Bench::synthetic(600);
    processes(&bench, &server.program(bench.program(), "raced"), on_s3(&server, "raced")).await;
}

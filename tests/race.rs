//! What lands or compacts while a compaction runs is neither lost nor counted twice.

use std::sync::Arc;

use lake_compact::{CompactOptions, compact};
use lake_model::{Catalog, Window};
use lake_query::{Engine, EngineOptions, Reader};
use lake_store::{Lake, Location};
use lake_testkit::Row;

use crate::bench::{Bench, CASES, CASES_RESOURCE};

async fn reader(bench: &Bench) -> Reader {
    let lake = Lake::open(Location::parse(bench.lake().to_str().unwrap()).unwrap()).await.unwrap();
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
    let resource = reader.catalog().get(CASES_RESOURCE).unwrap();
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

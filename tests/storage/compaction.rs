//! Compaction of lakes with several files a year, of rows that do not fit into memory, and of counts that do not add up.

use std::path::PathBuf;
use std::sync::Arc;

use lake_compact::{CompactOptions, CompactionReport, compact};
use lake_model::Catalog;
use lake_query::{Engine, EngineOptions, Reader};
use lake_store::{Commit, Lake, Location};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE, stored};
use crate::storage::edits::edit;

async fn open(bench: &Bench) -> Lake {
    let location = Location::parse(bench.lake().to_str().expect("a path")).expect("a location");
    Lake::open_to_write(location).await.expect("a lake")
}

/// Compacts the cases into files that end with the month that brings them to `file_rows`.
fn compact_into_files(bench: &Bench, file_rows: usize) -> Vec<CompactionReport> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let lake = open(bench).await;
        let options = EngineOptions { memory_bytes: 64 << 20, ..EngineOptions::default() };
        let engine = Engine::new(options, lake.location()).expect("an engine");
        let catalog = Arc::new(Catalog::built_in().expect("the catalog"));
        let resource = catalog.get(CASES_RESOURCE).expect("the resource");
        let options = CompactOptions { file_rows: Some(file_rows), ..CompactOptions::default() };
        compact(&Reader::new(lake, engine, catalog), &resource, options, |_| {}).await.expect("compacted")
    })
}

/// Returns the files of a table's newest version.
fn files(bench: &Bench, table: &str) -> Vec<PathBuf> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let lake = open(bench).await;
        let table = if table == "counts" { lake.counts } else { lake.incidents };
        let snapshot = table.snapshot().await.expect("a version");
        snapshot.files.iter().map(|file| PathBuf::from(&file.path)).collect()
    })
}

#[test]
fn a_merge_rewrites_the_files_it_touches_and_equals_a_recount() {
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "400"]).success();
    compact_into_files(&bench, 60);
    assert!(files(&bench, "incidents").len() > 6, "{:?}", files(&bench, "incidents"));
    for round in 0..2 {
        edit(&bench, round);
        bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "90"]).success();
        for report in compact_into_files(&bench, 60) {
            assert!(!report.recounted && report.drift() == 0, "{report:?}");
        }
        bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("round {round}, merged"));
    }
    let merged = stored(&bench.program());
    bench.program().run(&["check"]).success();
    bench.program().run(&["compact", "--recount"]).success();
    assert_eq!(stored(&bench.program()), merged);
}

#[test]
fn a_change_of_one_row_leaves_the_files_of_other_months() {
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    compact_into_files(&bench, 60);
    let before = ["incidents", "counts"].map(|table| files(&bench, table));
    let first = bench.portal.rows(CASES)[0]["service_request_id"].clone();
    bench.portal.update_where(
        CASES,
        |row| row["service_request_id"] == first,
        |row| drop(row.insert("service_name".to_owned(), "Another".into())),
        1_790_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    compact_into_files(&bench, 60);
    for (table, before) in ["incidents", "counts"].into_iter().zip(before) {
        let after = files(&bench, table);
        let stayed = before.iter().filter(|file| after.contains(file)).count();
        assert_eq!((stayed, after.len()), (before.len() - 1, before.len()), "{table}");
    }
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "merged");
}

#[test]
fn labels_that_do_not_fit_into_memory_are_compacted_all_the_same() {
    let bench = Bench::synthetic(12_000);
    let long = "a long name of a kind ".repeat(20);
    bench.portal.update_where(
        CASES,
        |_| true,
        |row| {
            let name = format!("{long} {}", row["service_request_id"]);
            row.insert("service_name".to_owned(), Value::from(name));
        },
        1_790_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "5000"]).success();
    let compacted = bench.program().run(&["compact", "--memory-mib", "64"]).success();
    assert!(compacted.stderr.contains("the different values of `category` do not fit into memory"), "{compacted:?}");
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted");
}

#[test]
fn signed_counts_that_do_not_add_up_lead_to_a_recount() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    edit(&bench, 0);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let removed = runtime.block_on(async {
        let lake = open(&bench).await;
        let removes = lake.fast_counts.snapshot().await.expect("a version").files.to_vec();
        let commit = Commit { operation: "CLEAN", removes, ..Commit::default() };
        lake.fast_counts.commit(&commit).await
    });
    removed.expect("removed");
    let compacted = bench.program().run(&["compact", "--format", "json"]).success();
    assert!(compacted.stderr.contains("everything is recounted"), "{}", compacted.stderr);
    assert!(compacted.json().as_array().expect("partitions").iter().any(|partition| partition["drift"] != json!(0)));
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "recounted");
}

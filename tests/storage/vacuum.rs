//! Vacuum lets go what nothing needs, and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use arrow::array::new_null_array;
use arrow::record_batch::RecordBatch;
use lake_store::{Commit, Lake, Location};
use lake_testkit::Output;
use serde_json::Value;

use crate::harness::{Bench, CASES, CASES_RESOURCE, stored};
use crate::storage::history::edit;

const ALL: &[&str] = &["--older-than", "0s", "--nothing-else-runs"];

/// Returns every file of the lake with its size.
fn files(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a directory") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                open.push(entry.path());
            } else {
                found.insert(entry.path(), entry.metadata().expect("metadata").len());
            }
        }
    }
    found
}

fn vacuum(bench: &Bench, args: &[&str]) -> Output {
    bench.program().run(&[["vacuum", "--format", "json"].as_slice(), args].concat()).success()
}

/// Returns the numbers that a vacuum reports for all tables together: data files and temporary files.
fn said(output: &Output) -> (u64, u64) {
    let tables = output.json();
    let sum =
        |name: &str| tables.as_array().expect("an array").iter().map(|t| t[name].as_u64().expect("a number")).sum();
    (sum("files"), sum("temporary"))
}

/// Creates a lake with replaced files in every shared table.
fn replaced() -> Bench {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
    bench.ingest(&bench.program(), "fire-incidents", &[]).success();
    bench.program().run(&["compact"]).success();
    for round in 0..2 {
        edit(&bench, round);
        bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
        bench.program().run(&["compact"]).success();
    }
    bench
}

#[test]
fn a_dry_run_deletes_nothing_and_applying_it_deletes_just_that_and_changes_no_answer() {
    let bench = replaced();
    edit(&bench, 2);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let (before, tables) = (files(&bench.lake()), stored(&bench.program()));
    let (would, _) = said(&vacuum(&bench, ALL));
    assert!(would > 0, "compactions replaced files");
    assert_eq!(files(&bench.lake()), before, "a dry run changes nothing");
    let (did, _) = said(&vacuum(&bench, &[ALL, &["--apply"]].concat()));
    assert_eq!(did, would);
    let after = files(&bench.lake());
    assert_eq!(before.len() - after.len(), usize::try_from(did).expect("a number"));
    let gone: Vec<&PathBuf> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert!(gone.iter().all(|path| path.extension().is_some_and(|e| e == "parquet")), "{gone:?}");
    assert!(gone.iter().all(|path| !path.starts_with(bench.lake().join("raw"))), "raw rows stay: {gone:?}");
    assert_eq!(stored(&bench.program()), tables);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after a vacuum");
    assert_eq!(said(&vacuum(&bench, &[ALL, &["--apply"]].concat())), (0, 0), "a second one finds nothing");
    bench.program().run(&["compact", "--window", "2000..2030"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted after a vacuum");
    bench.program().run(&["check"]).success();
}

#[test]
fn by_default_a_week_of_versions_stays_whatever_the_local_clock_says() {
    let bench = replaced();
    let before = files(&bench.lake());
    let ahead = bench.program().env("HOTSPOTS_CLOCK_SHIFT_S", "315360000");
    ahead.run(&["vacuum", "--apply"]).success();
    assert_eq!(files(&bench.lake()), before, "ten years ahead, and the store's clock decides");
    let refused = bench.program().run(&["vacuum", "--older-than", "59m"]).expect_status(2);
    assert!(refused.stderr.contains("--nothing-else-runs"), "{}", refused.stderr);
    bench.program().run(&["vacuum", "--older-than", "1h", "--apply"]).success();
    assert_eq!(files(&bench.lake()), before);
}

/// Makes the files whose path holds `part` as old as a month.
fn age(bench: &Bench, part: &str) {
    let month = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 86_400);
    for path in files(&bench.lake()).keys().filter(|path| path.to_string_lossy().contains(part)) {
        let file = std::fs::File::options().write(true).open(path).expect("a file");
        file.set_modified(month).expect("an older time");
    }
}

#[test]
fn what_a_version_of_the_last_week_needs_stays_however_old_the_file_is() {
    let bench = replaced();
    let before = files(&bench.lake());
    age(&bench, "part-");
    bench.program().run(&["vacuum", "--apply"]).success();
    assert_eq!(files(&bench.lake()), before, "every version was committed within the week");
    // An object by which a killed vacuum asked the store for its time.
    std::fs::write(bench.lake().join(".clock-1"), "time?").expect("written");
    age(&bench, ".clock-");
    // All was committed a month ago but the newest version of counts: the one before it was current until then.
    age(&bench, "_delta_log");
    edit(&bench, 6);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    bench.program().run(&["vacuum", "--apply"]).success();
    let history = bench.program().run(&["history", "--table", "counts", "--format", "json"]).success().json();
    let readable: Vec<&Value> = history.as_array().expect("lines").iter().map(|line| &line["readable"]).collect();
    assert_eq!(readable[..3], [true, true, false], "{history}");
    assert!(!bench.lake().join(".clock-1").exists());
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after a vacuum");
    bench.program().run(&["check"]).success();
}

#[test]
fn what_killed_writers_left_goes_and_what_is_not_known_stays() {
    let bench = replaced();
    for (round, point) in [(4, "compact:before-incidents-commit"), (5, "store:before-publish")] {
        edit(&bench, round);
        bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
        bench.program().env("HOTSPOTS_FAIL_AT", point).run(&["compact"]).expect_status(128 + 6);
    }
    let lake = bench.lake();
    let foreign =
        [lake.join("counts/notes.txt"), lake.join("raw/311-cases/export#final.csv"), lake.join("part-mine.parquet")];
    for path in &foreign {
        std::fs::write(path, "mine").expect("written");
    }
    let index = files(&lake.join(".index"));
    let (orphans, temporary) = said(&vacuum(&bench, &[ALL, &["--apply"]].concat()));
    assert!(orphans > 0 && temporary > 0, "{orphans} {temporary}");
    assert!(files(&lake).keys().all(|path| !path.to_string_lossy().contains(".parquet#")), "no unfinished file stays");
    assert!(foreign.iter().all(|path| path.exists()), "files that are not ours stay");
    assert_eq!(files(&lake.join(".index")), index);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after a vacuum");
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "and a compaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_uploaded_and_not_yet_committed_survives() {
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let lake =
        Lake::open(Location::parse(bench.lake().to_str().expect("a path")).expect("a place")).await.expect("a lake");
    let table = &lake.rejects;
    let snapshot = table.snapshot().await.expect("a version");
    let partition = HashMap::from([("resource".to_owned(), Some(CASES_RESOURCE.to_owned()))]);
    let mut writer = table.writer(&snapshot, partition).expect("a writer");
    let nulls = writer.schema().fields().iter().map(|field| new_null_array(field.data_type(), 3)).collect();
    let rows = RecordBatch::try_new(writer.schema().clone(), nulls).expect("rows");
    writer.write(&rows).await.expect("written");
    let uploaded = writer.finish().await.expect("uploaded");
    vacuum(&bench, &["--apply"]);
    table.commit(&Commit { operation: "TEST", adds: vec![uploaded], ..Commit::default() }).await.expect("committed");
    let found: Vec<Value> = bench.program().sql("SELECT COUNT(*) AS n FROM stored.rejects WHERE batch IS NULL");
    assert_eq!(found[0]["n"], 3);
}

#[test]
fn incidents_that_older_counts_name_stay_while_those_counts_do() {
    let bench = replaced();
    // The other resource was compacted once, long before the newest version of `incidents`.
    let query = "SELECT * FROM incidents WHERE resource = 'fire-incidents' ORDER BY id";
    let before = bench.program().sql(query);
    assert!(!before.is_empty());
    // A compaction that ended between its commits leaves incidents that no counts name.
    edit(&bench, 5);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().env("HOTSPOTS_FAIL_AT", "compact:after-incidents-commit").run(&["compact"]).expect_status(128 + 6);
    vacuum(&bench, &[ALL, &["--apply"]].concat());
    assert_eq!(bench.program().sql(query), before);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "the named version is whole");
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted");
}

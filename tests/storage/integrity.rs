//! Damage to any file of a lake: the answer is right, or it is an error that names the file. Never another number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt as _;
use lake_model::{Catalog, Error, Kind, Result};
use lake_query::{Engine, EngineOptions, Reader, engine_error};
use lake_store::{Lake, Location};
use lake_testkit::{Row, Running};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::harness::{Bench, CASES, CASES_RESOURCE, copy};

const DAMAGES: u64 = 300;
/// Every so many-th damage is shown to the built program as well.
const PROGRAM_EVERY: u64 = 20;
/// The meaning of exit code 5.
const DAMAGED: i32 = 5;

/// The questions after each damage: they read every table.
const QUESTIONS: [&str; 5] = [
    "SELECT SUM(count) AS n FROM counts",
    "SELECT date_trunc('month', occurred_at) AS m, category AS c, SUM(count) AS n FROM counts GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT date_trunc('month', occurred_at) AS m, category AS c, COUNT(*) AS n FROM incidents GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT COUNT(*) AS n, COUNT(DISTINCT _key) AS keys FROM raw.\"311_cases\"",
    "SELECT state, COUNT(*) AS n, SUM(length(original)) AS letters FROM rejects GROUP BY 1 ORDER BY 1",
];

/// Creates a compacted lake with a checkpoint without the log before it, and with edits that are landed and not
/// compacted.
fn bench() -> Bench {
    let portal = lake_soda_sim::synthetic::san_francisco(500, 11);
    let keyless = portal.rows(CASES).into_iter().take(3).map(|mut row| {
        row.retain(|name, _| !name.starts_with(':') && name != "service_request_id");
        row
    });
    portal.insert(CASES, keyless.collect(), 1_700_000_000_000);
    let bench = Bench::new(portal);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "2"]).success();
    bench.program().run(&["compact"]).success();
    // Of the files that are there each is read: what is no longer needed goes.
    bench.program().run(&["compact"]).success();
    bench.program().run(&["vacuum", "--apply", "--older-than", "0s", "--nothing-else-runs"]).success();
    let chosen =
        |row: &Row| row.get("service_request_id").and_then(|id| id.as_str()).is_some_and(|id| id.ends_with('3'));
    let change = |row: &mut Row| drop(row.insert("service_name".to_owned(), "Edited".into()));
    assert!(bench.portal.update_where(CASES, chosen, change, 1_790_000_000_000) > 0);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "8"]).success();
    for table in ["raw/311-cases", "fast_counts"] {
        let log = bench.lake().join(table).join("_delta_log");
        assert!(log.join("00000000000000000100.checkpoint.parquet").is_file(), "{table} has a checkpoint");
        for version in 0..100 {
            std::fs::remove_file(log.join(format!("{version:020}.json"))).expect("an entry");
        }
    }
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "before any damage");
    bench
}

/// Asks everything in a fresh opening of the lake, as a new process would.
async fn answers(lake: &Path) -> Result<Vec<String>> {
    ask(&open(lake).await?).await
}

async fn open(lake: &Path) -> Result<Reader> {
    // Every read is one of the disk.
    let lake = Lake::open(Location::parse(lake.to_str().unwrap())?.with_block_cache(0)).await?;
    let engine = Engine::new(EngineOptions::default(), lake.location())?;
    Ok(Reader::new(lake, engine, Arc::new(Catalog::built_in()?)))
}

async fn ask(reader: &Reader) -> Result<Vec<String>> {
    let view = reader.open_newest().await?;
    let session = reader.session(&view).await?;
    let mut answers = Vec::new();
    for question in QUESTIONS {
        let stream = session.sql(question).await?.execute_stream().await.map_err(engine_error)?;
        let batches: Vec<_> = stream.try_collect().await.map_err(engine_error)?;
        answers.push(arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string());
    }
    Ok(answers)
}

/// Returns all files of the lake except the key index, by table and by kind.
fn files(lake: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut classes: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut open = vec![lake.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if name != ".index" {
                    open.push(path);
                }
                continue;
            }
            let kind = match name {
                "lake.json" | "_newest" | "_last_checkpoint" => name,
                _ if name.starts_with('_') => "sum",
                _ if name.contains("checkpoint") => "checkpoint",
                _ if name.ends_with(".json") => "entry",
                _ => "data",
            };
            let table = path.strip_prefix(lake).unwrap().iter().next().unwrap().to_str().unwrap();
            classes.entry(format!("{table} {kind}")).or_default().push(path);
        }
    }
    classes.values_mut().for_each(|paths| paths.sort());
    classes
}

/// Damages a file in one of the ways that disks have; how.
fn damage(path: &Path, random: &mut StdRng) -> String {
    let mut bytes = std::fs::read(path).unwrap();
    let at = random.random_range(0..bytes.len());
    match random.random_range(0..5) {
        0 | 1 => {
            bytes[at] ^= 1 << random.random_range(0..8);
            std::fs::write(path, &bytes).unwrap();
            format!("a bit flipped at {at}")
        }
        2 => {
            std::fs::write(path, &bytes[..at]).unwrap();
            format!("cut at {at}")
        }
        3 => {
            let end = (at + 512).min(bytes.len());
            bytes[at..end].fill(0);
            std::fs::write(path, &bytes).unwrap();
            format!("zeroed from {at} to {end}")
        }
        _ => {
            std::fs::remove_file(path).unwrap();
            "removed".to_owned()
        }
    }
}

/// Returns whether the outcome is allowed: the right answer (`true`: harmless) or an error about this very file.
fn judge(outcome: Result<Vec<String>, Error>, right: &[String], name: &str, case: &str) -> bool {
    match outcome {
        Ok(answers) => {
            assert_eq!(answers, right, "{case}: another answer, and no word of it");
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::Data, "{case}: {error}");
            assert!(error.to_string().contains(name), "{case}: the error names another thing: {error}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_damage_to_any_file_is_answered_with_another_number() {
    let bench = tokio::task::block_in_place(bench);
    let lake = bench.lake();
    let right = answers(&lake).await.expect("a whole lake");
    let classes = files(&lake);
    let names: Vec<&String> = classes.keys().collect();
    let mut random = StdRng::seed_from_u64(20_260_311);
    let (mut harmless, mut reported) = (BTreeMap::<&String, u64>::new(), BTreeMap::<&String, u64>::new());
    for number in 0..DAMAGES {
        let class = names[random.random_range(0..names.len())];
        let path = &classes[class][random.random_range(0..classes[class].len())];
        let before = std::fs::read(path).unwrap();
        let how = damage(path, &mut random);
        let name = path.file_name().unwrap().to_str().unwrap();
        let case = format!("damage {number}: {}: {how}", path.display());
        let fine = judge(answers(&lake).await, &right, name, &case);
        *if fine { &mut harmless } else { &mut reported }.entry(class).or_default() += 1;
        if number % PROGRAM_EVERY == 0 {
            let program = bench.program();
            let output = tokio::task::block_in_place(|| program.run(&["sql", "--format", "json", QUESTIONS[2]]));
            assert!(!output.stderr.contains("panicked"), "{case}: {}", output.stderr);
            if output.status != 0 {
                assert_eq!(output.status, DAMAGED, "{case}: {}", output.stderr);
                assert!(output.stderr.contains(name), "{case}: {}", output.stderr);
            }
        }
        std::fs::write(path, before).unwrap();
    }
    assert_eq!(answers(&lake).await.expect("repaired"), right);
    for class in names.iter().filter(|class| class.ends_with(" data") || class.ends_with(" entry")) {
        assert!(reported.contains_key(*class), "no damage to {class} was noticed: {harmless:?}, {reported:?}");
    }
}

/// Damages files under a reader that has read them all, as a server has after an hour, and repairs them again.
async fn damage_under_a_reader(lake: &Path, seed: u64, damages: u64) -> BTreeMap<String, u64> {
    let reader = open(lake).await.expect("a whole lake");
    let right = ask(&reader).await.expect("a whole lake");
    let classes = files(lake);
    let names: Vec<&String> = classes.keys().collect();
    let mut random = StdRng::seed_from_u64(seed);
    let mut reported = BTreeMap::<String, u64>::new();
    for number in 0..damages {
        let class = names[random.random_range(0..names.len())];
        let path = &classes[class][random.random_range(0..classes[class].len())];
        let before = std::fs::read(path).unwrap();
        let how = damage(path, &mut random);
        let name = path.file_name().unwrap().to_str().unwrap();
        let case = format!("damage {number} after the first read: {}: {how}", path.display());
        if !judge(ask(&reader).await, &right, name, &case) {
            *reported.entry(class.clone()).or_default() += 1;
        }
        std::fs::write(path, before).unwrap();
    }
    assert_eq!(ask(&reader).await.expect("repaired"), right);
    let data: Vec<&&String> = names.iter().filter(|class| class.ends_with(" data")).collect();
    assert!(data.iter().all(|class| reported.contains_key(class.as_str())), "{reported:?} of {names:?}");
    reported
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_after_the_first_read_is_answered_with_no_number() {
    let bench = tokio::task::block_in_place(bench);
    damage_under_a_reader(&bench.lake(), 20_260_312, DAMAGES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_sums_are_held_to_their_first_read() {
    let folder = tempfile::tempdir().expect("a directory");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/0.1.0/stored");
    copy(&golden, &folder.path().join("lake"));
    damage_under_a_reader(&folder.path().join("lake"), 20_260_313, DAMAGES / 2).await;
}

/// The requests to a server before, during and after damage.
const PATHS: [&str; 5] = [
    "/aggregates?group_by=category",
    "/facets",
    "/incidents?columns=id,category,latitude&limit=5000&format=csv",
    "/aggregates?group_by=cell&geo_precision=8&bbox=-122.5,37.7,-122.3,37.8",
    "/sql?query=SELECT%20count(*),count(DISTINCT%20_key)%20FROM%20raw.%22311_cases%22",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_refuses_what_went_bad_after_it_answered() {
    let bench = tokio::task::block_in_place(bench);
    // One reads from the disk each time, one has what it checked in memory.
    for (blocks, decoded) in [("0", "0"), ("32", "512")] {
        let program = bench.program().env("HOTSPOTS_BLOCK_CACHE_MIB", blocks);
        let serving = tokio::task::block_in_place(|| program.spawn_serving(&["serve", "--cache-mib", decoded]));
        damage_under_a_server(&bench.lake(), &serving, blocks == "0").await;
    }
}

async fn damage_under_a_server(lake: &Path, serving: &Running, is_noticed: bool) {
    let mut right = Vec::new();
    for path in PATHS {
        let answer = serving.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        right.push(answer.text());
    }
    let parquet = files(lake).into_iter().filter(|(class, _)| class.ends_with(" data")).flat_map(|(_, of)| of);
    let whole: Vec<(PathBuf, Vec<u8>)> = parquet.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    // Every byte of every file is bad.
    for (path, bytes) in &whole {
        std::fs::write(path, bytes.iter().map(|byte| !byte).collect::<Vec<u8>>()).unwrap();
    }
    for (path, right) in PATHS.iter().zip(&right) {
        let answer = serving.get(path).await;
        if !is_noticed && answer.status == 200 {
            assert_eq!(answer.text(), *right, "{path}, from memory");
            continue;
        }
        assert_eq!(answer.status, 500, "{path}: {}", answer.text());
    }
    for (path, bytes) in &whole {
        std::fs::write(path, bytes).unwrap();
    }
    for (path, right) in PATHS.iter().zip(right) {
        assert_eq!(serving.get(path).await.text(), right, "{path}, repaired");
    }
}

#[test]
fn a_table_that_is_lost_is_named_and_not_made_again() {
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "50"]).success();
    bench.program().run(&["compact"]).success();
    let whole = bench.lake();
    let lost = bench.folder.path().join("lost");
    for table in ["incidents", "counts", "fast_counts", "rejects", "raw/311-cases"] {
        copy(&whole, &lost);
        std::fs::remove_dir_all(lost.join(table)).expect("a table");
        let program = bench.program().lake(&lost);
        let commands = [&["sql", "SELECT COUNT(*) AS n FROM incidents"][..], &["status"], &["compact"]];
        let refused = commands.map(|command| program.run(command));
        for refused in refused.into_iter().chain([bench.ingest(&program, CASES_RESOURCE, &[])]) {
            let said = refused.expect_status(DAMAGED).stderr;
            assert!(said.contains(&format!("table {table} is missing")) && said.contains("restore it"), "{said}");
        }
        std::fs::remove_dir_all(&lost).expect("a lake");
    }
}

//! All damage is found and named, and the repair that is named repairs it.

use std::path::{Path, PathBuf};

use lake_testkit::Output;
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};
use crate::storage::history::edit;

fn lake() -> Bench {
    let bench = Bench::synthetic(500);
    edit(&bench, 0);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    bench.ingest(&bench.program(), "fire-incidents", &[]).success();
    bench.program().run(&["compact"]).success();
    edit(&bench, 1);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench
}

fn check(bench: &Bench) -> Output {
    bench.program().run(&["check", "--format", "json"])
}

/// Returns the findings, without notes.
fn findings(output: &Output) -> Vec<Value> {
    let all = output.json();
    all.as_array().expect("an array").iter().filter(|finding| finding["severity"] != "note").cloned().collect()
}

/// Returns a data file of the newest version of a table whose path holds `part`.
fn file(bench: &Bench, table: &str, part: &str) -> PathBuf {
    let folder = bench.lake().join(table);
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder.join("_delta_log"))
        .expect("a log")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    entries.sort();
    for entry in entries.iter().rev() {
        for line in std::fs::read_to_string(entry).expect("an entry").lines() {
            let action: Value = serde_json::from_str(line).expect("an action");
            if let Some(path) = action["add"]["path"].as_str()
                && path.contains(part)
            {
                return folder.join(path);
            }
        }
    }
    panic!("{table} has no file of {part}");
}

fn scribble(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let middle = bytes.len() / 4;
    for byte in &mut bytes[4..middle] {
        *byte = !*byte;
    }
    std::fs::write(path, bytes).expect("written");
}

fn truncate(path: &Path) {
    let bytes = std::fs::read(path).expect("a file");
    std::fs::write(path, &bytes[..bytes.len() / 2]).expect("written");
}

fn run_remedy(bench: &Bench, finding: &Value) {
    let remedy = finding["mend"].as_str().expect("a remedy");
    let command = remedy.strip_prefix("hotspots-lake ").unwrap_or_else(|| panic!("{finding}: no command"));
    bench.program().run(&command.split(' ').collect::<Vec<_>>()).success();
}

/// Damages a file, expects it to be named, runs the repairs that are named, and expects the lake to be intact and
/// exact.
fn found_and_repaired(table: &str, part: &str, damage: impl Fn(&Path)) {
    let bench = lake();
    let path = file(&bench, table, part);
    damage(&path);
    let output = check(&bench).expect_status(5);
    let found = findings(&output);
    let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
    let named = found.iter().find(|finding| finding["object"].as_str().is_some_and(|object| object.contains(name)));
    let named = named.unwrap_or_else(|| panic!("{name} is not named: {found:?}"));
    assert!(named["object"].as_str().expect("an object").starts_with(&format!("table {table}, version ")), "{named}");
    for finding in &found {
        run_remedy(&bench, finding);
    }
    let output = check(&bench);
    assert_eq!(findings(&output), Vec::<Value>::new(), "{table} {part}: after the mend");
    output.success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("{table} {part}: after the mend"));
}

#[test]
fn a_whole_lake_is_whole() {
    let bench = lake();
    check(&bench).success();
    bench.program().run(&["compact"]).success();
    let output = check(&bench).success();
    assert_eq!(findings(&output), Vec::<Value>::new());
    assert!(output.stdout.contains("hotspots-lake vacuum"), "files of older versions are noted: {}", output.stdout);
}

#[test]
fn damaged_incidents_are_found_and_repaired() {
    found_and_repaired("incidents", "resource=311-cases/year=2024", scribble);
    found_and_repaired("incidents", "resource=311-cases/year=2024", truncate);
    found_and_repaired("incidents", "resource=311-cases/year=2023", |path| {
        std::fs::remove_file(path).expect("removed")
    });
}

#[test]
fn damaged_counts_are_found_and_repaired() {
    found_and_repaired("counts", "resource=311-cases/year=2024", scribble);
    found_and_repaired("counts", "resource=311-cases/year=2023", |path| std::fs::remove_file(path).expect("removed"));
}

#[test]
fn damaged_fast_counts_and_rejects_are_found_and_repaired() {
    found_and_repaired("fast_counts", "resource=311-cases", scribble);
    found_and_repaired("fast_counts", "resource=311-cases", |path| std::fs::remove_file(path).expect("removed"));
    found_and_repaired("rejects", "resource=311-cases", scribble);
    found_and_repaired("rejects", "resource=311-cases", |path| std::fs::remove_file(path).expect("removed"));
}

#[test]
fn damaged_raw_rows_and_logs_are_found_and_a_copy_repairs_them() {
    let bench = lake();
    for path in [
        file(&bench, "raw/311-cases", "_landed_month"),
        bench.lake().join("counts/_delta_log/00000000000000000001.json"),
        bench.lake().join("raw/311-cases/_delta_log/00000000000000000002.json"),
    ] {
        for damage in [scribble, |path: &Path| std::fs::remove_file(path).expect("removed")] {
            let whole = std::fs::read(&path).expect("a file");
            damage(&path);
            let output = check(&bench).expect_status(5);
            let found = findings(&output);
            assert!(
                found.iter().any(|finding| finding["mend"]
                    .as_str()
                    .is_some_and(|remedy| remedy.starts_with("restore it from a copy"))),
                "{}: {found:?}",
                path.display()
            );
            std::fs::write(&path, whole).expect("written");
            check(&bench).success();
        }
    }
}

/// Damages log entries: `moves` names for each the entry whose bytes replace it. Expects every command to name one of
/// them and `check` to name each, with the copy that repairs it.
fn moved_entries_are_named(bench: &Bench, moves: &[(&str, &str)]) {
    let entry = |name: &str| bench.lake().join(name);
    let whole = |name: &str| std::fs::read(entry(name)).expect("an entry");
    let kept: Vec<(&str, Vec<u8>)> = moves.iter().map(|(_, to)| (*to, whole(to))).collect();
    for (to, bytes) in moves.iter().map(|(from, to)| (to, whole(from))).collect::<Vec<_>>() {
        std::fs::write(entry(to), bytes).expect("written");
    }
    for args in [&["sql", "SELECT SUM(count) FROM counts"][..], &["status"], &["history", "--table", "counts"]] {
        let refused = bench.program().run(args).expect_status(5);
        let named = moves.iter().any(|(_, to)| refused.stderr.contains(&format!(": {to} contains another entry")));
        let lake = bench.lake().display().to_string();
        assert!(
            named && refused.stderr.contains(&lake) && !refused.stderr.contains("Generic"),
            "{moves:?}, {args:?}: {}",
            refused.stderr
        );
    }
    let found = findings(&check(bench).expect_status(5));
    assert_eq!(found.len(), moves.len(), "{moves:?}: {found:?}");
    for (to, bytes) in kept {
        let remedy = format!("restore it from a copy of the lake: {to}");
        let of = found.iter().find(|finding| finding["mend"] == remedy).unwrap_or_else(|| panic!("{to}: {found:?}"));
        assert_eq!(of["object"], format!("table {}", to.replacen("/_delta_log", ", _delta_log", 1)), "{of}");
        std::fs::write(entry(to), bytes).expect("written");
    }
    check(bench).success();
}

#[test]
fn a_log_entry_in_the_place_of_another_is_named_and_a_copy_repairs_it() {
    let bench = lake();
    let counts = ["counts/_delta_log/00000000000000000001.json", "counts/_delta_log/00000000000000000002.json"];
    let other = "fast_counts/_delta_log/00000000000000000002.json";
    moved_entries_are_named(&bench, &[(counts[0], counts[1]), (counts[1], counts[0])]);
    moved_entries_are_named(&bench, &[(counts[1], other), (other, counts[1])]);
    moved_entries_are_named(&bench, &[(counts[0], counts[1])]);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the repairs");
}

#[test]
fn a_definition_that_is_damaged_or_missing_is_a_finding() {
    let bench = lake();
    let path = bench.lake().join("lake.json");
    let whole = std::fs::read(&path).expect("a file");
    for damage in [scribble, |path: &Path| std::fs::remove_file(path).expect("removed")] {
        damage(&path);
        let found = findings(&check(&bench).expect_status(5));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["object"], "lake.json");
        assert_eq!(found[0]["mend"], "restore it from a copy of the lake: lake.json");
        std::fs::write(&path, &whole).expect("written");
        check(&bench).success();
    }
}

#[test]
fn damage_of_a_log_is_one_error_and_nothing_else_is_said() {
    let bench = lake();
    for name in ["counts/_delta_log/00000000000000000000.json", "rejects/_delta_log/00000000000000000001.json"] {
        let path = bench.lake().join(name);
        let whole = std::fs::read(&path).expect("an entry");
        scribble(&path);
        for _ in 0..5 {
            let refused = bench.program().run(&["sql", "SELECT SUM(count) FROM counts"]).expect_status(5);
            assert_eq!(refused.stderr.lines().count(), 1, "{name}: {}", refused.stderr);
            assert!(refused.stderr.starts_with("error: ") && refused.stderr.contains(name), "{}", refused.stderr);
        }
        let told = check(&bench).expect_status(5).stderr;
        assert!(!told.contains("ERROR") && !told.contains("panicked"), "{name}: {told}");
        std::fs::write(&path, whole).expect("written");
    }
}

#[test]
fn incidents_that_are_read_are_checked_though_a_newer_version_is_there() {
    let bench = lake();
    let read = file(&bench, "incidents", "resource=311-cases/year=2024");
    bench.program().env("HOTSPOTS_FAIL_AT", "compact:after-incidents-commit").run(&["compact"]).expect_status(128 + 6);
    check(&bench).success();
    scribble(&read);
    let found = findings(&check(&bench).expect_status(5));
    let name = read.file_name().and_then(|n| n.to_str()).expect("a name");
    assert!(found.iter().any(|f| f["object"].as_str().is_some_and(|object| object.contains(name))), "{found:?}");
    run_remedy(&bench, &found[0]);
    check(&bench).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the mend");
}

/// Returns a log entry as another writer, without checksums, would have written it.
fn unsigned(mut action: Value) -> Value {
    if let Some(info) = action.get_mut("commitInfo").and_then(Value::as_object_mut) {
        info.remove("blake3");
    }
    action
}

/// Changes a table's log as a foreign hand would.
fn tamper(bench: &Bench, table: &str, change: impl Fn(&mut Value) -> bool) {
    let log = bench.lake().join(table).join("_delta_log");
    for entry in std::fs::read_dir(&log).expect("a log") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("an entry");
        let mut changed = false;
        let lines = text.lines().map(|line| {
            let mut action: Value = serde_json::from_str(line).expect("an action");
            changed |= change(&mut action);
            unsigned(action).to_string()
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        if changed {
            std::fs::write(&path, lines).expect("written");
        }
    }
}

#[test]
fn statistics_that_lie_are_found() {
    let bench = lake();
    tamper(&bench, "incidents", |action| {
        let Some(stats) = action["add"]["stats"].as_str() else { return false };
        let mut stats: Value = serde_json::from_str(stats).expect("statistics");
        stats["maxValues"]["category"] = json!("A");
        stats["minValues"]["category"] = json!("A");
        action["add"]["stats"] = json!(stats.to_string());
        true
    });
    let found = findings(&check(&bench).expect_status(5));
    assert!(found.iter().any(|f| f["finding"].as_str().is_some_and(|text| text.contains("category"))), "{found:?}");
}

#[test]
fn counts_that_differ_are_found_and_repaired() {
    let bench = lake();
    bench.program().run(&["compact"]).success();
    let counted = file(&bench, "counts", "resource=311-cases/year=2024");
    let again = counted.with_file_name("part-00000000-0000-4000-8000-000000000000.parquet");
    std::fs::copy(&counted, &again).expect("a copy");
    // The same counts once more: an intact file with wrong content.
    let name = counted.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
    let again = again.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
    let log = bench.lake().join("counts/_delta_log");
    let entries = std::fs::read_dir(&log).expect("a log").map(|e| e.expect("an entry").path());
    let newest = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).max().expect("an entry");
    let text = std::fs::read_to_string(&newest).expect("an entry");
    let lines = text.lines().map(|line| unsigned(serde_json::from_str(line).expect("an action")).to_string());
    let text = lines.collect::<Vec<_>>().join("\n");
    let line = text
        .lines()
        .find(|line| line.contains("\"add\"") && line.contains(&name))
        .expect("the file")
        .replace(&name, &again);
    std::fs::write(&newest, format!("{text}\n{line}")).expect("written");
    let found = findings(&check(&bench).expect_status(1));
    assert!(!found.is_empty());
    for finding in &found {
        assert_eq!(finding["object"], "counts of 311-cases, 2024", "{finding}");
    }
    run_remedy(&bench, &found[0]);
    check(&bench).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the mend");
}

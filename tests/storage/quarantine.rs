//! Rows that could not be used: shown with reason and text, and used after the definition was corrected.

use lake_testkit::Row;

use crate::harness::{Bench, CASES, CASES_RESOURCE};

const EDITED_MS: i64 = 1_790_000_000_000;

/// Creates a changed definition of 311 cases: a user's own file replaces the one the program comes with.
pub(crate) fn redefine(bench: &Bench, changes: &[(&str, &str)]) -> std::path::PathBuf {
    redefine_in(bench, "resources", changes)
}

/// Creates the same in a folder of this name.
fn redefine_in(bench: &Bench, folder: &str, changes: &[(&str, &str)]) -> std::path::PathBuf {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/resources/311-cases.toml");
    let mut text = std::fs::read_to_string(file).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let directory = bench.folder.path().join(folder);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("311-cases.toml"), text).unwrap();
    directory
}

#[test]
fn rejects_are_shown_and_become_incidents_once_the_definition_names_their_key() {
    let bench = Bench::synthetic(600);
    let rows = bench.portal.rows(CASES).into_iter().take(30).enumerate();
    let renamed = rows.map(|(n, mut row)| {
        row.retain(|name, _| !name.starts_with(':') && name != "service_request_id");
        row.insert("case_number".to_owned(), format!("{}", 500_000_000_000 + n).into());
        row
    });
    bench.portal.insert(CASES, renamed.collect(), EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let shown = bench.program().run(&["rejects", CASES_RESOURCE, "--format", "json"]).success().json();
    let shown = shown.as_array().unwrap();
    assert_eq!(shown.len(), 30);
    assert!(shown[0]["reason"].as_str().unwrap().contains("service_request_id"), "{}", shown[0]);
    assert!(shown[0]["original"].as_str().unwrap().contains("\"case_number\""), "{}", shown[0]);
    let unchanged = bench.program().run(&["ingest", CASES_RESOURCE, "--replay-rejects"]).success();
    assert!(unchanged.stderr.contains("0 new"), "{}", unchanged.stderr);
    let resources = redefine(
        &bench,
        &[(
            "service_request_id = \"integer\"",
            "service_request_id = { type = \"integer\", aliases = [\"case_number\"] }",
        )],
    );
    let repaired = bench.program().env("HOTSPOTS_RESOURCES", &resources);
    let run = repaired.run(&["ingest", CASES_RESOURCE, "--replay-rejects"]).success();
    assert!(run.stderr.contains("30 new"), "{}", run.stderr);
    assert_eq!(repaired.run(&["rejects", "--format", "json"]).success().json(), serde_json::json!([]));
    let as_if = |row: &Row| {
        let mut row = row.clone();
        if let Some(id) = row.remove("case_number") {
            row.insert("service_request_id".to_owned(), id);
        }
        row
    };
    let published: Vec<Row> = bench.portal.rows(CASES).iter().map(as_if).collect();
    let roles = lake_testkit::Roles::of_dataset(CASES);
    let oracle = lake_testkit::Oracle::of(&roles, &published, &lake_testkit::Order::AsGiven);
    crate::harness::assert_exact(&repaired, CASES_RESOURCE, &oracle, "repaired");
    // The data derived at landing equals that derived from the raw rows.
    repaired.run(&["check"]).success();
    repaired.run(&["compact", "--recount"]).success();
    crate::harness::assert_exact(&repaired, CASES_RESOURCE, &oracle, "recounted");
    // The portal serves the same rows again: nothing new.
    bench.portal.restamp(CASES, EDITED_MS + 1_000, |_| {});
    let again = bench.ingest(&repaired, CASES_RESOURCE, &[]).success();
    assert!(again.stderr.contains("0 new, 0 changed"), "{}", again.stderr);
}

#[test]
fn a_changed_definition_is_unreconciled_until_it_is_recounted() {
    let bench = Bench::synthetic(1_500);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let standing = |program: &lake_testkit::Program| {
        let rows = program.run(&["status", "--format", "json"]).success().json();
        let row = &rows.as_array().unwrap()[0];
        (row["exact"].as_bool().unwrap(), row["unreconciled"].as_i64().unwrap())
    };
    // The file it was before: what a lake keeps of a user's file, the program's own does not undo.
    let old = bench.program().env("HOTSPOTS_RESOURCES", redefine_in(&bench, "old", &[]));
    for (change, what) in [
        (("category = \"service_name\"", "category = \"agency_responsible\""), "category"),
        (("south = 37.40", "south = 37.76"), "bounds"),
    ] {
        let repaired = bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &[change]));
        let (exact, unreconciled) = standing(&repaired);
        assert!(!exact && unreconciled > 0, "{what}: before the recount");
        repaired.run(&["compact"]).success();
        assert_eq!(standing(&repaired), (true, 0), "{what}: after the recount");
        let by_rows = "SELECT COUNT(*) AS n FROM incidents";
        let by_counts = "SELECT SUM(count) AS n FROM counts";
        assert_eq!(repaired.sql(by_rows), repaired.sql(by_counts), "{what}");
        // Back to the old one, and batches that land under it: still not what was compacted.
        assert!(!standing(&old).0, "{what}: the old definition");
        old.run(&["compact"]).success();
        let when = format!("{what}: the old definition again");
        crate::harness::assert_exact(&old, CASES_RESOURCE, &bench.oracle(CASES), &when);
    }
    // Batches that landed under another definition than today's, above a watermark of today's.
    let other = bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &[("south = 37.40", "south = 37.76")]));
    let touch = |row: &mut Row| drop(row.insert("status_notes".to_owned(), "seen".into()));
    bench.portal.update_where(CASES, |_| true, touch, EDITED_MS);
    let move_it = |row: &mut Row| drop(row.insert("lat".to_owned(), "37.75".into()));
    bench.portal.update_where(CASES, |_| true, move_it, EDITED_MS + 1_000);
    bench.ingest(&other, CASES_RESOURCE, &[]).success();
    assert!(!standing(&old).0, "counted under another definition");
    old.run(&["compact"]).success();
    assert_eq!(standing(&old), (true, 0));
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "recounted");
}

#[test]
fn another_key_counts_what_it_identifies_once_it_is_recounted() {
    let bench = Bench::synthetic(1_200);
    // A second column identifies three rows in a row, and some have none.
    let numbered = |row: &mut Row| {
        let id: u64 = row["service_request_id"].as_str().unwrap().parse().unwrap();
        if !id.is_multiple_of(17) {
            row.insert("bos_2012".to_owned(), format!("{}", id / 3).into());
        }
    };
    bench.portal.update_where(
        CASES,
        |row| row.contains_key("service_request_id"),
        |row| drop(row.remove("bos_2012")),
        EDITED_MS,
    );
    bench.portal.update_where(CASES, |row| row.contains_key("service_request_id"), numbered, EDITED_MS + 1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "200"]).success();
    let gone = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with("77"));
    bench.portal.delete_where(CASES, gone);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--full"]).success();
    bench.program().run(&["compact"]).success();
    let rekeyed = bench.program().env(
        "HOTSPOTS_RESOURCES",
        redefine(
            &bench,
            &[
                ("key = [\"service_request_id\"]", "key = [\"bos_2012\"]"),
                ("bos_2012 = \"number\"", "bos_2012 = \"number\""),
            ],
        ),
    );
    let standing = rekeyed.run(&["status", "--format", "json"]).success().json();
    assert_eq!(standing[0]["exact"], false, "{standing}");
    rekeyed.run(&["compact"]).success();
    let published = bench.portal.rows(CASES);
    let keys: std::collections::BTreeSet<&str> =
        published.iter().filter_map(|row| row.get("bos_2012")?.as_str()).collect();
    let keyless = published.iter().filter(|row| !row.contains_key("bos_2012")).count();
    let number = |query: &str| rekeyed.sql(query)[0]["n"].as_u64().unwrap();
    assert_eq!(number("SELECT COUNT(*) AS n FROM incidents"), keys.len() as u64);
    assert_eq!(number("SELECT SUM(count) AS n FROM counts"), keys.len() as u64);
    assert_eq!(number("SELECT COUNT(*) AS n FROM rejects WHERE state = 'open'"), keyless as u64);
    let standing = rekeyed.run(&["status", "--format", "json"]).success().json();
    assert_eq!(standing[0]["exact"], true, "{standing}");
    // Landing continues under the new key: the same rows again change nothing.
    bench.portal.restamp(CASES, EDITED_MS + 2_000, |_| {});
    let again = bench.ingest(&rekeyed, CASES_RESOURCE, &["--page-size", "1000"]).success();
    assert!(again.stderr.contains("0 new"), "{}", again.stderr);
    // And back, by the file it was before: what was published is still what it was.
    let first = bench.program().env("HOTSPOTS_RESOURCES", redefine_in(&bench, "first", &[]));
    first.run(&["compact"]).success();
    first.run(&["ingest", CASES_RESOURCE, "--replay-rejects"]).success();
    first.run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "the first key again");
}

#[test]
fn a_reject_of_a_saved_file_is_closed_for_good_and_can_be_forgotten() {
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    // Rows of a saved file have no row id of the portal: a reject is known by its text.
    let saved = r#"[{"case_number":"555000555000","requested_datetime":"2024-03-03T03:03:03.000","status_notes":"sealed-by-court"}]"#;
    std::fs::write(bench.folder.path().join("saved.json"), saved).unwrap();
    bench.program().run(&["ingest", CASES_RESOURCE, "--file", "saved.json"]).success();
    let named = "service_request_id = { type = \"integer\", aliases = [\"case_number\"] }";
    let repaired =
        bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &[("service_request_id = \"integer\"", named)]));
    let run = repaired.run(&["ingest", CASES_RESOURCE, "--replay-rejects"]).success();
    assert!(run.stderr.contains("1 new"), "{}", run.stderr);
    repaired.run(&["check"]).success();
    repaired.run(&["compact", "--recount"]).success();
    let open = "SELECT COUNT(*) AS n FROM rejects WHERE state = 'open'";
    assert_eq!(repaired.sql(open)[0]["n"], 0);
    repaired.run(&["forget", CASES_RESOURCE, "555000555000"]).success();
    let left =
        "SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE status_notes = 'sealed-by-court' OR _extra LIKE '%sealed%'";
    assert_eq!(repaired.sql(left)[0]["n"], 0);
    assert_eq!(repaired.sql("SELECT COUNT(*) AS n FROM stored.rejects WHERE original LIKE '%sealed%'")[0]["n"], 0);
    repaired.run(&["check"]).success();
}

#[test]
fn another_key_takes_what_was_published_before_it_was_declared() {
    let bench = Bench::synthetic(300);
    let id = |row: &Row| row["service_request_id"].as_str().unwrap().parse::<u64>().unwrap();
    bench.portal.update_where(CASES, |_| true, |row| drop(row.remove("bos_2012")), EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
    // Later versions have the column that will be the key: with leading zeros, and some never.
    let number = |row: &mut Row| {
        let id = row["service_request_id"].as_str().unwrap().parse::<u64>().unwrap();
        if !id.is_multiple_of(13) {
            row.insert("bos_2012".to_owned(), format!("{}{}", ["", "0", "00"][(id % 3) as usize], id / 3).into());
        }
    };
    bench.portal.update_where(CASES, |_| true, number, EDITED_MS + 1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "60"]).success();
    bench.program().run(&["compact"]).success();
    // The old key column is no longer declared, the new one is known by an alias.
    let changes = [
        ("key = [\"service_request_id\"]", "key = [\"number\"]"),
        ("service_request_id = \"integer\"\n", ""),
        ("bos_2012 = \"number\"", "number = { type = \"text\", aliases = [\"bos_2012\"] }"),
    ];
    let rekeyed = bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &changes));
    rekeyed.run(&["compact"]).success();
    let published = bench.portal.rows(CASES);
    // The column was a number: what it was as text is not known of rows that landed under that definition.
    let keys: std::collections::BTreeSet<u64> =
        published.iter().filter_map(|row| row.get("bos_2012")?.as_str()?.parse().ok()).collect();
    let keyless = published.iter().filter(|row| id(row) % 13 == 0).count();
    let count = |query: &str| rekeyed.sql(query)[0]["n"].as_u64().unwrap();
    assert_eq!(count("SELECT COUNT(*) AS n FROM incidents"), keys.len() as u64);
    assert_eq!(count("SELECT COUNT(*) AS n FROM rejects WHERE state = 'open'"), keyless as u64);
    let kept = "SELECT COUNT(DISTINCT COALESCE(service_request_id, 0)) AS n FROM raw.\"311_cases\"";
    assert!(count(kept) >= 1, "the column is still there");
    let original = "SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _extra LIKE '%service_request_id%'";
    assert!(count(original) >= published.len() as u64, "what is no longer declared is kept");
    rekeyed.run(&["check"]).success();
    // Another definition of the key meets rows that are keyed otherwise: no row lands under the wrong one.
    bench.portal.restamp(CASES, EDITED_MS + 2_000, |row| drop(row.insert("status_notes".to_owned(), "again".into())));
    bench.ingest(&rekeyed, CASES_RESOURCE, &["--page-size", "70"]).success();
    rekeyed.run(&["compact", "--window", "2000..2030"]).success();
    rekeyed.run(&["check"]).success();
}

/// Publishes this many rows without a key, at a stamp.
fn publish_keyless(bench: &Bench, rows: usize) {
    let keyless = bench.portal.rows(CASES).into_iter().take(rows).map(|mut row| {
        row.retain(|name, _| !name.starts_with(':') && name != "service_request_id");
        row
    });
    bench.portal.insert(CASES, keyless.collect(), EDITED_MS);
}

fn number(bench: &Bench, query: &str) -> u64 {
    bench.program().sql(query)[0]["n"].as_u64().unwrap()
}

const RAW_ROWS: &str = "SELECT COUNT(*) AS n FROM raw.\"311_cases\"";
const OPEN: &str = "SELECT COUNT(*) AS n FROM rejects WHERE state = 'open'";

#[test]
fn rejects_that_are_stamped_anew_land_nothing_and_changed_ones_do() {
    let bench = Bench::synthetic(300);
    publish_keyless(&bench, 12);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let before = number(&bench, RAW_ROWS);
    let restamped = |row: &mut Row| drop(row.insert("data_loaded_at".to_owned(), "2026-05-05T05:05:05.000".into()));
    for round in 1..=2 {
        bench.portal.restamp(CASES, EDITED_MS + round * 1_000, restamped);
        let run = bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
        assert!(run.stderr.contains("0 new, 0 changed") && run.stderr.contains("12 rejected"), "{}", run.stderr);
        assert_eq!(number(&bench, RAW_ROWS), before, "round {round}");
    }
    // An index rebuilt from the raw rows has them as well.
    std::fs::remove_dir_all(bench.lake().join(".index")).unwrap();
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--full"]).success();
    assert_eq!(number(&bench, RAW_ROWS), before, "read in full with a new index");
    let changed = |row: &mut Row| drop(row.insert("status_notes".to_owned(), "looked at".into()));
    bench.portal.update_where(CASES, |row| !row.contains_key("service_request_id"), changed, EDITED_MS + 5_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert_eq!(number(&bench, RAW_ROWS), before + 12);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "changed");
    bench.program().run(&["check"]).success();
}

#[test]
fn a_version_older_than_what_its_row_came_to_be_lands_nothing_usable_or_not() {
    let bench = Bench::synthetic(50);
    // One row of the portal as it was published one after another: usable, without its key, usable again.
    let mut row = bench.portal.rows(CASES)[0].clone();
    row.insert(":id".to_owned(), "row-aaaa.bbbb_cccc".into());
    let mut save = |name: &str, minute: u32, key: Option<&str>, notes: &str| {
        row.insert(":updated_at".to_owned(), format!("2026-09-01T00:{minute:02}:00.000Z").into());
        row.insert("status_notes".to_owned(), notes.into());
        match key {
            Some(key) => drop(row.insert("service_request_id".to_owned(), key.into())),
            None => drop(row.remove("service_request_id")),
        }
        std::fs::write(bench.folder.path().join(name), serde_json::json!([row]).to_string()).unwrap();
    };
    save("first.json", 10, Some("4711"), "first");
    save("keyless.json", 20, None, "keyless");
    save("between.json", 15, Some("4711"), "between");
    save("last.json", 30, Some("4711"), "last");
    let land = |name: &str| bench.program().run(&["ingest", CASES_RESOURCE, "--file", name]).success().stderr;
    let incidents = "SELECT COUNT(*) AS n FROM incidents";
    land("first.json");
    land("keyless.json");
    let standing = |when: &str, open: u64| {
        assert_eq!(number(&bench, OPEN), open, "{when}: open rejects");
        assert_eq!(number(&bench, incidents), 1, "{when}: incidents");
    };
    standing("it lost its key", 1);
    // An older usable version is not a news of a row that is a reject since.
    let rows = number(&bench, RAW_ROWS);
    for name in ["first.json", "between.json"] {
        assert!(land(name).contains("1 stale"), "{name}");
    }
    standing("older usable versions", 1);
    land("last.json");
    standing("it has its key again", 0);
    // Nor is an older reject of a row that can be used since, whether its index saw that or not.
    assert!(land("keyless.json").contains("1 stale"), "an older reject");
    std::fs::remove_dir_all(bench.lake().join(".index")).unwrap();
    assert!(land("keyless.json").contains("1 stale"), "an older reject, with a new index");
    standing("older rejects", 0);
    assert_eq!(number(&bench, RAW_ROWS), rows + 1, "only the last version landed since");
    bench.program().run(&["check"]).success();
    bench.program().run(&["compact", "--recount"]).success();
    standing("recounted", 0);
}

#[test]
fn a_recounted_definition_stays_reconciled_when_a_batch_without_rows_comes_between() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let changed = bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &[("south = 37.40", "south = 37.76")]));
    changed.run(&["compact"]).success();
    // A night in which every row is stamped again, then news.
    bench.portal.restamp(CASES, EDITED_MS, |_| {});
    bench.ingest(&changed, CASES_RESOURCE, &[]).success();
    let touch = |row: &mut Row| drop(row.insert("status_notes".to_owned(), "seen".into()));
    bench.portal.update_where(CASES, |_| true, touch, EDITED_MS + 1_000);
    bench.ingest(&changed, CASES_RESOURCE, &["--page-size", "1000"]).success();
    let standing = changed.run(&["status", "--format", "json"]).success().json();
    // The two batches since: one without rows.
    assert_eq!((&standing[0]["exact"], &standing[0]["unreconciled"]), (&true.into(), &2.into()), "{standing}");
}

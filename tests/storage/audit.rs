//! The lake compared with the portal: agreement, drift, and repair.

use lake_testkit::{Output, Row, Running};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

const EDITED_MS: i64 = 1_790_000_000_000;

fn id_of(row: &Row) -> u64 {
    row.get("service_request_id").and_then(|id| id.as_str()?.parse().ok()).unwrap_or(0)
}

fn audit(bench: &Bench, more: &[&str]) -> Output {
    let args = ["audit", "--resource", CASES_RESOURCE, "--portal", bench.served.url(), "--retry-wait-ms", "1"];
    bench.program().run(&[&args[..], &["--format", "json"], more].concat())
}

fn findings(output: &Output, finding: &str) -> Vec<Value> {
    let rows = output.json().as_array().unwrap().clone();
    rows.into_iter().filter(|row| row["finding"] == finding).collect()
}

/// Publishes rows of every awkward kind: rejects, undated, out of bounds, without a category.
fn awkward(bench: &Bench) {
    let mut rows: Vec<Row> = bench.portal.rows(CASES)[..40].to_vec();
    for (n, row) in rows.iter_mut().enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), format!("{}", 700_000_000_000 + n).into());
        match n % 5 {
            0 => drop(row.remove("service_request_id")),
            1 => drop(row.remove("requested_datetime")),
            2 => drop(row.insert("requested_datetime".to_owned(), "1850-01-01T00:00:00.000".into())),
            3 => drop(row.remove("service_name")),
            _ => drop(row.insert("lat".to_owned(), "0".into())),
        }
    }
    bench.portal.insert(CASES, rows, EDITED_MS);
}

#[test]
fn a_lake_that_holds_what_the_portal_publishes_agrees_with_it() {
    let bench = Bench::synthetic(2_000);
    awkward(&bench);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--max-pages", "1", "--page-size", "200"]).success();
    // It ingests to the head before it compares.
    let agreed = audit(&bench, &[]).success();
    assert_eq!(agreed.json(), serde_json::json!([]));
    let rows = bench.portal.row_count(CASES);
    assert!(
        agreed.stderr.contains(&format!("{rows} rows at the portal, {rows} in the lake, no drift")),
        "{}",
        agreed.stderr
    );
    audit(&bench, &["--window", "2024..2025"]).success();
    audit(&bench, &["--window", "2024-02-03..2024-02-05T07:00"]).success();
    audit(&bench, &["--keys"]).success();
    let wrong = audit(&bench, &["--window", "2024-01-01T00:30..2025"]).expect_status(2);
    assert!(wrong.stderr.contains("full hour"), "{}", wrong.stderr);
}

#[test]
fn a_deletion_is_drift_by_month_and_category_and_is_repaired() {
    let bench = Bench::synthetic(3_000);
    awkward(&bench);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let victim = bench.portal.rows(CASES).into_iter().find(|row| row.contains_key("service_name")).unwrap();
    bench.portal.delete_where(CASES, |row| id_of(row) == id_of(&victim));
    let drifted = audit(&bench, &["--keys"]).expect_status(1);
    let drift = findings(&drifted, "drift");
    assert_eq!(drift.len(), 1, "{drift:?}");
    assert_eq!(drift[0]["drift"], 1);
    assert_eq!(drift[0]["category"], victim["service_name"]);
    assert_eq!(drift[0]["month"].as_str(), victim["requested_datetime"].as_str().map(|time| &time[..7]));
    assert_eq!(findings(&drifted, "gone")[0]["key"], victim["service_request_id"]);
    let repaired = audit(&bench, &["--repair"]).success();
    assert!(repaired.stderr.contains("1 deleted"), "{}", repaired.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "repaired");
    audit(&bench, &["--keys"]).success();
}

#[test]
fn rows_that_no_scan_could_see_are_read_again_and_landed() {
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    // Changed and inserted with stamps that are behind the cursor, as a restored backup does.
    let behind = 1_000_000_000_000;
    let mut new = bench.portal.rows(CASES)[..3].to_vec();
    for (n, row) in new.iter_mut().enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), format!("{}", 600_000_000_000 + n).into());
    }
    bench.portal.insert(CASES, new, behind);
    let drifted = audit(&bench, &["--keys"]).expect_status(1);
    assert_eq!(findings(&drifted, "missing").len(), 3);
    assert!(findings(&drifted, "drift").iter().all(|row| row["drift"].as_i64().unwrap() < 0));
    audit(&bench, &["--repair"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "repaired");
}

#[test]
fn two_live_rows_with_one_key_are_shown() {
    let bench = Bench::synthetic(1_000);
    let mut twin = bench.portal.rows(CASES)[0].clone();
    twin.retain(|name, _| !name.starts_with(':'));
    let key = twin["service_request_id"].clone();
    twin.insert("status_notes".to_owned(), "the other one".into());
    bench.portal.insert(CASES, vec![twin], EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let drifted = audit(&bench, &[]).expect_status(1);
    let doubled = findings(&drifted, "doubled key");
    assert_eq!(doubled.len(), 1, "{doubled:?}");
    assert_eq!((&doubled[0]["key"], &doubled[0]["portal"], &doubled[0]["lake"]), (&key, &2.into(), &1.into()));
    // In one page, ingest reports it as well.
    let other = Bench::new(bench.portal.clone());
    let run = other.ingest(&other.program(), CASES_RESOURCE, &[]).success();
    assert!(run.stderr.contains("1 with the key of another row"), "{}", run.stderr);
}

/// Creates a lake with two rows of one key, of which the newer, which the lake has, is removed; a later row stays.
fn with_the_newer_twin_removed() -> (Bench, Value) {
    let bench = Bench::synthetic(1_000);
    let mut twin = bench.portal.rows(CASES)[0].clone();
    twin.retain(|name, _| !name.starts_with(':'));
    let key = twin["service_request_id"].clone();
    twin.insert("service_name".to_owned(), "The other one".into());
    twin.insert("requested_datetime".to_owned(), "2021-02-03T04:05:06.000".into());
    bench.portal.insert(CASES, vec![twin.clone()], EDITED_MS);
    twin.insert("service_request_id".to_owned(), "500000000000".into());
    twin.insert("service_name".to_owned(), "Later".into());
    bench.portal.insert(CASES, vec![twin], EDITED_MS + 1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let is_other = |row: &Row| row.get("service_name").is_some_and(|name| name == "The other one");
    assert_eq!(bench.portal.delete_where(CASES, is_other), 1);
    (bench, key)
}

#[test]
fn the_older_of_two_rows_with_one_key_is_read_again_once_the_newer_is_gone() {
    let (bench, key) = with_the_newer_twin_removed();
    let drifted = audit(&bench, &["--keys"]).expect_status(1);
    let outdated = findings(&drifted, "outdated");
    assert_eq!(outdated.len(), 1, "{outdated:?}");
    assert_eq!(outdated[0]["key"], key);
    assert_eq!(findings(&drifted, "drift").len(), 2);
    audit(&bench, &["--repair"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "repaired");
    audit(&bench, &["--keys"]).success();
    let (bench, _) = with_the_newer_twin_removed();
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--full"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "read in full");
}

#[test]
fn a_source_that_keeps_changing_is_inconclusive() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let mut clock = EDITED_MS;
    bench.portal.on_page(move |_, portal| {
        clock += 1_000;
        let first = portal.rows(CASES)[0][":id"].as_str().unwrap().to_owned();
        portal.update(
            CASES,
            &first,
            |row| drop(row.insert("status_notes".to_owned(), format!("{clock}").into())),
            clock,
        );
    });
    let run = audit(&bench, &[]).expect_status(4);
    assert!(run.stderr.contains("inconclusive"), "{}", run.stderr);
    let last = &bench.program().run(&["status", "--format", "json"]).success().json()[0]["last_audit"];
    assert_eq!((&last["outcome"], &last["drift"]), (&json!("inconclusive"), &Value::Null));
    bench.portal.on_page(|_, _| {});
    audit(&bench, &[]).success();
}

#[test]
fn a_portal_that_is_down_is_no_drift() {
    let bench = Bench::synthetic(500);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let args = ["audit", "--resource", CASES_RESOURCE, "--portal", "http://127.0.0.1:9", "--retries", "1"];
    bench.program().run(&[&args[..], &["--retry-wait-ms", "1"]].concat()).expect_status(4);
}

/// Returns the last audit of `/resources` and `status`, which is the same.
async fn last_audit(bench: &Bench, serving: &Running) -> Value {
    let answer = serving.get("/resources").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let resources = answer.json();
    let cases = resources.as_array().unwrap().iter().find(|resource| resource["name"] == CASES_RESOURCE).unwrap();
    let status = bench.program().run(&["status", "--format", "json"]).success().json();
    assert_eq!(status[0]["last_audit"], cases["last_audit"]);
    cases["last_audit"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_tells_what_the_last_audit_found() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    assert_eq!(last_audit(&bench, &serving).await, Value::Null);

    let before = chrono::Utc::now().timestamp_millis();
    audit(&bench, &[]).success();
    let agreed = last_audit(&bench, &serving).await;
    let at = chrono::DateTime::parse_from_rfc3339(agreed["at"].as_str().unwrap()).unwrap().timestamp_millis();
    assert!(before <= at && at <= chrono::Utc::now().timestamp_millis(), "{agreed}");
    assert!(agreed["at"].as_str().unwrap().ends_with('Z'), "{agreed}");
    let expected = json!({"at": agreed["at"], "window": null, "outcome": "none", "drift": 0, "differences": 0});
    assert_eq!(agreed, expected);

    let victims: Vec<u64> = bench.portal.rows(CASES)[..3].iter().map(id_of).collect();
    bench.portal.delete_where(CASES, |row| victims.contains(&id_of(row)));
    let buckets = findings(&audit(&bench, &[]).expect_status(1), "drift").len();
    let drifted = last_audit(&bench, &serving).await;
    let expected = json!({"at": drifted["at"], "window": null, "outcome": "drift", "drift": 3, "differences": buckets});
    assert_eq!(drifted, expected);
    assert!(bench.program().run(&["status"]).success().stdout.contains("drift 3"));

    audit(&bench, &["--repair"]).success();
    assert_eq!(last_audit(&bench, &serving).await["outcome"], "none");
    audit(&bench, &["--window", "2024..2025"]).success();
    let windowed = last_audit(&bench, &serving).await;
    assert_eq!(windowed["window"], "2024-01-01T00:00:00..2025-01-01T00:00:00");

    // It is part of the lake: nothing finds it wrong, and nothing takes it away.
    bench.program().run(&["check"]).success();
    bench.program().run(&["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"]).success();
    assert_eq!(last_audit(&bench, &serving).await, windowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_cannot_be_read_or_remembered_is_a_warning() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    audit(&bench, &[]).success();
    let remembered = bench.lake().join("_audits").join(format!("{CASES_RESOURCE}.json"));
    let serving = bench.program().spawn_serving(&["serve"]);
    for broken in [&b""[..], b"{\"at\": \"2025", b"{\"at\": \"today\", \"outcome\": \"none\"}", b"\xff"] {
        std::fs::write(&remembered, broken).unwrap();
        assert_eq!(last_audit(&bench, &serving).await, Value::Null);
    }
    assert!(serving.log().contains(&format!("_audits/{CASES_RESOURCE}.json")), "{}", serving.log());
    audit(&bench, &[]).success();
    assert_eq!(last_audit(&bench, &serving).await["outcome"], "none");

    // A file where the folder should be: nothing can be written there.
    std::fs::remove_dir_all(remembered.parent().unwrap()).unwrap();
    std::fs::write(remembered.parent().unwrap(), "").unwrap();
    let forgotten = audit(&bench, &[]).success();
    assert!(forgotten.stderr.contains("_audits"), "{}", forgotten.stderr);
    assert_eq!(last_audit(&bench, &serving).await, Value::Null);
}

#[test]
fn of_two_live_rows_with_one_key_and_one_time_the_same_counts_however_often_they_are_read() {
    let bench = Bench::synthetic(500);
    let mut twin = bench.portal.rows(CASES)[0].clone();
    twin.retain(|name, _| !name.starts_with(':'));
    twin.insert("service_request_id".to_owned(), "471147114711".into());
    let mut other = twin.clone();
    for (row, month, name) in [(&mut twin, "2024-02", "One"), (&mut other, "2025-06", "Other")] {
        row.insert("requested_datetime".to_owned(), format!("{month}-03T04:05:06.000").into());
        row.insert("service_name".to_owned(), name.into());
    }
    bench.portal.insert(CASES, vec![twin, other], EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    let standing = || {
        let rows = bench.program().sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\"");
        let chosen = bench.program().sql("SELECT category AS c FROM incidents WHERE id = '471147114711'");
        (rows[0]["n"].clone(), chosen[0]["c"].clone())
    };
    let before = standing();
    for round in 0..2 {
        audit(&bench, &["--keys", "--repair"]).expect_status(1);
        assert_eq!(standing(), before, "round {round}, repaired");
        bench.ingest(&bench.program(), CASES_RESOURCE, &["--full"]).success();
        assert_eq!(standing(), before, "round {round}, read in full");
    }
    // A change of its own row without a new time is still taken.
    let silently = |row: &mut Row| drop(row.insert("status_notes".to_owned(), "silently".into()));
    let chosen = |row: &Row| row.get("service_name") == Some(&before.1);
    assert_eq!(bench.portal.update_where(CASES, chosen, silently, EDITED_MS), 1);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--full"]).success();
    let notes = bench.program().sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE status_notes = 'silently'");
    assert_eq!(notes[0]["n"], 1);
}

#[test]
fn categories_that_do_not_fit_their_column_are_no_drift() {
    let bench = Bench::synthetic(300);
    let odd = ["n/a", "05", " 7", "7.50", "+7", "99999999999999999999", "NaN", "-0", "", "7.0"];
    let mut rows = bench.portal.rows(CASES)[..odd.len()].to_vec();
    for (n, (row, odd)) in rows.iter_mut().zip(odd).enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), format!("{}", 600_000_000_000 + n).into());
        row.insert("supervisor_district".to_owned(), odd.into());
    }
    // The portal has it as text.
    let columns = bench.portal.columns(CASES).into_iter().map(|column| match column.name.as_str() {
        "supervisor_district" => lake_soda_sim::Column::new("supervisor_district", lake_soda_sim::SodaType::Text),
        _ => column,
    });
    bench.portal.set_columns(CASES, columns.collect());
    bench.portal.insert(CASES, rows, EDITED_MS);
    for kind in ["integer", "number", "text"] {
        let bench = Bench::new(bench.portal.clone());
        let changes = [
            ("category = \"service_name\"", "category = \"supervisor_district\""),
            ("supervisor_district = \"number\"", &format!("supervisor_district = \"{kind}\"")),
        ];
        let program = bench.program().env("HOTSPOTS_RESOURCES", crate::storage::quarantine::redefine(&bench, &changes));
        let args = ["audit", "--resource", CASES_RESOURCE, "--portal", bench.served.url(), "--format", "json"];
        bench.ingest(&program, CASES_RESOURCE, &[]).success();
        assert_eq!(program.run(&args).success().json(), json!([]), "{kind}");
    }
}

#[test]
fn rejects_with_one_unusable_key_are_no_doubled_key() {
    let bench = Bench::synthetic(300);
    let mut rows = bench.portal.rows(CASES)[..6].to_vec();
    for (n, row) in rows.iter_mut().enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        row.insert("service_request_id".to_owned(), if n < 3 { "12A" } else { " " }.into());
    }
    let columns = bench.portal.columns(CASES).into_iter().map(|column| match column.name.as_str() {
        "service_request_id" => lake_soda_sim::Column::new("service_request_id", lake_soda_sim::SodaType::Text),
        _ => column,
    });
    bench.portal.set_columns(CASES, columns.collect());
    bench.portal.insert(CASES, rows, EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.portal.delete_where(CASES, |row| id_of(row) % 41 == 3);
    let drifted = audit(&bench, &[]).expect_status(1);
    assert!(!findings(&drifted, "drift").is_empty());
    assert_eq!(findings(&drifted, "doubled key"), Vec::<Value>::new());
    audit(&bench, &["--repair"]).success();
}

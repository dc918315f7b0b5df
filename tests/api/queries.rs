//! Named queries on the built program: those it comes with against the oracle, and a user's own.

use std::collections::BTreeMap;
use std::path::Path;

use lake_testkit::oracle::{Dimension, Filter, Oracle, time};
use lake_testkit::{Program, Row};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

const WINDOW: [&str; 2] = ["2024-03-01", "2025-02-01"];

fn run(program: &Program, name: &str, parameters: &[&str]) -> Vec<Value> {
    let mut args = vec!["queries", "run", name, "--format", "json"];
    args.extend(parameters.iter().flat_map(|parameter| ["--param", parameter]));
    let rows = program.run(&args).success().json();
    rows.as_array().expect("an array").clone()
}

fn label(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.trim_end_matches("T00:00:00").to_owned()),
        other => Some(other.to_string()),
    }
}

type Groups = BTreeMap<Vec<Option<String>>, i64>;

fn groups(rows: &[Value], members: &[&str]) -> Groups {
    let mut groups = Groups::new();
    for row in rows {
        let key = members.iter().map(|member| label(&row[*member])).collect();
        let before = groups.insert(key, row["count"].as_i64().unwrap_or_else(|| panic!("{row} has no count")));
        assert!(before.is_none(), "a group is answered twice: {row}");
    }
    groups
}

fn text(row: &Row, column: &str) -> Option<String> {
    row.get(column).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns a percentile of sorted values, by linear interpolation.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let at = part * (sorted.len() - 1) as f64;
    let below = (0..sorted.len()).take_while(|place| (*place as f64) <= at).count() - 1;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    low + (high - low) * (at - at.floor())
}

fn near(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - expected).abs() < 0.006)
}

/// Returns every report that counts, with the members that identify its groups, and the dimensions of the oracle.
fn counting() -> Vec<(&'static str, &'static str, Vec<&'static str>, Vec<Dimension>)> {
    let column = |name: &str| Dimension::Column(name.to_owned());
    vec![
        ("reports/categories", "top=100000", vec!["category"], vec![Dimension::Category]),
        ("reports/months", "", vec!["month"], vec![Dimension::Month]),
        ("reports/months_by_category", "", vec!["month", "category"], vec![Dimension::Month, Dimension::Category]),
        ("reports/districts", "", vec!["district"], vec![column("police_district")]),
        ("reports/neighborhoods", "", vec!["neighborhood"], vec![column("neighborhoods_sffind_boundaries")]),
        ("reports/hours_of_the_week", "", vec!["weekday", "hour"], vec![Dimension::Weekday, Dimension::HourOfDay]),
        ("reports/busiest_days", "top=100000", vec!["day"], vec![Dimension::Day]),
        ("reports/hot_cells", "top=100000", vec!["cell"], vec![Dimension::Cell(9)]),
    ]
}

fn assert_counting(bench: &Bench, oracle: &Oracle, when: &str) {
    let program = bench.program();
    let resource = format!("resource={CASES_RESOURCE}");
    let filter = Filter::all().window(WINDOW[0], WINDOW[1]);
    let days = [format!("start_date={}", WINDOW[0]), format!("end_date={}", WINDOW[1])];
    for (name, more, members, dimensions) in counting() {
        for (filter, days) in [(Filter::all(), &[][..]), (filter.clone(), &days[..])] {
            let mut parameters: Vec<&str> = vec![&resource];
            parameters
                .extend(days.iter().map(String::as_str).chain([more].into_iter().filter(|more| !more.is_empty())));
            let rows = run(&program, name, &parameters);
            // Groups by hour, day or cell omit rows without one.
            let placed = ["reports/hours_of_the_week", "reports/busiest_days", "reports/hot_cells"].contains(&name);
            let mut expected = oracle.count(&filter, &dimensions);
            expected.retain(|key, _| !placed || key[0].is_some());
            let expected: Groups = expected
                .into_iter()
                .map(|(key, count)| {
                    let full = |(text, dimension): (Option<String>, &Dimension)| match dimension {
                        Dimension::Month => text.map(|month| format!("{month}-01")),
                        _ => text,
                    };
                    (key.into_iter().zip(&dimensions).map(full).collect(), count)
                })
                .collect();
            assert!(!expected.is_empty(), "{name}");
            assert_eq!(groups(&rows, &members), expected, "{when}: {name} {parameters:?}");
            if rows[0].get("percent").is_some() {
                let total: i64 = expected.values().sum();
                for row in &rows {
                    let share = 100.0 * row["count"].as_i64().unwrap() as f64 / total as f64;
                    assert!(near(&row["percent"], share), "{name}: {row} of {total}");
                }
            }
            if more.starts_with("top") {
                let top = run(&program, name, &[&parameters[..parameters.len() - 1], &["top=3"]].concat());
                assert_eq!(top, rows[..3], "{name}: the first of them");
                assert!(rows.is_sorted_by(|a, b| a["count"].as_i64() >= b["count"].as_i64()), "{name}");
            }
        }
    }
    let coarse = run(&program, "reports/hot_cells", &[&resource, "top=100000", "resolution=7"]);
    let mut expected = oracle.count(&Filter::all(), &[Dimension::Cell(7)]);
    expected.retain(|key, _| key[0].is_some());
    assert_eq!(groups(&coarse, &["cell"]), expected, "{when}: hot cells at resolution 7");
}

fn assert_years(bench: &Bench, oracle: &Oracle, when: &str) {
    let rows = run(&bench.program(), "reports/years", &[&format!("resource={CASES_RESOURCE}")]);
    let mut expected = oracle.count(&Filter::all(), &[Dimension::Year]);
    expected.retain(|key, _| key[0].is_some());
    assert_eq!(groups(&rows, &["year"]), expected, "{when}: years");
    let mut compared = 0;
    for row in &rows {
        let before = row["year"].as_i64().map(|year| vec![Some((year - 1).to_string())]);
        match before.and_then(|key| expected.get(&key)) {
            None => assert!(row["change"].is_null() && row["change_percent"].is_null(), "{row}"),
            Some(before) => {
                let change = row["count"].as_i64().unwrap() - before;
                assert_eq!(row["change"], json!(change), "{row}");
                assert!(near(&row["change_percent"], 100.0 * change as f64 / *before as f64), "{row}");
                compared += 1;
            }
        }
    }
    assert!(compared > 0, "years follow each other");
}

fn assert_closing(bench: &Bench, oracle: &Oracle, when: &str) {
    let program = bench.program();
    let resource = format!("resource={CASES_RESOURCE}");
    let mut hours: BTreeMap<Option<String>, Vec<f64>> = BTreeMap::new();
    let mut open: BTreeMap<Option<String>, (i64, i64)> = BTreeMap::new();
    let fraction =
        |text: &str| text.split_once('.').and_then(|(_, part)| format!("0.{part}").parse::<f64>().ok()).unwrap_or(0.0);
    for incident in oracle.incidents().values() {
        let published = text(&incident.row, "closed_date");
        let closed = published.as_deref().and_then(time::occurrence);
        let known = open.entry(incident.category.clone()).or_default();
        known.0 += i64::from(closed.is_none());
        known.1 += i64::from(closed.is_some());
        if let (Some(at), Some(closed)) = (incident.at, closed) {
            let seconds = (closed - at) as f64 + fraction(&published.unwrap())
                - fraction(&text(&incident.row, "requested_datetime").unwrap());
            if seconds >= 0.0 {
                hours.entry(incident.category.clone()).or_default().push(seconds / 3600.0);
            }
        }
    }
    let rows = run(&program, "reports/closing_times", &[&resource]);
    assert_eq!(rows.len(), hours.len(), "{when}");
    for row in &rows {
        let own = hours.get_mut(&label(&row["category"])).unwrap_or_else(|| panic!("{row}"));
        own.sort_by(f64::total_cmp);
        assert_eq!(row["closed"], json!(own.len()), "{when}: {row}");
        assert!(near(&row["median_hours"], percentile(own, 0.5)), "{when}: {row} {}", percentile(own, 0.5));
        assert!(near(&row["p90_hours"], percentile(own, 0.9)), "{when}: {row} {}", percentile(own, 0.9));
    }
    let rows = run(&program, "reports/open_and_closed", &[&resource]);
    assert_eq!(rows.len(), open.len(), "{when}");
    for row in &rows {
        let (still, closed) = open[&label(&row["category"])];
        assert_eq!((&row["open"], &row["closed"]), (&json!(still), &json!(closed)), "{when}: {row}");
        assert!(near(&row["closed_percent"], 100.0 * closed as f64 / (still + closed) as f64), "{row}");
    }
}

fn assert_every_report(bench: &Bench, when: &str) {
    let oracle = bench.oracle(CASES);
    assert_counting(bench, &oracle, when);
    assert_years(bench, &oracle, when);
    assert_closing(bench, &oracle, when);
    let rejects = run(&bench.program(), "reports/rejects_by_reason", &[&format!("resource={CASES_RESOURCE}")]);
    assert_eq!(groups(&rejects, &["resource", "reason"]).values().sum::<i64>(), oracle.totals().rejects, "{when}");
    assert!(rejects.iter().all(|row| row["reason"].as_str().is_some_and(|reason| !reason.is_empty())), "{rejects:?}");
}

#[test]
fn every_report_answers_like_the_oracle_fast_and_compacted() {
    let bench = Bench::synthetic(3_000);
    bench.portal.update_where(
        CASES,
        |row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with("77")),
        |row| drop(row.remove("service_request_id")),
        1_790_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "500"]).success();
    assert!(bench.oracle(CASES).totals().rejects > 0, "there are rejects to report");
    assert_every_report(&bench, "fast");
    bench.program().run(&["compact"]).success();
    let moved = |row: &mut Row| drop(row.insert("requested_datetime".to_owned(), "2024-06-06T06:06:06.000".into()));
    let some = |row: &Row| text(row, "service_request_id").is_some_and(|id| id.ends_with('3'));
    bench.portal.update_where(CASES, some, moved, 1_790_000_100_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert_every_report(&bench, "fast rows above compacted ones");
    // Each is tested above; a new one joins them.
    let listed = bench.program().run(&["queries", "list", "--format", "json"]).success().json();
    let names: Vec<&str> =
        listed.as_array().expect("an array").iter().filter_map(|query| query["name"].as_str()).collect();
    let mut tested: Vec<&str> = counting().iter().map(|(name, ..)| *name).collect();
    tested.extend(["reports/years", "reports/closing_times", "reports/open_and_closed", "reports/rejects_by_reason"]);
    tested.sort_unstable();
    assert_eq!(names, tested);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_query_answers_over_http_as_on_the_command_line() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let listed = serving.get("/queries").await.json();
    let told = listed.as_array().expect("an array").iter().find(|query| query["name"] == "reports/categories");
    let told = told.expect("it is listed");
    assert_eq!(
        told["parameters"][3],
        json!({"name": "top", "type": "integer", "required": false, "default": "20", "about": "The maximum number of rows"})
    );
    assert_eq!(told["columns"][1], json!({"name": "count", "type": "integer", "about": "Incidents"}));
    for query in listed.as_array().expect("an array") {
        let name = query["name"].as_str().expect("a name");
        let answer = serving.get(&format!("/queries/{name}?resource={CASES_RESOURCE}")).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let expected = run(&bench.program(), name, &[&format!("resource={CASES_RESOURCE}")]);
        assert_eq!(answer.json(), Value::from(expected), "{name}");
        assert_eq!(
            (answer.header("lake-exact"), answer.header("lake-truncated")),
            (Some("true"), Some("false")),
            "{name}"
        );
        let known = [("if-none-match", answer.header("etag").expect("a tag"))];
        let address = format!("/queries/{name}?resource={CASES_RESOURCE}");
        assert_eq!(serving.get_with(&address, &known).await.status, 304, "{name}");
        let spelled = format!("/queries/{name}?resource={CASES_RESOURCE}&limit=0100000");
        assert_eq!(serving.get_with(&spelled, &known).await.status, 304, "{name}: a default, given");
        let other = serving.get_with(&format!("/queries/{name}?resource=fire-incidents"), &known).await;
        assert_eq!(other.status, 200, "{name}: another question");
    }
    let cut = serving.get("/queries/reports/categories?limit=2&format=csv").await;
    assert_eq!((cut.text().lines().count(), cut.header("lake-truncated")), (3, Some("true")));
    let map = serving.get("/queries/reports/hot_cells?format=geojson&top=5").await.json();
    assert_eq!(map["features"].as_array().map(Vec::len), Some(5));
    assert_eq!(map["features"][0]["geometry"]["type"], "Polygon");
    let cells = |form: &str| format!("/queries/reports/hot_cells?format=csv&top=1{form}");
    let (text, number) = (serving.get(&cells("")).await, serving.get(&cells("&cells=number")).await);
    assert_ne!(text.header("etag"), number.header("etag"));
    let cell =
        |answer: &lake_testkit::Answer| answer.text().lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    assert_eq!(cell(&number), i64::from_str_radix(&cell(&text), 16).unwrap().to_string());
    for (path, status, says) in [
        ("reports/hot_cells?cells=octal", 400, "cells"),
        ("reports/categorys", 404, "did you mean `reports/categories`?"),
        ("reports/categories?resourc=x", 400, "did you mean `resource`?"),
        ("reports/categories?top=many", 400, "`many` is not a valid integer for `top`"),
        ("reports/categories?start_date=2024", 400, "such as 2024-06-01"),
        ("reports/categories?top=1&top=2", 400, "given twice"),
        ("reports/categories?format=xml", 400, "json"),
        ("reports/categories?limit=0", 400, "limit"),
        ("compact/merged", 404, "there is no query"),
    ] {
        let answer = serving.get(&format!("/queries/{path}")).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(
            answer.json()["detail"].as_str().is_some_and(|detail| detail.contains(says)),
            "{path}: {}",
            answer.text()
        );
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

const OWN: &str = "\
-- title: Of one kind
-- parameter: kind text = 'x'  Which
-- column: resource text
-- column: n integer
SELECT resource, SUM(count) AS n FROM counts WHERE category <> $kind GROUP BY resource ORDER BY resource
";

#[tokio::test(flavor = "multi_thread")]
async fn a_users_own_queries_are_asked_like_ours_and_a_wrong_one_stops_the_start() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let own = bench.folder.path().join("own");
    let program = bench.program().env("HOTSPOTS_QUERIES", &own);
    write(&own, "of/kinds.sql", OWN);
    // A resource that has not landed is an empty table.
    write(&own, "crashes.sql", "-- title: Raw crashes\nSELECT COUNT(*) AS n FROM raw.traffic_crashes");
    write(&own, ".hidden.sql", "no query");
    write(&own, "notes.txt", "no query");
    let rows = run(&program, "of/kinds", &["kind=Graffiti"]);
    assert_eq!(rows[0]["resource"], CASES_RESOURCE);
    assert_eq!(run(&program, "reports/categories", &["top=1"]).len(), 1, "ours are there, too");
    let shown = program.run(&["queries", "show", "of/kinds"]).success().stdout;
    assert_eq!(shown, OWN);
    let serving = program.spawn_serving(&["serve"]);
    assert_eq!(serving.get("/queries/of/kinds?kind=Graffiti").await.json(), Value::from(rows));
    drop(serving);
    for (text, says) in [
        ("-- title: x\nSELECT nothing FROM counts", "wrong.sql: line 2, column 8"),
        ("-- title: x\nSELECT 1 FROM\n  counts WHERE (", "wrong.sql: line 3"),
        ("-- title: x\n-- column: n text\nSELECT 1 AS n", "wrong.sql:2: the header has `n` (text)"),
        ("-- title: x\n-- parameter: n whole\nSELECT $n", "wrong.sql:2: `whole` is not a type"),
        ("-- title: x\nSELECT $n", "wrong.sql:2: $n is not declared"),
        ("SELECT 1", "wrong.sql:1: the query has no title"),
        ("-- title: x\n-- parameter: n integer\nSELECT 1", "wrong.sql:2: the parameter `n` is declared"),
        ("-- title: x\n\n-- Why.\nSELECT 1,\n  $n", "wrong.sql:5: $n is not declared"),
        ("-- title: x\nDROP TABLE counts", "wrong.sql:2: the lake is read-only"),
    ] {
        write(&own, "wrong.sql", text);
        for command in [&["serve"][..], &["up", "--demo", "--demo-rows", "10"]] {
            let refused = program.run(&[command, &["--http", "127.0.0.1:0"]].concat()).expect_status(2);
            assert!(refused.stderr.contains(says), "{text}: {}", refused.stderr);
        }
    }
}

#[test]
fn queries_are_tested_against_the_rows_that_are_expected() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake"))
        .lake(folder.path().join("no-lake"))
        .current_dir(folder.path());
    let own = folder.path().join("own");
    write(&own, "of/kinds.sql", OWN);
    write(&own, "given.sql", "-- title: Given\n-- parameter: n integer\nSELECT $n AS n");
    let first = program.run(&["queries", "test", "own"]).success();
    assert!(first.stdout.contains("no rows are expected") && first.stdout.contains("not run"), "{}", first.stdout);
    assert!(first.stderr.contains("synthetic"), "{}", first.stderr);
    program.run(&["queries", "test", "own", "--update"]).success();
    let expected = std::fs::read_to_string(own.join("of/kinds.csv")).expect("it was written");
    assert!(expected.starts_with("resource,n\n311-cases,"), "{expected}");
    let again = program.run(&["queries", "test", "own"]).success();
    assert!(again.stdout.contains("the same"), "the small lake is the same each time: {}", again.stdout);
    write(&own, "of/kinds.csv", &expected.replacen("311-cases,", "311-cases,9", 1));
    let differs = program.run(&["queries", "test", "own"]).expect_status(1);
    assert!(differs.stdout.contains("kinds.csv:2: expected `311-cases,9"), "{}", differs.stdout);
    write(&own, "of/kinds.sql", "-- title: Wrong\nSELECT nothing FROM counts");
    let wrong = program.run(&["queries", "test", "own"]).expect_status(1);
    assert!(wrong.stdout.contains("kinds.sql: line 2, column 8"), "{}", wrong.stdout);
    assert!(!folder.path().join("no-lake").exists(), "no lake is made where there was none");
    let ours = program.run(&["queries", "test"]).success();
    assert!(ours.stdout.contains("reports/categories"), "{}", ours.stdout);
}

//! Which cells are hot beyond chance: the statistics held against the field's own libraries, the counts against
//! `/aggregates`, and what surrounds them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use lake_testkit::{Answer, Row, Running, missing_tool};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

const POLICE_RESOURCE: &str = "police-department-incidents";
/// The reference, by esda, libpysal, h3, scipy and pymannkendall.
const REFERENCE: &str = include_str!("hotspots/reference.py");
/// A quarter of the city with a corner that turns inwards.
const POLYGON: &str = r#"{"type":"Polygon","coordinates":[[[-122.48,37.72],[-122.39,37.73],[-122.43,37.76],[-122.41,37.79],[-122.48,37.72]]]}"#;
/// The tolerance between two ways to compute the same value.
const CLOSE: f64 = 1e-9;

/// Creates a lake of two resources, some of whose rows have no place, kind or time.
fn landed(rows: usize) -> Bench {
    let bench = Bench::synthetic(rows);
    let less = |row: &mut Row| {
        for column in ["service_name", "requested_datetime"] {
            row.remove(column);
        }
    };
    let some = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with("77"));
    bench.portal.update_where(CASES, some, less, 1_790_000_000_000);
    for resource in [CASES_RESOURCE, POLICE_RESOURCE] {
        bench.ingest(&bench.program(), resource, &["--page-size", "1000"]).success();
    }
    bench
}

fn serve(bench: &Bench) -> Running {
    bench.program().spawn_serving(&["serve"])
}

async fn ask(serving: &Running, path: &str) -> Answer {
    let answer = serving.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

async fn rows(serving: &Running, path: &str) -> Vec<Value> {
    ask(serving, path).await.json().as_array().expect("an array").clone()
}

fn query(filters: &[(&str, &str)]) -> String {
    let form = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    filters.iter().map(|(name, value)| format!("&{}={}", form(name), form(value))).collect()
}

fn by_cell(rows: &[Value]) -> BTreeMap<String, &Value> {
    let by_cell: BTreeMap<_, _> =
        rows.iter().map(|row| (row["cell"].as_str().expect("a cell").to_owned(), row)).collect();
    assert_eq!(by_cell.len(), rows.len(), "no cell comes twice");
    by_cell
}

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from);
    let has = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", "import esda, h3, libpysal, pymannkendall, scipy"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = python.filter(has);
    if found.is_none() {
        let how = "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python";
        missing_tool("hot_spots_and_trends_are_those", "a Python with esda, h3, pymannkendall and scipy", how);
    }
    found
}

/// Filters, resolution, rings.
type Question = (&'static [(&'static str, &'static str)], u8, u8);

/// Returns the answers of the reference to these questions.
fn reference(python: &PathBuf, serving: &Running, questions: &[Question]) -> Vec<Vec<Value>> {
    let question = |(filters, resolution, rings): &Question| {
        let (resolution, rings) = (*resolution, *rings);
        json!({"filters": filters, "geo_precision": resolution, "neighbors": rings})
    };
    let questions = Value::Array(questions.iter().map(question).collect()).to_string();
    let output = Command::new(python).args(["-c", REFERENCE, &serving.base_url, &questions]).output();
    let output = output.expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("rows as JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_spots_and_trends_are_those_of_the_fields_own_libraries() {
    let Some(python) = python() else { return };
    let bench = landed(12_000);
    bench.program().run(&["compact"]).success();
    let serving = serve(&bench);
    let questions: [Question; 10] = [
        (&[], 8, 1),
        (&[], 9, 2),
        (&[("resource", CASES_RESOURCE)], 7, 1),
        (&[("category", "Graffiti")], 8, 1),
        (&[("category!", "Graffiti"), ("hour", "9"), ("hour", "17"), ("weekday", "1")], 9, 3),
        (&[("start_time", "2024-02-15"), ("end_time", "2025-07-20")], 8, 2),
        (&[("start_time", "2025-01-01"), ("end_time", "2025-05-01"), ("resource", POLICE_RESOURCE)], 8, 1),
        (&[("bbox", "-122.45,37.74,-122.40,37.79")], 9, 1),
        (&[("polygon", POLYGON), ("category!", "")], 8, 1),
        (&[("near", "37.76,-122.43,3000"), ("start_time", "2024-01-01"), ("district!", "MISSION")], 9, 5),
    ];
    let (mut hot, mut trends) = (0, 0);
    for ((filters, resolution, rings), expected) in questions.iter().zip(reference(&python, &serving, &questions)) {
        let path = format!("/hotspots?geo_precision={resolution}&neighbors={rings}{}", query(filters));
        let found = rows(&serving, &path).await;
        let (found, expected) = (by_cell(&found), by_cell(&expected));
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{path}: the study area");
        assert!(found.len() > 5, "{path}: the case tests something");
        for (cell, expected) in expected {
            for (name, value) in expected.as_object().expect("a row") {
                let own = &found[&cell][name];
                match (own.as_f64(), value.as_f64()) {
                    (Some(own), Some(value)) => {
                        assert!((own - value).abs() < CLOSE, "{path}: {name} of {cell}: {own} {value}")
                    }
                    _ => assert_eq!(own, value, "{path}: {name} of {cell}"),
                }
            }
            let adjusted = expected["p_adjusted"].as_f64().expect("a p");
            let hotness = if expected["z"].as_f64() > Some(0.0) { "hot" } else { "cold" };
            let significance = if adjusted <= 0.05 { json!(hotness) } else { Value::Null };
            assert_eq!(found[&cell]["significance"], significance, "{path}: {cell}");
            hot += usize::from(significance == "hot");
            trends += usize::from(!expected["trend"].is_null());
        }
    }
    assert!(hot > 10 && trends > 10, "the cases test something: {hot} hot cells, {trends} trends");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_those_of_aggregates_whatever_is_asked_and_the_order_is_total() {
    let bench = landed(3_000);
    let serving = serve(&bench);
    let mut random = StdRng::seed_from_u64(311);
    let choices: [&[(&str, &str)]; 14] = [
        &[("resource", CASES_RESOURCE)],
        &[("resource!", CASES_RESOURCE)],
        &[("category", "Graffiti"), ("category", "")],
        &[("category!", "Graffiti")],
        &[("district", "MISSION")],
        &[("neighborhood!", "Mission"), ("neighborhood!", "")],
        &[("start_time", "2024-02-03T07:30")],
        &[("end_time", "2025-11-11")],
        &[("hour", "8"), ("hour", "20")],
        &[("weekday", "6"), ("weekday", "7")],
        &[("dated", "true")],
        &[("bbox", "-122.46,37.73,-122.39,37.80")],
        &[("near", "37.77,-122.42,4000")],
        &[("located", "true")],
    ];
    let mut unlocated = 0;
    for _ in 0..40 {
        let chosen: Vec<(&str, &str)> =
            choices.iter().filter(|_| random.random_range(0..5) == 0).copied().flatten().copied().collect();
        let resolution = random.random_range(6..=10);
        let asked = format!("geo_precision={resolution}{}", query(&chosen));
        let trend = random.random_range(0..2) == 0;
        let answer =
            ask(&serving, &format!("/hotspots?{asked}&trend={trend}&neighbors={}", random.random_range(1..=5))).await;
        let found = answer.json().as_array().expect("an array").clone();
        let counted = rows(&serving, &format!("/aggregates?group_by=cell&{asked}")).await;
        let number = |row: &Value| row["count"].as_i64().expect("a count");
        let nowhere: i64 = counted.iter().filter(|row| row["cell"].is_null()).map(number).sum();
        assert_eq!(answer.header("lake-unlocated"), Some(nowhere.to_string().as_str()), "{asked}");
        unlocated += nowhere;
        let text = |row: &Value| Some((row["cell"].as_str()?.to_owned(), number(row)));
        let counted: BTreeMap<String, i64> = counted.iter().filter_map(text).collect();
        let own: BTreeMap<String, i64> = found.iter().filter_map(text).filter(|(_, count)| *count != 0).collect();
        assert_eq!(own, counted, "{asked}");

        let places = ["resource", "district", "neighborhood", "bbox", "near"];
        let places: Vec<_> =
            chosen.iter().filter(|(name, _)| places.contains(&name.trim_end_matches('!'))).copied().collect();
        let area = format!("/aggregates?group_by=cell&located=true&geo_precision={resolution}{}", query(&places));
        let area: BTreeSet<String> =
            rows(&serving, &area).await.iter().filter_map(text).map(|(cell, _)| cell).collect();
        assert_eq!(by_cell(&found).into_keys().collect::<BTreeSet<_>>(), area, "{asked}: the study area");

        let place =
            |row: &Value| (row["z"].as_f64().map_or(f64::INFINITY, |z| -z), row["cell"].as_str().map(str::to_owned));
        assert!(found.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])), "{asked}: the hottest come first");
        let members = if trend { 12 } else { 7 };
        assert!(found.iter().all(|row| row.as_object().is_some_and(|row| row.len() == members)), "{asked}");
    }
    assert!(unlocated > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_changes_no_hot_spot() {
    let bench = landed(3_000);
    let serving = serve(&bench);
    let paths = [
        "/hotspots",
        "/hotspots?category=Graffiti&geo_precision=8&neighbors=2&start_time=2024-03-01T00:30",
        "/hotspots?resource=311-cases&weekday=1&bbox=-122.46,37.73,-122.39,37.80",
    ];
    let mut fast = Vec::new();
    for path in paths {
        fast.push(rows(&serving, path).await);
    }
    bench.program().run(&["compact"]).success();
    for (path, fast) in paths.into_iter().zip(&fast) {
        assert!(!fast.is_empty() && rows(&serving, path).await == *fast, "{path}");
    }
    // A row that has moved since leaves its cell, in the middle between the two.
    let moved = |row: &mut Row| {
        row.insert("lat".to_owned(), "37.7512".into());
        row.insert("long".to_owned(), "-122.4312".into());
    };
    bench.portal.update_where(
        CASES,
        |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('3')),
        moved,
        1_795_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    for path in paths {
        let pending = rows(&serving, path).await;
        let compacted = {
            let other = bench.folder.path().join("compacted");
            if !other.exists() {
                crate::harness::copy(&bench.lake(), &other);
            }
            let program = bench.program().lake(other);
            program.run(&["compact"]).success();
            rows(&program.spawn_serving(&["serve"]), path).await
        };
        assert_eq!(pending, compacted, "{path}");
    }
    assert_ne!(rows(&serving, paths[0]).await, fast[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_where_much_happens_ever_more_often_is_hot_and_rising() {
    let bench = Bench::synthetic(6_000);
    // One case in ten is moved to one corner: one into the first of 24 months, two into the next, and so on.
    let moved = Cell::new(0);
    let edit = |row: &mut Row| {
        let month = (0..24).find(|month| (month + 1) * (month + 2) / 2 > moved.get() % 300).unwrap_or(0);
        moved.set(moved.get() + 1);
        let (year, month) = (2024 + month / 12, 1 + month % 12);
        row.insert("requested_datetime".to_owned(), format!("{year}-{month:02}-15T12:00:00.000").into());
        row.insert("lat".to_owned(), "37.7625".into());
        row.insert("long".to_owned(), "-122.4350".into());
    };
    let some = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('3'));
    bench.portal.update_where(CASES, some, edit, 1_790_000_000_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = serve(&bench);
    let window = "start_time=2024-01-01&end_time=2026-01-01";
    let answer = ask(&serving, &format!("/hotspots?{window}")).await;
    assert_eq!(answer.header("lake-trend-months"), Some("2024-01..2026-01"));
    let found = answer.json().as_array().expect("an array").clone();
    let place = rows(&serving, &format!("/aggregates?group_by=cell&near=37.7625,-122.4350,1&{window}")).await;
    let place = place[0]["cell"].as_str().expect("a cell").to_owned();
    let there = by_cell(&found)[&place];
    assert_eq!((there["significance"].as_str(), there["trend"].as_str()), (Some("hot"), Some("rising")), "{there}");
    assert!(there["trend_slope"].as_f64() > Some(0.0), "{there}");
    let most = found.iter().map(|row| row["count"].as_i64()).max().expect("rows");
    assert_eq!(there["count"].as_i64(), most);
    // The cells around share its sum, and so its heat.
    assert!(found.iter().filter(|row| row["significance"] == "hot").count() > 1);

    let significant = rows(&serving, &format!("/hotspots?{window}&significant=true")).await;
    let expected: Vec<Value> = found.iter().filter(|row| !row["significance"].is_null()).cloned().collect();
    assert_eq!(significant, expected);
    let first = ask(&serving, &format!("/hotspots?{window}&limit=2")).await;
    assert_eq!(first.header("lake-truncated"), Some("true"));
    assert_eq!(first.json().as_array().expect("rows"), &found[..2]);
    let strict = rows(&serving, &format!("/hotspots?{window}&significant=true&alpha=1e-9")).await;
    assert!(!strict.is_empty() && strict.len() <= significant.len());
    assert!(strict.iter().all(|row| row["p_adjusted"].as_f64() <= Some(1e-9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_variance_has_no_statistic_and_too_few_months_have_no_trend() {
    let bench = landed(1_500);
    let serving = serve(&bench);
    let somewhere = rows(&serving, "/aggregates?group_by=cell&located=true&geo_precision=8&limit=1").await;
    let cell = somewhere[0]["cell"].as_str().expect("a cell").to_owned();
    for path in [
        format!("/hotspots?cell={cell}&geo_precision=8"),
        "/hotspots?category=no-such-kind".to_owned(),
        "/hotspots?geo_precision=0&neighbors=5".to_owned(),
        "/hotspots?geo_precision=5&neighbors=5".to_owned(),
    ] {
        let found = rows(&serving, &path).await;
        assert!(!found.is_empty(), "{path}");
        for row in found {
            for name in ["z", "p", "p_adjusted", "significance"] {
                assert!(row[name].is_null(), "{path}: {row}");
            }
        }
    }
    for (path, months) in [
        ("/hotspots?geo_precision=7&start_time=2024-01-02&end_time=2024-05-01", Some("2024-02..2024-05")),
        ("/hotspots?geo_precision=7&start_time=2024-01-02&end_time=2024-01-31", None),
        ("/hotspots?geo_precision=7&dated=false", None),
    ] {
        let answer = ask(&serving, path).await;
        assert_eq!(answer.header("lake-trend-months"), months, "{path}");
        for row in answer.json().as_array().expect("rows") {
            for name in ["trend", "trend_tau", "trend_z", "trend_p", "trend_slope"] {
                assert!(row[name].is_null(), "{path}: {row}");
            }
        }
    }
    let nowhere = ask(&serving, "/hotspots?located=false").await;
    assert_eq!(nowhere.json(), json!([]));
    assert_ne!(nowhere.header("lake-unlocated"), Some("0"));
    let untold = ask(&serving, "/hotspots?trend=false&limit=1").await;
    assert_eq!(untold.header("lake-trend-months"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_question_is_told_what_it_may_be() {
    let bench = landed(300);
    let serving = serve(&bench);
    for (query, parameter, says) in [
        ("neighbors=0", "neighbors", "1 to 5"),
        ("neighbors=6", "neighbors", "1 to 5"),
        ("neighbours=1", "neighbours", "did you mean `neighbors`?"),
        ("alpha=0", "alpha", "above 0 and at most 0.5"),
        ("alpha=0.6", "alpha", "above 0 and at most 0.5"),
        ("alpha=nan", "alpha", "above 0 and at most 0.5"),
        ("trend=1", "trend", "`true` or `false`"),
        ("significant=yes", "significant", "`true` or `false`"),
        ("geo_precision=11", "geo_precision", "0 to 10"),
        ("group_by=cell", "group_by", "not a parameter of /hotspots: expected"),
        ("start_time=2024", "start_time", "a date"),
        ("resource=311-case", "resource", "did you mean `311-cases`?"),
        ("format=xml", "format", "`geojson`"),
    ] {
        let refused = serving.get(&format!("/hotspots?{query}")).await;
        let problem = refused.json();
        assert_eq!((refused.status, problem["parameter"].as_str()), (400, Some(parameter)), "{query}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{query}: {problem}");
    }
    let refused = serving.post_json("/hotspots", &json!({"neighbors": [1]})).await;
    assert_eq!((refused.status, refused.json()["parameter"].as_str()), (400, Some("neighbors")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_a_name_says_what_was_read_and_may_be_posted() {
    let bench = landed(600);
    let serving = serve(&bench);
    let path = "/hotspots?resource=311-cases&neighbors=2&alpha=0.1&geo_precision=8";
    let first = ask(&serving, path).await;
    let name = first.header("etag").expect("a name").to_owned();
    for header in ["lake-version", "lake-exact", "lake-as-of", "lake-truncated", "lake-unlocated", "server-timing"] {
        assert!(first.header(header).is_some(), "{header}");
    }
    let again = serving.get_with(path, &[("if-none-match", &name)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    for other in ["&significant=true", "&format=csv", "&trend=false"] {
        let other = serving.get_with(&format!("{path}{other}"), &[("if-none-match", &name)]).await;
        assert_eq!(other.status, 200, "another question has another name");
    }
    let body = json!({"resource": [CASES_RESOURCE], "neighbors": 2, "alpha": 0.1, "geo_precision": 8});
    let posted = serving.post_json("/hotspots", &body).await;
    assert_eq!((posted.status, posted.header("etag")), (200, None));
    assert_eq!(posted.body, first.body);
}

/// A row: each member's name and text, null as none, a number in one way to write it.
type Line = Vec<(String, Option<String>)>;

/// Formats a number without its last digits, which readers of text need not get right.
fn digits(number: f64) -> String {
    format!("{number:.12e}")
}

fn of_json(row: &Value) -> Line {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => other.as_f64().map(digits),
    };
    row.as_object().expect("an object").iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn of_batches(batches: impl Iterator<Item = RecordBatch>) -> Vec<Line> {
    let text = |column: &dyn Array, name: &str, row: usize| {
        column.is_valid(row).then(|| match column.data_type() {
            DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
            DataType::Float64 => digits(column.as_primitive::<Float64Type>().value(row)),
            DataType::Int64 if name == "cell" => format!("{:x}", column.as_primitive::<Int64Type>().value(row)),
            DataType::Int64 => digits(column.as_primitive::<Int64Type>().value(row) as f64),
            other => panic!("`{name}` is {other}"),
        })
    };
    let mut lines = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let columns = schema.fields().iter().zip(batch.columns());
            lines
                .push(columns.map(|(field, column)| (field.name().clone(), text(column, field.name(), row))).collect());
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_has_the_same_rows() {
    let bench = landed(1_500);
    let serving = serve(&bench);
    let path = "/hotspots?geo_precision=8&category!=Graffiti";
    let expected: Vec<Line> = rows(&serving, path).await.iter().map(of_json).collect();
    assert!(expected.len() > 20);
    let body = async |format: &str| ask(&serving, &format!("{path}&format={format}")).await;
    let ndjson = body("ndjson").await.text();
    let lines = ndjson.lines().map(|line| of_json(&serde_json::from_str(line).expect("an object")));
    assert_eq!(lines.collect::<Vec<_>>(), expected, "ndjson");
    let csv = body("csv").await.text();
    let mut records = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = records.next().expect("a header");
    let text = |name: &str, text: &str| match text.parse::<f64>() {
        _ if text.is_empty() => None,
        _ if name == "cell" => Some(text.to_owned()),
        Ok(number) => Some(digits(number)),
        Err(_) => Some(text.to_owned()),
    };
    let line = |record: Vec<&str>| -> Line {
        names.iter().zip(record).map(|(name, value)| ((*name).to_owned(), text(name, value))).collect()
    };
    assert_eq!(records.map(line).collect::<Vec<_>>(), expected, "csv");
    let arrow = body("arrow").await.body;
    let reader = arrow::ipc::reader::StreamReader::try_new(arrow.as_slice(), None).expect("an Arrow stream");
    assert_eq!(of_batches(reader.map(|batch| batch.expect("a batch"))), expected, "arrow");
    let parquet = bytes::Bytes::from(body("parquet").await.body);
    let reader = ParquetRecordBatchReaderBuilder::try_new(parquet).expect("Parquet").build().expect("a reader");
    let without_geometry = |batch: RecordBatch| {
        let mut batch = batch;
        batch.remove_column(batch.schema().index_of("geometry").expect("GeoParquet"));
        batch
    };
    assert_eq!(of_batches(reader.map(|batch| without_geometry(batch.expect("a batch")))), expected, "parquet");
    let geojson = body("geojson").await.json();
    let features = geojson["features"].as_array().expect("features");
    assert_eq!(features.iter().map(|feature| of_json(&feature["properties"])).collect::<Vec<_>>(), expected, "geojson");
    assert!(features.iter().all(|feature| feature["geometry"]["type"] == "Polygon"));
}

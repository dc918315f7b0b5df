//! `/aggregates` and its neighbours on the built program, against the oracle.

use std::collections::BTreeMap;

use lake_testkit::oracle::{Dimension, Filter, Oracle};
use lake_testkit::{Answer, Running};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

type Groups = BTreeMap<Vec<Option<String>>, i64>;

fn serve(bench: &Bench) -> Running {
    bench.program().spawn_serving(&["serve"])
}

fn label(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns the answer as groups by the members named.
fn groups(answer: &Answer, members: &[&str]) -> Groups {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut groups = Groups::new();
    for row in answer.json().as_array().expect("an array") {
        let key = members.iter().map(|member| label(&row[*member])).collect();
        let count = row["count"].as_i64().unwrap_or_else(|| panic!("{row} has no count"));
        assert!(groups.insert(key, count).is_none(), "a group is answered twice: {row}");
    }
    groups
}

/// Returns the oracle's groups, time labels brought to the form of the answer.
fn expected(oracle: &Oracle, filter: &Filter, dimensions: &[Dimension]) -> Groups {
    let full = |dimension: &Dimension, text: String| match dimension {
        Dimension::Year => format!("{text}-01-01T00:00:00"),
        Dimension::Month => format!("{text}-01T00:00:00"),
        Dimension::Week | Dimension::Day => format!("{text}T00:00:00"),
        _ => text,
    };
    let counted = oracle.count(filter, dimensions);
    let relabelled = counted.into_iter().map(|(key, count)| {
        let key = key.into_iter().zip(dimensions).map(|(text, d)| text.map(|t| full(d, t))).collect();
        (key, count)
    });
    relabelled.collect()
}

/// Asks every shape of question that has an oracle of one serving program.
async fn ask_everything(serving: &Running, oracle: &Oracle, when: &str) {
    type Asked = (&'static str, Filter);
    let all: fn() -> Asked = || ("", Filter::all());
    let year: fn() -> Asked = || {
        (
            "&start_time=2024-01-01&end_time=2025-01-01T00:00Z",
            Filter::all().window("2024-01-01T00:00:00", "2025-01-01T00:00:00"),
        )
    };
    let uneven: fn() -> Asked = || {
        let text = "&start_time=2024-03-01T10:17&end_time=2024-09-30T23:59:30";
        (text, Filter::all().window("2024-03-01T10:17:00", "2024-09-30T23:59:30"))
    };
    let boxed: fn() -> Asked =
        || ("&bbox=-122.44,37.74,-122.40,37.79", Filter::all().bbox([-122.44, 37.74, -122.40, 37.79]));
    let mut asked = 0;
    for (query, filter, dimensions, members) in [
        ("group_by=", all, vec![], vec![]),
        ("group_by=category", all, vec![Dimension::Category], vec!["category"]),
        ("group_by=time&time_precision=1y", all, vec![Dimension::Year], vec!["occurred_at"]),
        ("group_by=time&time_precision=1mo", year, vec![Dimension::Month], vec!["occurred_at"]),
        ("group_by=time&time_precision=1w", all, vec![Dimension::Week], vec!["occurred_at"]),
        ("group_by=time", year, vec![Dimension::Day], vec!["occurred_at"]),
        ("group_by=time&time_precision=12h", year, vec![Dimension::Seconds(43_200)], vec!["occurred_at"]),
        ("group_by=time&time_precision=6h", year, vec![Dimension::Seconds(21_600)], vec!["occurred_at"]),
        ("group_by=time&time_precision=1h", year, vec![Dimension::Hour], vec!["occurred_at"]),
        ("group_by=time&time_precision=15m", year, vec![Dimension::Seconds(900)], vec!["occurred_at"]),
        ("group_by=time&time_precision=1m", uneven, vec![Dimension::Seconds(60)], vec!["occurred_at"]),
        ("group_by=time", uneven, vec![Dimension::Day], vec!["occurred_at"]),
        ("group_by=cell", all, vec![Dimension::Cell(9)], vec!["cell"]),
        ("group_by=cell&geo_precision=7", year, vec![Dimension::Cell(7)], vec!["cell"]),
        ("group_by=cell&geo_precision=10", uneven, vec![Dimension::Cell(10)], vec!["cell"]),
        ("group_by=cell&geo_precision=5", boxed, vec![Dimension::Cell(5)], vec!["cell"]),
        ("group_by=hour,weekday", all, vec![Dimension::HourOfDay, Dimension::Weekday], vec!["hour", "weekday"]),
        (
            "group_by=category,district",
            all,
            vec![Dimension::Category, Dimension::Column("police_district".into())],
            vec!["category", "district"],
        ),
        (
            "group_by=cell,time,category&geo_precision=8&time_precision=1mo",
            all,
            vec![Dimension::Cell(8), Dimension::Month, Dimension::Category],
            vec!["cell", "occurred_at", "category"],
        ),
    ] {
        let (text, filter) = filter();
        let path = format!("/aggregates?resource={CASES_RESOURCE}&{query}{text}");
        let answer = serving.get(&path).await;
        assert_eq!(answer.header("lake-exact"), Some("true"), "{path}: {}", answer.text());
        assert_eq!(answer.header("lake-truncated"), Some("false"), "{path}");
        assert_eq!(groups(&answer, &members), expected(oracle, &filter, &dimensions), "{when}: {path}");
        asked += 1;
    }
    assert_eq!(asked, 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_answered_like_the_oracle_fast_merged_and_compacted() {
    let bench = Bench::synthetic(3_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "500"]).success();
    let serving = serve(&bench);
    ask_everything(&serving, &bench.oracle(CASES), "fast").await;
    bench.program().run(&["compact"]).success();
    ask_everything(&serving, &bench.oracle(CASES), "compacted under a running server").await;
    let moved = |row: &mut lake_testkit::Row| {
        row.insert("lat".to_owned(), "37.7512".into());
        row.insert("requested_datetime".to_owned(), "2024-06-06T06:06:06.000".into());
    };
    let some = |row: &lake_testkit::Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('3'));
    bench.portal.update_where(CASES, some, moved, 1_790_000_000_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    ask_everything(&serving, &bench.oracle(CASES), "fast rows above compacted ones").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_tile_whether_they_end_on_hours_or_not() {
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = serve(&bench);
    let edges =
        ["2023-01-01", "2023-07-04T05:17", "2024-02-29T23:59:59", "2024-03-01", "2025-11-02T01:30", "2027-01-01"];
    let mut total = 0;
    for pair in edges.windows(2) {
        let answer = serving.get(&format!("/aggregates?group_by=&start_time={}&end_time={}", pair[0], pair[1])).await;
        total += answer.json()[0]["count"].as_i64().unwrap_or(0);
    }
    let whole = serving.get("/aggregates?group_by=&start_time=2023-01-01&end_time=2027-01-01").await;
    assert_eq!(whole.json()[0]["count"].as_i64(), Some(total));
    assert!(total > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_problems_that_teach() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = serve(&bench);
    for (query, says) in [
        ("geo_precison=9", "geo_precision"),
        ("geo_precision=11", "geo_precision"),
        ("time_precision=2h", "time_precision"),
        ("start_time=2024-01-01T00:00:00%2B02:00", "start_time"),
        ("start_time=2024-01-02&end_time=2024-01-01", "end_time"),
        ("bbox=1,2,3", "bbox"),
        ("group_by=sell", "cell"),
        ("resource=311-case", "311-cases"),
        ("limit=0", "limit"),
        ("weekday=8", "weekday"),
        ("format=xml", "json"),
        ("polygon=%7B%7D", "polygon"),
    ] {
        let answer = serving.get(&format!("/aggregates?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{query}");
        let problem = answer.json();
        assert_eq!(problem["status"], 400, "{query}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{query}: {problem}");
    }
    assert_eq!(serving.get("/nowhere").await.status, 404);
    assert_eq!(serving.get("/healthz").await.status, 200, "the server stays up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_says_so_and_is_the_beginning_of_the_whole_one() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = serve(&bench);
    let whole = serving.get("/aggregates").await.json();
    let cut = serving.get("/aggregates?limit=7").await;
    assert_eq!(cut.header("lake-truncated"), Some("true"));
    assert_eq!(cut.json().as_array().expect("an array")[..], whole.as_array().expect("an array")[..7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_can_be_posted_and_resources_and_readiness_are_told() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    let serving = serve(&bench);
    let got = serving.get("/aggregates?resource=311-cases&group_by=category&bbox=-122.44,37.74,-122.40,37.79").await;
    let ring = json!([[-122.44, 37.74], [-122.40, 37.74], [-122.40, 37.79], [-122.44, 37.79], [-122.44, 37.74]]);
    let posted = serving
        .post_json(
            "/aggregates",
            &json!({"resource": ["311-cases"], "group_by": ["category"], "polygon": {"type": "Polygon", "coordinates": [ring]}}),
        )
        .await;
    assert_eq!(groups(&posted, &["category"]), groups(&got, &["category"]));
    assert_eq!(serving.get("/readyz").await.status, 200);
    let resources = serving.get("/resources").await.json();
    let cases = resources
        .as_array()
        .expect("an array")
        .iter()
        .find(|r| r["name"] == CASES_RESOURCE)
        .expect("311 cases")
        .clone();
    let totals = bench.oracle(CASES).totals();
    assert_eq!(
        (&cases["incidents"], &cases["unlocated"], &cases["undated"]),
        (&json!(totals.incidents), &json!(totals.unlocated), &json!(totals.undated))
    );
    assert_eq!(cases["pending_batches"], cases["batches"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_with_a_polygon_takes_it_posted() {
    let bench = Bench::synthetic(500);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = serve(&bench);
    let polygon = json!({"type": "Polygon", "coordinates": [[
        [-122.45, 37.74], [-122.40, 37.74], [-122.40, 37.80], [-122.45, 37.80], [-122.45, 37.74]
    ]]});
    for path in ["/aggregates", "/facets", "/incidents", "/tiles/11/327/791.mvt"] {
        let asked = reqwest::Client::new().get(serving.url(path)).query(&[("polygon", polygon.to_string())]);
        let asked = asked.send().await.expect("an answer");
        assert_eq!(asked.status(), 200, "{path}");
        let asked = asked.bytes().await.expect("a body");
        assert!(asked.len() > 2, "{path} has something to tell");
        let posted = reqwest::Client::new().post(serving.url(path)).json(&json!({"polygon": polygon}));
        let posted = posted.send().await.expect("an answer");
        assert_eq!((posted.status().as_u16(), posted.bytes().await.expect("a body")), (200, asked), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reads_in_two_ways_is_refused_by_its_name() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = serve(&bench);
    let refused = |answer: Answer, says: &str| {
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && detail.contains(says), "{says}: {} {}", answer.status, answer.text());
    };
    for path in [
        "/aggregates?category=%ff",
        "/facets?facet=category&district=caf%E9",
        "/incidents?category=%EF%BF%BD%ff",
        "/queries/reports/years?category=%ff",
        "/sql?query=SELECT%20'%ff'",
        "/tiles/0/0/0.mvt?category=%ff",
    ] {
        refused(serving.get(path).await, "is not UTF-8");
    }
    let polygon = "%7B%22type%22:%22Polygon%22,%22coordinates%22:[],%22coordinates%22:[]%7D";
    refused(serving.get(&format!("/aggregates?polygon={polygon}")).await, "`coordinates` is given twice");
    for (path, body, name) in [
        ("/aggregates", r#"{"category": "Graffiti", "limit": 5, "category": "Noise"}"#, "category"),
        ("/hotspots", r#"{"polygon": {"type": "Polygon", "coordinates": [], "type": "Polygon"}}"#, "type"),
        ("/sql", r#"{"query": "SELECT 1", "query": "SELECT 2"}"#, "query"),
        ("/sql", r#"{"query": "SELECT $a", "parameters": {"a": 1, "b": 2, "a": 3}}"#, "a"),
    ] {
        let request = reqwest::Client::new().post(serving.url(path)).header("content-type", "application/json");
        let answer = request.body(body).send().await.expect("an answer");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("text"));
        assert!(
            status == 400 && text.contains(&format!("the member `{name}` is given twice")),
            "{path}: {status} {text}"
        );
    }
}

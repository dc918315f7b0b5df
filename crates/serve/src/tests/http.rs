//! The interface as a client meets it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest as _, Request, State};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::lake::{TestLake, test_lake};
use crate::app::App;
use crate::http::MapPage;
use crate::http::endpoints::changes;
use crate::http::request::request_params::RequestParams;
use crate::{Access, Limits, Server};

struct Served {
    url: String,
    stop: CancellationToken,
    lake: TestLake,
}

async fn served(rows: usize) -> Served {
    let lake = test_lake(rows).await;
    let server = Server::bind(([127, 0, 0, 1], 0).into(), None).await.expect("a socket");
    let (url, stop) = (server.url(), CancellationToken::new());
    let limits = Limits { max_body_bytes: 4096, ..Limits::default() };
    tokio::spawn(server.run(lake.reader.clone(), Access::open(), limits, stop.clone()));
    Served { url, stop, lake }
}

impl Served {
    async fn get(&self, path: &str) -> Response {
        Client::new().get(format!("{}{path}", self.url)).send().await.expect(path)
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.expect(path)
    }
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_an_array_in_order_with_what_was_read_in_its_headers() {
    let served = served(300).await;
    let response = served.get("/aggregates?group_by=category,time,cell&time_precision=1y&geo_precision=5").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/json");
    assert!(header(&response, "lake-version").starts_with("fast_counts="));
    assert_eq!(header(&response, "lake-exact"), "true");
    assert_eq!(header(&response, "lake-truncated"), "false");
    assert_eq!(header(&response, "lake-synthetic"), "true");
    assert!(header(&response, "lake-as-of").ends_with('Z'));
    let text = response.text().await.expect("a body");
    assert!(text.contains(r#""category":"Fire","occurred_at":"2022-01-01T00:00:00","cell":"85"#), "{text}");
    let rows: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let total: i64 = rows.iter().map(|row| row["count"].as_i64().expect("a number")).sum();
    assert_eq!(total, i64::try_from(served.lake.incidents.len()).expect("few"));
    assert!(rows.iter().any(|row| row["occurred_at"].is_null()) && rows.iter().any(|row| row["cell"].is_null()));
    assert!(rows.last().expect("rows")["category"].is_null());

    let real = served.get("/aggregates?resource=city-calls&limit=3").await;
    assert_eq!(header(&real, "lake-synthetic"), "");
    assert_eq!(header(&real, "lake-truncated"), "true");
    let real: Vec<Value> = real.json().await.expect("JSON");
    let all = served.json("/aggregates?resource=city-calls").await;
    assert_eq!(real, all.as_array().expect("an array")[..3]);
    assert_eq!(served.json("/aggregates?resource=city-crashes").await, json!([]));
}

#[tokio::test]
async fn changes_that_do_not_begin_in_time_are_refused() {
    let lake = test_lake(50).await;
    for (timeout, status) in [(Duration::from_secs(60), Ok(200)), (Duration::ZERO, Err(Some("timeout_ms")))] {
        let limits = Limits { timeout, ..Limits::default() };
        let (web, stop) = (MapPage::new(None), CancellationToken::new());
        let app = App::new(lake.reader.clone(), Access::open(), limits, web, stop).expect("threads");
        let app = Arc::new(app);
        let request = Request::get("/changes?since=0").body(Body::empty()).expect("a request");
        let params = RequestParams::from_request(request, &app).await.expect("parameters");
        let asked = changes::get(State(Arc::clone(&app)), params);
        let asked = asked.await.map(|answer| answer.status().as_u16());
        let asked = asked.map_err(|problem| ["timeout_ms"].into_iter().find(|name| problem.detail.contains(name)));
        assert_eq!(asked, status, "{timeout:?}");
        assert_eq!(app.admission.in_use(), 0, "no permit is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_question_is_the_same_question() {
    let served = served(200).await;
    let by_query = served.json("/aggregates?group_by=district,hour&near=37.75,-122.45,3000&hour=1&hour=2").await;
    let body = json!({"group_by": ["district", "hour"], "near": [37.75, -122.45, 3000], "hour": [1, 2]});
    let posted = Client::new().post(format!("{}/aggregates", served.url)).json(&body).send().await.expect("an answer");
    assert_eq!(posted.json::<Value>().await.expect("JSON"), by_query);
    let large = Client::new()
        .post(format!("{}/aggregates", served.url))
        .body("x".repeat(5000))
        .send()
        .await
        .expect("an answer");
    assert_eq!(large.status(), 413);
    assert_eq!(header(&large, "content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem() {
    let served = served(0).await;
    for (method, path, status, says) in [
        (Method::GET, "/aggregates?resource=city-call", 400, "did you mean `city-calls`?"),
        (Method::GET, "/aggregates?limit=0", 400, "`limit`"),
        (Method::GET, "/resources?x=1", 400, "`x`"),
        (Method::GET, "/aggregate", 404, "/aggregates"),
        (Method::DELETE, "/aggregates", 405, "DELETE"),
        (Method::GET, "/problems/none", 404, "`none`"),
        (Method::POST, "/aggregates", 400, "JSON object"),
    ] {
        let response = Client::new().request(method, format!("{}{path}", served.url)).send().await.expect(path);
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(header(&response, "content-type"), "application/problem+json", "{path}");
        if status == 405 {
            assert!(header(&response, "allow").contains("GET"), "{:?}", response.headers());
        }
        let problem: Value = response.json().await.expect(path);
        assert!(problem["detail"].as_str().expect("a detail").contains(says), "{path}: {problem}");
        assert_eq!(problem["status"], status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_lake_is_ready_and_has_nothing() {
    let served = served(0).await;
    assert_eq!(served.get("/healthz").await.text().await.expect("text"), "ok");
    assert_eq!(served.get("/readyz").await.status(), 200);
    assert_eq!(served.json("/aggregates").await, json!([]));
    assert_eq!(served.json("/aggregates?near=37,-122,500").await, json!([]));
    assert_eq!(served.json("/aggregates?group_by=").await, json!([{"count": 0}]));
    let page = served.get("/").await;
    assert!(header(&page, "content-type").starts_with("text/html"));
    assert!(page.text().await.expect("a page").contains("/aggregates"));
    served.stop.cancel();
    for _ in 0..100 {
        if Client::new().get(format!("{}/healthz", served.url)).send().await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a stopped server takes no more requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_say_how_they_stand() {
    let served = served(300).await;
    let resources = served.json("/resources").await;
    let names: Vec<&str> = resources.as_array().expect("an array").iter().filter_map(|r| r["name"].as_str()).collect();
    assert_eq!(names, ["city-calls", "city-crashes", "city-fires"]);
    let of = |test: fn(&super::Incident) -> bool| {
        served.lake.incidents.iter().filter(|i| i.resource == "city-fires" && test(i)).count()
    };
    let fires = &resources[2];
    assert_eq!(fires["incidents"], of(|_| true));
    assert_eq!(fires["unlocated"], of(|i| i.cell.is_none()));
    assert_eq!(fires["undated"], of(|i| i.occurred_at.is_none()));
    assert_eq!((&fires["batches"], &fires["watermark"], &fires["pending_batches"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&fires["synthetic"], &fires["exact"], &fires["landed"]), (&json!(true), &json!(true), &json!(true)));
    assert_eq!(
        (&fires["cadence_seconds"], &fires["last_landed_at"]),
        (&json!(3600), &json!("2025-01-02T00:00:00.000Z"))
    );
    assert_eq!((&resources[1]["landed"], &resources[1]["incidents"]), (&json!(false), &json!(0)));
}

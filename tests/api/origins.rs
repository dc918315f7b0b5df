//! From which pages a server may be asked, and under which names.

use lake_testkit::{Answer, Running};
use reqwest::Method;
use serde_json::json;

use crate::api::access::landed;

const QUERY: &str = "/aggregates?group_by=resource";

async fn status(running: &Running, path: &str, headers: &[(&str, &str)]) -> u16 {
    running.get_with(path, headers).await.status
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().expect("a detail").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_loopback_server_answers_no_foreign_name() {
    let bench = landed(100);
    let running = bench.program().spawn_serving(&["serve"]);
    for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "lake"] {
        assert_eq!(status(&running, QUERY, &[("host", host)]).await, 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.nip.io:8080", "localhost.evil.example", "192.0.2.1"] {
        for path in [QUERY, "/", "/metrics", "/sql?query=SELECT%201", "/nothing"] {
            let refused = running.get_with(path, &[("host", host)]).await;
            assert_eq!(refused.status, 403, "{host}{path}");
            assert!(detail(&refused).contains("--allowed-host"), "{}", refused.text());
        }
        assert_eq!(status(&running, "/healthz", &[("host", host)]).await, 200, "a probe asks by any address");
    }
    let metrics = running.get("/metrics").await.text();
    assert!(metrics.contains("hotspots_refused_total{cause=\"host\"} 20\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_loopback_server_answers_no_foreign_page() {
    let bench = landed(100);
    let running = bench.program().spawn_serving(&["serve"]);
    let own = running.base_url.clone();
    let answer = running.get_with(QUERY, &[("origin", &own)]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(own.as_str())));
    let port = own.rsplit(':').next().expect("a port");
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", &format!("http://localhost:{port}")] {
        let refused = running.get_with(QUERY, &[("origin", origin)]).await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None), "{origin}");
        assert!(detail(&refused).contains("--allowed-origin"), "{}", refused.text());
        let asked = reqwest::Client::new().request(Method::OPTIONS, running.url("/sql"));
        let asked = asked.header("origin", origin).header("access-control-request-method", "POST");
        let preflight = asked.send().await.expect("an answer");
        assert_eq!(preflight.status(), 403, "{origin}");
        assert!(!preflight.headers().contains_key("access-control-allow-origin"), "{origin}");
    }
    let embedded = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];
    assert_eq!(status(&running, QUERY, &embedded).await, 403);
    let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert_eq!(status(&running, QUERY, &link).await, 200);
    let page = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")];
    assert_eq!(status(&running, QUERY, &page).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_names_and_pages_may_ask() {
    let bench = landed(100);
    let options = ["serve", "--allowed-host", "lake.example", "--allowed-origin", "https://map.example"];
    let running = bench.program().spawn_serving(&options);
    assert_eq!(status(&running, QUERY, &[("host", "lake.example")]).await, 200);
    assert_eq!(status(&running, QUERY, &[("host", "evil.example")]).await, 403);
    let behind_proxy = [("origin", "https://lake.example"), ("x-forwarded-host", "lake.example")];
    assert_eq!(status(&running, QUERY, &behind_proxy).await, 200);
    let answer = running.get_with(QUERY, &[("origin", "https://map.example")]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("https://map.example")));
    let wrong = bench.program().run(&["serve", "--allowed-origin", "map.example"]).expect_status(2);
    assert!(wrong.stderr.contains("https://map.example"), "the form is named: {}", wrong.stderr);
    let any = bench.program().spawn_serving(&["serve", "--allowed-origin", "*"]);
    assert_eq!(status(&any, QUERY, &[("origin", "http://evil.example")]).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_takes_no_body_that_a_form_can_send() {
    let bench = landed(100);
    let running = bench.program().spawn_serving(&["serve"]);
    let post = async |kind: Option<&str>, body: &str| {
        let asked = reqwest::Client::new().post(running.url("/sql")).body(body.to_owned());
        let asked = match kind {
            Some(kind) => asked.header("content-type", kind),
            None => asked,
        };
        let answer = asked.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.expect("JSON"))
    };
    for kind in ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let (status, problem) = post(Some(kind), "SELECT 1 AS n").await;
        assert_eq!(status, 415, "{kind}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("application/sql")), "{problem}");
    }
    assert_eq!(post(None, "{\"query\": \"SELECT 1 AS n\"}").await.0, 415);
    assert_eq!(post(Some("application/sql"), "SELECT 1 AS n").await, (200, json!([{"n": 1}])));
    let kind = Some("application/json; charset=utf-8");
    assert_eq!(post(kind, "{\"query\": \"SELECT 1 AS n\"}").await, (200, json!([{"n": 1}])));
}

//! Access and quotas: tokens, scopes, quotas, limits.

use std::path::Path;
use std::time::{Duration, Instant};

use lake_testkit::{Answer, Program, Running};
use serde_json::{Value, json};

use crate::api::wire::Wire;
use crate::harness::{Bench, CASES_RESOURCE};

/// An answer of many megabytes: with 60,000 rows more than is collected, and more than sockets buffer for a client that
/// does not read.
pub(crate) const BIG: &str = "/aggregates?format=geojson&geo_precision=10&time_precision=1m\
     &group_by=resource,cell,time,category,subcategory,district,neighborhood,hour,weekday";

/// How long what must come may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Creates a lake with some 311 cases.
pub(crate) fn landed(rows: usize) -> Bench {
    let bench = Bench::synthetic(rows);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench
}

/// Returns a new token, and its line.
pub(crate) fn token(program: &Program, args: &[&str]) -> (String, String) {
    let output = program.run(&[&["token", "new"], args].concat()).success();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", output.stdout);
    assert!(!output.stderr.contains(lines[0]) && !lines[1].contains(lines[0]), "the token is printed once");
    (lines[0].to_owned(), lines[1].to_owned())
}

pub(crate) fn write(path: &Path, lines: &[&str]) {
    std::fs::write(path, format!("# who may ask\n{}\n", lines.join("\n"))).expect("a file of tokens");
}

async fn get(running: &Running, path: &str, token: &str) -> Answer {
    running.get_with(path, &[("authorization", &format!("Bearer {token}"))]).await
}

/// Asks until the status is this one.
async fn until(running: &Running, path: &str, token: &str, status: u16) {
    let began = Instant::now();
    while get(running, path, token).await.status != status {
        assert!(began.elapsed() < PATIENCE, "{path} is not answered with {status}\n{}", running.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_this_machine_reads_and_an_open_door_to_others_is_warned_of() {
    let bench = landed(100);
    let own = bench.program().spawn_serving(&["serve"]);
    assert_eq!(own.get("/resources").await.status, 200);
    assert_eq!(own.get("/metrics").await.status, 200, "no other client can reach it");
    assert!(!own.log().contains("warning"), "{}", own.log());
    let limit = |limits: &Value, name: &str| {
        let all = limits.as_array().expect("an array").clone();
        all.into_iter().find(|limit| limit["name"] == name).unwrap_or_else(|| panic!("{name}: {limits}"))["value"]
            .clone()
    };
    let limits = own.get("/limits").await.json();
    assert_eq!(
        (limit(&limits, "requests_per_second"), limit(&limits, "concurrent_requests")),
        (json!(null), json!(null))
    );

    let open = ["serve", "--http", "0.0.0.0:0"];
    let others = bench.program().spawn_in_background(&open);
    let line = others.wait_for_log("listening on http://", PATIENCE);
    assert!(others.log().contains("warning: --http 0.0.0.0"), "{}", others.log());
    assert!(others.log().contains("--token-file"), "the remedy is named: {}", others.log());
    let port = line.trim().rsplit(':').next().expect("a port").to_owned();
    let answer = reqwest::get(format!("http://127.0.0.1:{port}/limits")).await.expect("an answer");
    let limits: Value = answer.json().await.expect("JSON");
    assert_eq!((limit(&limits, "requests_per_second"), limit(&limits, "concurrent_requests")), (json!(100), json!(32)));

    let known = bench.program().env("HOTSPOTS_TOKEN", "one-token-of-many-letters").spawn_in_background(&open);
    known.wait_for_log("listening on http://", PATIENCE);
    assert!(!known.log().contains("warning"), "{}", known.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_scope_allows_and_is_nowhere_to_be_seen() {
    let bench = landed(100);
    let (reader, line) = token(&bench.program(), &["map"]);
    let (admin, admin_line) = token(&bench.program(), &["prometheus", "--scope", "admin"]);
    let (file, single) = (bench.folder.path().join("tokens"), "a-single-token-of-many-letters");
    write(&file, &[&line, &admin_line]);
    let program = bench.program().env("HOTSPOTS_TOKEN_FILE", &file).env("HOTSPOTS_TOKEN", single);
    let running = program.spawn_serving(&["serve", "-vv", "--access-log"]);
    for path in ["/", "/healthz", "/readyz", "/problems/token-needed"] {
        assert_eq!(running.get(path).await.status, 200, "{path} is open");
    }
    for path in ["/resources", "/aggregates", "/limits", "/metrics", "/nowhere"] {
        let answer = running.get(path).await;
        assert_eq!((answer.status, answer.json()["type"].clone()), (401, json!("/problems/token-needed")), "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"hotspots-lake\""), "{path}");
        let wrong = get(&running, path, "hotspots_of-somebody-elses-making").await;
        assert_eq!(wrong.status, 401, "{path}");
        assert!(wrong.header("www-authenticate").is_some_and(|text| text.contains("invalid_token")), "{path}");
    }
    let basic = running.get_with("/resources", &[("authorization", &format!("Basic {reader}"))]).await;
    assert_eq!(basic.status, 401);
    for who in [reader.as_str(), single, admin.as_str()] {
        assert_eq!(get(&running, "/resources", who).await.status, 200);
        assert_eq!(get(&running, "/nowhere", who).await.status, 404);
    }
    for who in [reader.as_str(), single] {
        let denied = get(&running, "/metrics", who).await;
        assert_eq!((denied.status, denied.json()["title"].clone()), (403, json!("not allowed")));
        assert!(denied.header("www-authenticate").is_some_and(|text| text.contains("insufficient_scope")));
    }
    let metrics = get(&running, "/metrics", &admin).await;
    assert_eq!(metrics.status, 200);
    for refused in ["cause=\"token\"} 11", "cause=\"scope\"} 2"] {
        assert!(metrics.text().contains(&format!("hotspots_refused_total{{{refused}")), "{}", metrics.text());
    }
    let log = running.log();
    assert!(log.contains("token=\"map\""), "requests are logged under the token's name: {log}");
    for secret in [reader.as_str(), single, admin.as_str()] {
        assert!(!log.contains(secret), "a token is in the log: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_is_in_the_log_by_address_and_by_name_where_it_is_known() {
    let bench = landed(100);
    let (reader, line) = token(&bench.program(), &["map"]);
    let file = bench.folder.path().join("tokens");
    write(&file, &[&line]);
    let file = file.to_str().expect("text");
    let running = bench.program().spawn_serving(&[
        "serve",
        "--access-log",
        "--log-format=json",
        "--token-file",
        file,
        "--concurrent-requests",
        "1",
    ]);
    assert_eq!(running.get("/limits").await.status, 401);
    assert_eq!(get(&running, "/metrics", &reader).await.status, 403);
    let mut follower = Wire::connect(&running);
    follower.ask("/changes?follow=true", &[("authorization", &format!("Bearer {reader}"))]);
    assert!(follower.head().starts_with("HTTP/1.1 200"));
    assert_eq!(get(&running, "/resources", &reader).await.status, 429);
    for (status, name) in [(401, None), (403, Some("map")), (429, Some("map"))] {
        let line = running.wait_for_log(&format!("\"status\":{status}"), PATIENCE);
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&line["client"], line["token"].as_str()), (&json!("127.0.0.1"), name), "{line}");
    }
}

#[test]
fn a_token_that_is_empty_or_too_short_stops_the_start_and_opens_nothing() {
    let bench = landed(100);
    let file = bench.folder.path().join("lake.toml");
    std::fs::write(&file, "[serve]\nadmin-token = \"short\"\n").expect("a file");
    let serve = ["serve", "--http", "127.0.0.1:0"];
    let start = |program: Program| program.run(&serve).expect_status(2).stderr;
    for (told, names) in [
        (start(bench.program().env("HOTSPOTS_TOKEN", "")), ["--token", "HOTSPOTS_TOKEN", "is empty"]),
        (start(bench.program().env("HOTSPOTS_TOKEN", "short")), ["--token", "HOTSPOTS_TOKEN", "16 characters"]),
        (start(bench.program().env("HOTSPOTS_CONFIG", &file)), ["--admin-token", "config file", "16 characters"]),
    ] {
        assert!(names.iter().all(|name| told.contains(name)) && !told.contains("listening"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_be_a_name_of_this_machine() {
    let bench = landed(100);
    let named = bench.program().spawn_in_background(&["serve", "--http", "localhost:0", "--flight", "localhost:0"]);
    let line = named.wait_for_log("listening on http://", PATIENCE);
    named.wait_for_log("flight listening on grpc://", PATIENCE);
    let url = line.split_whitespace().last().expect("an address");
    assert_eq!(reqwest::get(format!("{url}/healthz")).await.expect("an answer").status(), 200);
    assert!(!named.log().contains("warning"), "it is not a door to others: {}", named.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_host_may_ask_before_it_shows_its_token() {
    let bench = landed(100);
    let running = bench.program().env("HOTSPOTS_TOKEN", "one-token-of-many-letters").spawn_serving(&["serve"]);
    let asked = reqwest::Client::new().request(reqwest::Method::OPTIONS, running.url("/aggregates"));
    let asked = asked.header("origin", "https://map.example").header("access-control-request-method", "GET");
    let answer = asked.header("access-control-request-headers", "authorization").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("access-control-allow-headers"));
    let refused = running.get_with("/aggregates", &[("origin", "https://map.example")]).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some("*")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked_and_another_given_while_the_server_runs() {
    let bench = landed(100);
    let (first, first_line) = token(&bench.program(), &["first"]);
    let (second, second_line) = token(&bench.program(), &["second"]);
    let file = bench.folder.path().join("tokens");
    write(&file, &[&first_line]);
    let running = bench.program().spawn_serving(&["serve", "--token-file", file.to_str().expect("text")]);
    assert_eq!(get(&running, "/resources", &first).await.status, 200);
    assert_eq!(get(&running, "/resources", &second).await.status, 401);
    write(&file, &["a line that is none", &second_line]);
    until(&running, "/resources", &first, 401).await;
    assert_eq!(get(&running, "/resources", &second).await.status, 200, "a wrong line takes no other with it");
    assert!(running.log().contains("line 2"), "{}", running.log());
    std::fs::remove_file(&file).expect("the file goes");
    until(&running, "/resources", &second, 401).await;
    write(&file, &[&first_line]);
    until(&running, "/resources", &first, 200).await;
}

#[test]
fn a_file_of_tokens_that_is_wrong_stops_the_start() {
    let bench = landed(100);
    let file = bench.folder.path().join("tokens");
    let path = file.to_str().expect("text");
    let absent = bench.program().run(&["serve", "--http", "127.0.0.1:0", "--token-file", path]).expect_status(2);
    assert!(absent.stderr.contains("--token-file"), "{}", absent.stderr);
    let (secret, _) = token(&bench.program(), &["map"]);
    write(&file, &[&format!("map read {secret}")]);
    let unhashed = bench.program().run(&["serve", "--http", "127.0.0.1:0", "--token-file", path]).expect_status(2);
    assert!(unhashed.stderr.contains("line 2") && !unhashed.stderr.contains(&secret), "{}", unhashed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_too_often_is_told_when_to_ask_again() {
    let bench = landed(100);
    let running =
        bench.program().spawn_serving(&["serve", "--requests-per-second", "2", "--trusted-proxy", "127.0.0.1"]);
    let by = |address: &'static str| [("x-forwarded-for", address)];
    let mut refused = None;
    for _ in 0..200 {
        let answer = running.get_with("/limits", &by("203.0.113.7")).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("two requests a second are not two hundred");
    assert_eq!((refused.status, refused.json()["title"].clone()), (429, json!("too many requests")));
    assert!(refused.json()["detail"].as_str().is_some_and(|text| text.contains("`requests_per_second` of /limits")));
    let wait: u64 = refused.header("retry-after").expect("Retry-After").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(running.get_with("/limits", &by("203.0.113.8")).await.status, 200, "another client has its own");
    assert_eq!(running.get_with("/healthz", &by("203.0.113.7")).await.status, 200, "who watches is not counted");
    let metrics = running.get("/metrics").await.text();
    assert!(metrics.contains("hotspots_refused_total{cause=\"rate\"} 1\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_so_many_requests_under_way_streams_included() {
    let bench = landed(100);
    let running =
        bench.program().spawn_serving(&["serve", "--concurrent-requests", "2", "--trusted-proxy", "127.0.0.0/8"]);
    let by = [("x-forwarded-for", "198.51.100.9, 203.0.113.7")];
    let follow = || {
        let mut wire = Wire::connect(&running);
        wire.ask("/changes?follow=true", &by);
        assert!(wire.head().starts_with("HTTP/1.1 200"));
        wire
    };
    let (first, _second) = (follow(), follow());
    let refused = running.get_with("/limits", &by).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(refused.text().contains("`concurrent_requests` of /limits"), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("1"));
    let other = [("x-forwarded-for", "203.0.113.7, 198.51.100.9")];
    assert_eq!(running.get_with("/limits", &other).await.status, 200, "the last before the proxy is who asks");
    drop(first);
    let began = Instant::now();
    while running.get_with("/limits", &by).await.status != 200 {
        assert!(began.elapsed() < PATIENCE, "a client that left still counts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_works_for_so_many_requests_and_the_others_wait_or_are_refused() {
    let bench = landed(60_000);
    let running = bench.program().spawn_serving(&["serve", "--engine-requests", "1", "--queue-ms", "50"]);
    let mut slow = Wire::connect(&running);
    slow.ask(BIG, &[]);
    assert!(slow.head().starts_with("HTTP/1.1 200"));
    let refused = running.get("/aggregates?group_by=").await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(refused.text().contains("`engine_requests` of /limits"), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(running.get("/readyz").await.status, 200, "who watches does not wait");
    let metrics = running.get("/metrics").await.text();
    assert!(metrics.contains("hotspots_engine_running 1\n"), "{metrics}");
    assert!(metrics.contains("hotspots_refused_total{cause=\"engine\"} 1\n"), "{metrics}");
    let body = slow.chunks().expect("the answer comes whole to who reads it at last");
    assert!(body.len() > 12 << 20, "{} bytes are collected", body.len());
    assert_eq!(running.get("/aggregates?group_by=").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_limit_is_told_and_named_by_the_error_it_causes() {
    let bench = landed(5_000);
    let running = bench.program().spawn_serving(&[
        "serve",
        "--max-rows",
        "10",
        "--max-body-bytes",
        "1000",
        "--max-corners",
        "4",
        "--max-cells",
        "2",
        "--max-tile-cells",
        "1",
        "--max-hotspot-cells",
        "1",
        "--request-memory-mib",
        "100",
        "--drain-seconds",
        "3",
        "--default-rows",
        "7",
        "--engine-requests",
        "5",
        "--queue-ms",
        "1234",
        "--timeout-ms",
        "60000",
    ]);
    let limits = running.get("/limits").await.json();
    let told: Vec<(&str, &Value)> = limits
        .as_array()
        .expect("an array")
        .iter()
        .map(|limit| (limit["name"].as_str().expect("a name"), &limit["value"]))
        .collect();
    for (name, value) in [
        ("max_rows", 10),
        ("max_body_bytes", 1000),
        ("max_corners", 4),
        ("max_cells", 2),
        ("max_tile_cells", 1),
        ("max_hotspot_cells", 1),
        ("request_memory_mib", 100),
        ("drain_seconds", 3),
        ("default_rows", 7),
        ("engine_requests", 5),
        ("queue_ms", 1234),
        ("timeout_ms", 60_000),
    ] {
        assert!(told.contains(&(name, &json!(value))), "{name}: {limits}");
    }
    assert_eq!(running.get("/aggregates").await.json().as_array().map(Vec::len), Some(7));
    let says = |answer: &Answer, status: u16, name: &str| {
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(&format!("`{name}` of /limits")), "{name}: {detail}");
    };
    says(&running.get("/aggregates?limit=11").await, 400, "max_rows");
    says(
        &running.get("/aggregates?cell=8928308280fffff&cell=8928308281fffff&cell=8928308283fffff").await,
        400,
        "max_cells",
    );
    let ring = json!([[-122.5, 37.7], [-122.4, 37.7], [-122.4, 37.8], [-122.5, 37.8], [-122.5, 37.7]]);
    let polygon = json!({"polygon": {"type": "Polygon", "coordinates": [ring]}});
    says(&running.post_json("/aggregates", &polygon).await, 400, "max_corners");
    says(&running.post_json("/aggregates", &json!({"category": ["x".repeat(2_000)]})).await, 413, "max_body_bytes");
    says(&running.get("/tiles/10/163/395.mvt").await, 422, "max_tile_cells");
    says(&running.get("/hotspots").await, 422, "max_hotspot_cells");
    says(&running.get("/hotspots?category=Graffiti&trend=false").await, 422, "max_hotspot_cells");

    let hurried = bench.program().spawn_serving(&["serve", "--timeout-ms", "0"]);
    says(&hurried.get("/aggregates").await, 504, "timeout_ms");
}

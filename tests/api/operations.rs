//! Operating a server: metrics, logs, ids of requests, and its stop.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lake_testkit::Running;
use serde_json::{Value, json};

use crate::api::access::{BIG, landed};
use crate::api::wire::Wire;

const PATIENCE: Duration = Duration::from_mins(1);

/// A metric: its type and the names of its labels.
type Inventory = BTreeMap<String, (String, BTreeSet<String>)>;

/// Returns the metrics in `docs/metrics.md`.
fn documented() -> Inventory {
    let text = include_str!("../../docs/metrics.md");
    let rows = text.lines().filter_map(|line| {
        line.strip_prefix("| `hotspots_").map(|_| line).or_else(|| line.starts_with("| `process_").then_some(line))
    });
    let cells = rows.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let listed = cells.filter(|cells| cells.len() == 6);
    let named = listed.map(|cells| {
        let labels = cells[3].split('`').filter(|label| !label.trim().is_empty()).map(str::to_owned);
        (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels.collect()))
    });
    named.collect()
}

/// Returns the metrics in an answer of `/metrics`.
fn answered(text: &str) -> Inventory {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut inventory: Inventory =
        types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new()))).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line.split_once('{').unwrap_or((line.split(' ').next().unwrap_or_default(), ""));
        let stem = ["_total", "_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let found = stem.filter(|stem| inventory.contains_key(*stem)).unwrap_or(name);
        let (_, known) = inventory.get_mut(found).unwrap_or_else(|| panic!("{line} has no type"));
        let labels = labels.split_once('}').map_or("", |(labels, _)| labels);
        let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
        known.extend(names.filter(|name| *name != "le").map(str::to_owned));
    }
    inventory
}

/// Writes zeros over every file of a folder.
fn damage(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let length = std::fs::metadata(&path).expect("a file").len();
        std::fs::write(&path, vec![0; usize::try_from(length).expect("small")]).expect("zeros");
    }
}

/// Returns the value of a sample.
fn sample(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_those_of_the_inventory() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve"]);
    assert_eq!(running.get("/aggregates").await.status, 200);
    let answer = running.get("/metrics").await;
    let media_type = answer.header("content-type").unwrap_or_default();
    assert!(media_type.starts_with("application/openmetrics-text; version=1.0.0"), "{media_type}");
    assert!(answer.text().ends_with("# EOF\n"));
    let documented = documented();
    assert!(documented.len() > 20, "the table is read: {documented:?}");
    assert_eq!(answered(&answer.text()), documented, "docs/metrics.md and /metrics differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_what_happened_and_tell_how_the_lake_stands() {
    let bench = landed(1_000);
    let running = bench.program().spawn_serving(&["serve"]);
    let mut rows = 0;
    for _ in 0..3 {
        rows += running.get("/aggregates?group_by=category").await.json().as_array().expect("rows").len();
    }
    assert_eq!(running.get("/aggregates?nonsense=1").await.status, 400);
    assert_eq!(running.get("/aggregates?group_by=category&format=csv").await.status, 200);
    rows += rows / 3;
    for invented in ["/one", "/two"] {
        assert_eq!(running.get(invented).await.status, 404);
    }
    let text = running.get("/metrics").await.text();
    let requests = |path: &str, status: u16, format: &str| {
        let name = format!("hotspots_http_requests_total{{path=\"{path}\",status=\"{status}\",format=\"{format}\"}}");
        sample(&text, &name)
    };
    assert_eq!(requests("/aggregates", 200, "application/json"), 3.0);
    assert_eq!(requests("/aggregates", 200, "text/csv"), 1.0);
    assert_eq!(requests("/aggregates", 400, "application/problem+json"), 1.0);
    assert_eq!(requests("none", 404, "application/problem+json"), 2.0, "paths are not the clients' to invent");
    assert_eq!(sample(&text, "hotspots_rows_total"), rows as f64);
    assert_eq!(sample(&text, "hotspots_http_duration_seconds_count{path=\"/aggregates\"}"), 5.0);
    assert!(sample(&text, "hotspots_http_sent_bytes_total{path=\"/aggregates\"}") > 100.0);
    assert_eq!(sample(&text, "hotspots_http_in_flight"), 1.0, "the scrape itself");
    assert_eq!(sample(&text, "hotspots_engine_reserved_bytes"), 0.0);
    assert_eq!(sample(&text, "hotspots_http_unfinished_total{by=\"client\"}"), 0.0);
    assert!(sample(&text, "process_resident_memory_bytes") > 1e6);

    let of = |text: &str, name: &str| sample(text, &format!("hotspots_resource_{name}{{resource=\"311-cases\"}}"));
    let batches = of(&text, "batches");
    assert!(batches >= 1.0);
    assert_eq!((of(&text, "watermark"), of(&text, "unreconciled_batches")), (0.0, batches));
    bench.program().run(&["compact"]).success();
    let text = running.get("/metrics").await.text();
    assert_eq!((of(&text, "watermark"), of(&text, "unreconciled_batches"), of(&text, "exact")), (batches, 0.0, 1.0));
    assert!(of(&text, "lag_seconds") >= 0.0);
    let version = running.get("/aggregates").await.header("lake-version").expect("a version").to_owned();
    for table in ["fast_counts", "counts"] {
        let told = sample(&text, &format!("hotspots_table_version{{table=\"{table}\"}}"));
        assert!(version.contains(&format!("{table}={told}")), "{version}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_its_client_leaves_is_counted_and_lets_go_of_its_memory() {
    let bench = landed(60_000);
    let running = bench.program().spawn_serving(&["serve"]);
    let mut wire = Wire::connect(&running);
    wire.ask(BIG, &[]);
    assert!(wire.head().starts_with("HTTP/1.1 200"));
    assert!(sample(&running.get("/metrics").await.text(), "hotspots_engine_running") > 0.0);
    drop(wire);
    let began = Instant::now();
    loop {
        let text = running.get("/metrics").await.text();
        let left = sample(&text, "hotspots_http_unfinished_total{by=\"client\"}");
        if left == 1.0 && sample(&text, "hotspots_engine_reserved_bytes") == 0.0 {
            assert_eq!(sample(&text, "hotspots_engine_running"), 0.0);
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_name_in_its_answer_its_problem_and_the_log() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve", "--access-log", "--log-format", "json"]);
    let named = running.get_with("/aggregates?nonsense=1", &[("x-request-id", "mine-1.x")]).await;
    assert_eq!(named.header("x-request-id"), Some("mine-1.x"));
    assert_eq!(named.json()["request_id"], "mine-1.x");
    let bare = running.get("/limits").await;
    let made = bare.header("x-request-id").expect("a name").to_owned();
    assert_eq!(made.len(), 32, "{made}");
    for insane in ["a b", "x\"y", &"x".repeat(65)] {
        let answer = running.get_with("/healthz", &[("x-request-id", insane)]).await;
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32), "{insane} is not taken over");
    }
    damage(&bench.lake().join("fast_counts").join("resource=311-cases"));
    let failed = running.get_with("/aggregates?group_by=", &[("x-request-id", "fails")]).await;
    assert!(failed.status >= 500, "{}", failed.text());

    // A client has its answer a moment before the line of it is written.
    for name in ["mine-1.x", &made, "fails"] {
        running.wait_for_log(&format!("\"request_id\":\"{name}\""), PATIENCE);
    }
    let log = running.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect();
    let of = |name: &str| lines.iter().filter(|line| line["span"]["request_id"] == name).collect::<Vec<_>>();
    let access = of("mine-1.x");
    assert_eq!(access.len(), 1, "{log}");
    assert_eq!(
        (&access[0]["method"], &access[0]["path"], &access[0]["status"], &access[0]["client"], &access[0]["message"]),
        (&json!("GET"), &json!("/aggregates?nonsense=1"), &json!(400), &json!("127.0.0.1"), &json!("sent"))
    );
    assert_eq!(of(&made).len(), 1, "{log}");
    assert!(of("fails").iter().any(|line| line["level"] == "ERROR"), "errors name their request: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_not_logged_unless_asked_and_their_text_is_for_people() {
    let bench = landed(100);
    let quiet = bench.program().spawn_serving(&["serve"]);
    assert_eq!(quiet.get("/aggregates?category=secret-question").await.status, 200);
    let spoken = bench.program().env("HOTSPOTS_LOG_FORMAT", "text").spawn_serving(&["serve", "--access-log"]);
    assert_eq!(spoken.get("/aggregates?category=secret-question").await.status, 200);
    let warned = spoken.wait_for_log("no incident has the category", PATIENCE);
    assert!(warned.contains("`secret-question`"), "{warned}");
    let line = spoken.wait_for_log("status=200", PATIENCE);
    assert!(line.contains("request{request_id=") && line.contains("secret-question"), "{line}");
    assert!(!quiet.log().contains("secret-question"), "{}", quiet.log());
}

/// Returns a connection with half a request for `/readyz`, and one whose client does not read its answer.
fn under_way(running: &Running) -> (Wire, Wire) {
    let mut half = Wire::connect(running);
    half.send("GET /readyz HTTP/1.1\r\nHost: lake\r\n");
    let mut slow = Wire::connect(running);
    slow.ask(BIG, &[]);
    // Connections are taken in their order: the other one has been.
    assert!(slow.head().starts_with("HTTP/1.1 200"));
    (half, slow)
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_the_server_ends_what_is_under_way_and_takes_nothing_new() {
    let bench = landed(60_000);
    let mut running = bench.program().spawn_serving(&["serve", "--drain-seconds", "600"]);
    let (mut half, slow) = under_way(&running);
    running.signal("-TERM");
    running.wait_for_log("stopping", PATIENCE);
    half.send("\r\n");
    assert!(half.head().starts_with("HTTP/1.1 503"), "the load balancer sees the status");
    let began = Instant::now();
    while Wire::try_connect(&running).is_ok() {
        assert!(began.elapsed() < PATIENCE, "new connections are still taken");
    }
    let body = slow.chunks().expect("the answer under way comes whole");
    let rows: Value = serde_json::from_slice(&body).expect("JSON");
    assert!(rows["features"].as_array().is_some_and(|rows| rows.len() > 10_000));
    assert_eq!(running.wait(PATIENCE), 0, "{}", running.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_time_is_cut_and_does_not_look_whole() {
    let bench = landed(60_000);
    let mut running = bench.program().spawn_serving(&["serve", "--drain-seconds", "0", "--access-log"]);
    let (_half, slow) = under_way(&running);
    running.signal("-TERM");
    assert_eq!(running.wait(PATIENCE), 0, "{}", running.log());
    let log = running.log();
    assert!(log.contains("aborted"), "{log}");
    let line = log.lines().find(|line| line.contains("/aggregates")).expect("a line of the answer that was cut");
    assert!(line.contains("broke off"), "the client did not leave: {line}");
    assert!(slow.chunks().is_none(), "an answer that was cut has no end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_server_at_once() {
    let bench = landed(60_000);
    let mut running = bench.program().spawn_serving(&["serve", "--drain-seconds", "600"]);
    let (_half, _slow) = under_way(&running);
    running.signal("-TERM");
    running.wait_for_log("stopping", PATIENCE);
    running.signal("-TERM");
    assert_eq!(running.wait(PATIENCE), 143, "{}", running.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_client_writes_into_an_address_is_not_logged() {
    let bench = landed(100);
    let running = bench.program().spawn_serving(&["serve", "--access-log"]);
    for (n, name) in ["token", "ACCESS_TOKEN", "api_key", "%24%24app_token", "pass%77ord"].iter().enumerate() {
        running.get_with(&format!("/resources?{name}=sesame{n}"), &[("x-request-id", &format!("secret-{n}"))]).await;
        let line = running.wait_for_log(&format!("secret-{n}"), PATIENCE);
        assert!(line.contains(&format!("{name}=***")), "{line}");
    }
    assert!(!running.log().contains("sesame"), "{}", running.log());
}

#[test]
fn no_text_of_a_portal_begins_a_line_or_an_escape_sequence() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a socket");
    let portal = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            drop(std::io::Read::read(&mut stream, &mut request));
            let body = "\u{1b}]0;owned\u{7}\u{1b}[31mred\u{9b}1m\r\n2026-01-01T00:00:00.000000Z  INFO forged\u{2028}x";
            let head =
                format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            drop(std::io::Write::write_all(&mut stream, format!("{head}{body}").as_bytes()));
        }
    });
    let bench = landed(100);
    for format in ["text", "json"] {
        let args = ["ingest", "311-cases", "--portal", &portal, "--retries", "0", "-v", "--log-format", format];
        let output = bench.program().run(&args);
        assert!(output.stderr.contains("forged"), "the portal's text is reported: {}", output.stderr);
        let is_unsafe = |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{2028}');
        assert!(!output.stderr.contains(is_unsafe), "{:?}", output.stderr);
        assert!(!output.stderr.lines().any(|line| line.starts_with("2026-01-01")), "{}", output.stderr);
    }
}

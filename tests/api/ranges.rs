//! Answers that are read in parts: lengths, ranges and tags, for clients that read an address as they read a file.

use std::process::Command;
use std::time::{Duration, Instant};

use lake_testkit::{Answer, Running};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::api::access::{BIG, landed};
use crate::api::wire::Wire;
use crate::harness::{Bench, CASES, CASES_RESOURCE};
use crate::python::python_with;

const PATIENCE: Duration = Duration::from_mins(1);

/// Addresses that answer with rows.
const ADDRESSES: [&str; 7] = [
    "/aggregates?group_by=category,district",
    "/incidents?limit=300",
    "/facets?resource=311-cases",
    "/hotspots?geo_precision=8",
    "/sql?query=SELECT%20id,category%20FROM%20incidents%20WHERE%20category%20IS%20NOT%20NULL",
    "/queries/reports/months_by_category?resource=311-cases",
    "/aggregates?group_by=cell&geo_precision=8",
];
const FORMATS: [&str; 6] = ["json", "ndjson", "csv", "geojson", "arrow", "parquet"];

/// An address whose rows are others each time.
const RANDOM: &str = "/sql?format=csv&query=SELECT%20random()%20AS%20x%20FROM%20generate_series(1,2000)";

struct Got {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// Asks without compression.
async fn ask(running: &Running, method: Method, path: &str, headers: &[(&str, &str)]) -> Got {
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().expect("a client");
    let mut request = client.request(method, running.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap_or_else(|error| panic!("{path}: {error}")).to_vec();
    Got { status, headers, body }
}

async fn range(running: &Running, path: &str, range: &str) -> Got {
    ask(running, Method::GET, path, &[("range", range)]).await
}

async fn head(running: &Running, path: &str) -> Got {
    ask(running, Method::HEAD, path, &[]).await
}

/// Reads an address as `httpfs` of DuckDB does: its length, then its parts from the last to the first.
async fn read_in_parts(running: &Running, path: &str, parts: usize) -> Vec<u8> {
    let told = head(running, path).await;
    assert_eq!((told.status, told.header("accept-ranges")), (200, "bytes"), "{path}");
    let length: usize = told.header("content-length").parse().expect("a length");
    let size = length.div_ceil(parts);
    let mut bytes = Vec::new();
    for first in (0..length).step_by(size).collect::<Vec<_>>().into_iter().rev() {
        let last = (first + size).min(length) - 1;
        let part = range(running, path, &format!("bytes={first}-{last}")).await;
        assert_eq!((part.status, part.body.len()), (206, last - first + 1), "{path}");
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/{length}"), "{path}");
        assert_eq!(part.header("content-length"), part.body.len().to_string(), "{path}");
        assert_eq!(part.header("etag"), told.header("etag"), "{path}");
        assert_eq!(part.header("lake-version"), told.header("lake-version"), "{path}");
        bytes.splice(0..0, part.body);
    }
    bytes
}

fn edit_everything(bench: &Bench, name: &'static str, at_ms: i64) {
    let edit = move |row: &mut lake_testkit::Row| drop(row.insert("service_name".to_owned(), name.into()));
    bench.portal.update_where(CASES, |_| true, edit, at_ms);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_an_answer_make_up_the_whole() {
    let bench = landed(600);
    bench.program().run(&["compact"]).success();
    let running = bench.program().spawn_serving(&["serve"]);
    for (path, format) in ADDRESSES.iter().flat_map(|path| FORMATS.map(|format| (path, format))) {
        let path = format!("{path}&format={format}");
        let parts = read_in_parts(&running, &path, 5).await;
        let whole = ask(&running, Method::GET, &path, &[]).await;
        assert_eq!((whole.status, whole.header("accept-ranges")), (200, "bytes"), "{path}");
        assert_eq!(whole.header("content-length"), parts.len().to_string(), "{path}");
        assert!(!parts.is_empty() && parts == whole.body, "{path}");
        let last = range(&running, &path, "bytes=-7").await;
        assert_eq!((last.status, last.body.as_slice()), (206, &parts[parts.len() - 7..]), "{path}");
    }
    for path in ["/resources", "/queries", "/boundaries"] {
        assert!(!read_in_parts(&running, path, 2).await.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_a_part_or_refused_or_the_whole_as_http_has_it() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve"]);
    let path = "/aggregates?group_by=category&format=csv";
    let whole = ask(&running, Method::GET, path, &[]).await;
    let (length, tag) = (whole.body.len(), whole.header("etag").to_owned());
    assert!(tag.starts_with('"'), "a strong tag: {tag}");
    for (asked, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=3-", 3..length),
        ("bytes=-4", length - 4..length),
        ("bytes=-999999", 0..length),
        ("bytes=2-999999", 2..length),
    ] {
        let got = range(&running, path, asked).await;
        assert_eq!((got.status, got.body.as_slice()), (206, &whole.body[part.clone()]), "{asked}");
        assert_eq!(got.header("content-range"), format!("bytes {}-{}/{length}", part.start, part.end - 1));
    }
    for asked in [format!("bytes={length}-"), "bytes=-0".to_owned()] {
        let refused = range(&running, path, &asked).await;
        assert_eq!((refused.status, refused.header("content-range")), (416, format!("bytes */{length}").as_str()));
        let problem: Value = serde_json::from_slice(&refused.body).expect("a problem");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(&length.to_string())), "{problem}");
    }
    for asked in ["bytes=0-1,3-4", "bytes=5-2", "rows=0-1", "bytes=x"] {
        let got = range(&running, path, asked).await;
        assert_eq!((got.status, &got.body), (200, &whole.body), "{asked}");
    }
    let weak = format!("W/{tag}");
    for (name, value, status) in [
        ("if-range", tag.as_str(), 206),
        ("if-range", &weak, 200),
        ("if-range", "\"other\"", 200),
        ("if-range", "Sun, 22 Nov 2026 00:00:00 GMT", 200),
        ("if-match", &tag, 206),
        ("if-match", "\"other\"", 412),
        ("if-none-match", &weak, 304),
        ("if-none-match", "\"other\"", 206),
    ] {
        let got = ask(&running, Method::GET, path, &[("range", "bytes=0-9"), (name, value)]).await;
        assert_eq!(got.status, status, "{name}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_of_one_answer_whatever_lands_meanwhile() {
    let bench = landed(400);
    let running = bench.program().spawn_serving(&["serve"]);
    let path = "/aggregates?group_by=category&format=csv";
    let told = head(&running, path).await;
    let before = ask(&running, Method::GET, path, &[]).await;
    let (tag, length) = (told.header("etag").to_owned(), before.body.len());
    let first = range(&running, path, "bytes=0-9").await;
    edit_everything(&bench, "Another", 1_790_000_000_000);
    let rest = range(&running, path, &format!("bytes=10-{}", length - 1)).await;
    assert_eq!(rest.header("lake-version"), told.header("lake-version"));
    assert_eq!([first.body, rest.body].concat(), before.body);

    // A client that begins with a `HEAD` request, a complete answer or a suffix reads the current answer.
    let now = head(&running, path).await;
    assert_ne!(now.header("etag"), tag);
    let whole = ask(&running, Method::GET, path, &[]).await;
    assert!(String::from_utf8_lossy(&whole.body).contains("Another") && whole.body.len() < length);
    assert_eq!(whole.header("etag"), now.header("etag"));
    let old = ask(&running, Method::GET, path, &[("range", "bytes=5-9"), ("if-range", &tag)]).await;
    assert_eq!((old.status, &old.body), (200, &whole.body), "who has parts of the old one gets the new one whole");
    edit_everything(&bench, "A third", 1_790_000_100_000);
    let end = range(&running, path, "bytes=-5").await;
    assert_eq!(end.status, 206);
    assert_ne!(end.header("etag"), now.header("etag"));
    assert!(String::from_utf8_lossy(&range(&running, path, "bytes=0-").await.body).contains("A third"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_other_each_time_has_parts_of_one() {
    let bench = landed(60);
    let running = bench.program().spawn_serving(&["serve"]);
    let parts = read_in_parts(&running, RANDOM, 7).await;
    assert_eq!(range(&running, RANDOM, "bytes=0-").await.body, parts);
    assert_eq!(parts.iter().filter(|byte| **byte == b'\n').count(), 2_001);
    // It was sent completely and not kept: the next answer is another one, and its parts do not combine with the first.
    let whole = ask(&running, Method::GET, RANDOM, &[]).await;
    assert_ne!(whole.body, parts);
    let resumed = range(&running, RANDOM, "bytes=100-").await;
    assert_eq!(resumed.status, 200, "it starts from the beginning");
    assert_ne!(resumed.header("etag"), whole.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_has_a_weak_tag_and_no_ranges() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve"]);
    let path = "/aggregates?group_by=category";
    let plain = ask(&running, Method::GET, path, &[]).await;
    for coding in ["gzip", "zstd"] {
        let accepts = ("accept-encoding", coding);
        let packed = ask(&running, Method::GET, path, &[accepts]).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, coding));
        assert_eq!(packed.header("etag"), format!("W/{}", plain.header("etag")), "other bytes each time");
        assert_eq!((packed.header("accept-ranges"), packed.header("content-length")), ("", ""));
        // Ranges are of the plain answer, whatever else the client takes.
        let part = ask(&running, Method::GET, path, &[accepts, ("range", "bytes=1-9")]).await;
        assert_eq!((part.status, part.header("content-encoding")), (206, ""));
        assert_eq!(part.body, plain.body[1..=9]);
        let told = ask(&running, Method::HEAD, path, &[accepts]).await;
        assert_eq!(told.header("content-length"), plain.body.len().to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_question_has_a_length_and_no_ranges() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve"]);
    let posted: Answer = running.post_json("/aggregates", &json!({"group_by": ["category"]})).await;
    let got = ask(&running, Method::GET, "/aggregates?group_by=category", &[]).await;
    assert_eq!((posted.status, &posted.body), (200, &got.body));
    assert_eq!(posted.header("accept-ranges").or(posted.header("etag")), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_answer_is_sent_as_it_is_made_without_ranges() {
    let bench = landed(60_000);
    let running = bench.program().spawn_serving(&["serve"]);
    let told = head(&running, BIG).await;
    assert_eq!((told.status, told.header("content-length"), told.header("accept-ranges")), (200, "", ""));
    let part = range(&running, BIG, "bytes=0-9").await;
    assert_eq!((part.status, part.header("accept-ranges")), (200, ""));
    assert!(part.body.len() > 12 << 20);
    assert_eq!(serde_json::from_slice::<Value>(&part.body).expect("JSON")["type"], "FeatureCollection");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_answer_keeps_no_turn_once_it_is_collected() {
    let bench = landed(20_000);
    let running = bench.program().spawn_serving(&["serve", "--engine-requests", "1", "--queue-ms", "600000"]);
    let unread: Vec<(Wire, String)> = (0..2)
        .map(|_| {
            let mut wire = Wire::connect(&running);
            wire.ask(BIG, &[("connection", "close")]);
            let head = wire.head();
            (wire, head)
        })
        .collect();
    for _ in 0..3 {
        assert_eq!(running.get("/aggregates?group_by=resource").await.status, 200);
    }
    for (wire, head) in unread {
        let body = wire.body(&head).expect("it is whole for who reads it at last");
        let found: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(found["features"].as_array().is_some_and(|features| features.len() > 1_000));
    }
    let held = || async {
        let text = running.get("/metrics").await.text();
        text.lines().find_map(|line| line.strip_prefix("hotspots_http_collected_bytes ")?.parse::<f64>().ok())
    };
    let began = Instant::now();
    while held().await != Some(0.0) {
        assert!(began.elapsed() < PATIENCE, "the memory of answers that were sent is kept");
    }
}

/// Reads every address with Polars, as a file: its metadata first, then the columns.
const POLARS: &str = "
import json, sys, polars
base, queries = sys.argv[1], json.loads(sys.argv[2])
told = {}
for name, path in queries.items():
    url = base + path
    parquet, csv, ipc = (f'{url}&format={format}' for format in ('parquet', 'csv', 'arrow'))
    frames = [polars.read_parquet(parquet), polars.scan_parquet(parquet).collect(), polars.read_csv(csv),
              polars.scan_csv(csv).collect()]
    told[name] = [[frame.height, frame.columns] for frame in frames]
counts = base + queries['counts']
told['sum'] = [polars.read_parquet(counts + '&format=parquet')['count'].sum(),
               polars.scan_csv(counts + '&format=csv').select(polars.col('count').sum()).collect().item()]
print(json.dumps(told))
import os
sys.stdout.flush()
os._exit(0)
";

#[tokio::test(flavor = "multi_thread")]
async fn polars_reads_an_address_as_it_reads_a_file() {
    let Some(python) = python_with("polars_reads_an_address_as_it_reads_a_file", "polars") else { return };
    let bench = landed(2_000);
    bench.program().run(&["compact"]).success();
    let running = bench.program().spawn_serving(&["serve"]);
    let mut paths: serde_json::Map<String, Value> =
        ADDRESSES.iter().map(|path| ((*path).to_owned(), json!(path))).collect();
    paths.insert("counts".to_owned(), json!("/aggregates?group_by=resource,cell,time,category&limit=100000"));
    let read = Command::new(python)
        .args(["-c", POLARS, &running.base_url, &Value::Object(paths.clone()).to_string()])
        .output()
        .expect("Python runs");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let read: Value = serde_json::from_slice(&read.stdout).expect("JSON");
    let incidents = bench.oracle(CASES).totals().incidents;
    assert_eq!(read["sum"], json!([incidents, incidents]), "every incident once");
    for (name, path) in &paths {
        let rows = running.get(path.as_str().expect("a path")).await.json();
        let rows = rows.as_array().expect("rows").len();
        for told in read[name].as_array().expect("what was read") {
            assert!(rows > 0 && told[0] == rows, "{name}: {told} of {rows}");
        }
    }
}

//! Many clients at once: right answers or stated refusals, and memory that comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use lake_testkit::Running;
use lake_testkit::oracle::{Dimension, Filter};
use reqwest::Client;
use serde_json::Value;

use crate::api::access::landed;
use crate::harness::CASES;

const CLIENTS: usize = 200;
/// Requests of each client where no time is given.
const REQUESTS: usize = 12;
/// How long the long run asks.
const LONG: Duration = Duration::from_mins(1);
/// How long memory may take to come back, and a client to be answered.
const PATIENCE: Duration = Duration::from_mins(2);

/// The requests, from a total to a large answer, over counts and over incidents.
const QUESTIONS: [&str; 11] = [
    "/aggregates?group_by=",
    "/aggregates?group_by=category",
    "/aggregates?group_by=category&format=csv",
    "/aggregates?geo_precision=8&time_precision=1mo",
    "/aggregates?group_by=cell&bbox=-122.44,37.74,-122.40,37.79",
    "/aggregates?group_by=time&time_precision=15m&start_time=2024-03-01&end_time=2024-04-01",
    "/aggregates?group_by=hour,weekday&near=37.77,-122.42,1500",
    "/incidents?limit=50",
    "/facets?resource=311-cases",
    "/tiles/12/655/1583.mvt",
    "/hotspots?geo_precision=8&category=Graffiti",
];

/// A large answer, which some clients leave.
const BIG: &str = "/aggregates?geo_precision=10&time_precision=1m\
                   &group_by=resource,cell,time,category,subcategory,district,neighborhood,hour,weekday";

/// The outcome of all requests.
#[derive(Default)]
struct Tally {
    answered: AtomicUsize,
    refused: AtomicUsize,
    left: AtomicUsize,
}

/// One client: it asks one question after the other, reading most answers and leaving some.
struct Visitor {
    number: usize,
    client: Client,
    base: String,
    expected: Arc<BTreeMap<&'static str, Vec<u8>>>,
    tally: Arc<Tally>,
}

impl Visitor {
    /// Asks until the time is over, or so many questions if there is none; how long each answer took.
    async fn visit(self, until: Option<Instant>) -> Vec<Duration> {
        let mut took = Vec::new();
        for n in 0.. {
            if until.map_or(n >= REQUESTS, |until| Instant::now() >= until) {
                break;
            }
            if (self.number + n) % 9 == 8 {
                self.leave(n).await;
            } else {
                took.extend(self.read(QUESTIONS[(self.number * 7 + n) % QUESTIONS.len()]).await);
            }
        }
        took
    }

    async fn read(&self, path: &'static str) -> Option<Duration> {
        let began = Instant::now();
        let response = self.client.get(format!("{}{path}", self.base)).send().await;
        let response = response.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{path} broke off: {error:?}"));
        if status == 429 {
            let problem: Value = serde_json::from_slice(&body).expect("a problem");
            assert!(headers.contains_key("retry-after"), "{problem}");
            assert!(problem["detail"].as_str().is_some_and(|text| text.contains("of /limits")), "{problem}");
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        assert!(body == self.expected[path], "{path} is answered otherwise under load");
        self.tally.answered.fetch_add(1, Ordering::Relaxed);
        Some(began.elapsed())
    }

    /// Leaves an answer: before its head, or in the middle of its body.
    async fn leave(&self, n: usize) {
        let asking = self.client.get(format!("{}{BIG}", self.base)).send();
        if n.is_multiple_of(2) {
            // Polled once, then dropped.
            drop(futures::poll!(Box::pin(asking)));
        } else if let Ok(response) = asking.await {
            drop(response.bytes_stream().next().await);
        }
        self.tally.left.fetch_add(1, Ordering::Relaxed);
    }
}

fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

/// Returns a metric without labels.
async fn metric(running: &Running, name: &str) -> f64 {
    let text = running.get("/metrics").await.text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().expect("a number")
}

/// Asks for a metric until it has its level: a client has its answer a moment
/// before the server has put away what it used for it.
async fn returns_to(running: &Running, name: &str, level: f64) {
    let waiting = Instant::now();
    while metric(running, name).await != level {
        assert!(waiting.elapsed() < PATIENCE, "{name} does not return to {level}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients_are_answered_rightly_or_refused_in_words_and_memory_comes_back() {
    let bench = landed(20_000);
    bench.program().run(&["compact"]).success();
    let running = bench.program().spawn_serving(&["serve"]);
    let mut expected = BTreeMap::new();
    for path in QUESTIONS {
        let answer = running.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        expected.insert(path, answer.body);
    }
    let total: Value = serde_json::from_slice(&expected["/aggregates?group_by="]).expect("JSON");
    let oracle = bench.oracle(CASES);
    assert_eq!(total[0]["count"].as_i64(), Some(oracle.totals().incidents));
    let by_category: Value = serde_json::from_slice(&expected["/aggregates?group_by=category"]).expect("JSON");
    let counted = oracle.count(&Filter::all(), &[Dimension::Category]);
    assert_eq!(by_category.as_array().map(Vec::len), Some(counted.len()));
    let resident_before = metric(&running, "process_resident_memory_bytes").await;

    let (expected, tally) = (Arc::new(expected), Arc::new(Tally::default()));
    let until = std::env::var_os("HOTSPOTS_LONG").map(|_| Instant::now() + LONG);
    let began = Instant::now();
    let visits = (0..CLIENTS).map(|number| {
        let visitor = Visitor {
            number,
            client: client(),
            base: running.base_url.clone(),
            expected: Arc::clone(&expected),
            tally: Arc::clone(&tally),
        };
        tokio::spawn(visitor.visit(until))
    });
    let mut took = Vec::new();
    for visit in visits.collect::<Vec<_>>() {
        took.extend(visit.await.expect("a client that was answered"));
    }
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    let resident_after = metric(&running, "process_resident_memory_bytes").await;
    let at = |part: usize| took[(took.len() * part / 1_000).min(took.len() - 1)].as_millis();
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    eprintln!(
        "{CLIENTS} clients, {seconds:.0} s: {} answered, {} refused, {} left; p50 {} ms, p99 {} ms, p99.9 {} ms; \
         resident {:.0} MiB before, {:.0} MiB after",
        count(&tally.answered),
        count(&tally.refused),
        count(&tally.left),
        at(500),
        at(990),
        at(999),
        resident_before / 1_048_576.0,
        resident_after / 1_048_576.0,
    );
    assert!(count(&tally.answered) > 0 && count(&tally.left) > 0);

    for (name, level) in [
        ("hotspots_http_in_flight", 1.0),
        ("hotspots_engine_running", 0.0),
        ("hotspots_engine_waiting", 0.0),
        ("hotspots_engine_reserved_bytes", 0.0),
    ] {
        returns_to(&running, name, level).await;
    }
    // The limit of the engine, and as much again: not the amount that the clients requested.
    let most = 2.0 * metric(&running, "hotspots_engine_limit_bytes").await;
    assert!(resident_after < most, "{resident_after} bytes are resident after the load");
    assert_eq!(metric(&running, "hotspots_http_unfinished_total{by=\"server\"}").await, 0.0, "{}", running.log());
    assert!(!running.log().contains("ERROR"), "{}", running.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_over_the_memory_limit_fails_alone() {
    let bench = landed(20_000);
    // Decoded counts take less memory.
    let running = bench.program().spawn_serving(&["serve", "--request-memory-mib", "1", "--cache-mib", "0"]);
    let light = "/aggregates?group_by=category&limit=1000";
    let expected = running.get(light).await;
    assert_eq!(expected.status, 200, "{}", expected.text());
    let (mut failed, mut answered) = (0, 0);
    for _ in 0..10 {
        let (heavy, concurrent, after) = tokio::join!(running.get(BIG), running.get(light), running.get(light));
        assert_eq!(heavy.status, 422, "{}", heavy.text());
        let detail = heavy.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains("`request_memory_mib` of /limits"), "{detail}");
        failed += 1;
        for answer in [concurrent, after] {
            assert_eq!((answer.status, answer.body), (200, expected.body.clone()));
            answered += 1;
        }
    }
    assert_eq!((failed, answered), (10, 20));
    returns_to(&running, "hotspots_engine_reserved_bytes", 0.0).await;
}

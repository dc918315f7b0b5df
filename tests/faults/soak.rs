//! Hostile statements next to well-behaved clients: these get their answers or a stated rejection, and no process or
//! file is left behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lake_testkit::Running;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::api::access::landed;
use crate::harness::process_bytes;
use crate::sql::bounds::{chain, files, is_at_rest, metric};

const GOOD: u64 = 16;
const HOSTILE: u64 = 6;
/// How long a run takes, and how long with `HOTSPOTS_LONG`.
const SHORT: Duration = Duration::from_secs(25);
const LONG: Duration = Duration::from_mins(10);
/// How long a client waits for its answer.
const PATIENCE: Duration = Duration::from_mins(12);
/// The memory that a server may keep after its work, MiB.
const MAX_KEPT_MIB: u64 = 250;

/// The statements of well-behaved clients.
const QUESTIONS: [&str; 6] = [
    "/aggregates?group_by=category",
    "/aggregates?group_by=time&time_precision=1mo",
    "/facets?resource=311-cases",
    "/queries/reports/categories?format=csv",
    "/sql?query=SELECT+category,SUM(count)+AS+n+FROM+counts+GROUP+BY+1+ORDER+BY+1",
    "/sql?query=SELECT+id,occurred_at+FROM+incidents+ORDER+BY+id+LIMIT+50&format=csv",
];

/// Draws a statement that takes more than it should: more memory, more time, or a plan without an end.
fn hostile(random: &mut StdRng) -> String {
    let rows = 10_u64.pow(random.random_range(4..10));
    let series = format!("generate_series(1, {rows}) AS g(i)");
    let length = 10_u64.pow(random.random_range(2..9));
    let steps = random.random_range(10..60);
    let many = random.random_range(2..16);
    let columns = |column: &dyn Fn(u64) -> String| {
        (0..many).map(|n| format!("{} AS c{n}", column(n))).collect::<Vec<_>>().join(", ")
    };
    let names = (0..many).map(|n| format!("c{n}")).collect::<Vec<_>>().join(", ");
    match random.random_range(0..14) {
        0 => format!("SELECT SUM(x) FROM (SELECT SUM(i) OVER (ORDER BY i % 7) AS x FROM {series})"),
        1 => format!("SELECT COUNT(x) FROM (SELECT array_agg(i) OVER (ORDER BY i) AS x FROM {series})"),
        2 => format!("SELECT {} FROM {series}", columns(&|n| format!("repeat(CAST(i AS TEXT), {})", length + n))),
        3 => format!("SELECT {}", columns(&|n| format!("repeat('x', {})", length + n))),
        4 => chain(steps, "x + x") + &format!(" SELECT COUNT(*) FROM a{steps} WHERE x > 1"),
        5 => chain(steps, "x * 2 + x") + &format!(" SELECT x FROM a{steps} ORDER BY x LIMIT 1"),
        6 => format!(
            "SELECT COUNT(*) FROM (SELECT {} FROM counts) GROUP BY CUBE({names})",
            columns(&|n| format!("count + {n}"))
        ),
        7 => format!("SELECT MAX(m) FROM (SELECT i % {many} AS k, median(i) AS m FROM {series} GROUP BY 1)"),
        8 => format!("SELECT i || repeat('x', 1000) AS x FROM {series} ORDER BY x"),
        9 => format!(
            "WITH RECURSIVE r AS (SELECT 'a' AS x, 1 AS n UNION ALL SELECT substr(x || x, 1, {length}), n + 1 FROM r \
             WHERE n < {rows}) SELECT COUNT(*) FROM r WHERE length(x) > 0"
        ),
        10 => {
            format!("SELECT COUNT(*) FROM {series}, incidents AS a, incidents AS b WHERE a.latitude + i < b.latitude")
        }
        11 => format!("SELECT range(1, {length}), array_repeat(i, {length}) FROM {series}"),
        12 => format!("SELECT COUNT(*) FROM {series} WHERE 'a' ~ concat('(\\w{{10}}){{', i % 10 + 1, '}}x', i)"),
        _ => format!("SELECT COUNT(DISTINCT i), COUNT(DISTINCT i * 3 % 1000003) FROM {series}"),
    }
}

fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

/// Asks hostile statements until the time is over, and leaves some before they are answered.
async fn attack(base: String, seed: u64, until: Instant) -> usize {
    let (client, mut random, mut asked) = (client(), StdRng::seed_from_u64(seed), 0);
    while Instant::now() < until {
        let body = json!({"query": hostile(&mut random), "format": "csv"});
        let asking = client.request(Method::POST, format!("{base}/sql")).json(&body).send();
        let patience = Duration::from_millis(random.random_range(50..6_000));
        // Whatever becomes of it.
        if let Ok(Ok(answer)) = tokio::time::timeout(patience, asking).await {
            let _ = answer.bytes().await;
        }
        asked += 1;
    }
    asked
}

/// Asks until the time is over; every answer is the expected one, or a stated refusal.
async fn behave(
    base: String,
    seed: u64,
    expected: Arc<BTreeMap<&'static str, Vec<u8>>>,
    refused: Arc<AtomicUsize>,
    until: Instant,
) -> usize {
    let (client, mut random, mut answered) = (client(), StdRng::seed_from_u64(seed), 0);
    while Instant::now() < until {
        let path = QUESTIONS[random.random_range(0..QUESTIONS.len())];
        let answer = client.get(format!("{base}{path}")).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.unwrap_or_else(|error| panic!("{path} broke off: {error:?}"));
        if status == 429 {
            let problem: Value = serde_json::from_slice(&body).expect("a problem");
            assert!(headers.contains_key("retry-after"), "{problem}");
            assert!(problem["detail"].as_str().is_some_and(|text| text.contains("of /limits")), "{problem}");
            refused.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        assert!(body == expected[path], "{path} is answered otherwise: {}", String::from_utf8_lossy(&body));
        answered += 1;
    }
    answered
}

async fn expected(running: &Running) -> BTreeMap<&'static str, Vec<u8>> {
    let mut expected = BTreeMap::new();
    for path in QUESTIONS {
        let answer = running.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        expected.insert(path, answer.body);
    }
    expected
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_statements_disturb_no_client_that_behaves() {
    let bench = landed(5_000);
    bench.program().run(&["compact"]).success();
    let spill = bench.folder.path().join("spill");
    std::fs::create_dir_all(&spill).expect("a folder");
    // Attackers leave by themselves: what is asked here is whether others are answered, and not how quick the machine is.
    let arguments = ["serve", "--request-memory-mib", "64", "--request-spill-mib", "64", "--timeout-ms", "600000"];
    let program = bench.program().env("TMPDIR", &spill).env("HOTSPOTS_MEMORY_MIB", "512");
    let mut running = program.spawn_serving(&arguments);
    let expected = Arc::new(expected(&running).await);
    let resident_mib = |running: &Running| process_bytes(running.id(), "VmRSS").expect("a running process") >> 20;
    let before = resident_mib(&running);
    let length = if std::env::var_os("HOTSPOTS_LONG").is_some() { LONG } else { SHORT };
    let until = Instant::now() + length;
    let refused = Arc::new(AtomicUsize::new(0));
    let base = || running.base_url.clone();
    let attacks = (0..HOSTILE).map(|seed| tokio::spawn(attack(base(), seed, until))).collect::<Vec<_>>();
    let behaved = (0..GOOD)
        .map(|seed| tokio::spawn(behave(base(), 1_000 + seed, Arc::clone(&expected), Arc::clone(&refused), until)));
    let behaved = behaved.collect::<Vec<_>>();
    let (mut answered, mut asked) = (0, 0);
    for client in behaved {
        answered += client.await.expect("a client that was answered");
    }
    for client in attacks {
        asked += client.await.expect("an attack does not panic");
    }
    is_at_rest(&running).await;
    let after = resident_mib(&running);
    let ended = |cause: &str| format!("hotspots_sql_workers_ended_total{{cause=\"{cause}\"}}");
    eprintln!(
        "{} s: {answered} good answers, {} refused, {asked} hostile statements; processes ended by memory {}, by time {}, \
         by a crash {}; the server had {before} MiB before and {after} MiB after",
        length.as_secs(),
        refused.load(Ordering::Relaxed),
        metric(&running, &ended("memory")).await,
        metric(&running, &ended("time")).await,
        metric(&running, &ended("crash")).await,
    );
    assert!(answered > 0 && asked > 0);
    assert_eq!(running.ended(), None, "it is the same process");
    assert!(after < before + MAX_KEPT_MIB, "{before} MiB before, {after} MiB after");
    assert_eq!(files(&spill), [], "no spill file is left");
    assert!(!running.log().contains("ERROR"), "{}", running.log());
    assert_eq!(running.stop(), 0);
}

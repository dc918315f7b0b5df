//! Users' mistakes in SQL are reported as such: 400 and exit code 2, never a bug and never a broken connection,
//! whatever the engine calls it.

use lake_testkit::Answer;
use serde_json::json;
use tonic::Code;

use crate::api::flight;
use crate::harness::{Bench, CASES_RESOURCE};

/// Words of the engine for its own insides.
const INSIDES: [&str; 7] =
    ["likely caused by a bug", "Optimizer rule", "panicked", "DataFusion", "caused by", "Internal error", "Join Error"];

fn landed() -> Bench {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench
}

fn words(answer: &Answer, query: &str) -> String {
    assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    let words = answer.json()["detail"].as_str().expect("a detail").to_owned();
    assert!(!INSIDES.iter().any(|word| words.contains(word)), "{query}: {words}");
    words
}

/// Statements, and their errors.
const MISTAKES: [(&str, &str); 26] = [
    ("SELECT regexp_replace(category, '(', '') FROM incidents", "unclosed group"),
    ("SELECT COUNT(*) FROM incidents WHERE category ~ '('", "unclosed group"),
    ("SELECT regexp_like(category, '[') FROM incidents", "unclosed character class"),
    ("SELECT regexp_replace('a', '(\\w{100}){20}', '')", "exceeds size limit"),
    ("SELECT 1 / 0", "ivide by zero"),
    ("SELECT _row % (_row - _row) FROM raw.\"311_cases\"", "ivide by zero"),
    ("SELECT CAST('12x' AS BIGINT)", "'12x'"),
    ("SELECT CAST(category AS BIGINT) FROM incidents", "Cannot cast string"),
    ("SELECT CAST(300 AS TINYINT)", "300"),
    ("SELECT CAST('2024-13-01' AS DATE)", "2024-13-01"),
    ("SELECT to_timestamp('never')", "never"),
    ("SELECT min(x) FROM (VALUES ([[1], [2]]), ([[3]])) AS t(x)", "the engine cannot run this statement"),
    ("SELECT arrow_cast(9223372036854775807, 'Timestamp(Microsecond, None)') AS t", "column `t`"),
    ("SELECT to_timestamp_micros(-9223372036854775808) AS t", "column `t`"),
    ("SELECT 9223372036854775807 + 1", "verflow"),
    ("SELECT x + 1 FROM (VALUES (9223372036854775807)) AS t(x)", "verflow"),
    ("SELECT x * x FROM (VALUES (9223372036854775807)) AS t(x)", "verflow"),
    ("SELECT - x FROM (VALUES (-9223372036854775808)) AS t(x)", "verflow"),
    ("SELECT SUM(x) FROM (VALUES (9223372036854775807), (1)) AS t(x)", "beyond 64 bits"),
    ("SELECT id, SUM(h3_latlng_to_cell(37.7, -122.4, 10)) OVER () FROM incidents", "beyond 64 bits"),
    ("SELECT category, SUM(9223372036854775807) FROM incidents GROUP BY category", "beyond 64 bits"),
    ("SELECT arrow_cast(1, 'NoSuchType')", "NoSuchType"),
    ("SELECT substr(category) FROM incidents", "substr"),
    ("SELECT no_such(category) FROM incidents", "no_such"),
    ("SELECT date_trunc('fortnight', occurred_at) FROM incidents", "fortnight"),
    ("SELECT SUM(category) FROM incidents", "sum"),
];

#[tokio::test]
async fn a_mistake_is_400_exit_code_2_and_an_invalid_argument() {
    let bench = landed();
    let serving = bench.program().spawn_serving(&["serve", "--flight", "127.0.0.1:0"]);
    let mut client = flight::connect(&serving).await;
    for (at, (query, says)) in MISTAKES.into_iter().enumerate() {
        let told = words(&serving.post_json("/sql", &json!({"query": query})).await, query);
        assert!(told.contains(says), "{query}: {told}");
        // The command line and Flight SQL take the same way to the engine.
        if at % 4 == 0 {
            let output = bench.program().run(&["sql", query]).expect_status(2);
            assert!(output.stderr.contains(says) && !output.stderr.contains("a bug"), "{query}: {}", output.stderr);
        }
        if at < 12 {
            let status = flight::failure(&mut client, query).await;
            assert_eq!(status.code(), Code::InvalidArgument, "{query}: {status}");
            assert!(status.message().contains(says), "{query}: {status}");
        }
    }
    assert_eq!(serving.get("/healthz").await.status, 200);
    assert!(!serving.log().contains("ERROR"), "{}", serving.log());
}

#[tokio::test]
async fn a_mistyped_name_is_told_the_nearest_there_is() {
    let bench = landed();
    let serving = bench.program().spawn_serving(&["serve"]);
    for (query, near) in [
        ("SELECT * FROM incident", "did you mean `incidents`?"),
        ("SELECT * FROM Incidnets", "did you mean `incidents`?"),
        ("SELECT * FROM raw.\"311-cases\"", "did you mean `raw.\"311_cases\"`?"),
        ("SELECT * FROM raw.\"311-Cases\"", "did you mean `raw.\"311_cases\"`?"),
        ("SELECT * FROM \"311_cases\"", "did you mean `raw.\"311_cases\"`?"),
        ("SELECT * FROM raw.fire_incident", "did you mean `raw.fire_incidents`?"),
        ("SELECT * FROM fast_counts", "did you mean `stored.fast_counts`?"),
        ("SELECT categry FROM incidents", "category"),
        ("SELECT * FROM zzzzz", "SHOW TABLES"),
    ] {
        let told = words(&serving.post_json("/sql", &json!({"query": query})).await, query);
        assert!(told.contains(near), "{query}: {told}");
    }
}

#[tokio::test]
async fn no_reader_is_told_where_the_lake_lies() {
    let bench = landed();
    bench.program().run(&["compact"]).success();
    let serving = bench.program().spawn_serving(&["serve", "--flight", "127.0.0.1:0"]);
    let mut client = flight::connect(&serving).await;
    let place = bench.folder.path().file_name().expect("a name").to_str().expect("text").to_owned();
    for query in [
        "SELECT DISTINCT input_file_name() AS file FROM stored.incidents",
        "EXPLAIN SELECT * FROM incidents",
        "EXPLAIN VERBOSE SELECT * FROM raw.\"311_cases\"",
        "EXPLAIN ANALYZE SELECT COUNT(*) FROM stored.counts",
    ] {
        let answer = serving.post_json("/sql", &json!({"query": query})).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        assert!(!answer.text().contains(&place), "{query}: {}", answer.text());
        let rows = flight::rows(&mut client, query).await;
        assert!(!format!("{rows:?}").contains(&place), "{query}: {rows:?}");
    }
    // A file is named by its path in the lake.
    let question = json!({"query": "SELECT DISTINCT input_file_name() AS file FROM stored.incidents"});
    let answer = serving.post_json("/sql", &question).await.json();
    let file = answer[0]["file"].as_str().expect("a file");
    assert!(file.starts_with("incidents/resource=311-cases/"), "{file}");
    // Nor by an error about it, where nothing of it is kept in memory.
    std::fs::remove_file(bench.lake().join(file)).expect("a file");
    let serving = bench.program().spawn_serving(&["serve", "--flight", "127.0.0.1:0"]);
    let mut client = flight::connect(&serving).await;
    let query = "SELECT * FROM stored.incidents";
    let answer = serving.post_json("/sql", &json!({"query": query})).await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    let status = flight::failure(&mut client, query).await;
    for told in [answer.text(), status.message().to_owned()] {
        assert!(told.contains(file) && !told.contains(&place), "{told}");
    }
}

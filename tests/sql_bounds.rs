//! Statements that would take the whole server with them, on the built program: each is refused in words, and the others are
//! answered.

use std::path::Path;

use futures::future::join_all;
use lake_testkit::{Answer, Program, Running};
use serde_json::json;

use crate::bench::{Bench, CASES_RESOURCE};
use crate::wire::Wire;

fn landed(rows: usize) -> Bench {
    let bench = Bench::synthetic(rows);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "300"]).success();
    bench
}

async fn ask(serving: &Running, query: &str) -> Answer {
    serving.post_json("/sql", &json!({"query": query})).await
}

fn detail(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json()["detail"].as_str().expect("a detail").to_owned()
}

/// What a limit of `/limits` is.
async fn limit(serving: &Running, name: &str) -> usize {
    let limits = serving.get("/limits").await.json();
    let found = limits.as_array().expect("an array").iter().find(|limit| limit["name"] == name);
    let value = found.and_then(|limit| limit["value"].as_u64()).unwrap_or_else(|| panic!("no {name} in {limits}"));
    usize::try_from(value).expect("a size")
}

/// Statements in which so many operators hold each other.
fn deep(operators: usize) -> Vec<String> {
    let chain = |first: &str, part: &str| format!("SELECT {first}{} AS v", part.repeat(operators));
    let tests: Vec<String> = (0..operators / 2).map(|n| format!("latitude = {n}.5")).collect();
    vec![
        chain("1", "+1"),
        chain("'a'", "||'b'"),
        chain("1", "::BIGINT"),
        format!("SELECT COUNT(*) AS v FROM incidents WHERE {}", tests.join(" OR ")),
        format!("SELECT COUNT(*) AS v FROM incidents WHERE TRUE{}", " IS TRUE".repeat(operators - 1)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_too_deep_is_refused_and_one_that_is_as_deep_as_may_be_is_answered() {
    let bench = landed(300);
    // How deep is asked here, and not how quick: what is nearly too deep takes seconds.
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "600000"]);
    let most = limit(&serving, "max_operators").await;
    assert!(most >= 1_000, "{most}");
    for query in deep(most) {
        let answer = ask(&serving, &query).await;
        assert_eq!(answer.status, 200, "{}: {}", &query[..60], answer.text());
    }
    let unions = |queries: usize| vec!["SELECT 1 AS v"; queries].join(" UNION ALL ");
    let relations = limit(&serving, "max_relations").await;
    assert_eq!(ask(&serving, &unions(relations)).await.json().as_array().map(Vec::len), Some(relations));
    for operators in [most + 10, 100_000] {
        for query in deep(operators).iter().filter(|query| query.len() < 900_000) {
            let said = detail(&ask(&serving, query).await, 400);
            assert!(said.contains("`max_operators` of /limits"), "{}: {said}", &query[..60]);
        }
    }
    for queries in [3_000, 40_000] {
        let said = detail(&ask(&serving, &unions(queries)).await, 400);
        assert!(said.contains("of /limits"), "{queries}: {said}");
    }
    // On the command line as well, and in a query with a name.
    let sum = |operators: usize| format!("SELECT 1{} AS v", "+1".repeat(operators));
    assert_eq!(bench.program().sql(&sum(most)), [json!({"v": most + 1})]);
    let refused = bench.program().run(&["sql", &sum(most + 1)]).expect_status(2);
    assert!(refused.stderr.contains("max_operators"), "{}", refused.stderr);
    let own = bench.folder.path().join("own");
    write(&own, "deep.sql", &format!("-- title: Deep\n{}", sum(most)));
    let named = bench.program().env("HOTSPOTS_QUERIES", &own).spawn_serving(&["serve"]);
    assert_eq!(named.get("/queries/deep").await.json(), json!([{"v": most + 1}]));
    write(&own, "deep.sql", &format!("-- title: Deep\n{}", sum(most + 1)));
    let refused = started(&bench.program().env("HOTSPOTS_QUERIES", &own));
    assert!(refused.contains("deep.sql:2: the statement has") && refused.contains("max_operators"), "{refused}");
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(name), text).expect("a file");
}

/// What a program says that refuses to start.
fn started(program: &Program) -> String {
    program.run(&["serve", "--http", "127.0.0.1:0"]).expect_status(2).stderr
}

/// The most memory a process has had, MiB.
fn peak(serving: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.id())).expect("a running process");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    kib / 1024
}

/// `t0`, and so many queries that each make `double` of the one before.
fn doubled(first: &str, double: &str, times: usize) -> String {
    let queries: Vec<String> = (1..=times).map(|n| format!("t{n} AS (SELECT {double} AS a FROM t{})", n - 1)).collect();
    format!("WITH t0 AS (SELECT {first} AS a), {} SELECT a FROM t{times}", queries.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_function_makes_more_than_it_may_and_the_others_make_what_they_should() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve"]);
    let thousand = "SELECT value, repeat('x', 30000) AS t FROM generate_series(1, 1)";
    for (name, query) in [
        ("repeat", "SELECT repeat('x', 1500000000)".to_owned()),
        ("repeat", "SELECT repeat(repeat('x', 30000), 30000)".to_owned()),
        ("repeat", format!("SELECT length(repeat(t, 30000)) FROM ({thousand})")),
        ("repeat", "SELECT length(repeat(category, 300000)) FROM incidents".to_owned()),
        ("lpad", "SELECT lpad('x', 1500000000)".to_owned()),
        ("rpad", "SELECT length(rpad('x', 1500000000, 'yz'))".to_owned()),
        ("regexp_replace", "SELECT regexp_replace(repeat('a', 30000), 'a', repeat('b', 30000), 'g')".to_owned()),
        ("regexp_replace", r"SELECT regexp_replace(repeat('a', 30000), '(.*)', repeat('\1', 30000))".to_owned()),
        (
            "regexp_match",
            format!("SELECT regexp_match(repeat('a', 30000), '{}.*{}')", "(".repeat(3000), ")".repeat(3000)),
        ),
        ("replace", "SELECT replace(repeat('a', 30000), 'a', repeat('b', 30000))".to_owned()),
        ("replace", "SELECT replace(repeat('a', 30000), '', repeat('b', 30000))".to_owned()),
        (
            "array_to_string",
            "SELECT array_to_string(array_agg(value), repeat('b', 30000)) FROM generate_series(1, 30000)".to_owned(),
        ),
        ("||", doubled("'xx'", "a || a", 31)),
        ("concat", doubled("'xx'", "concat(a, a)", 31)),
        ("concat_ws", doubled("'xx'", "concat_ws(a, a, a)", 25)),
        ("encode", doubled("'xx'", "encode(a, 'hex')", 31)),
        ("array_concat", doubled("[1]", "array_concat(a, a)", 31)),
        ("array_concat", doubled("[1]", "a || a", 31)),
        ("make_array", doubled("1", "[a, a]", 31)),
        ("levenshtein", "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))".to_owned()),
    ] {
        let said = detail(&ask(&serving, &query).await, 422);
        let start = said.split(" would make ").next().expect("words");
        assert!(start.ends_with(name) && said.contains("`max_function_mib` of /limits"), "{query:.80}: {said}");
    }
    for query in [
        "SELECT CAST(NULL AS INT[2000000000])",
        "SELECT arrow_cast(NULL, 'FixedSizeBinary(2000000000)')",
        "SELECT arrow_try_cast([1], 'FixedSizeList(2000000000, Int64)')",
    ] {
        let said = detail(&ask(&serving, query).await, 400);
        assert!(said.contains("has a length"), "{query}: {said}");
    }
    for query in [doubled("1", "struct(a, a)", 22), doubled("1", "{'a': a, 'b': a}", 22)] {
        let said = detail(&ask(&serving, &query).await, 400);
        assert!(said.contains("struct would make values of more than 1000 fields"), "{said}");
    }
    // A long value in every row, or in every pair.
    let rows = "generate_series(1, 20000)";
    for query in [
        "SELECT MAX(length(t)) AS n FROM (SELECT value, repeat('x', 30000000) AS t FROM generate_series(1, 20)) WHERE t <> ''".to_owned(),
        format!(
            "SELECT COUNT(*) AS n FROM (SELECT '{}' AS t, value FROM {rows}) WHERE length(t) > value",
            "x".repeat(500_000)
        ),
    ] {
        let answer = ask(&serving, &query).await;
        assert!([200, 422].contains(&answer.status), "{query:.80}: {}", answer.text());
    }
    for query in [
        format!(
            "SELECT COUNT(DISTINCT a.t || b.value) FROM (SELECT repeat('x', 900000 + value) AS t FROM generate_series(1, 2)) AS a, {rows} AS b"
        ),
        format!(
            "SELECT MAX(length(t || n)) FROM (SELECT t, UNNEST(l) AS n FROM (SELECT repeat('x', 900000 + MAX(value)) AS t, array_agg(value) AS l FROM {rows}))"
        ),
        format!(
            "SELECT MAX(length(f)) FROM (SELECT first_value(t) OVER () AS f FROM (SELECT repeat('x', CASE WHEN value = 1 THEN 900000 ELSE 1 END) AS t FROM {rows}))"
        ),
    ] {
        let said = detail(&ask(&serving, &query).await, 422);
        assert!(said.contains("`max_repeated_kib` of /limits"), "{query}: {said}");
    }
    assert!(peak(&serving) < 1_500, "the server has had {} MiB", peak(&serving));
    let expected = json!([{
        "a": "xxx", "b": "  x", "c": "bbb", "d": "xy", "e": "x1", "f": null, "g": [1, 2], "h": [1, 2, 3], "i": "1-2", "j": 3
    }]);
    let kept = "SELECT repeat('x', 3) AS a, lpad('x', 3) AS b, regexp_replace('aaa', 'a', 'b', 'g') AS c, \
                concat('x', 'y') AS d, 'x' || 1 AS e, 'x' || NULL AS f, [1, 2] AS g, [1, 2] || 3 AS h, \
                array_to_string([1, 2], '-') AS i, levenshtein('kitten', 'sitting') AS j";
    assert_eq!(ask(&serving, kept).await.json(), expected);
    let named = ask(&serving, "SELECT category || 'x' || status FROM incidents LIMIT 1").await.json();
    let names: Vec<&String> = named[0].as_object().expect("a row").keys().collect();
    assert!(names[0].contains("category || ") && names[0].ends_with("status"), "{names:?}");
    assert_eq!(ask(&serving, "SELECT $a || 'x' AS v").await.status, 400, "a place without its value");
    let bound = json!({"query": "SELECT $a || 'x' AS v", "parameters": {"a": "y"}});
    assert_eq!(serving.post_json("/sql", &bound).await.json(), json!([{"v": "yx"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_stands_for_too_many_tables_is_refused_before_it_is_planned() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve"]);
    let doubled: Vec<String> =
        (1..18).map(|n| format!("t{n} AS (SELECT a.n FROM t{0} AS a, t{0} AS b)", n - 1)).collect();
    let bomb = format!("WITH t0 AS (SELECT 1 AS n), {} SELECT COUNT(*) FROM t17", doubled.join(", "));
    let tables = vec!["incidents"; 600].join(" CROSS JOIN ");
    for query in [bomb, format!("SELECT COUNT(*) FROM {tables}"), format!("EXPLAIN SELECT 1 FROM {tables}")] {
        let said = detail(&ask(&serving, &query).await, 400);
        assert!(said.contains("`max_relations` of /limits"), "{said}");
    }
    let few: Vec<String> = (1..6).map(|n| format!("t{n} AS (SELECT a.n FROM t{0} AS a, t{0} AS b)", n - 1)).collect();
    let few = format!("WITH t0 AS (SELECT 1 AS n), {} SELECT COUNT(*) AS n FROM t5", few.join(", "));
    assert_eq!(ask(&serving, &few).await.json(), json!([{"n": 1}]));
}

/// A query that takes long to plan.
fn long_to_plan() -> String {
    let texts: Vec<String> = (0..80_000).map(|n| format!("'{n}'")).collect();
    format!("SELECT COUNT(*) FROM incidents WHERE id IN ({})", texts.join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn while_statements_are_planned_others_are_answered_and_the_time_limit_holds() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "300"]);
    let query = long_to_plan();
    let asked = join_all((0..4).map(|_| ask(&serving, &query))).await;
    for answer in asked {
        assert!(detail(&answer, 504).contains("`timeout_ms`"));
    }
    // They are being planned still, each in its turn.
    let metrics = serving.get("/metrics").await.text();
    let running = metrics.lines().find_map(|line| line.strip_prefix("hotspots_engine_running "));
    assert_ne!(running.expect("a gauge"), "0", "{metrics}");
    assert_eq!(serving.get("/healthz").await.text(), "ok");
}

#[test]
fn a_client_that_never_ends_the_head_of_its_request_is_let_go() {
    let bench = landed(60);
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "500"]);
    for part in ["", "P", "PRI * HT", "GET / HTTP/1.1\r\nHost: lake\r\n", "GET / HTTP/1.1\r\nHost: lake\r\nx: "] {
        let mut client = Wire::connect(&serving);
        client.send(part);
        // The wait of the test itself is a minute.
        client.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_has_not_landed_is_an_empty_table_wherever_it_is_asked_for() {
    let bench = landed(300);
    let own = bench.folder.path().join("own");
    write(&own, "crashes.sql", "-- title: Raw crashes\nSELECT COUNT(*) AS n FROM raw.traffic_crashes");
    let serving = bench.program().env("HOTSPOTS_QUERIES", &own).spawn_serving(&["serve"]);
    let none = json!([{"n": 0}]);
    assert_eq!(serving.get("/queries/crashes").await.json(), none);
    assert_eq!(ask(&serving, "SELECT COUNT(*) AS n FROM raw.traffic_crashes").await.json(), none);
    assert_eq!(bench.program().sql("SELECT COUNT(*) AS n FROM raw.traffic_crashes")[0]["n"], 0);
    let run = bench.program().env("HOTSPOTS_QUERIES", &own).run(&["queries", "run", "crashes", "--format", "json"]);
    assert_eq!(run.success().json(), none);
    let landed = ask(&serving, "SELECT COUNT(*) AS n FROM raw.\"311_cases\"").await.json();
    assert!(landed[0]["n"].as_i64() > Some(0), "{landed}");
    let wrong = ask(&serving, "SELECT COUNT(*) AS n FROM raw.no_resource").await;
    assert!(detail(&wrong, 400).contains("no_resource"));
}

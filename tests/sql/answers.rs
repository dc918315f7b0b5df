//! SQL that the unmodified engine answers wrongly, over a few rows whose answers are written out.

use lake_testkit::Program;
use serde_json::{Value, json};

/// Creates a compacted lake of these rows of 311 cases.
fn lake(rows: &Value) -> (tempfile::TempDir, Program) {
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    let file = folder.path().join("rows.json");
    std::fs::write(&file, rows.to_string()).expect("a file");
    program.run(&["ingest", "311-cases", "--file", file.to_str().expect("a path")]).success();
    program.run(&["compact"]).success();
    (folder, program)
}

fn row(number: u32, opened: &str, closed: Option<&str>, latitude: &str) -> Value {
    let mut row = json!({
        "service_request_id": number.to_string(), "requested_datetime": opened, "service_name": "Graffiti",
        "lat": latitude, "long": "-122.42",
    });
    if let Some(closed) = closed {
        row["closed_date"] = closed.into();
    }
    row
}

fn assert_answers(program: &Program, cases: &[(&str, Value)]) {
    for (query, rows) in cases {
        assert_eq!(Value::from(program.sql(query)), *rows, "{query}");
    }
}

#[test]
fn differences_of_times_are_compared_with_intervals_by_length() {
    let (_folder, program) = lake(&json!([
        row(1, "2024-06-01T00:00:00.000", Some("2024-06-01T23:59:59.000"), "37.75"),
        row(2, "2024-06-01T00:00:00.000", Some("2024-06-02T00:00:00.000"), "37.75"),
        row(3, "2024-06-01T00:00:00.000", Some("2024-06-02T01:00:00.000"), "37.75"),
        row(4, "2024-06-01T00:00:00.000", Some("2024-07-02T00:00:00.000"), "37.75"),
        row(5, "2024-06-01T00:00:00.000", None, "37.75"),
    ]));
    let open =
        |condition: &str| format!("SELECT id FROM incidents WHERE closed_at - occurred_at {condition} ORDER BY id");
    for (condition, ids) in [
        ("> INTERVAL '1 day'", vec!["3", "4"]),
        (">= INTERVAL '24 hours'", vec!["2", "3", "4"]),
        ("= INTERVAL '1 day'", vec!["2"]),
        ("< INTERVAL '25 hours'", vec!["1", "2"]),
        ("> INTERVAL '1 month'", vec!["4"]),
        ("BETWEEN INTERVAL '1 day' AND INTERVAL '30 days'", vec!["2", "3"]),
        ("NOT IN (INTERVAL '1 day', INTERVAL '25 hours')", vec!["1", "4"]),
        ("IS DISTINCT FROM INTERVAL '1 day'", vec!["1", "3", "4", "5"]),
    ] {
        let found = program.sql(&open(condition));
        let found: Vec<&str> = found.iter().filter_map(|row| row["id"].as_str()).collect();
        assert_eq!(found, ids, "{condition}");
    }
    assert_answers(
        &program,
        &[
            (
                "SELECT INTERVAL '25 hours' > INTERVAL '1 day' AS a, INTERVAL '31 days' > INTERVAL '1 month' AS b",
                json!([{"a": true, "b": true}]),
            ),
            (
                "SELECT n FROM (VALUES (1, INTERVAL '25 hours'), (2, INTERVAL '1 day'), (3, INTERVAL '90 minutes')) AS t(n, x) ORDER BY x",
                json!([{"n": 3}, {"n": 2}, {"n": 1}]),
            ),
            (
                "SELECT COUNT(*) AS n FROM incidents GROUP BY closed_at - occurred_at > INTERVAL '1 day' ORDER BY n",
                json!([{"n": 1}, {"n": 2}, {"n": 2}]),
            ),
        ],
    );
    let years = "TIMESTAMP '2024-01-01T00:00:00.5' - TIMESTAMP '1900-01-01T00:00:00'";
    assert_answers(
        &program,
        &[
            (format!("SELECT date_part('epoch', {years}) AS s").as_str(), json!([{"s": 3913056000.5}])),
            (
                "SELECT SUM(EXTRACT(EPOCH FROM closed_at - occurred_at)) AS s FROM incidents",
                json!([{"s": 86399.0 + 86400.0 + 90000.0 + 2678400.0}]),
            ),
        ],
    );
    let refused = program.run(&["sql", "SELECT date_part('second', closed_at - occurred_at) FROM incidents"]);
    assert!(refused.expect_status(2).stderr.contains("takes 'epoch'"));
    let refused = program.run(&["sql", "SELECT max(x) FROM (VALUES (INTERVAL '1 day')) AS t(x)"]).expect_status(2);
    assert!(refused.stderr.contains("max of intervals"), "{}", refused.stderr);
}

#[test]
fn a_filter_above_an_outer_join_tests_its_own_column() {
    let (_folder, program) = lake(&json!([row(1, "2024-06-01T00:00:00.000", None, "37.75")]));
    let join = "(VALUES (1), (2)) AS a (v) RIGHT JOIN (VALUES (3)) AS b (v) ON a.v = b.v";
    assert_answers(
        &program,
        &[
            (format!("SELECT a.v AS v FROM {join} WHERE NULL OR a.v > 5").as_str(), json!([])),
            (
                "WITH w AS (SELECT MAX(id) AS m FROM incidents) SELECT b.m FROM w AS a JOIN w AS b ON a.m = NULL",
                json!([]),
            ),
            ("SELECT m FROM (SELECT MAX(id) AS m FROM incidents) WHERE m = NULL", json!([])),
            (format!("SELECT b.v AS v FROM {join} WHERE a.v IS NULL").as_str(), json!([{"v": 3}])),
            (format!("SELECT b.v AS v FROM {join} WHERE COALESCE(a.v, 7) = 7").as_str(), json!([{"v": 3}])),
        ],
    );
}

#[test]
fn a_number_at_the_edge_of_a_file_is_found() {
    // Read with an error of rounding, the greatest latitude of each file would be one step too low.
    let latitude = 37.730000000000004_f64;
    let rows = (1..=3).map(|n| row(n, &format!("20{n}0-06-01T00:00:00.000"), None, "37.730000000000004"));
    let (_folder, program) = lake(&Value::from(rows.collect::<Vec<_>>()));
    for table in ["incidents", "stored.incidents"] {
        let found = program.sql(&format!("SELECT COUNT(*) AS n FROM {table} WHERE latitude = 37.730000000000004"));
        assert_eq!(found, [json!({"n": 3})], "{table}");
    }
    let bounds = program.run(&["sql", "--format", "csv", "SELECT MIN(latitude), MAX(latitude) FROM stored.incidents"]);
    let line = format!("{latitude},{latitude}");
    assert_eq!(bounds.success().stdout.lines().nth(1), Some(line.as_str()));
}

#[test]
fn distinct_rows_and_tests_of_truth_are_answered() {
    let rows = json!([row(1, "2024-06-01T00:00:00.000", None, "37.75"), {"service_request_id": "none"}]);
    let (_folder, program) = lake(&rows);
    assert_answers(
        &program,
        &[
            ("SELECT DISTINCT resource FROM rejects LIMIT 10", json!([{"resource": "311-cases"}])),
            (
                "SELECT SUM(CASE WHEN h THEN 1 ELSE 0 END) AS n FROM (SELECT (district = 'x') IS NOT TRUE AS h FROM incidents)",
                json!([{"n": 1}]),
            ),
            (
                "SELECT SUM(x) OVER (PARTITION BY - (x % 2)) AS s FROM (VALUES (1), (2), (3)) AS t(x) ORDER BY s",
                json!([{"s": 2}, {"s": 4}, {"s": 4}]),
            ),
            (
                "SELECT SUM(x) AS s, SUM(x) FILTER (WHERE x > 9) AS none FROM (VALUES (1), (NULL), (9223372036854775806)) AS t(x)",
                json!([{"s": 9223372036854775807_i64, "none": 9223372036854775806_i64}]),
            ),
            (
                "SELECT k, SUM(x) AS s FROM (VALUES ('a', 1), ('a', NULL), ('b', NULL)) AS t(k, x) GROUP BY k ORDER BY k",
                json!([{"k": "a", "s": 1}, {"k": "b", "s": null}]),
            ),
            (
                "SELECT SUM(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM (VALUES (1), (2), (9223372036854775800)) AS t(x) ORDER BY s",
                json!([{"s": 1}, {"s": 3}, {"s": 9223372036854775802_i64}]),
            ),
        ],
    );
}

#[test]
fn joins_compare_intervals_by_length() {
    let (_folder, program) = lake(&json!([row(1, "2024-06-01T00:00:00.000", None, "37.75")]));
    let query = "SELECT COUNT(*) AS n FROM (VALUES (INTERVAL '24 hours'), (INTERVAL '2 days')) AS a (i) \
                 JOIN (VALUES (INTERVAL '1 day')) AS b (i) ON a.i = b.i";
    assert_answers(&program, &[(query, json!([{"n": 1}]))]);
    for query in [
        "SELECT i FROM (VALUES (INTERVAL '24 hours'), (INTERVAL '1 day')) AS a (i) GROUP BY i",
        "SELECT DISTINCT i FROM (VALUES (INTERVAL '24 hours'), (INTERVAL '1 day')) AS a (i)",
        "SELECT COUNT(DISTINCT i) FROM (VALUES (INTERVAL '24 hours'), (INTERVAL '1 day')) AS a (i)",
        "SELECT INTERVAL '24 hours' AS i UNION SELECT INTERVAL '1 day'",
    ] {
        let refused = program.run(&["sql", query]).expect_status(2).stderr;
        assert!(refused.contains("use date_part('epoch', x)"), "{query}: {refused}");
    }
}

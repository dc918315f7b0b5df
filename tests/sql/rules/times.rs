use serde_json::{Value, json};

use super::{Asked, ask, ask_as, case, rows, same_as_duckdb, sorted};
use crate::harness::Bench;

fn cases() -> Vec<Value> {
    let closed = [
        "9999-12-31T23:59:59.000",
        "2024-02-29T12:00:00.000",
        "1500-06-15T00:00:00.000",
        "2262-04-12T00:00:00.000",
        "1677-09-20T00:00:00.000",
        "0001-01-01T00:00:00.000",
        "",
        "2300-01-31T00:00:00.000",
    ];
    let cases = (1_u32..).zip(closed).map(|(n, closed)| {
        let more = [("closed", closed)];
        let more = if closed.is_empty() { &more[..0] } else { &more[..] };
        case(n, &format!("2024-01-0{n}T10:20:30.000"), more)
    });
    cases.collect()
}

const RAW: &str = "raw.\"311_cases\"";

#[tokio::test(flavor = "multi_thread")]
async fn dates_of_all_years_are_computed_with() {
    let mut asked: Vec<Asked> = Vec::new();
    for unit in ["microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"] {
        asked.push(ask(format!(
            "SELECT CAST(date_trunc('{unit}', closed_date) AS TIMESTAMP) AS t, COUNT(*) AS n FROM {RAW} GROUP BY 1"
        )));
        asked.push(ask(format!("SELECT _key FROM {RAW} WHERE date_trunc('{unit}', closed_date) < '2262-01-01'")));
    }
    for (interval, in_duckdb) in [
        ("1 day", "1 day"),
        ("15 minutes", "15 minutes"),
        ("1 month", "1 month"),
        ("7 days", "7 days"),
        ("1 year", "1 year"),
    ] {
        asked.push(ask_as(
            format!(
                "SELECT _key, date_bin(INTERVAL '{interval}', closed_date, TIMESTAMP '1970-01-01') AS t FROM {RAW} WHERE _key <> '6'"
            ),
            format!(
                "SELECT _key, time_bucket(INTERVAL '{in_duckdb}', closed_date, TIMESTAMP '1970-01-01') AS t FROM {RAW} WHERE _key <> '6'"
            ),
        ));
    }
    for comparison in [
        "closed_date > '2024-01-01'",
        "closed_date > TIMESTAMP '2024-01-01'",
        "closed_date < TIMESTAMP '9999-12-31'",
        "closed_date > TIMESTAMP '0001-01-01'",
        "closed_date < DATE '9999-12-31'",
        "closed_date = TIMESTAMP '9999-12-31 23:59:59'",
        "closed_date BETWEEN '0001-01-01' AND '9999-12-31'",
        "closed_date BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '1700-01-01'",
        "closed_date IN (TIMESTAMP '1500-06-15', TIMESTAMP '9999-12-31 23:59:59')",
        "closed_date NOT IN ('1500-06-15', '9999-12-31 23:59:59')",
        "closed_date < CAST(now() AS TIMESTAMP)",
        "CAST(closed_date AS DATE) < closed_date",
        "CAST(closed_date AS DATE) = DATE '1500-06-15'",
        "closed_date < CAST(requested_datetime AS DATE)",
        "closed_date < to_timestamp('2024-03-01')",
        "EXTRACT(YEAR FROM closed_date) < 9999",
        "closed_date IS DISTINCT FROM TIMESTAMP '1500-06-15'",
        "CAST(closed_date AS TIMESTAMP) < '2024-03-01'",
        "closed_date > requested_datetime",
    ] {
        let theirs =
            comparison.replace("to_timestamp(", "CAST(").replace("'2024-03-01')", "'2024-03-01' AS TIMESTAMP)");
        let theirs = if comparison.contains("to_timestamp") { theirs } else { comparison.to_owned() };
        asked.push(ask_as(
            format!("SELECT _key FROM {RAW} WHERE {comparison}"),
            format!("SELECT _key FROM {RAW} WHERE {theirs}"),
        ));
        asked.push(ask_as(
            format!("SELECT _key, {comparison} AS v FROM {RAW}"),
            format!("SELECT _key, {theirs} AS v FROM {RAW}"),
        ));
    }
    for query in [
        "SELECT _key, EXTRACT(YEAR FROM closed_date) AS y, EXTRACT(DOY FROM closed_date) AS d, EXTRACT(WEEK FROM closed_date) AS w FROM {RAW}",
        "SELECT _key, CAST(closed_date AS DATE) AS d FROM {RAW}",
        "SELECT _key, CAST(CAST(closed_date AS DATE) AS TIMESTAMP) AS d FROM {RAW}",
        "SELECT MIN(closed_date) AS a, MAX(closed_date) AS b FROM {RAW}",
        "SELECT _key, closed_date + INTERVAL '1 month' AS m FROM {RAW} WHERE _key <> '1'",
        "SELECT _key, closed_date - INTERVAL '1 day' AS m FROM {RAW} WHERE _key <> '6'",
        "SELECT a._key AS a, b._key AS b FROM {RAW} a JOIN {RAW} b ON a.closed_date = b.closed_date",
        "SELECT _key, ROW_NUMBER() OVER (ORDER BY closed_date NULLS LAST) AS r FROM {RAW}",
        "SELECT _key, COALESCE(closed_date, TIMESTAMP '0002-02-02') AS c FROM {RAW}",
        "SELECT closed_date AS t FROM {RAW} UNION SELECT TIMESTAMP '0002-02-02'",
        "SELECT CASE WHEN _key = '1' THEN closed_date ELSE TIMESTAMP '0002-02-02' END AS t FROM {RAW}",
        "SELECT id, closed_at FROM incidents WHERE closed_at IS NOT NULL",
    ] {
        asked.push(ask(query.replace("{RAW}", RAW)));
    }
    same_as_duckdb("dates_of_all_years_are_computed_with", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn series_of_timestamps_are_tables() {
    let mut asked: Vec<Asked> = Vec::new();
    for arguments in [
        "TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-03', INTERVAL '1 day'",
        "TIMESTAMP '2024-01-31', TIMESTAMP '2024-06-01', INTERVAL '1 month'",
        "TIMESTAMP '2024-01-02 12:00:00', TIMESTAMP '2024-01-01', INTERVAL '-6 hours'",
        "CAST('2024-01-01' AS TIMESTAMP), TIMESTAMP '2024-01-01 00:01:00', INTERVAL '20 seconds'",
        "DATE '2024-01-01', DATE '2024-03-01', INTERVAL '1 month'",
    ] {
        for function in ["generate_series", "range"] {
            asked.push(ask(format!("SELECT CAST(t AS TIMESTAMP) AS t FROM {function}({arguments}) AS g (t)")));
        }
    }
    let days = "generate_series(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-04', INTERVAL '1 day')";
    asked.push(ask(format!(
        "SELECT g.t, COUNT(i.id) AS n FROM {days} AS g (t) LEFT JOIN incidents i ON date_trunc('day', i.occurred_at) = g.t GROUP BY 1"
    )));
    // Compared with dates that nanoseconds cannot hold.
    asked.push(ask(format!(
        "SELECT g.t, COUNT(*) AS n FROM {days} AS g (t) JOIN {RAW} r ON r.closed_date > g.t GROUP BY 1"
    )));
    same_as_duckdb("series_of_timestamps_are_tables", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_clocks_fails_no_query() {
    // Wall clock, instant: the two at the changes are standard time, as PostgreSQL reads them.
    let times = [
        ("2024-01-15T12:00:00", "2024-01-15T20:00:00"),
        ("2024-07-15T12:00:00", "2024-07-15T19:00:00"),
        ("2024-03-10T01:59:59", "2024-03-10T09:59:59"),
        ("2024-03-10T02:30:00", "2024-03-10T10:30:00"),
        ("2024-03-10T03:00:00", "2024-03-10T10:00:00"),
        ("2024-11-03T00:59:59", "2024-11-03T07:59:59"),
        ("2024-11-03T01:30:00", "2024-11-03T09:30:00"),
        ("2024-11-03T02:00:00", "2024-11-03T10:00:00"),
    ];
    let cases: Vec<Value> = (1_u32..)
        .zip(times)
        .map(|(n, (at, _))| case(n, &format!("{at}.000"), &[("closed", "9999-12-31T00:00:00.000")]))
        .collect();
    let bench = Bench::synthetic(1);
    let program = bench.program();
    let file = bench.folder.path().join("rows.json");
    std::fs::write(&file, Value::from(cases).to_string()).expect("a file");
    program.run(&["ingest", "311-cases", "--file", file.to_str().expect("a path")]).success();
    let serving = program.spawn_serving(&["serve"]);
    let zone = "America/Los_Angeles";
    let instants = |of: &dyn Fn(&str) -> String| {
        let rows: Vec<Value> =
            (1_u32..).zip(times).map(|(n, (_, at))| json!({"id": n.to_string(), "at": of(at)})).collect();
        sorted(&rows)
    };
    for query in [
        "SELECT id, CAST(occurred_at AT TIME ZONE 'Z1' AT TIME ZONE 'UTC' AS VARCHAR) AS at FROM incidents",
        "SELECT id, CAST(arrow_cast(arrow_cast(occurred_at, 'Timestamp(Nanosecond, Some(\"Z1\"))'), 'Timestamp(Microsecond, Some(\"UTC\"))') AS VARCHAR) AS at FROM incidents",
        "SELECT id, CAST((CAST(occurred_at AS VARCHAR) AT TIME ZONE 'Z1') AT TIME ZONE 'UTC' AS VARCHAR) AS at FROM incidents",
        "SELECT id, CAST(date_trunc('second', occurred_at AT TIME ZONE 'Z1') AT TIME ZONE 'UTC' AS VARCHAR) AS at FROM incidents",
        "SELECT id, CAST(CASE WHEN TRUE THEN occurred_at AT TIME ZONE 'Z1' END AT TIME ZONE 'UTC' AS VARCHAR) AS at FROM incidents",
    ] {
        assert_eq!(
            sorted(&rows(&serving, &query.replace("Z1", zone)).await),
            instants(&|at| format!("{at}Z")),
            "{query}"
        );
    }
    // Compared with a wall clock, an instant is not moved.
    let later = format!("SELECT COUNT(*) AS n FROM incidents WHERE occurred_at >= (occurred_at AT TIME ZONE '{zone}')");
    assert_eq!(rows(&serving, &later).await[0]["n"], 8);
    // A day begins when its clocks show midnight.
    let days = format!(
        "SELECT CAST(date_trunc('day', occurred_at AT TIME ZONE '{zone}') AT TIME ZONE 'UTC' AS VARCHAR) AS day, COUNT(*) AS n \
         FROM incidents GROUP BY 1"
    );
    let expected = [("2024-01-15T08", 1), ("2024-07-15T07", 1), ("2024-03-10T08", 3), ("2024-11-03T07", 3)];
    let expected: Vec<Value> =
        expected.iter().map(|(day, n)| json!({"day": format!("{day}:00:00Z"), "n": n})).collect();
    assert_eq!(sorted(&rows(&serving, &days).await), sorted(&expected));
    let far =
        format!("SELECT CAST(MIN(closed_date AT TIME ZONE '{zone}') AT TIME ZONE 'UTC' AS VARCHAR) AS at FROM {RAW}");
    assert_eq!(rows(&serving, &far).await[0]["at"], "9999-12-31T08:00:00Z");
    let dates = format!("SELECT CAST(DATE '2024-03-10' AT TIME ZONE '{zone}' AT TIME ZONE 'UTC' AS VARCHAR) AS at");
    assert_eq!(rows(&serving, &dates).await[0]["at"], "2024-03-10T08:00:00Z");
}

//! `/sql` on the built program: what it answers, what it refuses, and where it ends.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use lake_testkit::{Answer, Running};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::api::wire::Wire;
use crate::harness::{Bench, CASES_RESOURCE};

fn landed(rows: usize) -> Bench {
    let bench = Bench::synthetic(rows);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "300"]).success();
    bench
}

fn serve(bench: &Bench) -> Running {
    bench.program().spawn_serving(&["serve"])
}

/// Encodes a text as a part of an address.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

async fn ask(serving: &Running, query: &str) -> Answer {
    serving.post_json("/sql", &json!({"query": query})).await
}

async fn post(serving: &Running, path: &str, kind: &str, body: &str) -> Answer {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(serving.url(path)).header("content-type", kind).body(body.to_owned());
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.expect("a body").to_vec() }
}

fn rows(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().expect("an array").clone()
}

/// Returns the message of an error.
fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    answer.json()["detail"].as_str().expect("a detail").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_alike_however_it_is_asked_and_in_every_format() {
    let bench = landed(1_500);
    let serving = serve(&bench);
    let query = "SELECT category, SUM(count) AS n FROM counts GROUP BY category ORDER BY n DESC, category LIMIT 5";
    let expected = Value::from(bench.program().sql(query));
    let posted = ask(&serving, query).await;
    assert_eq!(posted.json(), expected);
    for name in ["lake-version", "lake-as-of", "server-timing"] {
        assert!(posted.header(name).is_some(), "{name}: {:?}", posted.headers);
    }
    assert_eq!((posted.header("lake-exact"), posted.header("lake-truncated")), (Some("true"), Some("false")));
    let address = format!("/sql?query={}", encoded(query));
    let got = serving.get(&address).await;
    assert_eq!(got.json(), expected);
    assert_eq!(post(&serving, "/sql", "application/sql", query).await.json(), expected);
    assert_eq!(post(&serving, "/sql?format=json", "application/sql; charset=utf-8", query).await.json(), expected);

    let csv = serving.get_with(&address, &[("accept", "text/csv")]).await.text();
    let of_csv: Vec<String> = csv.lines().skip(1).map(str::to_owned).collect();
    let lines = serving.get(&format!("{address}&format=ndjson")).await.text();
    let of_lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(Value::from(of_lines), expected);
    let arrow = serving.get(&format!("{address}&format=arrow")).await.body;
    let of_arrow: Vec<RecordBatch> =
        StreamReader::try_new(arrow.as_slice(), None).expect("Arrow").map(Result::unwrap).collect();
    let parquet = serving.get(&format!("{address}&format=parquet")).await.body;
    let of_parquet: Vec<RecordBatch> = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(parquet))
        .expect("Parquet")
        .build()
        .expect("rows")
        .map(Result::unwrap)
        .collect();
    assert_eq!(of_arrow.iter().map(RecordBatch::num_rows).sum::<usize>(), 5);
    assert_eq!(of_arrow[0].columns(), of_parquet[0].columns());
    assert_eq!(of_csv.len(), 5);
    for (row, line) in expected.as_array().expect("rows").iter().zip(&of_csv) {
        let n = row["n"].to_string();
        assert!(line.ends_with(&format!(",{n}")), "{line} {row}");
    }

    // An unchanged answer is not sent again; an answer without a fixed version differs each time.
    let tag = got.header("etag").expect("a tag").to_owned();
    assert_eq!(serving.get_with(&address, &[("if-none-match", &tag)]).await.status, 304);
    let other = serving.get_with(&format!("{address}&limit=2"), &[("if-none-match", &tag)]).await;
    assert_eq!(other.status, 200, "another question");
    let clock = "/sql?query=SELECT+now()";
    let tag_then = serving.get(clock).await.header("etag").expect("a tag").to_owned();
    let later = serving.get_with(clock, &[("if-none-match", &tag_then)]).await;
    assert!(later.status == 200 && later.header("etag") != Some(tag_then.as_str()));
    bench.portal.update_where(
        crate::harness::CASES,
        |_| true,
        |row| drop(row.insert("service_name".to_owned(), "One".into())),
        1_790_000_000_000,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let changed = serving.get_with(&address, &[("if-none-match", &tag)]).await;
    assert_eq!((changed.status, changed.json()[0]["category"].as_str()), (200, Some("One")));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_bound_with_the_type_that_the_query_wants() {
    let bench = landed(1_500);
    let serving = serve(&bench);
    let whole = bench.program().sql("SELECT COUNT(*) AS n FROM incidents WHERE occurred_at >= '2024-06-01T12:30:00'")
        [0]["n"]
        .clone();
    assert_ne!(whole, json!(0));
    let by_time = "SELECT COUNT(*) AS n FROM incidents WHERE occurred_at >= ";
    for (query, parameters) in [
        (format!("{by_time}$since"), json!({"since": "2024-06-01T12:30"})),
        (format!("{by_time}$since"), json!({"$since": "2024-06-01 12:30:00Z"})),
        (format!("{by_time}?"), json!(["2024-06-01T12:30:00"])),
        (format!("{by_time}$1 AND $2 IS NULL"), json!(["2024-06-01T12:30:00", null])),
        (format!("{by_time}$1"), json!({"1": "2024-06-01T12:30:00"})),
    ] {
        let answer = serving.post_json("/sql", &json!({"query": query, "parameters": parameters})).await;
        assert_eq!(rows(&answer)[0]["n"], whole, "{query} {parameters}");
        let parameters = encoded(&parameters.to_string());
        let answer = serving.get(&format!("/sql?query={}&parameters={parameters}", encoded(&query))).await;
        assert_eq!(rows(&answer)[0]["n"], whole, "{query}");
    }
    let evil =
        json!({"query": "SELECT COUNT(*) AS n FROM counts WHERE resource = $r", "parameters": {"r": "x' OR '1'='1"}});
    assert_eq!(rows(&serving.post_json("/sql", &evil).await)[0]["n"], 0, "a value is not a SQL");
    let kept = json!({"query": "SELECT $a AS a, $b AS b, $c AS c, $d AS d", "parameters": {"a": 1, "b": 1.5, "c": true, "d": "x"}});
    assert_eq!(rows(&serving.post_json("/sql", &kept).await), [json!({"a": 1, "b": 1.5, "c": true, "d": "x"})]);
    let half =
        json!({"query": "SELECT COUNT(*) AS n FROM (VALUES (0), (1), (2)) AS t(v) WHERE v > ?", "parameters": [0.5]});
    assert_eq!(rows(&serving.post_json("/sql", &half).await)[0]["n"], 2, "0.5 is not cut to 0");
    for (query, parameters, says) in [
        ("SELECT 1 WHERE 1 = $one", json!({}), "no value for `one`"),
        ("SELECT 1 WHERE 1 = $one", json!({"ones": 1}), "did you mean `one`?"),
        ("SELECT 1 WHERE 1 = $one", json!({"one": [1]}), "does not fit $one"),
        ("SELECT COUNT(*) FROM counts WHERE occurred_at > $t", json!({"t": "soon"}), "does not fit $t: Timestamp"),
        (
            "SELECT COUNT(*) FROM counts WHERE occurred_at > $t",
            json!({"t": "2024-01-01T00:00+02:00"}),
            "does not fit $t",
        ),
        ("SELECT ? + $1", json!([1]), "not both"),
        ("SELECT 1", json!("x"), "an object by name, or an array"),
    ] {
        let answer = serving.post_json("/sql", &json!({"query": query, "parameters": parameters})).await;
        assert!(refused(&answer, 400).contains(says), "{query}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_and_nothing_but_the_lake_is_read() {
    let bench = landed(600);
    let serving = serve(&bench);
    let before = rows(&ask(&serving, "SELECT SUM(count) AS n FROM counts").await);
    let csv = bench.folder.path().join("own.csv");
    std::fs::write(&csv, "a\n1\n").unwrap();
    let path = csv.display().to_string();
    let log = bench.lake().join("counts/_delta_log/00000000000000000000.json").display().to_string();
    let mut asked = vec![
        "DROP TABLE counts".to_owned(),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "CREATE SCHEMA s".to_owned(),
        "CREATE FUNCTION f(int) RETURNS int RETURN $1".to_owned(),
        format!("COPY counts TO '{path}'"),
        format!("COPY (SELECT 1) TO '{path}.parquet'"),
        "INSERT INTO counts SELECT * FROM counts".to_owned(),
        "DELETE FROM counts".to_owned(),
        "UPDATE counts SET count = 0".to_owned(),
        "TRUNCATE TABLE counts".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "BEGIN".to_owned(),
        "EXPLAIN DROP TABLE counts".to_owned(),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}.parquet'"),
        "SELECT 1; SELECT 2".to_owned(),
        "WITH x AS (SELECT 1) INSERT INTO counts SELECT * FROM x".to_owned(),
    ];
    for place in
        [&path, &format!("file://{path}"), &log, "http://127.0.0.1:9/x.csv", "s3://bucket/x.parquet", "/etc/passwd"]
    {
        asked.push(format!("SELECT * FROM '{place}'"));
        asked.push(format!("SELECT * FROM \"{place}\""));
        asked.push(format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{place}'"));
        for function in
            ["read_csv", "read_parquet", "read_json", "glob", "pg_read_file", "load_file", "parquet_metadata"]
        {
            asked.push(format!("SELECT * FROM {function}('{place}')"));
            asked.push(format!("SELECT {function}('{place}')"));
        }
    }
    for query in &asked {
        let answer = ask(&serving, query).await;
        assert!(!refused(&answer, 400).is_empty(), "{query}");
    }
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), "a\n1\n");
    assert_eq!(rows(&ask(&serving, "SELECT SUM(count) AS n FROM counts").await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_tables_and_columns_are_told() {
    let bench = landed(300);
    let serving = serve(&bench);
    let plan = ask(&serving, "EXPLAIN SELECT COUNT(*) FROM incidents WHERE resource = 'x'").await.text();
    assert!(plan.contains("logical_plan"), "{plan}");
    let analyzed = ask(&serving, "EXPLAIN ANALYZE SELECT COUNT(*) FROM incidents AS a, incidents AS b").await.text();
    assert!(analyzed.contains("output_rows"), "{analyzed}");
    let tables = ask(&serving, "SHOW TABLES").await.text();
    for name in ["counts", "incidents", "rejects", "311_cases"] {
        assert!(tables.contains(&format!("\"{name}\"")), "{name}: {tables}");
    }
    let columns = ask(&serving, "DESCRIBE counts").await.text();
    assert!(columns.contains("occurred_at") && columns.contains("Timestamp"), "{columns}");
    assert!(ask(&serving, "SHOW COLUMNS FROM incidents").await.text().contains("neighborhood"));
    let wrong = ask(&serving, "SELECT\n  nonsense FROM counts").await;
    let detail = refused(&wrong, 400);
    assert!(detail.contains("line 2, column 3") && detail.contains("nonsense"), "{detail}");
    for (body, says) in [
        ("", "the body is a JSON object with the query"),
        ("[]", "the body is a JSON object"),
        ("{}", "there is no `query`"),
        ("{\"query\": \" \"}", "there is no `query`"),
        ("{\"qeury\": \"SELECT 1\"}", "did you mean `query`?"),
        ("{\"query\": \"SELECT 1\", \"limit\": 0}", "limit"),
        ("{\"query\": \"SELECT 1\", \"limit\": 100000000}", "1000000"),
        ("{\"query\": \"SELECT 1\", \"format\": \"xml\"}", "ndjson"),
    ] {
        let answer = post(&serving, "/sql", "application/json", body).await;
        assert!(refused(&answer, 400).contains(says), "{body}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_says_so_before_its_first_row_and_one_that_fits_does_not() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve", "--default-rows", "50"]);
    let numbers = "SELECT value FROM generate_series(1, 20000) ORDER BY value";
    for (limit, count, truncated) in [
        (Some(7), 7, "true"),
        (Some(19_999), 19_999, "true"),
        (Some(20_000), 20_000, "false"),
        (Some(20_001), 20_000, "false"),
        (None, 50, "true"),
    ] {
        let answer = serving.post_json("/sql", &json!({"query": numbers, "limit": limit})).await;
        let rows = rows(&answer);
        assert_eq!((rows.len(), answer.header("lake-truncated")), (count, Some(truncated)), "{limit:?}");
        assert!(
            rows.iter().enumerate().all(|(at, row)| row["value"] == json!(at + 1)),
            "the first rows, in their order"
        );
    }
    let none = serving.post_json("/sql", &json!({"query": "SELECT * FROM counts WHERE FALSE", "limit": 1})).await;
    assert_eq!((rows(&none).len(), none.header("lake-truncated")), (0, Some("false")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_over_its_memory_or_its_time_fails_alone_and_names_the_limit() {
    let bench = landed(600);
    let serving = bench.program().spawn_serving(&["serve", "--request-memory-mib", "32", "--timeout-ms", "4000"]);
    let small = "SELECT SUM(count) AS n FROM counts";
    let expected = rows(&ask(&serving, small).await);
    let large =
        json!({"query": "SELECT value, repeat('x', 1000) AS t FROM generate_series(1, 1000000)", "limit": 1_000_000});
    let endless = "SELECT COUNT(*) AS n FROM generate_series(1, 1000000000000) AS t(v) WHERE v % 7 = 3";
    let (large, endless, small) =
        tokio::join!(serving.post_json("/sql", &large), ask(&serving, endless), ask(&serving, small));
    let detail = refused(&large, 422);
    assert!(detail.contains("request_memory_mib"), "{detail}");
    let detail = refused(&endless, 504);
    assert!(detail.contains("timeout_ms"), "{detail}");
    assert_eq!(rows(&small), expected, "another is answered at the same time");
    assert_eq!(serving.get("/readyz").await.status, 200);
}

#[test]
fn a_query_whose_client_leaves_is_stopped_and_gives_its_memory_back() {
    let bench = landed(1_500);
    for query in [
        "SELECT COUNT(*) AS n FROM generate_series(1, 1000000000000) AS t(v) WHERE v % 7 = 3",
        "SELECT SUM(a.count * b.count + c.count) AS n FROM counts AS a, counts AS b, counts AS c, counts AS d",
        "SELECT v, COUNT(*) AS n FROM generate_series(1, 1000000000000) AS t(v) GROUP BY v ORDER BY n",
        // Pairs without end, of which none is a row.
        "SELECT COUNT(*) AS n FROM generate_series(1, 20000) AS a(x), generate_series(1, 1000000000) AS b(y) WHERE a.x + b.y < 0",
        "SELECT COUNT(*) AS n FROM generate_series(1, 100000) AS a(x) LEFT JOIN generate_series(1, 1000000000) AS b(y) ON a.x % 1000 = b.y % 1000 AND a.x + b.y < 0",
        "WITH RECURSIVE r(v) AS (SELECT 1 UNION ALL SELECT v FROM r) SELECT COUNT(*) AS n FROM r",
    ] {
        let program = bench.program().env("RUST_LOG", "lake_serve=debug");
        let serving = program.spawn_serving(&["serve"]);
        let mut client = Wire::connect(&serving);
        client.ask(&format!("/sql?query={}", encoded(query)), &[]);
        serving.wait_for_log("query begins", Duration::from_mins(1));
        drop(client);
        serving.wait_for_log("query cancelled", Duration::from_mins(1));
        serving.wait_for_log("a query that was left has ended", Duration::from_mins(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polygon_in_sql_holds_what_lies_left_of_each_of_its_edges_and_is_that_of_aggregates() {
    let bench = landed(1_500);
    let serving = serve(&bench);
    // A triangle, counter-clockwise: longitude and latitude.
    let corners = [[-122.45, 37.72], [-122.39, 37.74], [-122.43, 37.80]];
    let places = rows(&ask(&serving, "SELECT longitude, latitude FROM incidents WHERE latitude IS NOT NULL").await);
    let number = |row: &Value, name: &str| row[name].as_f64().expect("degrees");
    let is_left = |row: &&Value| {
        (0..3).all(|n| {
            let ([x0, y0], [x1, y1]) = (corners[n], corners[(n + 1) % 3]);
            (x1 - x0) * (number(row, "latitude") - y0) - (number(row, "longitude") - x0) * (y1 - y0) >= 0.0
        })
    };
    let expected = places.iter().filter(is_left).count();
    assert!(expected > 50 && expected < places.len() - 50, "{expected} of {}", places.len());
    let polygon = json!({"type": "Polygon", "coordinates": [[corners[0], corners[1], corners[2], corners[0]]]});
    let query = format!(
        "SELECT count(*) AS inside, count(*) FILTER (WHERE latitude IS NULL) AS nowhere
         FROM incidents WHERE point_in_polygon(latitude, longitude, '{polygon}')"
    );
    assert_eq!(rows(&ask(&serving, &query).await), vec![json!({"inside": expected, "nowhere": 0})]);
    let counted = serving.post_json("/aggregates", &json!({"group_by": [], "polygon": polygon})).await;
    assert_eq!(counted.json()[0]["count"], expected);

    // A polygon of each row's own, and no answer where anything is not known.
    let own = format!(
        "SELECT n, point_in_polygon(lat, -122.42, polygon) AS inside
         FROM (VALUES (1, 37.75, '{polygon}'), (2, 0, '{polygon}'), (3, 37.75, NULL), (4, NULL, '{polygon}'))
         AS t(n, lat, polygon) ORDER BY n"
    );
    let inside: Vec<Value> = rows(&ask(&serving, &own).await).iter().map(|row| row["inside"].clone()).collect();
    assert_eq!(inside, [json!(true), json!(false), Value::Null, Value::Null]);
    let bad = ask(&serving, "SELECT point_in_polygon(37.7, -122.4, '{\"type\": \"Point\"}')").await;
    let says = refused(&bad, 400);
    assert!(says.contains("point_in_polygon") && says.contains("`Point`"), "{says}");
}

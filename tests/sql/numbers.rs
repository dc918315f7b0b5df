//! Numbers in SQL: what does not fit its type is refused, and floating-point numbers are equal and ordered as in
//! PostgreSQL and DuckDB. The right values are written out; DuckDB gives the same.

use lake_testkit::Running;
use serde_json::json;

use crate::harness::{Bench, CASES_RESOURCE};

/// Serves a lake. The queries bring their own rows.
fn serving() -> (Bench, Running) {
    let bench = Bench::synthetic(20);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    (bench, serving)
}

/// Returns the rows of an answer in order, each value as text.
async fn rows(serving: &Running, query: &str) -> Vec<String> {
    let answer = serving.post_json("/sql", &json!({"query": query, "format": "csv"})).await;
    assert_eq!(answer.status, 200, "{query}\n{}", answer.text());
    answer.text().lines().skip(1).map(ToOwned::to_owned).collect()
}

async fn assert_rows(serving: &Running, cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (query, right) in cases {
        let got = rows(serving, query).await;
        if got != *right {
            wrong.push(format!("{query}\n  right {right:?}\n  got   {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const LARGEST: &str = "9223372036854775807";
const NINES: &str = "99999999999999999999999999999999999999";

#[tokio::test(flavor = "multi_thread")]
async fn results_that_do_not_fit_their_type_are_refused() {
    let (_bench, serving) = tokio::task::block_in_place(serving);
    let whole = format!("(VALUES (1, {LARGEST}), (2, 1), (3, -5)) AS v (n, x)");
    let decimal = |digits: &str| format!("(VALUES (1, CAST('{digits}' AS DECIMAL(38, 0)))) AS v (n, x)");
    let decimals = format!(
        "(VALUES (1, CAST('{NINES}' AS DECIMAL(38, 0))), (2, CAST('6{zeros}' AS DECIMAL(38, 0)))) AS v (n, x)",
        zeros = "0".repeat(37)
    );
    let sixes = format!(
        "(VALUES (1, CAST('6{zeros}' AS DECIMAL(38, 0))), (2, CAST('6{zeros}' AS DECIMAL(38, 0)))) AS v (n, x)",
        zeros = "0".repeat(37)
    );
    let spans = format!(
        "(VALUES (1, arrow_cast({LARGEST}, 'Duration(Microsecond)')), (2, arrow_cast({LARGEST}, 'Duration(Microsecond)'))) AS v (n, x)"
    );
    let unsigned = format!("(SELECT n, arrow_cast({LARGEST}, 'UInt64') AS x FROM (VALUES (1), (2), (3)) AS v (n))");
    let sliding = "OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)";
    let mut queries = Vec::new();
    // With a second distinct aggregate the engine does not turn the first into groups.
    queries.push(format!("SELECT SUM(DISTINCT x), COUNT(DISTINCT n) FROM {whole} WHERE n < 3"));
    queries.push(format!("SELECT n < 9, SUM(DISTINCT x), COUNT(DISTINCT n) FROM {whole} WHERE n < 3 GROUP BY n < 9"));
    queries.push(format!("SELECT SUM(DISTINCT x) {sliding} FROM {whole}"));
    for from in [&decimals, &sixes, &spans, &unsigned] {
        queries.push(format!("SELECT SUM(x) FROM {from}"));
        queries.push(format!("SELECT n > 0, SUM(x) FROM {from} GROUP BY n > 0"));
    }
    for from in [&decimals, &sixes, &spans] {
        queries.push(format!("SELECT SUM(x) {sliding} FROM {from}"));
    }
    queries.push(format!("SELECT SUM(DISTINCT x), COUNT(DISTINCT n) FROM {decimals}"));
    queries.push(format!("SELECT SUM(x + x) FROM {whole}"));
    for expression in
        ["x + x", "x - -x", "x * x", "x * CAST(1.5 AS DECIMAL(2, 1))", "x / CAST(0.00001 AS DECIMAL(9, 8))"]
    {
        queries.push(format!("SELECT {expression} FROM {}", decimal(NINES)));
    }
    queries.push(format!("SELECT x + x FROM {}", decimal(&format!("6{}", "0".repeat(37)))));
    queries.push("SELECT x * x FROM (VALUES (CAST('1.2345678901234567890' AS DECIMAL(38, 19)))) AS v (x)".to_owned());
    for (shifted, bits) in [("3", "63"), ("3", "64"), ("3", "-1"), ("1", "63"), ("-3", "63")] {
        queries.push(format!("SELECT x << {bits} FROM (VALUES ({shifted})) AS v (x)"));
    }
    queries.push("SELECT x >> 64 FROM (VALUES (3)) AS v (x)".to_owned());
    queries.push("SELECT x >> y FROM (VALUES (3, -1)) AS v (x, y)".to_owned());
    for expression in ["abs(x)", "-x", "x - 1", "x / -1", "gcd(x, 0)", "lcm(x, 3)", "round(x, -1)"] {
        queries.push(format!("SELECT {expression} FROM (VALUES (-{LARGEST} - 1)) AS v (x)"));
    }
    queries.push("SELECT factorial(x) FROM (VALUES (21)) AS v (x)".to_owned());
    queries.push("SELECT CAST(x AS DECIMAL(5, 2)) FROM (VALUES (123456)) AS v (x)".to_owned());
    queries.push("SELECT t + INTERVAL '300000 years' FROM (VALUES (TIMESTAMP '9999-12-31')) AS v (t)".to_owned());
    queries.push("SELECT d + INTERVAL '2147483647 days' FROM (VALUES (DATE '9999-12-31')) AS v (d)".to_owned());
    queries.push(
        "SELECT SUM(i) FROM (VALUES (INTERVAL '2000000000 days'), (INTERVAL '2000000000 days')) AS v (i)".to_owned(),
    );
    let mut answered = Vec::new();
    for query in queries {
        let answer = serving.post_json("/sql", &json!({"query": query})).await;
        if answer.status != 400 {
            answered.push(format!("{query}\n  {}: {}", answer.status, answer.text()));
        }
    }
    assert!(answered.is_empty(), "{}", answered.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_of_what_fits_are_exact() {
    let (_bench, serving) = tokio::task::block_in_place(serving);
    let whole =
        "(VALUES (1, 9223372036854775807), (2, 9223372036854775807), (3, -9223372036854775807), (4, NULL)) AS v (n, x)";
    let decimals = "(VALUES (1, CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))), \
                    (2, CAST('-99999999999999999999999999999999999998' AS DECIMAL(38, 0))), (3, NULL)) AS v (n, x)";
    // 37 such cases are longer than 64 bits of microseconds.
    let open = "(SELECT TIMESTAMP '9999-12-31' - TIMESTAMP '0001-01-01' AS x FROM range(37))";
    assert_rows(
        &serving,
        &[
            (&format!("SELECT SUM(DISTINCT x), COUNT(DISTINCT n) FROM {whole}"), &["0,4"]),
            (&format!("SELECT SUM(x) FROM {whole} WHERE n > 1"), &["0"]),
            (
                &format!("SELECT n, SUM(DISTINCT x) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM {whole} ORDER BY n"),
                &["1,9223372036854775807", "2,9223372036854775807", "3,0", "4,-9223372036854775807"],
            ),
            (&format!("SELECT SUM(x), SUM(DISTINCT x), COUNT(DISTINCT n) FROM {decimals}"), &["1,1,3"]),
            (&format!("SELECT n > 0, SUM(x) FROM {decimals} GROUP BY n > 0"), &["true,1"]),
            (&format!("SELECT n > 2, SUM(x) FROM {decimals} WHERE n > 2 GROUP BY n > 2"), &["true,"]),
            (&format!("SELECT date_part('epoch', AVG(x)) FROM {open}"), &["315537811200.0"]),
            (&format!("SELECT 1 AS one, date_part('epoch', AVG(x)) FROM {open} GROUP BY one"), &["1,315537811200.0"]),
            ("SELECT SUM(x) FROM (VALUES (CAST(1.10 AS DECIMAL(4, 2))), (CAST(2.25 AS DECIMAL(4, 2)))) AS v (x)", &["3.35"]),
            ("SELECT x + y, x * y, x - y FROM (VALUES (CAST(1.10 AS DECIMAL(4, 2)), CAST(2.5 AS DECIMAL(3, 1)))) AS v (x, y)", &["3.60,2.750,-1.40"]),
            ("SELECT x << 2, x >> 1, -x >> 1, x << 60 FROM (VALUES (5)) AS v (x)", &["20,2,-3,5764607523034234880"]),
            ("SELECT -1 << 63", &["-9223372036854775808"]),
            ("SELECT SUM(i) FROM (VALUES (INTERVAL '1 day'), (INTERVAL '2 days')) AS v (i)", &["3 days"]),
        ],
    )
    .await;
}

const FLOATS: &str = "(VALUES (1, CAST('-0.0' AS DOUBLE)), (1, 0.0), (2, CAST('Infinity' AS DOUBLE)), \
                      (3, CAST('-Infinity' AS DOUBLE)), (4, CAST('NaN' AS DOUBLE)), (4, 5.0)) AS v (g, x)";

#[tokio::test(flavor = "multi_thread")]
async fn infinity_and_nan_are_ordered_as_in_postgresql() {
    let (_bench, serving) = tokio::task::block_in_place(serving);
    let zero_by_zero = "(SELECT g, x / x AS x FROM (VALUES (1, 0.0), (1, 3.0)) AS v (g, x))";
    let sliding = "OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)";
    assert_rows(
        &serving,
        &[
            (
                &format!("SELECT g, CAST(MIN(x) AS VARCHAR), CAST(MAX(x) AS VARCHAR) FROM {FLOATS} WHERE g > 1 GROUP BY g ORDER BY g"),
                &["2,inf,inf", "3,-inf,-inf", "4,5.0,NaN"],
            ),
            (
                &format!("SELECT g, CAST(MIN(x) AS VARCHAR), CAST(MAX(x) AS VARCHAR) FROM (SELECT g, CAST(x AS FLOAT) AS x FROM {FLOATS}) WHERE g > 1 GROUP BY g ORDER BY g"),
                &["2,inf,inf", "3,-inf,-inf", "4,5.0,NaN"],
            ),
            (&format!("SELECT CAST(MIN(x) AS VARCHAR), CAST(MAX(x) AS VARCHAR) FROM {FLOATS}"), &["-inf,NaN"]),
            // The processor's 0/0 has a sign.
            (&format!("SELECT CAST(MIN(x) AS VARCHAR), CAST(MAX(x) AS VARCHAR) FROM {zero_by_zero}"), &["1.0,NaN"]),
            (&format!("SELECT CAST(MIN(x) AS VARCHAR), CAST(MAX(x) AS VARCHAR) FROM {zero_by_zero} GROUP BY g"), &["1.0,NaN"]),
            (&format!("SELECT CAST(x AS VARCHAR) FROM {zero_by_zero} ORDER BY x"), &["1.0", "NaN"]),
            (&format!("SELECT CAST(x AS VARCHAR) FROM {zero_by_zero} WHERE x > 5"), &["NaN"]),
            (&format!("SELECT CAST(x AS VARCHAR), COUNT(*) FROM (SELECT x FROM {zero_by_zero} UNION ALL SELECT -x FROM {zero_by_zero}) WHERE x <> 1 AND x <> -1 GROUP BY x"), &["NaN,2"]),
            (&format!("SELECT COUNT(*) FROM (SELECT DISTINCT x FROM (SELECT x FROM {zero_by_zero} UNION ALL SELECT -x FROM {zero_by_zero}))"), &["3"]),
            (&format!("SELECT COUNT(*) FROM (SELECT x FROM {zero_by_zero} UNION SELECT -x FROM {zero_by_zero})"), &["3"]),
            (&format!("SELECT COUNT(DISTINCT x) FROM (SELECT x FROM {zero_by_zero} UNION ALL SELECT -x FROM {zero_by_zero})"), &["3"]),
            (&format!("SELECT COUNT(*) FROM {zero_by_zero} AS a JOIN (SELECT -x AS x FROM {zero_by_zero}) AS b ON a.x = b.x"), &["1"]),
            (&format!("SELECT COUNT(*) FROM {zero_by_zero} WHERE x IN (SELECT -x FROM {zero_by_zero})"), &["1"]),
            ("SELECT x = -x, x > 5.0, -x > 5.0, -x < 5.0, GREATEST(-x, 5.0) = x, LEAST(-x, 5.0) FROM (VALUES (CAST('NaN' AS DOUBLE))) AS v (x)", &["true,true,true,false,true,5.0"]),
            (
                &format!("SELECT n, CAST(MIN(x) {sliding} AS VARCHAR), CAST(MAX(x) {sliding} AS VARCHAR) FROM (VALUES (1, 5.0), (2, -CAST('NaN' AS DOUBLE)), (3, CAST('-Infinity' AS DOUBLE))) AS v (n, x) ORDER BY n"),
                &["1,5.0,5.0", "2,5.0,NaN", "3,-inf,NaN"],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_zero_is_zero_wherever_values_are_compared() {
    let (_bench, serving) = tokio::task::block_in_place(serving);
    let zeros = "(VALUES (1, CAST('-0.0' AS DOUBLE)), (2, 0.0)) AS v (n, x)";
    assert_rows(
        &serving,
        &[
            (&format!("SELECT n, NULLIF(x, 0.0) FROM {zeros} ORDER BY n"), &["1,", "2,"]),
            ("SELECT NULLIF(-0.0, 0.0) IS NULL", &["true"]),
            (&format!("SELECT n, CASE x WHEN 0.0 THEN 'zero' ELSE 'other' END FROM {zeros} ORDER BY n"), &["1,zero", "2,zero"]),
            (
                &format!("SELECT n, CASE x WHEN 1.0 THEN 'a' WHEN 2.0 THEN 'b' WHEN 3.0 THEN 'c' WHEN 0.0 THEN 'zero' END FROM {zeros} ORDER BY n"),
                &["1,zero", "2,zero"],
            ),
            (
                &format!("SELECT n, x IN (0.0), x IN (1.0, 2.0, 3.0, 4.0, 0.0), x NOT IN (1.0, 2.0, 3.0, 4.0, -0.0), x IN (1.0, 2.0, 3.0, 4.0, n - n) FROM {zeros} ORDER BY n"),
                &["1,true,true,false,true", "2,true,true,false,true"],
            ),
            (&format!("SELECT COUNT(*) FROM {zeros} GROUP BY x"), &["2"]),
            (&format!("SELECT COUNT(*) FROM (SELECT DISTINCT x FROM {zeros})"), &["1"]),
            (&format!("SELECT COUNT(DISTINCT x) FROM {zeros}"), &["1"]),
            (&format!("SELECT COUNT(*) FROM {zeros} GROUP BY ROLLUP (x, n) ORDER BY 1"), &["1", "1", "2", "2"]),
            (&format!("SELECT COUNT(*) FROM {zeros} JOIN (VALUES (0.0)) AS w (y) ON x = y"), &["2"]),
            (&format!("SELECT COUNT(*) FROM {zeros} WHERE x IN (SELECT 0.0)"), &["2"]),
            (&format!("SELECT n, COUNT(*) OVER (PARTITION BY x) FROM {zeros} ORDER BY n"), &["1,2", "2,2"]),
            (&format!("SELECT n, RANK() OVER (ORDER BY x), ROW_NUMBER() OVER (ORDER BY x, n DESC) FROM {zeros} ORDER BY n"), &["1,1,2", "2,1,1"]),
            (&format!("SELECT n FROM {zeros} ORDER BY x, n DESC"), &["2", "1"]),
            (&format!("SELECT DISTINCT ON (x) n FROM {zeros} ORDER BY x, n DESC"), &["2"]),
            (&format!("SELECT FIRST_VALUE(n ORDER BY x, n DESC) FROM {zeros}"), &["2"]),
            (&format!("SELECT n, array_has([0.0], x), array_position([1.0, 0.0], x), [0.0] = [x] FROM {zeros} ORDER BY n"), &["1,true,2,true", "2,true,2,true"]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_a_window_leaves_nothing_behind() {
    let (_bench, serving) = tokio::task::block_in_place(serving);
    let frame = "OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)";
    let of = |first: &str| format!("FROM (VALUES (1, {first}), (2, 1.0), (3, 2.0), (4, 3.0)) AS v (n, x) ORDER BY n");
    assert_rows(
        &serving,
        &[
            (&format!("SELECT SUM(x) {frame} {}", of("1e300")), &["1e300", "1e300", "3.0", "5.0"]),
            (
                &format!("SELECT CAST(AVG(x) {frame} AS VARCHAR), SUM(x) FILTER (WHERE n > 2) {frame} {}", of("CAST('Infinity' AS DOUBLE)")),
                &["inf,", "inf,", "1.5,2.0", "2.5,5.0"],
            ),
            (&format!("SELECT VAR_POP(x) {frame} {}", of("1e18")), &["0.0", "2.5e35", "0.25", "0.25"]),
            (&format!("SELECT STDDEV_POP(x) {frame} {}", of("1e18")), &["0.0", "5e17", "0.5", "0.5"]),
            (&format!("SELECT ROUND(CORR(x, n) {frame}, 6) {}", of("1e18")), &["\"\"", "-1.0", "1.0", "1.0"]),
            (&format!("SELECT ROUND(REGR_SLOPE(x, n) {frame}, 6) {}", of("1e18")), &["\"\"", "-1e18", "1.0", "1.0"]),
            (
                "SELECT SUM(x) OVER (ORDER BY n ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING), AVG(x) OVER (ORDER BY n ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM (VALUES (1, 1e300), (2, 1.5), (3, NULL), (4, 2.5)) AS v (n, x) ORDER BY n",
                &[",1.5", "1e300,2.5", "1e300,2.5", "1.5,"],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_may_be_partitioned_and_ordered_by_expressions() {
    let (_bench, serving) = tokio::task::block_in_place(serving);
    let values = "(VALUES (1), (-2), (4), (6), (NULL)) AS v (x)";
    assert_rows(
        &serving,
        &[
            (
                &format!("SELECT x, SUM(x) OVER (PARTITION BY abs(x % 3)) AS s FROM {values} ORDER BY x"),
                &["-2,-2", "1,5", "4,5", "6,6", ","],
            ),
            (
                &format!("SELECT x, abs(x % 3) AS k, COUNT(*) OVER (PARTITION BY abs(x % 3) ORDER BY - (x % 5), x) AS c, ROW_NUMBER() OVER (ORDER BY abs(x % 3), - x) AS r FROM {values} ORDER BY x"),
                &["-2,2,1,4", "1,1,2,3", "4,1,1,2", "6,0,1,1", ",,1,5"],
            ),
            (
                "SELECT COUNT(*) = (SELECT COUNT(*) FROM incidents) FROM (SELECT id, COUNT(*) OVER (PARTITION BY abs(cell % 3)) AS c, RANK() OVER (PARTITION BY abs(latitude % 3) ORDER BY abs(cell % 5)) FROM incidents)",
                &["true"],
            ),
            (
                "SELECT SUM(n) = (SELECT COUNT(*) FROM incidents) FROM (SELECT DISTINCT abs(length(id) % 3) AS k, COUNT(*) OVER (PARTITION BY abs(length(id) % 3)) AS n FROM incidents)",
                &["true"],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_in_json_are_those_of_their_texts() {
    let (_bench, serving) = tokio::task::block_in_place(serving);
    // A common reader of JSON takes the other neighbour for each.
    for number in [
        37.730_000_000_000_004,
        138.767_418_398_903_17,
        -122.312_841_468_832_35,
        -122.486_795_509_889_79,
        939.011_804_929_864_1,
        -122.419_141_183_766_63,
        -122.321_457_781_605_87,
        -122.350_320_388_703_07,
        -122.427_474_902_692_31,
        -122.390_971_192_580_35,
        485.685_223_824_221_17,
        -122.459_126_749_280_33_f64,
    ] {
        let query = format!("SELECT $1 = CAST('{number}' AS DOUBLE) AS same");
        let asked = json!({"query": query, "parameters": [number]});
        assert_eq!(serving.post_json("/sql", &asked).await.json(), json!([{"same": true}]), "{number}");
        let address = format!("/sql?query={}&parameters=[{number}]", query.replace(' ', "%20"));
        assert_eq!(serving.get(&address).await.json(), json!([{"same": true}]), "{number} in the address");
    }
}

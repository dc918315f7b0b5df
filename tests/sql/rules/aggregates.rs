use super::{Asked, ask, ask_as, case, same_as_duckdb};

fn cases() -> Vec<serde_json::Value> {
    let kinds = ["A", "A", "B", "B", "B", "", "C", "C", "C", "C"];
    let cases = (1_u32..).zip(kinds).map(|(n, kind)| {
        let (at, closed) =
            (format!("2024-01-{n:02}T00:00:00.000"), format!("2024-02-{:02}T0{}:00:00.000", n * 2, n % 10));
        let district = format!("D{}", n % 3);
        let mut more = vec![("district", district.as_str())];
        if !kind.is_empty() {
            more.push(("category", kind));
        }
        if n != 5 {
            more.push(("closed", closed.as_str()));
        }
        case(n, &at, &more)
    });
    cases.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_does_not_matter_does_no_harm() {
    let number = "CAST(id AS BIGINT)";
    let mut asked: Vec<Asked> = Vec::new();
    for call in [
        "AVG({n}",
        "MIN(id",
        "MAX(id",
        "SUM({n}",
        "COUNT(id",
        "STDDEV_POP({n}",
        "VAR_SAMP({n}",
        "BIT_OR({n}",
        "BIT_AND({n}",
        "BIT_XOR({n}",
        "BOOL_AND({n} > 2",
        "BOOL_OR({n} > 2",
        "MEDIAN(CAST(id AS DOUBLE)",
    ] {
        let call = call.replace("{n}", number);
        for order in ["occurred_at DESC, id", "district, district"] {
            asked.push(ask(format!("SELECT category, {call} ORDER BY {order}) AS v FROM incidents GROUP BY category")));
        }
        asked.push(ask(format!("SELECT {call} ORDER BY occurred_at) AS v FROM incidents")));
        asked.push(ask(format!("SELECT {call} ORDER BY occurred_at) FILTER (WHERE {number} > 3) AS v FROM incidents")));
        asked.push(ask(format!(
            "SELECT category, {call} ORDER BY id) AS v FROM incidents WHERE FALSE GROUP BY category"
        )));
    }
    asked.push(ask(format!(
        "SELECT category, SUM(DISTINCT {number} % 2 ORDER BY {number} % 2) AS v FROM incidents GROUP BY category"
    )));
    same_as_duckdb("an_order_that_does_not_matter_does_no_harm", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_be_named_twice_in_an_order() {
    let mut asked: Vec<Asked> = Vec::new();
    for keys in
        ["occurred_at, occurred_at", "occurred_at DESC, occurred_at", "occurred_at, id, occurred_at", "occurred_at"]
    {
        asked.push(ask_as(
            format!("SELECT category, FIRST_VALUE(id ORDER BY {keys}) AS v FROM incidents GROUP BY category"),
            format!("SELECT category, FIRST(id ORDER BY {keys}) AS v FROM incidents GROUP BY category"),
        ));
        asked.push(ask_as(
            format!("SELECT category, LAST_VALUE(id ORDER BY {keys}) AS v FROM incidents GROUP BY category"),
            format!("SELECT category, LAST(id ORDER BY {keys}) AS v FROM incidents GROUP BY category"),
        ));
        asked.push(ask(format!(
            "SELECT category, STRING_AGG(id, ',' ORDER BY {keys}) AS v FROM incidents GROUP BY category"
        )));
        asked
            .push(ask(format!("SELECT category, ARRAY_AGG(id ORDER BY {keys}) AS v FROM incidents GROUP BY category")));
        asked.push(ask(format!("SELECT category, ARRAY_AGG(id ORDER BY {keys}) FILTER (WHERE district <> 'D1') AS v FROM incidents GROUP BY category")));
        asked.push(ask(format!(
            "SELECT DISTINCT ON (category) category, id FROM incidents ORDER BY category, category, {keys}"
        )));
        asked.push(ask(format!(
            "SELECT id, ROW_NUMBER() OVER (PARTITION BY category ORDER BY {keys}) AS v FROM incidents"
        )));
        asked.push(ask(format!("SELECT id, SUM(1) OVER (PARTITION BY category, category ORDER BY {keys} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS v FROM incidents")));
        asked.push(ask(format!("SELECT id FROM incidents ORDER BY {keys} LIMIT 3")));
    }
    asked.push(ask(
        "SELECT DISTINCT ON (category, category) category, id FROM incidents ORDER BY category, occurred_at DESC",
    ));
    asked.push(ask("SELECT category, STRING_AGG(DISTINCT district, ',' ORDER BY district, district) AS v FROM incidents GROUP BY category"));
    same_as_duckdb("a_key_may_be_named_twice_in_an_order", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_are_interpolated_exactly() {
    let hours = "CAST(CAST(id AS BIGINT) * CAST(id AS BIGINT) * 60001 AS DOUBLE) / 7";
    let mut asked: Vec<Asked> = Vec::new();
    for fraction in ["0", "0.3", "0.9", "1"] {
        for key in [hours, "CAST(id AS BIGINT) * 60001"] {
            for order in ["", " DESC"] {
                let call = format!("percentile_cont({fraction}) WITHIN GROUP (ORDER BY {key}{order})");
                asked.push(ask(format!("SELECT category, {call} AS v FROM incidents GROUP BY category")));
                asked.push(ask(format!("SELECT {call} FILTER (WHERE category <> 'A') AS v FROM incidents")));
            }
        }
    }
    for key in [hours, "CAST(id AS BIGINT)", "NULLIF(CAST(id AS BIGINT), 4)", "CAST(id AS BIGINT) % 3"] {
        asked.push(ask(format!("SELECT category, MEDIAN({key}) AS v FROM incidents GROUP BY category")));
        asked.push(ask(format!("SELECT id, MEDIAN({key}) OVER (ORDER BY occurred_at ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS v FROM incidents")));
        asked.push(ask(format!(
            "SELECT MEDIAN(DISTINCT {key}) AS v, MEDIAN({key}) FILTER (WHERE FALSE) AS w FROM incidents"
        )));
    }
    same_as_duckdb("percentiles_are_interpolated_exactly", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_grouping_sets_are_null_in_sets_without_them() {
    let mut asked: Vec<Asked> = Vec::new();
    // A limit shows the order: a constant key, an equal one, a sorted one, a computed one.
    for limit in 1..6 {
        for sets in
            ["CUBE (category, district)", "ROLLUP (category, district)", "GROUPING SETS ((category), (district))"]
        {
            asked.push(ask(format!(
                "SELECT category, district, COUNT(*) AS n FROM incidents WHERE category = 'C' GROUP BY {sets} \
                 ORDER BY district NULLS LAST, category NULLS FIRST LIMIT {limit}"
            )));
            asked.push(ask(format!(
                "SELECT category, district, GROUPING(category) AS g FROM incidents WHERE category < 'C' GROUP BY {sets} \
                 HAVING GROUPING(district) = 0 ORDER BY category NULLS FIRST, district NULLS FIRST LIMIT {limit}"
            )));
        }
        asked.push(ask(format!(
            "SELECT k, other, COUNT(*) AS n FROM (SELECT 'k' AS k, category, category AS other FROM incidents) AS t \
             WHERE category = other GROUP BY CUBE (k, category, other) \
             ORDER BY k NULLS FIRST, category NULLS LAST, other NULLS FIRST LIMIT {limit}"
        )));
        asked.push(ask(format!(
            "SELECT date_trunc('month', occurred_at) AS month, upper(category) AS kind, \
             GROUPING(date_trunc('month', occurred_at)) AS g, COUNT(DISTINCT upper(category)) AS n \
             FROM incidents WHERE occurred_at < '2024-02-01' \
             GROUP BY ROLLUP (date_trunc('month', occurred_at), upper(category)) \
             ORDER BY month NULLS FIRST, kind NULLS FIRST LIMIT {limit}"
        )));
    }
    same_as_duckdb("keys_of_grouping_sets_are_null_in_sets_without_them", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_on_no_column_holds_for_totals_too() {
    let mut asked: Vec<Asked> = Vec::new();
    let totals = [
        "SELECT COUNT(*) AS n FROM incidents",
        "SELECT MAX(category) AS n FROM incidents",
        "SELECT COUNT(category) AS n FROM incidents GROUP BY GROUPING SETS ((district), ())",
    ];
    for total in totals {
        for condition in [
            "99 < (SELECT COUNT(*) FROM incidents)",
            "9 < (SELECT COUNT(*) FROM incidents)",
            "'a' <= (SELECT MAX(category) FROM incidents WHERE FALSE)",
            "EXISTS (SELECT 1 FROM incidents WHERE category = 'none')",
            "(SELECT NULLIF(COUNT(*), COUNT(*)) FROM incidents) = 1",
            "n IS NOT NULL AND (SELECT MIN(category) FROM incidents) > 'B'",
        ] {
            asked.push(ask(format!("SELECT n FROM ({total}) AS t WHERE {condition}")));
            asked.push(ask(format!("SELECT 1 AS one FROM ({total}) AS t WHERE {condition}")));
            asked.push(ask(format!(
                "SELECT t.n FROM ({total}) AS t JOIN ({total}) AS u ON {}",
                condition.replace("n IS", "t.n IS")
            )));
        }
    }
    same_as_duckdb("a_condition_on_no_column_holds_for_totals_too", &cases(), &asked).await;
}

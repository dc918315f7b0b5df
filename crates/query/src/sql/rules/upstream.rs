//! The engine without our rules: each test fails when it has fixed what a rule is for.

use std::sync::Arc;

use arrow::util::display::array_value_to_string;
use datafusion::error::Result;
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::{Column, IsNullExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::sql::filter_pushdown::physical_rules;

const TABLES: &str = "WITH t AS (SELECT * FROM (VALUES (1, 'A', 'X', 'D1'), (2, 'B', NULL, 'D1'), (3, NULL, 'B', 'D2'), \
                      (4, 'C', 'A', 'D2'), (5, 'A', NULL, NULL)) AS v (id, a, b, d)) ";

async fn ask(sql: &str) -> Result<Vec<String>> {
    ask_in_streams(sql, 2).await
}

/// Asks the engine, which works in so many parallel streams.
async fn ask_in_streams(sql: &str, streams: usize) -> Result<Vec<String>> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(streams));
    let batches = context.sql(sql).await?.collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let values: std::result::Result<Vec<String>, _> =
                batch.columns().iter().map(|column| array_value_to_string(column, row)).collect();
            rows.push(values?.join("|"));
        }
    }
    rows.sort();
    Ok(rows)
}

/// Fails if the engine answers right by now.
async fn still_wrong(rule: &str, sql: &str, right: &[&str]) {
    let sql = format!("{TABLES}{sql}");
    let asked = sql.clone();
    // A panic counts as wrong as well.
    let answer = tokio::spawn(async move { ask(&asked).await }).await;
    let is_fixed = matches!(&answer, Ok(Ok(rows)) if rows == right);
    assert!(!is_fixed, "the engine answers this right now, so that {rule} may go (see docs/sql.md):\n{sql}");
}

#[tokio::test]
async fn the_engine_forgets_unknown_values_of_subqueries() {
    let rule = "sql/rules/subqueries";
    still_wrong(rule, "SELECT id FROM t WHERE d = 'D3' OR a NOT IN (SELECT b FROM t)", &[]).await;
    still_wrong(rule, "SELECT id FROM t WHERE NULLIF('a', 'a') NOT IN (SELECT a FROM t WHERE a IS NOT NULL)", &[])
        .await;
    let correlated = "SELECT o.id FROM t o WHERE o.a NOT IN (SELECT i.b FROM t i WHERE i.d = o.d)";
    still_wrong(rule, correlated, &["4", "5"]).await;
    let counted = "SELECT o.id FROM t o WHERE EXISTS (SELECT COUNT(*) FROM t i WHERE i.b = o.a)";
    still_wrong(rule, counted, &["1", "2", "3", "4", "5"]).await;
    let joined = "SELECT COUNT(*) FROM t o WHERE EXISTS (SELECT 1 FROM t x LEFT JOIN (SELECT * FROM t WHERE b = o.a) AS y \
                  ON x.id = y.id WHERE y.id IS NULL)";
    still_wrong(rule, joined, &["5"]).await;
    let skipped = "SELECT o.id FROM t o WHERE EXISTS (SELECT 1 FROM t i WHERE i.d = o.d AND i.id < 4 OFFSET 1)";
    still_wrong(rule, skipped, &["1", "2"]).await;
    let value = "SELECT o.id, (SELECT i.a FROM t i WHERE i.id = o.id) FROM t o WHERE o.id < 3";
    still_wrong("sql/rules/subqueries/single_value", value, &["1|A", "2|B"]).await;
}

/// The helper sorts rows, so the order is compared by a limit.
#[tokio::test]
async fn the_engine_takes_constant_keys_of_grouping_sets_for_constant_results() {
    let sql = "SELECT a, b FROM t WHERE a = 'A' GROUP BY CUBE (a, b) ORDER BY b NULLS LAST, a NULLS FIRST LIMIT 1";
    still_wrong("sql/rules/grouping_sets", sql, &["|X"]).await;
}

#[tokio::test]
async fn the_engine_takes_the_keys_of_using_from_the_left() {
    let sql = "SELECT a, x.n, y.m FROM (SELECT a, id AS n FROM t WHERE id < 3) AS x \
               FULL JOIN (SELECT a, id AS m FROM t WHERE id > 2) AS y USING (a)";
    still_wrong("sql/rules/using_keys", sql, &["A|1|5", "B|2|", "C||4", "||3"]).await;
    let sql = "SELECT x.id FROM t AS x JOIN t AS y USING (id) WHERE id = 2";
    still_wrong("sql/rules/using_names", sql, &["2"]).await;
}

#[tokio::test]
async fn the_engine_equates_nulls_next_to_null_equal_keys() {
    let sql =
        "SELECT x.id, y.id FROM t AS x JOIN t AS y ON x.d IS NOT DISTINCT FROM y.d WHERE x.b = y.b AND x.id <= y.id";
    still_wrong("sql/rules/guarded_rules", sql, &["1|1", "3|3", "4|4"]).await;
}

#[tokio::test]
async fn the_engine_forgets_how_often_a_row_is_there() {
    let rule = "sql/rules/set_multiplicity";
    still_wrong(rule, "SELECT a FROM t EXCEPT ALL SELECT 'A'", &["", "A", "B", "C"]).await;
    still_wrong(rule, "SELECT a FROM t INTERSECT ALL SELECT 'A'", &["A"]).await;
}

#[tokio::test]
async fn the_engine_stops_at_gaps_where_it_ignores_nulls() {
    let values =
        "(VALUES (1, 10), (2, 20), (3, 30), (4, 40), (5, NULL), (6, NULL), (7, 70), (8, 80), (9, NULL)) AS v (n, x)";
    let sql = format!("SELECT n, LEAD(x, 2) IGNORE NULLS OVER (ORDER BY n) FROM {values}");
    let right = ["1|30", "2|40", "3|70", "4|80", "5|80", "6|80", "7|", "8|", "9|"];
    still_wrong("sql/rules/ignore_nulls", &sql, &right).await;
}

#[tokio::test]
async fn the_engine_breaks_at_orders_that_do_not_matter() {
    let rule = "sql/rules/ordered_aggregates";
    still_wrong(rule, "SELECT d, AVG(id ORDER BY a) FROM t GROUP BY d", &["D1|1.5", "D2|3.5", "|5.0"]).await;
    still_wrong(rule, "SELECT d, FIRST_VALUE(id ORDER BY id, id) FROM t GROUP BY d", &["D1|1", "D2|3", "|5"]).await;
}

#[tokio::test]
async fn the_engine_fails_at_a_change_of_clocks() {
    let sql = "SELECT CAST(CAST('2024-03-10T02:30:00' AS TIMESTAMP) AT TIME ZONE 'America/Los_Angeles' AS BIGINT) / 1000000000";
    still_wrong("sql/rules/time/at_time_zone", sql, &["1710066600"]).await;
}

#[tokio::test]
async fn the_engine_counts_times_in_nanoseconds() {
    let far = "arrow_cast('9999-12-31', 'Timestamp(Microsecond, None)')";
    let trunc = format!("SELECT CAST(date_trunc('month', {far}) AS VARCHAR)");
    still_wrong("sql/rules/time/date_trunc", &trunc, &["9999-12-01T00:00:00"]).await;
    let bin = format!("SELECT CAST(date_bin(INTERVAL '1 day', {far}) AS VARCHAR)");
    still_wrong("sql/rules/time/date_bin", &bin, &["9999-12-31T00:00:00"]).await;
    let cast = format!("SELECT CAST(CAST({far} AS TIMESTAMP) AS VARCHAR)");
    still_wrong("sql/rules/time/microseconds", &cast, &["9999-12-31T00:00:00"]).await;
    let compared = format!("SELECT {far} > CAST({far} AS DATE)");
    still_wrong("sql/rules/time/coercion", &compared, &["false"]).await;
    let text = "SELECT CAST(to_timestamp('9999-12-31') AS VARCHAR)";
    still_wrong("sql/rules/time/to_timestamp", text, &["9999-12-31T00:00:00"]).await;
    let now = format!("SELECT {far} IN (now(), {far})");
    let series = "SELECT value FROM generate_series(CAST('2024-01-01' AS TIMESTAMP(6)), CAST('2024-01-02' AS TIMESTAMP(6)), INTERVAL '1 day')";
    still_wrong("sql/rules/time/series", series, &["2024-01-01T00:00:00", "2024-01-02T00:00:00"]).await;
    still_wrong("sql/rules/time/now", &now, &["true"]).await;
}

#[tokio::test]
async fn the_engine_interpolates_with_a_weight_that_is_cut() {
    let rule = "sql/rules/percentile";
    let values = "(VALUES (1.0), (1.0), (1.0), (1.0), (1.0), (1.0), (1.0), (60000.0)) AS v (x)";
    let sql = format!("SELECT ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(x AS DOUBLE)), 2) FROM {values}");
    still_wrong(rule, &sql, &["18000.7"]).await;
}

#[tokio::test]
async fn the_engine_loses_conditions_that_are_null() {
    let sql = "SELECT x.m FROM (SELECT MAX(id) AS m FROM t) AS x JOIN (SELECT MAX(id) AS m FROM t) AS y ON x.m = NULL";
    still_wrong("sql/null_conditions", sql, &[]).await;
}

#[tokio::test]
async fn the_engine_takes_sliding_counts_for_sorted() {
    let sql = "SELECT COUNT(*) OVER (PARTITION BY d ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM t \
               ORDER BY n LIMIT 3";
    still_wrong("sql/rules/sliding_windows", sql, &["1", "1", "1"]).await;
}

#[tokio::test]
async fn the_engine_pushes_constant_filters_below_totals() {
    let sql = "SELECT x.n FROM (SELECT COUNT(*) AS n FROM t) AS x WHERE 9 < (SELECT COUNT(*) FROM t)";
    still_wrong("sql/rules/guarded_rules", sql, &[]).await;
}

#[tokio::test]
async fn the_engine_merges_lists_and_forgets_null() {
    let rule = "sql/rules/simplification/lists";
    still_wrong(rule, "SELECT id FROM t WHERE b NOT IN ('A') OR b NOT IN ('B')", &["1", "3", "4"]).await;
    still_wrong(rule, "SELECT id FROM t WHERE a IN ('A', 'B') AND a NOT IN ('C', NULL)", &[]).await;
    let two = "SELECT id FROM t WHERE ((b = 'A' OR b = 'B') AND (b = 'X' OR b = 'Y')) IS NULL";
    still_wrong(rule, two, &["2", "5"]).await;
    let columns = "SELECT id FROM t WHERE a IN (NULLIF(a, 'B')) AND a NOT IN (COALESCE(a, 'B'))";
    still_wrong(rule, columns, &[]).await;
    let rule = "sql/rules/simplification/operators";
    still_wrong(rule, "SELECT x XOR x FROM (VALUES (1), (NULL)) AS v (x)", &["", "0"]).await;
    still_wrong(rule, "SELECT id FROM t WHERE (b ~ '.*') IS NULL", &["2", "5"]).await;
    let constant = "SELECT id FROM t WHERE 'A' IN (a) AND 'A' NOT IN (COALESCE(a, b))";
    still_wrong(rule, constant, &[]).await;
    let literal_first =
        "SELECT x.id FROM (SELECT * FROM t WHERE a = 'A') AS x JOIN t AS y ON x.id = y.id AND 'A' = x.a";
    still_wrong(rule, literal_first, &["1", "5"]).await;
}

#[tokio::test]
async fn the_engine_reads_conditions_after_distinct_from_as_its_side() {
    let sql = "SELECT id FROM t WHERE a IS NOT DISTINCT FROM 'A' AND id = 5";
    still_wrong("sql/rules/distinct_from", sql, &["5"]).await;
}

#[tokio::test]
async fn the_engine_binds_some_bitwise_operators_before_others() {
    let sql = "SELECT x << 2 & 3, x | 2 & 4 FROM (VALUES (1)) AS v (x)";
    still_wrong("sql/rules/bitwise_precedence", sql, &["0|0"]).await;
}

#[tokio::test]
async fn the_engine_compares_floats_by_their_bits() {
    let rule = "sql/floats";
    let values = "(VALUES (1, CAST('-0.0' AS DOUBLE)), (2, CAST('0.0' AS DOUBLE))) AS v (n, x)";
    still_wrong(rule, &format!("SELECT NULLIF(x, 0.0) IS NULL FROM {values}"), &["true", "true"]).await;
    still_wrong(rule, &format!("SELECT x IN (1.0, 2.0, 3.0, 0.0) FROM {values}"), &["true", "true"]).await;
    still_wrong(rule, &format!("SELECT CASE x WHEN 0.0 THEN 'zero' END FROM {values}"), &["zero", "zero"]).await;
    still_wrong(rule, &format!("SELECT COUNT(*) OVER (PARTITION BY x) FROM {values}"), &["2", "2"]).await;
    still_wrong(rule, &format!("SELECT RANK() OVER (ORDER BY x) FROM {values}"), &["1", "1"]).await;
    still_wrong(rule, "SELECT x = -x FROM (VALUES (CAST('NaN' AS DOUBLE))) AS v (x)", &["true"]).await;
    let extremes = "SELECT MAX(x), MIN(-x) FROM (VALUES (1, CAST('-Infinity' AS DOUBLE))) AS v (g, x) GROUP BY g";
    still_wrong("sql/floats/extremes", extremes, &["-inf|inf"]).await;
}

#[tokio::test]
async fn the_engine_takes_numbers_away_from_sums() {
    let sql = "SELECT SUM(x) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM \
               (VALUES (1, 1e300), (2, 1.0), (3, 2.0)) AS v (n, x)";
    still_wrong("sql/floats/sliding", sql, &["1e300", "1e300", "3.0"]).await;
}

#[tokio::test]
async fn the_engine_loses_the_order_of_expressions_of_windows() {
    let sql = "SELECT x, SUM(x) OVER (PARTITION BY abs(x % 3) ORDER BY x) FROM (VALUES (1), (-2), (4)) AS v (x)";
    still_wrong("sql/rules/window_keys", sql, &["-2|-2", "1|1", "4|5"]).await;
}

#[tokio::test]
async fn the_engine_leaves_out_a_sort_by_what_a_filter_holds_constant() {
    let sql = format!(
        "{TABLES}SELECT n, SUM(n) OVER (PARTITION BY d ORDER BY n) FROM (SELECT id AS n, CASE WHEN id > 2 THEN d ELSE 'D1' END \
         AS d FROM (SELECT id, d, ROW_NUMBER() OVER (PARTITION BY id ORDER BY b) AS r FROM t) WHERE r = 1 \
         UNION ALL SELECT id + 5, d FROM t) AS u WHERE d = 'D1'"
    );
    let answer = ask_in_streams(&sql, 1).await;
    let is_fixed = answer.is_ok_and(|rows| rows == ["1|1", "2|3", "6|9", "7|16"]);
    assert!(!is_fixed, "the engine answers this right now, so that sql/rules/requirements may go:\n{sql}");
}

#[tokio::test]
async fn the_engine_looks_filters_up_by_name() {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let sql = format!(
        "{TABLES}SELECT * FROM (SELECT id AS v FROM t WHERE id < 3) AS a LEFT JOIN (SELECT id AS v FROM t WHERE id = 2) AS b \
         ON a.v = b.v"
    );
    let count = async |rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>| {
        let join = context.sql(&sql).await.expect("a query").create_physical_plan().await.expect("a plan");
        let of_the_right = Arc::new(IsNullExpr::new(Arc::new(Column::new("v", 1))));
        let streams = Arc::new(RepartitionExec::try_new(join, Partitioning::RoundRobinBatch(2)).expect("a step"));
        let plan: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(of_the_right, streams).expect("a filter"));
        let plan = rule.optimize(plan, context.state().config_options()).expect("a plan");
        let batches = collect(plan, context.task_ctx()).await.expect("rows");
        batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>()
    };
    let ours = physical_rules().into_iter().find(|rule| rule.name() == FilterPushdown::new().name());
    assert_eq!(count(ours.expect("the rule")).await, 1);
    assert_ne!(count(Arc::new(FilterPushdown::new())).await, 1, "filter_pushdown may go");
}

#[tokio::test]
async fn the_engine_wraps_numbers_and_cuts_intervals_to_pieces() {
    // Right is an error; no rows are right either way.
    let refuses = async |sql: &str| ask(sql).await.is_err();
    for (rule, sql) in [
        ("overflow/arithmetic", "SELECT x + 1 FROM (VALUES (9223372036854775807)) AS v (x)"),
        ("overflow/sum", "SELECT SUM(x) FROM (VALUES (9223372036854775807), (1)) AS v (x)"),
        ("overflow/shift", "SELECT x << 64 FROM (VALUES (3)) AS v (x)"),
        (
            "overflow/distinct_sum",
            "SELECT SUM(DISTINCT x), COUNT(DISTINCT y) FROM (VALUES (9223372036854775807, 1), (1, 2)) AS v (x, y)",
        ),
        (
            "overflow/average",
            "SELECT AVG(arrow_cast(x, 'Duration(Microsecond)')) FROM (VALUES (9223372036854775807), (1)) AS v (x)",
        ),
        (
            "overflow/precision",
            "SELECT x + x FROM (VALUES (CAST('60000000000000000000000000000000000000' AS DECIMAL(38, 0)))) AS v (x)",
        ),
    ] {
        assert!(
            !refuses(sql).await,
            "the engine refuses this right now, so that {rule} may go (see docs/sql.md):\n{sql}"
        );
    }
    still_wrong("sql/intervals", "SELECT INTERVAL '25 hours' > INTERVAL '1 day'", &["true"]).await;
    let seconds = "SELECT date_part('epoch', arrow_cast('2024-01-01', 'Timestamp(Second, None)') - \
                   arrow_cast('1900-01-01', 'Timestamp(Second, None)'))";
    still_wrong("functions/duration_part", seconds, &["3913056000.0"]).await;
}

use serde_json::{Value, json};

use super::{Asked, ask, case, ingest, same_as_duckdb};
use crate::harness::Bench;

/// Rows with and without each of three columns, some of which are equal in value.
fn cases() -> Vec<Value> {
    let columns = [
        [Some("A"), Some("A"), Some("A")],
        [Some("B"), Some("A"), None],
        [None, Some("B"), Some("C")],
        [Some("C"), None, Some("C")],
        [Some("A"), None, None],
        [None, None, None],
        [Some("E"), Some("E"), Some("B")],
        [Some("D"), Some("C"), Some("D")],
    ];
    let row = |(number, values): (u32, &[Option<&str>; 3])| {
        let names = ["category", "district", "status"];
        let known: Vec<(&str, &str)> =
            names.into_iter().zip(values).filter_map(|(name, value)| Some((name, (*value)?))).collect();
        case(number, "2024-02-01T00:00:00.000", &known)
    };
    (1..).zip(&columns).map(row).collect()
}

/// Conditions on one column: lists, and what becomes a list.
const CONDITIONS: [&str; 14] = [
    "category IN ('A', 'B')",
    "category IN ('B', 'C', 'D', 'E')",
    "category NOT IN ('A')",
    "category NOT IN ('A', 'B', 'C', 'D')",
    "category IN ('A', NULL)",
    "category NOT IN ('B', NULL)",
    "(category = 'A' OR category = 'C')",
    "NOT (category <> 'B' AND category <> 'C')",
    "category = 'A'",
    "category LIKE 'B'",
    "category IN (district, 'B')",
    "category NOT IN (status)",
    "'A' IN (category, status)",
    "'A' NOT IN (district)",
];

#[tokio::test(flavor = "multi_thread")]
async fn lists_over_one_column_keep_their_nulls() {
    let mut asked: Vec<Asked> = Vec::new();
    for (first, one) in CONDITIONS.into_iter().enumerate() {
        let others = |form: &str| {
            let with_other = |(number, other): (usize, &str)| {
                form.replace("{one}", one).replace("{other}", other).replace("{n}", &number.to_string())
            };
            CONDITIONS.into_iter().enumerate().skip(first).map(with_other).collect::<Vec<_>>().join(", ")
        };
        let values = others("({one}) AND ({other}) AS a{n}, ({other}) OR ({one}) AS o{n}");
        asked.push(ask(format!("SELECT id, {values} FROM incidents")));
        let counts = others("COUNT(*) FILTER (WHERE NOT (({other}) AND ({one}))) AS n{n}");
        asked.push(ask(format!("SELECT {counts} FROM incidents")));
        let other = CONDITIONS[(first + 1) % CONDITIONS.len()];
        asked.push(ask(format!("SELECT id FROM incidents WHERE ({one}) OR ({other})")));
        asked.push(ask(format!("SELECT id FROM incidents WHERE (({one}) AND ({other})) IS NULL")));
    }
    same_as_duckdb("lists_over_one_column_keep_their_nulls", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_meet_in_one_condition_keep_their_nulls() {
    let asked = [
        "SELECT category, COUNT(*) AS n FROM incidents GROUP BY category \
         HAVING category NOT IN ('A', 'B') OR category NOT IN ('C')",
        "SELECT MAX(status) AS v FROM incidents GROUP BY district HAVING NOT (MAX(status) IN ('A') AND MAX(status) IN ('B'))",
        "SELECT id FROM (SELECT * FROM incidents WHERE category IN ('A', 'B', 'C')) AS t WHERE category NOT IN ('A', NULL)",
        "SELECT id FROM (SELECT * FROM incidents WHERE category IN (district)) AS t WHERE category NOT IN (status)",
        "SELECT id, (category IN (district)) AND (category IN (status)) AS v FROM incidents",
        "SELECT a.id, b.id AS other FROM incidents a JOIN incidents b ON a.category = b.category \
         AND (a.status NOT IN ('A') OR a.status NOT IN ('C')) WHERE a.category NOT IN ('A') OR b.category NOT IN ('D')",
        "SELECT a.id, b.id AS other FROM incidents a LEFT JOIN incidents b ON a.category = b.district \
         WHERE b.district NOT IN ('A') OR b.district NOT IN ('B')",
        "SELECT a.id, b.id AS other FROM incidents a LEFT JOIN incidents b ON a.category IN (b.district, b.status) \
         AND a.category NOT IN (b.status)",
        "SELECT category NOT IN ('A') OR category NOT IN ('B') AS v, COUNT(*) AS n FROM incidents GROUP BY 1",
        "SELECT id, SUM(CASE WHEN category IN ('A') AND category NOT IN ('B', NULL) THEN 1 END) OVER (ORDER BY id) AS v \
         FROM incidents",
        "SELECT id FROM incidents o WHERE EXISTS (SELECT 1 FROM incidents i WHERE i.district IN (o.category) \
         AND i.district NOT IN (o.status))",
        "SELECT id FROM incidents WHERE CAST(id AS BIGINT) IN (1, 2, 3, 4, 5) AND CAST(id AS BIGINT) NOT IN (2, NULL)",
        "SELECT id FROM incidents WHERE upper(category) NOT IN ('A') OR upper(category) NOT IN ('B')",
        "SELECT id, (category IN ('A', 'B') AND (status IN ('A') OR district IN ('A'))) OR (category IN ('A', 'B') \
         AND NOT (category IN ('A', 'B') OR status = 'C')) AS v FROM incidents",
        "SELECT id FROM incidents ORDER BY (category IN ('A') AND category IN ('B')) NULLS FIRST, id LIMIT 3",
        // The sides of comparisons in the condition of a join.
        "SELECT a.id FROM (SELECT * FROM incidents WHERE category = 'A') AS a JOIN incidents b ON a.id = b.id \
         AND 'A' = a.category",
        "SELECT a.id FROM (SELECT * FROM incidents WHERE category >= 'B') AS a JOIN incidents b ON a.id = b.id \
         AND 'B' < a.category",
        "SELECT a.id FROM incidents a JOIN incidents b ON a.id = b.id AND a.category <= 'B' AND 'B' > a.category",
    ];
    let asked: Vec<Asked> = asked.into_iter().map(ask).collect();
    same_as_duckdb("lists_that_meet_in_one_condition_keep_their_nulls", &cases(), &asked).await;
}

#[test]
fn conditions_on_null_are_null() {
    let bench = Bench::synthetic(1);
    let program = bench.program();
    ingest(&bench, &program, &cases());
    let values = "(VALUES (1, 1, 'a'), (NULL, 2, NULL), (3, 3, '')) AS t (x, y, s)";
    for (sql, expected) in [
        ("x NOT IN (1, 2) OR x NOT IN (3)", json!([true, null, true])),
        ("x IN (1) AND x NOT IN (NULL)", json!([null, null, false])),
        ("(x IN (1, 2) AND x IN (3, 4)) IS NULL", json!([false, true, false])),
        ("(x = 1 OR x = 2) AND (x = 3 OR x = 4)", json!([false, null, false])),
        ("x IN (y) AND x NOT IN (y + 0)", json!([false, null, false])),
        ("1 IN (x) AND 1 NOT IN (y)", json!([false, null, false])),
        ("x XOR x", json!([0, null, 0])),
        ("(x XOR 7) XOR x", json!([7, null, 7])),
        ("x XOR (7 XOR x)", json!([7, null, 7])),
        ("s ~ '.*'", json!([true, null, true])),
        ("s !~ '.*'", json!([false, null, false])),
        ("regexp_like(s, '.*')", json!([true, null, true])),
        ("s ~ '^(a|b)$' AND s ~ '^(c|d)$'", json!([false, null, false])),
        ("array_has(['a', 'b'], s) AND array_has(['c', 'd'], s)", json!([false, null, false])),
        ("x = 1 AND x <> 2 OR x IN (5, 6) AND x NOT IN (6)", json!([true, null, false])),
    ] {
        let rows = program.sql(&format!("SELECT {sql} AS v FROM {values} ORDER BY y"));
        let found: Vec<&Value> = rows.iter().map(|row| &row["v"]).collect();
        assert_eq!(json!(found), expected, "{sql}");
    }
    let zeros = "SELECT COUNT(*) AS n FROM (VALUES (CAST('0.0' AS DOUBLE)), (CAST('-0.0' AS DOUBLE))) AS t (x) \
                 WHERE x IN (0.0, 1.0) AND x = 0.0 AND x <> CAST('-0.0' AS DOUBLE)";
    assert_eq!(json!(program.sql(zeros)), json!([{"n": 0}]));
}

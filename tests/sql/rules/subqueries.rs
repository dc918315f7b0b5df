use super::{Asked, ask, case, same_as_duckdb};

fn cases() -> Vec<serde_json::Value> {
    vec![
        case(
            1,
            "2024-01-01T01:00:00.000",
            &[("category", "A"), ("subcategory", "X"), ("district", "D1"), ("status", "Open")],
        ),
        case(2, "2024-01-02T01:00:00.000", &[("category", "B"), ("district", "D1"), ("status", "Closed")]),
        case(3, "2024-01-03T01:00:00.000", &[("subcategory", "B"), ("district", "D2"), ("status", "Closed")]),
        case(
            4,
            "2024-01-04T01:00:00.000",
            &[("category", "C"), ("subcategory", "A"), ("district", "D2"), ("status", "Closed")],
        ),
        case(5, "2024-01-05T01:00:00.000", &[("category", "A"), ("status", "Closed")]),
        case(6, "2024-01-06T01:00:00.000", &[("category", "D"), ("subcategory", "D"), ("district", "D3")]),
        case(
            7,
            "2024-01-06T01:00:00.000",
            &[("category", "A"), ("subcategory", "A"), ("district", "D3"), ("status", "Open")],
        ),
    ]
}

/// Returns expressions for a place where a subquery may be null, true or false.
fn values() -> Vec<String> {
    let mut values = Vec::new();
    for of in ["o.category", "'Z'", "NULLIF('a', 'a')"] {
        for (set, how) in [("IN", "="), ("NOT IN", "<>")] {
            for from in [
                "incidents i",
                "incidents i WHERE i.subcategory IS NOT NULL",
                "incidents i WHERE FALSE",
                "incidents i WHERE i.district = o.district",
                "incidents i WHERE i.district = o.district AND i.subcategory IS NOT NULL",
                "incidents i WHERE i.occurred_at > o.occurred_at",
                "incidents i WHERE i.subcategory = o.category",
                "incidents i JOIN incidents j ON i.id = j.id AND j.district = o.district",
            ] {
                values.push(format!("{of} {set} (SELECT i.subcategory FROM {from})"));
                if of == "o.category" {
                    let (all, other) = if how == "=" { ("ANY", "< ANY") } else { ("ALL", ">= ALL") };
                    values.push(format!("{of} {how} {all} (SELECT i.subcategory FROM {from})"));
                    values.push(format!("{of} {other} (SELECT i.subcategory FROM {from})"));
                }
            }
        }
    }
    for not in ["", "NOT "] {
        for query in [
            "SELECT 1 FROM incidents i WHERE i.subcategory = o.category",
            "SELECT 1 FROM incidents i WHERE FALSE",
            "SELECT COUNT(*) FROM incidents i WHERE i.subcategory = o.category",
            "SELECT MAX(i.id) FROM incidents i WHERE i.subcategory = o.category HAVING COUNT(*) > 1",
            "SELECT i.district FROM incidents i WHERE i.subcategory = o.category GROUP BY i.district HAVING COUNT(*) > 1",
            "SELECT 1 FROM incidents a LEFT JOIN (SELECT * FROM incidents WHERE subcategory = o.category) AS b ON a.id = b.id WHERE b.id IS NULL",
            "SELECT 1 FROM incidents a FULL JOIN (SELECT * FROM incidents WHERE subcategory = o.category) AS b ON a.category = b.subcategory WHERE a.id IS NULL OR b.id IS NULL",
            "SELECT 1 FROM incidents i WHERE i.subcategory = o.category GROUP BY ROLLUP(i.subcategory)",
            "SELECT i.subcategory FROM incidents i WHERE i.subcategory = o.category GROUP BY ROLLUP(i.subcategory) HAVING COUNT(*) > 1",
            "SELECT i.id FROM incidents i WHERE i.district = o.district EXCEPT SELECT j.id FROM incidents j WHERE j.category = o.category",
            "SELECT i.id FROM incidents i WHERE i.district = o.district INTERSECT ALL SELECT j.id FROM incidents j WHERE j.category = o.category",
            "SELECT i.id FROM incidents i WHERE i.district = o.district UNION ALL SELECT j.id FROM incidents j WHERE j.subcategory = o.category",
            "SELECT 1 FROM incidents i WHERE i.district = o.district AND EXISTS (SELECT 1 FROM incidents j WHERE j.category = i.subcategory AND j.district = o.district)",
            "SELECT 1 FROM incidents i WHERE i.category NOT IN (SELECT j.subcategory FROM incidents j WHERE j.district = o.district)",
            "SELECT 1 FROM (SELECT i.id, ROW_NUMBER() OVER (ORDER BY i.id) AS r FROM incidents i WHERE i.district = o.district) AS w WHERE w.r = 2 AND w.id = o.id",
            "SELECT 1 FROM (SELECT i.id FROM incidents i WHERE i.district = o.district ORDER BY i.id DESC LIMIT 1) AS w WHERE w.id = o.id",
            "SELECT 1 FROM incidents i WHERE i.district = o.district OFFSET 1",
        ] {
            values.push(format!("{not}EXISTS ({query})"));
        }
    }
    values
}

fn asked() -> Vec<Asked> {
    let mut asked = Vec::new();
    for (at, value) in values().into_iter().enumerate() {
        if at % 2 == 0 {
            asked.push(ask(format!("SELECT o.id, {value} AS v FROM incidents o")));
        }
        // Each is in one of the other places.
        asked.push(ask(match at % 6 {
            0 => format!("SELECT o.id FROM incidents o WHERE {value}"),
            1 => format!("SELECT o.id FROM incidents o WHERE o.status = 'Open' OR {value}"),
            2 => format!("SELECT o.id FROM incidents o WHERE NOT ({value}) AND o.category <> 'B'"),
            3 => format!("SELECT SUM(CASE WHEN {value} THEN 1 ELSE 10 END) AS n, COUNT(*) FILTER (WHERE {value}) AS m FROM incidents o"),
            4 => format!("SELECT {value} AS v, COUNT(*) AS n FROM incidents o GROUP BY {value}"),
            _ => format!("SELECT o.id, CASE WHEN {value} THEN 'yes' WHEN NOT ({value}) THEN 'no' ELSE 'unknown' END AS v FROM incidents o WHERE o.category <> 'D' AND {value} IS NOT TRUE"),
        }));
    }
    let scalars = [
        "SELECT COUNT(*) FROM incidents i WHERE i.subcategory = o.category",
        "SELECT COUNT(i.subcategory) + 1 FROM incidents i WHERE i.district = o.district",
        "SELECT MAX(i.id) FROM incidents i WHERE i.subcategory = o.category",
        "SELECT COUNT(*) FROM incidents i WHERE i.subcategory = o.category HAVING COUNT(*) > 0",
        "SELECT i.id FROM incidents i WHERE i.district = o.district ORDER BY i.id LIMIT 1",
        "SELECT i.id FROM incidents i WHERE i.district = o.district ORDER BY i.id DESC LIMIT 1 OFFSET 1",
        "SELECT MAX(i.id) FROM incidents i",
        "SELECT i.status FROM incidents i WHERE i.id = CASE o.category WHEN 'A' THEN '1' WHEN 'B' THEN '3' END",
        "SELECT SUM(n) FROM (SELECT COUNT(*) AS n FROM incidents i WHERE i.district = o.district GROUP BY i.category) AS g",
    ];
    for scalar in scalars {
        asked.push(ask(format!("SELECT o.id, ({scalar}) AS v FROM incidents o")));
        asked.push(ask(format!("SELECT o.id FROM incidents o WHERE ({scalar}) IS NULL OR o.id = '1'")));
        asked.push(ask(format!(
            "SELECT o.district, COUNT(*) AS n FROM incidents o GROUP BY o.district HAVING ({}) IS NOT NULL",
            scalar.replace("o.category", "o.district")
        )));
    }
    for query in [
        "SELECT o.id, l.n FROM incidents o CROSS JOIN LATERAL (SELECT COUNT(*) AS n FROM incidents i WHERE i.subcategory = o.category) AS l",
        "SELECT o.id, l.id AS next FROM incidents o LEFT JOIN LATERAL (SELECT i.id FROM incidents i WHERE i.district = o.district AND i.id > o.id ORDER BY i.id LIMIT 1) AS l ON TRUE",
        "SELECT o.id FROM incidents o JOIN incidents p ON o.id = p.id AND o.category NOT IN (SELECT i.subcategory FROM incidents i WHERE i.district = p.district)",
        "SELECT t.id FROM (SELECT * FROM incidents ORDER BY id LIMIT 3) AS t WHERE NOT EXISTS (SELECT 1 FROM incidents i WHERE i.subcategory = t.category)",
        "SELECT 1 IN (SELECT 1) AS a, 1 NOT IN (SELECT NULL) AS b, EXISTS (SELECT 1 WHERE FALSE) AS c, 2 > ALL (SELECT 1) AS d",
        "WITH w AS (SELECT category, COUNT(*) AS n FROM incidents GROUP BY category) SELECT w.category, w.n FROM w WHERE w.n >= (SELECT MAX(v.n) FROM w AS v WHERE v.category <> w.category)",
        "SELECT o.id FROM incidents o WHERE o.category = (SELECT MAX(i.subcategory) FROM incidents i WHERE o.subcategory NOT IN (SELECT j.id FROM incidents j))",
        "SELECT COUNT(*) AS n FROM incidents WHERE NOT (category IN (SELECT subcategory FROM incidents))",
        "SELECT id FROM incidents ORDER BY (SELECT COUNT(*) FROM incidents i WHERE i.subcategory = incidents.category), id LIMIT 2",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5 AND NOT EXISTS (SELECT 1 FROM incidents i WHERE CAST(i.id AS BIGINT) = r.n AND i.id = '3')) SELECT n FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 9) SELECT n, (SELECT COUNT(*) FROM incidents i WHERE CAST(i.id AS BIGINT) >= r.n) AS m FROM r",
        "SELECT t.id FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n FROM incidents) AS t WHERE NOT EXISTS (SELECT 1 FROM incidents i WHERE CAST(i.id AS BIGINT) = t.n + 1)",
    ] {
        asked.push(ask(query));
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn subqueries_know_what_is_unknown_wherever_they_stand() {
    same_as_duckdb("subqueries_know_what_is_unknown_wherever_they_stand", &cases(), &asked()).await;
}

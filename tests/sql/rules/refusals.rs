use serde_json::json;

use crate::harness::{Bench, CASES_RESOURCE};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_right_is_refused_in_words() {
    let bench = Bench::synthetic(100);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    for (query, says) in [
        (
            "SELECT a.category FROM incidents a FULL JOIN counts b USING (category)",
            "write ON a.category = b.category, and COALESCE(a.category, b.category)",
        ),
        ("SELECT a.* FROM incidents a RIGHT JOIN counts b USING (category)", "write ON a.category = b.category"),
        (
            "SELECT o.n, (SELECT i.n FROM (VALUES (1), (1)) AS i (n) WHERE i.n = o.n) AS v FROM (VALUES (1)) AS o (n)",
            "has more than one row; give it an aggregate or LIMIT 1",
        ),
        (
            "SELECT 1 FROM incidents a LEFT JOIN incidents b ON EXISTS (SELECT 1 FROM counts c WHERE c.category = a.category)",
            "a subquery is not supported in the ON of an outer join; write it in WHERE",
        ),
        (
            "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY occurred_at) AS n FROM incidents) AS t WHERE 1 NOT IN (SELECT c.count FROM counts c WHERE c.count = t.n)",
            "write it as a JOIN",
        ),
        (
            "SELECT category FROM incidents NATURAL FULL JOIN (SELECT category FROM counts) AS c WHERE category = 'A'",
            "write USING with its keys instead of NATURAL",
        ),
        (
            "SELECT 1 FROM incidents WHERE EXISTS (SELECT 1 FROM (VALUES ('A')) AS a (status) NATURAL JOIN (VALUES ('A')) AS b (status) WHERE status = 'B')",
            "write USING with its keys instead of NATURAL",
        ),
        ("SELECT LEAD(id, 0) IGNORE NULLS OVER (ORDER BY id) FROM incidents", "without IGNORE NULLS"),
        ("SELECT occurred_at AT TIME ZONE 'Mars' FROM incidents", "`Mars` is not a time zone; write one such as"),
        (
            "SELECT id FROM incidents WHERE occurred_at >= '2024-01-05T00:00:00+02:00'",
            "has the zone `+02:00`; times are the city's wall clock: leave it out",
        ),
        ("SELECT CAST('2024-01-05 00:00:00 America/Denver' AS TIMESTAMP) AS t", "has the zone `America/Denver`"),
        ("SELECT TIMESTAMP '2024-01-05T00:00:00-0800' AS t", "has the zone `-0800`"),
        (
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM incidents WHERE occurred_at BETWEEN '2024-01-05' AND '2024-01-06T00:00:00+01:00')",
            "has the zone `+01:00`",
        ),
        ("SELECT date_trunc('fortnight', occurred_at) FROM incidents", "`fortnight` is not a unit of date_trunc"),
        (
            "SELECT * FROM incidents PIVOT (count(*) FOR status IN ('Open'))",
            "the engine does not support this: Unsupported ast node Pivot",
        ),
        (
            "SELECT * FROM generate_series(TIMESTAMP '1500-01-01', TIMESTAMP '1500-01-03', INTERVAL '1 day')",
            "a series of timestamps begins and ends between the years 1677 and 2262",
        ),
        ("SELECT percentile_cont(2) WITHIN GROUP (ORDER BY latitude) FROM incidents", "is from 0 to 1"),
    ] {
        let answer = serving.post_json("/sql", &json!({"query": query})).await;
        let told = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.status, 400, "{query}: {told}");
        assert!(told.contains(says) && !told.contains("TokenWithSpan"), "{query}: {told}");
    }
}

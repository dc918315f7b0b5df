use super::{Asked, ask, ask_as, case, same_as_duckdb};

fn cases() -> Vec<serde_json::Value> {
    let known = ["10", "20", "30", "40", "", "", "70", "80", ""];
    let gaps = ["", "1", "", "", "", "2", "3", "", "4"];
    let of = |first: u32, district: &'static str, statuses: [&'static str; 9]| {
        (1_u32..).zip(statuses).map(move |(n, status)| {
            let at = format!("2024-{:02}-{n:02}T00:00:00.000", first / 10 + 1);
            let mut more = vec![("district", district)];
            if !status.is_empty() {
                more.push(("status", status));
            }
            case(first + n, &at, &more)
        })
    };
    of(0, "D", known).chain(of(10, "E", gaps)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_ignore_nulls_look_across_gaps() {
    let mut asked = Vec::new();
    // DuckDB writes the words within the parentheses.
    let mut add = |sql: String| asked.push(ask_as(sql.clone(), sql.replace(") IGNORE NULLS", " IGNORE NULLS)")));
    for function in ["LEAD", "LAG"] {
        for arguments in [
            "status",
            "status, 1",
            "status, 2",
            "status, 3",
            "status, 20",
            "status, -1",
            "status, 2, 'none'",
            "status, -2, 'none'",
            "status || '!', 2",
        ] {
            for over in ["PARTITION BY district ORDER BY occurred_at", "ORDER BY district DESC, occurred_at"] {
                add(format!("SELECT id, {function}({arguments}) IGNORE NULLS OVER ({over}) AS v FROM incidents"));
            }
        }
        add(format!(
            "SELECT id, {function}(status) IGNORE NULLS OVER (PARTITION BY district ORDER BY occurred_at) AS v FROM incidents WHERE district = 'E' ORDER BY occurred_at LIMIT 1"
        ));
        add(format!(
            "SELECT id, {function}(CAST(status AS BIGINT), 2) IGNORE NULLS OVER w AS v, {function}(status, 2) OVER w AS u FROM incidents WINDOW w AS (PARTITION BY district ORDER BY occurred_at)"
        ));
        add(format!(
            "SELECT id FROM (SELECT id, {function}(status, 2) IGNORE NULLS OVER (PARTITION BY district ORDER BY occurred_at) AS v FROM incidents) AS t WHERE v IS NULL"
        ));
    }
    for function in ["FIRST_VALUE(status)", "LAST_VALUE(status)", "NTH_VALUE(status, 2)"] {
        for frame in [
            "",
            "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
            "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
            "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
            "ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING",
            "ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING",
            "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
        ] {
            for order in ["occurred_at", "occurred_at DESC"] {
                add(format!(
                    "SELECT id, {function} IGNORE NULLS OVER (PARTITION BY district ORDER BY {order} {frame}) AS v FROM incidents"
                ));
            }
        }
    }
    same_as_duckdb("windows_that_ignore_nulls_look_across_gaps", &cases(), &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_an_aggregate_over_a_window_is_kept() {
    let mut asked: Vec<Asked> = Vec::new();
    for frame in [
        "ROWS BETWEEN 3 PRECEDING AND CURRENT ROW",
        "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
        "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
        "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
        "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    ] {
        for call in ["COUNT(*)", "COUNT(status)", "MIN(id)", "MAX(id)", "SUM(CAST(id AS BIGINT))"] {
            for partition in ["", "PARTITION BY district", "PARTITION BY status"] {
                for direction in ["ASC", "DESC"] {
                    asked.push(ask(format!(
                        "SELECT {call} OVER ({partition} ORDER BY occurred_at, id {frame}) AS v FROM incidents \
                         ORDER BY v {direction} NULLS LAST LIMIT 6"
                    )));
                }
            }
        }
    }
    same_as_duckdb("an_order_by_an_aggregate_over_a_window_is_kept", &cases(), &asked).await;
}

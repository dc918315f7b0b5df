//! SQL that the unmodified engine answers wrongly or fails on: the rows are those of DuckDB over the same published
//! rows, or written out; before compaction, with batches pending, and after it.

mod aggregates;
mod conditions;
mod joins;
mod refusals;
mod subqueries;
mod times;
mod windows;

use std::io::Write as _;
use std::process::{Command, Stdio};

use lake_testkit::{Program, Running, missing_tool};
use serde_json::{Map, Value, json};

use crate::harness::Bench;

/// Returns a published case; unknown values are absent.
pub(crate) fn case(id: u32, at: &str, more: &[(&str, &str)]) -> Value {
    let mut row = Map::from_iter([
        ("service_request_id".to_owned(), id.to_string().into()),
        ("requested_datetime".to_owned(), at.into()),
        ("lat".to_owned(), "37.7793".into()),
        ("long".to_owned(), "-122.4193".into()),
    ]);
    for (column, value) in more {
        let column = match *column {
            "category" => "service_name",
            "subcategory" => "service_subtype",
            "district" => "police_district",
            "status" => "status_description",
            "closed" => "closed_date",
            other => other,
        };
        row.insert(column.to_owned(), (*value).into());
    }
    Value::Object(row)
}

/// A question, and in other words for DuckDB where it needs them.
pub(crate) struct Asked {
    sql: String,
    in_duckdb: String,
}

/// Creates a question in SQL that both engines support. Its columns have unique names.
pub(crate) fn ask(sql: impl Into<String>) -> Asked {
    let sql = sql.into();
    Asked { in_duckdb: sql.clone(), sql }
}

/// Creates a question with another SQL text for DuckDB.
pub(crate) fn ask_as(sql: impl Into<String>, in_duckdb: impl Into<String>) -> Asked {
    Asked { sql: sql.into(), in_duckdb: in_duckdb.into() }
}

/// Returns a value for comparison: a number as a number, a time without `T`.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().expect("a number");
            format!("{:.9}", number + 0.0).trim_end_matches('0').trim_end_matches('.').into()
        }
        Value::String(text) => {
            let is_time = text.len() >= 19 && text.as_bytes()[10] == b'T';
            if is_time { text.replacen('T', " ", 1).trim_end_matches('Z').into() } else { text.as_str().into() }
        }
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

/// Sorts rows for comparison.
pub(crate) fn sorted(rows: &[Value]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| plain(row).to_string()).collect();
    rows.sort();
    rows
}

/// Returns the rows of an answer of `/sql`.
pub(crate) async fn rows(serving: &Running, sql: &str) -> Vec<Value> {
    let answer = serving.post_json("/sql", &json!({"query": sql})).await;
    assert_eq!(answer.status, 200, "{sql}\n{}", answer.text());
    answer.json().as_array().expect("an array").clone()
}

fn ingest(bench: &Bench, program: &Program, rows: &[Value]) {
    let file = bench.folder.path().join("rows.json");
    std::fs::write(&file, Value::from(rows).to_string()).expect("a file");
    program.run(&["ingest", "311-cases", "--file", file.to_str().expect("a path")]).success();
}

fn oracle(rows: &[Value], asked: &[Asked]) -> Option<Vec<Vec<Value>>> {
    let python = std::env::var_os("HOTSPOTS_PYTHON")?;
    let mut child = Command::new(python)
        .args(["-c", include_str!("oracle.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let queries: Vec<&str> = asked.iter().map(|asked| asked.in_duckdb.as_str()).collect();
    let given = json!({"rows": rows, "queries": queries}).to_string();
    child.stdin.take().expect("a pipe").write_all(given.as_bytes()).expect("DuckDB listens");
    let output = child.wait_with_output().expect("DuckDB ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Asks everything of a lake of these rows in its three states, over HTTP, and once by the command `sql`.
pub(crate) async fn same_as_duckdb(test: &str, cases: &[Value], asked: &[Asked]) {
    let Some(expected) = oracle(cases, asked) else {
        missing_tool(
            test,
            "a Python with duckdb",
            "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to it",
        );
        return;
    };
    let bench = Bench::synthetic(1);
    let program = bench.program();
    let (first, rest) = cases.split_at(cases.len() / 2);
    ingest(&bench, &program, first);
    ingest(&bench, &program, rest);
    compare(&program, "nothing is compacted", &asked.iter().zip(&expected).collect::<Vec<_>>()).await;
    // The same rows, half of them pending; of the questions, some.
    let bench = Bench::synthetic(1);
    let program = bench.program();
    ingest(&bench, &program, first);
    program.run(&["compact"]).success();
    ingest(&bench, &program, rest);
    let of_three = |part: usize| asked.iter().zip(&expected).skip(part).step_by(3).collect::<Vec<_>>();
    compare(&program, "half is compacted", &of_three(0)).await;
    program.run(&["compact"]).success();
    compare(&program, "all is compacted", &of_three(1)).await;
    // Each call is a process of its own.
    for (asked, expected) in asked.iter().zip(&expected).step_by(16) {
        assert_eq!(sorted(&program.sql(&asked.sql)), sorted(expected), "`sql`: {}", asked.sql);
    }
}

async fn compare(program: &Program, state: &str, asked: &[(&Asked, &Vec<Value>)]) {
    let serving = program.spawn_serving(&["serve"]);
    let mut wrong = Vec::new();
    for (asked, expected) in asked {
        let answer = serving.post_json("/sql", &json!({"query": asked.sql})).await;
        let (got, expected) = match answer.status {
            200 => (sorted(answer.json().as_array().expect("an array")), sorted(expected)),
            _ => (vec![answer.text()], sorted(expected)),
        };
        if got != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  got      {got:?}", asked.sql));
        }
    }
    assert!(wrong.is_empty(), "{state}:\n{}", wrong.join("\n"));
}

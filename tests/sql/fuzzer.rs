//! Generated SQL against DuckDB on the same rows, and against itself, in every state of a lake.
//!
//! The queries, the lakes and what is compared are in `tests/sql_fuzz`; it is run by hand as well.

use std::path::PathBuf;
use std::process::Command;

use crate::python::python_with;

/// Queries for each state of a lake: a minute in all, and an hour in the long run.
const QUERIES: &str = "400";
const LONG_QUERIES: &str = "20000";
/// Fixed, so that a failure is seen again; others are for runs by hand.
const SEED: &str = "311";

fn fuzz(state: &str) {
    let test = format!("generated_sql_is_right_while_the_lake_is_{state}");
    let Some(python) = python_with(&test, "deltalake, duckdb, pyarrow") else { return };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sql_fuzz");
    let queries = if std::env::var_os("HOTSPOTS_LONG").is_some() { LONG_QUERIES } else { QUERIES };
    let run = Command::new(python)
        .arg("-B")
        .arg(script)
        .args([
            "--program",
            env!("CARGO_BIN_EXE_hotspots-lake"),
            "--state",
            state,
            "--seed",
            SEED,
            "--queries",
            queries,
        ])
        .env_remove("HOTSPOTS_LAKE")
        .output()
        .expect("Python runs");
    let (told, wrong) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{told}\n{wrong}");
}

#[test]
fn generated_sql_is_right_while_the_lake_is_pending() {
    fuzz("pending");
}

#[test]
fn generated_sql_is_right_while_the_lake_is_mixed() {
    fuzz("mixed");
}

#[test]
fn generated_sql_is_right_while_the_lake_is_compacted() {
    fuzz("compacted");
}

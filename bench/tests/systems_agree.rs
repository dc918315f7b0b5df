//! The benchmark on a small lake: what it compares is right before what it measures means anything.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "a test fails loudly, and says what it left out")]

use std::path::{Path, PathBuf};
use std::process::Command;

use lake_testkit::missing_tool;

const INCIDENTS: &str = "20000";

/// Returns the Python of the reader tests, if it is there.
fn python(test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from).filter(|python| {
        let found = Command::new(python).args(["-c", "import deltalake, duckdb, polars, pyarrow"]).status();
        found.is_ok_and(|status| status.success())
    });
    if python.is_none() {
        let how = "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python";
        missing_tool(test, "a Python with deltalake, duckdb, polars, pyarrow", how);
    }
    python
}

#[test]
fn all_systems_count_the_same_on_a_small_lake() {
    let Some(python) = python("all_systems_count_the_same_on_a_small_lake") else { return };
    let generator = Path::new(env!("CARGO_BIN_EXE_lake-bench"));
    // Built by `cargo test --workspace`, as the tests of the program need it.
    let program = generator.with_file_name(format!("hotspots-lake{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} does not exist: test the whole workspace", program.display());
    let cache = tempfile::tempdir().expect("a directory");
    let run = Command::new(python)
        .args(["-B", "-m", "lake_bench", "questions", "shapes", "pending", "sql", "size"])
        .args(["--incidents", INCIDENTS, "--repetitions", "2"])
        .arg("--cache")
        .arg(cache.path())
        .arg("--program")
        .arg(&program)
        .arg("--generator")
        .arg(generator)
        .env("PYTHONPATH", env!("CARGO_MANIFEST_DIR"))
        .env_remove("HOTSPOTS_LAKE")
        .output()
        .expect("Python runs");
    let (report, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{report}\n{errors}");
    for part in ["### questions", "### shapes", "### pending", "### sql", "### size"] {
        assert!(report.contains(part), "{part} is missing:\n{report}\n{errors}");
    }
    // 24 shapes, three questions of each: by the native table, the Parquet files and Polars at least.
    assert!(report.contains("answers of other systems were equal to ours"), "{report}");
    for line in errors.lines().filter(|line| line.contains("is left out")) {
        eprintln!("{line}");
    }
}

#[test]
fn a_difference_of_one_incident_is_found() {
    let Some(python) = python("a_difference_of_one_incident_is_found") else { return };
    let script = "
from lake_bench.counts import counts_of_json, describe_difference
from lake_bench.question import Question
question = Question(('cell', 'hour'), 9)
body = b'[{\"cell\":\"89283082803ffff\",\"hour\":3,\"count\":2},{\"cell\":null,\"hour\":null,\"count\":1}]'
counts = counts_of_json(question, body)
assert counts == {(0x89283082803ffff, 3): 2, (None, None): 1}, counts
assert describe_difference(counts, dict(counts)) is None
for other in ({(0x89283082803ffff, 3): 2}, {**counts, (None, None): 2}, {**counts, (None, 4): 1}):
    assert describe_difference(counts, other).startswith('1 of '), other
";
    let run = Command::new(python).args(["-B", "-c", script]).env("PYTHONPATH", env!("CARGO_MANIFEST_DIR")).output();
    let run = run.expect("Python runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

//! Every type in every format, read by readers that share no code with the program.

use std::process::Command;

use crate::harness::{Bench, CASES_RESOURCE};
use crate::python::python_with;

#[test]
fn every_type_in_every_format_is_read_or_refused_by_name() {
    let test = "every_type_in_every_format_is_read_or_refused_by_name";
    let Some(python) = python_with(test, "duckdb, pyarrow") else { return };
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/formats/check.py");
    let checked = Command::new(python)
        .args([script, &serving.base_url, env!("CARGO_BIN_EXE_hotspots-lake")])
        .args([bench.lake(), bench.folder.path().join("answer.parquet")])
        .env_remove("HOTSPOTS_LAKE")
        .output()
        .expect("Python runs");
    let (told, wrong) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success(), "{told}\n{wrong}");
}

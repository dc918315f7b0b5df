//! The OpenAPI document: the one that is committed, valid, and kept by every answer.

use std::path::PathBuf;
use std::process::{Command, Output};

use lake_testkit::{Running, missing_tool};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES_RESOURCE};

fn committed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json")
}

/// Returns a Python that has a module.
fn python(test: &str, module: &str) -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from);
    let has = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", &format!("import {module}")]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = python.filter(has);
    if found.is_none() {
        let how = "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python";
        missing_tool(test, &format!("a Python with {module}"), how);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_the_one_committed_and_the_one_served() {
    let bench = Bench::synthetic(50);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let own = bench.program().run(&["openapi"]).success();
    let text = std::fs::read_to_string(committed()).expect("docs/openapi.json");
    assert_eq!(own.stdout, text, "the interface has changed: hotspots-lake openapi > docs/openapi.json");
    let serving = bench.program().spawn_serving(&["serve"]);
    let served = serving.get("/openapi.json").await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.json(), serde_json::from_str::<Value>(&text).expect("JSON"));
}

#[test]
fn the_document_is_valid() {
    let Some(python) = python("the_document_is_valid", "openapi_spec_validator") else { return };
    let output = Command::new(python).args(["-m", "openapi_spec_validator"]).arg(committed()).output();
    let output = output.expect("Python runs");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_made_from_the_document_finds_an_answer_that_is_not_in_it() {
    let Some(python) = python("no_question_made_from_the_document", "schemathesis") else { return };
    let bench = Bench::synthetic(60);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    // A stream of changes has no end: what is asked for here must end soon.
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "20000"]);
    let examples = if std::env::var_os("HOTSPOTS_LONG").is_some() { "500" } else { "15" };
    let mut command = Command::new(&python);
    command.args(["-m", "schemathesis.cli", "run"]).arg(committed()).args(["--url", &serving.base_url]);
    command.args(["--max-examples", examples, "--seed", "311", "--generation-deterministic"]);
    command.args([
        "--phases",
        "examples,coverage,fuzzing",
        "--workers",
        "1",
        "--exclude-path",
        "/changes",
        "--exclude-path",
        "/metrics",
    ]);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                  response_schema_conformance";
    command.args(["--checks", checks]).current_dir(bench.folder.path());
    let output = command.output().expect("Python runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}\n{}", serving.log());
    assert_eq!(serving.get("/readyz").await.status, 200);
}

/// Compares a generated client's answers to three questions with the server's own answers.
async fn check_answers(serving: &Running, output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let counted = serving.get("/aggregates?group_by=category&category!=Graffiti&limit=5").await.json();
    assert_eq!(told["counted"], counted);
    assert!(counted.as_array().is_some_and(|rows| rows.len() == 5), "{counted}");
    assert_eq!(told["incidents"], serving.get("/incidents?category!=Graffiti&limit=3").await.json());
    assert_eq!(told["landed"], json!(["311-cases"]));
    assert_eq!(told["wrong"], json!(["Problem", "start_time"]), "an error is one of the document's");
}

fn landed_and_served() -> (Bench, Running) {
    let bench = Bench::synthetic(400);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    (bench, serving)
}

fn clients() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_made_of_the_document_asks_the_lake() {
    let test = "a_python_client_made_of_the_document_asks_the_lake";
    let Some(python) = python(test, "openapi_python_client") else { return };
    let (bench, serving) = landed_and_served();
    let package = bench.folder.path().join("lake_client");
    let mut generate = Command::new(&python);
    generate.args(["-m", "openapi_python_client", "generate", "--meta", "none", "--path"]).arg(committed());
    let made = generate.arg("--output-path").arg(&package).output().expect("Python runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for endpoint in ["aggregates", "incidents", "facets", "hotspots", "boundaries", "sql", "resources", "changes"] {
        assert!(package.join("api/default").join(format!("{endpoint}.py")).is_file(), "there is no {endpoint}");
    }
    let script =
        Command::new(&python).arg(clients().join("ask.py")).arg(bench.folder.path()).arg(&serving.base_url).output();
    check_answers(&serving, &script.expect("Python runs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typescript_client_made_of_the_document_asks_the_lake() {
    if !clients().join("node_modules/openapi-fetch").is_dir() {
        let test = "a_typescript_client_made_of_the_document_asks_the_lake";
        missing_tool(test, "openapi-fetch", "run `npm ci` in tests/clients");
        return;
    }
    let (_bench, serving) = landed_and_served();
    let run = |args: &[&str]| Command::new("npm").args(args).current_dir(clients()).output().expect("npm runs");
    let checked = run(&["run", "--silent", "check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()));
    let asked = Command::new("node").arg("ask.mjs").arg(&serving.base_url).current_dir(clients()).output();
    check_answers(&serving, &asked.expect("Node.js runs")).await;
}

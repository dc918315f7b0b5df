use std::process::Command;
use std::time::Duration;

use super::Program;

/// Creates a shell script in place of the program.
///
/// Another process writes it: a file that a process forked from here may still hold open for
/// writing cannot be run.
fn script(body: &str) -> (tempfile::TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 755 "$1""#;
    let written = Command::new("sh").args(["-c", write, "sh"]).arg(&path).arg(body).status();
    assert!(written.unwrap().success());
    (folder, Program::new(path))
}

#[test]
fn a_command_is_run_to_its_end_with_its_streams_apart() {
    let (_folder, program) = script(r#"echo "data $1"; echo "rest $2" >&2; exit 3"#);
    let output = program.run(&["one", "two"]);
    assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (3, "data one\n", "rest two\n"));
}

#[test]
fn only_what_the_test_sets_reaches_the_program() {
    let (folder, program) = script(r#"echo "[$HOTSPOTS_LAKE] [$HOTSPOTS_APP_TOKEN] [$OTHER] $PWD""#);
    let place = folder.path().canonicalize().unwrap();
    let output = program.lake("somewhere").env("OTHER", "x").current_dir(&place).run(&[]).success();
    assert_eq!(output.stdout, format!("[somewhere] [] [x] {}\n", place.display()));
}

#[test]
fn a_query_gives_the_rows_of_the_array_it_prints() {
    let (_folder, program) = script(r#"echo "[{\"lake\":\"$HOTSPOTS_LAKE\",\"args\":\"$*\"}]""#);
    let rows = program.sql_json("there", "SELECT 1");
    assert_eq!(rows, [serde_json::json!({"lake": "there", "args": "sql --format json SELECT 1"})]);
}

#[test]
fn a_server_is_ready_when_it_says_where_it_listens_and_ends_when_asked() {
    let (_folder, program) = script(
        r#"echo "$*" >&2
trap 'echo bye >&2; exit 0' TERM
echo 'INFO listening on http://127.0.0.1:4711 (map and API)' >&2
while :; do sleep 0.02; done"#,
    );
    let mut running = program.spawn_serving(&["serve"]);
    assert_eq!(running.base_url, "http://127.0.0.1:4711");
    assert!(running.log().starts_with("serve --http 127.0.0.1:0"));
    assert_eq!(running.ended(), None);
    assert_eq!(running.stop(), 0);
    assert!(running.log().ends_with("bye"), "{}", running.log());
}

#[test]
fn a_killed_program_has_no_time_to_say_goodbye() {
    let (_folder, program) = script("trap 'echo bye >&2' TERM\necho up >&2\nwhile :; do sleep 0.02; done");
    let mut running = program.spawn_in_background(&[]);
    assert_eq!(running.wait_for_log("up", Duration::from_secs(30)), "up");
    running.kill9();
    assert_eq!(running.ended(), Some(128 + 9));
    assert_eq!(running.log(), "up");
}

#[test]
#[should_panic(expected = "the program ended without")]
fn a_server_that_ends_before_it_listens_fails_the_test_with_its_log() {
    let (_folder, program) = script("echo 'the lake is damaged' >&2; exit 5");
    drop(program.spawn_serving(&["serve"]));
}

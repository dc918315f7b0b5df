//! How commands end: after a signal, whatever they wait for, and with a correct message.

use std::net::TcpListener;
use std::path::Path;

use lake_testkit::Program;

use crate::harness::{Bench, CASES_RESOURCE};
use crate::portal::rogue_portal::{RoguePortal, answer, case, hang};

fn program(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.join("lake")).current_dir(folder)
}

/// Until then, each of these commands would wait for a portal or a store for minutes, try after try.
const SIGNALS: [&str; 2] = ["-TERM", "-INT"];

#[test]
fn every_command_ends_at_a_signal_while_a_portal_hangs() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    for (n, args) in [
        &["ingest", CASES_RESOURCE][..],
        &["ingest", CASES_RESOURCE, "--full"],
        &["ingest", "sf-neighborhoods"],
        &["audit", "--resource", CASES_RESOURCE],
        &["audit", "--resource", CASES_RESOURCE, "--keys", "--repair"],
        &["up", CASES_RESOURCE, "--http", "127.0.0.1:0"],
    ]
    .into_iter()
    .enumerate()
    {
        let portal = RoguePortal::start(|_, stream| hang(stream));
        let url = portal.url();
        let args: Vec<&str> = args.iter().copied().chain(["--portal", &url]).collect();
        let mut running = bench.program().spawn_in_background(&args);
        portal.wait_until_asked();
        running.signal(SIGNALS[n % 2]);
        let code = running.wait(std::time::Duration::from_secs(30));
        assert_eq!(code, if args[0] == "up" { 0 } else { 3 }, "{args:?}: {}", running.log());
        // Logged at the signal, unless the command ended before that line was written; then it reports that it was
        // stopped.
        let log = running.log();
        assert!(log.contains("stopping: ") || log.contains("stopped"), "{args:?}: {log}");
    }
}

#[test]
fn every_command_ends_at_a_signal_while_the_store_hangs() {
    let folder = tempfile::tempdir().expect("a directory");
    std::fs::write(folder.path().join("rows.json"), "[]").expect("written");
    for (n, args) in [
        &["status"][..],
        &["history"],
        &["check"],
        &["compact"],
        &["vacuum", "--apply"],
        &["forget", CASES_RESOURCE, "1"],
        &["rejects"],
        &["sql", "SELECT 1 FROM incidents"],
        &["queries", "run", "reports/months"],
        &["audit"],
        &["ingest", CASES_RESOURCE, "--file", "rows.json"],
        &["serve", "--http", "127.0.0.1:0"],
        &["up", "--http", "127.0.0.1:0"],
    ]
    .into_iter()
    .enumerate()
    {
        let store = RoguePortal::start(|_, stream| hang(stream));
        let program = lake_testkit::s3_program(program(folder.path()), &store.url()).lake("s3://bucket/lake");
        let mut running = program.spawn_in_background(args);
        store.wait_until_asked();
        running.signal(SIGNALS[n % 2]);
        let code = running.wait(std::time::Duration::from_secs(30));
        assert_ne!(code, 70, "{args:?}: {}", running.log());
    }
}

#[test]
fn tries_name_the_resource_the_attempt_and_the_wait_once() {
    let folder = tempfile::tempdir().expect("a directory");
    let portal = RoguePortal::start(|_, stream| answer(stream, 503, &[], b"busy"));
    let url = portal.url();
    for command in [&["ingest", CASES_RESOURCE][..], &["audit", "--resource", CASES_RESOURCE]] {
        let args: Vec<&str> =
            command.iter().copied().chain(["--portal", &url, "--retries", "2", "--retry-wait-ms", "1"]).collect();
        let failed = program(folder.path()).run(&args).expect_status(4);
        for attempt in ["311-cases: attempt 1 of 3 failed, trying again in", "attempt 2 of 3 failed"] {
            assert_eq!(failed.stderr.matches(attempt).count(), 1, "{}", failed.stderr);
        }
        assert_eq!(
            failed.stderr.matches("requests failed").count(),
            1,
            "a failure is reported once: {}",
            failed.stderr
        );
        assert_eq!(failed.stderr.matches("rror: ").count(), 1, "{}", failed.stderr);
    }
}

#[test]
fn up_says_what_is_so_when_a_portal_does_not_answer() {
    let folder = tempfile::tempdir().expect("a directory");
    let portal = RoguePortal::start(|asked, stream| match asked.path.contains("vw6y-z8j6") {
        true => crate::portal::rogue_portal::answer_rows(asked, stream, &[case(1, "2026-01-01T00:00:00.000Z")]),
        false => answer(stream, 503, &[], b"busy"),
    });
    let url = portal.url();
    for (names, says) in [
        (&["traffic-crashes"][..], "Not ingested, and tried again soon: traffic-crashes."),
        (&["traffic-crashes", CASES_RESOURCE], "Not ingested, and tried again soon: traffic-crashes."),
        (&[CASES_RESOURCE], "Every resource has been ingested and compacted once"),
    ] {
        let args: Vec<&str> =
            ["up"].into_iter().chain(names.iter().copied()).chain(["--portal", &url, "--retries", "0"]).collect();
        let mut up = program(folder.path()).spawn_serving(&args);
        up.wait_for_log(says, std::time::Duration::from_secs(60));
        assert_eq!(up.stop(), 0, "{}", up.log());
        assert_eq!(up.log().contains("Every resource"), says.starts_with("Every"), "{}", up.log());
    }
}

#[test]
fn up_on_a_used_port_leaves_no_lake_behind() {
    let folder = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    program(folder.path()).run(&["up", "--demo", "--http", &address]).expect_status(2);
    assert!(!folder.path().join("lake").exists(), "nothing was made");
}

#[test]
fn a_place_that_may_not_be_written_is_exit_code_2() {
    let folder = tempfile::tempdir().expect("a directory");
    std::fs::write(folder.path().join("rows.json"), "[]").expect("written");
    // Nobody may make a directory there, not even the system's administrator.
    let program = program(folder.path()).lake("/sys/hotspots-lake");
    let refused = program.run(&["ingest", CASES_RESOURCE, "--file", "rows.json"]).expect_status(2);
    assert!(refused.stderr.contains("/sys/hotspots-lake"), "{}", refused.stderr);
}

#[test]
fn a_variable_without_a_value_is_as_good_as_none() {
    let folder = tempfile::tempdir().expect("a directory");
    let names = ["LAKE", "RESOURCES", "QUERIES", "INDEX", "MEMORY_MIB", "CONFIG", "LOG_FORMAT", "APP_TOKEN"];
    let bare = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).current_dir(folder.path()).env("RUST_LOG", "");
    let program = names.iter().fold(bare, |program, name| program.env(format!("HOTSPOTS_{name}"), ""));
    std::fs::write(folder.path().join("rows.json"), "[]").expect("written");
    let said = program.run(&["ingest", CASES_RESOURCE, "--file", "rows.json"]).success();
    assert!(said.stderr.contains("0 rows in 0 pages"), "the usual log: {}", said.stderr);
    assert!(folder.path().join("lake/lake.json").exists(), "the default");
    let shown = program.run(&["config", "show", "serve", "--origin"]).success();
    assert!(
        shown.stdout.contains("lake = \"./lake\"  # default") && !shown.stdout.contains("HOTSPOTS_"),
        "{}",
        shown.stdout
    );
    let mut serving = program.spawn_serving(&["serve"]);
    assert_eq!(serving.stop(), 0, "{}", serving.log());
}

#[test]
fn tables_show_control_characters_and_do_not_send_them() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = program(folder.path());
    let mut row = case(1, "2026-01-01T00:00:00.000Z");
    row["service_name"] = "\u{1b}]0;owned\u{7}\u{9b}31m\r\nred".into();
    let mut reject = row.clone();
    reject["service_request_id"] = "".into();
    reject[":id"] = "\u{1b}[2J".into();
    std::fs::write(folder.path().join("rows.json"), serde_json::json!([row, reject]).to_string()).expect("written");
    program.run(&["ingest", CASES_RESOURCE, "--file", "rows.json"]).success();
    for args in [
        &["sql", "SELECT category, chr(27) AS e FROM incidents"][..],
        &["sql", "SELECT * FROM raw.\"311_cases\""],
        &["rejects"],
        &["status"],
        &["queries", "run", "reports/categories"],
    ] {
        let told = program.run(args).success();
        let is_odd = |c: char| c.is_control() && c != '\n';
        assert!(!told.stdout.contains(is_odd) && !told.stderr.contains(is_odd), "{args:?}: {:?}", told.stdout);
    }
    let exact = program.sql("SELECT category FROM incidents");
    assert_eq!(exact[0]["category"], "\u{1b}]0;owned\u{7}\u{9b}31m\r\nred", "what is not a table is exact");
}

//! Stdout and stderr that are not read, or that cannot be written: neither is a bug of the program, and neither keeps it
//! from its work.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::api::access::landed;
use crate::harness::{Bench, CASES_RESOURCE};

const PATIENCE: Duration = Duration::from_mins(1);

/// Returns the program on a bench's lake.
fn program(bench: &Bench, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotspots-lake"));
    command.args(args).arg("--lake").arg(bench.lake()).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

/// Waits until it ends.
fn end(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().expect("a child can be killed");
            panic!("it does not end");
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error_in_any_format() {
    let bench = landed(3_000);
    let query = "SELECT * FROM raw.\"311_cases\", (VALUES (1),(2),(3),(4),(5),(6),(7),(8)) AS t(n)";
    let formats = ["table", "json", "ndjson", "csv", "arrow", "parquet"];
    let asked = formats.map(|format| vec!["sql", "--format", format, query]);
    let named = vec!["queries", "run", "reports/months_by_category", "--format", "csv"];
    for args in asked.into_iter().chain([named]) {
        let mut child =
            program(&bench, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_log_nobody_reads_any_more_answers_and_stops_as_ever() {
    let bench = landed(100);
    let args = ["serve", "--http", "127.0.0.1:0", "--access-log"];
    let mut child = program(&bench, &args).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    let line =
        lines.find_map(|line| line.ok().filter(|line| line.contains("listening on http://"))).expect("an address");
    let url = line.split_whitespace().last().expect("an address").to_owned();
    drop(lines);
    for path in ["/healthz", "/limits", "/aggregates?nonsense=1", "/resources"] {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer.status().is_success(), !path.contains("nonsense"), "{path}");
    }
    signal(&child, "-TERM");
    assert_eq!(end(&mut child).code(), Some(0));
}

#[test]
fn a_log_on_a_full_disk_is_lost_and_nothing_else() {
    let bench = Bench::synthetic(100);
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("/dev/full"));
    let mut ingest = program(&bench, &["ingest", CASES_RESOURCE, "--portal", bench.served.url(), "-v"]);
    assert_eq!(ingest.stderr(full()).status().expect("it runs").code(), Some(0));
    let unreachable = ["ingest", CASES_RESOURCE, "--portal", "http://127.0.0.1:9", "--retries", "0", "-v"];
    assert_eq!(program(&bench, &unreachable).stderr(full()).status().expect("it runs").code(), Some(4));
    let mut child = program(&bench, &["serve", "--http", "127.0.0.1:0"]).stderr(full()).spawn().expect("it starts");
    // Its first log line has been lost when it listens, and it listens to signals before that.
    let began = Instant::now();
    while !listens(&child) {
        assert!(began.elapsed() < PATIENCE && child.try_wait().expect("a status").is_none(), "it does not listen");
        std::thread::yield_now();
    }
    signal(&child, "-INT");
    assert_eq!(end(&mut child).code(), Some(0));
}

/// Returns whether a process has a listening socket.
fn listens(child: &Child) -> bool {
    let sockets = std::fs::read_to_string(format!("/proc/{}/net/tcp", child.id())).unwrap_or_default();
    let listening: Vec<String> = sockets
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.get(3) == Some(&"0A"))
        .filter_map(|fields| fields.get(9).map(|inode| format!("socket:[{inode}]")))
        .collect();
    let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    let mut targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets.any(|target| listening.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

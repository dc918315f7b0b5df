//! Statements that would end or block the server, on the built program: each is rejected with an error, and the others
//! are answered.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures::future::join_all;
use lake_testkit::{Answer, Program, Running};
use serde_json::json;

use crate::api::wire::Wire;
use crate::harness::{Bench, CASES_RESOURCE, process_bytes};

fn landed(rows: usize) -> Bench {
    let bench = Bench::synthetic(rows);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "300"]).success();
    bench
}

async fn ask(serving: &Running, query: &str) -> Answer {
    serving.post_json("/sql", &json!({"query": query})).await
}

fn detail(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json()["detail"].as_str().expect("a detail").to_owned()
}

/// Returns the value of a limit of `/limits`.
async fn limit(serving: &Running, name: &str) -> usize {
    let limits = serving.get("/limits").await.json();
    let found = limits.as_array().expect("an array").iter().find(|limit| limit["name"] == name);
    let value = found.and_then(|limit| limit["value"].as_u64()).unwrap_or_else(|| panic!("no {name} in {limits}"));
    usize::try_from(value).expect("a size")
}

/// Statements in which so many operators hold each other.
fn deep(operators: usize) -> Vec<String> {
    let chain = |first: &str, part: &str| format!("SELECT {first}{} AS v", part.repeat(operators));
    let tests: Vec<String> = (0..operators / 2).map(|n| format!("latitude = {n}.5")).collect();
    vec![
        chain("1", "+1"),
        chain("'a'", "||'b'"),
        chain("1", "::BIGINT"),
        format!("SELECT COUNT(*) AS v FROM incidents WHERE {}", tests.join(" OR ")),
        format!("SELECT COUNT(*) AS v FROM incidents WHERE TRUE{}", " IS TRUE".repeat(operators - 1)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_too_deep_is_refused_and_one_that_is_as_deep_as_may_be_is_answered() {
    let bench = landed(300);
    // How deep is asked here, and not how quick: what is nearly too deep takes seconds.
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "600000"]);
    let most = limit(&serving, "max_operators").await;
    assert!(most >= 1_000, "{most}");
    for query in deep(most) {
        let answer = ask(&serving, &query).await;
        assert_eq!(answer.status, 200, "{}: {}", &query[..60], answer.text());
    }
    let unions = |queries: usize| vec!["SELECT 1 AS v"; queries].join(" UNION ALL ");
    assert_eq!(ask(&serving, &unions(500)).await.json().as_array().map(Vec::len), Some(500));
    for operators in [most + 10, 100_000] {
        for query in deep(operators).iter().filter(|query| query.len() < 900_000) {
            let said = detail(&ask(&serving, query).await, 400);
            assert!(said.contains("`max_operators` of /limits"), "{}: {said}", &query[..60]);
        }
    }
    for queries in [3_000, 40_000] {
        let said = detail(&ask(&serving, &unions(queries)).await, 400);
        assert!(said.contains("of /limits"), "{queries}: {said}");
    }
    // On the command line as well, and in a query with a name.
    let sum = |operators: usize| format!("SELECT 1{} AS v", "+1".repeat(operators));
    assert_eq!(bench.program().sql(&sum(most)), [json!({"v": most + 1})]);
    let refused = bench.program().run(&["sql", &sum(most + 1)]).expect_status(2);
    assert!(refused.stderr.contains("max_operators"), "{}", refused.stderr);
    let own = bench.folder.path().join("own");
    write(&own, "deep.sql", &format!("-- title: Deep\n{}", sum(most)));
    let named = bench.program().env("HOTSPOTS_QUERIES", &own).spawn_serving(&["serve"]);
    assert_eq!(named.get("/queries/deep").await.json(), json!([{"v": most + 1}]));
    write(&own, "deep.sql", &format!("-- title: Deep\n{}", sum(most + 1)));
    let refused = started(&bench.program().env("HOTSPOTS_QUERIES", &own));
    assert!(refused.contains("deep.sql:2: the statement nests") && refused.contains("max_operators"), "{refused}");
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(name), text).expect("a file");
}

/// Returns the error of a program that refuses to start.
fn started(program: &Program) -> String {
    program.run(&["serve", "--http", "127.0.0.1:0"]).expect_status(2).stderr
}

/// How long what was left may take to end.
const PATIENCE: Duration = Duration::from_mins(3);

/// Returns the answer to a statement, which is repeated if a busy machine rejects it.
async fn answered(serving: &Running, query: &str) -> serde_json::Value {
    let began = Instant::now();
    loop {
        let answer = ask(serving, query).await;
        if answer.status == 200 {
            return answer.json();
        }
        assert!([429, 504].contains(&answer.status), "{}", answer.text());
        assert!(began.elapsed() < PATIENCE, "{query} is not answered: {}", answer.text());
    }
}

/// Returns the processes that a server has started.
pub(crate) fn workers(serving: &Running) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").expect("the processes").flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = format!("PPid:\t{}\n", serving.id());
    all.filter(|id| std::fs::read_to_string(format!("/proc/{id}/status")).is_ok_and(|text| text.contains(&parent)))
        .collect()
}

fn is_running(id: u32) -> bool {
    // One that has ended and was not waited for has no memory.
    process_bytes(id, "VmRSS").is_some_and(|bytes| bytes > 0)
}

/// Returns a metric, with its labels as they are written.
pub(crate) async fn metric(serving: &Running, name: &str) -> f64 {
    let text = serving.get("/metrics").await.text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().expect("a number")
}

/// Waits until a server works for no statement.
pub(crate) async fn is_at_rest(serving: &Running) {
    let began = Instant::now();
    for name in ["hotspots_engine_running", "hotspots_sql_workers_running"] {
        while metric(serving, name).await > 0.0 {
            assert!(began.elapsed() < PATIENCE, "{name} does not return to 0\n{}", serving.log());
        }
    }
}

/// Returns `a0`, and so many queries that each apply `step` to the one before.
pub(crate) fn chain(steps: usize, step: &str) -> String {
    let queries: Vec<String> = (1..=steps).map(|n| format!("a{n} AS (SELECT {step} AS x FROM a{})", n - 1)).collect();
    format!("WITH a0 AS (SELECT count AS x FROM counts), {}", queries.join(", "))
}

fn columns(many: usize, column: impl Fn(usize) -> String) -> String {
    (0..many).map(|n| format!("{} AS c{n}", column(n))).collect::<Vec<_>>().join(", ")
}

/// Statements that hold more memory than the engine counts.
fn greedy() -> Vec<(&'static str, String)> {
    let big = "generate_series(1, 1000000000) AS g(i)";
    let small = "generate_series(1, 1000000) AS g(i)";
    let keys: Vec<String> = (0..12).map(|n| format!("id || '{n}'")).collect();
    let doubled = |first: &str, step: &str, steps: usize| {
        chain(steps, step).replace("SELECT count AS x FROM counts", &format!("SELECT {first} AS x"))
            + &format!(" SELECT x FROM a{steps}")
    };
    vec![
        ("a window over all rows", format!("SELECT SUM(x) FROM (SELECT SUM(i) OVER () AS x FROM {big})")),
        (
            "texts over a window",
            format!(
                "SELECT COUNT(x) FROM (SELECT string_agg('{}', ',') OVER (ORDER BY i) AS x FROM {small})",
                "a".repeat(30)
            ),
        ),
        (
            "lists over a window",
            format!("SELECT COUNT(x) FROM (SELECT array_agg(i) OVER (ORDER BY i) AS x FROM {small})"),
        ),
        ("long constants", format!("SELECT {}", columns(60, |n| format!("repeat('x', 60000000 + {n})")))),
        (
            "long values",
            format!("SELECT {} FROM {small}", columns(60, |n| format!("repeat(CAST(i AS TEXT), 2000 + {n})"))),
        ),
        (
            "texts that double",
            "WITH RECURSIVE r AS (SELECT 'aaaaaaaa' AS x, 1 AS n UNION ALL SELECT substr(x || x, 1, 30000000), n + 1 \
             FROM r WHERE n < 1000) SELECT COUNT(*) FROM r WHERE length(x) > 0"
                .to_owned(),
        ),
        ("medians of groups", format!("SELECT MAX(m) FROM (SELECT i % 10 AS k, median(i) AS m FROM {big} GROUP BY 1)")),
        ("a cube of long keys", format!("SELECT COUNT(*) FROM incidents, {small} GROUP BY CUBE({})", keys.join(", "))),
        ("a long text", "SELECT repeat('x', 1500000000)".to_owned()),
        ("a text of texts", "SELECT repeat(repeat('x', 30000), 30000)".to_owned()),
        ("a padded text", "SELECT length(rpad('x', 1500000000, 'yz'))".to_owned()),
        ("a replaced text", "SELECT replace(repeat('a', 30000), '', repeat('b', 30000))".to_owned()),
        ("a list", "SELECT range(1, 1000000000000)".to_owned()),
        ("a repeated value", "SELECT array_repeat(1, 1000000000000)".to_owned()),
        ("lists that double", doubled("[1]", "array_concat(x, x)", 34)),
        ("structs that double", doubled("1", "struct(x, x)", 34)),
        ("a type with a length", "SELECT CAST(NULL AS INT[2000000000])".to_owned()),
        (
            "a long value in every pair",
            "SELECT COUNT(DISTINCT a.t || b.i) FROM (SELECT repeat('x', 900000 + value) AS t FROM \
             generate_series(1, 2)) AS a, generate_series(1, 20000) AS b(i)"
                .to_owned(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_over_its_memory_ends_alone_in_words() {
    let bench = landed(300);
    let arguments = ["serve", "--request-memory-mib", "64", "--timeout-ms", "10000"];
    let serving = bench.program().spawn_serving(&arguments);
    let small = "SELECT SUM(count) AS n FROM counts";
    let expected = answered(&serving, small).await;
    for (name, query) in greedy() {
        let (answer, concurrent) = tokio::join!(ask(&serving, &query), answered(&serving, small));
        assert_eq!(concurrent, expected, "{name}: another is answered");
        if answer.status == 200 {
            continue;
        }
        assert!([400, 422, 504].contains(&answer.status), "{name}: {} {}", answer.status, answer.text());
        let said = answer.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(answer.status == 400 || said.contains("of /limits"), "{name}: {said}");
    }
    is_at_rest(&serving).await;
    let most = process_bytes(serving.id(), "VmHWM").expect("a running process") >> 20;
    assert!(most < 600, "the server has had {most} MiB");
    // A window is held by what no operator counts: the system bounds it.
    assert!(metric(&serving, "hotspots_sql_workers_ended_total{cause=\"memory\"}").await > 0.0);
    assert!(serving.log().contains("a process for queries in SQL ended"), "{}", serving.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_give_what_they_should() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve"]);
    let expected = json!([{
        "a": "xxx", "b": "  x", "c": "bbb", "d": "xy", "e": "x1", "f": null, "g": [1, 2], "h": [1, 2, 3], "i": "1-2",
        "j": 3, "k": [1, 2, 3], "l": [7, 7]
    }]);
    let kept = "SELECT repeat('x', 3) AS a, lpad('x', 3) AS b, regexp_replace('aaa', 'a', 'b', 'g') AS c, \
                concat('x', 'y') AS d, 'x' || 1 AS e, 'x' || NULL AS f, [1, 2] AS g, [1, 2] || 3 AS h, \
                array_to_string([1, 2], '-') AS i, levenshtein('kitten', 'sitting') AS j, range(1, 4) AS k, \
                array_repeat(7, 2) AS l";
    assert_eq!(ask(&serving, kept).await.json(), expected);
    assert_eq!(ask(&serving, "SELECT $a || 'x' AS v").await.status, 400, "a place without its value");
    let bound = json!({"query": "SELECT $a || 'x' AS v", "parameters": {"a": "y"}});
    assert_eq!(serving.post_json("/sql", &bound).await.json(), json!([{"v": "yx"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_too_large_for_an_answer_is_refused() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve"]);
    let most = limit(&serving, "max_row_mib").await;
    let row = format!("SELECT repeat(repeat('x', 1024), {}) AS t", (most + 1) << 10);
    assert!(detail(&ask(&serving, &row).await, 422).contains("`max_row_mib` of /limits"));
    let many = "SELECT value, repeat(repeat('x', 1000), 1000) AS t FROM generate_series(1, 12) ORDER BY value";
    let rows = ask(&serving, many).await.json();
    let values: Vec<i64> = rows.as_array().expect("rows").iter().filter_map(|row| row["value"].as_i64()).collect();
    assert_eq!(values, (1..=12).collect::<Vec<_>>(), "a batch in parts keeps its order");
}

/// Statements of some kilobytes whose plans have no end, or none that can be waited for.
fn endless_plans() -> Vec<String> {
    let names: Vec<String> = (0..15).map(|n| format!("c{n}")).collect();
    let columns_of_counts = columns(15, |n| format!("count + {n}"));
    let texts: Vec<String> = (0..80_000).map(|n| format!("'{n}'")).collect();
    let doubled: Vec<String> =
        (1..30).map(|n| format!("t{n} AS (SELECT a.n FROM t{0} AS a, t{0} AS b)", n - 1)).collect();
    vec![
        chain(40, "x + x") + " SELECT COUNT(*) FROM a40 WHERE x > 1",
        chain(40, "x + x") + " SELECT x FROM a40 ORDER BY x LIMIT 1",
        format!("SELECT COUNT(*) FROM (SELECT {columns_of_counts} FROM counts) GROUP BY CUBE({})", names.join(", ")),
        format!("SELECT {} FROM counts LIMIT 1", columns(16_000, |n| format!("count + {n}"))),
        format!(
            "SELECT COUNT(*) FROM counts WHERE {}count > 0{}",
            "cell IN (SELECT cell FROM counts WHERE ".repeat(20),
            ")".repeat(20)
        ),
        format!("WITH t0 AS (SELECT 1 AS n), {} SELECT COUNT(*) FROM t29", doubled.join(", ")),
        format!("SELECT COUNT(*) FROM {}", vec!["incidents"; 600].join(" CROSS JOIN ")),
        format!("SELECT COUNT(*) FROM incidents WHERE id IN ({})", texts.join(",")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_an_end_ends_with_its_time() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "1500"]);
    let small = "SELECT SUM(count) AS n FROM counts";
    let expected = answered(&serving, small).await;
    let plans = endless_plans();
    let asked = plans.iter().map(|query| ask(&serving, query));
    let (answers, concurrent) = tokio::join!(join_all(asked), answered(&serving, small));
    for (answer, query) in answers.iter().zip(&plans) {
        assert!([200, 400, 422, 504].contains(&answer.status), "{query:.60}: {}", answer.text());
    }
    assert!(detail(&answers[0], answers[0].status).contains("of /limits"), "{}", answers[0].text());
    assert_eq!(concurrent, expected, "others are answered");
    is_at_rest(&serving).await;
    assert!(process_bytes(serving.id(), "VmHWM").expect("a running process") < 600 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_of_a_query_is_that_querys_error() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve"]);
    assert_eq!(ask(&serving, "SELECT 1 AS n").await.json(), json!([{"n": 1}]));
    let long = "SELECT COUNT(*) FROM generate_series(1, 1000000000000) AS t(v) WHERE v % 7 = 3";
    let kill = async {
        while metric(&serving, "hotspots_sql_workers_running").await == 0.0 {}
        for id in workers(&serving) {
            assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().expect("kill").success());
        }
    };
    let (answer, ()) = tokio::join!(ask(&serving, long), kill);
    assert!(detail(&answer, 422).contains("the system ended the query's process"), "{}", answer.text());
    assert_eq!(ask(&serving, "SELECT 2 AS n").await.json(), json!([{"n": 2}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_of_queries_end_with_the_server_however_it_ends() {
    let bench = landed(300);
    let spill = bench.folder.path().join("spill");
    std::fs::create_dir_all(&spill).expect("a folder");
    for at_once in [true, false] {
        let program = bench.program().env("TMPDIR", &spill);
        let mut serving = program.spawn_serving(&["serve", "--drain-seconds", "0"]);
        let long = "SELECT COUNT(*) FROM generate_series(1, 1000000000000) AS t(v) WHERE v % 7 = 3";
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let asking = client.get(serving.url("/sql")).query(&[("query", long)]).send();
        let asking = tokio::spawn(asking);
        while metric(&serving, "hotspots_sql_workers_running").await == 0.0 {}
        let started = workers(&serving);
        assert!(started.iter().any(|id| is_running(*id)), "{started:?}");
        if at_once {
            serving.kill9();
        } else {
            serving.stop();
        }
        let began = Instant::now();
        while started.iter().any(|id| is_running(*id)) {
            assert!(began.elapsed() < PATIENCE, "a process outlives its server");
        }
        // The empty directory of a process that had just begun is removed by the next server.
        while !files(&spill).is_empty() {
            assert!(began.elapsed() < PATIENCE, "something is left of what was spilled");
        }
        asking.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_removes_the_spills_of_one_that_was_killed() {
    let bench = landed(300);
    let spill = bench.folder.path().join("spill");
    std::fs::create_dir_all(&spill).expect("a folder");
    let program = bench.program().env("TMPDIR", &spill);
    let names = || -> Vec<_> {
        let entries = std::fs::read_dir(&spill).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name()).collect()
    };
    let mut killed = program.spawn_serving(&["serve"]);
    assert_eq!(ask(&killed, "SELECT 1 AS n").await.status, 200);
    let started = workers(&killed);
    // A process that is stopped does not see its server end.
    let signal = |name: &str| {
        for id in &started {
            assert!(Command::new("kill").args([name, &id.to_string()]).status().expect("kill").success());
        }
    };
    signal("-STOP");
    killed.kill9();
    signal("-KILL");
    let left = names();
    assert!(!left.is_empty(), "the spills of {started:?}");
    let kept = spill.join("hotspots-lake-sql-of-nobody-yet");
    std::fs::create_dir(&kept).expect("a folder");
    let serving = program.spawn_serving(&["serve"]);
    let other = program.spawn_serving(&["serve"]);
    for serving in [&serving, &other, &serving] {
        assert_eq!(ask(serving, "SELECT 2 AS n").await.json(), json!([{"n": 2}]));
    }
    let now = names();
    assert!(left.iter().all(|name| !now.contains(name)), "{left:?} of {now:?}");
    assert!(kept.is_dir(), "what another server is making stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_a_query_gives_up_its_rights() {
    let bench = landed(300);
    let serving = bench.program().env("AWS_SECRET_ACCESS_KEY", "s").spawn_serving(&["serve"]);
    assert_eq!(ask(&serving, "SELECT 1 AS n").await.status, 200);
    let id = workers(&serving).into_iter().find(|id| is_running(*id)).expect("a worker");
    let of = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).expect("a running process");
    // Those of its threads: the first one only waits for them.
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("threads");
    let restricted = threads.filter(|thread| {
        let path = thread.as_ref().expect("a thread").path().join("status");
        let status = std::fs::read_to_string(path).unwrap_or_default();
        status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1")
    });
    assert!(restricted.count() > 2);
    let limits = of("limits");
    let bound =
        |name: &str| limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit").trim().to_owned();
    assert!(bound("Max core file size").starts_with("0 "), "{limits}");
    assert!(!bound("Max data size").starts_with("unlimited"), "{limits}");
    let environment = of("environ");
    assert!(!environment.contains("HOTSPOTS_") && !environment.contains("AWS_"), "{environment}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_a_query_reads_nothing_but_the_lake() {
    let bench = landed(300);
    let outside = bench.folder.path().join("outside");
    std::fs::create_dir_all(&outside).expect("a folder");
    let data = files(&bench.lake().join("raw")).into_iter().map(|(path, _)| path);
    for path in data.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")) {
        let moved = outside.join(path.file_name().expect("a name"));
        std::fs::rename(&path, &moved).expect("a file can be moved");
        std::os::unix::fs::symlink(&moved, &path).expect("a link");
    }
    let query = "SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _key <> ''";
    assert_ne!(bench.program().sql(query)[0]["n"], 0, "the program itself may read it");
    let serving = bench.program().env("RUST_LOG", "debug").spawn_serving(&["serve"]);
    let answer = ask(&serving, query).await;
    // A kernel without Landlock does not refuse it: see docs/running.md.
    let is_enforced =
        !serving.log().contains("Landlock: NotEnforced") && !serving.log().contains("Landlock could not be set up");
    let expected = if is_enforced { 503 } else { 200 };
    assert_eq!(answer.status, expected, "{}", answer.text());
}

/// Returns the files below a folder, with their bytes; without the lock by which a server owns a directory of spilled
/// files.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) if entry.file_name() != "owner" => found.push((entry.path(), about.len())),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}

/// A sort of about a gigabyte of texts.
const SORT: &str = "SELECT MAX(x) AS x FROM (SELECT i || repeat('x', 1000) AS x FROM generate_series(1, 1000000) AS g(i) \
                    ORDER BY x OFFSET 10)";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_query_spills_is_bounded_and_removed() {
    let bench = landed(300);
    let spill = bench.folder.path().join("spill");
    std::fs::create_dir_all(&spill).expect("a folder");
    let arguments = ["serve", "--request-memory-mib", "128", "--request-spill-mib", "20"];
    let program = bench.program().env("TMPDIR", &spill);
    let mut serving = program.spawn_serving(&arguments);
    assert_eq!(limit(&serving, "request_spill_mib").await, 20);
    let said = detail(&ask(&serving, SORT).await, 422);
    assert!(said.contains("`request_spill_mib` of /limits"), "{said}");
    let fits = SORT.replace("1000000", "10000");
    assert_eq!(ask(&serving, &fits).await.json()[0]["x"].as_str().map(|text| &text[..5]), Some("9xxxx"));
    is_at_rest(&serving).await;
    assert_eq!(files(&spill), [], "nothing is left");
    // Nor where the process was ended in the middle of it.
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asking = tokio::spawn(client.get(serving.url("/sql")).query(&[("query", SORT)]).send());
    while metric(&serving, "hotspots_sql_workers_running").await == 0.0 {}
    for id in workers(&serving) {
        let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status().expect("kill");
    }
    drop(asking.await);
    is_at_rest(&serving).await;
    assert_eq!(files(&spill), [], "nothing is left of a process that was ended");
    serving.stop();
    assert_eq!(std::fs::read_dir(&spill).expect("a folder").count(), 0, "nothing is left of the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_spills_is_no_mistake_of_the_request() {
    let bench = landed(300);
    // Where no file may grow beyond a megabyte, every write that would is refused, as by a full disk.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    let shell = Program::new("/bin/sh").lake(bench.lake()).current_dir(bench.folder.path());
    let binary = env!("CARGO_BIN_EXE_hotspots-lake");
    let serving = shell.spawn_serving(&["-c", script, binary, "serve", "--request-memory-mib", "128"]);
    let said = detail(&ask(&serving, SORT).await, 503);
    assert!(said.contains("File too large"), "{said}");
    let run = shell.run(&["-c", script, binary, "--memory-mib", "128", "sql", SORT]);
    assert_eq!(run.status, 4, "{}", run.stderr);
    assert_eq!(ask(&serving, "SELECT 1 AS n").await.json(), json!([{"n": 1}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_statements_are_planned_others_are_answered_and_the_time_limit_holds() {
    let bench = landed(300);
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "300"]);
    let query = chain(40, "x + x") + " SELECT COUNT(*) FROM a40 WHERE x > 1";
    let asked = join_all((0..4).map(|_| ask(&serving, &query))).await;
    for answer in asked {
        assert!(detail(&answer, 504).contains("`timeout_ms`"));
    }
    assert_eq!(serving.get("/healthz").await.text(), "ok");
    is_at_rest(&serving).await;
}

#[test]
fn a_client_that_never_ends_the_head_of_its_request_is_let_go() {
    let bench = landed(60);
    let serving = bench.program().spawn_serving(&["serve", "--timeout-ms", "500"]);
    for part in ["", "P", "PRI * HT", "GET / HTTP/1.1\r\nHost: lake\r\n", "GET / HTTP/1.1\r\nHost: lake\r\nx: "] {
        let mut client = Wire::connect(&serving);
        client.send(part);
        // The wait of the test itself is a minute.
        client.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_has_not_landed_is_an_empty_table_wherever_it_is_asked_for() {
    let bench = landed(300);
    let own = bench.folder.path().join("own");
    write(&own, "crashes.sql", "-- title: Raw crashes\nSELECT COUNT(*) AS n FROM raw.traffic_crashes");
    let serving = bench.program().env("HOTSPOTS_QUERIES", &own).spawn_serving(&["serve"]);
    let none = json!([{"n": 0}]);
    assert_eq!(serving.get("/queries/crashes").await.json(), none);
    assert_eq!(ask(&serving, "SELECT COUNT(*) AS n FROM raw.traffic_crashes").await.json(), none);
    assert_eq!(bench.program().sql("SELECT COUNT(*) AS n FROM raw.traffic_crashes")[0]["n"], 0);
    let run = bench.program().env("HOTSPOTS_QUERIES", &own).run(&["queries", "run", "crashes", "--format", "json"]);
    assert_eq!(run.success().json(), none);
    let landed = ask(&serving, "SELECT COUNT(*) AS n FROM raw.\"311_cases\"").await.json();
    assert!(landed[0]["n"].as_i64() > Some(0), "{landed}");
    let wrong = ask(&serving, "SELECT COUNT(*) AS n FROM raw.no_resource").await;
    assert!(detail(&wrong, 400).contains("no_resource"));
}

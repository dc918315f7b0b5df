//! A lake on S3: the same answers, the same after a kill, and no commit where a store would lose it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;
use lake_testkit::{BUCKET, Program, Row, S3Server, SECRET, s3_program};

use crate::harness::{Bench, CASES, CASES_RESOURCE, assert_exact};
use crate::storage::definitions::{OWN, file_of};

/// The status that the operating system reports of an aborted process.
const ABORTED: i32 = 128 + 6;
/// Bad usage, among it a store that cannot hold a lake.
const INVALID: i32 = 2;

const EDITED_MS: i64 = 1_790_000_000_000;

fn edit(bench: &Bench, last_digit: char) {
    edit_at(bench, last_digit, EDITED_MS);
}

fn edit_at(bench: &Bench, last_digit: char, at_ms: i64) {
    let chosen = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with(last_digit));
    let change = |row: &mut Row| {
        row.insert("service_name".to_owned(), format!("Kind {last_digit}").into());
        row.insert("requested_datetime".to_owned(), "2024-05-05T05:05:00.000".into());
    };
    assert!(bench.portal.update_where(CASES, chosen, change, at_ms) > 0);
}

fn on(server: &S3Server, bench: &Bench, prefix: &str) -> Program {
    let index = bench.folder.path().join("index").join(prefix);
    server.program(bench.program(), prefix).env("HOTSPOTS_INDEX", index)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_on_s3_answers_as_one_on_a_disk_does() {
    let Some(server) = S3Server::start("a_lake_on_s3_answers_as_one_on_a_disk_does") else { return };
    let bench = Bench::synthetic(1_000);
    let program = on(&server, &bench, "deep/in the/city");
    tokio::task::block_in_place(|| {
        let landed = bench.ingest(&program, CASES_RESOURCE, &["--page-size", "60"]).success();
        assert!(!landed.stderr.contains(SECRET));
        assert_exact(&program, CASES_RESOURCE, &bench.oracle(CASES), "landed on S3");
        program.run(&["compact"]).success();
        edit(&bench, '3');
        bench.ingest(&program, CASES_RESOURCE, &["--page-size", "60"]).success();
        assert_exact(&program, CASES_RESOURCE, &bench.oracle(CASES), "edited on S3");
        program.run(&["compact"]).success();
        assert_exact(&program, CASES_RESOURCE, &bench.oracle(CASES), "compacted on S3");
        let window = program.run(&["compact", "--window", "2000..2030", "--format", "json"]).success().json();
        assert!(window.as_array().unwrap().iter().all(|partition| partition["drift"] == 0), "{window}");
        let status = program.run(&["status", "--format", "json"]).success().json();
        assert_eq!(status[0]["incidents"], bench.oracle(CASES).totals().incidents, "{status}");
    });
    let serving = tokio::task::block_in_place(|| program.spawn_serving(&["serve"]));
    let answer = serving.get("/aggregates?group_by=resource").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("Lake-Exact"), Some("true"));
    assert_eq!(answer.json()[0]["count"], bench.oracle(CASES).totals().incidents);
}

#[test]
fn a_kill_on_s3_loses_nothing_and_counts_nothing_twice() {
    let Some(server) = S3Server::start("a_kill_on_s3_loses_nothing_and_counts_nothing_twice") else { return };
    let bench = Bench::synthetic(400);
    for (n, point) in [
        "ingest:before-raw-commit:2",
        "ingest:after-raw-commit:2",
        "ingest:after-fast-commit:2",
        "compact:after-incidents-commit",
        "compact:before-counts-commit",
    ]
    .into_iter()
    .enumerate()
    {
        let program = on(&server, &bench, &format!("killed-{n}"));
        let armed = program.clone().env("HOTSPOTS_FAIL_AT", point);
        let mut deaths = 0;
        let commands: [&dyn Fn(&Program) -> i32; 2] =
            [&|program| bench.ingest(program, CASES_RESOURCE, &["--page-size", "40"]).status, &|program| {
                program.run(&["compact"]).status
            }];
        for run in commands {
            let status = run(&armed);
            assert!(status == ABORTED || status == 0, "{point}: exit code {status}");
            if status == ABORTED {
                deaths += 1;
                assert_eq!(run(&program), 0, "{point}: the run after the crash");
            }
        }
        assert_eq!(deaths, 1, "no run passes {point}");
        assert_exact(&program, CASES_RESOURCE, &bench.oracle(CASES), point);
    }
}

#[test]
fn a_lake_on_s3_needs_no_file_for_what_has_landed() {
    let Some(server) = S3Server::start("a_lake_on_s3_needs_no_file_for_what_has_landed") else { return };
    let bench = Bench::synthetic(200);
    let without = on(&server, &bench, "own");
    let with = without.clone().env("HOTSPOTS_RESOURCES", file_of(&bench, "own", OWN, &[]));
    bench.ingest(&with, OWN, &["--page-size", "40"]).success();
    with.run(&["compact"]).success();
    edit(&bench, '3');
    bench.ingest(&with, OWN, &[]).success();
    assert_exact(&without, OWN, &bench.oracle(CASES), "read without the file");
    // On another machine there is no index of the keys either.
    let another = without.env("HOTSPOTS_INDEX", bench.folder.path().join("another"));
    edit_at(&bench, '4', EDITED_MS + 60_000);
    bench.ingest(&another, OWN, &[]).success();
    another.run(&["compact"]).success();
    assert_exact(&another, OWN, &bench.oracle(CASES), "landed without the file");
    let status = another.run(&["status", "--format", "json"]).success().json();
    assert_eq!((&status[0]["exact"], &status[0]["definition"]), (&true.into(), &"lake".into()), "{status}");
}

#[test]
fn a_prefix_of_any_characters_holds_a_lake() {
    let Some(server) = S3Server::start("a_prefix_of_any_characters_holds_a_lake") else { return };
    let bench = Bench::synthetic(50);
    for (n, prefix) in ["a b/\u{e4}-\u{96ea}", "100%25", "a+b=c&d", "q?x#y", "behind/", ""].into_iter().enumerate() {
        let program = on(&server, &bench, prefix).env("HOTSPOTS_INDEX", bench.folder.path().join(format!("index-{n}")));
        bench.ingest(&program, CASES_RESOURCE, &[]).success();
        program.run(&["compact"]).success();
        assert_exact(&program, CASES_RESOURCE, &bench.oracle(CASES), prefix);
        program.run(&["check"]).success();
    }
}

#[test]
fn an_error_of_the_store_names_the_place_and_never_the_credentials() {
    let Some(server) = S3Server::start("an_error_of_the_store_names_the_place_and_never_the_credentials") else {
        return;
    };
    let bench = Bench::synthetic(50);
    let absent = on(&server, &bench, "x").lake("s3://no-such-bucket/x");
    for said in [absent.run(&["sql", "SELECT 1"]), bench.ingest(&absent, CASES_RESOURCE, &[])] {
        assert_ne!(said.status, 0);
        assert!(said.stderr.contains("s3://no-such-bucket/x"), "{}", said.stderr);
        assert!(!said.stderr.contains(SECRET), "{}", said.stderr);
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    }
}

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// Answers as S3 without conditions, with only the requests of a program that begins to write: every `PUT` succeeds.
async fn unconditional(State(objects): State<Objects>, method: Method, uri: Uri, body: Bytes) -> impl IntoResponse {
    let mut objects = objects.lock().unwrap();
    let path = uri.path().to_owned();
    let (status, body) = match method {
        Method::PUT => {
            objects.insert(path, body);
            (StatusCode::OK, Bytes::new())
        }
        Method::GET | Method::HEAD if uri.query().is_none_or(|query| !query.contains("list-type")) => {
            match objects.get(&path) {
                Some(object) => (StatusCode::OK, object.clone()),
                None => (StatusCode::NOT_FOUND, Bytes::new()),
            }
        }
        Method::GET => {
            let empty = "<ListBucketResult><Name>b</Name><Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>\
                         <IsTruncated>false</IsTruncated></ListBucketResult>";
            (StatusCode::OK, Bytes::from_static(empty.as_bytes()))
        }
        // One of several objects to delete; which ones does not matter.
        Method::POST => (StatusCode::OK, Bytes::from_static(b"<DeleteResult></DeleteResult>")),
        _ => (StatusCode::NO_CONTENT, Bytes::new()),
    };
    (status, [("ETag", "\"1\""), ("Last-Modified", "Sun, 22 Nov 2026 00:00:00 GMT")], body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_overwrites_what_it_should_only_create_is_refused() {
    let objects = Objects::default();
    let app = Router::new().fallback(unconditional).with_state(Arc::clone(&objects));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let bench = Bench::synthetic(50);
    let program = s3_program(bench.program(), &url).lake(format!("s3://{BUCKET}/x"));
    let said = tokio::task::block_in_place(|| bench.ingest(&program, CASES_RESOURCE, &[]));
    assert_eq!(said.status, INVALID, "{}", said.stderr);
    assert!(said.stderr.contains("If-None-Match"), "{}", said.stderr);
    assert!(!objects.lock().unwrap().keys().any(|path| path.ends_with("lake.json")), "no lake was begun");
    // A lake that is there, moved to such a store, is not written to either.
    let definition = r#"{"format": 1, "id": "0b7c2c0e-7e6b-4e43-9e0a-3f6f0c7f9a10", "finest_resolution": 10}"#;
    objects.lock().unwrap().insert(format!("/{BUCKET}/x/lake.json"), Bytes::from_static(definition.as_bytes()));
    for command in [vec!["compact"], vec!["ingest", CASES_RESOURCE, "--portal", bench.served.url()]] {
        let said = tokio::task::block_in_place(|| program.run(&command));
        assert_eq!(said.status, INVALID, "{command:?}: {}", said.stderr);
        assert!(said.stderr.contains("If-None-Match"), "{command:?}: {}", said.stderr);
    }
    serving.abort();
}

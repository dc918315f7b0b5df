//! The connections of the HTTP server: answers that nobody reads, clients that take much, HTTP/2.

use std::time::{Duration, Instant};

use axum::http::Request;
use bytes::Bytes;
use h2::client::SendRequest;
use lake_testkit::Running;

use crate::access::{BIG, landed, token, write};
use crate::wire::Wire;

const PATIENCE: Duration = Duration::from_mins(1);

/// Rows of which an answer is that large.
const ROWS: usize = 60_000;

/// Addresses whose answers are streams of many megabytes: more than sockets hold for a client that does not read.
const STREAMS: [&str; 2] =
    [BIG, "/sql?format=csv&limit=500000&query=SELECT%20value,repeat('x',60)%20FROM%20generate_series(1,400000)"];

/// A sample of a metric without labels.
async fn gauge(running: &Running, name: &str) -> f64 {
    let text = running.get("/metrics").await.text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not in {text}"))
}

/// HTTP/2 with prior knowledge, by a client that lets each stream send so many bytes before it has read them.
async fn http2(running: &Running, window: u32) -> SendRequest<Bytes> {
    let address = running.base_url.strip_prefix("http://").expect("an address");
    let tcp = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (client, connection) = builder.handshake(tcp).await.expect("HTTP/2");
    tokio::spawn(async { drop(connection.await) });
    client.ready().await.expect("HTTP/2")
}

fn request(running: &Running, path: &str) -> Request<()> {
    Request::get(format!("{}{path}", running.base_url)).body(()).expect("a request")
}

/// The status and the body of a request over HTTP/2; none if the stream is reset.
async fn ask(running: &Running, client: &mut SendRequest<Bytes>, path: &str) -> Option<(u16, Vec<u8>)> {
    let (answer, _) = client.send_request(request(running, path), true).ok()?;
    let answer = answer.await.ok()?;
    let (status, mut body, mut bytes) = (answer.status().as_u16(), answer.into_body(), Vec::new());
    while let Some(part) = body.data().await {
        let part = part.ok()?;
        body.flow_control().release_capacity(part.len()).ok()?;
        bytes.extend_from_slice(&part);
    }
    Some((status, bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_answer_gives_its_turn_back_when_its_time_is_over() {
    let bench = landed(ROWS);
    let args = ["serve", "--timeout-ms", "4000", "--queue-ms", "60000", "--engine-requests", "1", "--access-log"];
    let running = bench.program().spawn_serving(&args);
    for path in STREAMS {
        let mut unread = Wire::connect(&running);
        unread.ask(path, &[]);
        assert!(unread.head().starts_with("HTTP/1.1 200"), "{path}");
        // The only turn is taken, and nobody reads: it is free again when the time of that request is over.
        let began = Instant::now();
        while running.get("/aggregates?group_by=resource").await.status != 200 {
            assert!(began.elapsed() < PATIENCE, "{path}: its turn is never free again");
        }
        assert!(unread.chunks().is_none(), "{path}: the connection goes, and the answer does not look whole");
    }
    let log = running.log();
    let line =
        log.lines().find(|line| line.contains("/sql?") && line.contains("GET")).expect("a line of the access log");
    assert!(line.contains("broke off"), "the client did not leave: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_stream_of_http2_ends_in_time_and_no_other_does() {
    let bench = landed(ROWS);
    let args = ["serve", "--timeout-ms", "4000", "--queue-ms", "60000", "--engine-requests", "1"];
    let running = bench.program().spawn_serving(&args);
    let mut client = http2(&running, 1000).await;
    for path in STREAMS.into_iter().chain(["/changes?since=0&follow=false"]) {
        let (answer, _) = client.send_request(request(&running, path), true).expect("a stream");
        let answer = answer.await.expect("the head of an answer");
        assert_eq!(answer.status(), 200, "{path}");
        let mut unread = answer.into_body();
        let began = Instant::now();
        while ask(&running, &mut client, "/aggregates?group_by=resource").await.expect("an answer").0 != 200 {
            assert!(began.elapsed() < PATIENCE, "{path}: its turn is never free again");
        }
        // Who reads at last is told that it was cut.
        let end = loop {
            match unread.data().await.expect("an end that is an error") {
                Ok(part) => drop(unread.flow_control().release_capacity(part.len())),
                Err(error) => break error,
            }
        };
        assert!(end.is_reset(), "{path}: the stream is reset: {end}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_cannot_take_every_turn_from_the_others() {
    let bench = landed(300);
    let ((greedy, greedy_line), (other, other_line)) =
        (token(&bench.program(), &["greedy"]), token(&bench.program(), &["other"]));
    let file = bench.lake().with_file_name("tokens");
    write(&file, &[&greedy_line, &other_line]);
    let file = file.to_str().expect("a path");
    let running = bench.program().spawn_serving(&[
        "serve",
        "--token-file",
        file,
        "--admin-token",
        "an-admin-of-long-standing",
        "--engine-requests",
        "4",
        "--concurrent-requests",
        "32",
        "--queue-ms",
        "60000",
        "--timeout-ms",
        "60000",
    ]);
    let gauge = async |name: &str| {
        let text = running.get_with("/metrics", &[("authorization", "Bearer an-admin-of-long-standing")]).await.text();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok()).expect("a gauge")
    };
    let authorization = format!("Bearer {greedy}");
    let endless = "/sql?query=SELECT%20count(*)%20FROM%20generate_series(1,1000000)%20a(x)%20JOIN%20\
                   generate_series(1,1000000)%20b(y)%20ON%20x%2By%3C0";
    let asked: Vec<Wire> = (0..8)
        .map(|_| {
            let mut wire = Wire::connect(&running);
            wire.ask(endless, &[("authorization", &authorization)]);
            wire
        })
        .collect();
    let began = Instant::now();
    while gauge("hotspots_engine_waiting").await < 6.0 {
        assert!(began.elapsed() < PATIENCE, "six of eight wait: {}", running.log());
    }
    assert!(gauge("hotspots_engine_running").await <= 2.0, "one client has at most half of the turns");
    let own = [("authorization", format!("Bearer {other}"))];
    let own = own.each_ref().map(|(name, value)| (*name, value.as_str()));
    for _ in 0..3 {
        let answer = running.get_with("/aggregates?group_by=resource", &own).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(gauge("hotspots_engine_waiting").await >= 6.0, "the other client has waited for none of them");
    drop(asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http2_many_requests_share_a_connection() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve"]);
    let expected = running.get("/aggregates?group_by=resource").await.json();
    assert!(expected[0]["count"].as_u64().is_some_and(|count| count > 0), "{expected}");
    let client = http2(&running, 1 << 16).await;
    // Followers keep their streams, and the connection still answers others.
    let mut followed = Vec::new();
    for _ in 0..20 {
        let mut client = client.clone().ready().await.expect("HTTP/2");
        let (answer, _) = client.send_request(request(&running, "/changes?follow=true"), true).expect("a stream");
        followed.push(answer.await.expect("an answer"));
    }
    let answers = (0..20).map(|_| {
        let (mut client, running) = (client.clone(), &running);
        async move { ask(running, &mut client, "/aggregates?group_by=resource").await }
    });
    for answer in futures::future::join_all(answers).await {
        let (status, body) = answer.expect("an answer");
        let rows: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status, &rows), (200, &expected));
    }
    assert!(followed.iter().all(|answer| answer.status() == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_begun_and_reset_end_their_connection() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve", "--engine-requests", "2"]);
    let mut client = http2(&running, 1 << 16).await;
    let mut ended = false;
    for _ in 0..100_000 {
        let Ok(ready) = client.ready().await else {
            ended = true;
            break;
        };
        client = ready;
        let Ok((answer, mut stream)) = client.send_request(request(&running, "/aggregates?group_by="), false) else {
            ended = true;
            break;
        };
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
    }
    // Either it went, or it kept up with all of them.
    let began = Instant::now();
    while gauge(&running, "hotspots_engine_running").await > 0.0 {
        assert!(began.elapsed() < PATIENCE, "turns are kept for streams that were reset (connection ended: {ended})");
    }
    assert_eq!(running.get("/aggregates?group_by=resource").await.status, 200);
}

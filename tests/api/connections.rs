//! The connections of the HTTP server: answers that are not read, clients that take much, HTTP/2.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Request;
use bytes::Bytes;
use h2::client::SendRequest;
use lake_testkit::Running;
use reqwest::Method;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use crate::api::access::{BIG, landed, token, write};
use crate::api::wire::{Wire, certificate};

const PATIENCE: Duration = Duration::from_mins(1);

/// Rows of which an answer is that large.
const ROWS: usize = 60_000;

/// Addresses whose answers are streams of many megabytes: more than sockets hold for a client that does not read.
const STREAMS: [&str; 2] =
    [BIG, "/sql?format=csv&limit=500000&query=SELECT%20value,repeat('x',60)%20FROM%20generate_series(1,400000)"];

/// Returns a sample of a metric without labels.
async fn gauge(running: &Running, name: &str) -> f64 {
    let text = running.get("/metrics").await.text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not in {text}"))
}

/// Connects by HTTP/2 with prior knowledge, as a client that lets each stream send so many bytes before it has read
/// them.
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

/// Returns the status and the body of a request over HTTP/2; `None` if the stream is reset.
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
        // On a busy machine its time may be over before the first row.
        let began = Instant::now();
        let unread = loop {
            let mut wire = Wire::connect(&running);
            wire.ask(path, &[]);
            match wire.head() {
                head if head.starts_with("HTTP/1.1 200") => break wire,
                head => assert!(head.starts_with("HTTP/1.1 504") && began.elapsed() < PATIENCE, "{path}: {head}"),
            }
        };
        // The only permit is taken, and its client does not read: it is free again at the time limit of that request.
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
    for path in STREAMS {
        // On a busy machine its time may be over before the first row.
        let began = Instant::now();
        let answer = loop {
            let (answer, _) = client.send_request(request(&running, path), true).expect("a stream");
            match answer.await.expect("the head of an answer") {
                answer if answer.status() == 200 => break answer,
                answer => assert!(answer.status() == 504 && began.elapsed() < PATIENCE, "{path}: {answer:?}"),
            }
        };
        let mut unread = answer.into_body();
        let began = Instant::now();
        while ask(&running, &mut client, "/aggregates?group_by=resource").await.expect("an answer").0 != 200 {
            assert!(began.elapsed() < PATIENCE, "{path}: its turn is never free again");
        }
        // A late reader gets an error that the answer was cut.
        let mut bytes = 0;
        let end = loop {
            match unread.data().await {
                Some(Ok(part)) => {
                    bytes += part.len();
                    drop(unread.flow_control().release_capacity(part.len()));
                }
                Some(Err(error)) => break error,
                None => panic!("{path}: {bytes} bytes look whole"),
            }
        };
        // A connection on which nothing else is asked may have been closed meanwhile.
        assert!(end.is_reset() || end.is_io() || end.is_go_away(), "{path}: an end like any other: {end}");
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
    let running = bench.program().spawn_serving(&["serve", "--queue-ms", "600000", "--timeout-ms", "600000"]);
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
        let rows: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status, &rows), (200, &expected));
    }
    assert!(followed.iter().all(|answer| answer.status() == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_client_chooses_http2_or_http_1_1() {
    let bench = landed(300);
    let Some((certificate, key)) = certificate("over_tls_the_client_chooses_http2_or_http_1_1", bench.folder.path())
    else {
        return;
    };
    let plain = bench.program().spawn_serving(&["serve"]);
    let expected = plain.get("/aggregates?group_by=resource").await.body;
    let running = bench.program().spawn_in_background(&[
        "serve",
        "--http",
        "127.0.0.1:0",
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
    ]);
    let line = running.wait_for_log("listening on https://", PATIENCE);
    let address = line.rsplit_once("https://").expect("an address").1.trim().to_owned();
    let mut roots = rustls::RootCertStore::empty();
    let own = CertificateDer::from_pem_file(&certificate).expect("a certificate");
    roots.add(own).expect("an authority");
    for (offered, chosen) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&[b"http/1.1", b"h2"], Some(b"h2")),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().expect("versions of TLS");
        let mut config = builder.with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let tcp = tokio::net::TcpStream::connect(&address).await.expect("a connection");
        let name = "localhost".try_into().expect("a name");
        let mut tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.expect("TLS");
        assert_eq!(tls.get_ref().1.alpn_protocol(), chosen, "of {offered:?}");
        if chosen == Some(b"h2") {
            let (mut client, connection) = h2::client::handshake(tls).await.expect("HTTP/2");
            tokio::spawn(async { drop(connection.await) });
            let request = Request::get(format!("https://{address}/aggregates?group_by=resource"));
            let (answer, _) = client.send_request(request.body(()).expect("a request"), true).expect("a stream");
            let answer = answer.await.expect("an answer");
            let length: usize = answer.headers()["content-length"].to_str().expect("text").parse().expect("a length");
            assert_eq!((answer.status().as_u16(), length), (200, expected.len()));
            let body = answer.into_body().data().await.expect("a body").expect("a body");
            assert_eq!(body, expected);
        } else {
            let request = "GET /aggregates?group_by=resource HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            tls.write_all(request.as_bytes()).await.expect("a request is sent");
            let mut answer = Vec::new();
            // Some servers end TLS without a word; how it ends is not what is asked here.
            let _ = tls.read_to_end(&mut answer).await;
            assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(&expected));
        }
    }
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

/// Returns the head and the body of an answer whose connection ends with it, and whether it was reset.
fn answer(mut wire: Wire) -> (String, Vec<u8>, bool) {
    let head = wire.head();
    let (body, is_reset) = wire.rest();
    (head, body, is_reset)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_http_1_0_is_whole_or_its_connection_is_reset() {
    let bench = landed(ROWS);
    let mut running = bench.program().spawn_serving(&["serve", "--drain-seconds", "0"]);
    let mut whole = Wire::connect(&running);
    whole.send("GET /sql?format=csv&query=SELECT%20value%20FROM%20generate_series(1,50000) HTTP/1.0\r\n\r\n");
    let (head, body, is_reset) = answer(whole);
    assert!(head.contains(" 200 ") && !head.to_lowercase().contains("transfer-encoding"), "{head}");
    assert_eq!((body.iter().filter(|byte| **byte == b'\n').count(), is_reset), (50_001, false));

    let mut cut = Wire::connect(&running);
    cut.send(&format!("GET {BIG} HTTP/1.0\r\n\r\n"));
    assert!(cut.head().contains(" 200 "));
    running.signal("-TERM");
    assert_eq!(running.wait(PATIENCE), 0, "{}", running.log());
    assert!(cut.rest().1, "the end of an answer that was cut is an error");
}

#[test]
fn a_request_has_one_name_of_its_server_over_http_1_1() {
    let bench = landed(60);
    let running = bench.program().spawn_serving(&["serve"]);
    for (request, status) in [
        ("GET /limits HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        ("GET /limits HTTP/1.1\r\nHost: lake\r\nHost: lake\r\nConnection: close\r\n\r\n", 400),
        ("GET /limits HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400),
        ("GET /limits HTTP/1.1\r\nHost: lake\r\nConnection: close\r\n\r\n", 200),
        ("GET /limits HTTP/1.0\r\n\r\n", 200),
    ] {
        let mut wire = Wire::connect(&running);
        wire.send(request);
        let (head, body, _) = answer(wire);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) || head.starts_with(&format!("HTTP/1.0 {status} ")));
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(status == 200 || body["detail"].as_str().is_some_and(|detail| detail.contains("`Host`")), "{body}");
    }
}

#[test]
fn an_address_that_is_too_long_is_refused_in_words() {
    let bench = landed(60);
    let running = bench.program().spawn_serving(&["serve"]);
    for length in [66_000, 300_000, 1_500_000] {
        let mut wire = Wire::connect(&running);
        wire.send(&format!("GET /aggregates?polygon={} HTTP/1.1\r\nHost: lake\r\n\r\n", "x".repeat(length)));
        let (head, body, _) = answer(wire);
        assert!(head.starts_with("HTTP/1.1 414 ") || head.starts_with("HTTP/1.1 431 "), "{length}: {head}");
        assert!(head.contains("application/problem+json"), "{head}");
        let problem: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("POST")), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_tells_the_length_of_get_and_no_answer_is_sniffed() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve"]);
    for path in [
        "/",
        "/api",
        "/limits",
        "/resources",
        "/openapi.json",
        "/boundaries",
        "/nothing",
        "/healthz",
        "/aggregates?limit=3",
        "/aggregates?nonsense=1",
        "/incidents?limit=3&format=csv",
        "/facets",
        "/sql?query=SELECT%201",
        "/tiles/11/327/791.mvt",
        "/changes?since=0&follow=false",
    ] {
        let ask = |method: Method| {
            let asked = reqwest::Client::new().request(method, running.url(path));
            async { asked.header("accept-encoding", "identity").send().await.expect("an answer") }
        };
        let (head, get) = (ask(Method::HEAD).await, ask(Method::GET).await);
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-length", "content-type"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{path}: {name}");
        }
        for answer in [&head, &get] {
            assert_eq!(answer.headers().get("x-content-type-options").expect(path), "nosniff", "{path}");
        }
    }
    let head = reqwest::Client::new().head(running.url("/metrics")).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), head.headers().get("content-length")), (200, None), "no two are alike");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_announced_as_too_large_is_refused_before_it_comes() {
    let bench = landed(300);
    let running = bench.program().spawn_serving(&["serve", "--max-body-bytes", "1000"]);
    for (path, more) in [("/aggregates", ""), ("/sql", ""), ("/hotspots", "Expect: 100-continue\r\n")] {
        let mut wire = Wire::connect(&running);
        let head = "Host: lake\r\nContent-Type: application/json\r\nContent-Length: 1001\r\n";
        wire.send(&format!("POST {path} HTTP/1.1\r\n{head}{more}\r\n"));
        let head = wire.head();
        assert!(head.starts_with("HTTP/1.1 413 "), "{path}: {head}");
        let body = String::from_utf8(wire.body(&head).expect("a problem")).expect("text");
        assert!(body.contains("`max_body_bytes` of /limits"), "{path}: {body}");
    }
}

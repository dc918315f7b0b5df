//! Requests to a server: their questions, bodies, headers, page tokens and paths.

use lake_testkit::{Answer, Running};
use serde_json::Value;

use super::{Fuzz, Verdict, ours};
use crate::faults::store_faults::runtime;
use crate::harness::{Bench, CASES_RESOURCE};

/// Checks an answer of the server: an array of objects with counts, or a problem with a text; never a failure of its
/// own.
fn check_answer(answer: &Answer) -> Verdict {
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    match answer.status {
        200 => match serde_json::from_slice::<Value>(&answer.body) {
            Ok(Value::Array(rows)) if rows.iter().all(|row| row["count"].is_i64()) => {
                let members =
                    rows.first().and_then(Value::as_object).map(|row| row.keys().cloned().collect::<Vec<_>>());
                Ok(format!("rows of {members:?}"))
            }
            _ => Err(format!("an answer that is not an array of counts: {}", answer.text())),
        },
        400..500 => {
            let detail = serde_json::from_slice::<Value>(&answer.body).ok();
            let detail = detail.and_then(|problem| Some(problem["detail"].as_str()?.to_owned()));
            match detail {
                Some(detail) if kind.starts_with("application/problem+json") && !detail.trim().is_empty() => {
                    Ok(format!("{} {}", answer.status, ours(&detail)))
                }
                _ => Err(format!("{} without words: {}", answer.status, answer.text())),
            }
        }
        other => Err(format!("{other}: {}", answer.text())),
    }
}

fn serve(bench: &Bench) -> Running {
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    bench.program().spawn_serving(&["serve"])
}

const QUESTION_WORDS: &[&str] = &[
    "&",
    "=",
    "resource=311-cases",
    "category=",
    "subcategory=",
    "start_time=",
    "end_time=",
    "bbox=",
    "polygon=",
    "near=",
    "geo_precision=",
    "time_precision=",
    "hour=",
    "weekday=",
    "group_by=",
    "limit=",
    "format=",
    "resource,cell,time",
    "1m",
    "15m",
    "1w",
    "1mo",
    "1y",
    "all",
    "-180,-90,180,90",
    "37.7,-122.4,1000",
    "%00",
    "%ff",
    "%2C",
    "%27",
    "';--",
    "2024-02-29",
    "T23:59:59Z",
    "+08:00",
    "cell",
    "neighborhood",
    "0",
    "24",
    "NaN",
    "inf",
];

#[test]
fn any_question_is_answered_or_refused_in_words() {
    let bench = Bench::synthetic(200);
    let serving = serve(&bench);
    let runtime = runtime();
    Fuzz { target: "query", words: QUESTION_WORDS }.run(2_000, |input| {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~=&%+,:;'*".contains(b);
        let query: String =
            input.iter().map(|b| if plain(b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect();
        check_answer(&runtime.block_on(serving.get(&format!("/aggregates?{query}"))))
    });
    assert_eq!(runtime.block_on(serving.get("/readyz")).status, 200);
}

#[test]
fn any_body_with_a_polygon_is_answered_or_refused_in_words() {
    let bench = Bench::synthetic(200);
    let serving = serve(&bench);
    let runtime = runtime();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let words = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"polygon\":",
        "\"type\":",
        "\"Polygon\"",
        "\"MultiPolygon\"",
        "\"Feature\"",
        "\"geometry\":",
        "\"coordinates\":",
        "[-122.4,37.7]",
        "[-122.5,37.8,10]",
        "null",
        "[]",
        "1e308",
        "-1e308",
        "1e-308",
        "\"bbox\":[-123,37,-122,38]",
        "\"limit\":1",
        "\"resource\":[\"311-cases\"]",
        "\"group_by\":[\"cell\"]",
        "180",
        "-90",
    ];
    Fuzz { target: "polygon", words }.run(2_000, |input| {
        let request = client.post(serving.url("/aggregates")).header("content-type", "application/json");
        let answer = runtime.block_on(async {
            let response = request.body(input.to_vec()).send().await.expect("the server is up");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Answer { status, headers, body: response.bytes().await.expect("a body").to_vec() }
        });
        check_answer(&answer)
    });
    assert_eq!(runtime.block_on(serving.get("/readyz")).status, 200);
}

/// Checks an answer of any kind, or a problem with a text; never a failure of the server.
fn check_any(answer: &Answer) -> Verdict {
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    match answer.status {
        200 | 304 => Ok(format!("{} {kind}", answer.status)),
        _ => check_answer(answer),
    }
}

#[test]
fn any_accept_header_is_a_format_or_refused_in_words() {
    let bench = Bench::synthetic(100);
    let serving = serve(&bench);
    let runtime = runtime();
    let words = &[
        ",",
        ";",
        "q=",
        "q=0",
        "q=0.001",
        "q=1.0000",
        "*/*",
        "text/*",
        "text/csv",
        "application/json",
        "geo+json",
        "application/vnd.apache.parquet",
        "application/vnd.apache.arrow.stream",
        "text/event-stream",
        "\"",
        "=",
        " ",
        "charset=utf-8",
        "NaN",
        "-1",
        "/",
    ];
    Fuzz { target: "accept", words }.run(2_000, |input| {
        // Text that no client can send is not a header.
        let accept: String = input.iter().filter(|b| (32..127).contains(*b)).map(|b| char::from(*b)).collect();
        let paths = ["/aggregates?group_by=", "/changes?since=0&follow=false"];
        let each: Result<Vec<String>, String> = paths
            .iter()
            .map(|path| check_any(&runtime.block_on(serving.get_with(path, &[("accept", &accept)]))))
            .collect();
        each.map(|ways| ways.join(" / "))
    });
    assert_eq!(runtime.block_on(serving.get("/readyz")).status, 200);
}

#[test]
fn any_token_of_a_page_is_a_page_or_refused_in_words() {
    let bench = Bench::synthetic(100);
    let serving = serve(&bench);
    let runtime = runtime();
    let first = runtime.block_on(serving.get("/incidents?limit=5"));
    let next = first.header("lake-next").expect("a next page").to_owned();
    let words = &[
        "{",
        "}",
        "\"version\":",
        "\"question\":",
        "\"after\":",
        "\"occurred_at\":",
        "\"resource\":",
        "\"id\":",
        "null",
        "fast_counts=",
        "counts=",
        "incidents=",
        "18446744073709551615",
        "-1",
        ",",
        "\\u0000",
        "'",
        "NEXT",
    ];
    let mut pages = 0;
    Fuzz { target: "token", words }.run(2_000, |input| {
        // The text within a token, or a token as it is; NEXT is a placeholder for the fingerprint of the question.
        let own = base64_decoded(&next);
        let fingerprint = own.split("\"question\":\"").nth(1).and_then(|rest| rest.get(..16)).unwrap_or_default();
        let text = String::from_utf8_lossy(input).replace("NEXT", fingerprint);
        let answer =
            runtime.block_on(serving.get(&format!("/incidents?limit=5&page={}", base64_encoded(text.as_bytes()))));
        pages += usize::from(answer.status == 200);
        check_any(&answer)
    });
    assert!(pages > 10, "hardly any token is a page: {pages}");
    assert_eq!(runtime.block_on(serving.get("/readyz")).status, 200);
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes by RFC 4648, 5, without padding.
fn base64_encoded(bytes: &[u8]) -> String {
    let group = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b)) << (8 * (3 - three.len()));
        let letters = (0..=three.len()).map(move |n| char::from(LETTERS[number >> (18 - 6 * n) & 63]));
        letters.collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn base64_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let (mut number, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter).expect("a letter");
        number = number << 6 | u32::try_from(value).expect("six bits");
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(number >> bits & 255).expect("a byte"));
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn any_path_of_a_tile_is_a_tile_or_refused_in_words() {
    let bench = Bench::synthetic(100);
    let serving = serve(&bench);
    let runtime = runtime();
    let words = &[
        "/",
        ".mvt",
        ".",
        "..",
        "0",
        "1",
        "24",
        "25",
        "-1",
        "4294967295",
        "4294967296",
        "1e3",
        "?",
        "&",
        "geo_precision=",
        "category=",
        "bbox=-180,-90,180,90",
        "located=",
        "%2F",
        "%00",
    ];
    Fuzz { target: "tile", words }.run(2_000, |input| {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~=&%+,:;'*/?".contains(b);
        let path: String =
            input.iter().map(|b| if plain(b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect();
        check_any(&runtime.block_on(serving.get(&format!("/tiles/{path}"))))
    });
    assert_eq!(runtime.block_on(serving.get("/readyz")).status, 200);
}

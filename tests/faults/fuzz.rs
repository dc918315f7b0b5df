//! All input from outside (pages, definitions, windows, cursors, questions, polygons, tickets, headers, paths) is
//! parsed or rejected with an error, and never ends the program.
//!
//! Inputs are mutations of `tests/corpus/<target>`, drawn from a fixed seed. One with a new kind of answer joins the
//! pool; one that breaks a promise is written into the corpus, and so is tried first from then on. `HOTSPOTS_SEED`
//! draws others, `HOTSPOTS_FUZZ_SECONDS` sets how long each target runs.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array as _, AsArray as _};
use arrow_flight::Ticket;
use arrow_flight::flight_service_client::FlightServiceClient;
use lake_model::{Cursor, Error, Kind, Resource, Window};
use lake_portal::{Decoder, read_file};
use lake_query::{IncidentProjector, NamedQuery};
use lake_store::LandingMark;
use lake_testkit::{Answer, Running};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use serde_json::value::RawValue;
use tonic::Code;

use crate::faults::store_faults::{runtime, tiny};
use crate::harness::{Bench, CASES_RESOURCE};

/// The answer, in brief; or the broken promise.
type Verdict = Result<String, String>;

/// The greatest number of inputs in the pool, without the corpus.
const MAX_KEPT: usize = 2_000;

struct Fuzz {
    target: &'static str,
    words: &'static [&'static str],
}

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder(target)).expect("a corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).expect("an input")).collect()
}

/// Draws a number from 0 to below `of`.
fn below(random: &mut StdRng, of: usize) -> usize {
    if of == 0 { 0 } else { random.random_range(0..of) }
}

impl Fuzz {
    /// Tries the corpus, then so many mutations of it, or for the time of the environment variable.
    fn run(&self, inputs: usize, mut check: impl FnMut(&[u8]) -> Verdict) {
        let seed = std::env::var("HOTSPOTS_SEED").map_or(311, |seed| seed.parse().expect("a number"));
        let seconds = std::env::var("HOTSPOTS_FUZZ_SECONDS").ok().map(|s| s.parse::<u64>().expect("seconds"));
        let mut random = StdRng::seed_from_u64(seed);
        let mut pool = corpus(self.target);
        let mut ways = BTreeSet::new();
        let (began, mut tried) = (Instant::now(), 0);
        for input in pool.clone() {
            ways.insert(self.try_one(&input, &mut check));
            tried += 1;
        }
        while seconds.map_or(tried < inputs, |most| began.elapsed() < Duration::from_secs(most)) {
            let input = self.mutated(&pool, &mut random);
            let way = self.try_one(&input, &mut check);
            if ways.insert(way) && pool.len() < MAX_KEPT {
                pool.push(input);
            }
            tried += 1;
        }
        eprintln!("{}: {tried} inputs, {} ways to answer, HOTSPOTS_SEED={seed}", self.target, ways.len());
    }

    fn try_one(&self, input: &[u8], check: &mut impl FnMut(&[u8]) -> Verdict) -> String {
        let broken = match catch_unwind(AssertUnwindSafe(|| check(input))) {
            Ok(Ok(way)) => return way,
            Ok(Err(broken)) => broken,
            Err(_) => "it panicked".to_owned(),
        };
        let hash =
            input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        let path = folder(self.target).join(format!("found-{hash:016x}"));
        std::fs::write(&path, input).expect("the corpus can be written");
        panic!("{}: {broken}\n{}\nkept as {}", self.target, String::from_utf8_lossy(input), path.display());
    }

    fn mutated(&self, pool: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
        let mut input = pool[below(random, pool.len())].clone();
        let mut changed = false;
        // One change mostly: most texts with many are refused at the first.
        while !std::mem::replace(&mut changed, random.random_bool(0.6)) {
            let at = below(random, input.len());
            let end = (at + 1 + below(random, 12)).min(input.len());
            match random.random_range(0..12) {
                0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
                1 if at < input.len() => input[at] = random.random(),
                2 => drop(input.drain(at..end)),
                3 => {
                    let again = input[at..end].to_vec();
                    input.splice(at..at, again);
                }
                4 => {
                    let other = &pool[below(random, pool.len())];
                    let from = below(random, other.len());
                    let until = (from + 1 + below(random, 40)).min(other.len());
                    input.splice(at..end, other[from..until].iter().copied());
                }
                5 => input.truncate(at),
                6 => self.change_number(&mut input, at, random),
                7 => drop(input.drain(line(&input, at))),
                8 => {
                    // A line of this or another input once more.
                    let other = &pool[below(random, pool.len())];
                    let taken = other[line(other, below(random, other.len()))].to_vec();
                    let place = line(&input, at).start;
                    input.splice(place..place, taken);
                }
                _ => {
                    let word = self.words[below(random, self.words.len())];
                    let until = if random.random_bool(0.5) { end } else { at };
                    input.splice(at..until, word.bytes());
                }
            }
        }
        input
    }

    /// Replaces the number after `at`.
    fn change_number(&self, input: &mut Vec<u8>, at: usize, random: &mut StdRng) {
        const NUMBERS: [&str; 14] = [
            "0",
            "-1",
            "1",
            "9999",
            "10000",
            "00",
            "1e400",
            "-0.0",
            "NaN",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "0.1",
            "1e-320",
        ];
        let Some(start) = input.iter().skip(at).position(u8::is_ascii_digit).map(|n| n + at) else { return };
        let length = input[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        input.splice(start..start + length, NUMBERS[below(random, NUMBERS.len())].bytes());
    }
}

/// Returns the line around a place, with its end.
fn line(input: &[u8], at: usize) -> std::ops::Range<usize> {
    let start = input[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let end = input[at..].iter().position(|b| *b == b'\n').map_or(input.len(), |n| at + n + 1);
    start..end
}

/// Returns the program's own words in an answer: without numbers and quotes of the input.
fn ours(text: &str) -> String {
    let unquoted: String = text.split('`').step_by(2).collect();
    let unquoted = unquoted.split('"').next().unwrap_or_default();
    unquoted.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(60).collect()
}

fn words_of(error: &Error, kinds: &[Kind]) -> Verdict {
    let text = error.to_string();
    if text.trim().is_empty() {
        return Err("an error without words".to_owned());
    }
    if !kinds.contains(&error.kind()) {
        return Err(format!("an error of kind {:?}: {text}", error.kind()));
    }
    Ok(ours(&text))
}

/// A resource with every type of column and a key of two.
const EVERY_TYPE: &str = include_str!("../corpus/resource/every-type.toml");

fn check_page(decoder: &Decoder, body: &[u8]) -> Verdict {
    let page = match decoder.page(body) {
        Ok(page) => page,
        Err(error) => return words_of(&error, &[Kind::Invalid, Kind::Unavailable]),
    };
    if page.published != page.batch.num_rows() + page.rejects.len() {
        return Err(format!("{} rows are not {} and {}", page.published, page.batch.num_rows(), page.rejects.len()));
    }
    let text = |name: &str| page.batch.column_by_name(name).expect("a column").as_string::<i32>();
    let (keys, hashes, extras) = (text("_key"), text("_hash"), text("_extra"));
    for row in 0..page.batch.num_rows() {
        if keys.is_null(row) || keys.value(row).trim().is_empty() {
            return Err("a usable row has no key".to_owned());
        }
        if hashes.value(row).len() != 32 {
            return Err(format!("`{}` is not a hash", hashes.value(row)));
        }
        // JSON has numbers of any size: its text is kept, whatever can be computed with it.
        let object = |text: &str| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).is_ok();
        if extras.is_valid(row) && !object(extras.value(row)) {
            return Err(format!("`_extra` is not an object: {}", extras.value(row)));
        }
    }
    if page.rejects.iter().any(|reject| reject.reason.trim().is_empty()) {
        return Err("a reject without a reason".to_owned());
    }
    let again = decoder.page(body).map_err(|e| e.to_string())?;
    if again.batch != page.batch || again.rejects != page.rejects || again.cursor != page.cursor {
        return Err("the same page is decoded differently".to_owned());
    }
    let reasons: BTreeSet<String> = page.rejects.iter().map(|r| r.reason.chars().take(24).collect()).collect();
    let nulls: Vec<bool> = page.batch.columns().iter().map(|c| c.null_count() > 0).collect();
    Ok(format!("{nulls:?} {reasons:?} {}", page.cursor.is_some()))
}

#[test]
fn any_page_is_rows_and_rejects_or_an_error_in_words() {
    let decoders = [
        Decoder::new(&tiny::resource()),
        Decoder::new(&Arc::new(Resource::parse("every-type.toml", EVERY_TYPE).unwrap())),
    ];
    let words = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        "null",
        "\"\"",
        "\":id\":",
        "\":updated_at\":",
        "\"id\":",
        "\"key\":",
        "\"part\":",
        "\"when\":",
        "\"yes\":",
        "\"lat\":\"0\"",
        "\\u0000",
        "\\ud800",
        "\u{feff}",
        "\"2024-02-30T00:00:00\"",
        "{\"type\":\"Point\",\"coordinates\":[-122.4,37.7]}",
        "{\"latitude\":\"37.7\",\"longitude\":\"-122.4\"}",
        "12.0",
        "000012",
        "true",
        "\" \"",
        "1e999",
        "[[[[[[[[[[[[[[[[",
    ];
    Fuzz { target: "page", words }.run(6_000, |input| {
        let each: Result<Vec<String>, String> = decoders.iter().map(|d| check_page(d, input)).collect();
        each.map(|ways| ways.join(" / "))
    });
}

/// Returns how many records a CSV text has by RFC 4180, without blank lines; `None` if it ends within quotes.
fn count_records(text: &[u8]) -> Option<usize> {
    let (mut records, mut quoted, mut at_start, mut blank) = (0, false, true, true);
    let mut bytes = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&&b'"') => drop(bytes.next()),
            b'"' if quoted || at_start => {
                quoted = !quoted;
                (at_start, blank) = (false, false);
            }
            b'\n' | b'\r' if !quoted => {
                records += usize::from(!blank);
                (at_start, blank) = (true, true);
            }
            _ => {
                at_start = *byte == b',' && !quoted;
                blank = false;
            }
        }
    }
    (!quoted).then_some(records + usize::from(!blank))
}

/// Reads a file with pages of that many rows: how many rows it has, and the hashes of those that can be used.
fn read_pages(decoder: &Decoder, path: &std::path::Path, size: usize) -> Result<(usize, Vec<String>), Error> {
    let (mut published, mut hashes) = (0, Vec::new());
    read_file(decoder, path, size, |page| {
        published += page.published;
        assert_eq!(page.published, page.batch.num_rows() + page.rejects.len(), "every row is one or the other");
        let column = page.batch.column_by_name("_hash").expect("a column").as_string::<i32>();
        hashes.extend(column.iter().flatten().map(str::to_owned));
        Ok(())
    })?;
    Ok((published, hashes))
}

fn check_file(decoder: &Decoder, path: &std::path::Path, input: &[u8]) -> Verdict {
    std::fs::write(path, input).expect("a file");
    let whole = match read_pages(decoder, path, 1_000) {
        Ok(whole) => whole,
        Err(error) if !error.to_string().contains("saved.") => return Err(format!("no name of the file: {error}")),
        Err(error) => return words_of(&error, &[Kind::Invalid]),
    };
    match read_pages(decoder, path, 2) {
        Ok(pages) if pages == whole => {}
        other => return Err(format!("read in pages: {other:?}, read whole: {whole:?}")),
    }
    let is_csv = path.extension().is_some_and(|ending| ending == "csv");
    if is_csv && count_records(input) != Some(whole.0 + 1) {
        return Err(format!("{} rows are read, and there are {:?} records", whole.0, count_records(input)));
    }
    Ok(format!("{} rows, {} usable", whole.0.min(5), whole.1.len().min(5)))
}

#[test]
fn any_saved_file_is_read_whole_or_refused_in_words() {
    let decoder = Decoder::new(&Arc::new(Resource::parse("every-type.toml", EVERY_TYPE).unwrap()));
    let folder = tempfile::tempdir().expect("a directory");
    let words = &[
        "\"",
        "\"\"",
        ",",
        "\n",
        "\r\n",
        "\r",
        ";",
        "\t",
        "\0",
        "\u{feff}",
        "\u{fc}",
        "{",
        "}",
        "[",
        "]",
        "[]",
        "null",
        "NaN",
        "\"key\":",
        "key",
        "part",
        "when",
        "where",
        "Key",
        ":id",
        "12/31/2020",
        "31/12/2020",
        "12/15/05",
        "2016 Apr 03 11:15 PM",
        "POINT (1 2)",
        "(37.7, -122.4)",
        "1e0",
        "\"1.0\"",
        "$1,500",
        " ",
    ];
    for (target, name) in [("csv", "saved.csv"), ("json", "saved.json")] {
        let path = folder.path().join(name);
        Fuzz { target, words }.run(4_000, |input| check_file(&decoder, &path, input));
    }
}

#[test]
fn any_definition_of_a_resource_works_or_is_refused_in_words() {
    let words = &[
        "name = ",
        "key = [",
        "\"id\"",
        "[roles]",
        "[bounds]",
        "[columns]",
        "volatile = [",
        "latitude = ",
        "point = ",
        "occurred_at = ",
        "= \"text\"",
        "= \"integer\"",
        "= \"timestamp\"",
        "= \"point\"",
        "{ type = \"number\" }",
        "aliases = [\"",
        "nan",
        "inf",
        "-inf",
        "earliest = \"",
        "latest = \"",
        "\"\"",
        "\u{fc}",
        "'",
        "\"\"\"",
        "_key",
        "select = \"text\"\n",
        "\"a\\\"b\"",
        "99999999999999999999d",
        "0s",
    ];
    let mut parsed = 0;
    Fuzz { target: "resource", words }.run(4_000, |input| {
        let text = String::from_utf8_lossy(input);
        let resource = match Resource::parse("fuzzed.toml", &text) {
            Ok(resource) => Arc::new(resource),
            Err(error) if !error.to_string().contains("fuzzed.toml:") => {
                return Err(format!("an error that does not say where: {error}"));
            }
            Err(error) => return words_of(&error, &[Kind::Invalid]),
        };
        parsed += 1;
        let decoder = Decoder::new(&resource);
        // A parsed definition can be used: the rule that makes incidents of its rows is built.
        if let Err(error) = IncidentProjector::new(&resource, decoder.schema()) {
            return Err(format!("a definition that is accepted and cannot be used: {error}"));
        }
        let way = format!("{:?} {:?}", resource.roles, resource.columns.iter().map(|c| c.kind).collect::<Vec<_>>());
        check_page(&decoder, br#"[{":id":"a",":updated_at":"2024-01-01T00:00:00.000Z"}, {}, 1]"#).map(|_| way)
    });
    assert!(parsed > 20, "only {parsed} inputs are definitions");
}

#[test]
fn any_window_is_half_open_and_reads_as_it_is_shown_or_is_refused_in_words() {
    let words =
        &["..", "-", "T", ":", "Z", "2024", "0000", "9999", "12", "-06", "T24:00", "+01:00", " ", ".000001", "60"];
    Fuzz { target: "window", words }.run(60_000, |input| {
        let text = String::from_utf8_lossy(input);
        let window = match Window::parse(&text) {
            Ok(window) => window,
            Err(error) => return words_of(&error, &[Kind::Invalid]),
        };
        let shown = window.to_string();
        match Window::parse(&shown) {
            Ok(again) if again == window => {}
            other => return Err(format!("{window:?} is shown as {shown}, which reads as {other:?}")),
        }
        let (whole, years) = window.whole_years();
        if whole.start > window.start || whole.end < window.end || years.is_empty() {
            return Err(format!("{whole} does not cover {window}"));
        }
        Ok(format!("a window of {} years", years.count().min(5)))
    });
}

#[test]
fn any_cursor_and_landing_mark_is_read_as_it_was_written_or_refused() {
    let words =
        &["\"updated_at\":", "\"id\":", "\"batch\":", "null", "\"cursor\":", "{", "}", "\"", "\\u0000", "true", "-1"];
    Fuzz { target: "cursor", words }.run(20_000, |input| {
        if let Ok(cursor) = serde_json::from_slice::<Cursor>(input) {
            let again: Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
            return if again == cursor { Ok("a cursor".to_owned()) } else { Err(format!("{cursor:?} is {again:?}")) };
        }
        match serde_json::from_slice::<LandingMark>(input) {
            Ok(mark) => {
                let again: LandingMark = serde_json::from_str(&serde_json::to_string(&mark).unwrap()).unwrap();
                if again == mark { Ok(format!("a mark {}", mark.cursor.is_some())) } else { Err(format!("{mark:?}")) }
            }
            Err(error) => Ok(ours(&error.to_string())),
        }
    });
}

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

/// The placeholder in a ticket of the corpus for the lake's id, of the same length.
const LAKE_ID: &[u8] = b"LAKE-ID-AS-LONG-AS-A-UUID-OF-36-CHAR";

#[test]
fn any_ticket_is_rows_or_refused_in_words() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve", "--flight", "127.0.0.1:0"]);
    let line = serving.wait_for_log("flight listening on ", Duration::from_mins(1));
    let address = line.rsplit_once("://").expect("an address").1.trim().to_owned();
    let about = std::fs::read_to_string(bench.lake().join("lake.json")).expect("a lake");
    let id = serde_json::from_str::<Value>(&about).expect("JSON")["id"].as_str().expect("an id").to_owned();
    assert_eq!(id.len(), LAKE_ID.len());
    let runtime = runtime();
    let client = runtime.block_on(async {
        let channel = tonic::transport::Channel::from_shared(format!("http://{address}")).expect("an address");
        FlightServiceClient::new(channel.connect().await.expect("the server listens"))
    });
    let words = &[
        "SELECT",
        "1",
        "$1",
        "fast_counts=",
        "counts=0",
        "rejects=",
        ",raw/",
        "type.googleapis.com/arrow.flight.protocol.sql.",
        "TicketStatementQuery",
        "CommandPreparedStatementQuery",
        "CommandGetTables",
        "CommandGetSqlInfo",
        "\u{0}",
        "\u{1}",
        "\n",
        "\u{12}",
        "%",
    ];
    let mut rows_made = 0;
    Fuzz { target: "ticket", words }.run(2_000, |input| {
        let mut ticket = input.to_vec();
        if let Some(at) = ticket.windows(LAKE_ID.len()).position(|part| part == LAKE_ID) {
            ticket[at..at + LAKE_ID.len()].copy_from_slice(id.as_bytes());
        }
        let mut client = client.clone();
        let ended = runtime.block_on(async {
            let mut messages = client.do_get(Ticket::new(ticket)).await?.into_inner();
            let mut count = 0;
            while messages.message().await?.is_some() {
                count += 1;
            }
            Ok::<_, tonic::Status>(count)
        });
        match ended {
            Ok(count) => {
                rows_made += 1;
                Ok(format!("{count} messages"))
            }
            Err(refusal) if refusal.message().trim().is_empty() => Err(format!("{refusal:?}: no words")),
            Err(refusal) if refusal.message().contains("because of a bug") => Err(refusal.to_string()),
            // No longer valid HTTP/2, or not answered.
            Err(refusal) if matches!(refusal.code(), Code::Unknown | Code::Unavailable) => Err(refusal.to_string()),
            Err(refusal) => Ok(format!("{:?} {}", refusal.code(), ours(refusal.message()))),
        }
    });
    assert!(rows_made > 20, "hardly any input is a ticket");
    assert_eq!(runtime.block_on(serving.get("/readyz")).status, 200);
}

#[test]
fn any_header_of_a_query_is_understood_or_refused_with_its_line() {
    let words = &[
        "-- title: ",
        "-- about: ",
        "-- parameter: ",
        "-- column: ",
        "-- note: ",
        "--",
        "\n",
        "  ",
        " = ",
        " = null",
        "text",
        "integer",
        "number",
        "boolean",
        "date",
        "timestamp",
        "format",
        "limit",
        "9223372036854775808",
        "2024-02-30",
        "0001-01-01",
        "9999-12-31",
        "+08:00",
        "nan",
        "\u{fc}",
        ":",
        "$",
        "'",
    ];
    Fuzz { target: "header", words }.run(20_000, |input| {
        let text = String::from_utf8_lossy(input);
        match NamedQuery::parse("q", "q.sql", &text) {
            Ok(None) => Ok("no title".to_owned()),
            Ok(Some(query)) => {
                // A default is a valid value, and a required parameter can be null.
                let needed = query.parameters().iter().filter(|parameter| parameter.required);
                let given: Vec<(&str, &str)> = needed.map(|parameter| (parameter.name.as_str(), "")).collect();
                match query.values(given.iter().copied()) {
                    Ok(_) => Ok(format!("{} parameters, {} columns", query.parameters().len(), query.columns().len())),
                    Err(error) => Err(format!("its own defaults are refused: {error}")),
                }
            }
            Err(error) => {
                let told = error.to_string();
                let line = told.strip_prefix("q.sql:").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
                match line.filter(|line| (1..=text.lines().count()).contains(line)) {
                    Some(_) if error.kind() == Kind::Invalid => Ok(ours(&told)),
                    _ => Err(format!("an error without its line: {told}")),
                }
            }
        }
    });
}

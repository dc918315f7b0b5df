//! No credential leaves the host it was given for, by redirect, proxy, log or error text.

use lake_testkit::Program;

use crate::harness::{Bench, CASES_RESOURCE};
use crate::portal::rogue_portal::{RoguePortal, answer, case, json_answer};

const TOKEN: &str = "THE-SECRET-APP-TOKEN";
const PASSWORD: &str = "THE-SECRET-PASSWORD";

fn program(folder: &tempfile::TempDir) -> Program {
    Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake")).current_dir(folder.path())
}

fn ingest(program: &Program, portal: &str, more: &[&str]) -> lake_testkit::Output {
    let mut args = vec!["ingest", CASES_RESOURCE, "--portal", portal, "--retry-wait-ms", "1"];
    args.extend(more);
    program.run(&args)
}

#[test]
fn the_app_token_follows_no_redirect_to_another_origin() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = program(&folder).env("HOTSPOTS_APP_TOKEN", TOKEN);
    let other = RoguePortal::start(|_, stream| json_answer(stream, &serde_json::json!([])));
    let by_name = other.url().replace("127.0.0.1", "localhost");
    let places = [other.url(), by_name, "http://169.254.169.254/latest/meta-data/".to_owned()];
    for (status, place) in
        [301, 302, 303, 307, 308].into_iter().flat_map(|status| places.iter().map(move |p| (status, p)))
    {
        let location = format!("{place}?$$app_token={TOKEN}");
        let portal = RoguePortal::start(move |_, stream| answer(stream, status, &[("Location", &location)], b""));
        let refused = ingest(&program, &portal.url(), &["--retries", "1"]).expect_status(4);
        assert!(refused.stderr.contains(place.trim_end_matches('/')), "the new place is named: {}", refused.stderr);
        assert!(!refused.stderr.contains(TOKEN), "{}", refused.stderr);
        // A place for good is asked for once, another may have been a moment's.
        let times = if matches!(status, 301 | 308) { 1 } else { 2 };
        assert_eq!(portal.asked().len(), times, "{status}");
        assert!(portal.asked().iter().all(|asked| asked.header("x-app-token") == Some(TOKEN)));
    }
    assert!(other.asked().is_empty(), "{:?}", other.asked());
}

#[test]
fn a_redirect_within_the_portal_is_followed() {
    let folder = tempfile::tempdir().expect("a directory");
    let portal = RoguePortal::start(|asked, stream| match asked.path.strip_prefix("/moved") {
        None => {
            let (_, query) = asked.line.split_once('?').expect("a query");
            let location = format!("/moved{}?{}", asked.path, query.trim_end_matches(" HTTP/1.1"));
            answer(stream, 302, &[("Location", &location)], b"")
        }
        Some(_) => crate::portal::rogue_portal::answer_rows(asked, stream, &[case(1, "2026-01-01T00:00:00.000Z")]),
    });
    let landed = ingest(&program(&folder).env("HOTSPOTS_APP_TOKEN", TOKEN), &portal.url(), &[]).success();
    assert!(landed.stderr.contains("1 new"), "{}", landed.stderr);
    let circle = RoguePortal::start(|asked, stream| answer(stream, 302, &[("Location", &asked.path)], b""));
    let refused = ingest(&program(&folder), &circle.url(), &["--retries", "0"]).expect_status(4);
    assert!(refused.stderr.contains("redirects more than 5 times"), "{}", refused.stderr);
    assert_eq!(circle.asked().len(), 6);
    let unchanged = RoguePortal::start(|_, stream| answer(stream, 304, &[], b""));
    let refused = ingest(&program(&folder), &unchanged.url(), &["--retries", "0"]).expect_status(2);
    assert!(refused.stderr.contains("status 304") && !refused.stderr.contains("redirects"), "{}", refused.stderr);
}

#[test]
fn passwords_in_portal_addresses_are_refused_unrepeated() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = program(&folder);
    let address = format!("http://user:{PASSWORD}@127.0.0.1:1");
    let refused = ingest(&program, &address, &[]).expect_status(2);
    assert!(refused.stderr.contains("without a user name or password"), "{}", refused.stderr);
    assert!(!refused.stderr.contains(PASSWORD), "{}", refused.stderr);
    let own = folder.path().join("own");
    std::fs::create_dir(&own).expect("a directory");
    for file in ["data/resources/311-cases.toml", "data/resources/boundaries/sf-neighborhoods.toml"] {
        let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file);
        let text = text.replace("https://data.sfgov.org", &address);
        assert!(text.contains(PASSWORD), "{file}");
        std::fs::write(own.join("one.toml"), text).expect("written");
        let refused = program.run(&["resources", "list", "--resources", "own"]).expect_status(2);
        assert!(refused.stderr.contains("`portal`") && !refused.stderr.contains(PASSWORD), "{}", refused.stderr);
    }
    std::fs::write(folder.path().join("lake.toml"), format!("[ingest]\nportal = \"{address}\"\n")).expect("written");
    let shown = program.run(&["config", "show", "ingest", "--config", "lake.toml"]).success();
    assert!(shown.stdout.contains("http://***@127.0.0.1:1"), "{}", shown.stdout);
    assert!(!shown.stdout.contains(PASSWORD), "{}", shown.stdout);
}

#[test]
fn proxies_see_no_loopback_requests_and_no_passwords_are_told() {
    let bench = Bench::synthetic(300);
    let proxy = RoguePortal::start(|_, stream| answer(stream, 502, &[], b"no"));
    let program = bench.program().env("HOTSPOTS_APP_TOKEN", TOKEN).env("http_proxy", proxy.url()).env("NO_PROXY", "");
    bench.ingest(&program, CASES_RESOURCE, &[]).success();
    assert!(proxy.asked().is_empty(), "a portal on this machine is asked directly: {:?}", proxy.asked());
    // Over HTTP, every proxy on the way can read the request.
    let refused = ingest(&program, "http://data.example.org", &["--retries", "0"]).expect_status(4);
    assert!(refused.stderr.contains("the app token is not sent"), "{}", refused.stderr);
    assert_eq!(proxy.asked().len(), 1);
    assert!(proxy.asked()[0].header("x-app-token").is_none(), "{:?}", proxy.asked());
    let secret = proxy.url().replace("//", &format!("//user:{PASSWORD}@"));
    let program = program.env("https_proxy", &secret).env("http_proxy", &secret);
    for portal in ["https://data.example.org", "http://data.example.org"] {
        let refused = ingest(&program, portal, &["--retries", "1", "-vv"]).expect_status(4);
        assert!(!refused.stderr.contains(PASSWORD) && !refused.stderr.contains(TOKEN), "{}", refused.stderr);
    }
}

#[test]
fn what_a_server_echoes_of_a_credential_is_masked() {
    let folder = tempfile::tempdir().expect("a directory");
    let program = program(&folder).env("HOTSPOTS_APP_TOKEN", TOKEN);
    let echo = RoguePortal::start(|asked, stream| {
        answer(stream, 500, &[], format!("internal error, headers: {:?}", asked.header("x-app-token")).as_bytes())
    });
    let failed = ingest(&program, &echo.url(), &["--retries", "1", "-vv"]).expect_status(4);
    assert!(failed.stderr.contains("internal error, headers"), "{}", failed.stderr);
    assert!(!failed.stderr.contains(TOKEN), "{}", failed.stderr);
    let store = RoguePortal::start(|asked, stream| {
        let text = format!(
            "<Error><Code>ExpiredToken</Code><Token-0>{:?}</Token-0></Error>",
            asked.header("x-amz-security-token")
        );
        answer(stream, 400, &[], text.as_bytes())
    });
    let program = lake_testkit::s3_program(program, &store.url()).lake("s3://bucket/lake");
    let failed = program.env("AWS_SESSION_TOKEN", PASSWORD).run(&["status"]);
    assert!(failed.status != 0 && !store.asked().is_empty(), "{failed:?}");
    assert!(failed.stderr.contains("ExpiredToken") && !failed.stderr.contains(PASSWORD), "{}", failed.stderr);
    assert!(!failed.stderr.contains(lake_testkit::SECRET), "{}", failed.stderr);
}

#[test]
fn a_portals_refusal_is_one_printable_line() {
    let folder = tempfile::tempdir().expect("a directory");
    let forged = "\u{1b}]0;owned\u{7}\u{1b}[31mred\r\n2026-01-01T00:00:00.000000Z  INFO forged\u{202e}";
    for status in [400, 403, 404, 500] {
        let body = serde_json::json!({"errorCode": "x", "message": forged}).to_string();
        for body in [forged.to_owned(), body.replace("\\u001b", "\u{1b}")] {
            let portal = RoguePortal::start(move |_, stream| answer(stream, status, &[], body.as_bytes()));
            for format in ["text", "json"] {
                let said = ingest(&program(&folder), &portal.url(), &["--retries", "1", "--log-format", format]);
                assert!(said.stderr.contains("owned"), "{}", said.stderr);
                let is_odd = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
                assert!(!said.stderr.contains(is_odd), "{:?}", said.stderr);
                assert!(!said.stderr.contains("\n2026-01-01T00:00:00.000000Z"), "{:?}", said.stderr);
            }
        }
    }
}

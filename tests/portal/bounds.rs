//! Every outside input has a bound: answers, error bodies, packed bodies, files.

use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use lake_testkit::{Output, Program};
use serde_json::json;

use crate::harness::CASES_RESOURCE;
use crate::portal::rogue_portal::{Asked, RoguePortal, answer, head};

/// The program may have so much of address space: what it would hold without a bound is more.
const ADDRESS_SPACE_KIB: &str = "4000000";

fn bounded(folder: &tempfile::TempDir, args: &[&str]) -> Output {
    let shell = Program::new("/bin/sh").lake(folder.path().join("lake")).current_dir(folder.path());
    let script = format!("ulimit -v {ADDRESS_SPACE_KIB}; exec \"$0\" \"$@\"");
    let mut words = vec!["-c", &script, env!("CARGO_BIN_EXE_hotspots-lake")];
    words.extend(args);
    shell.run(&words)
}

fn ingest(folder: &tempfile::TempDir, portal: &RoguePortal) -> Output {
    bounded(folder, &["ingest", CASES_RESOURCE, "--retries", "0", "--portal", &portal.url()])
}

/// Starts a server whose body does not end, and counts the bytes of it that were taken.
fn endless(status: u16) -> (RoguePortal, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let portal = RoguePortal::start(move |_, stream| {
        head(stream, status, &[], None)?;
        let chunk = vec![b' '; 1 << 20];
        loop {
            stream.write_all(&chunk)?;
            count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
    });
    (portal, sent)
}

#[test]
fn a_body_without_an_end_is_given_up_at_its_bound() {
    let folder = tempfile::tempdir().expect("a directory");
    let (portal, sent) = endless(200);
    let failed = ingest(&folder, &portal).expect_status(4);
    assert!(
        failed.stderr.contains("longer than 256 MiB") && failed.stderr.contains("--page-size"),
        "{}",
        failed.stderr
    );
    // The bytes in the buffers between were sent and not taken.
    assert!(sent.load(Ordering::Relaxed) < 300 << 20, "{}", sent.load(Ordering::Relaxed));
    let long = RoguePortal::start(|_, stream| {
        head(stream, 200, &[], Some(1 << 50)).and_then(|()| crate::portal::rogue_portal::hang(stream))
    });
    let failed = ingest(&folder, &long).expect_status(4);
    assert!(failed.stderr.contains("longer than 256 MiB"), "{}", failed.stderr);
}

#[test]
fn an_error_without_an_end_is_read_for_its_beginning() {
    let folder = tempfile::tempdir().expect("a directory");
    for status in [400, 404, 500] {
        let (portal, sent) = endless(status);
        let failed = ingest(&folder, &portal).expect_status(if status == 500 { 4 } else { 2 });
        assert!(failed.stderr.contains(&format!("status {status}")), "{}", failed.stderr);
        assert!(sent.load(Ordering::Relaxed) < 32 << 20, "{}", sent.load(Ordering::Relaxed));
    }
}

/// Compresses `before`, so many MiB of spaces, and `after` with gzip.
fn packed(before: &str, mib: usize, after: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(before.as_bytes()).expect("packed");
    let spaces = vec![b' '; 1 << 20];
    (0..mib).for_each(|_| encoder.write_all(&spaces).expect("packed"));
    encoder.write_all(after.as_bytes()).expect("packed");
    encoder.finish().expect("packed")
}

#[test]
fn a_gzip_bomb_is_given_up_and_honest_gzip_is_read() {
    let folder = tempfile::tempdir().expect("a directory");
    let bomb = packed("[", 300, "]");
    for status in [200, 500] {
        let body = bomb.clone();
        let portal =
            RoguePortal::start(move |_, stream| answer(stream, status, &[("Content-Encoding", "gzip")], &body));
        let failed = ingest(&folder, &portal).expect_status(4);
        assert!(
            failed.stderr.contains(if status == 200 { "unpack to more" } else { "status 500" }),
            "{}",
            failed.stderr
        );
    }
    let rows = |asked: &Asked| match asked.param("$where") {
        None => packed(&json!([crate::portal::rogue_portal::case(1, "2026-01-01T00:00:00.000Z")]).to_string(), 1, ""),
        Some(_) => packed("[]", 0, ""),
    };
    let portal =
        RoguePortal::start(move |asked, stream| answer(stream, 200, &[("Content-Encoding", "gzip")], &rows(asked)));
    assert!(ingest(&folder, &portal).success().stderr.contains("1 new"));
    let cut = RoguePortal::start(|_, stream| {
        answer(stream, 200, &[("Content-Encoding", "gzip")], &packed("[]", 1, "")[..40])
    });
    assert!(ingest(&folder, &cut).expect_status(4).stderr.contains("cut"));
}

#[test]
fn groups_without_an_end_are_given_up() {
    let folder = tempfile::tempdir().expect("a directory");
    let portal = RoguePortal::start(|asked, stream| match asked.param("$group") {
        // It ignores `$offset`.
        Some(_) => {
            crate::portal::rogue_portal::json_answer(stream, &json!([{"month": "2024-01-01T00:00:00.000", "n": "1"}]))
        }
        None => crate::portal::rogue_portal::answer_rows(
            asked,
            stream,
            &[crate::portal::rogue_portal::case(1, "2026-01-01T00:00:00.000Z")],
        ),
    });
    ingest(&folder, &portal).success();
    let failed =
        bounded(&folder, &["audit", "--resource", CASES_RESOURCE, "--retries", "0", "--portal", &portal.url()]);
    assert!(failed.expect_status(4).stderr.contains("do not end"), "the portal's groups");
}

#[test]
fn saved_files_whose_rows_do_not_end_are_refused() {
    let folder = tempfile::tempdir().expect("a directory");
    let row = r#"[{"service_request_id":"1","service_name":""#;
    let too_long = "a row is longer than 64 MiB";
    for (name, told, bytes) in [
        ("row.json.gz", too_long, packed(row, 300, "\"}]")),
        ("between.json.gz", too_long, packed("[", 300, "]")),
        (
            "field.csv.gz",
            "not closed within 16 MiB",
            packed(
                "service_request_id,requested_datetime,lat,long,service_name\n1,2024-01-01,37.7,-122.4,\"",
                300,
                "\"\n",
            ),
        ),
    ] {
        std::fs::write(folder.path().join(name), bytes).expect("written");
        let refused = bounded(&folder, &["ingest", CASES_RESOURCE, "--file", name]).expect_status(2);
        assert!(refused.stderr.contains(told), "{name}: {}", refused.stderr);
    }
    std::fs::write(folder.path().join("set.geojson.gz"), packed("{", 300, "}")).expect("written");
    let refused = bounded(&folder, &["ingest", "sf-neighborhoods", "--file", "set.geojson.gz"]).expect_status(2);
    assert!(refused.stderr.contains("more than 64 MiB"), "{}", refused.stderr);
}

#[test]
fn files_of_settings_without_an_end_are_refused() {
    let folder = tempfile::tempdir().expect("a directory");
    bounded(&folder, &["ingest", CASES_RESOURCE, "--file", "/dev/null"]).expect_status(2);
    for args in [
        &["--config", "/dev/zero", "status"][..],
        &["sql", "-f", "/dev/zero"],
        &["serve", "--http", "127.0.0.1:0", "--token-file", "/dev/zero"],
        &["serve", "--http", "127.0.0.1:0", "--tls-cert", "/dev/zero", "--tls-key", "/dev/zero"],
    ] {
        let refused = bounded(&folder, args).expect_status(2);
        assert!(refused.stderr.contains("longer than 4 MiB"), "{args:?}: {}", refused.stderr);
    }
}

#[test]
fn only_regular_files_are_read_from_directories() {
    let folder = tempfile::tempdir().expect("a directory");
    for (option, command, extension) in [("--resources", "resources", "toml"), ("--queries", "queries", "sql")] {
        let own = folder.path().join(command);
        let odd = own.join(format!("odd.{extension}"));
        let make: [&dyn Fn(); 3] = [
            &|| assert!(Command::new("mkfifo").arg(&odd).status().expect("mkfifo").success()),
            &|| std::os::unix::fs::symlink("/dev/zero", &odd).expect("a link"),
            &|| std::os::unix::fs::symlink("/nowhere", &odd).expect("a link"),
        ];
        for make in make {
            std::fs::create_dir(&own).expect("a directory");
            make();
            let refused = bounded(&folder, &[command, "list", option, command]).expect_status(2);
            let says = ["is not a regular file", "cannot be read"];
            assert!(says.iter().any(|says| refused.stderr.contains(says)), "{}", refused.stderr);
            assert!(refused.stderr.contains(&format!("odd.{extension}")), "{}", refused.stderr);
            std::fs::remove_dir_all(&own).expect("removed");
        }
    }
}

//! No room left, clocks that are wrong, two programs on one lake.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lake_store::{Lake, Location};
use lake_testkit::{Output, Program, Row};

use crate::faults::store_faults::runtime;
use crate::harness::{Bench, CASES, CASES_RESOURCE, copy};
use crate::storage::quarantine::redefine;

const LONG: Duration = Duration::from_secs(120);
const EDITED_MS: i64 = 1_790_000_000_000;

fn edit(bench: &Bench, nth: i64) {
    let chosen = |row: &Row| {
        row.get("service_request_id")
            .and_then(|id| id.as_str()?.parse::<i64>().ok())
            .is_some_and(|id| id % 5 == nth % 5)
    };
    let change = |row: &mut Row| {
        row.insert("service_name".to_owned(), format!("Kind {nth}").into());
        row.insert("requested_datetime".to_owned(), format!("202{}-05-05T05:05:00.000", nth % 6).into());
    };
    assert!(bench.portal.update_where(CASES, chosen, change, EDITED_MS + nth * 1_000) > 0);
}

/// Runs the program where no file may grow beyond so many bytes: every write that would is refused, as by a full disk.
fn with_room_for(bench: &Bench, bytes: usize, args: &[&str]) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", bytes.div_ceil(512));
    let shell = Program::new("/bin/sh").lake(bench.lake()).current_dir(bench.folder.path());
    shell.run(&[&["-c", &script, env!("CARGO_BIN_EXE_hotspots-lake")], args].concat())
}

#[test]
fn a_full_disk_stops_a_run_cleanly_and_the_next_run_with_room_goes_on() {
    let bench = Bench::synthetic(2_000);
    let ingest = ["ingest", CASES_RESOURCE, "--portal", bench.served.url(), "--page-size", "400"];
    let mut refused = 0;
    for (nth, bytes) in [0, 2_048, 20_000, 60_000, 200_000, 1_000_000].into_iter().enumerate() {
        for args in [&ingest[..], &["compact"]] {
            let run = with_room_for(&bench, bytes, args);
            // Without space for a lake there is none to compact.
            let none = run.status == 2 && run.stderr.contains("there is no lake");
            assert!(none || [0, 4].contains(&run.status), "{bytes}, {args:?}: {}\n{}", run.status, run.stderr);
            assert!(run.status == 0 || run.stderr.contains("error"), "{bytes}, {args:?}: {}", run.stderr);
            assert!(!run.stderr.contains("panicked"), "{bytes}, {args:?}: {}", run.stderr);
            refused += usize::from(run.status == 4);
        }
        if nth > 0 {
            edit(&bench, i64::try_from(nth).unwrap());
        }
    }
    assert!(refused >= 3, "the disk was full {refused} times");
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "with room again");
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted with room again");
    bench.program().run(&["check"]).success();
}

/// Returns data files that no version ever named, and temporary files.
fn unnamed(bench: &Bench) -> Vec<PathBuf> {
    let mut files = Vec::new();
    list(&bench.lake(), &mut files);
    let is_entry = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut log: String = files.iter().filter(is_entry).map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // A truncated log names files in its checkpoint alone.
    runtime().block_on(async {
        let lake = Lake::open(Location::parse(bench.lake().to_str().unwrap()).unwrap()).await.unwrap();
        for table in lake.list_tables().await.unwrap() {
            log.extend(table.snapshot().await.unwrap().files.iter().map(|file| file.path.clone()));
        }
    });
    files.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.contains('#') || name.starts_with("part-") && !log.contains(name)
    });
    files
}

#[test]
fn a_run_that_the_disk_refuses_leaves_no_file_that_is_in_no_version() {
    let bench = Bench::synthetic(1_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    // Few rows of the first year and many of the next: where these find no room, those are written.
    edit(&bench, 1);
    let ingest = ["ingest", CASES_RESOURCE, "--portal", bench.served.url()];
    let key = bench.portal.rows(CASES)[0]["service_request_id"].as_str().unwrap().to_owned();
    let mut refused = 0;
    for args in [&ingest[..], &["compact"], &["forget", CASES_RESOURCE, &key]] {
        for bytes in (2_048..65_536).step_by(2_048) {
            let run = with_room_for(&bench, bytes, args);
            assert_eq!(unnamed(&bench), Vec::<PathBuf>::new(), "{bytes}, {args:?}: {}", run.stderr);
            if run.status == 0 {
                break;
            }
            assert_eq!(run.status, 4, "{bytes}, {args:?}: {}", run.stderr);
            refused += 1;
        }
    }
    assert!(refused >= 6, "the disk was full {refused} times");
    bench.program().run(&["check"]).success();
}

#[test]
fn vacuum_makes_room_where_there_is_none() {
    let bench = Bench::synthetic(600);
    for round in 0..2 {
        bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
        bench.program().run(&["compact"]).success();
        edit(&bench, round);
    }
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let files = |args: &[&str]| {
        let all = ["vacuum", "--older-than", "0s", "--nothing-else-runs", "--format", "json"];
        let tables = with_room_for(&bench, 0, &[&all, args].concat()).success().json();
        tables.as_array().unwrap().iter().map(|table| table["files"].as_u64().unwrap()).sum::<u64>()
    };
    let would = files(&[]);
    assert!(would > 0, "a compaction replaced files");
    assert_eq!(files(&["--apply"]), would);
    assert_eq!(files(&[]), 0);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after a vacuum without room");
}

#[test]
fn a_clock_that_jumps_changes_no_count_and_vacuum_takes_nothing_young() {
    let bench = Bench::synthetic(1_500);
    let ten_years = 10 * 365 * 86_400_i64;
    for (nth, shift) in [0, ten_years, -ten_years, 3_600, -90 * 86_400].into_iter().enumerate() {
        let program = bench.program().env("HOTSPOTS_CLOCK_SHIFT_S", shift.to_string());
        edit(&bench, i64::try_from(nth).unwrap());
        bench.ingest(&program, CASES_RESOURCE, &["--page-size", "300"]).success();
        bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("landed, the clock off by {shift} s"));
        if nth % 2 == 1 {
            program.run(&["compact"]).success();
        }
        program.run(&["vacuum", "--apply"]).success();
        bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("vacuumed, the clock off by {shift} s"));
    }
    let tables = bench.program().run(&["compact", "--window", "2000..2040", "--format", "json"]).success().json();
    assert!(tables.as_array().unwrap().iter().all(|partition| partition["drift"] == 0), "{tables}");
    bench.program().run(&["check"]).success();
}

#[test]
fn two_ups_on_one_lake_count_once_and_the_second_takes_over() {
    let bench = Bench::synthetic(1_000);
    let often = redefine(&bench, &[("cadence = \"1h\"", "cadence = \"1s\"")]);
    let program = bench.program().env("HOTSPOTS_RESOURCES", often);
    let args = ["up", CASES_RESOURCE, "--portal", bench.served.url(), "--retry-wait-ms", "1"];
    let mut first = program.spawn_serving(&args);
    first.wait_for_log("Every resource has been ingested and compacted once", LONG);
    let mut second = program.spawn_serving(&args);
    second.wait_for_log("Every resource has been ingested and compacted once", LONG);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "both up");
    first.kill9();
    edit(&bench, 1);
    second.wait_for_log(" changed, ", LONG);
    second.wait_for_log("compact 311-cases: 4", LONG);
    assert_eq!(second.stop(), 0, "{}", second.log());
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the first was killed");
}

#[test]
fn a_damaged_key_index_is_rebuilt_and_misleads_nobody() {
    let bench = Bench::synthetic(900);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "200"]).success();
    let mut state = 311_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    for round in 0..24 {
        let mut files = Vec::new();
        list(&bench.lake().join(".index"), &mut files);
        files.sort();
        let file = &files[next(files.len())];
        let mut bytes = std::fs::read(file).unwrap();
        match round % 3 {
            0 if !bytes.is_empty() => {
                let at = next(bytes.len());
                bytes[at] ^= 1 << next(8);
            }
            1 => bytes.truncate(bytes.len() / 2),
            _ => bytes.fill(0),
        }
        std::fs::write(file, bytes).unwrap();
        edit(&bench, round);
        let run = bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "200"]);
        assert!([0, 4].contains(&run.status), "{}: {}\n{}", file.display(), run.status, run.stderr);
        if run.status != 0 {
            bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "200"]).success();
        }
        let rows = bench.program().sql("SELECT SUM(count) AS n FROM counts WHERE resource = '311-cases'");
        assert_eq!(rows[0]["n"], bench.portal.row_count(CASES), "{}", file.display());
        if round % 6 == 5 {
            bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("{} damaged", file.display()));
        }
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

#[test]
fn raw_rows_put_back_without_the_rest_are_not_called_exact_and_nothing_lands_on_them() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--max-pages", "1", "--page-size", "40"]).success();
    let raw = bench.lake().join("raw/311-cases");
    let kept = bench.folder.path().join("kept");
    copy(&raw, &kept);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "40"]).success();
    std::fs::remove_dir_all(&raw).unwrap();
    copy(&kept, &raw);
    let standing = bench.program().run(&["status", "--format", "json"]).success().json();
    assert_eq!(standing[0]["exact"], false, "{standing}");
    let refused = bench.ingest(&bench.program(), CASES_RESOURCE, &[]).expect_status(5);
    assert!(refused.stderr.contains("restore the complete lake"), "{}", refused.stderr);
}

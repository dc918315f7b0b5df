//! One lake, however its path is written: relative, through links, with characters that URLs escape, as a URL.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lake_testkit::{Output, Program};
use serde_json::json;
use url::Url;

use crate::harness::{Bench, CASES, CASES_RESOURCE};

/// A name that paths, URLs, object stores and shells spell in different ways.
const NAME: &str = "Läke %41 50% #1 ?[x]{y}~'";
/// Bad usage.
const INVALID: i32 = 2;

/// A folder for a lake that links lead to; the lake itself is not there yet.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(ground.root().join("beside")).unwrap();
        symlink(ground.root(), ground.root().join("parent")).unwrap();
        symlink(ground.lake(), ground.root().join("link")).unwrap();
        symlink(Path::new("parent").join("link"), ground.root().join("far")).unwrap();
        ground
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn lake(&self) -> PathBuf {
        self.root().join(NAME)
    }

    /// Returns working directories, and how to write the lake from there.
    fn spellings(&self) -> Vec<(PathBuf, String)> {
        let (root, lake) = (self.root(), self.lake());
        let here = |text: String| (root.clone(), text);
        vec![
            here(NAME.to_owned()),
            here("link".to_owned()),
            here(format!("./{NAME}/")),
            here(format!("parent/{NAME}")),
            here("far".to_owned()),
            here(lake.display().to_string()),
            here(format!("{}///", lake.display())),
            here(format!("beside/../{NAME}")),
            (root.join("beside"), format!("../{NAME}")),
            here(format!("parent/beside/.././{NAME}")),
            here(Url::from_directory_path(&lake).unwrap().to_string()),
            here(Url::from_file_path(root.join("link")).unwrap().to_string()),
        ]
    }
}

fn program(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).current_dir(folder)
}

fn on_lake(folder: &Path, lake: &str, args: &[&str]) -> Output {
    let args: Vec<&str> = ["--lake", lake].into_iter().chain(args.iter().copied()).collect();
    program(folder).run(&args)
}

/// Saves rows of 311 cases with these numbers.
fn save(path: &Path, numbers: std::ops::Range<u32>) {
    let rows = numbers.map(|n| {
        json!({
            "service_request_id": n.to_string(), "requested_datetime": "2024-03-01T10:00:00.000",
            "service_name": "Graffiti", "lat": "37.77", "long": "-122.42",
        })
    });
    std::fs::write(path, serde_json::to_vec(&rows.collect::<Vec<_>>()).unwrap()).unwrap();
}

fn count(folder: &Path, lake: &str) -> i64 {
    let answered = on_lake(folder, lake, &["sql", "--format", "json", "SELECT COUNT(*) AS n FROM incidents"]);
    answered.success().json()[0]["n"].as_i64().unwrap()
}

#[test]
fn a_lake_made_by_one_spelling_is_read_by_the_others() {
    let number = Ground::new().spellings().len();
    for n in 0..number {
        let ground = Ground::new();
        let spellings = ground.spellings();
        let ((folder, made), (other_folder, other)) = (&spellings[n], &spellings[(n + 1) % number]);
        let rows = ground.root().join("rows.json");
        let file = rows.to_str().unwrap();
        save(&rows, 0..3);
        on_lake(folder, made, &["ingest", CASES_RESOURCE, "--file", file]).success();
        assert!(ground.lake().join("lake.json").is_file(), "{made} is the lake itself");
        assert_eq!(count(&ground.root(), NAME), 3, "made as {made}");
        assert_eq!(count(other_folder, other), 3, "made as {made}, read as {other}");
        save(&rows, 2..5);
        on_lake(other_folder, other, &["ingest", CASES_RESOURCE, "--file", file]).success();
        assert_eq!(count(folder, made), 5, "made as {made}, added to as {other}");
        on_lake(folder, made, &["check"]).success();
        // Nothing but the lake has come into being.
        let mut names: Vec<_> = std::fs::read_dir(ground.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["Läke %41 50% #1 ?[x]{y}~'", "beside", "far", "link", "parent", "rows.json"], "{made}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_takes_every_spelling_of_a_lake() {
    let ground = Ground::new();
    let bench = Bench::synthetic(300);
    let portal = bench.served.url();
    let mut forgotten = bench.portal.rows(CASES).into_iter().map(|row| row["service_request_id"].clone());
    // A link, a linked parent, a folder next to it, and a URL through a link.
    let chosen = [1, 3, 8, 11].map(|n| ground.spellings().swap_remove(n));
    for (folder, lake) in chosen {
        let id = forgotten.next().unwrap();
        let id = id.as_str().unwrap();
        let forget = ["forget", CASES_RESOURCE, id];
        let commands: [&[&str]; 12] = [
            // All of it: what the round before forgot lands again.
            &["ingest", CASES_RESOURCE, "--portal", portal, "--full"],
            &["audit", "--portal", portal],
            &["compact"],
            &["compact", "--window", "2020..2030", "--dry-run"],
            &["sql", "SELECT SUM(count) FROM counts"],
            &["status"],
            &["rejects"],
            &["history", "--limit", "3"],
            &["queries", "run", "reports/categories"],
            &["vacuum", "--apply"],
            &forget,
            &["check"],
        ];
        tokio::task::block_in_place(|| {
            for command in commands {
                on_lake(&folder, &lake, command).success();
            }
        });
        for command in [&["serve"][..], &["up", CASES_RESOURCE, "--portal", portal]] {
            let args: Vec<&str> = ["--lake", &lake].into_iter().chain(command.iter().copied()).collect();
            let serving = tokio::task::block_in_place(|| program(&folder).spawn_serving(&args));
            let answer = serving.get("/aggregates?group_by=resource").await;
            assert_eq!(answer.status, 200, "{command:?} --lake {lake}: {}", answer.text());
            assert_eq!(answer.header("Lake-Exact"), Some("true"), "{command:?} --lake {lake}");
        }
    }
}

#[test]
fn files_and_directories_are_found_however_they_are_spelled() {
    let ground = Ground::new();
    let (root, own) = (ground.root(), ground.lake());
    std::fs::create_dir(&own).unwrap();
    let calls = lake_demo_resource("city-calls");
    std::fs::write(own.join("calls.toml"), calls).unwrap();
    std::fs::write(own.join("one.sql"), "-- title: One\nSELECT 1 AS one\n").unwrap();
    std::fs::write(own.join("question"), "SELECT 7 AS seven").unwrap();
    save(&own.join("rows.json"), 0..2);
    let lake = root.join("other");
    let run = |folder: &Path, args: &[&str]| on_lake(folder, lake.to_str().unwrap(), args).success().stdout;
    for (folder, spelled) in ground.spellings() {
        let shown = run(&folder, &["resources", "show", "city-calls", "--resources", &spelled]);
        assert!(shown.contains("city-calls"), "{spelled}: {shown}");
        assert!(run(&folder, &["queries", "list", "--queries", &spelled]).contains("one"), "{spelled}");
        let spelled = spelled.trim_end_matches('/');
        run(&folder, &["ingest", CASES_RESOURCE, "--file", &format!("{spelled}/rows.json")]);
        let seven = run(&folder, &["sql", "--format", "csv", "--file", &format!("{spelled}/question")]);
        assert!(seven.contains('7'), "{spelled}: {seven}");
    }
}

/// Returns a resource file under this name.
fn lake_demo_resource(name: &str) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/resources/311-cases.toml");
    std::fs::read_to_string(file).unwrap().replacen("311-cases", name, 1)
}

#[test]
fn what_cannot_be_a_lake_is_refused_with_what_can() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    symlink("b", folder.path().join("a")).unwrap();
    symlink("a", folder.path().join("b")).unwrap();
    for (lake, says) in [
        ("file", "file is not a directory"),
        ("file/lake", "file is not a directory"),
        ("a/lake", "circle"),
        ("file://host/lake", "three slashes"),
        ("gs://bucket/lake", "s3://BUCKET/PREFIX"),
        ("", "empty"),
    ] {
        let refused = on_lake(folder.path(), lake, &["ingest", CASES_RESOURCE, "--file", "file"]);
        let refused = refused.expect_status(INVALID).stderr;
        assert!(refused.contains(says), "--lake {lake:?}: {refused}");
    }
}

//! Settings: the command line over variables over a file over defaults, and where each comes from.

use lake_testkit::Program;

use crate::api::access::landed;

fn bare() -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a directory");
    (Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).current_dir(folder.path()), folder)
}

/// Returns the line of an option in a table of `config show`; the tables' head is the table without a name.
fn line(shown: &str, table: &str, option: &str) -> String {
    let mut here = "";
    for line in shown.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            here = name;
        } else if here == table && line.starts_with(&format!("{option} = ")) {
            return line.to_owned();
        }
    }
    panic!("no {option} in [{table}] of\n{shown}");
}

#[test]
fn an_option_comes_before_its_variable_the_file_and_the_default() {
    let (program, folder) = bare();
    std::fs::write(
        folder.path().join("lake.toml"),
        "lake = \"/of/the/file\"\nmemory-mib = 111\nretries = 3\n\n[serve]\nmax-rows = 5\n\n[ingest]\nretries = 4\n",
    )
    .expect("a file");
    let shown = |program: &Program, args: &[&str]| {
        program.run(&[args, &["config", "show", "--origin"]].concat()).success().stdout
    };
    let default = shown(&program, &[]);
    assert_eq!(line(&default, "", "memory-mib"), "memory-mib = 1024  # default");
    let by_file = shown(&program, &["--config", "lake.toml"]);
    assert_eq!(line(&by_file, "", "memory-mib"), "memory-mib = 111  # lake.toml, line 2");
    assert_eq!(line(&by_file, "", "lake"), "lake = \"/of/the/file\"  # lake.toml, line 1");
    assert_eq!(line(&by_file, "serve", "max-rows"), "max-rows = 5  # lake.toml, line 6");
    assert_eq!(line(&by_file, "up", "max-rows"), "max-rows = 1000000  # default");
    assert_eq!(line(&by_file, "ingest", "retries"), "retries = 4  # lake.toml, line 9");
    assert_eq!(line(&by_file, "audit", "retries"), "retries = 3  # lake.toml, line 3");
    let with_variables = program.clone().env("HOTSPOTS_CONFIG", "lake.toml").env("HOTSPOTS_MEMORY_MIB", "222");
    let by_variable = shown(&with_variables, &[]);
    assert_eq!(line(&by_variable, "", "memory-mib"), "memory-mib = 222  # HOTSPOTS_MEMORY_MIB");
    assert_eq!(line(&by_variable, "", "lake"), "lake = \"/of/the/file\"  # lake.toml, line 1");
    let by_option = shown(&with_variables, &["--memory-mib", "333"]);
    assert_eq!(line(&by_option, "", "memory-mib"), "memory-mib = 333  # command line");
}

#[test]
fn what_is_shown_is_a_config_file_that_says_the_same() {
    let (program, folder) = bare();
    let shown = program.run(&["--memory-mib", "77", "config", "show"]).success().stdout;
    std::fs::write(folder.path().join("shown.toml"), &shown).expect("a file");
    let again = program.run(&["--config", "shown.toml", "config", "show"]).success().stdout;
    assert_eq!(again, shown);
    assert_eq!(program.run(&["config", "show", "serv"]).expect_status(2).stdout, "");
    let one = program.run(&["config", "show", "serve"]).success().stdout;
    assert!(one.contains("[serve]") && !one.contains("[up]"), "{one}");
}

#[test]
fn a_wrong_file_is_refused_with_its_line_and_what_was_meant() {
    let (program, folder) = bare();
    for (text, says) in [
        ("\nmemory-mb = 3", "lake.toml, line 2: there is no option `memory-mb`; did you mean `memory-mib`?"),
        ("[srve]\n", "lake.toml, line 1: there is no command `srve`; did you mean `serve`?"),
        ("memory-mib = [", "lake.toml, line 1: "),
        ("\n\nmemory-mib = \"much\"", "lake.toml, line 3"),
        ("[status]\nformat = \"xml\"", "lake.toml, line 2"),
    ] {
        std::fs::write(folder.path().join("lake.toml"), text).expect("a file");
        let refused = program.run(&["--config", "lake.toml", "status"]).expect_status(2);
        assert!(refused.stderr.contains(says), "{text}: {}", refused.stderr);
    }
    let absent = program.run(&["--config=absent.toml", "status"]).expect_status(2);
    assert!(absent.stderr.contains("absent.toml cannot be read"), "{}", absent.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_its_settings_from_the_file() {
    let bench = landed(500);
    let file = bench.folder.path().join("lake.toml");
    std::fs::write(&file, "log-format = \"json\"\n[serve]\nmax-rows = 5\ndefault-rows = 3\naccess-log = true\n")
        .expect("a file");
    let running = bench.program().env("HOTSPOTS_CONFIG", &file).spawn_serving(&["serve"]);
    assert_eq!(running.get("/aggregates").await.json().as_array().map(Vec::len), Some(3));
    assert_eq!(running.get("/aggregates?limit=6").await.status, 400);
    running.wait_for_log("\"path\":\"/aggregates?limit=6\"", std::time::Duration::from_mins(1));
}

#[test]
fn what_options_demand_of_each_other_holds_in_a_file_as_well() {
    let bench = landed(200);
    let program = bench.program();
    let file = bench.folder.path().join("lake.toml");
    for (text, args, says) in [
        ("[serve]\ntls-cert = \"s.crt\"", &["serve"][..], &["`--tls-cert` (lake.toml, line 2) needs `--tls-key`"][..]),
        ("[serve]\ntls-key = \"s.key\"", &["serve"], &["`--tls-key` (lake.toml, line 2) needs `--tls-cert`"]),
        ("", &["serve", "--tls-key", "s.key"], &["`--tls-key` (the command line) needs `--tls-cert`"]),
        // With the other half on the command line, only the files are missing.
        ("[serve]\ntls-cert = \"s.crt\"", &["serve", "--tls-key", "s.key"], &["s.crt cannot be read"]),
        (
            "[sql]\nas-of = \"2024-01-01\"\nat-version = \"fast_counts=1,counts=1,incidents=1\"",
            &["sql", "SELECT 1"],
            &["`--as-of` (lake.toml, line 2)", "`--at-version` (lake.toml, line 3)", "exclude each other"],
        ),
        (
            "[ingest]\nfull = true\nfile = \"rows.json\"",
            &["ingest"],
            &["`--full` (lake.toml, line 2)", "`--file` (lake.toml, line 3)"],
        ),
        (
            "portal = \"http://127.0.0.1:9\"\n[ingest]\nreplay-rejects = true",
            &["ingest"],
            &["`--portal` (lake.toml, line 1)", "`--replay-rejects` (lake.toml, line 3)"],
        ),
        ("[ingest]\nallow-deletes = true", &["ingest"], &["`--allow-deletes` (lake.toml, line 2) needs `--full`"]),
        (
            "quiet = true\nverbose = 2",
            &["status"],
            &["`--quiet` (lake.toml, line 1)", "`--verbose` (lake.toml, line 2)"],
        ),
    ] {
        std::fs::write(&file, text).expect("a file");
        let refused = program.run(&[&["--config", "lake.toml"], args].concat()).expect_status(2).stderr;
        assert!(says.iter().all(|says| refused.contains(says)), "{text}: {refused}");
        assert!(!refused.contains("listening"), "{text}: {refused}");
    }
}

#[test]
fn the_command_line_beats_what_the_file_says_to_the_contrary() {
    let bench = landed(200);
    let program = bench.program().env("HOTSPOTS_CONFIG", "lake.toml");
    let file = bench.folder.path().join("lake.toml");
    let status = bench.program().run(&["status"]).success().stderr;
    let versions = status.lines().find_map(|line| line.split_once("Lake-Version: ")).expect("versions").1;
    std::fs::write(&file, "[sql]\nas-of = \"1999-01-01\"\nfile = \"absent.sql\"\n").expect("a file");
    // Long before there was a lake nothing can be read.
    let before = program.run(&["sql", "SELECT 7 AS n"]);
    assert_ne!(before.status, 0, "the file's time holds where nothing else is said");
    let rows = program.run(&["sql", "--format", "json", "--at-version", versions, "SELECT 7 AS n"]).success().json();
    assert_eq!(rows[0]["n"], 7);

    // A flag of the file, and what goes only with it.
    std::fs::write(
        &file,
        "portal = \"http://127.0.0.1:9\"\n[ingest]\nfull = true\nallow-deletes = true\nretries = 0\n",
    )
    .expect("a file");
    let rows = serde_json::to_string(&bench.portal.rows(crate::harness::CASES)).expect("rows");
    std::fs::write(bench.folder.path().join("saved.json"), rows).expect("a file");
    program.run(&["ingest", "311-cases", "--file", "saved.json"]).success();
    let by_file = program.run(&["ingest", "311-cases"]).expect_status(4);
    assert!(by_file.stderr.contains("127.0.0.1:9"), "{}", by_file.stderr);

    // A default that is written out has no effect, as `config show` prints it.
    let shown = bench.program().run(&["config", "show"]).success().stdout;
    std::fs::write(&file, shown).expect("a file");
    program.run(&["ingest", "311-cases", "--portal", bench.served.url()]).success();
    let unknown = program.run(&["up", "no-such-resource"]).expect_status(2);
    assert!(unknown.stderr.contains("no-such-resource"), "--demo-rows is as it ever is: {}", unknown.stderr);
}

#[test]
fn secrets_are_not_shown() {
    let (program, folder) = bare();
    std::fs::write(folder.path().join("lake.toml"), "[up]\nadmin-token = \"secret-of-the-file\"\n").expect("a file");
    let program = program
        .env("HOTSPOTS_APP_TOKEN", "secret-of-the-portal")
        .env("HOTSPOTS_TOKEN", "secret-of-the-server")
        .env("HOTSPOTS_CONFIG", "lake.toml");
    let shown = program.run(&["config", "show", "--origin"]).success();
    assert!(shown.stdout.contains("# token = \"***\"  # HOTSPOTS_TOKEN"), "{}", shown.stdout);
    assert!(shown.stdout.contains("# admin-token = \"***\"  # lake.toml, line 2"), "{}", shown.stdout);
    let help = program.run(&["up", "--help"]).success();
    let refused = program.run(&["up", "--page-size", "none"]).expect_status(2);
    for output in [shown, help, refused] {
        assert!(!output.stdout.contains("secret-of") && !output.stderr.contains("secret-of"), "{output:?}");
    }
}

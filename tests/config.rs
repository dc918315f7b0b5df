//! Settings: the command line over variables over a file over defaults, and where each comes from.

use lake_testkit::Program;

use crate::access::landed;

fn bare() -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a directory");
    (Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).current_dir(folder.path()), folder)
}

/// The line of an option in a table of `config show`; the tables' head is the table without a name.
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

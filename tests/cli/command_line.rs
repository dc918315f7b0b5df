//! The command line for users: help, errors, exit codes, formats.

use std::io::Write as _;
use std::process::{Command, Stdio};

use lake_testkit::Program;

use crate::harness::{Bench, CASES, CASES_RESOURCE, program_without_portal};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hotspots-lake");

/// Returns the names of all commands, as `--help` lists them.
fn commands(program: &Program) -> Vec<String> {
    let help = program.run(&["--help"]).success().stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_examples_that_parse() {
    let (program, _folder) = program_without_portal();
    let commands = commands(&program);
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands.iter().filter(|command| *command != "openapi") {
        // A terminal of the usual width breaks no example.
        let narrow = Command::new(PROGRAM).args([command, "--help"]).env("COLUMNS", "80").output().expect("help");
        let help = String::from_utf8(narrow.stdout).expect("text");
        let examples: Vec<&str> = help.lines().filter(|line| line.starts_with("  hotspots-lake ")).collect();
        assert!(!examples.is_empty(), "{command} --help has no examples");
        for example in examples {
            assert!(example.len() <= 78, "{example} is broken by a terminal of 80 columns");
            // A file that a command writes or reads, and a pipe, are the shell's.
            let command_line = example.split(['>', '|']).next().unwrap_or_default();
            let mut words = shell_words(command_line);
            // `--help` at the end parses everything before it and runs nothing.
            words.push("--help".to_owned());
            let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
            program.run(&words).success();
        }
    }
}

#[test]
fn a_commands_own_options_come_before_the_global_ones() {
    let (program, _folder) = program_without_portal();
    for command in ["ingest", "compact", "audit", "sql", "serve", "vacuum"] {
        let help = program.run(&[command, "--help"]).success().stdout;
        let own = help.find("\nOptions:").expect("own options");
        let global = help.find("\nGlobal options:").expect("global options");
        assert!(own < global && help[global..].contains("--lake") && !help[own..global].contains("--lake"), "{help}");
    }
}

#[test]
fn a_resource_is_named_with_and_without_the_option() {
    let bench = Bench::synthetic(200);
    let program = bench.program();
    let portal = bench.served.url().to_owned();
    program.run(&["ingest", "--resource", CASES_RESOURCE, "--portal", &portal]).success();
    for command in [&["compact"][..], &["audit", "--portal", &portal], &["rejects"], &["ingest", "--portal", &portal]] {
        program.run(&[command, &[CASES_RESOURCE]].concat()).success();
        program.run(&[command, &["--resource", CASES_RESOURCE]].concat()).success();
        let wrong = program.run(&[command, &["--resource", "311-case"]].concat()).expect_status(2).stderr;
        assert!(wrong.contains("311-case"), "{command:?}: {wrong}");
    }
}

#[test]
fn what_an_option_may_be_is_said_by_its_help_and_its_errors() {
    let (program, _folder) = program_without_portal();
    let help = program.run(&["sql", "--help"]).success().stdout;
    let refused = program.run(&["sql", "--format", "xml", "SELECT 1"]).expect_status(2).stderr;
    for format in ["table", "json", "ndjson", "csv", "geojson", "arrow", "parquet"] {
        assert!(help.contains(format), "{format}: {help}");
        assert!(refused.contains(&format!("`{format}`")), "{format}: {refused}");
    }
    assert!(refused.contains("`xml` is not a format; expected `table`"), "{refused}");
    for address in ["8080", ":8080", "nowhere.invalid:8080"] {
        let refused = program.run(&["serve", "--http", address]).expect_status(2).stderr;
        assert!(refused.contains("127.0.0.1:8080") && refused.contains("localhost:8080"), "{refused}");
    }
}

/// Returns the completions of bash for the last of some words, by the script that the program prints.
fn offered(script: &str, words: &[&str], variables: &[(&str, &std::path::Path)]) -> Vec<String> {
    let ask = r#"eval "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
complete -p hotspots-lake >/dev/null || exit 1
"$(complete -p hotspots-lake | sed 's/.*-F \([^ ]*\).*/\1/')" hotspots-lake "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}""#;
    let folder = std::path::Path::new(PROGRAM).parent().expect("the program's folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    bash.args(["-c", ask, "bash", script]).args(words).env("PATH", path).envs(variables.iter().copied());
    let output = bash.output().expect("bash runs");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn bash_completes_commands_options_and_names() {
    let (program, folder) = program_without_portal();
    let script = program.run(&["completions", "bash"]).success().stdout;
    for (words, expected) in [
        (&["hotspots-lake", "res"][..], "resources"),
        (&["hotspots-lake", "sql", "--form"], "--format"),
        (&["hotspots-lake", "queries", "run", "--par"], "--param"),
        (&["hotspots-lake", "resources", "list", "--format", "j"], "json"),
        (&["hotspots-lake", "token", "new", "--sco"], "--scope"),
        (&["hotspots-lake", "ingest", "fire-ems"], "fire-ems-calls"),
        (&["hotspots-lake", "audit", "--resource", "chicago-cr"], "chicago-crimes"),
        (&["hotspots-lake", "queries", "run", "reports/cat"], "reports/categories"),
    ] {
        assert_eq!(offered(&script, words, &[]), [expected], "{words:?}");
    }
    let resources = folder.path().join("resources");
    std::fs::create_dir(&resources).unwrap();
    let own = program.run(&["resources", "show", "sf-neighborhoods"]).success();
    assert!(own.stdout.contains("sf-neighborhoods"));
    std::fs::write(resources.join("own.toml"), OWN_RESOURCE).unwrap();
    let own = offered(&script, &["hotspots-lake", "ingest", "tiny-c"], &[("HOTSPOTS_RESOURCES", resources.as_path())]);
    assert_eq!(own, ["tiny-calls"]);
}

/// A resource file of a user's own.
const OWN_RESOURCE: &str = r#"
name = "tiny-calls"
title = "Calls"
portal = "https://data.example.org"
dataset = "abcd-1234"
city = "Example"
zone = "America/Los_Angeles"
cadence = "1h"
key = ["id"]
[roles]
occurred_at = "at"
latitude = "lat"
longitude = "lon"
[bounds]
west = -123.2
south = 37.4
east = -122.0
north = 38.0
[columns]
id = "text"
at = "timestamp"
lat = "number"
lon = "number"
"#;

/// Returns the words of a command line.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|w| !w.is_empty());
    words
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let (program, folder) = program_without_portal();
    let page = program.run(&["man"]).success().stdout;
    assert!(page.contains(".TH hotspots-lake 1") && page.contains("Exit codes"), "{page}");
    program.run(&["man", "--directory", "pages"]).success();
    for command in commands(&program) {
        let page = folder.path().join(format!("pages/hotspots-lake-{command}.1"));
        assert!(page.is_file(), "{}", page.display());
    }
}

#[test]
fn a_token_is_not_written_into_the_file_of_hashes() {
    let (program, folder) = program_without_portal();
    let tokens = folder.path().join("tokens");
    let into = std::fs::File::create(&tokens).unwrap();
    let refused = Command::new(PROGRAM).args(["token", "new", "map"]).stdout(into).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--token-file"));
    assert_eq!(std::fs::read_to_string(&tokens).unwrap(), "");
    std::fs::remove_file(&tokens).unwrap();
    let printed = ["map", "prometheus"]
        .map(|name| program.run(&["token", "new", name, "--token-file", "tokens"]).success().stdout.trim().to_owned());
    let text = std::fs::read_to_string(&tokens).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(
        text.starts_with("map ") && printed.iter().all(|token| !token.is_empty() && !text.contains(token)),
        "{text}"
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&tokens).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "others of the machine can read the token file");
}

#[test]
fn a_draft_of_a_resource_file_ingests_its_rows() {
    let (program, folder) = program_without_portal();
    let rows = "Call Number,Call Type,Received,Closed,Latitude,Longitude\n\
                1,Alarm,04/01/2021 10:00:00 AM,,37.75,-122.41\n\
                2,Medical,04/02/2021 11:00:00 PM,04/03/2021 01:00:00 AM,37.77,-122.42\n";
    std::fs::write(folder.path().join("calls.csv"), rows).unwrap();
    std::fs::create_dir(folder.path().join("own")).unwrap();
    let draft = program.run(&["resources", "init", "calls.csv", "--name", "own-calls"]).success().stdout;
    std::fs::write(folder.path().join("own/own-calls.toml"), draft).unwrap();
    program.run(&["ingest", "own-calls", "--file", "calls.csv", "--resources", "own"]).success();
    let counted = program.run(&[
        "sql",
        "--resources",
        "own",
        "--format",
        "json",
        "SELECT category, SUM(count) AS n, COUNT(cell) AS located FROM counts GROUP BY 1 ORDER BY 1",
    ]);
    let expected = serde_json::json!([
        {"category": "Alarm", "n": 1, "located": 1},
        {"category": "Medical", "n": 1, "located": 1}
    ]);
    assert_eq!(counted.success().json(), expected);
}

#[test]
fn sql_writes_a_file_in_the_format_of_its_extension() {
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let program = bench.program();
    let query = "SELECT resource, SUM(count) AS n FROM counts GROUP BY 1";
    let wrote = program.run(&["sql", "-o", "n.csv", query]).success();
    assert_eq!(wrote.stdout, "");
    let read = |name: &str| std::fs::read(bench.folder.path().join(name)).unwrap();
    assert_eq!(String::from_utf8(read("n.csv")).unwrap(), "resource,n\n311-cases,90\n");
    program.run(&["sql", "-o", "n.parquet", query]).success();
    assert!(read("n.parquet").starts_with(b"PAR1"));
    program.run(&["queries", "run", "reports/months", "-o", "months.ndjson"]).success();
    assert!(read("months.ndjson").starts_with(b"{"));
    let unknown = program.run(&["sql", "-o", "n.xlsx", query]).expect_status(2).stderr;
    assert!(unknown.contains("n.xlsx") && unknown.contains("parquet"), "{unknown}");
    // A query that fails leaves what was there.
    program.run(&["sql", "-o", "n.csv", "SELECT 1 / 0"]).expect_status(2);
    assert_eq!(String::from_utf8(read("n.csv")).unwrap(), "resource,n\n311-cases,90\n");
    let left: Vec<_> =
        std::fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".hotspots-lake-")), "{left:?}");
    let table = program.run(&["sql", query]).success();
    assert!(table.stderr.contains("(1 row)") && table.stdout.contains("| 311-cases | 90 |"), "{}", table.stdout);
}

#[test]
fn cells_are_written_as_text_or_as_the_numbers_of_sql() {
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let program = bench.program();
    let query = "SELECT h3_string_to_h3('8a2830828007fff') AS cell";
    for (form, csv, json) in [
        ("hex", "cell\n8a2830828007fff\n", serde_json::json!([{"cell": "8a2830828007fff"}])),
        ("text", "cell\n8a2830828007fff\n", serde_json::json!([{"cell": "8a2830828007fff"}])),
        ("number", "cell\n622203769584648191\n", serde_json::json!([{"cell": 622_203_769_584_648_191_i64}])),
    ] {
        let answer = |format: &str| program.run(&["sql", "--cells", form, "--format", format, query]).success();
        assert_eq!(answer("csv").stdout, csv, "{form}");
        assert_eq!(answer("json").json(), json, "{form}");
    }
    let run = ["queries", "run", "reports/hot_cells", "--format", "csv"];
    let texts = program.run(&run).success().stdout;
    let numbers = program.run(&[&run[..], &["--cells", "number"]].concat()).success().stdout;
    let first = |csv: &str| csv.lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    let cell = i64::from_str_radix(&first(&texts), 16).unwrap_or_else(|_| panic!("{texts}"));
    assert_eq!(first(&numbers), cell.to_string());
    let wrong = program.run(&["sql", "--cells", "decimal", query]).expect_status(2);
    assert!(wrong.stderr.contains("`text` or `number`"), "{}", wrong.stderr);
}

#[test]
fn the_shell_answers_completes_and_remembers() {
    let python = std::env::var_os("HOTSPOTS_PYTHON").unwrap_or_else(|| "python3".into());
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/shell.py");
    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/data/resources/311-cases.toml");
    let narrow = std::fs::read_to_string(definition).unwrap().replacen("south = 37.40", "south = 37.76", 1);
    let resources = bench.folder.path().join("narrow");
    std::fs::create_dir(&resources).unwrap();
    std::fs::write(resources.join("own.toml"), narrow).unwrap();
    for other_definition in [false, true] {
        let mut command = Command::new(&python);
        command.args([script, PROGRAM]).arg(bench.lake()).env("XDG_STATE_HOME", bench.folder.path());
        if other_definition {
            command.env("HOTSPOTS_RESOURCES", &resources);
        }
        let output = command.output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{stdout}\n{stderr}");
    }
    let history = std::fs::read_to_string(bench.folder.path().join("hotspots-lake/sql_history")).unwrap();
    assert!(history.contains("SUM(count)"), "{history}");
}

#[test]
fn errors_name_the_thing_and_the_remedy_and_have_their_exit_codes() {
    let (program, folder) = program_without_portal();
    let no_lake = program.run(&["sql", "SELECT 1"]).expect_status(2);
    assert!(no_lake.stderr.contains("there is no lake") && no_lake.stderr.contains("--lake"), "{}", no_lake.stderr);
    let unknown = program.run(&["ingest", "311-case"]).expect_status(2);
    assert!(unknown.stderr.contains("did you mean `311-cases`?"), "{}", unknown.stderr);
    let window = program.run(&["compact", "--window", "2020"]).expect_status(2);
    assert!(window.stderr.contains("2020..2030"), "{}", window.stderr);
    program.run(&["nonsense"]).expect_status(2);
    std::fs::write(folder.path().join("broken.toml"), "name = \"x\"\ntitel = \"y\"\n").unwrap();
    let broken = program.run(&["resources", "list", "--resources", "."]).expect_status(2);
    assert!(broken.stderr.contains("broken.toml:2") && broken.stderr.contains("titel"), "{}", broken.stderr);
    assert!(broken.stdout.is_empty());
}

#[test]
fn wrong_sql_is_told_with_its_position_and_changes_are_refused() {
    let bench = Bench::synthetic(200);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let program = bench.program();
    let column = program.run(&["sql", "SELECT\n  nonsense FROM counts"]).expect_status(2);
    assert!(column.stderr.contains("line 2, column 3") && column.stderr.contains("nonsense"), "{}", column.stderr);
    let syntax = program.run(&["sql", "SELECT (1"]).expect_status(2);
    assert!(syntax.stderr.contains("line 1, at the end"), "{}", syntax.stderr);
    let syntax = program.run(&["sql", "SELECT 1 FROM\n counts GROUP counts"]).expect_status(2);
    assert!(syntax.stderr.contains("Line: 2, Column: 9"), "{}", syntax.stderr);
    for change in [
        "DROP TABLE counts",
        "CREATE TABLE x AS SELECT 1",
        "COPY counts TO 'x.csv'",
        "COPY counts TO 'a-folder'",
        "SET a = 1",
        "INSERT INTO stored.counts SELECT * FROM stored.counts",
        "INSERT INTO incidents VALUES (1)",
    ] {
        let refused = program.run(&["sql", change]).expect_status(2);
        assert!(refused.stderr.contains("the lake is read-only"), "{change}: {}", refused.stderr);
    }
    let overflow = program.run(&["sql", "SELECT 1 / 0"]).expect_status(2);
    assert!(overflow.stderr.contains("ivide by zero"), "{}", overflow.stderr);
}

#[test]
fn sql_comes_from_argument_file_and_stdin_in_every_format() {
    let bench = Bench::synthetic(400);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let program = bench.program();
    let query = "SELECT cell, SUM(count) AS n FROM counts GROUP BY cell ORDER BY n DESC, cell LIMIT 3";
    let json = program.run(&["sql", "--format", "json", query]).success().json();
    let first = &json.as_array().unwrap()[0];
    assert!(first["cell"].is_null() || first["cell"].as_str().unwrap().starts_with("8a"), "{first}");
    std::fs::write(bench.folder.path().join("q.sql"), query).unwrap();
    let from_file = program.run(&["sql", "--format", "json", "-f", "q.sql"]).success().json();
    assert_eq!(from_file, json);
    let mut child = Command::new(PROGRAM)
        .args(["sql", "--format", "ndjson", "--lake"])
        .arg(bench.lake())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(query.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(&lines, json.as_array().unwrap());
    let csv = program.run(&["sql", "--format", "csv", query]).success().stdout;
    assert_eq!(csv.lines().next(), Some("cell,n"));
    assert_eq!(csv.lines().count(), 4);
    let empty = program.run(&["sql", "--format", "json", "SELECT * FROM counts WHERE FALSE"]).success();
    assert_eq!(empty.json(), serde_json::json!([]));
    for (format, magic) in [("arrow", &b"\xff\xff\xff\xff"[..]), ("parquet", &b"PAR1"[..])] {
        let output = Command::new(PROGRAM)
            .args(["sql", "--format", format, query, "--lake"])
            .arg(bench.lake())
            .output()
            .unwrap();
        assert!(output.stdout.starts_with(magic), "{format}");
    }
}

#[test]
fn rows_saved_from_a_portal_are_reconciled_by_key_in_every_shape() {
    let bench = Bench::synthetic(800);
    let oracle = bench.oracle(CASES);
    let rows = bench.portal.rows(CASES);
    let json = serde_json::to_string(&rows).unwrap();
    let path = bench.folder.path().join("saved.json");
    std::fs::write(&path, &json).unwrap();
    let zipped = Command::new("gzip").arg("-k").arg(&path).status().unwrap();
    assert!(zipped.success());
    let program = bench.program();
    program.run(&["ingest", CASES_RESOURCE, "--file", "saved.json.gz", "--page-size", "100"]).success();
    bench.assert_exact(CASES_RESOURCE, &oracle, "from a saved file");
    let again = program.run(&["ingest", CASES_RESOURCE, "--file", "saved.json", "--page-size", "70"]).success();
    assert!(again.stderr.contains("0 new, 0 changed"), "{}", again.stderr);
    let columns = ["service_request_id", "requested_datetime", "service_name", "lat", "long"];
    let mut csv = columns.join(",");
    for row in rows.iter().take(50) {
        let field = |name: &&str| format!("\"{}\"", row.get(*name).and_then(|v| v.as_str()).unwrap_or(""));
        csv.push('\n');
        csv.push_str(&columns.iter().map(field).collect::<Vec<_>>().join(","));
    }
    std::fs::write(bench.folder.path().join("saved.csv"), csv).unwrap();
    program.run(&["ingest", CASES_RESOURCE, "--file", "saved.csv"]).success();
    bench.assert_exact(CASES_RESOURCE, &oracle, "after a CSV with fewer columns but the same counted ones");
    bench.ingest(&program, CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &oracle, "after the portal itself");
    std::fs::write(bench.folder.path().join("cut.json"), &json[..json.len() / 2]).unwrap();
    program.run(&["ingest", CASES_RESOURCE, "--file", "cut.json"]).expect_status(2);
    bench.assert_exact(CASES_RESOURCE, &oracle, "after a file that is cut");
}

#[test]
fn a_users_own_resource_is_ingested_like_the_ones_the_program_comes_with() {
    let bench = Bench::synthetic(300);
    let (program, _folder) = program_without_portal();
    let shown = program.run(&["resources", "show", "311-cases"]).success().json();
    assert_eq!(shown["dataset"], "vw6y-z8j6");
    let own = bench.folder.path().join("own");
    std::fs::create_dir_all(&own).unwrap();
    let text = "name = \"my-cases\"\ntitle = \"Mine\"\nportal = \"https://data.example.org\"\ndataset = \"vw6y-z8j6\"\n\
        city = \"Example\"\nzone = \"America/Los_Angeles\"\ncadence = \"1h\"\nkey = [\"service_request_id\"]\n\
        [roles]\noccurred_at = \"requested_datetime\"\ncategory = \"agency_responsible\"\nlatitude = \"lat\"\nlongitude = \"long\"\n\
        [bounds]\nwest = -123.2\nsouth = 37.4\neast = -122.0\nnorth = 38.0\n\
        [columns]\nservice_request_id = \"text\"\nrequested_datetime = \"timestamp\"\nagency_responsible = \"text\"\nlat = \"number\"\nlong = \"number\"\n";
    std::fs::write(own.join("mine.toml"), text).unwrap();
    let program = bench.program().env("HOTSPOTS_RESOURCES", &own);
    bench.ingest(&program, "my-cases", &[]).success();
    let rows = bench.portal.rows(CASES).len() as i64;
    assert_eq!(program.sql("SELECT SUM(count) AS n FROM counts WHERE resource = 'my-cases'")[0]["n"], rows);
    // A column declared later, before the ones that have roles, moves none of them.
    let wider = text.replace("[columns]\n", "[columns]\nstatus_description = \"text\"\nstreet = \"text\"\n");
    std::fs::write(own.join("mine.toml"), &wider).unwrap();
    bench.portal.update_where(
        CASES,
        |_| true,
        |row| drop(row.insert("agency_responsible".to_owned(), "One".into())),
        1_790_000_000_000,
    );
    bench.ingest(&program, "my-cases", &[]).success();
    let by_category = "SELECT category, SUM(count) AS n FROM counts WHERE resource = 'my-cases' GROUP BY 1";
    let expected = serde_json::json!([{"category": "One", "n": rows}]);
    assert_eq!(serde_json::Value::from(program.sql(by_category)), expected, "fast, after a column was added");
    program.run(&["compact"]).success();
    assert_eq!(serde_json::Value::from(program.sql(by_category)), expected, "compacted, after a column was added");
    let extra = program.sql("SELECT _extra FROM raw.\"my_cases\" LIMIT 1");
    assert!(extra[0]["_extra"].as_str().unwrap().contains("service_name"), "unknown columns are kept: {extra:?}");
}

#[test]
fn status_says_where_each_resource_stands() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    let status = || bench.program().run(&["status", "--format", "json"]).success().json()[0].clone();
    let landed = status();
    let rows = bench.portal.rows(CASES).len();
    assert_eq!(
        (&landed["resource"], &landed["incidents"], &landed["exact"]),
        (&"311-cases".into(), &rows.into(), &true.into())
    );
    assert_eq!(landed["batches"], landed["unreconciled"]);
    bench.program().run(&["compact"]).success();
    assert_eq!(status()["unreconciled"], 0);
    let table = bench.program().run(&["status"]).success().stdout;
    assert!(table.starts_with("resource"), "{table}");
}

#[test]
fn some_resources_failing_is_exit_code_3() {
    let bench = Bench::synthetic(300);
    bench.portal.remove_dataset("ubvf-ztfx");
    let partly = bench.program().run(&["ingest", CASES_RESOURCE, "traffic-crashes", "--portal", bench.served.url()]);
    let partly = partly.expect_status(3);
    assert!(partly.stderr.contains("traffic-crashes"), "{}", partly.stderr);
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "next to a resource that failed");
}

#[test]
fn a_second_process_that_lands_the_same_resource_is_told_to_try_again() {
    let bench = Bench::synthetic(300);
    bench.portal.push_faults([lake_soda_sim::Fault::Delay(std::time::Duration::from_secs(20))]);
    let url = bench.served.url().to_owned();
    let mut first = bench.program().spawn_in_background(&["ingest", CASES_RESOURCE, "--portal", &url]);
    // The fault is taken when the first process has the resource open and asks for its page.
    while bench.portal.faults_left() > 0 {
        assert_eq!(first.ended(), None, "{}", first.log());
        std::thread::yield_now();
    }
    let second = bench.ingest(&bench.program(), CASES_RESOURCE, &[]).expect_status(4);
    assert!(second.stderr.contains("another process"), "{}", second.stderr);
    first.kill9();
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the first process was killed");
}

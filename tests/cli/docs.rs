//! The documentation is tested: each command and recipe of README, CONTRIBUTING and `docs/` is run as printed.
//!
//! A block of ```` ```sh ```` is run line by line in bash, the blocks of ```` ```python ```` of a page one after the
//! other in one interpreter. Addresses are those of a server of this test, and portals a portal of this test. A block
//! that cannot be run here gives the reason after its language: ```` ```sh no-run: needs a Docker engine ````; so
//! `no-run` blocks stay rare and justified.

use std::path::{Path, PathBuf};
use std::process::Command;

use lake_soda_sim::{Column, Portal, SodaType};
use lake_testkit::{Running, missing_tool};
use serde_json::{Value, json};

use crate::harness::Bench;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hotspots-lake");

/// A block of code of a page.
struct Block {
    page: String,
    line: usize,
    language: String,
    /// Why it is not run, if it is not.
    skipped: Option<String>,
    lines: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let docs = std::fs::read_dir(root().join("docs")).expect("the folder of the documentation");
    pages.extend(
        docs.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension() == Some("md".as_ref())),
    );
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let name = page.strip_prefix(root()).expect("below the root").display().to_string();
    let text = std::fs::read_to_string(page).expect("a page");
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
                let skipped = rest.strip_prefix("no-run: ").map(str::to_owned);
                let (page, language) = (name.clone(), language.to_owned());
                open = Some(Block { page, line: number + 1, language, skipped, lines: Vec::new() });
            }
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    blocks
}

/// Returns the commands of a block: one per line, or several lines joined by `\` or a quote.
fn commands(block: &Block) -> Vec<String> {
    let (mut commands, mut command) = (Vec::new(), String::new());
    for line in &block.lines {
        command.push_str(line);
        // An apostrophe of a comment opens nothing.
        let is_open = command.split(" #").next().unwrap_or_default().matches('\'').count() % 2 == 1;
        if line.ends_with('\\') || is_open {
            command.push('\n');
            continue;
        }
        let ended = std::mem::take(&mut command);
        if !ended.trim().is_empty() && !ended.trim_start().starts_with('#') {
            commands.push(ended);
        }
    }
    assert!(command.is_empty(), "{}:{}: a command does not end: {command}", block.page, block.line);
    commands
}

/// A served lake of synthetic rows, and the folder in which commands are run.
struct Place {
    bench: Bench,
    serving: Running,
    flight: String,
    config: PathBuf,
}

impl Place {
    fn new() -> Self {
        let bench = Bench::synthetic(2_000);
        publish_chicago(&bench.portal);
        let folder = bench.folder.path();
        let config = folder.join("config.toml");
        let portal = bench.served.url();
        let text = format!("[ingest]\nportal = \"{portal}\"\nretry-wait-ms = 1\n[audit]\nportal = \"{portal}\"\n");
        std::fs::write(&config, text).expect("a config file");
        let program = bench.program().env("HOTSPOTS_CONFIG", config.as_os_str());
        program.run(&["ingest"]).success();
        program.run(&["compact"]).success();
        let queries = folder.join("my-queries");
        std::fs::create_dir(&queries).expect("a folder");
        for block in blocks(&root().join("docs/queries.md")).iter().filter(|block| block.language == "sql") {
            let file = queries.join(format!("line-{}.sql", block.line));
            std::fs::write(file, block.lines.join("\n")).expect("a query");
        }
        let serving = bench.program().spawn_serving(&["serve", "--flight", "127.0.0.1:0"]);
        let log = serving.log();
        let flight = log.split("flight listening on grpc://").nth(1).and_then(|rest| rest.lines().next());
        let flight = flight.unwrap_or_else(|| panic!("no address of Flight SQL: {log}")).trim().to_owned();
        Self { bench, serving, flight, config }
    }

    /// Replaces the addresses of a text by this server's.
    fn here(&self, text: &str) -> String {
        let http = self.serving.url("");
        let http = http.trim_start_matches("http://").trim_end_matches('/');
        let text = text.replace("127.0.0.1:8080", http).replace("localhost:8080", http);
        text.replace("127.0.0.1:50051", &self.flight)
    }

    /// Runs a command as it is printed.
    fn run(&self, command: &str) -> Result<(), String> {
        let command =
            command.replace("cargo run --release -- ", "hotspots-lake ").replace("cargo run -- ", "hotspots-lake ");
        let mut command = self.here(&command).replace("curl ", "curl --fail --silent --show-error ");
        if goes_on(&command) {
            // A command that does not end by itself is parsed to its end, and not started.
            let (words, _comment) = command.split_once(" #").unwrap_or((&command, ""));
            command = format!("{} --help", words.trim_end());
        }
        let mut bash = Command::new("bash");
        bash.args(["-c", &command]).current_dir(self.bench.folder.path()).env("PATH", path());
        bash.env("HOTSPOTS_CONFIG", &self.config).env("HOTSPOTS_LAKE", self.bench.lake());
        finish(&mut bash)
    }
}

/// Publishes a crime and an area of Chicago, so that every resource the program comes with is there.
fn publish_chicago(portal: &Portal) {
    let columns = |columns: &[(&str, SodaType)]| columns.iter().map(|(name, kind)| Column::new(*name, *kind)).collect();
    let publish = |dataset: &str, row: Value| {
        let Value::Object(row) = row else { panic!("a row is an object") };
        portal.insert(dataset, vec![row], 1_750_000_000_000);
    };
    let text = ["id", "primary_type", "community_area"].map(|name| (name, SodaType::Text));
    let number = ["latitude", "longitude"].map(|name| (name, SodaType::Number));
    let crimes = [&text[..], &number, &[("date", SodaType::CalendarDate)]].concat();
    portal.add_dataset("ijzp-q8t2", "Crimes", columns(&crimes));
    let crime = json!({
        "id": "1", "date": "2024-05-01T10:00:00.000", "primary_type": "THEFT", "community_area": "32",
        "latitude": "41.88", "longitude": "-87.63",
    });
    publish("ijzp-q8t2", crime);
    let areas = [("area_numbe", SodaType::Text), ("community", SodaType::Text), ("the_geom", SodaType::MultiPolygon)];
    portal.add_dataset("igwz-8jzy", "Community areas", columns(&areas));
    let square = json!([[[[-87.7, 41.8], [-87.6, 41.8], [-87.6, 41.9], [-87.7, 41.9], [-87.7, 41.8]]]]);
    let outline = json!({"type": "MultiPolygon", "coordinates": square});
    publish("igwz-8jzy", json!({"area_numbe": "32", "community": "LOOP", "the_geom": outline}));
}

/// Returns whether a command is a server.
fn goes_on(command: &str) -> bool {
    let mut words = command.split_whitespace();
    words.next() == Some("hotspots-lake") && matches!(words.next(), Some("up" | "serve"))
}

/// Returns the search path for commands: the built program and the interpreter of the tests first.
fn path() -> std::ffi::OsString {
    let program = Path::new(PROGRAM).parent().map(Path::to_path_buf);
    let python = python().and_then(|python| python.parent().map(Path::to_path_buf));
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = program.into_iter().chain(python).chain(std::env::split_paths(&others));
    std::env::join_paths(folders).expect("folders without colons")
}

fn python() -> Option<PathBuf> {
    std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from)
}

fn finish(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let told = || format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(format!("{}\n{}", output.status, told())) }
}

#[test]
fn every_command_of_the_documentation_runs_as_printed() {
    let place = Place::new();
    let (mut tried, mut failed) = (0, Vec::new());
    for block in pages().iter().flat_map(|page| blocks(page)).filter(|block| block.language == "sh") {
        if block.skipped.is_some() {
            continue;
        }
        for command in commands(&block) {
            tried += 1;
            if let Err(told) = place.run(&command) {
                failed.push(format!("{}:{}: {command}\n{told}", block.page, block.line));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {tried} commands failed:\n{}", failed.len(), failed.join("\n"));
    assert!(tried > 40, "only {tried} commands were found");
}

#[test]
fn every_recipe_in_python_runs_as_printed() {
    let Some(python) = python() else {
        missing_tool(
            "every_recipe_in_python_runs_as_printed",
            "a Python with pandas, Polars, DuckDB and ADBC",
            "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python",
        );
        return;
    };
    let place = Place::new();
    let mut failed = Vec::new();
    for page in pages() {
        let recipes = blocks(&page).into_iter().filter(|block| block.language == "python" && block.skipped.is_none());
        let script: Vec<String> = recipes.map(|block| block.lines.join("\n")).collect();
        if script.is_empty() {
            continue;
        }
        // Threads of the readers that run while the interpreter ends are not a part of the recipe.
        let script = format!("{}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n", place.here(&script.join("\n")));
        let mut command = Command::new(&python);
        command.args(["-c", &script]).current_dir(place.bench.folder.path());
        if let Err(told) = finish(&mut command) {
            failed.push(format!("{}: {told}\n{script}", page.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_block_that_is_not_run_says_why() {
    for block in pages().iter().flat_map(|page| blocks(page)) {
        let is_run = matches!(block.language.as_str(), "sh" | "python" | "bash" | "shell");
        let skipped = block.skipped.as_deref().map_or("", str::trim);
        assert!(
            !is_run || block.skipped.is_none() || skipped.len() > 8,
            "{}:{} gives no reason",
            block.page,
            block.line
        );
        assert!(!matches!(block.language.as_str(), "bash" | "shell"), "{}:{}: write sh", block.page, block.line);
    }
}

#[test]
fn every_link_within_the_documentation_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            let found = path.exists() && (anchor.is_empty() || has_anchor(&path, anchor));
            if !found {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Collects every file of the code below a folder, without the packages of npm.
fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect_files(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn every_source_file_that_the_documentation_names_exists() {
    let mut files = Vec::new();
    for folder in ["crates", "queries", "tests", "data"] {
        collect_files(&root().join(folder), &mut files);
    }
    let records = std::fs::read_dir(root().join("docs/adr")).expect("the decision records");
    let pages = pages().into_iter().chain(records.map(|entry| entry.expect("an entry").path()));
    let (mut named, mut missing) = (0, Vec::new());
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page");
        for span in text.split('`').skip(1).step_by(2) {
            let is_file = [".rs", ".ts", ".tsx"].iter().any(|extension| span.ends_with(extension));
            let is_folder = ["crates/", "queries/", "tests/"].iter().any(|folder| span.starts_with(folder));
            if !(is_file || is_folder) || span.contains(['<', '*', ' ', '\n']) || span == "crates/NAME" {
                continue;
            }
            named += 1;
            let is_found = root().join(span).exists() || files.iter().any(|file| file.ends_with(span));
            if !is_found {
                missing.push(format!("{}: {span}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(named > 100, "only {named} files were found");
}

/// Returns whether a page has a heading that GitHub gives this anchor.
fn has_anchor(page: &Path, anchor: &str) -> bool {
    let text = std::fs::read_to_string(page).unwrap_or_default();
    let slug = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase();
        kept.chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line.trim_start_matches('#')) == anchor)
}

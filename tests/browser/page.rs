//! The page of the built program in a real browser: what is on screen equals what the program answers.
//!
//! The scripts in `tests/browser` drive the browser; variables give them the addresses of the servers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lake_testkit::{Program, Row, missing_tool, world_resource};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

const TOKEN: &str = "a-token-of-many-letters";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Returns the path of the browser; `None`, which is reported, if it or its driver is missing.
fn browser(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("HOTSPOTS_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    let found = named.into_iter().chain(usual).find(|path| path.is_file());
    if found.is_none() {
        missing_tool(test, "Chromium", "install Debian's package chromium, or name one by HOTSPOTS_CHROMIUM");
    } else if !scripts().join("node_modules/playwright-core").is_dir() {
        missing_tool(test, "playwright-core", "run `npm ci` in tests/browser");
        return None;
    }
    found
}

fn drive(script: &str, chromium: &Path, variables: &[(&str, String)]) {
    let mut command = Command::new("node");
    command.args(["--test", "--test-concurrency=1", "--test-reporter=spec", script]).current_dir(scripts());
    command.env("HOTSPOTS_CHROMIUM", chromium).envs(variables.iter().map(|(name, value)| (*name, value)));
    let output = command.output().expect("node can be run");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    eprintln!("{said}");
}

#[test]
fn the_map_shows_what_the_program_answers() {
    let Some(chromium) = browser("the_map_shows_what_the_program_answers") else { return };
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    let running = program.current_dir(folder.path()).spawn_serving(&["up", "--demo", "--demo-rows", "30000"]);
    running.wait_for_log("Every resource has been ingested and compacted once", Duration::from_mins(3));
    drive("map.test.mjs", &chromium, &[("HOTSPOTS_URL", running.base_url.clone())]);
}

/// Creates a lake of San Francisco's cases and of fewer synthetic crimes in Chicago.
fn two_cities(bench: &Bench) -> Program {
    let crime = |number: u32| {
        json!({
            "id": number.to_string(),
            "date": "2024-05-06T07:08:00.000",
            "primary_type": if number.is_multiple_of(3) { "THEFT" } else { "BATTERY" },
            "latitude": (41.85 + f64::from(number % 10) / 100.0).to_string(),
            "longitude": (-87.65 + f64::from(number / 10) / 100.0).to_string(),
        })
    };
    let file = bench.folder.path().join("crimes.json");
    let crimes: Vec<Value> = (100..160).map(crime).collect();
    std::fs::write(&file, serde_json::to_vec(&crimes).expect("JSON")).expect("a file");
    let program = bench.program().lake(bench.folder.path().join("cities"));
    bench.ingest(&program, CASES_RESOURCE, &[]).success();
    program.run(&["ingest", "chicago-crimes", "--file", &file.display().to_string()]).success();
    program
}

#[test]
fn the_pages_beside_the_map_show_what_the_program_answers_and_what_lands() {
    let Some(chromium) = browser("the_pages_beside_the_map") else { return };
    let bench = Bench::synthetic(3_000);
    // A row without a key is a reject, whose reason is on the page.
    let keyless = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('7'));
    let without_key = |row: &mut Row| {
        row.remove("service_request_id");
    };
    assert!(bench.portal.update_where(CASES, keyless, without_key, 1_790_000_000_000) > 0);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "200"]).success();
    bench.program().run(&["compact"]).success();
    bench.program().run(&["audit", "--resource", CASES_RESOURCE, "--portal", bench.served.url()]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let guarded = bench.program().env("HOTSPOTS_TOKEN", TOKEN).spawn_serving(&["serve"]);
    let nothing = bench.folder.path().join("nothing.json");
    std::fs::write(&nothing, "[]").expect("a file");
    let empty = bench.program().lake(bench.folder.path().join("empty"));
    empty.run(&["ingest", CASES_RESOURCE, "--file", &nothing.display().to_string()]).success();
    let empty = empty.spawn_serving(&["serve"]);
    let cities = two_cities(&bench).spawn_serving(&["serve"]);
    // Batches that land while the page is open.
    let later: Vec<Row> =
        bench.portal.rows(CASES).into_iter().filter(|row| row.contains_key("service_request_id")).take(40).collect();
    let later: Vec<Row> = later
        .into_iter()
        .map(|mut row| {
            let id = format!("{}000", row["service_request_id"].as_str().expect("a key"));
            row.insert("service_request_id".to_owned(), id.into());
            row
        })
        .collect();
    let file = bench.folder.path().join("later.json");
    std::fs::write(&file, serde_json::to_vec(&later).expect("JSON")).expect("a file");
    let land = [env!("CARGO_BIN_EXE_hotspots-lake"), "ingest", CASES_RESOURCE, "--file"];
    let land: Vec<String> = land.into_iter().map(str::to_owned).chain([file.display().to_string()]).collect();
    drive(
        "pages.test.mjs",
        &chromium,
        &[
            ("HOTSPOTS_URL", serving.base_url.clone()),
            ("HOTSPOTS_GUARDED_URL", guarded.base_url.clone()),
            ("HOTSPOTS_GUARDED_TOKEN", TOKEN.to_owned()),
            ("HOTSPOTS_EMPTY_URL", empty.base_url.clone()),
            ("HOTSPOTS_CITIES_URL", cities.base_url.clone()),
            ("HOTSPOTS_LAND", serde_json::to_string(&land).expect("JSON")),
            // For the program that lands them.
            ("HOTSPOTS_LAKE", bench.lake().display().to_string()),
        ],
    );
}

#[test]
fn pages_share_one_stream_and_outlive_a_lake_that_is_replaced() {
    let Some(chromium) = browser("pages_share_one_stream_and_outlive_a_lake_that_is_replaced") else { return };
    drive("live.test.mjs", &chromium, &[("HOTSPOTS_PROGRAM", env!("CARGO_BIN_EXE_hotspots-lake").to_owned())]);
}

/// Names that every object of JavaScript has.
const NAMES: [&str; 9] = [
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "isPrototypeOf",
    "__defineGetter__",
    "__lookupSetter__",
    "propertyIsEnumerable",
];

/// Lands rows of a resource that a directory of files defines.
fn land(program: &Program, folder: &Path, resources: &Path, name: &str, rows: &[Value]) {
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, serde_json::to_vec(rows).expect("JSON")).expect("a file");
    let (file, resources) = (file.display().to_string(), resources.display().to_string());
    program.run(&["ingest", name, "--file", &file, "--resources", &resources]).success();
}

#[test]
fn labels_named_like_members_of_objects_are_labels_on_every_page() {
    let Some(chromium) = browser("labels_named_like_members_of_objects_are_labels_on_every_page") else { return };
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    let resources = folder.path().join("resources");
    std::fs::create_dir(&resources).expect("a directory");
    std::fs::write(resources.join("constructor.toml"), world_resource("constructor", "hasOwnProperty", "__proto__"))
        .expect("a file");
    let case = |number: usize| {
        // A label that exceeds its limit is cut to a text that is not a name.
        let long = format!("__proto__ and more that does not fit {number}");
        let name = |n: usize| NAMES.get(n % (NAMES.len() + 1)).map_or(long.as_str(), |name| name).to_owned();
        json!({
            "service_request_id": number.to_string(),
            "requested_datetime": format!("2024-{:02}-10T{:02}:00:00.000", 1 + number % 12, number % 24),
            "service_name": name(number), "service_subtype": name(number / 2),
            "police_district": name(number / 3), "neighborhoods_sffind_boundaries": name(number / 5),
            "lat": (37.72 + (number % 97) as f64 / 1e3).to_string(),
            "long": (-122.48 + (number % 89) as f64 / 1e3).to_string(),
        })
    };
    let cases: Vec<Value> = (0..1_500).map(case).collect();
    land(&program, folder.path(), &resources, CASES_RESOURCE, &cases);
    let call = |number: usize| {
        json!({
            "call": format!("c{number}"), "received": "2024-05-06T07:08:00.000", "kind": NAMES[number % NAMES.len()],
            "lat": (51.5 + (number % 10) as f64 / 100.0).to_string(), "lon": (0.1 + (number / 10) as f64 / 100.0).to_string(),
        })
    };
    let calls: Vec<Value> = (0..60).map(call).collect();
    land(&program, folder.path(), &resources, "constructor", &calls);
    let resources = resources.display().to_string();
    let serving = program.spawn_serving(&["serve", "--resources", &resources]);
    drive(
        "names.test.mjs",
        &chromium,
        &[
            ("HOTSPOTS_URL", serving.base_url.clone()),
            ("HOTSPOTS_CITY", "__proto__".to_owned()),
            ("HOTSPOTS_NAMES", json!(NAMES).to_string()),
        ],
    );
}

#[test]
fn a_city_on_the_180th_meridian_is_one_place() {
    let Some(chromium) = browser("a_city_on_the_180th_meridian_is_one_place") else { return };
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.path().join("lake"));
    let resources = folder.path().join("resources");
    std::fs::create_dir(&resources).expect("a directory");
    std::fs::write(resources.join("meridian-calls.toml"), world_resource("meridian-calls", "Calls", "Taveuni"))
        .expect("a file");
    let call = |number: usize| {
        let east = 179.9 + (number % 20) as f64 / 100.0;
        let longitude = if east > 180.0 { east - 360.0 } else { east };
        json!({
            "call": format!("c{number}"), "received": "2024-05-06T07:08:00.000", "kind": "call",
            "lat": (-17.0 + (number / 20) as f64 / 100.0).to_string(), "lon": format!("{longitude:.4}"),
        })
    };
    let calls: Vec<Value> = (0..200).map(call).collect();
    land(&program, folder.path(), &resources, "meridian-calls", &calls);
    let resources = resources.display().to_string();
    let serving = program.spawn_serving(&["serve", "--resources", &resources]);
    drive("meridian.test.mjs", &chromium, &[("HOTSPOTS_URL", serving.base_url.clone())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_is_made_of_never_changes_under_its_name_and_is_small_on_the_way() {
    let bench = Bench::synthetic(50);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let tiles = "https://tiles.example.org/{z}/{x}/{y}.png";
    let serving = bench.program().spawn_serving(&["serve", "--base-map", tiles]);
    let page = serving.get("/").await;
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(policy.contains("connect-src 'self' https://tiles.example.org;"), "{policy}");
    assert!(page.text().contains(&format!("<meta name=\"base-map\" content=\"{tiles}\"")), "{}", page.text());
    let etag = page.header("etag").expect("a name").to_owned();
    assert_eq!(serving.get_with("/", &[("if-none-match", &etag)]).await.status, 304);
    let text = page.text();
    let parts: Vec<&str> = text.split(['"']).filter(|part| part.starts_with("./assets/")).collect();
    assert!(parts.len() >= 2, "{text}");
    for part in parts {
        let path = &part[1..];
        let plain = serving.get_with(path, &[("accept-encoding", "identity")]).await;
        assert_eq!(plain.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
        assert!(plain.header("content-type").is_some_and(|kind| kind.starts_with("text/")), "{path}");
        let packed = serving.get_with(path, &[("accept-encoding", "br")]).await;
        assert_eq!(packed.header("content-encoding"), Some("br"), "{path}");
        assert!(packed.body.len() * 2 < plain.body.len(), "{path}");
    }
    assert_eq!(serving.get("/assets/of-another-version.js").await.status, 404);
    // An invalid base map stops the start, with an error.
    let refused = bench.program().run(&["serve", "--base-map", "tiles.example.org"]).expect_status(2);
    assert!(refused.stderr.contains("not a URL of map tiles"), "{}", refused.stderr);
}

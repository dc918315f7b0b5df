//! `aggregates` and `hotspots` on the command line answer as `/aggregates` and `/hotspots` do over HTTP.

use lake_testkit::{Output, Program, Running};

use crate::harness::{Bench, CASES_RESOURCE};

/// The polygon's western corner is negative: a flag's value may begin like a flag.
const POLYGON: &str =
    r#"{"type":"Polygon","coordinates":[[[-122.48,37.72],[-122.39,37.73],[-122.41,37.79],[-122.48,37.72]]]}"#;

fn landed() -> (Bench, Running) {
    let bench = Bench::synthetic(3_000);
    for resource in [CASES_RESOURCE, "police-department-incidents"] {
        bench.ingest(&bench.program(), resource, &[]).success();
    }
    let running = bench.program().spawn_serving(&["serve"]);
    (bench, running)
}

/// Returns the flags of parameters, as the documentation names them.
fn flags(parameters: &[(&str, &str)]) -> Vec<String> {
    let flag = |name: &str| match name.strip_suffix('!') {
        Some(excluded) => format!("--not-{excluded}"),
        None => format!("--{}", name.replace('_', "-")),
    };
    parameters.iter().flat_map(|(name, value)| [flag(name), (*value).to_owned()]).collect()
}

fn run(program: &Program, command: &str, parameters: &[(&str, &str)], more: &[&str]) -> Output {
    let flags = flags(parameters);
    let args: Vec<&str> =
        std::iter::once(command).chain(flags.iter().map(String::as_str)).chain(more.iter().copied()).collect();
    program.run(&args)
}

fn address(path: &str, parameters: &[(&str, &str)], format: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters).append_pair("format", format);
    format!("/{path}?{}", query.finish())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_answers_as_http_does() {
    let (bench, running) = landed();
    let folder = tempfile::tempdir().expect("a directory");
    let questions: [(&str, &[(&str, &str)]); 9] = [
        ("aggregates", &[]),
        (
            "aggregates",
            &[("resource", CASES_RESOURCE), ("geo_precision", "7"), ("time_precision", "1mo"), ("limit", "20")],
        ),
        ("aggregates", &[("group_by", "category,hour"), ("weekday", "1"), ("weekday", "7"), ("category!", "Graffiti")]),
        ("aggregates", &[("group_by", "cell"), ("bbox", "-122.5,37.7,-122.38,37.8"), ("per", "km2")]),
        ("aggregates", &[("group_by", ""), ("polygon", POLYGON), ("start_time", "2024-01-01"), ("located", "true")]),
        ("aggregates", &[("near", "37.7793,-122.4193,1500"), ("group_by", "district")]),
        ("hotspots", &[("resource", CASES_RESOURCE), ("geo_precision", "8")]),
        (
            "hotspots",
            &[("category", "Graffiti"), ("trend", "false"), ("neighbors", "2"), ("alpha", "0.2"), ("limit", "5")],
        ),
        ("hotspots", &[("significant", "true"), ("resource!", CASES_RESOURCE), ("geo_precision", "7")]),
    ];
    for (command, parameters) in questions {
        for format in ["json", "ndjson", "csv", "geojson", "arrow", "parquet"] {
            let over_http = running.get(&address(command, parameters, format)).await;
            assert_eq!(over_http.status, 200, "{command} {parameters:?} {format}: {}", over_http.text());
            assert!(over_http.body.len() > 2, "{command} {parameters:?} {format}: an empty answer compares nothing");
            let file = folder.path().join("answer");
            let path = file.to_str().expect("UTF-8");
            run(&bench.program(), command, parameters, &["--format", format, "-o", path]).success();
            let on_disk = std::fs::read(&file).expect("the answer");
            assert_eq!(on_disk, over_http.body.as_ref() as &[u8], "{command} {parameters:?} {format}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_flag_is_refused_as_the_wrong_parameter() {
    let (bench, running) = landed();
    for (command, parameters) in [
        ("aggregates", [("limit", "0")]),
        ("aggregates", [("bbox", "1,2,3")]),
        ("aggregates", [("resource", "311-case")]),
        ("hotspots", [("alpha", "0.9")]),
        ("hotspots", [("start_time", "2024")]),
    ] {
        let over_http = running.get(&address(command, &parameters, "json")).await;
        assert_eq!(over_http.status, 400, "{command} {parameters:?}");
        let detail = over_http.json()["detail"].as_str().expect("a detail").to_owned();
        let refused = run(&bench.program(), command, &parameters, &[]).expect_status(2);
        // Only the greatest number of rows is the server's own.
        let detail = detail.split(" to 1000000").next().expect("a text");
        assert!(refused.stderr.contains(detail), "{command} {parameters:?}: {detail}\n{}", refused.stderr);
        assert!(!refused.stderr.contains("/limits"), "{command} {parameters:?}: {}", refused.stderr);
    }
}

#[test]
fn a_table_shows_cells_as_text_and_says_what_is_missing() {
    let bench = Bench::synthetic(3_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let cells = [("group_by", "cell"), ("geo_precision", "6"), ("limit", "2")];
    let table = run(&bench.program(), "aggregates", &cells, &[]).success();
    assert!(table.stdout.contains("| 862830"), "{}", table.stdout);
    assert!(table.stderr.contains("more rows than `--limit`"), "{}", table.stderr);
    let numbers = run(&bench.program(), "aggregates", &cells, &["--cells", "number"]).success();
    assert!(numbers.stdout.contains("| 60418"), "{}", numbers.stdout);
    let near = run(&bench.program(), "aggregates", &[("category", "Grafiti")], &[]).success();
    assert!(near.stderr.contains("did you mean `Graffiti`?"), "{}", near.stderr);
    let quiet = run(&bench.program(), "aggregates", &cells, &["--quiet"]).success();
    assert_eq!(quiet.stderr, "");
}

//! Definitions of sets and saved files of boundaries.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{NEIGHBORHOODS, SET, ingest};
use crate::harness::{Bench, CASES_RESOURCE};

#[test]
fn boundaries_of_ones_own_are_a_file_among_the_others() {
    let bench = Bench::synthetic(100);
    let files = bench.folder.path().join("mine");
    std::fs::create_dir(&files).expect("a directory");
    let text = "name = \"my-districts\"\ntitle = \"Mine\"\nportal = \"https://example.org\"\ndataset = \"wkhw-cjsf\"\n\
                city = \"Elsewhere\"\ncadence = \"30d\"\n\n[boundaries]\ndimension = \"district\"\nlabel = \"district\"\n\
                geometry = \"the_geom\"\ncase = \"lower\"\nresources = [\"311-cases\"]\n";
    std::fs::write(files.join("my-districts.toml"), text).expect("a file");
    let program = bench.program().env("HOTSPOTS_RESOURCES", &files);
    let shown = program.run(&["resources", "show", "my-districts"]).success().json();
    assert_eq!((&shown["dimension"], &shown["case"]), (&json!("district"), &json!("lower")));
    let list = program.run(&["resources", "list", "--format", "json"]).success().json();
    let kinds: BTreeMap<&str, &str> = list
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| (row["name"].as_str().expect("a name"), row["kind"].as_str().expect("a kind")))
        .collect();
    assert_eq!((kinds["my-districts"], kinds[SET], kinds[CASES_RESOURCE]), ("boundaries", "boundaries", "incidents"));
    bench.ingest(&program, "my-districts", &[]).success();
    let rows = program.sql("SELECT label, city FROM boundaries WHERE resource = 'my-districts' ORDER BY label LIMIT 1");
    assert_eq!(Value::from(rows), json!([{"label": "bayview", "city": "Elsewhere"}]));
    let wrong = program.run(&["compact", "--resource", "my-districts"]).expect_status(2).stderr;
    assert!(wrong.contains("set of boundaries"), "{wrong}");
    let wrong = program.run(&["ingest", "my-districts", "--replay-rejects"]).expect_status(2).stderr;
    assert!(wrong.contains("no rejects"), "{wrong}");
}

#[test]
fn a_file_that_is_no_set_says_why_and_lands_nothing() {
    let bench = Bench::synthetic(100);
    let file = bench.folder.path().join("boundaries.geojson");
    let good = json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]});
    let feature = |geometry: &Value| json!({"type": "Feature", "properties": {"nhood": "A"}, "geometry": geometry});
    for (content, says) in [
        ("not JSON".to_owned(), "GeoJSON FeatureCollection"),
        (json!({"type": "Topology"}).to_string(), "GeoJSON FeatureCollection"),
        (json!({"type": "FeatureCollection", "features": []}).to_string(), "no boundary"),
        (
            json!({"type": "FeatureCollection", "features": [feature(&good), feature(&Value::Null)]}).to_string(),
            "boundary 2",
        ),
        (json!([{"name": "A", "the_geom": good}]).to_string(), "no label in `nhood`"),
    ] {
        std::fs::write(&file, &content).expect("a file");
        let said = bench.program().run(&["ingest", SET, "--file", file.to_str().unwrap()]).expect_status(2).stderr;
        assert!(said.contains("boundaries.geojson") && said.contains(says), "{said}");
    }
    assert!(!bench.lake().join("boundaries").exists());
    // Rows saved from the portal itself are as good.
    let rows: Vec<Map<String, Value>> = bench.portal.rows(NEIGHBORHOODS);
    std::fs::write(&file, json!(rows).to_string()).expect("a file");
    bench.program().run(&["ingest", SET, "--file", file.to_str().unwrap()]).success();
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"), "a file and the portal say the same");
}

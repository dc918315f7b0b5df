//! Boundaries on the built program: a set lands completely and once, an invalid one leaves the stored set, and a map
//! that requests outlines gets those whose labels the incidents have.

mod landing;
mod maintenance;
mod outlines;
mod set_files;

use std::collections::BTreeMap;

use lake_testkit::{Output, Row};
use serde_json::{Value, json};

use crate::harness::Bench;

/// The dataset of neighborhoods, and their set.
const NEIGHBORHOODS: &str = "j2bu-swwd";
const SET: &str = "sf-neighborhoods";
const LATER_MS: i64 = 1_790_000_000_000;
/// A sentence that only an edited boundary holds.
const MOVED: &str = "[-122.4,37.7]";

fn ingest(bench: &Bench, set: &str) -> Output {
    bench.ingest(&bench.program(), set, &["--retries", "1"])
}

/// Returns the stored outlines of a set: label to outline.
fn standing(bench: &Bench, set: &str) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rows = bench.program().sql(&format!("SELECT label, geometry FROM boundaries WHERE resource = '{set}'"));
    let count = rows.len();
    let standing: BTreeMap<_, _> = rows.iter().map(|row| (text(&row["label"]), text(&row["geometry"]))).collect();
    assert_eq!(standing.len(), count, "a label stands twice");
    standing
}

/// Versions of the table that landed something.
fn landings(bench: &Bench) -> usize {
    let history = bench.program().run(&["history", "--table", "boundaries", "--format", "json"]).success().json();
    history.as_array().expect("an array").iter().filter(|line| line["work"] == "LAND").count()
}

/// Changes the outline of one neighborhood, and removes another.
fn edit(bench: &Bench) {
    let square = json!({"type": "Polygon", "coordinates": [
        [[-122.5, 37.7], [-122.4, 37.7], [-122.4, 37.8], [-122.5, 37.8], [-122.5, 37.7]]
    ]});
    put_geometry(bench, &square);
    assert_eq!(bench.portal.delete_where(NEIGHBORHOODS, |row| row["nhood"] == "Seacliff"), 1);
}

fn put_geometry(bench: &Bench, geometry: &Value) {
    let is_mission = |row: &Row| row["nhood"] == "Mission";
    let change = |row: &mut Row| drop(row.insert("the_geom".to_owned(), geometry.clone()));
    assert_eq!(bench.portal.update_where(NEIGHBORHOODS, is_mission, change, LATER_MS), 1);
}

//! Geometry, anywhere on Earth: tiles at every zoom, outlines of cells, boxes, circles and polygons over the 180th
//! meridian and the poles, compared with Python's h3 and shapely.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lake_testkit::{Program, Running, missing_tool, world_resource};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

/// The reference.
const REFERENCE: &str = include_str!("geometry/reference.py");

/// Places that calls come from: the 180th meridian, both poles, a pentagon, the ends of the Mercator map, cities.
const PLACES: [(f64, f64); 12] = [
    (-17.0, 179.999),
    (-16.8, -179.9995),
    (65.0, 180.0),
    (-16.8, -180.0),
    (89.99, 20.0),
    (-89.95, -100.0),
    (85.0, -60.0),
    (-84.9, 140.0),
    (64.7, 10.54),
    (0.0, 0.0),
    (37.7793, -122.4193),
    (41.88, -87.63),
];

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from)?;
    let has = Command::new(&python).args(["-c", "import h3, shapely"]).output().ok()?;
    has.status.success().then_some(python)
}

/// Returns rows around the places, most of them near, some far.
fn rows(seed: u64) -> Vec<Value> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut made = Vec::new();
    for number in 0..360 {
        let (latitude, longitude) = PLACES[number % PLACES.len()];
        let reach = 10.0_f64.powf(random.random_range(-4.0..1.0));
        let exact = number < PLACES.len();
        let offset = |random: &mut StdRng| if exact { 0.0 } else { random.random_range(-1.0..1.0) * reach };
        let latitude: f64 = (latitude + offset(&mut random)).clamp(-90.0, 90.0);
        let mut longitude = longitude + offset(&mut random);
        if longitude.abs() > 180.0 {
            longitude -= 360.0 * longitude.signum();
        }
        made.push(json!({
            "call": format!("c{number}"), "received": "2024-01-01T00:00:00.000", "kind": "call",
            // No place is at 0, 0: that means a missing one.
            "lat": format!("{:.6}", if exact && latitude == 0.0 { 0.5 } else { latitude }),
            "lon": format!("{longitude:.6}"),
        }));
    }
    made
}

/// Serves a lake of such rows.
fn serve(folder: &Path, seed: u64) -> (Running, PathBuf) {
    let resources = folder.join("resources");
    std::fs::create_dir(&resources).expect("a directory");
    let definition = world_resource("world-calls", "Calls from anywhere", "World");
    std::fs::write(resources.join("world-calls.toml"), definition).expect("a file");
    let file = folder.join("rows.json");
    std::fs::write(&file, serde_json::to_vec(&rows(seed)).expect("JSON")).expect("a file");
    let resources = resources.display().to_string();
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(folder.join("lake")).current_dir(folder);
    let ingest = ["ingest", "world-calls", "--file", &file.display().to_string(), "--resources", &resources];
    program.run(&ingest).success();
    program.run(&["compact", "--resources", &resources]).success();
    (program.spawn_serving(&["serve", "--resources", &resources]), file)
}

/// Holds what a server answers against the reference.
fn compare(test: &str, mode: &str) {
    let Some(python) = python() else {
        missing_tool(
            test,
            "a Python with h3 and shapely",
            "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python",
        );
        return;
    };
    let mut found = String::new();
    let seeds = if std::env::var_os("HOTSPOTS_LONG").is_some() { 1..21 } else { 1..3 };
    for seed in seeds {
        let folder = tempfile::tempdir().expect("a directory");
        let (serving, file) = serve(folder.path(), seed);
        let arguments = [mode, &serving.base_url, &file.display().to_string(), &seed.to_string()].map(str::to_owned);
        let output = Command::new(&python).arg("-c").arg(REFERENCE).args(arguments).output().expect("Python runs");
        assert!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stderr));
        let faults = String::from_utf8_lossy(&output.stdout);
        if !faults.trim().is_empty() {
            let _ = writeln!(found, "seed {seed}:\n{faults}");
        }
    }
    assert!(found.is_empty(), "{found}");
}

#[test]
fn tiles_at_every_zoom_are_valid_and_draw_cells_where_they_are() {
    compare("tiles_at_every_zoom_are_valid_and_draw_cells_where_they_are", "tiles");
}

#[test]
fn outlines_of_cells_are_those_of_h3_over_meridian_and_poles() {
    compare("outlines_of_cells_are_those_of_h3_over_meridian_and_poles", "outlines");
}

#[test]
fn boxes_circles_and_polygons_count_across_the_180th_meridian() {
    compare("boxes_circles_and_polygons_count_across_the_180th_meridian", "places");
}

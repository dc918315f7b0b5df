//! The arrows between the crates run one way.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Each crate, and the crates of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("lake-model", &[]),
    ("lake-soda-sim", &[]),
    ("lake-store", &["lake-model"]),
    ("lake-portal", &["lake-model"]),
    ("lake-query", &["lake-model", "lake-store"]),
    ("lake-ingest", &["lake-model", "lake-portal", "lake-query", "lake-store"]),
    ("lake-compact", &["lake-model", "lake-query", "lake-store"]),
    ("lake-maintenance", &["lake-compact", "lake-ingest", "lake-model", "lake-portal", "lake-query", "lake-store"]),
    ("lake-analytics", &["lake-model", "lake-query"]),
    ("lake-serve", &["lake-analytics", "lake-model", "lake-query", "lake-store"]),
    ("lake-testkit", &["lake-soda-sim"]),
    (
        "hotspots-lake",
        &[
            "lake-analytics",
            "lake-compact",
            "lake-soda-sim",
            "lake-ingest",
            "lake-maintenance",
            "lake-model",
            "lake-portal",
            "lake-query",
            "lake-serve",
            "lake-store",
        ],
    ),
];

#[test]
fn the_arrows_between_the_crates_run_one_way() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata as JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, known, "a new crate is drawn here and in docs/architecture.md");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let allowed = ARROWS.iter().find(|(known, _)| *known == name).expect("known").1;
        let used = package["dependencies"].as_array().expect("dependencies").iter();
        for used in used.filter(|d| d["kind"].is_null()).filter_map(|d| d["name"].as_str()) {
            assert!(!used.starts_with("lake-") || allowed.contains(&used), "{name} must not use {used}");
        }
    }
}

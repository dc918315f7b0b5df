//! The arrows between the crates run one way, and so do imports between the files of a crate.

mod imports;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Each crate, and the crates of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("lake-model", &[]),
    ("lake-soda-sim", &[]),
    ("lake-store", &["lake-model"]),
    ("lake-portal", &["lake-model"]),
    ("lake-segments", &["lake-model"]),
    ("lake-query", &["lake-model", "lake-segments", "lake-store"]),
    ("lake-ingest", &["lake-model", "lake-portal", "lake-query", "lake-store"]),
    ("lake-compact", &["lake-model", "lake-query", "lake-store"]),
    ("lake-maintenance", &["lake-compact", "lake-ingest", "lake-model", "lake-portal", "lake-query", "lake-store"]),
    ("lake-analytics", &["lake-model", "lake-query", "lake-segments", "lake-store"]),
    ("lake-serve", &["lake-analytics", "lake-model", "lake-query", "lake-store"]),
    ("lake-testkit", &["lake-soda-sim"]),
    ("lake-bench", &["lake-soda-sim"]),
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

#[test]
fn files_import_each_other_only_where_the_documentation_says_why() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/architecture.md")).expect("the page");
    let (_, table) = page.split_once("\n## Circles of imports\n").expect("the section");
    // | crate | `file`, `folder/file` | why |
    let rows =
        table.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let quoted = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let documented: Vec<(BTreeSet<String>, BTreeSet<String>)> =
        rows.map(|row| row.split('|').collect::<Vec<_>>()).map(|row| (quoted(row[1]), quoted(row[2]))).collect();
    for folder in std::fs::read_dir(root.join("crates")).expect("the crates") {
        let folder = folder.expect("a folder").path();
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let source = if folder.join("src").is_dir() { folder.join("src") } else { folder };
        for circle in imports::find_circles(&source) {
            let is_documented = documented
                .iter()
                .any(|(crates, files)| crates.contains(&name) && circle.iter().all(|file| files.contains(file)));
            assert!(is_documented, "files of `{name}` import each other: {circle:?}");
        }
    }
}

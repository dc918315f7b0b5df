//! Real rows, through a portal, into the lake: every count equals an independent fold over the source.

use lake_soda_sim::Portal;
use lake_testkit::oracle::{Oracle, Order};
use lake_testkit::{Source, all_sources, insert_rows, load_into, not_run};

use crate::harness::{Bench, CASES, CASES_RESOURCE, resource_of};

/// The first stamp that the portal gives.
const STAMP_MS: i64 = 1_700_000_000_000;

/// Returns the sources of real rows; without any the demo's replace them, and the test reports it.
fn real_sources(test: &str) -> Vec<Source> {
    let sources = all_sources();
    if sources.is_empty() {
        not_run(test, "the shared real rows", "the same is checked on synthetic rows instead");
    }
    sources
}

#[test]
fn every_real_file_is_counted_exactly_before_and_after_compaction() {
    for source in real_sources("every_real_file_is_counted_exactly") {
        let Some(resource) = resource_of(&source.dataset_id) else { continue };
        let bench = Bench::new(Portal::new());
        load_into(&bench.portal, &source, STAMP_MS);
        let oracle = Oracle::of(&source.roles, &source.rows, &Order::AsGiven);
        let totals = oracle.totals();
        assert_eq!(totals.located + totals.unlocated + totals.rejects, source.rows.len() as i64, "{}", source.name);
        bench.ingest(&bench.program(), resource, &["--page-size", "997"]).success();
        bench.assert_exact(resource, &oracle, &format!("{}, fast", source.name));
        bench.program().run(&["compact"]).success();
        bench.assert_exact(resource, &oracle, &format!("{}, compacted", source.name));
    }
}

#[test]
fn files_of_one_resource_land_one_after_the_other_and_the_last_version_of_a_key_counts() {
    let sources = real_sources("files_of_one_resource_land_one_after_the_other");
    let chicago: Vec<&Source> = sources.iter().filter(|s| s.dataset_id == "ijzp-q8t2").collect();
    let Some(first) = chicago.first() else { return };
    let bench = Bench::new(Portal::new());
    let mut oracle = Oracle::new(&first.roles);
    let mut stamp = STAMP_MS;
    for source in &chicago {
        stamp = load_into(&bench.portal, source, stamp);
        for row in &source.rows {
            oracle.land(row);
        }
        bench.ingest(&bench.program(), "chicago-crimes", &[]).success();
        bench.assert_exact("chicago-crimes", &oracle, &format!("after {}, fast", source.name));
        bench.program().run(&["compact"]).success();
        bench.assert_exact("chicago-crimes", &oracle, &format!("after {}, compacted", source.name));
    }
}

#[test]
fn five_synthetic_resources_are_counted_exactly_before_and_after_compaction() {
    let bench = Bench::synthetic(4_000);
    let datasets = lake_soda_sim::synthetic::DATASETS;
    for dataset in &datasets {
        bench.ingest(&bench.program(), dataset.resource, &["--page-size", "501"]).success();
        bench.assert_exact(dataset.resource, &bench.oracle(dataset.id), "fast");
    }
    bench.program().run(&["compact"]).success();
    for dataset in &datasets {
        bench.assert_exact(dataset.resource, &bench.oracle(dataset.id), "compacted");
    }
}

#[test]
fn ingesting_twice_changes_nothing_and_a_re_stamped_resource_lands_no_rows() {
    let bench = Bench::synthetic(1_500);
    let program = bench.program();
    bench.ingest(&program, CASES_RESOURCE, &["--page-size", "100"]).success();
    let raw_rows = || program.sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\"")[0]["n"].clone();
    let before = raw_rows();
    bench.ingest(&program, CASES_RESOURCE, &["--page-size", "100"]).success();
    assert_eq!(raw_rows(), before, "a second run landed rows");
    bench.portal.restamp(CASES, 1_790_000_000_000, |row| {
        row.insert("data_loaded_at".to_owned(), "2026-11-01T00:00:00.000".into());
    });
    bench.ingest(&program, CASES_RESOURCE, &["--page-size", "100"]).success();
    assert_eq!(raw_rows(), before, "a re-stamped row landed although its content is the same");
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after a re-stamp");
}

#[test]
fn rejects_are_kept_counted_once_and_closed_by_a_usable_version() {
    let bench = Bench::synthetic(600);
    let program = bench.program();
    let mut broken = bench.portal.rows(CASES)[0].clone();
    broken.retain(|name, _| !name.starts_with(':'));
    broken.insert("service_request_id".to_owned(), "not a number".into());
    let mut keyless = broken.clone();
    keyless.remove("service_request_id");
    insert_rows(&bench.portal, CASES, &[broken, keyless], 1_790_000_000_000);
    // Saved rows may have no `:id`, or an empty one.
    let nameless = r#"[{":id": "", ":updated_at": null, "status_notes": "no key"}, {":id": null, "status_notes": "no key either"}]"#;
    std::fs::write(bench.folder.path().join("nameless.json"), nameless).unwrap();
    let nameless_twice = |program: &lake_testkit::Program| {
        for _ in 0..2 {
            program.run(&["ingest", "fire-incidents", "--file", "nameless.json"]).success();
        }
        program.sql("SELECT COUNT(*) AS n FROM rejects WHERE resource = 'fire-incidents'")[0]["n"].clone()
    };
    assert_eq!(nameless_twice(&program), 2);
    for run in ["first", "second"] {
        bench.ingest(&program, CASES_RESOURCE, &[]).success();
        let open = program.sql(
            "SELECT reason, original FROM rejects WHERE resource = '311-cases' AND state = 'open' ORDER BY reason",
        );
        assert_eq!(open.len(), 2, "{run} run: {open:?}");
        assert!(open[0]["reason"].as_str().unwrap().contains("service_request_id"), "{open:?}");
        assert!(open[0]["original"].as_str().unwrap().contains("requested_datetime"), "{open:?}");
    }
    let repaired = bench.portal.update_where(
        CASES,
        |row| row.get("service_request_id").is_none_or(|id| id == "not a number"),
        |row| {
            let id = if row.contains_key("service_request_id") { "990000000001" } else { "990000000002" };
            row.insert("service_request_id".to_owned(), id.into());
        },
        1_791_000_000_000,
    );
    assert_eq!(repaired, 2);
    bench.ingest(&program, CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "after the rows were repaired");
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted");
}

//! Any order of inserts, edits, re-stamps, runs, cuts and compactions: the lake equals the portal.

use lake_testkit::Row;
use proptest::prelude::*;

use crate::harness::{Bench, CASES, CASES_RESOURCE};

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert { seed: u64, rows: usize },
    Edit { modulus: u64, remainder: u64, what: u8 },
    Restamp,
    Ingest { page_size: usize, max_pages: usize },
    Compact { window: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u64..50, 1_usize..40).prop_map(|(seed, rows)| Step::Insert { seed, rows }),
        (2_u64..9, 0_u64..9, 0_u8..5).prop_map(|(modulus, remainder, what)| Step::Edit { modulus, remainder, what }),
        Just(Step::Restamp),
        (1_usize..60, 1_usize..6).prop_map(|(page_size, max_pages)| Step::Ingest { page_size, max_pages }),
        any::<bool>().prop_map(|window| Step::Compact { window }),
    ];
    proptest::collection::vec(step, 4..10)
}

fn set(row: &mut Row, name: &str, value: &str) {
    row.insert(name.to_owned(), value.into());
}

/// Applies a step; `clock` gives each edit a stamp of its own.
fn apply(bench: &Bench, step: Step, clock: &mut i64) {
    *clock += 1_000;
    match step {
        Step::Insert { seed, rows } => {
            let mut new = lake_soda_sim::synthetic::san_francisco(rows * 3, seed).rows(CASES);
            new.truncate(rows);
            for (n, row) in new.iter_mut().enumerate() {
                row.retain(|name, _| !name.starts_with(':'));
                set(row, "service_request_id", &format!("{}", *clock * 100 + n as i64));
            }
            bench.portal.insert(CASES, new, *clock);
        }
        Step::Edit { modulus, remainder, what } => {
            let chosen = |row: &Row| {
                let id = row.get("service_request_id").and_then(|id| id.as_str()?.parse::<u64>().ok());
                id.is_some_and(|id| id % modulus == remainder % modulus)
            };
            let change = move |row: &mut Row| match what {
                0 => set(row, "lat", "37.7601"),
                1 => set(row, "requested_datetime", "2022-02-02T02:02:02.000"),
                2 => set(row, "service_name", "Another kind"),
                3 => set(row, "long", "0"),
                _ => set(row, "status_notes", "noted"),
            };
            bench.portal.update_where(CASES, chosen, change, *clock);
        }
        Step::Restamp => {
            bench.portal.restamp(CASES, *clock, |row| set(row, "data_loaded_at", "2026-01-01T00:00:00.000"))
        }
        Step::Ingest { page_size, max_pages } => {
            let (size, pages) = (page_size.to_string(), max_pages.to_string());
            bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", &size, "--max-pages", &pages]).success();
        }
        Step::Compact { window } => {
            let args: &[&str] = if window { &["compact", "--window", "2000..2030"] } else { &["compact"] };
            bench.program().run(&[args, &["--format", "json"]].concat()).success();
        }
    }
}

proptest! {
    // Each case runs the built program some twenty times. PROPTEST_CASES, where it is set, wins over this number.
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lake_equals_the_portal_whatever_happened_before(history in steps()) {
        let bench = Bench::synthetic(120);
        let mut clock = 1_790_000_000_000;
        bench.ingest(&bench.program(), CASES_RESOURCE, &["--max-pages", "1", "--page-size", "7"]).success();
        for step in &history {
            apply(&bench, *step, &mut clock);
        }
        bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "50"]).success();
        bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("{history:?}, fast"));
        bench.program().run(&["compact"]).success();
        bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), &format!("{history:?}, compacted"));
    }
}

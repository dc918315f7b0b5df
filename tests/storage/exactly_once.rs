//! Each row counts once: whatever order rows come in, however often, over whichever landing, with its index kept, lost
//! or behind, and whatever is compacted meanwhile, the lake equals a plain map.
//!
//! The seed is fixed; `HOTSPOTS_SEED` asks for others, `HOTSPOTS_LONG=1` for more.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lake_ingest::Landing;
use lake_portal::Decoder;
use lake_store::Lake;
use lake_testkit::Row;
use object_store::memory::InMemory;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::Value;

use crate::faults::store_faults::store::{FaultStore, Plan};
use crate::faults::store_faults::tiny::{self, Expected, PLACES, row, served};
use crate::faults::store_faults::{long, runtime};
use crate::harness::{DEFAULT_SEED, requested_seed};

/// Twelve digits, leading zeros, letters, a separator, and what reads as the same number; the last two rows of the
/// publisher share a key.
const KEYS: [&str; 7] = ["100000000012", "000000000012", "12", "12.0", "A|7\\", "0", "0"];
const TIMES: [&str; 6] = [
    "2023-01-01T00:00:00.000",
    "2023-12-31T23:59:59.999",
    "2024-02-29T12:00:00.000",
    "1850-01-01T00:00:00.000",
    "",
    "not a time",
];
const KINDS: [&str; 3] = ["Fire", "Alarm", "Fire's \"other\" kind, ünïcode"];

/// A row as it is served once.
#[derive(Clone, Debug)]
struct Served {
    /// Which row of the publisher.
    which: usize,
    keyless: bool,
    stamp: u8,
    time: usize,
    kind: usize,
    place: usize,
    /// A column that changes no content.
    volatile: u8,
}

#[derive(Clone, Copy, Debug)]
enum Index {
    Kept,
    Lost,
    Behind,
}

#[derive(Clone, Debug)]
enum Step {
    /// A page lands on one of the two landings.
    Land {
        on: usize,
        page: Vec<Served>,
    },
    /// The page that landed last is served again to the other.
    Again {
        on: usize,
    },
    /// Two pages land at the same time.
    Race {
        pages: [Vec<Served>; 2],
        jitter: u64,
    },
    /// A landing ends and begins again.
    Reopen {
        on: usize,
        index: Index,
    },
    /// Its index is kept aside: the one that is behind later.
    Keep {
        on: usize,
    },
    Compact {
        window: bool,
    },
}

fn served_row() -> impl Strategy<Value = Served> {
    (0..KEYS.len(), prop::bool::weighted(0.15), 0_u8..6, 0..TIMES.len(), 0..KINDS.len(), 0..PLACES.len(), 0_u8..2)
        .prop_map(|(which, keyless, stamp, time, kind, place, volatile)| Served {
            which,
            keyless,
            stamp,
            time,
            kind,
            place,
            volatile,
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let page = || proptest::collection::vec(served_row(), 1..6);
    let index = prop_oneof![Just(Index::Kept), Just(Index::Lost), Just(Index::Behind)];
    let step = prop_oneof![
        5 => (0..2_usize, page()).prop_map(|(on, page)| Step::Land { on, page }),
        1 => (0..2_usize).prop_map(|on| Step::Again { on }),
        2 => (page(), page(), any::<u64>()).prop_map(|(a, b, jitter)| Step::Race { pages: [a, b], jitter }),
        2 => (0..2_usize, index).prop_map(|(on, index)| Step::Reopen { on, index }),
        1 => (0..2_usize).prop_map(|on| Step::Keep { on }),
        1 => any::<bool>().prop_map(|window| Step::Compact { window }),
    ];
    proptest::collection::vec(step, 4..9)
}

/// Returns the page as published, in the order of a scan. Stamps mostly rise with the steps, and go back over some:
/// late rows.
fn page(rows: &[Served], step: usize) -> Vec<Value> {
    let published = rows.iter().map(|r| {
        let mut published = row(KEYS[r.which], TIMES[r.time], KINDS[r.kind], PLACES[r.place]);
        published.insert("loaded".to_owned(), r.volatile.to_string().into());
        if r.keyless {
            published.remove("id");
        }
        let at = (step as u64 * 2 + u64::from(r.stamp)).saturating_sub(2);
        served(&format!("row-{}", r.which), &tiny::stamp(at), &published)
    });
    let mut page: Vec<Value> = published.collect();
    page.sort_by_key(|row| [":updated_at", ":id"].map(|name| row[name].as_str().unwrap().to_owned()));
    page
}

#[derive(Clone, Debug)]
struct Version {
    at: String,
    /// The publisher's id of the row that it came with.
    id: String,
    content: Row,
    row: Row,
}

/// The plain map: the rules of landing once more, over JSON.
#[derive(Clone, Debug, Default)]
struct Model {
    /// Key to its current version.
    rows: BTreeMap<String, Version>,
    /// Rows of the publisher that have no key, by their ids: their content.
    rejects: BTreeMap<String, Row>,
    /// The newest stamp that a row of the publisher has landed with, by its id.
    newest: BTreeMap<String, String>,
}

impl Model {
    fn land(&mut self, page: &[Value]) {
        let before = self.newest.clone();
        let is_older = |id: &str, at: &str| before.get(id).is_some_and(|newest| at < newest.as_str());
        let parts = |served: &Value| {
            let mut row = served.as_object().unwrap().clone();
            let text = |value: Option<Value>| value.unwrap().as_str().unwrap().to_owned();
            let (id, at) = (text(row.remove(":id")), text(row.remove(":updated_at")));
            let mut content = row.clone();
            content.remove("loaded");
            (id, at, row, content)
        };
        let (usable, rejects): (Vec<&Value>, Vec<&Value>) = page.iter().partition(|served| served.get("id").is_some());
        for (id, at, row, content) in usable.into_iter().map(parts) {
            let key = row["id"].as_str().unwrap().to_owned();
            // From before the row lost its key: no news.
            if self.rejects.contains_key(&id) && is_older(&id, &at) {
                continue;
            }
            // Whatever its content, it has a key now.
            self.rejects.remove(&id);
            // Older than what is there, or the same: nothing lands, not even the stamp.
            let current = self.rows.get(&key);
            // Of two rows with one key and one stamp, the later in the order of a scan.
            let is_later = |there: &Version| (&at, &id) >= (&there.at, &there.id);
            if current.is_none_or(|there| is_later(there) && there.content != content) {
                self.saw(&id, &at);
                self.rows.insert(key, Version { at, id, content, row });
            }
        }
        // A page's rejects come after its rows.
        for (id, at, _, content) in rejects.into_iter().map(parts) {
            if self.rejects.get(&id) != Some(&content) && !is_older(&id, &at) {
                self.saw(&id, &at);
                self.rejects.insert(id, content);
            }
        }
    }

    fn saw(&mut self, id: &str, at: &str) {
        let newest = self.newest.entry(id.to_owned()).or_default();
        if at > newest.as_str() {
            at.clone_into(newest);
        }
    }

    fn expected(&self) -> Expected {
        let rows: Vec<Row> = self.rows.values().map(|version| version.row.clone()).collect();
        Expected { rejects: i64::try_from(self.rejects.len()).unwrap(), ..Expected::of(&rows) }
    }
}

/// A landing with an index of its own.
struct Lander {
    landing: Option<Landing>,
    index: PathBuf,
    kept: PathBuf,
}

struct Trial {
    store: Arc<InMemory>,
    lake: Lake,
    landers: [Lander; 2],
    decoder: Decoder,
    model: Model,
    last: Option<Vec<Value>>,
    _folder: tempfile::TempDir,
}

impl Trial {
    async fn new() -> Self {
        let store = Arc::new(InMemory::new());
        let lake = Lake::create(tiny::place(Arc::clone(&store) as _)).await.unwrap();
        let folder = tiny::folder();
        let lander = |name: &str| Lander {
            landing: None,
            index: folder.path().join(name),
            kept: folder.path().join(format!("{name}-kept")),
        };
        let landers = [lander("a"), lander("b")];
        let decoder = Decoder::new(&tiny::resource());
        Self { store, lake, landers, decoder, model: Model::default(), last: None, _folder: folder }
    }

    /// Returns the landing, opened on a lake of its own as another process would, with an order of its operations
    /// drawn.
    async fn landing(&mut self, on: usize, jitter: Option<u64>) -> &mut Landing {
        let plan = jitter.map_or_else(Plan::count, Plan::jitter);
        if self.landers[on].landing.is_none() || jitter.is_some() {
            self.landers[on].landing = None;
            let lake = Lake::open(tiny::place(FaultStore::over(Arc::clone(&self.store) as _, &plan))).await.unwrap();
            self.landers[on].landing = Some(tiny::landing(&lake, &self.landers[on].index).await.unwrap());
        }
        self.landers[on].landing.as_mut().unwrap()
    }

    async fn land(&mut self, on: usize, page: Vec<Value>) {
        let decoded = self.decoder.page(&serde_json::to_vec(&page).unwrap()).unwrap();
        self.landing(on, None).await.land(&decoded).await.unwrap();
        self.model.land(&page);
        self.last = Some(page);
    }

    /// Lands two pages at the same time: either may be the first.
    async fn race(&mut self, pages: [Vec<Value>; 2], jitter: u64) {
        let [a, b] = [0, 1].map(|n: usize| self.decoder.page(&serde_json::to_vec(&pages[n]).unwrap()).unwrap());
        self.landing(0, Some(jitter)).await;
        self.landing(1, Some(!jitter)).await;
        let [first, second] = &mut self.landers;
        let (first, second) = (first.landing.as_mut().unwrap(), second.landing.as_mut().unwrap());
        let (one, other) = tokio::join!(first.land(&a), second.land(&b));
        // Batch numbers show which came first; a page without a batch changed nothing in either order.
        let mut landed: Vec<(i64, &Vec<Value>)> = Vec::new();
        landed.extend(one.unwrap().batch.map(|number| (number, &pages[0])));
        landed.extend(other.unwrap().batch.map(|number| (number, &pages[1])));
        landed.sort_by_key(|(number, _)| *number);
        landed.iter().for_each(|(_, page)| self.model.land(page));
        self.last = Some(pages[1].clone());
    }

    async fn step(&mut self, number: usize, step: &Step) {
        match step {
            Step::Land { on, page: rows } => self.land(*on, page(rows, number)).await,
            Step::Again { on } => {
                if let Some(last) = self.last.clone() {
                    self.land(*on, last).await;
                }
            }
            Step::Race { pages: [a, b], jitter } => self.race([page(a, number), page(b, number)], *jitter).await,
            Step::Keep { on } => {
                let lander = &mut self.landers[*on];
                lander.landing = None;
                if lander.index.exists() {
                    std::fs::remove_dir_all(&lander.kept).ok();
                    tiny::copy(&lander.index, &lander.kept);
                }
            }
            Step::Reopen { on, index } => {
                let lander = &mut self.landers[*on];
                lander.landing = None;
                if !matches!(index, Index::Kept) {
                    std::fs::remove_dir_all(&lander.index).ok();
                }
                if matches!(index, Index::Behind) && lander.kept.exists() {
                    tiny::copy(&lander.kept, &lander.index);
                }
                self.landing(*on, None).await;
            }
            Step::Compact { window } => {
                for report in tiny::compact_all_if_landed(&self.lake, *window).await.unwrap() {
                    assert_eq!(report.drift(), 0, "{report:?}");
                }
            }
        }
    }

    async fn assert_equal(&self, when: &str) {
        let answer = tiny::answer(&tiny::reader(&self.lake).unwrap()).await.unwrap();
        assert_eq!(answer, (self.model.expected(), true), "{when}");
    }
}

fn run(history: &[Step]) {
    runtime().block_on(async {
        let mut trial = Trial::new().await;
        for (number, step) in history.iter().enumerate() {
            trial.step(number, step).await;
            if number % 3 == 2 {
                trial.assert_equal(&format!("after step {number}")).await;
            }
        }
        trial.assert_equal("in the end, fast").await;
        tiny::compact_all_if_landed(&trial.lake, false).await.unwrap();
        trial.assert_equal("in the end, compacted").await;
    });
}

/// Runs half of all histories: two tests, so that two cores share them.
///
/// Without `proptest!`, whose `PROPTEST_CASES` and `PROPTEST_RNG_SEED` would override the settings here.
fn histories(strategy: &impl Strategy<Value = Vec<Step>>) {
    let cases = if long() { 5_000 } else { 128 };
    let seed = requested_seed().unwrap_or(DEFAULT_SEED);
    let tried = AtomicU32::new(0);
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        max_shrink_iters: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    });
    let done = runner.run(strategy, |history| {
        tried.fetch_add(1, Ordering::SeqCst);
        run(&history);
        Ok(())
    });
    let tried = tried.into_inner();
    eprintln!("{tried} histories, HOTSPOTS_SEED={seed}");
    if let Err(failure) = done {
        panic!("HOTSPOTS_SEED={seed}: {failure}");
    }
    assert_eq!(tried, cases, "the number of cases is overridden");
}

#[test]
fn each_row_counts_once_whatever_order_rows_come_in() {
    histories(&steps());
}

#[test]
fn each_row_counts_once_after_it_was_compacted() {
    histories(&steps().prop_map(|mut history| {
        let half = history.len() / 2;
        history.insert(half, Step::Compact { window: half % 2 == 0 });
        history
    }));
}

/// Returns a row of the publisher's first edition, except these fields.
fn plain(stamp: u8, keyless: bool) -> Served {
    Served { which: 0, keyless, stamp, time: 0, kind: 0, place: 0, volatile: 0 }
}

#[test]
fn a_row_that_loses_its_key_and_gets_it_back_as_it_was_is_no_reject_any_more() {
    let land = |on: usize, row: Served| Step::Land { on, page: vec![row] };
    run(&[
        land(0, plain(0, false)),
        land(0, plain(1, true)),
        land(0, plain(2, false)),
        Step::Reopen { on: 0, index: Index::Lost },
        land(1, plain(3, false)),
    ]);
}

#[test]
fn a_row_that_another_landing_changed_is_not_taken_for_unchanged() {
    let other = |stamp: u8| Served { kind: 1, ..plain(stamp, false) };
    run(&[
        Step::Land { on: 1, page: vec![plain(5, false)] },
        // Over the other landing, whose index is behind from here on; the same stamp, so no cursor moves.
        Step::Land { on: 0, page: vec![other(3)] },
        Step::Land { on: 1, page: vec![plain(1, false)] },
    ]);
}

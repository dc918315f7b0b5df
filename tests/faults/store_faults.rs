//! A store that fails at one operation, at each in turn and in every way it can: whatever it reports to a run,
//! repeating the same commands leads to the same lake as without a fault.
//!
//! `HOTSPOTS_LONG=1` hits every operation, each that writes with every fault; `HOTSPOTS_FAULT`, with what a failure
//! prints, plays one again.

pub(crate) mod store;
pub(crate) mod tiny;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use futures::TryStreamExt as _;
use lake_maintenance::{VacuumOptions, vacuum};
use lake_model::{Kind, Result};
use lake_portal::Decoder;
use lake_store::{Lake, Location};
use object_store::ObjectStoreExt as _;
use object_store::memory::InMemory;

use store::{Fault, FaultStore, Op, Plan, numbered};
use tiny::{Expected, PLACES, Published, row, stamp};

/// Returns whether the long runs are asked for.
pub(crate) fn long() -> bool {
    std::env::var_os("HOTSPOTS_LONG").is_some_and(|value| !value.is_empty())
}

/// Returns a runtime as the program has one, small.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Runs each of so many cases once, over all cores; they are independent. The first that fails is named and ends it.
pub(crate) fn spread(cases: usize, name: impl Fn(usize) -> String + Sync, one: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let take = || {
        while let Some(case) = Some(next.fetch_add(1, Ordering::SeqCst)).filter(|case| *case < cases) {
            if long() && case > 0 && case.is_multiple_of(500) {
                eprintln!("{case} of {cases}");
            }
            if let Err(cause) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(case))) {
                eprintln!("{}", name(case));
                next.store(cases, Ordering::SeqCst);
                std::panic::resume_unwind(cause);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(take);
        }
    });
}

/// The commands of a user, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// The publisher changes something, then `ingest`.
    Ingest(usize),
    /// `compact`, with a window or without.
    Compact { window: bool },
    /// A question.
    Ask,
    /// `vacuum` of everything that the newest versions do not need.
    Vacuum,
}

/// The events in one life of a lake.
#[derive(Debug)]
struct Scenario {
    name: &'static str,
    acts: &'static [Act],
    page_size: usize,
}

/// Compacted after each landing.
const IN_TURN: Scenario = Scenario {
    name: "in turn",
    acts: &[
        Act::Ingest(0),
        Act::Ask,
        Act::Compact { window: false },
        Act::Ingest(1),
        Act::Ask,
        Act::Compact { window: false },
        Act::Ingest(2),
        Act::Compact { window: true },
        Act::Vacuum,
        Act::Ingest(3),
        Act::Compact { window: false },
    ],
    page_size: 3,
};

/// Batches that pile up until they are compacted, and a vacuum while some are pending.
const PILED_UP: Scenario = Scenario {
    name: "piled up",
    acts: &[
        Act::Ingest(0),
        Act::Ingest(1),
        Act::Ask,
        Act::Compact { window: true },
        Act::Ingest(2),
        Act::Ingest(3),
        Act::Vacuum,
        Act::Ask,
        Act::Compact { window: false },
        Act::Vacuum,
        Act::Ask,
    ],
    page_size: 5,
};

/// Publishes an edition: new rows, rows that move, change their year and kind, a reject and its repair.
fn publish(published: &mut Published, edition: usize) {
    let at = |n: u64| stamp(edition as u64 * 100 + n);
    match edition {
        0 => {
            for (n, place) in PLACES.iter().enumerate() {
                let id = format!("1000000000{n}");
                let occurred = format!("202{}-03-0{}T0{n}:15:00.000", 3 + n % 2, 1 + n);
                published.set(&format!("row-{n}"), &at(n as u64 / 2), row(&id, &occurred, "Fire", *place));
            }
            let mut keyless = row("", "2023-01-01T00:00:00.000", "Fire", PLACES[0]);
            keyless.remove("id");
            published.set("row-8", &at(3), keyless);
        }
        1 => {
            // Moves within a year, moves to another year, changes its kind.
            published.set("row-0", &at(0), row("10000000000", "2023-03-01T00:15:00.000", "Fire", PLACES[2]));
            published.set("row-1", &at(0), row("10000000001", "2022-12-31T23:59:59.000", "Fire", PLACES[1]));
            published.set("row-2", &at(1), row("10000000002", "2023-03-03T02:15:00.000", "Alarm", PLACES[2]));
            published.set("row-4", &at(2), row("10000000004", "", "Alarm", PLACES[1]));
        }
        2 => {
            // The reject is repaired, an undated row gets its time, a place is lost.
            published.set("row-8", &at(0), row("0000000000008", "2024-01-01T00:00:00.000", "Fire", PLACES[0]));
            published.set("row-4", &at(0), row("10000000004", "2025-06-01T12:00:00.000", "Alarm", PLACES[1]));
            published.set("row-0", &at(1), row("10000000000", "2023-03-01T00:15:00.000", "Fire", PLACES[3]));
        }
        _ => {
            // Back to what it was; and one more.
            published.set("row-1", &at(0), row("10000000001", "2024-03-02T01:15:00.000", "Fire", PLACES[1]));
            published.set("row-9", &at(1), row("10000000009", "2022-02-02T02:02:02.000", "Storm", PLACES[2]));
        }
    }
}

/// Returns how many versions of each row a lake has that lost and doubled none, after so many editions.
fn versions_after(editions: usize) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    let mut published = Published::default();
    let mut before = BTreeSet::new();
    for edition in 0..editions {
        publish(&mut published, edition);
        for served in published.page(None, usize::MAX).unwrap() {
            if before.insert(served.to_string()) {
                let key = served.get("id").unwrap_or(&served[":id"]).as_str().unwrap();
                *found.entry(key.to_owned()).or_insert(0) += 1;
            }
        }
    }
    found
}

/// The location of a lake during a test.
struct Ground {
    memory: Option<InMemory>,
    folder: tempfile::TempDir,
}

impl Ground {
    fn new(on_disk: bool) -> Self {
        Self { memory: (!on_disk).then(InMemory::new), folder: tiny::folder() }
    }

    /// Returns an independent copy.
    fn fork(&self) -> Self {
        let folder = tiny::folder();
        tiny::copy(self.folder.path(), folder.path());
        Self { memory: self.memory.as_ref().map(InMemory::fork), folder }
    }

    fn index(&self) -> std::path::PathBuf {
        self.folder.path().join("index")
    }

    /// Returns the location without faults.
    fn location(&self) -> Location {
        match &self.memory {
            // A clone is the same store.
            Some(memory) => tiny::place(Arc::new(memory.clone())),
            None => Location::parse(self.folder.path().join("lake").to_str().unwrap()).unwrap(),
        }
    }

    /// Returns the location for a process that runs under the plan.
    fn under(&self, plan: &Arc<Plan>) -> Location {
        self.location().wrap_store(|store| FaultStore::over(store, plan))
    }
}

/// One user at work: what the publisher has, what has been acknowledged, what was on its way.
#[derive(Clone, Default)]
struct User {
    published: Published,
    editions: usize,
    acknowledged: Published,
    on_its_way: Published,
}

impl User {
    /// Runs one command, with everything opened again as the program does.
    async fn act(&mut self, act: Act, page_size: usize, location: Location, index: &Path) -> Result<()> {
        match act {
            Act::Ingest(edition) => {
                if self.editions == edition {
                    publish(&mut self.published, edition);
                    self.editions += 1;
                }
                let lake = Lake::create(location).await?;
                let Self { published, acknowledged, on_its_way, .. } = self;
                on_its_way.clone_from(acknowledged);
                let landing = |page: &[serde_json::Value]| on_its_way.serve(page);
                let landed = |page: &[serde_json::Value]| acknowledged.serve(page);
                tiny::ingest(&lake, index, published, page_size, landing, landed).await?;
                self.acknowledged.clone_from(&self.published);
                self.on_its_way.clone_from(&self.published);
                Ok(())
            }
            Act::Compact { window } => {
                let lake = Lake::open(location).await?;
                for report in tiny::compact_all(&lake, window).await? {
                    assert_eq!(report.drift(), 0, "drift: {report:?}");
                }
                Ok(())
            }
            Act::Vacuum => {
                let lake = Lake::open(location).await?;
                vacuum(&lake, VacuumOptions { older_than: TimeDelta::zero(), apply: true }).await.map(drop)
            }
            Act::Ask => {
                let lake = Lake::open(location).await?;
                let (found, exact) = tiny::answer(&tiny::reader(&lake)?).await?;
                if exact {
                    self.assert_acknowledged(&found);
                }
                Ok(())
            }
        }
    }

    /// Checks that the answer is what was acknowledged, or that and the page that was on its way.
    fn assert_acknowledged(&self, found: &Expected) {
        if *found != self.on_its_way.expected() {
            assert_eq!(*found, self.acknowledged.expected(), "the answer is neither with nor without the last page");
        }
    }

    /// Checks the lake after a failure, before anything is tried again: acknowledged rows are there, whether counted
    /// yet or not.
    async fn look_around(&self, location: &Location) {
        let Ok(lake) = Lake::open(location.clone()).await else {
            assert_eq!(self.acknowledged.page(None, 1), None, "rows were acknowledged and there is no lake");
            return;
        };
        let reader = tiny::reader(&lake).unwrap();
        match tiny::answer(&reader).await {
            Ok((found, true)) => self.assert_acknowledged(&found),
            // A landing between raw and counts marks its answers as not exact.
            Ok((_, false)) => {}
            // A lake whose first command never made all its tables.
            Err(error) if error.kind() == Kind::NotFound => {
                assert_eq!(self.acknowledged.page(None, 1), None, "rows were acknowledged: {error}");
            }
            Err(error) => panic!("the lake cannot be read after a failure: {error}"),
        }
    }
}

/// A run without faults, with the state before each command.
struct Base {
    scenario: &'static Scenario,
    before: Vec<(Ground, User)>,
    ops: Vec<Vec<Op>>,
}

fn run_undisturbed(scenario: &'static Scenario, on_disk: bool) -> Base {
    let (ground, mut user) = (Ground::new(on_disk), User::default());
    let mut base = Base { scenario, before: Vec::new(), ops: Vec::new() };
    runtime().block_on(async {
        for act in scenario.acts {
            base.before.push((ground.fork(), user.clone()));
            let plan = Plan::count();
            user.act(*act, scenario.page_size, ground.under(&plan), &ground.index()).await.unwrap();
            base.ops.push(plan.ops());
        }
        assert_whole(&ground, &user).await;
    });
    base
}

/// Checks that the lake is what was published, and exact.
async fn assert_whole(ground: &Ground, user: &User) {
    let lake = Lake::open(ground.location()).await.unwrap();
    let reader = tiny::reader(&lake).unwrap();
    let (found, exact) = tiny::answer(&reader).await.unwrap();
    assert!(exact, "the lake is intact and not marked as exact");
    assert_eq!(found, user.published.expected(), "the lake is not what was published");
    assert_eq!(tiny::versions(&reader).await.unwrap(), versions_after(user.editions), "raw rows were doubled or lost");
}

/// A fault at an operation of a command: the `nth` of its kind.
#[derive(Clone, Copy, Debug)]
struct Case {
    act: usize,
    op: Op,
    nth: usize,
    fault: Fault,
}

/// Injects one fault: the command that meets it, the same again if it failed, and the commands after it. Returns the
/// operation that was hit, and whether the command failed.
async fn live_through(base: &Base, case: Case) -> (Option<(Op, Fault)>, bool) {
    let (ground, mut user) = (base.before[case.act].0.fork(), base.before[case.act].1.clone());
    let Scenario { acts, page_size, .. } = *base.scenario;
    let plan = Plan::hit(case.op, case.nth, case.fault);
    let act = acts[case.act];
    let failed = user.act(act, page_size, ground.under(&plan), &ground.index()).await;
    if let Err(error) = &failed {
        assert!(matches!(error.kind(), Kind::Unavailable | Kind::NotFound | Kind::Conflict), "{act:?}: {error}");
        user.look_around(&ground.location()).await;
        // The process is gone, and everything it had in memory; now and then its disk as well.
        if case.nth % 2 == 1 {
            std::fs::remove_dir_all(ground.index()).ok();
        }
        if let Err(error) = user.act(act, page_size, ground.location(), &ground.index()).await {
            panic!("{act:?} again, after a failure: {error}");
        }
    }
    // All that follows for some, the next commands for the others.
    let rest = if case.nth.is_multiple_of(8) { acts.len() } else { 1 };
    for act in acts.iter().skip(case.act + 1).take(rest) {
        user.act(*act, page_size, ground.location(), &ground.index())
            .await
            .unwrap_or_else(|error| panic!("{act:?} later: {error}"));
    }
    assert_whole(&ground, &user).await;
    if case.nth.is_multiple_of(8) {
        // Everything after the fault ran, vacuum among it: the newest versions stay.
        tiny::versions_are_readable(&Lake::open(ground.location()).await.unwrap(), false).await;
    } else if !acts.iter().take(case.act + 2).any(|act| *act == Act::Vacuum) {
        tiny::versions_are_readable(&Lake::open(ground.location()).await.unwrap(), true).await;
    }
    (plan.done(), failed.is_err())
}

/// Returns the faults to try: of each kind of operation with each kind of fault the first and one in so many. A create
/// is where a commit is made or lost: one in four of them. In the long run every operation, with every fault if it
/// writes and with one of those that fit, in turn, if it reads.
fn chosen(base: &Base, every: usize, sparse: bool) -> Vec<Case> {
    let mut seen: BTreeMap<(Op, Fault), usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for (act, ops) in base.ops.iter().enumerate() {
        for (op, nth) in numbered(ops) {
            let fitting: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| fault.fits(op)).collect();
            for (number, fault) in fitting.iter().copied().enumerate() {
                let before = seen.entry((op, fault)).or_insert(0);
                let commits = op == Op::Create && fault != Fault::Delay && nth % 4 == fault as usize % 4;
                let one_in_many = *before == 0 || (*before + fault as usize * 7).is_multiple_of(every);
                // The commands after a fault repeat every eight operations, so faults shift by one after eight: each fault
                // meets each command.
                let in_turn = op.writes() || (nth + nth / 8) % fitting.len() == number;
                if asked().is_some() || long() && in_turn || commits && !sparse || one_in_many {
                    chosen.push(Case { act, op, nth, fault });
                }
                *before += 1;
            }
        }
    }
    chosen
}

/// Returns the one fault that the environment selects, as it is printed.
fn asked() -> Option<String> {
    std::env::var("HOTSPOTS_FAULT").ok()
}

fn sweep(scenario: &'static Scenario, on_disk: bool, every: usize, sparse: bool) {
    let base = run_undisturbed(scenario, on_disk);
    let mut kinds: BTreeMap<Op, usize> = BTreeMap::new();
    base.ops.iter().flatten().for_each(|op| *kinds.entry(*op).or_insert(0) += 1);
    let mut cases = chosen(&base, every, sparse);
    let place = if on_disk { "on disk" } else { "in memory" };
    let shown = |case: &Case| format!("{}, {place}: {case:?}", scenario.name);
    let one = asked();
    cases.retain(|case| one.as_ref().is_none_or(|one| *one == shown(case)));
    let failures = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let name = |case: usize| format!("HOTSPOTS_FAULT='{}' ({:?})", shown(&cases[case]), scenario.acts[cases[case].act]);
    spread(cases.len(), name, |case| {
        let (hit, failed) = runtime().block_on(live_through(&base, cases[case]));
        if let Some(hit) = hit {
            *done.lock().unwrap().entry(hit).or_insert(0) += 1;
        }
        failures.fetch_add(usize::from(failed), Ordering::SeqCst);
    });
    let done: BTreeMap<(Op, Fault), usize> = done.into_inner().unwrap();
    let (total, failed): (usize, usize) = (done.values().sum(), failures.into_inner());
    let operations: usize = kinds.values().sum();
    eprintln!(
        "{}, {place}: {operations} operations {kinds:?}; {total} faults, {failed} failed a command: {done:?}",
        scenario.name
    );
    for op in kinds.keys().filter(|_| one.is_none()) {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.fits(*op)) {
            assert!(done.contains_key(&(*op, fault)), "no {op:?} met {fault:?}");
        }
    }
}

#[test]
fn a_fault_at_any_operation_of_the_store_loses_nothing_and_counts_nothing_twice() {
    sweep(&IN_TURN, false, 61, false);
}

#[test]
fn a_fault_at_any_operation_on_disk_loses_nothing_and_counts_nothing_twice() {
    sweep(&IN_TURN, true, 211, true);
}

#[test]
fn a_fault_while_batches_are_piled_up_loses_nothing_and_counts_nothing_twice() {
    sweep(&PILED_UP, false, 401, true);
    // The short run has met each operation on disk in the other scenario.
    if long() || asked().is_some() {
        sweep(&PILED_UP, true, 401, true);
    }
}

/// Lands one page after the other on one landing, each offered again until it is taken.
async fn land_stubbornly(ground: &Ground, plan: &Arc<Plan>) {
    let mut published = Published::default();
    let decoder = Decoder::new(&tiny::resource());
    let lake = loop {
        match Lake::create(ground.under(plan)).await {
            Ok(lake) => break lake,
            Err(error) => assert_ne!(error.kind(), Kind::Data, "{error}"),
        }
    };
    let mut landing = loop {
        match tiny::landing(&lake, &ground.index()).await {
            Ok(landing) => break landing,
            Err(error) => assert_ne!(error.kind(), Kind::Data, "{error}"),
        }
    };
    for edition in 0..4 {
        publish(&mut published, edition);
        while let Some(page) = published.page(landing.cursor(), IN_TURN.page_size) {
            let decoded = decoder.page(&serde_json::to_vec(&page).unwrap()).unwrap();
            let mut tries = 0;
            while let Err(error) = landing.land(&decoded).await {
                tries += 1;
                assert!(tries < 3, "a page is refused again and again: {error}");
            }
        }
    }
    let reader = tiny::reader(&Lake::open(ground.location()).await.unwrap()).unwrap();
    let (found, exact) = tiny::answer(&reader).await.unwrap();
    assert!(exact, "the lake is intact and not marked as exact");
    assert_eq!(found, published.expected());
    assert_eq!(tiny::versions(&reader).await.unwrap(), versions_after(4));
}

#[test]
fn a_landing_that_goes_on_after_an_error_loses_nothing_and_counts_nothing_twice() {
    let ground = Ground::new(false);
    let plan = Plan::count();
    runtime().block_on(land_stubbornly(&ground, &plan));
    let ops = numbered(&plan.ops());
    let mut cases = Vec::new();
    for (number, (op, nth)) in ops.iter().enumerate() {
        for fault in [Fault::Error, Fault::LostReply, Fault::DoneThenExists, Fault::NothingThenExists] {
            let commits = matches!(op, Op::Create | Op::Put);
            if fault.fits(*op) && (commits || long() || number % 7 == 0) {
                cases.push((*op, *nth, fault));
            }
        }
    }
    let one = asked();
    cases.retain(|case| one.as_ref().is_none_or(|one| *one == format!("{case:?}")));
    let name = |case: usize| format!("HOTSPOTS_FAULT='{:?}'", cases[case]);
    spread(cases.len(), name, |case| {
        let (op, nth, fault) = cases[case];
        runtime().block_on(land_stubbornly(&Ground::new(false), &Plan::hit(op, nth, fault)));
    });
    eprintln!("one landing: {} operations, {} faults", ops.len(), cases.len());
}

/// Returns the objects of the lake, by name.
async fn objects(ground: &Ground) -> BTreeSet<String> {
    let location = ground.location();
    let objects: Vec<_> = location.store.list(None).try_collect().await.unwrap();
    objects.into_iter().map(|object| object.location.to_string()).collect()
}

#[test]
fn a_vacuum_spares_what_is_young_for_a_writer_may_be_about_to_commit_it() {
    let base = run_undisturbed(&IN_TURN, false);
    let Scenario { acts, .. } = IN_TURN;
    runtime().block_on(async {
        // Before the vacuum of the scenario: files of versions that are no longer current, all of them young.
        let before = acts.iter().position(|act| *act == Act::Vacuum).unwrap();
        let ground = base.before[before].0.fork();
        let location = ground.location();
        let orphan = location.path("raw/calls/_landed_month=2026-01/part-00000000-0000-0000-0000-000000000000.parquet");
        location.store.put(&orphan, "on its way".into()).await.unwrap();
        let all = objects(&ground).await;
        let lake = Lake::open(ground.location()).await.unwrap();
        let spare = VacuumOptions { older_than: lake_maintenance::MIN_RETENTION, apply: true };
        vacuum(&lake, spare).await.unwrap();
        assert_eq!(objects(&ground).await, all, "something young is gone");
        vacuum(&lake, VacuumOptions { older_than: TimeDelta::zero(), apply: true }).await.unwrap();
        let left = objects(&ground).await;
        assert!(!left.contains(orphan.as_ref()) && left.len() < all.len(), "{left:?}");
        assert_whole(&ground, &base.before[before].1).await;
    });
}

//! `forget` next to all other work: before each of its operations on the store, or of theirs, the other work runs to
//! its end. Whatever comes between, the lake stays readable, the record is gone, and every count is right.
//!
//! `HOTSPOTS_LONG=1` tries every operation.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use lake_compact::{CompactOptions, compact};
use lake_ingest::{Landing, LandingOptions};
use lake_maintenance::forget;
use lake_model::{Catalog, Kind, Resource, Result};
use lake_portal::Decoder;
use lake_query::{Engine, EngineOptions, Reader, engine_error};
use lake_store::{Lake, Location};
use object_store::memory::InMemory;

use crate::faults::store_faults::store::{FaultStore, Plan};
use crate::faults::store_faults::tiny::{self, DEFINITION, PLACES, row, served, stamp};
use crate::faults::store_faults::{long, runtime};

/// The resource with a record to forget, and another one that has landed and was never compacted.
const FORGETTING: &str = "calls";
const OTHER: &str = "fires";
const KEY: &str = "100000000002";
const ROWS: usize = 6;

fn definition(name: &str) -> String {
    DEFINITION.replace("\"calls\"", &format!("\"{name}\""))
}

fn resource(name: &str) -> Arc<Resource> {
    Arc::new(Resource::parse(&format!("{name}.toml"), &definition(name)).unwrap())
}

fn catalog() -> Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    Arc::clone(CATALOG.get_or_init(|| {
        let folder = tiny::folder();
        for name in [FORGETTING, OTHER] {
            std::fs::write(folder.path().join(format!("{name}.toml")), definition(name)).unwrap();
        }
        let mut catalog = Catalog::built_in().unwrap();
        catalog.add_directory(folder.path()).unwrap();
        Arc::new(catalog)
    }))
}

fn reader(lake: &Lake) -> Result<Reader> {
    let options = EngineOptions { partitions: Some(1), memory_bytes: 64 << 20, ..EngineOptions::default() };
    Ok(Reader::new(lake.clone(), Engine::new(options, lake.location())?, catalog()))
}

/// Lands the rows of a resource in their `edition`: each edition is of another kind.
async fn land(lake: &Lake, index: &Path, name: &str, edition: u64) -> Result<()> {
    let options = LandingOptions { index_directory: index.to_owned(), synthetic: false };
    let resource = resource(name);
    let mut landing = Landing::open(lake, &resource, &options).await?;
    let rows = (0..ROWS).map(|n| {
        let occurred = format!("202{}-03-0{}T0{n}:15:00.000", 3 + n % 2, 1 + n);
        let row = row(&format!("10000000000{n}"), &occurred, &format!("Kind {edition}"), PLACES[n % 4]);
        served(&format!("row-{n}"), &stamp(edition), &row)
    });
    let page = serde_json::to_vec(&rows.collect::<Vec<_>>()).unwrap();
    landing.land(&Decoder::new(&resource).page(&page)?).await.map(drop)
}

/// By resource: its incidents as their counts add up, as rows, and those with the key.
type Answer = BTreeMap<String, [i64; 3]>;

async fn answer(reader: &Reader) -> Result<(Answer, bool)> {
    let snapshot = reader.open_newest().await?;
    let session = reader.session(&snapshot).await?;
    let mut found = Answer::new();
    let with_key = format!("SUM(CASE WHEN id = '{KEY}' THEN 1 ELSE 0 END)");
    for (at, question) in [
        (0, "SELECT resource, SUM(count) FROM counts GROUP BY 1".to_owned()),
        (1, "SELECT resource, COUNT(*) FROM incidents GROUP BY 1".to_owned()),
        (2, format!("SELECT resource, {with_key} FROM incidents GROUP BY 1")),
    ] {
        let batches: Vec<RecordBatch> = session.sql(&question).await?.collect().await.map_err(engine_error)?;
        for batch in &batches {
            let numbers = batch.column(1).as_primitive::<Int64Type>();
            for (name, n) in batch.column(0).as_string::<i32>().iter().zip(numbers.iter()) {
                found.entry(name.unwrap().to_owned()).or_default()[at] = n.unwrap();
            }
        }
    }
    Ok((found, snapshot.is_exact(&[])))
}

fn expected(forgotten: bool) -> Answer {
    let rows = i64::try_from(ROWS).unwrap();
    let left = if forgotten { [rows - 1, rows - 1, 0] } else { [rows, rows, 1] };
    Answer::from([(FORGETTING.to_owned(), left), (OTHER.to_owned(), [rows, rows, 1])])
}

/// A place in memory with folders for indexes, to be copied for each try.
struct Ground {
    memory: InMemory,
    folder: tempfile::TempDir,
}

impl Ground {
    /// Creates a lake with one resource landed twice and compacted, the other landed.
    fn new() -> Self {
        let ground = Self { memory: InMemory::new(), folder: tiny::folder() };
        runtime().block_on(async {
            let lake = Lake::create(ground.location()).await.unwrap();
            for edition in 0..2 {
                land(&lake, &ground.index(), FORGETTING, edition).await.unwrap();
                compact_one(ground.location(), FORGETTING).await.unwrap();
            }
            land(&lake, &ground.index(), OTHER, 0).await.unwrap();
        });
        ground
    }

    fn fork(&self) -> Self {
        let folder = tiny::folder();
        tiny::copy(self.folder.path(), folder.path());
        Self { memory: self.memory.fork(), folder }
    }

    fn index(&self) -> std::path::PathBuf {
        self.folder.path().join("index")
    }

    fn location(&self) -> Location {
        tiny::place(Arc::new(self.memory.clone()))
    }
}

async fn compact_one(place: Location, name: &str) -> Result<()> {
    let reader = reader(&Lake::open(place).await?)?;
    for report in compact(&reader, &resource(name), CompactOptions::default(), |_| {}).await? {
        // Between the steps of forgetting the record is still counted and no longer there.
        assert!(report.drift() == 0 || name == FORGETTING, "{report:?}");
    }
    Ok(())
}

async fn forget_one(place: Location) -> Result<()> {
    let reader = reader(&Lake::open(place).await?)?;
    forget(&reader, &resource(FORGETTING), &[KEY.to_owned()], || Ok(())).await.map(drop)
}

/// Work that runs during other work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Forget,
    Compact(&'static str),
    Land,
    Ask,
}

impl Work {
    async fn run(self, place: Location, index: &Path) -> Result<()> {
        match self {
            Self::Forget => forget_one(place).await,
            Self::Compact(name) => compact_one(place, name).await,
            Self::Land => land(&Lake::open(place).await?, index, OTHER, 3).await,
            Self::Ask => {
                let (found, exact) = answer(&reader(&Lake::open(place).await?)?).await?;
                assert!(!exact || [expected(false), expected(true)].contains(&found), "{found:?}");
                Ok(())
            }
        }
    }

    /// Runs it as a user does: again after a conflict, or after the store did not answer.
    async fn run_until_done(self, ground: &Ground) {
        let mut tries = 0;
        while let Err(error) = Box::pin(self.run(ground.location(), &ground.index())).await {
            // Nothing is left to forget once it is forgotten.
            if self == Self::Forget && error.kind() == Kind::NotFound {
                break;
            }
            tries += 1;
            assert!(tries < 3, "{self:?} fails again and again: {error}");
        }
    }
}

/// Runs `work` once for each operation of it, or one in `every`: before that operation `other` runs.
fn meet_at_each_operation(work: Work, other: Work, every: usize) {
    let base = Ground::new();
    let plan = Plan::count();
    let undisturbed = base.fork();
    let place = undisturbed.location().wrap_store(|store| FaultStore::over(store, &plan));
    runtime().block_on(work.run(place, &undisturbed.index())).unwrap();
    let operations = plan.ops().len();
    let (mut met, mut again) = (0, 0);
    for number in (0..operations).step_by(if long() { 1 } else { every }) {
        let ground = Arc::new(base.fork());
        // Open from before: it has read every table.
        let open = runtime().block_on(async { reader(&Lake::open(ground.location()).await.unwrap()).unwrap() });
        assert_eq!(runtime().block_on(answer(&open)).unwrap().0, expected(false));
        let first = Arc::clone(&ground);
        let plan = Plan::behind(number, move || runtime().block_on(other.run_until_done(&first)));
        let place = ground.location().wrap_store(|store| FaultStore::over(store, &plan));
        runtime().block_on(async {
            let case = format!("{other:?} before operation {number} of {work:?}");
            if let Err(error) = Box::pin(work.run(place, &ground.index())).await {
                let again_helps = matches!(error.kind(), Kind::Conflict | Kind::Unavailable);
                // A file that a question is about to read may be removed.
                let removed = work == Work::Ask && error.kind() == Kind::Data;
                let forgotten = work == Work::Forget && error.kind() == Kind::NotFound;
                assert!(again_helps || removed || forgotten, "{case}: {:?} {error}", error.kind());
                again += 1;
            }
            work.run_until_done(&ground).await;
            Work::Forget.run_until_done(&ground).await;
            let right = (expected(true), true);
            let lake = Lake::open(ground.location()).await.unwrap();
            assert_eq!(answer(&reader(&lake).unwrap()).await.unwrap(), right, "{case}");
            assert_eq!(answer(&open).await.unwrap(), right, "{case}: asked of what was open before");
            tiny::versions_are_readable(&lake, false).await;
            compact_one(ground.location(), OTHER).await.unwrap();
            compact_one(ground.location(), FORGETTING).await.unwrap();
            assert_eq!(answer(&open).await.unwrap(), right, "{case}: compacted");
        });
        met += 1;
    }
    eprintln!("{other:?} before {met} of {operations} operations of {work:?}; {again} were run again");
}

#[test]
fn a_first_compaction_of_another_resource_may_come_between_any_steps_of_forgetting() {
    meet_at_each_operation(Work::Forget, Work::Compact(OTHER), 9);
}

#[test]
fn forgetting_may_come_between_any_steps_of_a_first_compaction_of_another_resource() {
    meet_at_each_operation(Work::Compact(OTHER), Work::Forget, 5);
}

#[test]
fn forgetting_may_come_between_any_steps_of_a_compaction_of_its_resource() {
    meet_at_each_operation(Work::Forget, Work::Compact(FORGETTING), 11);
}

#[test]
fn a_log_that_begins_anew_leaves_no_open_program_stuck() {
    meet_at_each_operation(Work::Ask, Work::Forget, 2);
    meet_at_each_operation(Work::Land, Work::Forget, 5);
}

//! A lake of its own for each test, a portal, the built program, and the comparison with the oracle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lake_soda_sim::Portal;
use lake_testkit::oracle::{Oracle, Order};
use lake_testkit::{Output, PortalThread, Program, Roles, Row, Running};
use serde_json::Value;

/// The dataset of 311 cases, which most tests use.
pub(crate) const CASES: &str = "vw6y-z8j6";
/// Its resource.
pub(crate) const CASES_RESOURCE: &str = "311-cases";

/// What random cases are drawn from unless the environment says otherwise.
pub(crate) const DEFAULT_SEED: u64 = 311;

/// Returns the seed that `HOTSPOTS_SEED` asks for, to see a failure again.
pub(crate) fn requested_seed() -> Option<u64> {
    std::env::var("HOTSPOTS_SEED").ok().map(|seed| seed.parse().expect("a number"))
}

/// Returns the address, `127.0.0.1:PORT`, at which a program serves Flight SQL, once it does.
pub(crate) fn flight_address(serving: &Running) -> String {
    let line = serving.wait_for_log("flight listening on ", Duration::from_mins(1));
    line.rsplit_once("://").expect("an address").1.trim().to_owned()
}

/// Returns the memory of a process, bytes, that a field of its status names: `VmHWM` is the most that it has had, `VmRSS`
/// what it has, `RssAnon` that without the pages of files. `None` if there is no such process.
pub(crate) fn process_bytes(process: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Returns the resource of each dataset of the program.
pub(crate) fn resource_of(dataset: &str) -> Option<&'static str> {
    Some(match dataset {
        CASES => CASES_RESOURCE,
        "nuek-vuh3" => "fire-ems-calls",
        "wr8u-xric" => "fire-incidents",
        "wg3w-h783" => "police-department-incidents",
        "ubvf-ztfx" => "traffic-crashes",
        "ijzp-q8t2" => "chicago-crimes",
        _ => return None,
    })
}

/// Returns the program on a lake of its own, without a portal, and the directory that it runs in.
pub(crate) fn program_without_portal() -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a directory");
    let program = Program::new(env!("CARGO_BIN_EXE_hotspots-lake"));
    (program.lake(folder.path().join("lake")).current_dir(folder.path()), folder)
}

/// Returns the program with a resource file of its own in `folder`.
pub(crate) fn define_resource(program: Program, folder: &Path, name: &str, definition: &str) -> Program {
    let directory = folder.join("resources");
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join(format!("{name}.toml")), definition).expect("a file");
    program.env("HOTSPOTS_RESOURCES", directory)
}

pub(crate) struct Bench {
    pub(crate) portal: Portal,
    pub(crate) served: PortalThread,
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(portal: Portal) -> Self {
        Self::within(portal, tempfile::tempdir().expect("a directory"))
    }

    /// Creates a bench with its lake in this directory.
    pub(crate) fn within(portal: Portal, folder: tempfile::TempDir) -> Self {
        let served = PortalThread::start(&portal);
        Self { portal, served, folder }
    }

    /// Creates a bench with a portal of `rows` synthetic rows of five resources.
    pub(crate) fn synthetic(rows: usize) -> Self {
        Self::new(lake_soda_sim::synthetic::san_francisco(rows, 7))
    }

    pub(crate) fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    pub(crate) fn program(&self) -> Program {
        Program::new(env!("CARGO_BIN_EXE_hotspots-lake")).lake(self.lake()).current_dir(self.folder.path())
    }

    /// Runs `ingest RESOURCE` from the portal with more arguments.
    pub(crate) fn ingest(&self, program: &Program, resource: &str, more: &[&str]) -> Output {
        let mut args = vec!["ingest", resource, "--portal", self.served.url(), "--retry-wait-ms", "1"];
        args.extend(more);
        program.run(&args)
    }

    /// Returns the oracle over what the portal publishes now.
    pub(crate) fn oracle(&self, dataset: &str) -> Oracle {
        let rows: Vec<Row> = self.portal.rows(dataset);
        Oracle::of(&Roles::of_dataset(dataset), &rows, &Order::AsGiven)
    }

    /// Fails unless all answers of the lake for a resource equal the oracle's.
    pub(crate) fn assert_exact(&self, resource: &str, oracle: &Oracle, when: &str) {
        assert_exact(&self.program(), resource, oracle, when);
    }
}

type Counts<K> = BTreeMap<K, i64>;

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is not a number"))
}

fn grouped<K: Ord>(rows: Vec<Value>, key: impl Fn(&Value) -> K) -> Counts<K> {
    let mut counts = Counts::new();
    for row in rows {
        let before = counts.insert(key(&row), number(&row["n"]));
        assert!(before.is_none(), "a group is answered twice: {row}");
    }
    counts
}

/// Fails unless counts and incidents equal the oracle: totals, months by category, cells at 7, 8, 9 and 10.
pub(crate) fn assert_exact(program: &Program, resource: &str, oracle: &Oracle, when: &str) {
    let months = |table: &str, sum: &str| {
        let query = format!(
            "SELECT date_trunc('month', occurred_at) AS m, category AS c, {sum} AS n FROM {table} \
             WHERE resource = '{resource}' GROUP BY 1, 2"
        );
        grouped(program.sql(&query), |row| (text(&row["m"]).map(|m| m[..7].to_owned()), text(&row["c"])))
    };
    let expected = oracle.by_month_category();
    assert_eq!(months("counts", "SUM(count)"), expected, "{resource}, {when}: counts by month and category");
    assert_eq!(months("incidents", "COUNT(*)"), expected, "{resource}, {when}: incidents by month and category");
    for resolution in [7, 8, 9, 10] {
        let query = format!(
            "SELECT h3_h3_to_string(h3_cell_to_parent(cell, {resolution})) AS c, SUM(count) AS n FROM counts \
             WHERE resource = '{resource}' GROUP BY 1"
        );
        let answered = grouped(program.sql(&query), |row| text(&row["c"]));
        assert_eq!(answered, oracle.by_cell(resolution), "{resource}, {when}: cells at resolution {resolution}");
    }
    let totals = oracle.totals();
    let query = format!(
        "SELECT COUNT(*) AS n, COUNT(cell) AS located, COUNT(*) - COUNT(occurred_at) AS undated FROM incidents \
         WHERE resource = '{resource}'"
    );
    let row = &program.sql(&query)[0];
    let answered = (number(&row["n"]), number(&row["located"]), number(&row["undated"]));
    assert_eq!(answered, (totals.incidents, totals.located, totals.undated), "{resource}, {when}: totals");
    let query = format!("SELECT COUNT(*) AS n FROM rejects WHERE resource = '{resource}' AND state = 'open'");
    assert_eq!(number(&program.sql(&query)[0]["n"]), totals.rejects, "{resource}, {when}: rejects");
}

/// Returns the content of the stored tables of counts and incidents, sorted.
pub(crate) fn stored(program: &Program) -> (Vec<Value>, Vec<Value>) {
    let counts = program.sql(
        "SELECT * FROM stored.counts ORDER BY resource, occurred_at, cell, category, subcategory, district, neighborhood",
    );
    let incidents = program.sql("SELECT * FROM stored.incidents ORDER BY resource, id");
    (counts, incidents)
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

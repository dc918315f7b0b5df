//! A lake so small that it can be made thousands of times, in this process: a resource of five columns, a publisher
//! whose rows are a plain list, and what the lake must answer by an oracle that only folds that list.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path as FsPath;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use lake_compact::{CompactOptions, CompactionReport, compact};
use lake_ingest::{Landing, LandingOptions};
use lake_model::{Catalog, Cursor, Resource, Result, Window};
use lake_portal::Decoder;
use lake_query::{Engine, EngineOptions, Reader};
use lake_store::{Lake, Location};
use lake_testkit::oracle::{Filter, Order};
use lake_testkit::{Dimension, Oracle, Place, Roles, Row, SAN_FRANCISCO};
use object_store::ObjectStore;
use object_store::path::Path;
use serde_json::{Value, json};
use url::Url;

pub(crate) const NAME: &str = "calls";

pub(crate) const DEFINITION: &str = r#"
name = "calls"
title = "Calls"
portal = "https://data.example.org"
dataset = "abcd-1234"
city = "San Francisco"
zone = "America/Los_Angeles"
cadence = "1h"
key = ["id"]
volatile = ["loaded"]

[roles]
occurred_at = "occurred"
category = "kind"
latitude = "lat"
longitude = "lon"

[bounds]
west = -123.2
south = 37.4
east = -122.0
north = 38.0

[columns]
id = "text"
occurred = "timestamp"
kind = "text"
lat = "number"
lon = "number"
note = "text"
loaded = "text"
"#;

pub(crate) fn resource() -> Arc<Resource> {
    static RESOURCE: OnceLock<Arc<Resource>> = OnceLock::new();
    Arc::clone(RESOURCE.get_or_init(|| Arc::new(Resource::parse("calls.toml", DEFINITION).unwrap())))
}

fn catalog() -> Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    Arc::clone(CATALOG.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("calls.toml"), DEFINITION).unwrap();
        let mut catalog = Catalog::built_in().unwrap();
        catalog.add_directory(folder.path()).unwrap();
        Arc::new(catalog)
    }))
}

fn roles() -> Roles {
    Roles::new("id", "occurred", Place::lat_lng("lat", "lon"), "kind", Some(SAN_FRANCISCO))
}

/// Creates a directory in memory if possible: the disk is not under test.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = FsPath::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Copies a directory and all that is in it.
pub(crate) fn copy(from: &FsPath, to: &FsPath) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            copy_file(&entry.path(), &target);
        }
    }
}

/// Copies a file and leaves its holes out: an index begins with a journal of 64 MiB that hardly anything is in.
fn copy_file(from: &FsPath, to: &FsPath) {
    const BLOCK: u64 = 4096;
    let source = std::fs::File::open(from).unwrap();
    let about = source.metadata().unwrap();
    let in_use = about.blocks() * 512;
    if in_use >= about.len() {
        std::fs::copy(from, to).unwrap();
        return;
    }
    let target = std::fs::File::create(to).unwrap();
    target.set_len(about.len()).unwrap();
    let (mut at, mut found) = (0, 0);
    // A block with anything in it is in use: once there are as many, the rest is holes.
    while at < about.len() && found < in_use {
        let mut block = vec![0; usize::try_from(BLOCK.min(about.len() - at)).unwrap()];
        source.read_exact_at(&mut block, at).unwrap();
        if block.iter().any(|byte| *byte != 0) {
            target.write_all_at(&block, at).unwrap();
            found += BLOCK;
        }
        at += BLOCK;
    }
}

/// Returns the lake's location in an existing store.
pub(crate) fn place(store: Arc<dyn ObjectStore>) -> Location {
    Location::in_store(store, Url::parse("memory:///").unwrap(), Path::from("lake")).unwrap()
}

/// Returns a row as published, without system fields.
pub(crate) fn row(id: &str, occurred: &str, kind: &str, (lat, lon): (&str, &str)) -> Row {
    let value = json!({"id": id, "occurred": occurred, "kind": kind, "lat": lat, "lon": lon});
    value.as_object().unwrap().clone()
}

/// Places in different cells at every resolution that is counted.
pub(crate) const PLACES: [(&str, &str); 4] =
    [("37.7601", "-122.4101"), ("37.7801", "-122.4401"), ("37.7301", "-122.4801"), ("0", "0")];

/// Returns the `n`-th stamp of a publisher.
pub(crate) fn stamp(n: u64) -> String {
    format!("2026-01-{:02}T{:02}:{:02}:00.000Z", 1 + n / 1_440 % 28, n / 60 % 24, n % 60)
}

/// A publisher: its rows by `:id`, each with its stamp.
#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    rows: BTreeMap<String, (String, Row)>,
}

impl Published {
    /// Publishes a row, or a new version of it.
    pub(crate) fn set(&mut self, portal_id: &str, stamp: &str, row: Row) {
        self.rows.insert(portal_id.to_owned(), (stamp.to_owned(), row));
    }

    /// Returns a page: the rows after the cursor in the portal's order, at most so many.
    pub(crate) fn page(&self, after: Option<&Cursor>, size: usize) -> Option<Vec<Value>> {
        let mut rows: Vec<(&String, &String, &Row)> = self.rows.iter().map(|(id, (at, row))| (at, id, row)).collect();
        rows.sort_by_key(|(at, id, _)| (*at, *id));
        let after = |at: &String, id: &String| after.is_none_or(|c| (at, id) > (&c.updated_at, &c.id));
        let rows: Vec<Value> = rows
            .into_iter()
            .filter(|(at, id, _)| after(at, id))
            .take(size)
            .map(|(at, id, row)| served(id, at, row))
            .collect();
        (!rows.is_empty()).then_some(rows)
    }

    /// Replaces the publisher's rows by these rows of a page, served after it.
    pub(crate) fn serve(&mut self, page: &[Value]) {
        for served in page {
            let mut row = served.as_object().unwrap().clone();
            let text = |value: Option<Value>| value.unwrap().as_str().unwrap().to_owned();
            let (id, at) = (text(row.remove(":id")), text(row.remove(":updated_at")));
            self.rows.insert(id, (at, row));
        }
    }

    pub(crate) fn expected(&self) -> Expected {
        let rows: Vec<Row> = self.rows.values().map(|(_, row)| row.clone()).collect();
        Expected::of(&rows)
    }
}

/// Returns a row as a portal serves it.
pub(crate) fn served(portal_id: &str, stamp: &str, row: &Row) -> Value {
    let mut served = row.clone();
    served.insert(":id".to_owned(), portal_id.into());
    served.insert(":updated_at".to_owned(), stamp.into());
    served.into()
}

/// The answers of a lake, actual or expected: counts by hour, cell and kind; the same of each incident; open rejects.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Expected {
    pub(crate) counts: BTreeMap<Vec<Option<String>>, i64>,
    pub(crate) incidents: BTreeMap<String, Vec<Option<String>>>,
    pub(crate) rejects: i64,
}

impl Expected {
    /// Computes the expected counts by the oracle, over the current versions of all rows.
    pub(crate) fn of(rows: &[Row]) -> Self {
        let oracle = Oracle::of(&roles(), rows, &Order::AsGiven);
        let dimensions = [Dimension::Hour, Dimension::Cell(10), Dimension::Category];
        let labels = |i| dimensions.iter().map(|d| d.label(i)).collect();
        Self {
            counts: oracle.count(&Filter::all(), &dimensions),
            incidents: oracle.incidents().iter().map(|(id, i)| (id.clone(), labels(i))).collect(),
            rejects: oracle.totals().rejects,
        }
    }
}

pub(crate) fn reader(lake: &Lake) -> Result<Reader> {
    let options = EngineOptions { partitions: Some(1), memory_bytes: 64 << 20, ..EngineOptions::default() };
    let engine = Engine::new(options, lake.location())?;
    Ok(Reader::new(lake.clone(), engine, catalog()))
}

fn texts(batch: &RecordBatch, column: usize) -> impl Iterator<Item = Option<String>> {
    let column = batch.column(column).as_string::<i32>();
    (0..column.len()).map(|row| column.is_valid(row).then(|| column.value(row).to_owned()))
}

fn numbers(batch: &RecordBatch, column: usize) -> Vec<i64> {
    batch.column(column).as_primitive::<Int64Type>().values().to_vec()
}

const HOUR: &str = "CAST(date_trunc('hour', occurred_at) AS VARCHAR)";

/// Returns the lake's answer, and whether it is marked as exact.
pub(crate) async fn answer(reader: &Reader) -> Result<(Expected, bool)> {
    let snapshot = reader.open_newest().await?;
    let session = reader.session(&snapshot).await?;
    let rows = async |text: String| -> Result<Vec<RecordBatch>> {
        let frame = session.sql(&text).await?;
        frame.collect().await.map_err(lake_query::engine_error)
    };
    let mut found = Expected::default();
    let counts = format!(
        "SELECT {HOUR} AS h, h3_h3_to_string(cell) AS c, category AS k, CAST(SUM(count) AS BIGINT) AS n \
         FROM counts WHERE resource = '{NAME}' GROUP BY 1, 2, 3"
    );
    for batch in rows(counts).await? {
        let labels = texts(&batch, 0).zip(texts(&batch, 1)).zip(texts(&batch, 2));
        for (((hour, cell), kind), n) in labels.zip(numbers(&batch, 3)) {
            assert_eq!(found.counts.insert(vec![hour, cell, kind], n), None, "a group is answered twice");
        }
    }
    let incidents =
        format!("SELECT {HOUR}, h3_h3_to_string(cell), category, id FROM incidents WHERE resource = '{NAME}'");
    for batch in rows(incidents).await? {
        let labels = texts(&batch, 0).zip(texts(&batch, 1)).zip(texts(&batch, 2)).zip(texts(&batch, 3));
        for (((hour, cell), kind), id) in labels {
            let before = found.incidents.insert(id.clone().unwrap(), vec![hour, cell, kind]);
            assert_eq!(before, None, "the incident {id:?} is there twice");
        }
    }
    let rejects = format!("SELECT COUNT(*) FROM rejects WHERE resource = '{NAME}' AND state = 'open'");
    for batch in rows(rejects).await? {
        found.rejects += numbers(&batch, 0).iter().sum::<i64>();
    }
    Ok((found, snapshot.is_exact(&[])))
}

/// Returns the landed versions: how many rows of `raw` there are of each key; rejects under their `:id`.
pub(crate) async fn versions(reader: &Reader) -> Result<BTreeMap<String, i64>> {
    let snapshot = reader.open_newest().await?;
    let session = reader.session(&snapshot).await?;
    let text = format!("SELECT COALESCE(_key, _portal_id), COUNT(*) FROM raw.{NAME} GROUP BY 1");
    let mut found = BTreeMap::new();
    for batch in session.sql(&text).await?.collect().await.map_err(lake_query::engine_error)? {
        for (key, n) in texts(&batch, 0).zip(numbers(&batch, 1)) {
            found.insert(key.unwrap(), n);
        }
    }
    Ok(found)
}

/// Opens the landing as `ingest` does.
pub(crate) async fn landing(lake: &Lake, index: &FsPath) -> Result<Landing> {
    let options = LandingOptions { index_directory: index.to_owned(), synthetic: false };
    Landing::open(lake, &resource(), &options).await
}

/// Lands the publisher's rows after the cursor, page by page; `landing_page` and `landed_page` are called for each.
pub(crate) async fn ingest(
    lake: &Lake,
    index: &FsPath,
    published: &Published,
    page_size: usize,
    mut landing_page: impl FnMut(&[Value]),
    mut landed_page: impl FnMut(&[Value]),
) -> Result<()> {
    let decoder = Decoder::new(&resource());
    let mut landing = landing(lake, index).await?;
    while let Some(page) = published.page(landing.cursor(), page_size) {
        let decoded = decoder.page(&serde_json::to_vec(&page).unwrap())?;
        landing_page(&page);
        landing.land(&decoded).await?;
        landed_page(&page);
    }
    Ok(())
}

pub(crate) async fn compact_all(lake: &Lake, window: bool) -> Result<Vec<CompactionReport>> {
    let reader = reader(lake)?;
    let window = window.then(|| Window::parse("2000..2040").unwrap());
    // Several files a year, as in a large lake.
    let options = CompactOptions { window, file_rows: Some(2), ..CompactOptions::default() };
    compact(&reader, &resource(), options, |_| {}).await
}

/// Compacts everything, if anything has landed.
pub(crate) async fn compact_all_if_landed(lake: &Lake, window: bool) -> Result<Vec<CompactionReport>> {
    if lake.list_landed_resources().await?.is_empty() { Ok(Vec::new()) } else { compact_all(lake, window).await }
}

/// Checks that every version of every table, or the newest, can be opened, and each file that it names is in the store,
/// intact.
pub(crate) async fn versions_are_readable(lake: &Lake, every: bool) {
    use futures::TryStreamExt as _;
    let location = lake.location();
    let objects: Vec<_> = location.store.list(None).try_collect().await.unwrap();
    let sizes: BTreeMap<String, u64> = objects.into_iter().map(|o| (o.location.to_string(), o.size)).collect();
    let raw = lake.raw(NAME).unwrap();
    for table in [&raw, &lake.incidents, &lake.counts, &lake.fast_counts, &lake.rejects] {
        let newest = table.snapshot().await.unwrap().version;
        for version in if every { 0 } else { newest }..=newest {
            let snapshot = table.snapshot_at(version).await.unwrap();
            for file in snapshot.files.iter() {
                let path = format!("{}/{}", table.folder(), file.path);
                assert_eq!(sizes.get(&path), Some(&file.size), "{} version {version}: {path}", table.name());
            }
        }
    }
}

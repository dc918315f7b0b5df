//! A small lake whose every incident is known: two resources, each with a compacted batch and one above it that
//! adds, moves, re-dates and deletes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array, new_null_array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use lake_model::{Catalog, MICROS_PER_HOUR, Resource, year_of, year_start};
use lake_query::{Engine, EngineOptions, IncidentProjector, Reader, SegmentCache};
use lake_store::{Commit, CompactionMark, Lake, LandingMark, Location, Table, fast_counts_transaction};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(super) const LANDED: [&str; 2] = ["city-calls", "city-fires"];

/// An incident as it is now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incident {
    pub(super) resource: &'static str,
    pub(super) occurred_at: Option<i64>,
    pub(super) place: Option<(f64, f64)>,
    pub(super) cell: Option<i64>,
    pub(super) category: Option<String>,
    pub(super) district: Option<String>,
}

pub(super) struct TestLake {
    pub(super) reader: Arc<Reader>,
    pub(super) incidents: Vec<Incident>,
    _directory: TempDir,
}

impl TestLake {
    pub(super) async fn open_context(&self) -> crate::app::RequestContext {
        let (access, limits) = (crate::Access::open(), crate::Limits::default());
        let web = crate::http::MapPage::new(None);
        let app = crate::app::App::new(Arc::clone(&self.reader), access, limits, web, CancellationToken::new());
        let app = app.expect("threads");
        app.open_context().await.expect("a reading")
    }
}

/// Numbers that are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

#[derive(Clone)]
struct Published {
    id: String,
    at: Option<i64>,
    place: Option<(f64, f64)>,
    category: Option<&'static str>,
    district: Option<&'static str>,
    deleted: bool,
}

fn published(dice: &mut Dice, id: usize) -> Published {
    let span = year_start(2025) - year_start(2022);
    let at = (dice.below(12) > 0).then(|| year_start(2022) + dice.below(span / 1_000_000) * 1_000_000);
    let part = |dice: &mut Dice| f64::from(i32::try_from(dice.below(2_000)).expect("small")) / 20_000.0;
    let place = (dice.below(12) > 0).then(|| (37.7 + part(dice), -122.5 + part(dice)));
    Published {
        id: id.to_string(),
        at,
        place,
        category: [Some("Graffiti, Public"), Some("O'Brien \"Noise\""), Some("Fire"), None]
            [usize::try_from(dice.below(4)).expect("small")],
        district: [Some("North"), Some("South"), None][usize::try_from(dice.below(3)).expect("small")],
        deleted: false,
    }
}

fn definition(name: &str) -> String {
    format!(
        "name = \"{name}\"\ntitle = \"{name}\"\nportal = \"https://data.example.org\"\ndataset = \"aaaa-bbbb\"\n\
         city = \"Example\"\nzone = \"UTC\"\ncadence = \"1h\"\nkey = [\"id\"]\n\
         [roles]\noccurred_at = \"at\"\ncategory = \"kind\"\ndistrict = \"area\"\nlatitude = \"lat\"\nlongitude = \"lon\"\n\
         [bounds]\nwest = -123.0\nsouth = 37.0\neast = -122.0\nnorth = 38.0\n\
         [columns]\nid = \"text\"\nat = \"timestamp\"\nkind = \"text\"\narea = \"text\"\nlat = \"number\"\nlon = \"number\"\n"
    )
}

fn raw_rows(rows: &[Published], batch: i64, schema: &SchemaRef) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "id" | "_key" => Arc::new(rows.iter().map(|r| Some(r.id.as_str())).collect::<StringArray>()),
            "at" => Arc::new(rows.iter().map(|r| r.at).collect::<TimestampMicrosecondArray>()),
            "kind" => Arc::new(rows.iter().map(|r| r.category).collect::<StringArray>()),
            "area" => Arc::new(rows.iter().map(|r| r.district).collect::<StringArray>()),
            "lat" => Arc::new(rows.iter().map(|r| Some(r.place?.0)).collect::<Float64Array>()),
            "lon" => Arc::new(rows.iter().map(|r| Some(r.place?.1)).collect::<Float64Array>()),
            "_batch" => Arc::new(Int64Array::from(vec![batch; rows.len()])),
            "_row" => Arc::new(Int64Array::from_iter_values((0..).take(rows.len()))),
            "_deleted" => Arc::new(rows.iter().map(|r| Some(r.deleted)).collect::<BooleanArray>()),
            _ => new_null_array(field.data_type(), rows.len()),
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).expect("raw rows")
}

fn known(resource: &'static str, incidents: &RecordBatch) -> Vec<Incident> {
    let column = |name: &str| incidents.column_by_name(name).expect("a column");
    let text = |name: &str, row: usize| {
        let texts = column(name).as_string::<i32>();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let (times, cells) =
        (column("occurred_at").as_primitive::<TimestampMicrosecondType>(), column("cell").as_primitive::<Int64Type>());
    let (lat, lon) =
        (column("latitude").as_primitive::<Float64Type>(), column("longitude").as_primitive::<Float64Type>());
    (0..incidents.num_rows())
        .map(|row| Incident {
            resource,
            occurred_at: times.is_valid(row).then(|| times.value(row)),
            place: lat.is_valid(row).then(|| (lat.value(row), lon.value(row))),
            cell: cells.is_valid(row).then(|| cells.value(row)),
            category: text("category", row),
            district: text("district", row),
        })
        .collect()
}

/// Returns the columns of a counts table's file: `counts` by year without batch, `fast_counts` with.
fn count_rows(changes: &[(Incident, i64)], batch: i64, schema: &SchemaRef) -> RecordBatch {
    let mut net = BTreeMap::new();
    for (i, by) in changes {
        let hour = i.occurred_at.map(|at| at - at.rem_euclid(MICROS_PER_HOUR));
        *net.entry((hour, i.cell, i.category.clone(), i.district.clone())).or_insert(0) += by;
    }
    net.retain(|_, count| *count != 0);
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "occurred_at" => Arc::new(net.keys().map(|k| k.0).collect::<TimestampMicrosecondArray>()),
            "cell" => Arc::new(net.keys().map(|k| k.1).collect::<Int64Array>()),
            "category" => Arc::new(net.keys().map(|k| k.2.as_deref()).collect::<StringArray>()),
            "district" => Arc::new(net.keys().map(|k| k.3.as_deref()).collect::<StringArray>()),
            "count" => Arc::new(Int64Array::from_iter_values(net.values().copied())),
            "batch" => Arc::new(Int64Array::from(vec![batch; net.len()])),
            _ => new_null_array(field.data_type(), net.len()),
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).expect("counts")
}

async fn add(
    table: &Table,
    partition: &[(&str, Option<String>)],
    commit: &mut Commit,
    rows: impl Fn(&SchemaRef) -> RecordBatch,
) {
    let snapshot = table.snapshot().await.expect("a snapshot");
    let partition: HashMap<_, _> = partition.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let mut writer = table.writer(&snapshot, partition).expect("a writer");
    let rows = rows(writer.schema());
    writer.write(&rows).await.expect("rows");
    commit.adds.push(writer.finish().await.expect("a file"));
}

fn with_nulls(incidents: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| match incidents.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), incidents.num_rows()),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).expect("incidents")
}

async fn land(lake: &Lake, resource: &Resource, name: &'static str, rows: usize, dice: &mut Dice) -> Vec<Incident> {
    let raw = lake.ensure_raw_table(resource).await.expect("a raw table");
    let snapshot = raw.snapshot().await.expect("a snapshot");
    let projector = IncidentProjector::new(resource, &snapshot.schema).expect("a rule");
    let project =
        |rows: &[Published], batch| projector.project(&raw_rows(rows, batch, &snapshot.schema)).expect("incidents");

    let first: Vec<Published> = (0..rows).map(|id| published(dice, id)).collect();
    let mut second: Vec<Published> = (0..rows / 5).map(|n| published(dice, rows - rows / 10 + n)).collect();
    second.iter_mut().step_by(7).for_each(|row| row.deleted = true);
    let (before, after) = (known(name, &project(&first, 1)), known(name, &project(&second, 2)));
    let partition =
        |year: Option<i32>| vec![("resource", Some(name.to_owned())), ("year", year.map(|y| y.to_string()))];

    let (mut incidents, mut counts) =
        (Commit { operation: "COMPACT", ..Commit::default() }, Commit { operation: "COMPACT", ..Commit::default() });
    let mut years: BTreeMap<Option<i32>, Vec<u64>> = BTreeMap::new();
    for (row, incident) in before.iter().enumerate() {
        years.entry(incident.occurred_at.map(year_of)).or_default().push(row as u64);
    }
    let all = project(&first, 1);
    for (year, rows) in years {
        let chosen: Vec<(Incident, i64)> =
            rows.iter().map(|r| (before[usize::try_from(*r).expect("a row")].clone(), 1)).collect();
        let part = take_record_batch(&all, &UInt64Array::from(rows)).expect("rows");
        add(&lake.incidents, &partition(year), &mut incidents, |schema| with_nulls(&part, schema)).await;
        add(&lake.counts, &partition(year), &mut counts, |schema| count_rows(&chosen, 1, schema)).await;
    }
    lake.incidents.commit(&incidents).await.expect("a commit");
    let mark = CompactionMark {
        watermark: 1,
        incidents_version: lake.incidents.snapshot().await.expect("a snapshot").version,
        fingerprint: resource.fingerprint(),
        compacted_at: "2025-01-01T00:00:00Z".to_owned(),
    };
    counts.domains.push(mark.to_change(name, None).expect("JSON"));
    lake.counts.commit(&counts).await.expect("a commit");

    let mut changes: Vec<(Incident, i64)> = Vec::new();
    let mut now: BTreeMap<String, Incident> = first.iter().map(|r| r.id.clone()).zip(before).collect();
    for (row, incident) in second.iter().zip(after) {
        changes.extend(now.remove(&row.id).map(|old| (old, -1)));
        if !row.deleted {
            changes.push((incident.clone(), 1));
            now.insert(row.id.clone(), incident);
        }
    }
    let mut landing = Commit { operation: "LAND", ..Commit::default() };
    let mark = LandingMark {
        batch: 2,
        synthetic: name == "city-fires",
        landed_at: "2025-01-02T00:00:00.000Z".to_owned(),
        ..LandingMark::default()
    };
    landing.domains.push(mark.to_change(None).expect("JSON"));
    add(&raw, &[("_landed_month", Some("2025-01".to_owned()))], &mut landing, |schema| raw_rows(&second, 2, schema))
        .await;
    raw.commit(&landing).await.expect("a commit");
    let mut fast =
        Commit { operation: "DERIVE", transaction: Some((fast_counts_transaction(name), 2)), ..Commit::default() };
    // The fast counts of a compacted batch may still be stored; they no longer count.
    let stale: Vec<_> = now.values().take(5).map(|i| (i.clone(), 1)).collect();
    let resource_only = [("resource", Some(name.to_owned()))];
    add(&lake.fast_counts, &resource_only, &mut fast, |schema| count_rows(&stale, 1, schema)).await;
    add(&lake.fast_counts, &resource_only, &mut fast, |schema| count_rows(&changes, 2, schema)).await;
    lake.fast_counts.commit(&fast).await.expect("a commit");
    now.into_values().collect()
}

/// Creates a lake with `rows` compacted rows of each of [`LANDED`]; `city-crashes` is declared and has not landed.
pub(super) async fn test_lake(rows: usize) -> TestLake {
    let directory = TempDir::new().expect("a directory");
    let definitions = directory.path().join("resources");
    std::fs::create_dir(&definitions).expect("a directory");
    for name in LANDED.into_iter().chain(["city-crashes"]) {
        std::fs::write(definitions.join(format!("{name}.toml")), definition(name)).expect("a file");
    }
    let mut catalog = Catalog::default();
    catalog.add_directory(&definitions).expect("resources");
    let location = Location::parse(directory.path().join("lake").to_str().expect("a path")).expect("a place");
    let lake = Lake::create(location).await.expect("a lake");
    let mut incidents = Vec::new();
    let mut dice = Dice(7);
    for name in LANDED {
        if rows > 0 {
            incidents.extend(land(&lake, &catalog.get(name).expect("known"), name, rows, &mut dice).await);
        }
    }
    let engine = Engine::new(EngineOptions::default(), lake.location()).expect("an engine");
    let cache = SegmentCache::new(Arc::clone(&lake.location().store), 1 << 24).expect("a cache");
    let reader = Reader::new(lake, engine, Arc::new(catalog)).with_segments(cache);
    TestLake { reader: Arc::new(reader), incidents, _directory: directory }
}

/// Returns the values of a column as in JSON, for comparing.
pub(super) fn values(column: &ArrayRef) -> Vec<Option<String>> {
    let text = |row: usize| match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        other => panic!("no answer holds {other}"),
    };
    (0..column.len()).map(|row| column.is_valid(row).then(|| text(row))).collect()
}

//! The same question over every format, over Flight SQL and as SQL: identical rows, those of a plain fold over what was
//! published; before compaction, after it, and between.

mod answer;
mod question;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::ipc::reader::StreamReader;
use lake_testkit::oracle::Incident;
use lake_testkit::{Answer, Row, Running};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use self::question::{Question, Source};
use crate::api::flight::connect;
use crate::harness::{Bench, CASES, CASES_RESOURCE};

const POLICE: &str = "wg3w-h783";
const POLICE_RESOURCE: &str = "police-department-incidents";

/// Questions of each state of the lake; in all some more than 500.
const QUESTIONS: usize = 168;

/// Questions of each state that are answered from decoded counts and by the engine; in all some more than 2,000.
const QUESTIONS_OF_BOTH: usize = 700;

/// A lake of two resources, served over HTTP and Flight SQL.
struct Lake {
    bench: Bench,
    serving: Running,
    sources: Vec<Source>,
}

impl Lake {
    /// Serves a lake after landing everything that the portal publishes now.
    fn serve(bench: Bench) -> Self {
        let source = |dataset: &str, resource, columns: [&'static str; 4]| Source {
            resource,
            columns,
            incidents: bench.oracle(dataset).incidents().values().cloned().collect::<Vec<Incident>>(),
        };
        let sources = vec![
            source(
                CASES,
                CASES_RESOURCE,
                ["service_name", "service_subtype", "police_district", "neighborhoods_sffind_boundaries"],
            ),
            source(
                POLICE,
                POLICE_RESOURCE,
                ["incident_category", "incident_subcategory", "police_district", "analysis_neighborhood"],
            ),
        ];
        let serving = bench.program().spawn_serving(&["serve", "--flight", "127.0.0.1:0"]);
        Self { bench, serving, sources }
    }

    fn landed() -> Bench {
        let bench = Bench::synthetic(1_500);
        // Some without a kind, a time or a place: what is null is asked for as well.
        let less = |row: &mut Row| {
            let even = row["service_request_id"].as_str().is_some_and(|id| id.as_bytes()[id.len() - 3] % 2 == 0);
            let gone = if even { ["service_subtype", "service_name"] } else { ["requested_datetime", "lat"] };
            for column in gone {
                row.remove(column);
            }
        };
        let some = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with("77"));
        bench.portal.update_where(CASES, some, less, 1_790_000_000_000);
        for resource in [CASES_RESOURCE, POLICE_RESOURCE] {
            bench.ingest(&bench.program(), resource, &["--page-size", "400"]).success();
        }
        bench
    }

    fn fast() -> Self {
        Self::serve(Self::landed())
    }

    fn compacted() -> Self {
        let bench = Self::landed();
        bench.program().run(&["compact"]).success();
        Self::serve(bench)
    }

    /// Creates a lake that was compacted, and then changed: rows moved, re-dated and of another kind.
    fn mixed() -> Self {
        let bench = Self::landed();
        bench.program().run(&["compact"]).success();
        let moved = |row: &mut Row| {
            row.insert("lat".to_owned(), "37.7512".into());
            row.insert("requested_datetime".to_owned(), "2024-06-06T06:06:06.000".into());
            row.insert("service_name".to_owned(), "Noise Report".into());
        };
        let some = |row: &Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('3'));
        bench.portal.update_where(CASES, some, moved, 1_795_000_000_000);
        bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
        Self::serve(bench)
    }

    async fn get(&self, path: &str) -> Answer {
        let answer = self.serving.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }

    /// Asks everything over everything.
    async fn ask(&self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut client = connect(&self.serving).await;
        let (mut filled, mut cut) = (0, 0);
        for n in 0..QUESTIONS {
            let question = Question::random(&self.sources, &mut random);
            let path = question.path();
            let expected = question.fold(&self.sources);
            filled += usize::from(!expected.rows.is_empty());
            cut += usize::from(expected.truncated);
            for format in answer::FORMATS {
                let answer = self.get(&format!("{path}&format={format}")).await;
                assert_eq!(answer.header("lake-exact"), Some("true"), "{path}");
                let truncated = if expected.truncated { "true" } else { "false" };
                assert_eq!(answer.header("lake-truncated"), Some(truncated), "{format}: {path}");
                assert_eq!(answer::rows(format, &answer.body), expected.rows, "seed {seed}, {n}, {format}: {path}");
            }
            let sql = question.sql();
            let batches = crate::api::flight::rows(&mut client, &sql).await;
            assert_eq!(answer::of_batches(&batches), expected.rows, "seed {seed}, {n}, Flight SQL: {sql}");
            if n % 24 == 0 {
                let program = self.bench.program();
                let printed = program.run(&["sql", "--format", "json", &sql]).success();
                assert_eq!(answer::rows("json", printed.stdout.as_bytes()), expected.rows, "sql: {sql}");
            }
        }
        assert!(filled > QUESTIONS / 2, "most questions have an answer: {filled}");
        assert!(cut > QUESTIONS / 20, "some answers are cut off: {cut}");
    }

    /// Asks the server that keeps counts decoded, and one that plans every answer.
    async fn ask_both(&self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let planning = self.bench.program().spawn_serving(&["serve", "--cache-mib", "0"]);
        for n in 0..QUESTIONS_OF_BOTH {
            let path = Question::random(&self.sources, &mut random).path();
            let (decoded, planned) = (self.get(&path).await, planning.get(&path).await);
            assert_eq!(planned.status, 200, "{path}: {}", planned.text());
            assert_eq!(decoded.text(), planned.text(), "seed {seed}, {n}: {path}");
            for header in ["lake-truncated", "lake-exact", "lake-version"] {
                assert_eq!(decoded.header(header), planned.header(header), "{header}, seed {seed}, {n}: {path}");
            }
        }
        let metrics = self.get("/metrics").await.text();
        let answers = metrics.lines().find_map(|line| line.strip_prefix("hotspots_decoded_answers_total "));
        let answers: usize = answers.expect("the metric").parse().expect("a number");
        assert!(answers > QUESTIONS_OF_BOTH / 2, "only {answers} answers are from memory");
        // The types of columns are those of the plan as well.
        for path in [
            "/aggregates?format=arrow&group_by=resource,cell,time,category,hour,weekday&per=km2",
            "/aggregates?format=arrow&group_by=",
            "/aggregates?format=arrow&group_by=time,neighborhood&time_precision=15m",
            "/aggregates?format=arrow&group_by=&bbox=-122.5,37.7,-122.4,37.8",
        ] {
            let rows = |answer: &Answer| {
                let reader = StreamReader::try_new(answer.body.as_slice(), None).expect("Arrow");
                let schema = reader.schema();
                let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("a batch")).collect();
                concat_batches(&schema, &batches).expect("rows of one schema")
            };
            let (decoded, planned) = (rows(&self.get(path).await), rows(&planning.get(path).await));
            assert_eq!(decoded.schema(), planned.schema(), "{path}");
            assert!(decoded == planned, "the rows of {path} differ");
        }
    }

    /// Checks the relations that hold between any answers.
    async fn hold_together(&self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let total = async |path: &str| -> i64 {
            let answer = self.get(&format!("/aggregates?{path}")).await;
            let rows = answer.json();
            rows.as_array().expect("an array").iter().map(|row| row["count"].as_i64().expect("a count")).sum()
        };
        let everything = total("group_by=").await;
        for dimension in
            ["resource", "cell", "time", "category", "subcategory", "district", "neighborhood", "hour", "weekday"]
        {
            assert_eq!(total(&format!("group_by={dimension}")).await, everything, "by {dimension}");
        }
        // Rows with a value, rows with others and rows without one add up to all.
        for label in ["category", "subcategory", "district", "neighborhood"] {
            let values: Vec<String> = self.values(label).await;
            let value = form(&values[random.random_range(0..values.len())]);
            let of = async |query: String| total(&format!("group_by=&{query}")).await;
            let (is, is_not) = (of(format!("{label}={value}")).await, of(format!("{label}!={value}&{label}!=")).await);
            let unknown = of(format!("{label}=")).await;
            assert_eq!(is + is_not + unknown, everything, "{label}={value}");
            assert_eq!(of(format!("{label}!={value}")).await, is_not + unknown, "{label}!={value}");
        }
        for (yes, no) in [("located=true", "located=false"), ("dated=true", "dated=false")] {
            assert_eq!(total(&format!("group_by=&{yes}")).await + total(&format!("group_by=&{no}")).await, everything);
        }
        // Children add up to their parents.
        let by_cell = async |resolution: u8| -> BTreeMap<String, i64> {
            let answer = self.get(&format!("/aggregates?group_by=cell&geo_precision={resolution}&located=true")).await;
            let rows = answer.json();
            let pair =
                |row: &serde_json::Value| (row["cell"].as_str().expect("a cell").to_owned(), row["count"].as_i64());
            rows.as_array().expect("rows").iter().map(pair).map(|(cell, n)| (cell, n.expect("a count"))).collect()
        };
        let mut finer = by_cell(10).await;
        for resolution in (0..10_u8).rev() {
            let coarser = by_cell(resolution).await;
            let mut sums: BTreeMap<String, i64> = BTreeMap::new();
            for (cell, count) in &finer {
                *sums.entry(question::parent(cell, resolution)).or_default() += count;
            }
            assert_eq!(coarser, sums, "resolution {resolution}");
            finer = coarser;
        }
        // Windows tile, wherever they are cut.
        let mut edges: Vec<String> = (0..7).map(|_| question::instant(&mut random)).collect();
        edges.sort();
        edges.dedup();
        let mut sum = 0;
        for pair in edges.windows(2) {
            sum += total(&format!("group_by=&start_time={}&end_time={}", pair[0], pair[1])).await;
        }
        let (first, last) = (&edges[0], &edges[edges.len() - 1]);
        assert_eq!(total(&format!("group_by=&start_time={first}&end_time={last}")).await, sum, "{edges:?}");
    }

    /// Returns the values of a label, as the facets have them.
    async fn values(&self, label: &str) -> Vec<String> {
        let facets = self.get(&format!("/facets?facet={label}")).await.json();
        let values = facets.as_array().expect("an array").iter().filter_map(|row| row["value"].as_str());
        values.map(str::to_owned).collect()
    }
}

/// Encodes a text for a query.
fn form(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_flight_and_sql_give_the_rows_of_a_plain_fold_before_compaction() {
    let lake = Lake::fast();
    lake.ask_both(21).await;
    lake.hold_together(1).await;
    lake.ask(11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_flight_and_sql_give_the_rows_of_a_plain_fold_after_compaction() {
    let lake = Lake::compacted();
    lake.ask_both(22).await;
    lake.hold_together(2).await;
    lake.ask(12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_flight_and_sql_give_the_rows_of_a_plain_fold_above_a_compaction() {
    let lake = Lake::mixed();
    lake.ask_both(23).await;
    lake.hold_together(3).await;
    lake.ask(13).await;
}

//! The files themselves: other readers open the tables and get the same numbers and the same wall-clock times.

use std::path::PathBuf;
use std::process::Command;

use lake_testkit::missing_tool;
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};

/// Returns a Python that has the readers.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from)?;
    let has = Command::new(&python).args(["-c", "import deltalake, duckdb, polars"]).output().ok()?;
    has.status.success().then_some(python)
}

fn run(python: &PathBuf, script: &str, arguments: &[&str]) -> Value {
    // Threads of the readers that run while the interpreter ends are not a part of the result.
    let script = format!("{script}\nimport os\nsys.stdout.flush()\nos._exit(0)\n");
    let output = Command::new(python).arg("-c").arg(script).args(arguments).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

const DELTALAKE: &str = "
import json, sys, deltalake, pyarrow.compute as pc
table = deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table()
print(json.dumps([table.num_rows, str(table.schema.field('occurred_at').type), str(pc.min(table['occurred_at']).as_py()), str(pc.max(table['occurred_at']).as_py())]))
";

const POLARS: &str = "
import json, sys, deltalake, polars
frame = polars.read_delta(sys.argv[1])
print(json.dumps([frame.height, str(frame.schema['occurred_at']), str(frame['occurred_at'].min()), str(frame['occurred_at'].max())]))
";

const DUCKDB: &str = "
import json, sys, deltalake, duckdb
files = deltalake.DeltaTable(sys.argv[1]).file_uris()
row = duckdb.sql('SELECT count(*), any_value(typeof(occurred_at)), CAST(min(occurred_at) AS VARCHAR), CAST(max(occurred_at) AS VARCHAR) FROM read_parquet(' + repr(files) + ')').fetchall()[0]
print(json.dumps(row))
";

#[test]
fn deltalake_polars_and_duckdb_read_the_same_incidents_at_the_same_wall_clock_times() {
    let test = "deltalake_polars_and_duckdb_read_the_same_incidents";
    let Some(python) = python() else {
        missing_tool(
            test,
            "a Python with deltalake, polars and duckdb",
            "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python",
        );
        return;
    };
    let bench = Bench::synthetic(2_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "300"]).success();
    bench.program().run(&["compact"]).success();
    let own = &bench.program().sql(
        "SELECT COUNT(*) AS n, CAST(MIN(occurred_at) AS VARCHAR) AS first, CAST(MAX(occurred_at) AS VARCHAR) AS last FROM incidents",
    )[0];
    assert_eq!(own["n"], bench.oracle(CASES).totals().incidents);
    let lake = bench.lake();
    let plain =
        |value: &Value| value.as_str().expect("a time").replace('T', " ").split('.').next().expect("a time").to_owned();
    let table = lake.join("incidents");
    let table = table.to_str().expect("a path");
    for (reader, script, kinds) in [
        ("deltalake", DELTALAKE, "timestamp[us]"),
        ("polars", POLARS, "Datetime(time_unit='us', time_zone=None)"),
        ("duckdb", DUCKDB, "TIMESTAMP"),
    ] {
        let read = run(&python, script, &[table]);
        assert_eq!(read[0], own["n"], "{reader}");
        assert_eq!(read[1], kinds, "{reader} reads wall-clock time without a zone");
        assert_eq!((plain(&read[2]), plain(&read[3])), (plain(&own["first"]), plain(&own["last"])), "{reader}");
    }
    // The raw rows, the fast counts and the rejects open as well, whatever they hold.
    for name in ["raw/311-cases", "fast_counts", "counts", "rejects"] {
        let path = lake.join(name);
        let rows = run(
            &python,
            "import json, sys, deltalake; print(json.dumps(deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table().num_rows))",
            &[path.to_str().expect("a path")],
        );
        let stored = if name.starts_with("raw/") { "raw.\"311_cases\"".to_owned() } else { format!("stored.{name}") };
        assert_eq!(rows, json!(bench.program().sql(&format!("SELECT COUNT(*) AS n FROM {stored}"))[0]["n"]), "{name}");
    }
}

const COUNTED_BY_DELTALAKE: &str = "
import json, sys, deltalake, pyarrow as pa, pyarrow.compute as pc
def rows(name, columns):
    table = deltalake.DeltaTable(sys.argv[1] + '/' + name).to_pyarrow_table(columns=columns)
    month = pc.strftime(table['occurred_at'], format='%Y-%m')
    count = table['count'] if 'count' in columns else pa.array([1] * table.num_rows)
    table = pa.table({'month': month, 'category': table['category'], 'count': count})
    return table.group_by(['month', 'category']).aggregate([('count', 'sum')]).select(['month', 'category', 'count_sum'])
def said(table):
    return [list(row.values()) for row in table.to_pylist()]
print(json.dumps([said(rows('counts', ['occurred_at', 'category', 'count'])), said(rows('incidents', ['occurred_at', 'category']))]))
";

const COUNTED_BY_POLARS: &str = "
import json, sys, polars
def said(name, count):
    month = polars.col('occurred_at').dt.strftime('%Y-%m').alias('month')
    return polars.scan_delta(sys.argv[1] + '/' + name).group_by(month, 'category').agg(count).collect().rows()
print(json.dumps([said('counts', polars.col('count').sum()), said('incidents', polars.len())]))
";

const COUNTED_BY_DUCKDB: &str = "
import json, sys, deltalake, duckdb
def said(name, count):
    files = deltalake.DeltaTable(sys.argv[1] + '/' + name).file_uris()
    return duckdb.sql(f\"SELECT strftime(occurred_at, '%Y-%m'), category, {count} FROM read_parquet({files!r}) GROUP BY ALL\").fetchall()
print(json.dumps([said('counts', 'CAST(sum(count) AS BIGINT)'), said('incidents', 'count(*)')]))
";

#[tokio::test(flavor = "multi_thread")]
async fn deltalake_polars_and_duckdb_count_from_the_files_what_aggregates_answers() {
    let Some(python) = python() else {
        missing_tool(
            "deltalake_polars_and_duckdb_count_from_the_files",
            "a Python with deltalake, polars and duckdb",
            "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python",
        );
        return;
    };
    let bench = Bench::synthetic(3_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "700"]).success();
    bench.program().run(&["compact"]).success();
    // Rows that moved, changed and were compacted again: replaced files are in the folder and no longer in the table.
    let moved = |row: &mut lake_testkit::Row| {
        row.insert("requested_datetime".to_owned(), "2024-06-06T06:06:06.000".into());
        row.insert("service_name".to_owned(), "Noise Report".into());
    };
    let some = |row: &lake_testkit::Row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('3'));
    bench.portal.update_where(CASES, some, moved, 1_790_000_000_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let answer = serving.get("/aggregates?group_by=time,category&time_precision=1mo").await;
    type Counts = std::collections::BTreeMap<(Option<String>, Option<String>), i64>;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut answered = Counts::new();
    for row in answer.json().as_array().expect("rows") {
        let month = text(&row["occurred_at"]).map(|month| month[..7].to_owned());
        answered.insert((month, text(&row["category"])), row["count"].as_i64().expect("a count"));
    }
    assert_eq!(answered, bench.oracle(CASES).by_month_category());
    let lake = bench.lake();
    for (reader, script) in
        [("deltalake", COUNTED_BY_DELTALAKE), ("polars", COUNTED_BY_POLARS), ("duckdb", COUNTED_BY_DUCKDB)]
    {
        let read = run(&python, script, &[lake.to_str().expect("a path")]);
        for (table, rows) in ["counts", "incidents"].into_iter().zip(read.as_array().expect("two tables")) {
            let rows = rows.as_array().expect("rows");
            let counted: Counts =
                rows.iter().map(|row| ((text(&row[0]), text(&row[1])), row[2].as_i64().expect("a count"))).collect();
            assert_eq!((counted.len(), &counted), (rows.len(), &answered), "{reader} over {table}");
        }
    }
}

const GEOPANDAS: &str = "
import json, sys, geopandas
frame = geopandas.read_parquet(sys.argv[1])
kinds = sorted(set(frame.geometry.dropna().geom_type))
first = frame.dropna(subset=['geometry']).iloc[0]
at = [first.geometry.centroid.x, first.geometry.centroid.y]
print(json.dumps([len(frame), kinds, str(frame.crs), at, bool(frame.geometry.dropna().is_valid.all())]))
";

#[tokio::test(flavor = "multi_thread")]
async fn geopandas_reads_the_places_of_a_parquet_answer() {
    let Some(python) = python() else {
        let how = "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python";
        missing_tool("geopandas_reads_the_places_of_a_parquet_answer", "a Python with geopandas", how);
        return;
    };
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    for (path, kind) in [("/incidents?located=true", "Point"), ("/aggregates?located=true", "Polygon")] {
        let file = bench.folder.path().join("answer.parquet");
        std::fs::write(&file, serving.get(&format!("{path}&format=parquet")).await.body).expect("a file");
        let rows = serving.get(path).await.json();
        let read = run(&python, GEOPANDAS, &[file.to_str().expect("a path")]);
        assert_eq!(read[0], rows.as_array().expect("rows").len());
        assert_eq!((&read[1], &read[2], &read[4]), (&json!([kind]), &json!("OGC:CRS84"), &json!(true)));
        let at = |n: usize| read[3][n].as_f64().expect("degrees");
        if kind == "Point" {
            let first = &rows[0];
            assert_eq!((Some(at(0)), Some(at(1))), (first["longitude"].as_f64(), first["latitude"].as_f64()));
        }
        assert!((-123.0..-122.0).contains(&at(0)) && (37.0..38.0).contains(&at(1)), "{read}");
    }
}

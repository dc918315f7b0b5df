//! Arrow Flight SQL with the ADBC driver for Python, as users connect.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lake_testkit::missing_tool;
use serde_json::{Value, json};

use super::{Flight, lake};
use crate::api::wire::certificate;
use crate::harness::process_bytes;

/// Returns a Python that has the driver.
fn python(test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from);
    let has = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", "import adbc_driver_flightsql.dbapi, pyarrow"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = python.filter(has);
    if found.is_none() {
        let how = "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python";
        missing_tool(test, "a Python with adbc_driver_flightsql", how);
    }
    found
}

/// The beginning of every script.
const PRELUDE: &str = "
import datetime, json, sys, warnings
import adbc_driver_flightsql.dbapi as dbapi, adbc_driver_manager, pyarrow
from adbc_driver_flightsql import DatabaseOptions
warnings.simplefilter('ignore')
def connect(**options):
    return dbapi.connect(sys.argv[1], db_kwargs=options, autocommit=True)
def rows(connection, query, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()
";

fn output(python: &Path, script: &str, arguments: &[&str]) -> Output {
    let script = format!("{PRELUDE}\n{script}");
    Command::new(python).arg("-c").arg(script).args(arguments).output().expect("Python runs")
}

fn run(python: &Path, script: &str, arguments: &[&str]) -> Value {
    let output = output(python, script, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn adbc_connects_lists_everything_and_selects() {
    let Some(python) = python("adbc_connects_lists_everything_and_selects") else { return };
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let script = "
with connect() as connection:
    objects = connection.adbc_get_objects(depth='all').read_all().to_pylist()
    found = [[catalog['catalog_name'], schema['db_schema_name'], table['table_name'], table['table_type'],
              [column['column_name'] for column in table['table_columns']]]
             for catalog in objects for schema in catalog['catalog_db_schemas']
             for table in schema['db_schema_tables']]
    schema = connection.adbc_get_table_schema('incidents', db_schema_filter='main')
    info = connection.adbc_get_info()
    print(json.dumps({
        'objects': found,
        'types': sorted(connection.adbc_get_table_types()),
        'incidents': {field.name: str(field.type) for field in schema},
        'vendor': info['vendor_name'],
        'one': rows(connection, 'SELECT 1'),
        'counted': rows(connection, 'SELECT COUNT(*), SUM(count) FROM counts'),
    }))
";
    let told = run(&python, script, &[&format!("grpc://{}", flight.address)]);
    let objects = told["objects"].as_array().expect("tables");
    let names: Vec<String> = objects.iter().map(|o| format!("{}.{}.{}", o[0], o[1], o[2]).replace('"', "")).collect();
    for table in ["lake.main.incidents", "lake.main.counts", "lake.stored.fast_counts", "lake.raw.311_cases"] {
        assert!(names.iter().any(|name| name == table), "{table} in {names:?}");
    }
    let columns = |table: &str| {
        let found = objects.iter().find(|o| o[1] == "main" && o[2] == table).expect("a table");
        assert_eq!(found[3], "VIEW");
        found[4].as_array().expect("columns").clone()
    };
    assert!(columns("incidents").contains(&json!("occurred_at")));
    assert!(columns("counts").contains(&json!("count")));
    assert_eq!(told["types"], json!(["TABLE", "VIEW"]));
    assert_eq!(told["incidents"]["occurred_at"], "timestamp[us]");
    assert_eq!(told["vendor"], "hotspots-lake");
    assert_eq!(told["one"], json!([[1]]));
    let own = &bench.program().sql("SELECT COUNT(*) AS n, SUM(count) AS c FROM counts")[0];
    assert_eq!(told["counted"], json!([[own["n"], own["c"]]]));
}

#[test]
fn adbc_binds_values_of_every_type_to_both_kinds_of_places() {
    let Some(python) = python("adbc_binds_values_of_every_type_to_both_kinds_of_places") else { return };
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let script = "
values = [7, 1.5, \"it's; -- ?\", None, True, datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5)]
with connect() as connection:
    for places in (['?'] * 7, ['$%d' % n for n in range(1, 8)]):
        answered = rows(connection, 'SELECT ' + ', '.join(places), values)
        assert answered == [tuple(values)], answered
    for place in '?', '$1':
        many = rows(connection, 'SELECT COUNT(*) FROM incidents WHERE category = ' + place, [sys.argv[2]])
        none = rows(connection, 'SELECT COUNT(*) FROM incidents WHERE category = ' + place, ['no such'])
    limited = rows(connection, 'SELECT id FROM incidents ORDER BY id LIMIT ?', [3])
    first = rows(connection, 'SELECT CAST($2 AS VARCHAR) || CAST($1 AS VARCHAR) || $2', ['a', 'b'])
    print(json.dumps([many[0][0], none[0][0], len(limited), first]))
";
    let most = &bench.program().sql("SELECT category AS c, COUNT(*) AS n FROM incidents GROUP BY 1 ORDER BY 2 DESC")[0];
    let category = most["c"].as_str().expect("a category");
    let told = run(&python, script, &[&format!("grpc://{}", flight.address), category]);
    assert_eq!(told, json!([most["n"], 0, 3, [["bab"]]]));
}

#[test]
fn adbc_gets_errors_that_name_the_column_and_cannot_write() {
    let Some(python) = python("adbc_gets_errors_that_name_the_column_and_cannot_write") else { return };
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let script = "
def error(query):
    try:
        with connect() as connection:
            rows(connection, query)
    except adbc_driver_manager.Error as error:
        return [error.status_code.name, str(error)]
print(json.dumps([error('SELECT resource, categry FROM counts'), error('INSERT INTO stored.counts SELECT * FROM stored.counts')]))
";
    let told = run(&python, script, &[&format!("grpc://{}", flight.address)]);
    assert_eq!(told[0][0], "INVALID_ARGUMENT", "{told}");
    let text = told[0][1].as_str().expect("words");
    assert!(text.contains("line 1, column 18") && text.contains("categry"), "{text}");
    assert!(told[1][1].as_str().is_some_and(|text| text.contains("read-only")), "{told}");
}

#[test]
fn ten_million_rows_stream_through_adbc_while_the_server_holds_few_of_them() {
    let Some(python) = python("ten_million_rows_stream_through_adbc_while_the_server_holds_few_of_them") else {
        return;
    };
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let script = "
import time
import pyarrow.compute as pc
query = \"SELECT value, value * 3 AS tripled, 'row number ' || value AS name FROM generate_series(1, %s)\"
count = total = tripled = size = 0
began = time.monotonic()
with connect() as connection, connection.cursor() as cursor:
    cursor.execute(query % sys.argv[2])
    for batch in cursor.fetch_record_batch():
        count += batch.num_rows
        size += batch.nbytes
        total += pc.sum(batch['value']).as_py()
        tripled += pc.sum(batch['tripled']).as_py()
print(json.dumps([count, total, tripled, size, time.monotonic() - began]))
";
    let url = format!("grpc://{}", flight.address);
    // The memory of the first answer, whatever its length, is not counted.
    run(&python, script, &[&url, "100000"]);
    let peak_bytes = || process_bytes(flight.serving.id(), "VmHWM").expect("a running process");
    let before = peak_bytes();
    let told = run(&python, script, &[&url, "10000000"]);
    let n = 10_000_000_i64;
    let sum = n * (n + 1) / 2;
    assert_eq!(json!([told[0], told[1], told[2]]), json!([n, sum, 3 * sum]));
    let bytes = told[3].as_u64().expect("bytes");
    // The kernel adds a peak up from counters of each processor, so a later one may read a little lower.
    let grown = peak_bytes().saturating_sub(before);
    eprintln!("{n} rows, {} MiB in {} s; the server's peak grew by {} MiB", bytes >> 20, told[4], grown >> 20);
    assert!(bytes > 300 << 20, "the answer is large: {bytes}");
    assert!(grown < 128 << 20, "the server's peak grew by {grown} bytes");
}

#[test]
fn tls_shows_the_users_certificate_and_a_basic_login_goes_through_it() {
    let test = "tls_shows_the_users_certificate_and_a_basic_login_goes_through_it";
    let Some(python) = python(test) else { return };
    let bench = lake();
    let Some((certificate, key)) = certificate(test, bench.folder.path()) else { return };
    let program = bench.program().env("HOTSPOTS_TOKEN", "a-token-of-long-standing");
    let flight = Flight::start(&program, &["--tls-cert", &certificate, "--tls-key", &key]);
    let script = "
certificate = open(sys.argv[2]).read()
with connect(**{DatabaseOptions.TLS_ROOT_CERTS.value: certificate, 'username': 'anybody', 'password': 'a-token-of-long-standing'}) as connection:
    trusted = rows(connection, 'SELECT 1')
try:
    with connect() as connection:
        rows(connection, 'SELECT 1')
    other = 'connected'
except adbc_driver_manager.Error as error:
    other = str(error)
import ssl, urllib.request
context = ssl.create_default_context(cafile=sys.argv[2])
http = urllib.request.urlopen(sys.argv[3] + '/healthz', context=context).read().decode()
print(json.dumps([trusted, other, http]))
";
    let line = flight.serving.wait_for_log("listening on https://", super::PATIENCE);
    let https = line.split_whitespace().last().expect("an address");
    let told = run(&python, script, &[&format!("grpc+tls://{}", flight.address), &certificate, https]);
    assert_eq!((&told[0], &told[2]), (&json!([[1]]), &json!("ok")), "{told}");
    assert!(told[1].as_str().is_some_and(|text| text.contains("certificate")), "an unknown authority: {told}");
    // Without TLS nothing is answered.
    let plain = output(&python, "rows(connect(), 'SELECT 1')", &[&format!("grpc://{}", flight.address)]);
    assert!(!plain.status.success());

    let wrong =
        bench.program().run(&["serve", "--flight", "127.0.0.1:0", "--tls-cert", &key, "--tls-key", &certificate]);
    let wrong = wrong.expect_status(2);
    assert!(wrong.stderr.contains("server.crt"), "{}", wrong.stderr);
    let missing = bench.program().run(&["serve", "--flight", "127.0.0.1:0", "--tls-cert", &certificate]);
    assert!(missing.expect_status(2).stderr.contains("--tls-key"));
}

"""Every type in every format, over HTTP and by `sql`: each answer is read by a strict reader and holds the right value,
or is refused before its head in words that name the column.

    python tests/api/formats/check.py http://127.0.0.1:8080 target/debug/hotspots-lake LAKE SCRATCH_FILE
"""

import csv
import datetime as dt
import decimal
import io
import json
import math
import subprocess
import sys
import urllib.error
import urllib.request

import duckdb
import pyarrow
import pyarrow.ipc
import pyarrow.parquet

TEXT_FORMATS = {"json", "ndjson", "csv", "geojson"}
FORMATS = ("json", "ndjson", "csv", "geojson", "arrow", "parquet")
UTC = dt.UTC
MONTH = pyarrow.MonthDayNano([1, 0, 0])
FAR = "9223372036854775807"

# An expression, its value in Arrow and Parquet, in JSON, and in CSV; and the formats that cannot hold it.
VALUES = [
    ("TRUE", True, True, "true", set()),
    ("CAST(-7 AS SMALLINT)", -7, -7, "-7", set()),
    ("9223372036854775807", 9223372036854775807, 9223372036854775807, "9223372036854775807", set()),
    ("arrow_cast(18446744073709551615, 'UInt64')", 2**64 - 1, 2**64 - 1, "18446744073709551615", set()),
    ("arrow_cast(1.5, 'Float16')", 1.5, 1.5, "1.5", set()),
    ("CAST(0.1 AS DOUBLE)", 0.1, 0.1, "0.1", set()),
    ("CAST('NaN' AS DOUBLE)", math.nan, None, "NaN", set()),
    ("CAST('Infinity' AS DOUBLE)", math.inf, None, "inf", set()),
    ("CAST('-Infinity' AS REAL)", -math.inf, None, "-inf", set()),
    ("CAST(1.50 AS DECIMAL(10, 2))", decimal.Decimal("1.50"), 1.5, "1.50", set()),
    ("arrow_cast(1.5, 'Decimal256(50, 10)')", decimal.Decimal("1.5"), 1.5, "1.5000000000", set()),
    ("NULL", None, None, "", set()),
    ("CAST(NULL AS BIGINT)", None, None, "", set()),
    ("''", "", "", "", set()),
    ("'a,\"b\"' || chr(10) || 'c' || chr(13) || 'd'", 'a,"b"\nc\rd', 'a,"b"\nc\rd', 'a,"b"\nc\rd', set()),
    ("'ä' || chr(128512) || chr(8232)", "ä\U0001f600\u2028", "ä\U0001f600\u2028", "ä\U0001f600\u2028", set()),
    ("arrow_cast('a', 'LargeUtf8')", "a", "a", "a", set()),
    ("arrow_cast('a', 'Utf8View')", "a", "a", "a", set()),
    ("arrow_cast('a', 'Dictionary(Int32, Utf8)')", "a", "a", "a", set()),
    ("X'00ff'", b"\x00\xff", "00ff", "00ff", set()),
    ("arrow_cast('a', 'BinaryView')", b"a", "61", "61", set()),
    ("DATE '2024-02-29'", dt.date(2024, 2, 29), "2024-02-29", "2024-02-29", set()),
    (
        "arrow_cast(DATE '2024-02-29', 'Date64')",
        dt.date(2024, 2, 29),
        "2024-02-29T00:00:00",
        "2024-02-29T00:00:00",
        set(),
    ),
    ("DATE '0001-01-01'", dt.date(1, 1, 1), "0001-01-01", "0001-01-01", set()),
    ("TIME '12:30:00'", dt.time(12, 30), "12:30:00", "12:30:00", set()),
    ("arrow_cast('12:30:00', 'Time32(Second)')", dt.time(12, 30), "12:30:00", "12:30:00", set()),
    (
        "arrow_cast('2024-01-01T00:00:00', 'Timestamp(Second, None)')",
        dt.datetime(2024, 1, 1),
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00",
        set(),
    ),
    (
        "arrow_cast('9999-12-31T23:59:59', 'Timestamp(Microsecond, None)')",
        dt.datetime(9999, 12, 31, 23, 59, 59),
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59",
        set(),
    ),
    (
        "arrow_cast('2024-01-01T00:00:00Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
        dt.datetime(2024, 1, 1, tzinfo=UTC),
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z",
        set(),
    ),
    (f"arrow_cast({FAR}, 'Timestamp(Microsecond, None)')", ..., ..., ..., TEXT_FORMATS),
    (f"arrow_cast({FAR}, 'Timestamp(Second, None)')", ..., ..., ..., TEXT_FORMATS | {"parquet"}),
    ("arrow_cast(2147483647, 'Date32')", ..., ..., ..., TEXT_FORMATS),
    (f"make_array(arrow_cast({FAR}, 'Timestamp(Microsecond, None)'))", ..., ..., ..., TEXT_FORMATS),
    ("arrow_cast(97445000000, 'Duration(Microsecond)')", dt.timedelta(seconds=97445), "PT97445S", "PT97445S", set()),
    ("INTERVAL '1 month'", MONTH, "1 mons", "1 mons", {"parquet"}),
    ("make_array(INTERVAL '1 month')", [MONTH], ["1 mons"], '["1 mons"]', {"parquet"}),
    ("make_array(1, NULL, 3)", [1, None, 3], [1, None, 3], "[1,null,3]", set()),
    ("make_array('a, b', 'c')", ["a, b", "c"], ["a, b", "c"], '["a, b","c"]', set()),
    ("make_array(make_array(1), make_array(2, 3))", [[1], [2, 3]], [[1], [2, 3]], "[[1],[2,3]]", set()),
    ("[]", [], [], "[]", set()),
    ("named_struct('a', 1, 'b', 'x')", {"a": 1, "b": "x"}, {"a": 1, "b": "x"}, '{"a":1,"b":"x"}', set()),
    ("named_struct('a', 1, 'a', 'x')", ..., ..., ..., set(FORMATS)),
    (
        "named_struct('t', arrow_cast('2024-01-01T00:00:00', 'Timestamp(Second, None)'))",
        {"t": dt.datetime(2024, 1, 1)},
        {"t": "2024-01-01T00:00:00"},
        '{"t":"2024-01-01T00:00:00"}',
        {"parquet"},
    ),
    ("map(['a'], [1])", [("a", 1)], {"a": 1}, '{"a":1}', set()),
    ("map([1], ['a'])", [(1, "a")], ..., ..., TEXT_FORMATS),
]

# A statement, the names of its columns, its rows as JSON, and as lines of CSV.
STATEMENTS = [
    ("SELECT id AS v FROM incidents WHERE FALSE", ["v"], [], []),
    ('SELECT 1 AS ""', [""], [{"": 1}], ["1"]),
    ('SELECT 1 AS "a ""b"", c"', ['a "b", c'], [{'a "b", c': 1}], ["1"]),
    (
        "SELECT v FROM (VALUES ('a'), (NULL), ('b')) AS t(v)",
        ["v"],
        [{"v": "a"}, {"v": None}, {"v": "b"}],
        ["a", '""', "b"],
    ),
    (
        "SELECT a.v, b.v, 3 AS v_2, c.v FROM (SELECT 1 AS v) AS a, (SELECT 2 AS v) AS b, (SELECT 4 AS v) AS c",
        ["v", "v_3", "v_2", "v_4"],
        [{"v": 1, "v_3": 2, "v_2": 3, "v_4": 4}],
        ["1,2,3,4"],
    ),
    (
        "SELECT a.cell, b.cell FROM (SELECT 613196570331971583 AS cell) AS a, (SELECT 613196570331971583 AS cell) AS b",
        ["cell", "cell_2"],
        [{"cell": "8828308281fffff", "cell_2": "8828308281fffff"}],
        ["8828308281fffff,8828308281fffff"],
    ),
    (
        "SELECT CAST('NaN' AS DOUBLE) AS latitude, CAST(1 AS DOUBLE) AS longitude",
        ["latitude", "longitude"],
        [{"latitude": None, "longitude": 1.0}],
        ["NaN,1.0"],
    ),
]

failures = []
tried = 0


def holds(name, good, told=""):
    global tried
    tried += 1
    if not good:
        failures.append(f"{name}: {told!r}"[:600])


def strict(text):
    """JSON whose members have names of their own, and which has no numbers that JSON does not have."""

    def members(pairs):
        assert len({name for name, _ in pairs}) == len(pairs), f"a member named twice: {pairs}"
        return dict(pairs)

    def no_number(word):
        raise ValueError(f"{word} is no JSON")

    return json.loads(text, object_pairs_hook=members, parse_constant=no_number)


def same(left, right):
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def json_rows(format, body):
    text = body.decode("utf-8")
    if format == "json":
        return strict(text)
    if format == "ndjson":
        return [strict(line) for line in text.split("\n") if line]
    whole = strict(text)
    assert whole["type"] == "FeatureCollection"
    return [feature["properties"] for feature in whole["features"]]


def csv_rows(body):
    lines = body.decode("utf-8")
    assert "\n\n" not in lines, "an empty line, which readers skip"
    head, *rows = csv.reader(io.StringIO(lines, newline=""), strict=True)
    assert all(len(row) == len(head) for row in rows), "rows of another width"
    return head, rows


def arrow_table(format, body):
    if format == "arrow":
        return pyarrow.ipc.open_stream(io.BytesIO(body)).read_all()
    # Two readers of Parquet: the second ignores Arrow's types.
    table = pyarrow.parquet.ParquetFile(io.BytesIO(body)).read()
    with open(answer_file, "wb") as file:
        file.write(body)
    counted = duckdb.execute(f"SELECT COUNT(*) FROM read_parquet('{answer_file}')").fetchall()
    assert counted == [(table.num_rows,)], counted
    return table


def over_http(query, format):
    body = json.dumps({"query": query, "format": format}).encode()
    request = urllib.request.Request(f"{base}/sql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return 200, response.read()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["detail"].encode()


def by_sql(query, format):
    done = subprocess.run([program, "sql", "--lake", lake, "--format", format, query], capture_output=True, check=False)
    return (200, done.stdout) if done.returncode == 0 else ({2: 400}.get(done.returncode, done.returncode), done.stderr)


def check_value(ask, name, expression, arrow, in_json, in_csv, refused, formats):
    for format in formats:
        title = f"{name}, {format}: {expression}"
        status, body = ask(f"SELECT {expression} AS v", format)
        if format in refused:
            holds(title, status == 400 and b"`v`" in body, (status, body))
            continue
        if status != 200:
            holds(title, False, (status, body))
            continue
        try:
            if format == "csv":
                _, rows = csv_rows(body)
                holds(title, rows == [[in_csv]], rows)
            elif format in ("arrow", "parquet"):
                table = arrow_table(format, body)
                if arrow is not ...:
                    value = table.column(0).to_pylist()[0]
                    holds(title, same(value, arrow), value)
            else:
                rows = json_rows(format, body)
                holds(title, len(rows) == 1 and same(rows[0]["v"], in_json), rows)
        except Exception as error:
            holds(title, False, (error, body[:200]))


def check_statement(ask, name, query, names, rows, lines):
    for format in FORMATS:
        title = f"{name}, {format}: {query}"
        if name == "sql" and format == "geojson":
            continue
        status, body = ask(query, format)
        try:
            assert status == 200, body
            if format == "csv":
                head, read = csv_rows(body)
                holds(title, head == names and len(read) == len(rows), (head, read))
                holds(title, body.decode().split("\n")[1:-1] == lines, body)
            elif format in ("arrow", "parquet"):
                table = arrow_table(format, body)
                holds(title, table.column_names == names and table.num_rows == len(rows), table.schema)
            else:
                holds(title, json_rows(format, body) == rows, body)
        except Exception as error:
            holds(title, False, (error, body[:200]))


base, program, lake, answer_file = sys.argv[1:5]
for case in VALUES:
    check_value(over_http, "HTTP", *case, FORMATS)
for statement in STATEMENTS:
    check_statement(over_http, "HTTP", *statement)
# The command line writes with the same code; each of its runs opens the lake again.
for case in [case for case in VALUES if case[4]]:
    check_value(by_sql, "sql", *case, ("json", "parquet"))
for statement in STATEMENTS[3:6]:
    check_statement(by_sql, "sql", *statement)
print("\n".join(failures))
print(f"{tried - len(failures)} of {tried} as expected")
sys.exit(1 if failures or tried < 300 else 0)

"""Small lakes full of nulls, made and served by the built program, and the same rows in DuckDB.

The rows of `raw` and `stored` are read from the Parquet files that the tables' logs name, so DuckDB has them from
another reader. `incidents`, `counts` and `rejects` are read from the lake as a whole; other tests hold those against an
oracle.
"""

from __future__ import annotations

import datetime
import http.client
import io
import json
import pathlib
import random
import subprocess
import threading
import urllib.parse

import deltalake
import duckdb
import pyarrow
import pyarrow.ipc

from queries import Table
from tree import BOOL, FLOAT, INT, TEXT, TIME

STATES = ("pending", "mixed", "compacted")
ROWS = 150
SERVER_START_SECONDS = 60
REQUEST_SECONDS = 60
# How many values of a column occur in queries.
SAMPLES_PER_COLUMN = 12

# The key of each table: what identifies its rows.
KEYS = {
    "incidents": ("resource", "id"),
    "counts": ("resource", "occurred_at", "cell", "category", "subcategory", "district", "neighborhood"),
    "rejects": ("resource", "identity"),
    "stored.incidents": ("resource", "id"),
    'raw."311_cases"': ("_batch", "_row"),
    "raw.fire_incidents": ("_batch", "_row"),
}

CATEGORIES = ("Graffiti", "graffiti", "Street Cleaning", "Noise", "Encampment's", "", "Ämter", "100%_sure")
SUBTYPES = ("Offensive", "Not Offensive", "A", "a_b", "ä")
DISTRICTS = ("Mission", "Central", "Bayview", "Park")
HOODS = ("Bernal Heights", "Inner Sunset", "SoMa", "Mission")
STATUSES = ("Open", "Closed", "open")


class LakeError(Exception):
    """What kept a lake from being made."""


class Lake:
    """A lake in a directory, in one of the states, and the server over it."""

    def __init__(self, program: str, directory: pathlib.Path, state: str, seed: int):
        self.program, self.directory, self.state = program, directory, state
        self.process: subprocess.Popen | None = None
        self.log: list[str] = []
        self.address = ""
        self.connection: http.client.HTTPConnection | None = None
        chance = random.Random(seed)
        cases, fires = case_rows(chance), fire_rows(chance)
        half = len(cases) // 2
        self.ingest("311-cases", cases[:half] if state == "mixed" else cases)
        self.ingest("fire-incidents", fires)
        if state != "pending":
            self.run("compact")
        if state == "mixed":
            changed = [{**row, "service_name": "Noise", "lat": "37.7512"} for row in cases[:half:5]]
            self.ingest("311-cases", cases[half:] + changed)

    def run(self, *arguments: str) -> None:
        command = [self.program, *arguments, "--lake", str(self.directory / "lake")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LakeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")

    def ingest(self, resource: str, rows: list[dict]) -> None:
        path = self.directory / f"rows-{len(list(self.directory.iterdir()))}.json"
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        self.run("ingest", resource, "--file", str(path))

    def __enter__(self) -> Lake:
        command = [self.program, "serve", "--lake", str(self.directory / "lake"), "--http", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        is_listening = threading.Event()
        threading.Thread(target=self.read_log, args=(is_listening,), daemon=True).start()
        if not is_listening.wait(SERVER_START_SECONDS) or not self.address:
            raise LakeError("the server does not listen: " + "".join(self.log[-20:]))
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SERVER_START_SECONDS)

    def read_log(self, is_listening: threading.Event) -> None:
        for line in self.process.stderr:
            self.log.append(line)
            if "listening on http://" in line:
                self.address = line.split("listening on http://", 1)[1].split()[0]
                is_listening.set()
        is_listening.set()

    def ask(self, query: str) -> Answer:
        """The answer to a query; one that the connection breaks under is an answer as well."""
        body = json.dumps({"query": query, "format": "arrow", "limit": 200_000})
        for attempt in (1, 2):
            if self.connection is None:
                address = urllib.parse.urlsplit(f"http://{self.address}")
                self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=REQUEST_SECONDS)
            try:
                self.connection.request("POST", "/sql", body, {"Content-Type": "application/json"})
                response = self.connection.getresponse()
                return Answer(response.status, response.read())
            except (http.client.HTTPException, OSError) as error:
                self.connection.close()
                self.connection = None
                # A server may close a connection that was not used for a while.
                if attempt == 2:
                    return Answer(0, repr(error).encode())
        raise AssertionError

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Answer:
    """What the lake said to a query."""

    def __init__(self, status: int, body: bytes):
        self.status, self.body = status, body

    def rows(self) -> list[tuple]:
        table = pyarrow.ipc.open_stream(io.BytesIO(self.body)).read_all()
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def words(self) -> str:
        try:
            return json.loads(self.body)["detail"]
        except (ValueError, KeyError):
            return self.body[:500].decode("utf-8", "replace")


def case_rows(chance: random.Random) -> list[dict]:
    """Rows as the portal of 311 cases publishes them: a null is an absent member."""
    rows = []
    for number in range(ROWS):
        opened = moment(chance)
        row = {
            "service_request_id": str(1000 + number),
            "requested_datetime": opened,
            "closed_date": moment(chance) if chance.random() < 0.5 else None,
            "updated_datetime": opened if chance.random() < 0.3 else None,
            "status_description": chance.choice(STATUSES),
            "service_name": chance.choice(CATEGORIES),
            "service_subtype": chance.choice(SUBTYPES),
            "police_district": chance.choice(DISTRICTS),
            "neighborhoods_sffind_boundaries": chance.choice(HOODS),
            "supervisor_district": str(chance.randint(1, 4)),
            "lat": str(37.70 + chance.randint(0, 12) / 100),
            "long": str(-122.50 + chance.randint(0, 12) / 100),
            "source": chance.choice(("Phone", "Web")),
        }
        if chance.random() < 0.03:
            row["service_request_id"] = "none"
        rows.append(with_nulls(chance, row, "service_request_id"))
    return rows


def fire_rows(chance: random.Random) -> list[dict]:
    """Rows of fire incidents."""
    rows = []
    for number in range(ROWS // 3):
        at = moment(chance)
        row = {
            "id": str(9000 + number),
            "incident_number": str(9000 + number),
            "incident_date": at,
            "alarm_dttm": at,
            "primary_situation": chance.choice(("111 Fire", "Noise", "Graffiti")),
            "neighborhood_district": chance.choice(HOODS),
            "battalion": chance.choice(("B01", "B02")),
            "supervisor_district": str(chance.randint(1, 4)),
        }
        rows.append(with_nulls(chance, row, "id", "incident_number"))
    return rows


def with_nulls(chance: random.Random, row: dict, *kept: str) -> dict:
    return {name: held for name, held in row.items() if held is not None and (name in kept or chance.random() < 0.75)}


def moment(chance: random.Random) -> str:
    """A time: mostly within a few days, so that times meet; some at the edges of months, years and daylight saving."""
    if chance.random() < 0.2:
        return chance.choice(
            (
                "2024-02-29T23:59:59.000",
                "2023-12-31T00:00:00.000",
                "2024-03-10T02:30:00.000",
                "1969-12-31T23:00:00.000",
                "1999-01-31T12:00:00.000",
                "2024-12-30T00:00:00.000",
            )
        )
    day = datetime.datetime(2024, 6, 1) + datetime.timedelta(
        hours=chance.randint(0, 96), minutes=30 * chance.randint(0, 1)
    )
    return day.isoformat(timespec="milliseconds")


KINDS = {"VARCHAR": TEXT, "BIGINT": INT, "INTEGER": INT, "DOUBLE": FLOAT, "BOOLEAN": BOOL, "TIMESTAMP": TIME}


def load(lake: Lake, database: duckdb.DuckDBPyConnection) -> list[Table]:
    """Puts the tables of the lake into DuckDB, and tells what columns they have."""
    database.execute("SET TimeZone = 'UTC'")
    tables = []
    for sql, key in KEYS.items():
        rows = stored_rows(lake, sql) if "." in sql else served_rows(lake, sql)
        schema, _, name = sql.rpartition(".")
        if schema:
            database.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        database.register("rows_of_a_table", rows)
        database.execute(f"CREATE TABLE {sql} AS SELECT * FROM rows_of_a_table")
        database.unregister("rows_of_a_table")
        described = database.execute(f"DESCRIBE {sql}").fetchall()
        columns = tuple((column[0], KINDS[column[1]]) for column in described if column[1] in KINDS)
        count = database.execute(f"SELECT COUNT(*) FROM {sql}").fetchone()[0]
        tables.append(Table(sql, tuple(quoted(columns)), key, count, samples(database, sql, columns)))
    return tables


def quoted(columns: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Columns whose names are words of SQL are quoted."""
    words = {"count", "year", "long", "source", "point", "original", "state", "action", "box"}
    return [(f'"{name}"' if name in words else name, kind) for name, kind in columns]


def served_rows(lake: Lake, sql: str) -> pyarrow.Table:
    answer = lake.ask(f"SELECT * FROM {sql}")
    if answer.status != 200:
        raise LakeError(f"{sql} is not answered: {answer.words()}")
    return pyarrow.ipc.open_stream(io.BytesIO(answer.body)).read_all()


def stored_rows(lake: Lake, sql: str) -> pyarrow.Table:
    schema, _, name = sql.rpartition(".")
    folder = name if schema == "stored" else f"raw/{name.strip(chr(34)).replace('_', '-')}"
    table = deltalake.DeltaTable(str(lake.directory / "lake" / folder)).to_pyarrow_table()
    plain = [field.name for field in table.schema if not pyarrow.types.is_struct(field.type)]
    return table.select(plain)


def samples(database: duckdb.DuckDBPyConnection, sql: str, columns: tuple[tuple[str, str], ...]) -> dict[str, list]:
    """Values that the columns have, by their kind."""
    found: dict[str, list] = {}
    for name, kind in columns:
        listed = database.execute(
            f'SELECT DISTINCT "{name}" FROM {sql} WHERE "{name}" IS NOT NULL ORDER BY 1 LIMIT {SAMPLES_PER_COLUMN}'
        ).fetchall()
        # Long texts and numbers make queries unreadable.
        short = [row[0] for row in listed if not (isinstance(row[0], str) and len(row[0]) > 30)]
        found.setdefault(kind, []).extend(short)
    return found

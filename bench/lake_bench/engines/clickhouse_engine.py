"""ClickHouse in process, by chdb: a MergeTree sorted by time, its labels in dictionaries."""

import shutil
from pathlib import Path

import chdb
import pyarrow
from chdb.session import Session

from ..counts import Counts, counts_of_arrow
from ..question import Question
from ..sql_text import ClickHouse, incidents_sql, quote_text

TABLE = """
CREATE TABLE city.incidents (
  resource LowCardinality(String), id String,
  occurred_at Nullable(DateTime64(6, 'UTC')), closed_at Nullable(DateTime64(6, 'UTC')),
  category LowCardinality(Nullable(String)), subcategory LowCardinality(Nullable(String)),
  status LowCardinality(Nullable(String)), district LowCardinality(Nullable(String)),
  neighborhood LowCardinality(Nullable(String)),
  latitude Nullable(Float64), longitude Nullable(Float64), cell Nullable(Int64),
  updated_at Nullable(DateTime64(6, 'UTC'))
) ENGINE = MergeTree ORDER BY occurred_at SETTINGS allow_nullable_key = 1
"""
COLUMNS = (
    "id, occurred_at, closed_at, category, subcategory, status, district, neighborhood, latitude, longitude, cell, "
    "updated_at"
)


def resource_of(file: str) -> str:
    """Returns the resource of a data file from its path."""
    part = next(part for part in Path(file).parts if part.startswith("resource="))
    return part.removeprefix("resource=")


class ClickHouseEngine:
    """A database in a folder, made once."""

    def __init__(self, config: dict):
        folder = Path(config["clickhouse"])
        is_made = (folder / "complete").is_file()
        if not is_made:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.session = Session(str(folder / "data"))
        self.settings = f"max_threads = {config['threads']}, session_timezone = 'UTC'"
        if not is_made:
            self._make(config["files"])
            (folder / "complete").touch()

    def _make(self, files: list[str]) -> None:
        self.session.query("CREATE DATABASE IF NOT EXISTS city ENGINE = Atomic")
        self.session.query(TABLE)
        for file in files:
            source = f"file({quote_text(file)}, Parquet)"
            self.session.query(
                f"INSERT INTO city.incidents SELECT {quote_text(resource_of(file))}, {COLUMNS} FROM {source} "
                "SETTINGS session_timezone = 'UTC', use_hive_partitioning = 0"
            )
        self.session.query("OPTIMIZE TABLE city.incidents FINAL")

    def version(self) -> str:
        answered = self.session.query("SELECT version()", "CSV").bytes().decode().strip().strip('"')
        return f"ClickHouse {answered} (chdb {chdb.__version__})"

    def query(self, question: Question) -> str | None:
        return incidents_sql(question, ClickHouse, "city.incidents")

    def run(self, query: str):
        answer = self.session.query(f"{query} SETTINGS {self.settings}", "Arrow")
        return pyarrow.ipc.open_file(pyarrow.py_buffer(answer.bytes())).read_all()

    def counts(self, rows) -> Counts:
        # A `DateTime` leaves ClickHouse as its number of seconds.
        is_time = [column.type == pyarrow.uint32() for column in rows.columns]
        columns = [
            column.cast(pyarrow.int64()).cast(pyarrow.timestamp("s")) if time else column
            for column, time in zip(rows.columns, is_time)
        ]
        return counts_of_arrow(pyarrow.table(columns, names=rows.column_names))

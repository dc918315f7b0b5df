"""DuckDB: over the lake's own Parquet files, over its native table, and over a rollup made by hand.

Rows are fetched as an Arrow table, the cheapest way out of DuckDB.
"""

from pathlib import Path

import duckdb

from ..counts import Counts, counts_of_arrow
from ..question import Question, parent_masks
from ..sql_text import ROLLUP_RESOLUTION, DuckDb, incidents_sql, quote_text, rollup_sql

INCIDENT_COLUMNS = (
    "resource, id, occurred_at, closed_at, category, subcategory, status, district, neighborhood, "
    "latitude, longitude, cell, updated_at, year"
)


def parquet_view(files: list[str]) -> str:
    """Returns the SQL that reads the files of a table of the lake, with the columns of its partitions."""
    listed = ", ".join(map(quote_text, files))
    return f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{'resource': VARCHAR, 'year': INTEGER}})"


def connect(config: dict, path: str = ":memory:", read_only: bool = False) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path, read_only=read_only)
    connection.execute(f"SET threads = {config['threads']}")
    # A query's own rows, not their order in the file, are compared.
    connection.execute("SET preserve_insertion_order = false")
    return connection


def make_native(config: dict) -> None:
    """Makes the native table, sorted by time, as a user would who asks for windows; and the rollup in a second file."""
    native, rollup = Path(config["native"]), Path(config["rollup"])
    if not native.is_file():
        partial = native.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        connection = connect(config, str(partial))
        connection.execute("SET preserve_insertion_order = true")
        source = parquet_view(config["files"])
        connection.execute(f"CREATE TABLE incidents AS SELECT {INCIDENT_COLUMNS} FROM {source} ORDER BY occurred_at")
        connection.execute("CHECKPOINT")
        connection.close()
        partial.rename(native)
    if not rollup.is_file():
        partial = rollup.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        connection = connect(config, str(partial))
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(f"ATTACH {quote_text(str(native))} AS native (READ_ONLY)")
        keep, add = parent_masks(ROLLUP_RESOLUTION)
        connection.execute(
            f"CREATE TABLE rollup AS SELECT resource, category, district, (cell & {keep}) | {add} AS cell9, "
            "CAST(date_trunc('day', occurred_at) AS DATE) AS day, CAST(hour(occurred_at) AS TINYINT) AS hour, "
            "CAST(count(*) AS INTEGER) AS n FROM native.incidents GROUP BY ALL ORDER BY day, hour"
        )
        connection.execute("CHECKPOINT")
        connection.close()
        partial.rename(rollup)


class ParquetEngine:
    """Views over the lake's files."""

    def __init__(self, config: dict):
        self.connection = connect(config)
        self.connection.execute(f"CREATE VIEW incidents AS SELECT * FROM {parquet_view(config['files'])}")

    def version(self) -> str:
        return f"DuckDB {duckdb.__version__}"

    def query(self, question: Question) -> str | None:
        return incidents_sql(question, DuckDb)

    def run(self, query: str):
        return self.connection.sql(query).to_arrow_table()

    def counts(self, rows) -> Counts:
        return counts_of_arrow(rows)


class NativeEngine(ParquetEngine):
    """The native table."""

    def __init__(self, config: dict):
        make_native(config)
        self.connection = connect(config, config["native"], read_only=True)


class RollupEngine(ParquetEngine):
    """The rollup."""

    def __init__(self, config: dict):
        make_native(config)
        self.connection = connect(config, config["rollup"], read_only=True)

    def query(self, question: Question) -> str | None:
        return rollup_sql(question)

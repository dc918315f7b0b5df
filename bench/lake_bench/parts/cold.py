"""The first answer after a cold start, and how long a server takes until it is ready."""

import os
import subprocess
import sys
import time
from pathlib import Path

from ..ask import check_answer, engine_config, start_engines
from ..counts import counts_of_json
from ..facts import read_facts
from ..http_client import Client
from ..lakes import ensure_lakes
from ..measure import load, median
from ..processes import Server
from ..report import Report, Target
from ..settings import Settings
from ..shapes import EIGHT, Draw
from ..sql_text import DuckDb, incidents_sql

ABOUT = "first answer after a cold start, against DuckDB on its native file; start of serve to ready"

SHAPE = "heat map of a year, resolution 9"
WANTED_READY_SECONDS = 0.5

# The clock begins before the import, as it begins before the start of our program.
DUCKDB = """
import time
began = time.perf_counter()
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
rows = connection.sql(sys.argv[2]).to_arrow_table()
print(time.perf_counter() - began, rows.num_rows)
"""


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    facts = read_facts(lakes.compacted)
    config = engine_config(settings, lakes)
    engines = start_engines(settings, config, without=("duckdb-parquet", "duckdb-rollup", "polars", "clickhouse"))
    for engine in engines.values():
        engine.stop()
    first, ready, duckdb_first = [], [], []
    for repetition in range(max(3, settings.repetitions // 3)):
        question = EIGHT[SHAPE](Draw(facts, f"{settings.seed}/cold/{repetition}"))
        _drop_from_cache(lakes.compacted)
        began = time.perf_counter()
        with Server(settings.program, lakes.compacted) as server:
            client = Client(server.address)
            answer = client.get(question.path())
            first.append(time.perf_counter() - began)
            client.close()
            ready.append(server.ready_seconds)
        check_answer(question, answer)
        if engines:
            native = Path(config["native"])
            _drop_from_cache(native)
            command = [sys.executable, "-c", DUCKDB, str(native), incidents_sql(question, DuckDb)]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            duckdb_first.append(float(output[0]))
            if int(output[1]) != len(counts_of_json(question, answer.body)):
                raise ValueError(f"{question}: DuckDB has {output[1]} rows")
    targets = [
        Target(
            work="start of `serve` to ready",
            against="",
            wanted=f"{WANTED_READY_SECONDS} s",
            found=f"{median(ready):.3f} s",
            is_met=median(ready) <= WANTED_READY_SECONDS,
        )
    ]
    if duckdb_first:
        targets.insert(
            0,
            Target(
                work="first answer after a cold start",
                against="DuckDB, cold process, native",
                wanted="not slower",
                found=f"{median(first):.3f} s and {median(duckdb_first):.3f} s",
                is_met=median(first) <= median(duckdb_first),
            ),
        )
    text = (
        f"Medians of {len(first)} starts. The files are dropped from the system's cache first. Ours is from the start "
        "of the process to the whole body; DuckDB's from before its import to the rows in memory."
    )
    data = {"first_seconds": first, "ready_seconds": ready, "duckdb_first_seconds": duckdb_first}
    report.add("cold", text, targets, data, before)


def _drop_from_cache(path: Path) -> None:
    """Lets the system forget the contents of files, so that they are read from the disk."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)

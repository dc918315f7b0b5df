"""Landing rows: from a file against DuckDB, from a local portal against dlt."""

import importlib.util
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from ..lakes import ingest_file, write_rows
from ..measure import load
from ..processes import Measured, run_measured
from ..raw_sql import ROLES
from ..report import Report, Target, table
from ..settings import Settings
from ..sql_text import quote_text

ABOUT = "ingest from a file against DuckDB's read_json to sorted Parquet, from a local portal against dlt"

RESOURCE = "311-cases"
DATASET = "vw6y-z8j6"
MAX_FILE_ROWS = 1_000_000
MAX_PORTAL_ROWS = 200_000
# dlt is slow: its rate is that of fewer rows.
MAX_DLT_ROWS = 100_000
PAGE_ROWS = 50_000
# Rows of the portal have 1.5 kB with so many bytes of notes.
PORTAL_NOTES = 480
WANTED_FILE = 1.5
WANTED_PORTAL = 30.0

DUCKDB = """
import duckdb, sys
connection = duckdb.connect()
connection.execute(f"SET threads = {sys.argv[2]}")
connection.execute(sys.argv[1])
"""

DLT = """
import sys
import dlt
from dlt.sources.helpers import requests

address, rows, page, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

@dlt.resource(name="cases", primary_key="service_request_id", write_disposition="merge")
def cases():
    for offset in range(0, rows, page):
        parameters = {"$order": ":id", "$limit": min(page, rows - offset), "$offset": offset}
        yield requests.get(address, params=parameters).json()

pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(f"{folder}/dlt.duckdb"), pipelines_dir=folder)
pipeline.run(cases())
"""


def measure(settings: Settings, report: Report) -> None:
    before = load()
    rows = min(MAX_FILE_ROWS, settings.incidents)
    found, targets = _from_file(settings, rows)
    portal_rows = min(MAX_PORTAL_ROWS, settings.incidents)
    more, more_targets = _from_portal(settings, portal_rows)
    lines = [
        [name, f"{count:,}", f"{count / one.seconds:,.0f}", f"{one.cpu_seconds:.1f}", f"{one.peak_mib:,.0f}"]
        for name, (count, one) in {**found, **more}.items()
    ]
    text = table(["landing", "rows", "rows a second", "CPU seconds", "peak MiB"], lines)
    data = {"found": {name: {"rows": n, **one.figures()} for name, (n, one) in {**found, **more}.items()}}
    report.add("ingest", text, targets + more_targets, data, before)


def _from_file(settings: Settings, rows: int) -> tuple[dict[str, tuple[int, Measured]], list[Target]]:
    path, lake = settings.scratch / "rows.json", settings.scratch / "lake"
    write_rows(settings, path, RESOURCE, rows, count=rows)
    row_bytes = path.stat().st_size / rows
    landed = ingest_file(settings, lake, RESOURCE, path)
    found = {f"file, {row_bytes:.0f} bytes a row": (rows, landed)}
    found["the same file again: nothing is new"] = (rows, ingest_file(settings, lake, RESOURCE, path))
    shutil.rmtree(lake / ".index")
    found["again, the key index rebuilt first"] = (rows, ingest_file(settings, lake, RESOURCE, path))
    targets = []
    if importlib.util.find_spec("duckdb"):
        query = _read_json(path, settings.scratch / "sorted.parquet")
        duckdb = run_measured([sys.executable, "-c", DUCKDB, query, settings.threads])
        found["DuckDB `read_json` to sorted Parquet"] = (rows, duckdb)
        times = duckdb.seconds / landed.seconds
        targets.append(
            Target(
                work="decode and land from a file",
                against="DuckDB `read_json` to sorted Parquet",
                wanted=f"{WANTED_FILE:g}× faster",
                found=f"{times:.2f}×",
                is_met=times >= WANTED_FILE,
            )
        )
    shutil.rmtree(lake)
    return found, targets


def _read_json(path: Path, target: Path) -> str:
    """Returns the statement that reads all columns of the file, with their types, and writes them sorted by time."""
    times = ["requested_datetime", "closed_date", "updated_datetime", "data_as_of", "data_loaded_at"]
    columns = {name: "TIMESTAMP" for name in times}
    columns |= {"service_request_id": "BIGINT", "lat": "DOUBLE", "long": "DOUBLE", "supervisor_district": "DOUBLE"}
    columns |= {"point": "JSON", "point_geom": "JSON"}
    texts = ["status_description", "status_notes", "agency_responsible", "service_name", "service_subtype"]
    texts += ["service_details", "address", "street", "neighborhoods_sffind_boundaries", "analysis_neighborhood"]
    texts += ["police_district", "source", ":id", ":updated_at"]
    columns |= {name: "VARCHAR" for name in texts}
    listed = ", ".join(f"{quote_text(name)}: {quote_text(kind)}" for name, kind in columns.items())
    source = f"read_json({quote_text(str(path))}, format = 'array', columns = {{{listed}}})"
    occurred = ROLES[RESOURCE]["occurred_at"]
    return f"COPY (FROM {source} ORDER BY {occurred}) TO {quote_text(str(target))} (FORMAT parquet, COMPRESSION zstd)"


@contextmanager
def _portal(settings: Settings, rows: int):
    """Serves rows as a SODA portal."""
    command = [settings.generator, "portal", "--rows", rows, "--notes", PORTAL_NOTES, "--seed", settings.seed]
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def _from_portal(settings: Settings, rows: int) -> tuple[dict[str, tuple[int, Measured]], list[Target]]:
    lake = settings.scratch / "lake"
    with _portal(settings, rows) as address:
        command = [settings.program, "--quiet", "--lake", lake, "ingest", RESOURCE, "--portal", address]
        landed = run_measured([*command, "--page-size", PAGE_ROWS])
        found, targets = {"portal, 1.5 kB a row, pages of 50,000": (rows, landed)}, []
        if importlib.util.find_spec("dlt"):
            fewer = min(rows, MAX_DLT_ROWS)
            folder = settings.scratch / "dlt"
            folder.mkdir()
            arguments = [f"{address}/resource/{DATASET}.json", fewer, PAGE_ROWS, folder]
            quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder)}
            dlt = run_measured([sys.executable, "-c", DLT, *arguments], quiet, folder)
            found["dlt to DuckDB, the same portal"] = (fewer, dlt)
            times = rows / landed.seconds / (fewer / dlt.seconds)
            targets.append(
                Target(
                    work="ingest, 1.5 kB rows, 50,000 a page, local portal",
                    against="dlt",
                    wanted=f"{WANTED_PORTAL:g}× the rows a second",
                    found=f"{times:.1f}×",
                    is_met=times >= WANTED_PORTAL,
                )
            )
        elif "dlt" not in settings.skipped:
            settings.skipped.append("dlt")
    shutil.rmtree(lake)
    return found, targets

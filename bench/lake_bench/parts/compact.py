"""Compaction from nothing, and after one in a hundred rows changed."""

import json
import shutil
import sys

from ..delta_files import data_files
from ..engines.worker import is_installed
from ..lakes import Lakes, ensure_lakes, ingest_file, link_lake, resource_rows, write_rows
from ..measure import load
from ..processes import CommandFailed, Measured, run_measured
from ..raw_sql import clickhouse_compaction, duckdb_compaction
from ..report import Report, Target, table
from ..settings import RESOURCES, Settings

ABOUT = "compaction from nothing and after 1 % changed, against the same outputs by SQL of DuckDB and ClickHouse"

WANTED_TIMES = 1.3
WANTED_SHARE = 0.05
# By incidents, up to that many: MiB.
WANTED_PEAK_MIB = [(13_000_000, 1024), (100_000_000, 2048)]

# Statements come as a JSON list on the first argument's path.
RUNNERS = {
    "duckdb-native": """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[2])
connection.execute(f"SET threads = {sys.argv[3]}")
for statement in json.load(open(sys.argv[1])):
    connection.execute(statement)
""",
    "clickhouse": """
import json, sys
from chdb.session import Session
session = Session(sys.argv[2])
session.query("CREATE DATABASE IF NOT EXISTS city ENGINE = Atomic")
session.query(f"SET max_threads = {sys.argv[3]}")
for statement in json.load(open(sys.argv[1])):
    session.query(statement)
""",
}


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    found: dict[str, Measured] = {"from nothing": _from_nothing(settings, lakes)}
    found["after 1 % changed"] = _after_changes(settings, lakes)
    for name in ("duckdb-native", "clickhouse"):
        if name in settings.engines and is_installed(name):
            found[f"{name.split('-')[0]}, the same outputs"] = _by_sql(settings, lakes, name)
    nothing, changed = found["from nothing"], found["after 1 % changed"]
    rows = [
        [name, f"{one.seconds:.1f}", f"{one.cpu_seconds:.1f}", f"{one.peak_mib:,.0f}"] for name, one in found.items()
    ]
    text = table(["compaction", "seconds", "CPU seconds", "peak MiB"], rows)
    text += "\n\nNine of ten changed rows are in the newest two months. The outputs by SQL have no H3 cells."
    targets = [
        Target(
            work="compaction after 1 % changed",
            against="from nothing",
            wanted=f"{WANTED_SHARE:.0%} of its time",
            found=f"{changed.seconds / nothing.seconds:.1%}",
            is_met=changed.seconds <= WANTED_SHARE * nothing.seconds,
        )
    ]
    duckdb = found.get("duckdb, the same outputs")
    if duckdb:
        targets.insert(
            0,
            Target(
                work="compaction from nothing",
                against="DuckDB: the same outputs, H3 left out",
                wanted=f"at most {WANTED_TIMES:g}× its time",
                found=f"{nothing.seconds / duckdb.seconds:.2f}×",
                is_met=nothing.seconds <= WANTED_TIMES * duckdb.seconds,
            ),
        )
    limit = next((mib for most, mib in WANTED_PEAK_MIB if settings.incidents <= most), None)
    if limit:
        targets.append(
            Target(
                work=f"peak memory, compacting {settings.incidents:,}",
                against="",
                wanted=f"{limit:,} MiB",
                found=f"{nothing.peak_mib:,.0f} MiB",
                is_met=nothing.peak_mib <= limit,
            )
        )
    report.add("compact", text, targets, {"found": {name: one.figures() for name, one in found.items()}}, before)


def _compact(settings: Settings, lake) -> Measured:
    return run_measured([settings.program, "--quiet", "--lake", lake, "compact"])


def _from_nothing(settings: Settings, lakes: Lakes) -> Measured:
    lake = settings.scratch / "from-nothing"
    link_lake(lakes.landed, lake)
    measured = _compact(settings, lake)
    shutil.rmtree(lake)
    return measured


def _after_changes(settings: Settings, lakes: Lakes) -> Measured:
    lake = settings.scratch / "changed"
    link_lake(lakes.compacted, lake)
    shutil.copytree(lakes.landed / ".index", lake / ".index")
    for resource, total in resource_rows(settings.incidents).items():
        path = settings.scratch / "rows.json"
        write_rows(settings, path, resource, total, changed=max(1, total // 100))
        ingest_file(settings, lake, resource, path)
        path.unlink()
    measured = _compact(settings, lake)
    shutil.rmtree(lake)
    return measured


def _by_sql(settings: Settings, lakes: Lakes, name: str) -> Measured:
    folder = settings.scratch / name
    folder.mkdir()
    write = duckdb_compaction if name == "duckdb-native" else clickhouse_compaction
    statements = []
    for resource in RESOURCES:
        for table_name in ("incidents", "counts"):
            (folder / table_name / f"resource={resource}").mkdir(parents=True)
        statements += write(resource, data_files(lakes.landed / "raw", resource), str(folder))
    listed = folder / "statements.json"
    listed.write_text(json.dumps(statements))
    database = folder / "database"
    measured = run_measured([sys.executable, "-c", RUNNERS[name], listed, database, settings.threads])
    if not any(file.stat().st_size for file in folder.rglob("*.parquet")):
        raise CommandFailed(f"{name} wrote nothing")
    shutil.rmtree(folder)
    return measured

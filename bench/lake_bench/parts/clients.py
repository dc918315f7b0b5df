"""Sixteen clients at once, each with windows of its own, against one client, and against DuckDB behind a web server."""

import json
import random
import subprocess
import sys
from datetime import timedelta
from urllib.parse import quote

from ..ask import engine_config, start_engines
from ..facts import read_facts
from ..lakes import ensure_lakes
from ..measure import load
from ..processes import Server, run_measured
from ..question import Question
from ..report import Report, Target, table
from ..settings import Settings
from ..shapes import Facts
from ..sql_text import DuckDb, incidents_sql

ABOUT = "16 clients for 30 s with distinct windows, against one client and DuckDB behind the smallest web server"

CLIENTS = 16
SECONDS = 30
# More questions than can be answered in the time, so that each is asked once.
QUESTIONS = 200_000
WANTED_P99 = 10.0
WANTED_RATE = 10.0


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    facts = read_facts(lakes.compacted)
    seconds = min(SECONDS, 2 * settings.repetitions)
    with Server(settings.program, lakes.compacted) as server:
        for_one, for_many = (_questions(facts, f"{settings.seed}/{name}", Question.path) for name in ("one", "many"))
        alone = _run(settings, server.address, for_one, 1, seconds)
        many = _run(settings, server.address, for_many, CLIENTS, seconds)
        peak = server.peak_mib()
    found = {"1 client": alone, f"{CLIENTS} clients": many}
    targets = [
        Target(
            work=f"{CLIENTS} clients, {seconds} s, distinct windows",
            against="itself, one client",
            wanted=f"p99 within {WANTED_P99:g}× its p50, no error",
            found=f"{many['p99_ms'] / alone['p50_ms']:.1f}×, {many['errors']} errors",
            is_met=many["p99_ms"] <= WANTED_P99 * alone["p50_ms"] and many["errors"] == 0,
        )
    ]
    config = engine_config(settings, lakes)
    engines = start_engines(settings, config, ("duckdb-parquet", "duckdb-rollup", "polars", "clickhouse"))
    for engine in engines.values():
        engine.stop()
    if engines:
        duckdb = _run_duckdb(settings, facts, config["native"], seconds)
        found[f"DuckDB behind a web server, {CLIENTS} clients"] = duckdb
        rate = many["answers"] / many["seconds"] / (duckdb["answers"] / duckdb["seconds"])
        targets.append(
            Target(
                work="answers a second",
                against="DuckDB behind the smallest web server",
                wanted=f"{WANTED_RATE:g}×",
                found=f"{rate:.1f}×",
                is_met=rate >= WANTED_RATE,
            )
        )
    rows = [
        [name, f"{one['answers'] / one['seconds']:,.0f}", one["p50_ms"], one["p95_ms"], one["p99_ms"], one["errors"]]
        for name, one in found.items()
    ]
    text = "Heat maps at resolution 9 of windows of 30 to 400 days, each asked once.\n\n"
    text += table(["", "answers a second", "p50 ms", "p95 ms", "p99 ms", "errors"], rows)
    text += f"\n\nPeak memory of the server: {peak:,.0f} MiB."
    report.add("clients", text, targets, {"found": found}, before)


def _questions(facts: Facts, seed: str, write) -> list[str]:
    drawn = random.Random(seed)
    hours = (facts.end - facts.begin).days * 24
    texts = []
    for _ in range(QUESTIONS):
        length = drawn.randrange(30 * 24, min(400 * 24, hours))
        start = facts.begin + timedelta(hours=drawn.randrange(hours - length + 1))
        texts.append(write(Question(("cell",), 9, start=start, end=start + timedelta(hours=length))))
    return list(dict.fromkeys(texts))


def _run(settings: Settings, address: tuple[str, int], paths: list[str], clients: int, seconds: int) -> dict:
    file = settings.scratch / "paths.txt"
    file.write_text("\n".join(paths) + "\n")
    command = [settings.generator, "load", "--address", f"{address[0]}:{address[1]}", "--paths", file]
    return json.loads(run_measured([*command, "--clients", clients, "--seconds", seconds]).output)


def _run_duckdb(settings: Settings, facts: Facts, native: str, seconds: int) -> dict:
    command = [sys.executable, "-m", "lake_bench.duckdb_server", native, str(settings.threads)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline())

        def write(question: Question) -> str:
            return f"/?{quote(incidents_sql(question, DuckDb))}"

        paths = _questions(facts, f"{settings.seed}/many", write)
        return _run(settings, ("127.0.0.1", port), paths, CLIENTS, seconds)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()

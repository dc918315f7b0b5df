"""The eight as plain SQL over `incidents`, against DuckDB on the same Parquet files."""

import json
from datetime import datetime

from ..ask import OURS, WrongAnswer, ask_all, engine_config, start_engines
from ..engines.worker import EngineAnswer
from ..facts import read_facts
from ..http_client import Client
from ..lakes import ensure_lakes
from ..measure import geometric_mean, load
from ..processes import Server
from ..question import LIMIT, Question
from ..report import Report, Target
from ..settings import Settings
from ..shapes import EIGHT
from ..sql_text import DuckDb, incidents_sql
from .questions import ratios, speed_table

ABOUT = "the eight as plain SQL over `incidents` through POST /sql, against DuckDB on the same Parquet files"


class HotspotsSql(DuckDb):
    """Expressions as the program's SQL has them."""

    @staticmethod
    def hour(column: str) -> str:
        return f"date_part('hour', {column})"

    @staticmethod
    def weekday(column: str) -> str:
        return f"date_part('isodow', {column})"

    @staticmethod
    def parent(resolution: int, column: str) -> str:
        return f"h3_cell_to_parent({column}, {resolution})"


class SqlSystem:
    """A server that is asked in SQL."""

    def __init__(self, server: Server):
        self.client = Client(server.address)

    def ask(self, question: Question) -> EngineAnswer:
        query = incidents_sql(question, HotspotsSql)
        body = json.dumps({"query": query, "limit": LIMIT, "cells": "number"}).encode()
        answer = self.client.post("/sql", body)
        if answer.status != 200:
            raise WrongAnswer(f"{query}: status {answer.status}: {answer.body[:500].decode(errors='replace')}")
        names = [f"g{n}" for n in range(1, len(question.group_by) + 1)]
        times = {f"g{n}" for n, name in enumerate(question.group_by, 1) if name == "time"}
        counts = {}
        for row in json.loads(answer.body):
            key = (datetime.fromisoformat(row[n]) if n in times and row[n] else row[n] for n in names)
            counts[tuple(key)] = row["n"]
        # The statement runs in a process of its own, whose CPU time is not the server's.
        return EngineAnswer(answer.seconds, 0.0, counts)


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    others = tuple(name for name in settings.engines if name != "duckdb-parquet")
    engines = start_engines(settings, engine_config(settings, lakes), others)
    try:
        with Server(settings.program, lakes.compacted) as server:
            systems = {OURS: SqlSystem(server), **engines}
            asked = ask_all(settings, read_facts(lakes.compacted), EIGHT, systems, "sql")
        versions = {name: engine.version for name, engine in engines.items()}
    finally:
        for engine in engines.values():
            engine.stop()
    text = f"Median ms (95th percentile) of {settings.repetitions} questions each.\n\n"
    text += speed_table(asked, list(systems))
    targets = []
    if "duckdb-parquet" in engines:
        mean = geometric_mean(ratios(asked, "duckdb-parquet"))
        targets.append(
            Target(
                work="the eight as SQL over `incidents`",
                against="DuckDB on the same Parquet files",
                wanted="not slower (geometric mean)",
                found=f"{mean:.2f}×",
                is_met=mean >= 1,
            )
        )
    data = {"versions": versions, "figures": asked.figures(), "compared": asked.compared}
    report.add("sql", text, targets, data, before)

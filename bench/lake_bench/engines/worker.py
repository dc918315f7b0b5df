"""A system in a process of its own: it answers a question, and times itself from the text to the rows in memory."""

import importlib
import importlib.util
import multiprocessing
import time
import traceback
from dataclasses import dataclass

from ..counts import Counts
from ..processes import status_mib
from ..question import Question

# The module and the class of each system, imported in its process only.
ENGINE_CLASSES = {
    "duckdb-parquet": ("duckdb_engines", "ParquetEngine"),
    "duckdb-native": ("duckdb_engines", "NativeEngine"),
    "duckdb-rollup": ("duckdb_engines", "RollupEngine"),
    "clickhouse": ("clickhouse_engine", "ClickHouseEngine"),
    "polars": ("polars_engine", "PolarsEngine"),
}
MODULES = {"duckdb-parquet": "duckdb", "duckdb-native": "duckdb", "duckdb-rollup": "duckdb", "clickhouse": "chdb"}


class EngineFailed(Exception):
    """A system could not answer."""


@dataclass
class EngineAnswer:
    """The counts of a system, and what they took it."""

    seconds: float
    cpu_seconds: float
    counts: Counts


def is_installed(name: str) -> bool:
    """Returns whether the package of a system can be imported."""
    return importlib.util.find_spec(MODULES.get(name, name)) is not None


class EngineProcess:
    """A running system."""

    def __init__(self, name: str, config: dict):
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, name, config), daemon=True)
        self.process.start()
        other.close()
        self.version = self._receive()

    def ask(self, question: Question) -> EngineAnswer | None:
        """Returns the answer, or nothing if the system's data cannot answer it."""
        self.pipe.send(question)
        return self._receive()

    def ask_text(self, text: str) -> EngineAnswer:
        """Returns the answer to a query in the system's own language: its last column is a count."""
        self.pipe.send(text)
        return self._receive()

    def _receive(self):
        try:
            received = self.pipe.recv()
        except EOFError:
            raise EngineFailed(f"{self.name} ended with {self.process.exitcode}") from None
        if isinstance(received, Exception):
            raise received
        return received

    def peak_mib(self) -> float:
        return status_mib(self.process.pid, "VmHWM")

    def stop(self) -> None:
        self.pipe.close()
        self.process.join(30)
        if self.process.is_alive():
            self.process.kill()


def _serve(pipe, name: str, config: dict) -> None:
    try:
        module, class_name = ENGINE_CLASSES[name]
        engine = getattr(importlib.import_module(f".{module}", __package__), class_name)(config)
        pipe.send(engine.version())
    except Exception:
        pipe.send(EngineFailed(f"{name}:\n{traceback.format_exc()}"))
        return
    while True:
        try:
            asked = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_answer(engine, asked))
        except Exception:
            pipe.send(EngineFailed(f"{name}: {asked}\n{traceback.format_exc()}"))


def _answer(engine, asked) -> EngineAnswer | None:
    query = asked if isinstance(asked, str) else engine.query(asked)
    if query is None:
        return None
    began, cpu_began = time.perf_counter(), time.process_time()
    rows = engine.run(query)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return EngineAnswer(seconds, cpu_seconds, engine.counts(rows))

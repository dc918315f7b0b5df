"""A fuzzer of the lake's SQL: generated queries, held against DuckDB on the same rows and against themselves.

    python tests/sql_fuzz --program target/debug/hotspots-lake --state mixed --seconds 60
    python tests/sql_fuzz --program ... --state mixed --seed 311 --only 17        one query of a seed, again
    python tests/sql_fuzz --program ... --state mixed --query 'SELECT ...' [--duckdb 'SELECT ...']

It prints the seed and the number of each query that is answered wrongly or breaks, and the query made as small as it
stays wrong. Exit code 1 if there is one, or if too few queries are answered for the run to say anything.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import random
import re
import sys
import tempfile
import time

import duckdb

import lakes
from compare import difference, same_rows
from lakes import Answer, Lake
from queries import Queries, Table
from self_checks import self_check
from tree import DUCKDB, LAKE, Node, size, smaller, write

# Of all queries, so many are answered: a fuzzer whose queries are refused tests nothing.
LEAST_ANSWERED = 0.8
# The part of the queries that is held against the engine itself.
SELF_CHECKS = 0.25
SECONDS_TO_MINIMISE = 60
# Internal terms of the engine that must not reach users.
INSIDES = re.compile(
    r"likely caused by a bug|Optimizer rule|panicked|DataFusion|caused by|Internal error", re.IGNORECASE
)
LEAST_WORDS = 20


class Fuzzer:
    """One lake, one oracle, one seed."""

    def __init__(self, lake: Lake, database: duckdb.DuckDBPyConnection, tables: list[Table], seed: int):
        self.lake, self.database, self.tables, self.seed = lake, database, tables, seed
        self.counts: collections.Counter[str] = collections.Counter()
        self.refusals: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []

    def one(self, number: int, without: str | None = None) -> None:
        """The query with this number: the same for a seed, whatever came before it."""
        chance = random.Random(f"{self.seed}/{number}")
        if chance.random() < SELF_CHECKS:
            check = self_check(chance, self.tables)
            tree, wrong = check.tree(), lambda tree: self.wrong_of_sides(*check.of(tree).sides())

            def shown(tree):
                return "\n  against\n".join(check.of(tree).sides())
        else:
            tree = Queries(chance, self.tables).query(chance.randint(0, 2)).sql

            def wrong(tree):
                return self.wrong(write(tree, LAKE), write(tree, DUCKDB))

            def shown(tree):
                return write(tree, LAKE)

        if without is not None and re.search(without, write(tree, LAKE)):
            return
        self.counts["queries"] += 1
        told = wrong(tree)
        if told is None:
            return
        before = (self.counts.copy(), self.refusals.copy())
        least = minimised(tree, lambda less: wrong(less) is not None)
        place = f"{self.lake.state}, seed {self.seed}, query {number}"
        text = f"{place}: {told}\n{shown(tree)}\nminimised:\n{shown(least)}\n{wrong(least)}"
        self.counts, self.refusals = before
        self.counts["wrong"] += 1
        self.failures.append(text)
        print(text, end="\n\n", flush=True)

    def wrong(self, query: str, oracle: str) -> str | None:
        """What is wrong with the answer to a query; None if nothing is."""
        answer = self.lake.ask(query)
        if (broken := self.broken(answer)) is not None:
            return broken
        if answer.status != 200:
            return None
        try:
            expected = self.database.execute(oracle).fetchall()
        except duckdb.Error as error:
            self.counts["refused by the oracle"] += 1
            self.refusals["oracle: " + str(error).split("\n")[0][:90]] += 1
            return None
        rows = answer.rows()
        self.counts["compared"] += 1
        return None if same_rows(rows, expected) else difference(rows, expected)

    def wrong_of_sides(self, left: str, right: str) -> str | None:
        """What is wrong with two queries that must have the same rows."""
        answers = [self.lake.ask(left), self.lake.ask(right)]
        for answer in answers:
            if (broken := self.broken(answer)) is not None:
                return broken
        if any(answer.status != 200 for answer in answers):
            return None
        self.counts["checked against itself"] += 1
        one, other = (answer.rows() for answer in answers)
        return None if same_rows(one, other) else difference(one, other)

    def broken(self, answer: Answer) -> str | None:
        """What is wrong with an answer whatever was asked. Counts what is refused."""
        if answer.status == 200:
            return None
        words = answer.words()
        if answer.status in (422, 429, 504):
            self.counts["over a limit"] += 1
            return None
        if answer.status != 400 or not self.lake.is_alive():
            return f"status {answer.status}: {words}\n{''.join(self.lake.log[-5:])}"
        self.counts["refused"] += 1
        self.refusals[re.sub(r"\d+", "_", words)[:110]] += 1
        if INSIDES.search(words) or len(words) < LEAST_WORDS:
            return f"refused in words that are no user's: {words}"
        return None

    def summary(self) -> str:
        lines = [f"{self.lake.state}, seed {self.seed}: " + ", ".join(f"{name} {n}" for name, n in self.counts.items())]
        return "\n".join(lines + [f"  {n} x {words}" for words, n in self.refusals.most_common(12)])

    def answered(self) -> float:
        kept = (
            self.counts["queries"]
            - self.counts["refused"]
            - self.counts["over a limit"]
            - self.counts["refused by the oracle"]
        )
        return kept / max(self.counts["queries"], 1)


def minimised(tree: Node, is_wrong) -> Node:
    """The smallest tree that is still wrong, found piece by piece."""
    end = time.monotonic() + SECONDS_TO_MINIMISE
    tried: set[str] = {write(tree, LAKE)}
    improved = True
    while improved and time.monotonic() < end:
        improved = False
        for less in sorted(smaller(tree), key=size):
            text = write(less, LAKE)
            if text in tried or size(less) >= size(tree) or time.monotonic() > end:
                continue
            tried.add(text)
            if is_wrong(less):
                tree, improved = less, True
                break
    return tree


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sql_fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--program", required=True, help="the built program")
    parser.add_argument("--state", choices=lakes.STATES, default="mixed", help="what of the lake is compacted")
    parser.add_argument("--seed", type=int, default=311)
    parser.add_argument("--seconds", type=float, help="for how long")
    parser.add_argument("--queries", type=int, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--only", type=int, help="the query with this number, alone")
    parser.add_argument("--query", help="one query, alone")
    parser.add_argument("--duckdb", help="the same query as DuckDB spells it")
    parser.add_argument("--without", help="leave out queries that match this, while what they found is being repaired")
    parser.add_argument("--most-wrong", type=int, default=5, help="stop after so many")
    return parser.parse_args()


def run(fuzzer: Fuzzer, asked: argparse.Namespace) -> bool:
    """Asks what is to be asked; whether all is well."""
    if asked.query is not None:
        answer = fuzzer.lake.ask(asked.query)
        print(answer.rows() if answer.status == 200 else f"{answer.status}: {answer.words()}")
        print(fuzzer.database.execute(asked.duckdb or asked.query).fetchall())
        return fuzzer.wrong(asked.query, asked.duckdb or asked.query) is None
    if asked.only is not None:
        chance = random.Random(f"{asked.seed}/{asked.only}")
        if chance.random() >= SELF_CHECKS:
            print(write(Queries(chance, fuzzer.tables).query(chance.randint(0, 2)).sql, LAKE))
        fuzzer.one(asked.only)
        return not fuzzer.failures
    end = time.monotonic() + (asked.seconds if asked.seconds is not None else float("inf"))
    most = asked.queries if asked.queries is not None else (10**9 if asked.seconds is not None else 1_000)
    number = asked.first
    try:
        while number < asked.first + most and time.monotonic() < end and len(fuzzer.failures) < asked.most_wrong:
            fuzzer.one(number, asked.without)
            number += 1
    finally:
        print(fuzzer.summary(), flush=True)
    if fuzzer.answered() < LEAST_ANSWERED:
        print(f"only {fuzzer.answered():.0%} of the queries are answered, where {LEAST_ANSWERED:.0%} should be")
        return False
    return not fuzzer.failures


def main() -> int:
    asked = arguments()
    with tempfile.TemporaryDirectory(prefix="sql-fuzz-") as directory:
        with Lake(asked.program, pathlib.Path(directory), asked.state, asked.seed) as lake:
            database = duckdb.connect()
            tables = lakes.load(lake, database)
            return 0 if run(Fuzzer(lake, database, tables, asked.seed), asked) else 1


if __name__ == "__main__":
    sys.exit(main())

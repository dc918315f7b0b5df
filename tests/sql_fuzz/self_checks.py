"""What a query engine must say of itself, whatever is right: no oracle is needed, so any function may stand in these.

Ternary logic partitioning (Rigger and Su, OOPSLA 2020): a condition is true, false or null of each row, so the rows of
a query are those of the three queries together. NoREC (Rigger and Su, ESEC/FSE 2020): as many rows pass a WHERE, which
is optimised, as the same condition is true of in a SELECT, which is not.
"""

from __future__ import annotations

import random

from queries import Queries, Table
from tree import Node, items, node


class SelfCheck:
    """Two queries that have the same rows: `left`, and `right`, as trees that share a condition."""

    def __init__(self, name: str, source: Node, columns: Node, condition: Node):
        self.name, self.source, self.columns, self.tested = name, source, columns, condition

    def tree(self) -> Node:
        return node(self.columns, " ; ", self.source, " ; ", self.tested)

    def of(self, tree: Node) -> SelfCheck:
        """The same check with the parts of a smaller tree."""
        columns, _, source, _, tested = tree.parts
        return SelfCheck(self.name, source, columns, tested)

    def sides(self) -> tuple[str, str]:
        columns, source, condition = str(self.columns), str(self.source), str(self.tested)
        if self.name == "NoREC":
            counted = f"SELECT COUNT(*) AS n FROM {source} WHERE {condition}"
            held = f"(SELECT {condition} AS holds FROM {source})"
            summed = f"SELECT COALESCE(SUM(CASE WHEN holds THEN 1 ELSE 0 END), 0) AS n FROM {held}"
            return counted, summed
        whole = f"SELECT {columns} FROM {source}"
        tests = (condition, f"NOT ({condition})", f"({condition}) IS NULL")
        return whole, " UNION ALL ".join(f"SELECT {columns} FROM {source} WHERE {test}" for test in tests)


def self_check(chance: random.Random, tables: list[Table]) -> SelfCheck:
    """A check over sources, columns and a condition of its own."""
    queries = Queries(chance, tables, beyond_duckdb=True)
    source = queries.source(chance.randint(0, 2))
    scope = queries.scope(source)
    columns = [node(queries.values.any(scope, 1), f" AS c{at}") for at in range(chance.randint(1, 3))]
    condition = queries.values.condition(scope, 3)
    return SelfCheck(chance.choice(("TLP", "NoREC")), source.sql, items(columns), condition)

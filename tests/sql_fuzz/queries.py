"""Queries: sources, joins, groups, windows, set operations, and queries within queries.

Every query has one right answer: rows are compared as a multiset, a LIMIT stands behind a total order, and a window
function that depends on the order of equal rows has an order without any.
"""

from __future__ import annotations

import dataclasses
import random

from expressions import COMPARED, Column, Expressions, Scope, literal
from tree import BOOL, DATE, FLOAT, INT, TEXT, TIME, Items, Node, Spelling, items, node, optional, value

SETS = ("UNION ALL", "UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL")
FRAMES = (
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
    "ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
)
PEER_FRAMES = (
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
)
COMPARABLE = (TEXT, INT, TIME, DATE, BOOL)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the lake: its columns, and those that tell its rows apart."""

    sql: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    rows: int
    samples: dict[str, list] = dataclasses.field(hash=False, compare=False, default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Source:
    """What stands behind FROM: its columns, and those that tell its rows apart, if any do."""

    sql: Node
    columns: tuple[Column, ...]
    key: tuple[str, ...] | None
    rows: int
    alias: str | None = None


@dataclasses.dataclass(frozen=True)
class Query:
    sql: Node
    columns: tuple[Column, ...]
    rows: int


class Queries:
    """Makes queries over some tables."""

    def __init__(self, chance: random.Random, tables: list[Table], beyond_duckdb: bool = False):
        self.chance = chance
        self.tables = tables
        self.values = Expressions(chance, self, beyond_duckdb)
        self.numbers = 0
        self.samples: dict[str, list] = {}
        for table in tables:
            for kind, held in table.samples.items():
                self.samples.setdefault(kind, []).extend(held)
        # Queries that have a name here: those of a WITH.
        self.named: list[tuple[str, Query]] = []

    def pick(self, choices):
        return self.chance.choice(choices)

    def alias(self) -> str:
        self.numbers += 1
        return f"t{self.numbers}"

    def scope(self, *sources: Source, around: Scope | None = None) -> Scope:
        columns = tuple(column for source in sources for column in source.columns)
        return Scope(columns + (around.columns if around else ()), self.samples)

    # ---- complete queries

    def query(self, depth: int = 2) -> Query:
        """A whole query."""
        self.named = []
        with_part = node()
        if self.chance.random() < 0.15:
            made = [(f"w{at}", self.body(1)) for at in range(self.chance.randint(1, 2))]
            self.named = made
            listed = [node(f"{name} AS (", query.sql, ")") for name, query in made]
            with_part = node("WITH ", items(listed), " ")
        query = self.body(depth)
        self.named = []
        return Query(node(with_part, query.sql, self.ending(query)), query.columns, query.rows)

    def ending(self, query: Query) -> Node:
        """ORDER BY and LIMIT: no limit where the order is not total to the last bit."""
        if self.chance.random() < 0.7 or not all(column.exact for column in query.columns):
            return node()
        orders = [f"{column.name} {self.direction()}" for column in query.columns]
        self.chance.shuffle(orders)
        limit = f" LIMIT {self.chance.randint(0, 12)}"
        offset = optional(f" OFFSET {self.chance.randint(1, 5)}") if self.chance.random() < 0.3 else node()
        return optional(" ORDER BY " + ", ".join(orders), optional(limit, offset))

    def direction(self) -> str:
        return f"{self.pick(('ASC', 'DESC'))} NULLS {self.pick(('FIRST', 'LAST'))}"

    def body(self, depth: int) -> Query:
        shapes = [self.selected, self.selected, self.grouped, self.grouped, self.windowed]
        if depth > 0:
            shapes += [self.combined, self.grouped_sets, self.chosen_first]
        return self.pick(shapes)(depth)

    # ---- SELECT

    def selected(self, depth: int) -> Query:
        source = self.source(depth)
        scope = self.scope(source)
        made = [self.values.any(scope, self.chance.randint(0, 2)) for _ in range(self.chance.randint(1, 4))]
        is_distinct = all(item.exact for item in made) and self.chance.random() < 0.25
        names = self.named_columns(made)
        sql = node(
            "SELECT ",
            optional("DISTINCT ") if is_distinct else node(),
            self.listed(made, names),
            " FROM ",
            source.sql,
            self.where(scope, depth),
        )
        return Query(sql, names, source.rows)

    def named_columns(self, made: list[Node]) -> tuple[Column, ...]:
        return tuple(Column(f"c{at}", item.kind or INT, f"c{at}", item.exact) for at, item in enumerate(made))

    def listed(self, made: list[Node], names: tuple[Column, ...]) -> Items:
        return items([node(item, f" AS {column.name}") for item, column in zip(made, names, strict=True)])

    def where(self, scope: Scope, depth: int, chance: float = 0.6) -> Node:
        if self.chance.random() > chance:
            return node()
        return optional(" WHERE ", self.values.condition(scope, min(depth + 1, 2)))

    # ---- GROUP BY

    def grouped(self, depth: int) -> Query:
        source = self.source(depth)
        scope = self.scope(source)
        keys = [self.group_key(scope) for _ in range(self.pick((0, 1, 1, 1, 2, 2, 3)))]
        by = node(" GROUP BY ", items(keys)) if keys else node()
        return self.of_groups(source, scope, keys, by, depth, [])

    def grouped_sets(self, depth: int) -> Query:
        """ROLLUP, CUBE and GROUPING SETS."""
        source = self.source(depth)
        scope = self.scope(source)
        columns = [column for column in scope.columns if column.exact and column.kind in COMPARABLE]
        keys = [column.node() for column in self.chance.sample(columns, min(len(columns), self.chance.randint(1, 3)))]
        if not keys:
            return self.grouped(depth)
        match self.chance.randrange(3):
            case 0:
                by = node(" GROUP BY ROLLUP (", items(keys), ")")
            case 1:
                by = node(" GROUP BY CUBE (", items(keys), ")")
            case _:
                sets = [
                    self.chance.sample(keys, self.chance.randint(0, len(keys)))
                    for _ in range(self.chance.randint(1, 3))
                ]
                listed = [node("(", items(one, least=0), ")") for one in [keys, *sets]]
                by = node(" GROUP BY GROUPING SETS (", items(listed), ")")
        told = [value(INT, "grouping(", key, ")") for key in keys if self.chance.random() < 0.4]
        return self.of_groups(source, scope, keys, by, depth, told)

    def group_key(self, scope: Scope) -> Node:
        columns = [column for column in scope.columns if column.exact and column.kind in COMPARABLE]
        if columns and self.chance.random() < 0.7:
            return self.pick(columns).node()
        if self.chance.random() < 0.2:
            return self.values.edge(scope, 1)
        made = self.values.of(self.pick((TEXT, INT, TIME)), scope, 1, exact=True)
        # A bare number would be the place of a column in the SELECT.
        return made if len(made.parts) > 1 or not columns else self.pick(columns).node()

    def of_groups(
        self, source: Source, scope: Scope, keys: list[Node], by: Node, depth: int, told: list[Node]
    ) -> Query:
        aggregates = [self.aggregate(scope, depth) for _ in range(self.chance.randint(1, 3))]
        made = [key for key in keys if self.chance.random() < 0.9] + told + aggregates
        names = self.named_columns(made)
        having = node()
        if keys and self.chance.random() < 0.25:
            having = optional(" HAVING ", self.having(scope, keys))
        sql = node("SELECT ", self.listed(made, names), " FROM ", source.sql, self.where(scope, depth, 0.4), by, having)
        return Query(sql, names, source.rows)

    def having(self, scope: Scope, keys: list[Node]) -> Node:
        match self.chance.randrange(3):
            case 0:
                return value(BOOL, f"(COUNT(*) {self.pick(COMPARED)} {self.chance.randint(0, 4)})")
            case 1:
                kind = self.pick(COMPARABLE[:3])
                inner = self.values.of(kind, scope, 1, exact=True)
                return value(
                    BOOL,
                    f"({self.pick(('MIN', 'MAX'))}(",
                    inner,
                    f") {self.pick(COMPARED)} ",
                    self.values.constant(kind, scope),
                    ")",
                )
            case _:
                return value(BOOL, "(", self.pick(keys), self.pick((" IS NULL)", " IS NOT NULL)")))

    def aggregate(self, scope: Scope, depth: int) -> Node:
        """An aggregate, with DISTINCT, ORDER BY and FILTER where it may have them."""

        def some(kind, exact=False):
            return self.values.of(kind, scope, 1, exact)

        kept = node()
        if self.chance.random() < 0.25:
            kept = optional(" FILTER (WHERE ", self.values.condition(scope, 1), ")")
        distinct = "DISTINCT " if self.chance.random() < 0.2 else ""
        match self.chance.randrange(17):
            case 13:
                return value(FLOAT, self.pick(("MIN", "MAX")), "(", self.values.edge(scope, 1), ")", kept)
            case 14:
                return value(INT, "COUNT(DISTINCT ", self.values.edge(scope, 1), ")", kept)
            case 15:
                decimal = self.values.decimal(scope)
                if self.chance.random() < 0.5:
                    decimal = value(INT, "(", decimal, f" {self.pick('+-*')} ", self.values.decimal(scope), ")")
                name = self.pick((f"SUM({distinct}", "AVG(", "MIN(", "MAX("))
                if name == "AVG(":
                    # A decimal with four more digits than its values, and a double for DuckDB.
                    return value(FLOAT, "ROUND(AVG(", decimal, ")", kept, ", 3)", exact=False)
                return value(FLOAT, name, decimal, ")", kept, exact=False)
            case 16:
                lasting = node("(", some(TIME, True), " - ", self.values.of(TIME, scope, 0, exact=True), ")")
                written = Spelling(node("date_part('epoch', AVG(", lasting, ")", kept, ")"), node("epoch(AVG(", lasting, ")", kept, ")"))
                return value(FLOAT, written, exact=False)
            case 0 | 1:
                return value(INT, "COUNT(*)", kept)
            case 2:
                return value(
                    INT, f"COUNT({distinct}", self.values.any(scope, 1, exact=bool(distinct)), ")", kept, exact=True
                )
            case 3:
                small = value(INT, "(", some(INT, True), " % 1000)")
                return value(INT, f"SUM({distinct}", small, ")", kept)
            case 4:
                return value(FLOAT, f"{self.pick(('SUM', 'AVG'))}(", some(FLOAT), ")", kept, exact=False)
            case 5 | 6:
                kind = self.pick((TEXT, INT, FLOAT, TIME, DATE))
                return value(kind, self.pick(("MIN", "MAX")), "(", some(kind, True), ")", kept)
            case 7:
                return value(BOOL, self.pick(("bool_and", "bool_or")), "(", self.values.condition(scope, 1), ")", kept)
            case 8:
                name = self.pick(("stddev_samp", "stddev_pop", "var_samp", "var_pop"))
                # Of a single infinity PostgreSQL and the lake find NaN, and DuckDB 0.
                held = some(FLOAT, True)
                finite = node("CASE WHEN abs(", held, ") < 1e300 THEN ", held, " END")
                return value(FLOAT, f"{name}(", finite, ")", kept, exact=False)
            case 9:
                held = some(TEXT, True)
                order = node(" ORDER BY ", held, f" {self.direction()}")
                return value(TEXT, f"string_agg({distinct}", held, ", ','", order, ")", kept)
            case 10:
                small = value(INT, "(", some(INT, True), " % 1000)")
                return value(INT, self.pick(("bit_and", "bit_or", "bit_xor")), "(", small, ")", kept)
            case 11:
                return self.first_of(scope, kept)
            case _:
                part = self.pick(("0.25", "0.5", "0.9"))
                return value(
                    FLOAT, f"percentile_cont({part}) WITHIN GROUP (ORDER BY ", some(FLOAT, True), ")", exact=False
                )

    def first_of(self, scope: Scope, kept: Node) -> Node:
        """The first or last value by itself: equal ones are the same."""
        kind = self.pick(COMPARABLE)
        held = self.values.of(kind, scope, 1, exact=True)
        direction = self.direction()
        first = self.pick(("first", "last"))

        def written(name):
            return node(f"{name}(", held, " ORDER BY ", held, f" {direction})")

        return value(kind, Spelling(written(f"{first}_value"), written(first)), kept, exact=held.exact)

    # ---- windows

    def windowed(self, depth: int) -> Query:
        source = self.source(depth)
        scope = self.scope(source)
        made = [self.window(source, scope) for _ in range(self.chance.randint(1, 2))]
        made += [
            column.node()
            for column in self.chance.sample(scope.columns, min(len(scope.columns), self.chance.randint(0, 2)))
        ]
        names = self.named_columns(made)
        kept = node()
        if self.chance.random() < 0.2 and made[0].exact and made[0].kind == INT:
            kept = optional(" QUALIFY ", made[0], f" {self.pick(COMPARED)} {self.chance.randint(0, 3)}")
        sql = node("SELECT ", self.listed(made, names), " FROM ", source.sql, self.where(scope, depth, 0.4), kept)
        return Query(sql, names, source.rows)

    def window(self, source: Source, scope: Scope) -> Node:
        by = node()
        if self.chance.random() < 0.7:
            by = optional("PARTITION BY ", self.window_key(scope))
        first = node(self.window_key(scope), f" {self.direction()}")
        total = None
        if source.key is not None:
            total = items([first, *(node(f"{key} {self.direction()}") for key in source.key)])

        def over(order, frame=""):
            return node(" OVER (", by, " ORDER BY ", order, f" {frame})" if frame else ")")

        match self.chance.randrange(9 if total is not None else 4):
            case 0:
                name = self.pick(("rank", "dense_rank"))
                return value(INT, f"{name}()", over(first))
            case 1:
                name = self.pick(("percent_rank", "cume_dist"))
                return value(FLOAT, f"{name}()", over(first), exact=False)
            case 2:
                return self.summed(scope, over(first, self.pick(("", *PEER_FRAMES))))
            case 3:
                return self.summed(scope, node(" OVER (", by, ")"))
            case 4:
                return value(INT, self.pick(("row_number()", f"ntile({self.chance.randint(1, 5)})")), over(total))
            case 5 | 6:
                return self.summed(scope, over(total, self.pick(("", *FRAMES))))
            case 7:
                return self.moved(scope, over(total))
            case _:
                return self.at_edge(scope, over(total, self.pick(FRAMES)))

    def window_key(self, scope: Scope) -> Node:
        if self.chance.random() < 0.2:
            return self.values.edge(scope, 1)
        return self.values.of(self.pick(COMPARABLE), scope, 1, exact=True)

    def summed(self, scope: Scope, over: Node) -> Node:
        def some(kind):
            return self.values.of(kind, scope, 1, exact=True)

        match self.chance.randrange(7):
            case 5:
                return value(FLOAT, self.pick(("MIN", "MAX")), "(", self.values.edge(scope, 1), ")", over)
            case 6:
                return value(FLOAT, self.pick(("SUM(", "MIN(", "MAX(")), self.values.decimal(scope), ")", over, exact=False)
            case 0:
                return value(INT, "COUNT(*)", over)
            case 1:
                return value(INT, "COUNT(", self.values.any(scope, 1), ")", over, exact=True)
            case 2:
                return value(INT, "SUM(", value(INT, "(", some(INT), " % 1000)"), ")", over)
            case 3:
                return value(FLOAT, "AVG(", some(FLOAT), ")", over, exact=False)
            case _:
                kind = self.pick((TEXT, INT, TIME))
                return value(kind, self.pick(("MIN", "MAX")), "(", some(kind), ")", over)

    def moved(self, scope: Scope, over: Node) -> Node:
        kind = self.pick(COMPARABLE)
        held, name, steps = (
            self.values.of(kind, scope, 1, exact=True),
            self.pick(("lead", "lag")),
            self.chance.randint(1, 3),
        )
        if self.chance.random() < 0.35:
            lake, duckdb = (
                node(f"{name}(", held, f", {steps}) IGNORE NULLS"),
                node(f"{name}(", held, f", {steps} IGNORE NULLS)"),
            )
            return value(kind, Spelling(lake, duckdb), over, exact=True)
        instead = node(", ", self.values.constant(kind, scope)) if self.chance.random() < 0.4 else node()
        return value(kind, f"{name}(", held, f", {steps}", instead, ")", over)

    def at_edge(self, scope: Scope, over: Node) -> Node:
        kind = self.pick(COMPARABLE)
        held, name = self.values.of(kind, scope, 1, exact=True), self.pick(("first_value", "last_value", "nth_value"))
        at = f", {self.chance.randint(1, 3)}" if name == "nth_value" else ""
        if self.chance.random() < 0.4:
            lake, duckdb = node(f"{name}(", held, f"{at}) IGNORE NULLS"), node(f"{name}(", held, f"{at} IGNORE NULLS)")
            return value(kind, Spelling(lake, duckdb), over, exact=True)
        return value(kind, f"{name}(", held, f"{at})", over)

    # ---- set operations, DISTINCT ON

    def combined(self, depth: int) -> Query:
        count = self.chance.randint(1, 3)
        kinds = [self.pick((TEXT, INT, TIME, BOOL, DATE)) for _ in range(count)]
        sides = [self.of_kinds(kinds, depth - 1) for _ in range(self.pick((2, 2, 2, 3)))]
        sql = node("(", sides[0].sql, ")")
        for side in sides[1:]:
            sql = node("(", sql, f" {self.pick(SETS)} (", side.sql, "))")
        columns = tuple(Column(f"c{at}", kind, f"c{at}") for at, kind in enumerate(kinds))
        return Query(node("SELECT * FROM ", sql, f" AS {self.alias()}"), columns, sum(side.rows for side in sides))

    def of_kinds(self, kinds: list[str], depth: int) -> Query:
        """A query with columns of these kinds."""
        source = self.source(max(depth, 0))
        scope = self.scope(source)
        made = [self.values.of(kind, scope, 1, exact=True) for kind in kinds]
        names = self.named_columns(made)
        sql = node(
            "SELECT ",
            Items(tuple(self.listed(made, names).parts), separator=", ", least=len(made)),
            " FROM ",
            source.sql,
            self.where(scope, depth, 0.5),
        )
        return Query(sql, names, source.rows)

    def chosen_first(self, depth: int) -> Query:
        """DISTINCT ON: the first row of each group, by a total order."""
        source = self.source(depth)
        scope = self.scope(source)
        if source.key is None:
            return self.selected(depth)
        columns = [column for column in scope.columns if column.exact and column.kind in COMPARABLE]
        if not columns:
            return self.selected(depth)
        key = self.pick(columns)
        made = [key.node(), *(self.pick(columns).node() for _ in range(2))]
        names = self.named_columns(made)
        order = ", ".join(f"{name} {self.direction()}" for name in (key.sql, *source.key))
        inner = node(
            f"SELECT DISTINCT ON ({key.sql}) ",
            self.listed(made, names),
            " FROM ",
            source.sql,
            self.where(scope, depth, 0.3),
            f" ORDER BY {order}",
        )
        return Query(node("SELECT * FROM (", inner, f") AS {self.alias()}"), names, source.rows)

    # ---- FROM

    def source(self, depth: int) -> Source:
        roll = self.chance.random()
        if depth > 0 and roll < 0.4:
            return self.joined(depth - 1)
        if depth > 0 and roll < 0.5:
            return self.derived(self.body(depth - 1))
        if self.named and roll < 0.6:
            name, query = self.pick(self.named)
            return self.as_source(node(name), query.columns, None, query.rows)
        if roll < 0.64:
            return self.listed_values()
        if roll < 0.66:
            return self.counted_up()
        return self.table()

    def counted_up(self) -> Source:
        """A query that names itself."""
        alias, most = self.alias(), self.chance.randint(1, 6)
        step = self.chance.randint(1, 2)
        steps = f"SELECT 1 UNION ALL SELECT n + {step} FROM r WHERE n < {most}"
        inner = f"WITH RECURSIVE r(n) AS ({steps}) SELECT n FROM r"
        return Source(node(f"({inner}) AS {alias}"), (Column(f"{alias}.n", INT, "n"),), (f"{alias}.n",), most, alias)

    def as_source(self, sql: Node, columns: tuple[Column, ...], key: tuple[str, ...] | None, rows: int) -> Source:
        alias = self.alias()
        named = tuple(Column(f"{alias}.{column.name}", column.kind, column.name, column.exact) for column in columns)
        return Source(node(sql, f" AS {alias}"), named, key and tuple(f"{alias}.{name}" for name in key), rows, alias)

    def table(self) -> Source:
        table = self.pick(self.tables)
        columns = tuple(Column(name, kind, name) for name, kind in table.columns)
        return self.as_source(node(table.sql), columns, table.key, table.rows)

    def derived(self, query: Query) -> Source:
        return self.as_source(node("(", query.sql, ")"), query.columns, None, query.rows)

    def few_columns(self, names: list[str] | None = None) -> Source:
        """Some columns of a table, with some of its rows."""
        table = self.pick(self.tables)
        columns = [Column(name, kind, name) for name, kind in table.columns if kind != FLOAT]
        shared = [column for column in columns if names and column.name in names]
        chosen = self.chance.sample(columns, min(len(columns), 2)) + self.chance.sample(shared, min(len(shared), 2))
        chosen = tuple({column.name: column for column in chosen}.values())
        scope = Scope(tuple(columns), self.samples)
        where = (
            optional(" WHERE ", self.without_subqueries().condition(scope, 1)) if self.chance.random() < 0.5 else node()
        )
        sql = node("(SELECT ", ", ".join(column.name for column in chosen), f" FROM {table.sql}", where, ")")
        return self.as_source(sql, chosen, None, table.rows)

    def without_subqueries(self) -> Expressions:
        return Expressions(self.chance, None, self.values.beyond_duckdb)

    def listed_values(self) -> Source:
        kinds = [self.pick((TEXT, INT, TIME, BOOL)) for _ in range(self.chance.randint(1, 3))]
        scope = Scope((), self.samples)
        rows = [[self.typed_constant(kind, scope) for kind in kinds] for _ in range(self.chance.randint(1, 5))]
        listed = [node("(", ", ".join(row), ")") for row in rows]
        alias = self.alias()
        names = [f"v{at}" for at in range(len(kinds))]
        columns = tuple(Column(f"{alias}.{name}", kind, name) for name, kind in zip(names, kinds, strict=True))
        return Source(
            node("(VALUES ", items(listed), f") AS {alias} ({', '.join(names)})"), columns, None, len(rows), alias
        )

    def typed_constant(self, kind: str, scope: Scope) -> str:
        if self.chance.random() < 0.25:
            return literal(kind, None)
        return str(self.values.constant(kind, scope))

    def joined(self, depth: int) -> Source:
        if self.chance.random() < 0.25:
            return self.joined_by_names()
        left, right = self.side(depth), self.side(max(depth - 1, 0))
        how = self.pick(("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI", "ANTI", "CROSS"))
        if how == "CROSS" and left.rows * right.rows > 3_000:
            how = "JOIN"
        rows = left.rows * max(right.rows // 8, 1)
        if rows > 60_000:
            return left
        if how == "CROSS":
            return Source(
                node(left.sql, " CROSS JOIN ", right.sql),
                left.columns + right.columns,
                both(left, right),
                left.rows * right.rows,
            )
        on = self.join_condition(left, right)
        if how in ("SEMI", "ANTI"):
            word = node(Spelling(f" LEFT {how} JOIN ", f" {how} JOIN "))
            return Source(node(left.sql, word, right.sql, " ON ", on), left.columns, left.key, left.rows)
        return Source(
            node(left.sql, f" {how} ", right.sql, " ON ", on), left.columns + right.columns, both(left, right), rows
        )

    def side(self, depth: int) -> Source:
        """A side of a join, whose columns all have the name of a table before theirs."""
        source = self.source(depth)
        if all("." in column.sql for column in source.columns):
            return source
        names = self.named_columns([column.node() for column in source.columns])
        listed = ", ".join(f"{column.sql} AS {name.name}" for column, name in zip(source.columns, names, strict=True))
        return self.derived(Query(node(f"SELECT {listed} FROM ", source.sql), names, source.rows))

    def join_condition(self, left: Source, right: Source) -> Node:
        pairs = [
            (one, other)
            for one in left.columns
            for other in right.columns
            if one.kind == other.kind and one.exact and other.exact and one.kind in COMPARABLE and one.kind != BOOL
        ]
        same = [pair for pair in pairs if pair[0].name == pair[1].name]
        if not pairs:
            return value(BOOL, "(", self.without_subqueries().condition(self.scope(left), 1), ")")
        one, other = self.pick(same) if same and self.chance.random() < 0.6 else self.pick(pairs)
        equal = value(BOOL, "(", one.node(), " = ", other.node(), ")")
        if self.chance.random() < 0.35:
            more = self.without_subqueries().condition(self.scope(left, right), 1)
            return value(BOOL, "(", equal, " AND ", more, ")")
        return equal

    def joined_by_names(self) -> Source:
        """USING and NATURAL: the shared columns are there once, under their bare names."""
        left = self.few_columns()
        right = self.few_columns([column.name for column in left.columns])
        shared = [
            column
            for column in left.columns
            if any(column.name == other.name and column.kind == other.kind for other in right.columns)
        ]
        if not shared or any(
            column.name == other.name and column.kind != other.kind
            for column in left.columns
            for other in right.columns
        ):
            return left
        how = self.pick(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        natural = self.chance.random() < 0.4
        using = shared if natural else self.chance.sample(shared, self.chance.randint(1, len(shared)))
        names = [column.name for column in using]
        merged = [Column(column.name, column.kind, column.name) for column in using]
        # A column that both have under one name, but do not share, has no bare name.
        rest = [column for column in (*left.columns, *right.columns) if column.name not in names]
        rows = left.rows * max(right.rows // 8, 1)
        if natural:
            sql = node(left.sql, f" NATURAL {how} ", right.sql)
        else:
            sql = node(left.sql, f" {how} ", right.sql, f" USING ({', '.join(names)})")
        return Source(sql, (*merged, *rest), None, rows)

    # ---- queries within expressions

    def inner(self, scope: Scope, depth: int, kind: str | None = None) -> tuple[Source, Scope, Node] | None:
        """A source for a query within another, and its condition, which may name columns around it."""
        source = self.table() if self.chance.random() < 0.7 else self.source(0)
        own = self.scope(source)
        if kind is not None and not own.of(kind, exact=True):
            return None
        parts = []
        if self.chance.random() < 0.6:
            pairs = [
                (mine, theirs)
                for mine in own.columns
                for theirs in scope.columns
                # A column without a table before its name would be one of the inner query.
                if mine.kind == theirs.kind and mine.kind in COMPARABLE and mine.exact and "." in theirs.sql
            ]
            if pairs:
                mine, theirs = self.pick(pairs)
                parts.append(
                    value(BOOL, "(", mine.node(), f" {self.pick(('=', '=', '=', '<>', '<'))} ", theirs.node(), ")")
                )
        if self.chance.random() < 0.6:
            parts.append(self.without_subqueries().condition(own, 1))
        where = optional(" WHERE ", items(parts, separator=" AND ")) if parts else node()
        return source, own, where

    def scalar(self, kind: str, scope: Scope, depth: int) -> Node | None:
        """A query that is one value."""
        found = self.inner(scope, depth, kind if kind != INT else None)
        if found is None:
            return None
        source, own, where = found
        if kind == INT:
            counted = self.pick(("COUNT(*)", "COUNT(*)", None))
            column = self.pick(own.columns) if own.columns else None
            aggregate = node(counted) if counted or column is None else node("COUNT(", column.node(), ")")
        else:
            aggregate = node(self.pick(("MIN(", "MAX(")), self.pick(own.of(kind, exact=True)).node(), ")")
        if kind == BOOL:
            return None
        return value(kind, "(SELECT ", aggregate, " FROM ", source.sql, where, ")")

    def condition(self, scope: Scope, depth: int) -> Node | None:
        """EXISTS, IN, or a comparison with a query that is one value."""
        kind = self.pick(COMPARABLE[:3])
        match self.chance.randrange(5):
            case 4:
                found = self.inner(scope, depth, kind)
                if found is None:
                    return None
                source, own, where = found
                tested = self.values.of(kind, scope, 0, exact=True)
                inner = self.pick(own.of(kind, exact=True)).node()
                word = self.pick(("ANY", "ALL"))
                return value(
                    BOOL,
                    "(",
                    tested,
                    f" {self.pick(COMPARED)} {word} (SELECT ",
                    inner,
                    " FROM ",
                    source.sql,
                    where,
                    "))",
                )
            case 0:
                source, _, where = self.inner(scope, depth)
                return value(BOOL, f"({self.pick(('', 'NOT '))}EXISTS (SELECT 1 FROM ", source.sql, where, "))")
            case 1 | 2:
                found = self.inner(scope, depth, kind)
                if found is None:
                    return None
                source, own, where = found
                tested = self.values.of(kind, scope, 0, exact=True)
                word = self.pick((" IN ", " NOT IN "))
                inner = self.pick(own.of(kind, exact=True)).node()
                return value(BOOL, "(", tested, word, "(SELECT ", inner, " FROM ", source.sql, where, "))")
            case _:
                one = self.scalar(kind, scope, depth)
                if one is None:
                    return None
                return value(
                    BOOL, "(", self.values.of(kind, scope, 0, exact=True), f" {self.pick(COMPARED)} ", one, ")"
                )


def both(left: Source, right: Source) -> tuple[str, ...] | None:
    """What tells the rows of a join apart."""
    return None if left.key is None or right.key is None else left.key + right.key

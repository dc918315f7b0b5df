"""Values: expressions of a kind over the columns that a query has.

What the two engines define differently is not generated: division of whole numbers, casts that round, the texts of
times and of floating-point numbers, functions at the edges of their arguments. The rest is the same SQL, or a
`Spelling`.
"""

from __future__ import annotations

import dataclasses
import datetime
import random

from tree import BOOL, DATE, FLOAT, INT, TEXT, TIME, Items, Node, Spelling, items, node, optional, value

DATE_PARTS = ("year", "month", "day", "hour", "minute", "second", "dow", "doy", "quarter", "week")
TRUNCATED_TO = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
LENGTHS = ("1 day", "90 minutes", "26 hours", "36500 days", "2 months", "0 seconds")
STEPS = ("15 minutes", "1 hour", "6 hours", "1 day", "7 days")
PATTERNS = ("%a%", "A%", "%e", "_r%", "%", "", "%''%", "gra%", "%Ä%", "__")
REGULAR = ("^[A-M]", "a|e", "i+", "[0-9]", "e$", "^$")
# Floating-point numbers that are equal or ordered in a way of their own.
EDGES = ("-0.0", "0.0", "Infinity", "-Infinity", "NaN", "1.0")
COMPARED = ("=", "<>", "<", "<=", ">", ">=")


@dataclasses.dataclass(frozen=True)
class Column:
    """A column that a query can name."""

    sql: str
    kind: str
    name: str
    exact: bool = True

    def node(self) -> Node:
        return Node((self.sql,), self.kind, self.exact)


@dataclasses.dataclass(frozen=True)
class Scope:
    """The columns in reach, and values that they have."""

    columns: tuple[Column, ...]
    samples: dict[str, list]

    def of(self, kind: str, exact: bool = True) -> list[Column]:
        return [column for column in self.columns if column.kind == kind and (column.exact or not exact)]


def literal(kind: str, held: object) -> str:
    """A value as SQL that both engines read alike."""
    if held is None:
        return f"CAST(NULL AS {TYPES[kind]})"
    if kind == TEXT:
        return "'" + str(held).replace("'", "''") + "'"
    if kind == TIME:
        assert isinstance(held, datetime.datetime)
        return f"TIMESTAMP '{held.isoformat(timespec='seconds')}'"
    if kind == DATE:
        return f"DATE '{held}'"
    if kind == FLOAT:
        return f"CAST({held!r} AS DOUBLE)"
    if kind == BOOL:
        return "TRUE" if held else "FALSE"
    return str(held)


TYPES = {TEXT: "VARCHAR", INT: "BIGINT", FLOAT: "DOUBLE", BOOL: "BOOLEAN", TIME: "TIMESTAMP", DATE: "DATE"}


class Expressions:
    """Makes values of a kind. `subquery` makes a subquery used as a value, where queries may be nested."""

    def __init__(self, chance: random.Random, subqueries: object = None, beyond_duckdb: bool = False):
        self.chance = chance
        self.subqueries = subqueries
        # Whether functions that only the lake has may occur in a query that is compared with itself.
        self.beyond_duckdb = beyond_duckdb

    def pick(self, choices):
        return self.chance.choice(choices)

    def constant(self, kind: str, scope: Scope) -> Node:
        if self.chance.random() < 0.06:
            return Node((literal(kind, None),), kind)
        known = scope.samples.get(kind) or []
        if kind == BOOL:
            return Node((self.pick(("TRUE", "FALSE")),), kind)
        if known and self.chance.random() < 0.8:
            return Node((literal(kind, self.pick(known)),), kind)
        held = {
            TEXT: lambda: self.pick(("", "a", "A", "Graffiti", "x'y", "ä", "%", "open")),
            INT: lambda: self.pick((0, 1, 2, 3, 7, -1, 10, 100, 2024)),
            FLOAT: lambda: self.pick((0.0, 1.0, -1.5, 0.25, 37.75, -122.4)),
            TIME: lambda: datetime.datetime(2024, self.chance.randint(1, 12), self.chance.randint(1, 28)),
            DATE: lambda: datetime.date(2024, self.chance.randint(1, 12), self.chance.randint(1, 28)),
        }[kind]()
        return Node((literal(kind, held),), kind)

    def any(self, scope: Scope, depth: int, exact: bool = False) -> Node:
        kinds = [column.kind for column in scope.columns if column.exact or not exact] or [INT]
        kind = self.pick(kinds) if self.chance.random() < 0.8 else self.pick((TEXT, INT, FLOAT, BOOL, TIME, DATE))
        return self.of(kind, scope, depth, exact)

    def of(self, kind: str, scope: Scope, depth: int, exact: bool = False) -> Node:
        """A value of a kind; an exact one may be grouped and compared by."""
        columns = scope.of(kind, exact)
        if depth <= 0 or self.chance.random() < 0.3:
            if columns and self.chance.random() < 0.85:
                return self.pick(columns).node()
            return self.constant(kind, scope)
        if self.chance.random() < 0.2:
            return self.conditional(kind, scope, depth - 1, exact)
        if self.subqueries is not None and not exact and self.chance.random() < 0.06:
            found = self.subqueries.scalar(kind, scope, depth - 1)
            if found is not None:
                return found
        return getattr(self, f"_{kind}")(scope, depth - 1, exact)

    def conditional(self, kind: str, scope: Scope, depth: int, exact: bool) -> Node:
        def other():
            return self.of(kind, scope, depth, exact)

        match self.chance.randrange(5):
            case 0:
                return value(kind, "COALESCE(", other(), ", ", other(), ")")
            case 1:
                return value(
                    kind, "NULLIF(", self.of(kind, scope, depth, True), ", ", self.of(kind, scope, 0, True), ")"
                )
            case 2:
                tested = self.of(TEXT, scope, 0, True)
                return value(
                    kind,
                    "CASE ",
                    tested,
                    " WHEN ",
                    self.constant(TEXT, scope),
                    " THEN ",
                    other(),
                    " ELSE ",
                    other(),
                    " END",
                )
            case 3:
                function = self.pick(("greatest", "least"))
                return value(
                    kind, f"{function}(", self.of(kind, scope, depth, True), ", ", self.of(kind, scope, 0, True), ")"
                )
            case _:
                whens = [
                    node("WHEN ", self.condition(scope, depth), " THEN ", other())
                    for _ in range(self.chance.randint(1, 2))
                ]
                last = optional(" ELSE ", other()) if self.chance.random() < 0.7 else node()
                return value(kind, "CASE ", Items(tuple(whens), separator=" "), last, " END", exact=all_exact(whens))

    # ---- texts

    def _text(self, scope: Scope, depth: int, exact: bool) -> Node:
        def text():
            return self.of(TEXT, scope, depth, exact)

        def small():
            return str(self.chance.randint(1, 4))

        match self.chance.randrange(15):
            case 0:
                return value(TEXT, self.pick(("upper", "lower", "trim", "ltrim", "rtrim", "reverse")), "(", text(), ")")
            case 1:
                return value(TEXT, "(", text(), " || ", text(), ")")
            case 2:
                return value(TEXT, "substr(", text(), f", {small()}, {small()})")
            case 3:
                return value(TEXT, self.pick(("left", "right")), "(", text(), f", {small()})")
            case 4:
                return value(TEXT, "replace(", text(), f", '{self.pick('aeiA ')}', '{self.pick(('', 'o', 'xx'))}')")
            case 5:
                return value(
                    TEXT,
                    self.pick(("lpad", "rpad")),
                    "(",
                    text(),
                    f", {self.chance.randint(1, 9)}, '{self.pick('-*')}')",
                )
            case 6:
                return value(TEXT, "split_part(", text(), f", '{self.pick(' ae')}', {small()})")
            case 7:
                return value(TEXT, "concat(", text(), ", ", text(), ")")
            case 8:
                return value(TEXT, f"concat_ws('{self.pick('-,')}', ", text(), ", ", text(), ")")
            case 9:
                return value(TEXT, "CAST(", self.of(INT, scope, depth, exact), " AS VARCHAR)")
            case 10:
                return value(
                    TEXT,
                    "regexp_replace(",
                    text(),
                    f", '{self.pick(('[aeiou]', '[A-Z]', 'i+'))}', '.'",
                    self.pick(("", ", 'g'")),
                    ")",
                )
            case 11:
                return value(TEXT, "translate(", text(), ", 'aei', 'AEI')")
            case 12:
                return value(TEXT, "repeat(", text(), f", {self.chance.randint(0, 3)})")
            case 13:
                return value(TEXT, "CAST(", self.condition(scope, depth), " AS VARCHAR)")
            case _:
                return value(TEXT, "overlay(", text(), " PLACING 'zz' FROM 2)") if self.beyond_duckdb else text()

    # ---- numbers

    def _int(self, scope: Scope, depth: int, exact: bool) -> Node:
        def small():
            return value(INT, "(", self.of(INT, scope, 0, exact), f" % {self.pick((2, 3, 7, 10, 1000))})")

        def text():
            return self.of(TEXT, scope, depth, exact)

        def time():
            return self.of(TIME, scope, depth, exact)

        match self.chance.randrange(14):
            case 13:
                shift = self.pick((f"<< {self.chance.randint(0, 40)}", f">> {self.chance.randint(0, 62)}"))
                return value(INT, "(abs(", small(), f") {shift})")
            case 0:
                return value(INT, "(", small(), f" {self.pick('+-*')} ", small(), ")")
            case 1:
                return small()
            case 2:
                return value(INT, self.pick(("length", "char_length", "ascii", "octet_length")[:2]), "(", text(), ")")
            case 3:
                return value(INT, "strpos(", text(), f", '{self.pick('aeG')}')")
            case 4:
                return value(INT, "abs(", small(), ")")
            case 5:
                return value(INT, "(- ", small(), ")")
            case 6:
                part = self.pick(DATE_PARTS)
                return value(
                    INT, "CAST(", self.pick((f"date_part('{part}', ", f"EXTRACT({part} FROM ")), time(), ") AS BIGINT)"
                )
            case 7:
                return value(INT, "CAST(", self.condition(scope, depth), " AS INT)")
            case 8:
                rounded = self.pick(("floor", "ceil", "trunc"))
                return value(INT, f"CAST({rounded}(", self.of(FLOAT, scope, depth, True), ") AS BIGINT)")
            case 9:
                return (
                    value(INT, "TRY_CAST(substr(", text(), f", 1, {self.chance.randint(1, 3)}) AS INT)")
                    if self.beyond_duckdb
                    else small()
                )
            case 10:
                return value(INT, "(", small(), f" {self.pick(('&', '|'))} {self.pick((1, 3, 8))})")
            case 11:
                return value(INT, "CAST(date_part('epoch', date_trunc('day', ", time(), ")) AS BIGINT)")
            case _:
                days = self.pick(("<", ">="))
                return value(INT, "CASE WHEN ", time(), f" {days} ", time(), " THEN 1 ELSE 0 END")

    def edge(self, scope: Scope, depth: int) -> Node:
        """A floating-point number that may be a zero with a sign, infinite or not a number. It is compared, grouped by and
        ordered by; sums of such numbers are not generated: DuckDB refuses some."""

        def other():
            return self.edge(scope, depth - 1)

        match self.chance.randrange(7 if depth > 0 else 3):
            case 0:
                return self.of(FLOAT, scope, 0, exact=True)
            case 1 | 2:
                return Node((f"CAST('{self.pick(EDGES)}' AS DOUBLE)",), FLOAT)
            case 3:
                # Not a minus: DuckDB turns `- x >= NaN` into `x <= NaN`.
                return value(FLOAT, "abs(", other(), ")")
            case 4:
                return value(FLOAT, "NULLIF(", other(), ", ", other(), ")")
            case 5:
                return value(FLOAT, self.pick(("greatest(", "least(", "COALESCE(")), other(), ", ", other(), ")")
            case _:
                condition = self.condition(scope, 0)
                return value(FLOAT, "CASE WHEN ", condition, " THEN ", other(), " ELSE ", other(), " END")

    def _edged(self, _kind: str, scope: Scope, depth: int) -> Node:
        """A comparison of such numbers."""
        tested = self.edge(scope, depth)
        match self.chance.randrange(5):
            case 0:
                listed = [self.edge(scope, 0) for _ in range(self.chance.randint(1, 6))]
                return value(BOOL, "(", tested, self.pick((" IN (", " NOT IN (")), items(listed), "))")
            case 1:
                return value(BOOL, "(", tested, " BETWEEN ", self.edge(scope, 0), " AND ", self.edge(scope, 0), ")")
            case 2:
                word = self.pick((" IS DISTINCT FROM ", " IS NOT DISTINCT FROM "))
                return value(BOOL, "(", tested, word, self.edge(scope, 0), ")")
            case 3:
                whens = [node("WHEN ", self.edge(scope, 0), f" THEN {at}") for at in range(self.chance.randint(1, 5))]
                chosen = value(INT, "CASE ", tested, " ", Items(tuple(whens), separator=" "), " ELSE 9 END")
                return value(BOOL, "(", chosen, f" {self.pick(COMPARED)} {self.chance.randint(0, 9)})")
            case _:
                return value(BOOL, "(", tested, f" {self.pick(COMPARED)} ", self.edge(scope, 0), ")")

    def decimal(self, scope: Scope) -> Node:
        """A decimal of at most seven digits."""
        whole = value(INT, "(", self.of(INT, scope, 0, exact=True), f" % {self.pick((7, 1000, 100000))})")
        return value(INT, "CAST(", whole, f" AS DECIMAL({self.pick(('9, 2', '12, 4', '18, 0'))}))")

    def _float(self, scope: Scope, depth: int, exact: bool) -> Node:
        def number():
            return self.of(FLOAT, scope, depth, exact)

        match self.chance.randrange(9):
            case 8:
                lasting = node("(", self.of(TIME, scope, depth, exact), " - ", self.of(TIME, scope, 0, exact), ")")
                written = Spelling(node("date_part('epoch', ", lasting, ")"), node("epoch(", lasting, ")"))
                return value(FLOAT, written, exact=all_exact([lasting]))
            case 0:
                return value(FLOAT, "(", number(), f" {self.pick('+-*')} ", number(), ")")
            case 1:
                return value(FLOAT, "(", number(), " / NULLIF(", self.of(FLOAT, scope, 0, exact), ", 0.0))")
            case 2:
                return value(FLOAT, self.pick(("abs", "floor", "ceil", "trunc")), "(", number(), ")", exact=True)
            case 3:
                return value(FLOAT, "sqrt(abs(", number(), "))", exact=False) if not exact else number()
            case 4:
                return value(FLOAT, "CAST(", self.of(INT, scope, depth, exact), " AS DOUBLE)")
            case 5:
                return (
                    value(FLOAT, "round(", number(), f", {self.chance.randint(0, 3)})", exact=False)
                    if not exact
                    else number()
                )
            case 6:
                return value(FLOAT, "date_part('epoch', ", self.of(TIME, scope, depth, exact), ")")
            case _:
                return value(FLOAT, "(- ", number(), ")")

    # ---- times

    def _time(self, scope: Scope, depth: int, exact: bool) -> Node:
        def time():
            return self.of(TIME, scope, depth, exact)

        match self.chance.randrange(6):
            case 0 | 1:
                return value(TIME, f"date_trunc('{self.pick(TRUNCATED_TO)}', ", time(), ")")
            case 2:
                step, origin = (
                    self.pick(STEPS),
                    self.pick(("1970-01-01T00:00:00", "2024-01-01T00:00:00", "2000-01-03T00:30:00")),
                )
                held = time()

                def written(name):
                    return node(f"{name}(INTERVAL '{step}', ", held, f", TIMESTAMP '{origin}')")

                return value(TIME, Spelling(written("date_bin"), written("time_bucket")), exact=held.exact)
            case 3:
                length = self.pick(("1 day", "90 minutes", "1 month", "13 months", "1 week", "2 hours 30 minutes"))
                return value(TIME, "(", time(), f" {self.pick('+-')} INTERVAL '{length}')")
            case 4:
                return value(TIME, "CAST(", self.of(DATE, scope, depth, exact), " AS TIMESTAMP)")
            case _:
                return time()

    def _date(self, scope: Scope, depth: int, exact: bool) -> Node:
        return value(DATE, "CAST(", self.of(TIME, scope, depth, exact), " AS DATE)")

    # ---- conditions

    def _bool(self, scope: Scope, depth: int, exact: bool) -> Node:
        return self.condition(scope, depth)

    def condition(self, scope: Scope, depth: int) -> Node:
        """A condition: true, false or neither."""
        if depth > 0 and self.chance.random() < 0.35:
            match self.chance.randrange(4):
                case 0:
                    return value(BOOL, "(NOT ", self.condition(scope, depth - 1), ")")
                case 1 | 2:
                    word = self.pick(("AND", "OR"))
                    return value(
                        BOOL, "(", self.condition(scope, depth - 1), f" {word} ", self.condition(scope, depth - 1), ")"
                    )
                case _:
                    test = self.pick(("IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS NULL", "IS NOT NULL"))
                    return value(BOOL, "(", self.condition(scope, depth - 1), f" {test})")
        if self.subqueries is not None and depth > 0 and self.chance.random() < 0.18:
            found = self.subqueries.condition(scope, depth - 1)
            if found is not None:
                return found
        kind = self.pick([column.kind for column in scope.columns] or [INT])
        if kind == BOOL:
            columns = scope.of(BOOL)
            return self.pick(columns).node() if columns else Node(("TRUE",), BOOL)
        shapes = ["_compared", "_compared", "_null", "_between", "_listed", "_matched", "_distinct"]
        if kind == TIME:
            shapes.append("_lasting")
        if kind in (INT, FLOAT):
            shapes += ["_mixed", "_edged"]
        return getattr(self, self.pick(shapes))(kind, scope, depth)

    def _compared(self, kind: str, scope: Scope, depth: int) -> Node:
        # A sum of floating-point numbers may be a little more or less than a number that it is compared with.
        left = self.of(kind, scope, depth - 1, exact=True)
        if self.chance.random() < 0.5:
            right = self.compared_constant(kind, scope)
        else:
            right = self.of(kind, scope, depth - 1, exact=True)
        return value(BOOL, "(", left, f" {self.pick(COMPARED)} ", right, ")")

    def _null(self, kind: str, scope: Scope, depth: int) -> Node:
        return value(BOOL, "(", self.of(kind, scope, depth - 1), self.pick((" IS NULL)", " IS NOT NULL)")))

    def _between(self, kind: str, scope: Scope, depth: int) -> Node:
        word = self.pick((" BETWEEN ", " NOT BETWEEN "))
        tested = self.of(kind, scope, depth - 1, exact=True)
        low, high = self.compared_constant(kind, scope), self.compared_constant(kind, scope)
        return value(BOOL, "(", tested, word, low, " AND ", high, ")")

    def compared_constant(self, kind: str, scope: Scope) -> Node:
        """A constant compared with a value of the kind: a time may be plain text there."""
        made = self.constant(kind, scope)
        text = str(made)
        if kind == TIME and text.startswith("TIMESTAMP") and self.chance.random() < 0.4:
            return Node((text.removeprefix("TIMESTAMP "),), TIME)
        return made

    def _lasting(self, _kind: str, scope: Scope, depth: int) -> Node:
        """How long it is from one time to another."""
        one, other = self.of(TIME, scope, depth - 1, exact=True), self.of(TIME, scope, 0, exact=True)
        length = f"INTERVAL '{self.pick(LENGTHS)}'"
        if self.chance.random() < 0.3:
            return value(BOOL, "((", one, " - ", other, f") BETWEEN INTERVAL '0 seconds' AND {length})")
        return value(BOOL, "((", one, " - ", other, f") {self.pick(COMPARED)} {length})")

    def _mixed(self, _kind: str, scope: Scope, depth: int) -> Node:
        """An integer compared with a number of another type."""
        whole = value(INT, "(", self.of(INT, scope, depth - 1, exact=True), " % 100000)")
        return value(BOOL, "(", whole, f" {self.pick(COMPARED)} ", self.of(FLOAT, scope, 0, exact=True), ")")

    def _listed(self, kind: str, scope: Scope, depth: int) -> Node:
        word = self.pick((" IN (", " NOT IN ("))
        listed = [self.constant(kind, scope) for _ in range(self.chance.randint(1, 5))]
        return value(BOOL, "(", self.of(kind, scope, depth - 1, exact=True), word, items(listed), "))")

    def _matched(self, _kind: str, scope: Scope, depth: int) -> Node:
        tested = self.of(TEXT, scope, depth - 1)
        if self.chance.random() < 0.25:
            pattern = self.pick(REGULAR)

            def written(name):
                return node(f"{name}(", tested, f", '{pattern}')")

            return value(BOOL, Spelling(written("regexp_like"), written("regexp_matches")))
        if self.chance.random() < 0.15:
            return value(BOOL, "starts_with(", tested, f", '{self.pick('GAa')}')")
        word = self.pick((" LIKE ", " NOT LIKE ", " ILIKE ", " NOT ILIKE "))
        return value(BOOL, "(", tested, word, f"'{self.pick(PATTERNS)}')")

    def _distinct(self, kind: str, scope: Scope, depth: int) -> Node:
        word = self.pick((" IS DISTINCT FROM ", " IS NOT DISTINCT FROM "))
        left, right = self.of(kind, scope, depth - 1, exact=True), self.of(kind, scope, 0, exact=True)
        return value(BOOL, "(", left, word, right, ")")


def all_exact(pieces) -> bool:
    """Whether every value within these pieces is exact."""
    for piece in pieces:
        if isinstance(piece, Spelling):
            piece = piece.lake
        if isinstance(piece, Node):
            if not piece.exact or not all_exact(piece.parts):
                return False
    return True

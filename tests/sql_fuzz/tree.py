"""SQL as a tree: it is written for either engine, and made smaller piece by piece."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

LAKE = "lake"
DUCKDB = "duckdb"

TEXT, INT, FLOAT, BOOL, TIME, DATE = "text", "int", "float", "bool", "time", "date"

# The replacement of a value of a kind in a query that is reduced.
SIMPLEST = {
    TEXT: ("'a'", "CAST(NULL AS VARCHAR)"),
    INT: ("1", "CAST(NULL AS BIGINT)"),
    FLOAT: ("1.5", "CAST(NULL AS DOUBLE)"),
    BOOL: ("TRUE", "FALSE", "CAST(NULL AS BOOLEAN)"),
    TIME: ("TIMESTAMP '2024-01-01T00:00:00'", "CAST(NULL AS TIMESTAMP)"),
    DATE: ("DATE '2024-01-01'", "CAST(NULL AS DATE)"),
}


@dataclasses.dataclass(frozen=True)
class Spelling:
    """What the two engines spell differently."""

    lake: Node | str
    duckdb: Node | str


@dataclasses.dataclass(frozen=True)
class Node:
    """A piece of SQL: texts and pieces in their order."""

    parts: tuple[Node | Spelling | str, ...]
    # The kind of its value; None for what is no value.
    kind: str | None = None
    # Whether both engines compute the same bits: sums of floating-point numbers depend on their order.
    exact: bool = True
    # Whether a query may be right without it.
    removable: bool = False

    def __str__(self) -> str:
        return write(self, LAKE)


@dataclasses.dataclass(frozen=True)
class Items(Node):
    """Pieces with a separator between them; each may be left out, down to `least`."""

    separator: str = ", "
    least: int = 1


def node(*parts: Node | Spelling | str) -> Node:
    return Node(parts)


def value(kind: str, *parts: Node | Spelling | str, exact: bool = True) -> Node:
    """A value; it is exact if it is said to be and all values in it are."""
    exact = exact and all(part.exact for part in parts if isinstance(part, Node))
    return Node(parts, kind, exact)


def optional(*parts: Node | Spelling | str) -> Node:
    return Node(parts, removable=True)


def items(pieces: list[Node], separator: str = ", ", least: int = 1) -> Items:
    return Items(tuple(pieces), separator=separator, least=least)


def write(piece: Node | Spelling | str, dialect: str) -> str:
    """The piece as SQL of one engine."""
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Spelling):
        return write(piece.lake if dialect == LAKE else piece.duckdb, dialect)
    separator = piece.separator if isinstance(piece, Items) else ""
    return separator.join(write(part, dialect) for part in piece.parts)


def size(piece: Node | Spelling | str) -> int:
    return len(write(piece, LAKE))


def smaller(piece: Node | Spelling | str) -> Iterator[Node | Spelling | str]:
    """Every piece that is this one with one part of it left out or made simple, large parts first."""
    if isinstance(piece, str):
        return
    if isinstance(piece, Spelling):
        if isinstance(piece.lake, Node) and isinstance(piece.duckdb, Node):
            yield from (
                Spelling(lake, duckdb) for lake, duckdb in zip(smaller(piece.lake), smaller(piece.duckdb), strict=False)
            )
        return
    if piece.removable and piece.parts:
        yield dataclasses.replace(piece, parts=())
    if piece.kind is not None:
        for text in SIMPLEST[piece.kind]:
            if write(piece, LAKE) not in SIMPLEST[piece.kind]:
                yield Node((text,), piece.kind)
        yield from (inner for inner in values_within(piece) if inner.kind == piece.kind)
    if isinstance(piece, Items) and len(piece.parts) > piece.least:
        for at in range(len(piece.parts)):
            yield dataclasses.replace(piece, parts=piece.parts[:at] + piece.parts[at + 1 :])
    for at, part in enumerate(piece.parts):
        for less in smaller(part):
            yield dataclasses.replace(piece, parts=(*piece.parts[:at], less, *piece.parts[at + 1 :]))


def values_within(piece: Node | Spelling) -> Iterator[Node]:
    """The values that a value is made of, the nearest first."""
    parts = (piece.lake,) if isinstance(piece, Spelling) else piece.parts
    inner = [part for part in parts if isinstance(part, Node | Spelling)]
    for part in inner:
        if isinstance(part, Node) and part.kind is not None:
            yield part
    for part in inner:
        yield from values_within(part)

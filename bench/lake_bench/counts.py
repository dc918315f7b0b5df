"""Answers in one form, whatever system gave them: how many incidents, by the values of the dimensions."""

import json
from datetime import date, datetime

from .question import Question

Counts = dict[tuple, int]


def counts_of_json(question: Question, body: bytes) -> Counts:
    """Returns the counts of an answer of the HTTP interface."""
    rows = json.loads(body)
    if question.top:
        return {(row["value"],): row["count"] for row in rows}
    members = {"time": "occurred_at"}
    names = [members.get(name, name) for name in question.group_by]
    counts: Counts = {}
    for row in rows:
        counts[tuple(_of_json(name, row[name]) for name in names)] = row["count"]
    if len(counts) != len(rows):
        raise ValueError("a group is answered twice")
    return counts


def _of_json(name: str, value):
    if value is None:
        return None
    if name == "cell":
        return int(value, 16)
    if name == "occurred_at":
        return datetime.fromisoformat(value)
    return value


def counts_of_arrow(table) -> Counts:
    """Returns the counts of an Arrow table: the dimensions, then the count. Cells are numbers."""
    columns = [[_of_arrow(value) for value in column.to_pylist()] for column in table.columns]
    keys = list(zip(*columns[:-1])) if len(columns) > 1 else [()] * table.num_rows
    counts = {key: int(n) for key, n in zip(keys, columns[-1])}
    if len(counts) != table.num_rows:
        raise ValueError("a group is answered twice")
    return counts


def _of_arrow(value):
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, bytes):
        return value.decode()
    return value


def describe_difference(expected: Counts, given: Counts) -> str | None:
    """Returns what differs, or nothing if the answers are equal."""
    if expected == given:
        return None
    keys = sorted((key for key in {*expected, *given} if expected.get(key) != given.get(key)), key=repr)
    shown = ", ".join(f"{key}: {expected.get(key)} and {given.get(key)}" for key in keys[:3])
    return f"{len(keys)} of {len({*expected, *given})} groups differ: {shown}"

"""Whether two answers are the same rows, in any order."""

from __future__ import annotations

import datetime
import decimal
import math
from collections import Counter

# Two floating-point numbers are the same if they differ by less than this part of the larger, or by less than this.
# Sums and averages depend on the order in which an engine adds; variances lose more digits.
RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-6


def plain(value: object) -> object:
    """A value of either engine as one of Python: whole numbers are integers, whatever their type was."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, decimal.Decimal):
        value = float(value) if value != value.to_integral_value() else int(value)
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if value.is_integer() and abs(value) < 2**53:
            return int(value)
        return value
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    return value


def rounded(value: object) -> object:
    """A value by which rows are counted and sorted."""
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.4g}")
    if isinstance(value, tuple):
        return tuple(rounded(item) for item in value)
    return value


def same_value(left: object, right: object) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right or left == right
    if isinstance(left, int | float) and isinstance(right, int | float):
        if isinstance(left, int) and isinstance(right, int):
            return left == right
        return math.isclose(left, right, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same_value, left, right))
    return left == right


def same_rows(left: list[tuple], right: list[tuple]) -> bool:
    """Whether both have the same rows, as often."""
    if len(left) != len(right):
        return False
    left, right = ([tuple(map(plain, row)) for row in rows] for rows in (left, right))
    if Counter(left) == Counter(right):
        return True
    # Rows that are not the same bit by bit are matched one by one; there are few such answers.
    exact = Counter(right)
    open_left = []
    for row in left:
        if exact[row] > 0:
            exact[row] -= 1
        else:
            open_left.append(row)
    open_right = list(exact.elements())
    for row in sorted(open_left, key=order):
        match = next((at for at, other in enumerate(open_right) if same_value(row, other)), None)
        if match is None:
            return False
        del open_right[match]
    return True


def order(row: tuple) -> str:
    return repr(rounded(row))


def difference(lake: list[tuple], expected: list[tuple], most: int = 5) -> str:
    """Some of the rows that only one of them has."""
    lake, expected = (Counter(tuple(map(plain, row)) for row in rows) for rows in (lake, expected))
    text = []
    for name, only in (("only the lake", lake - expected), ("only the oracle", expected - lake)):
        rows = sorted(only.elements(), key=order)
        text.append(f"{name} ({len(rows)}): " + "; ".join(map(repr, rows[:most])))
    return "\n".join(text)

"""A question for counts, free of any system's language."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

LABELS = ("resource", "category", "subcategory", "district", "neighborhood")
LIMIT = 1_000_000


@dataclass(frozen=True)
class Question:
    """How many incidents pass the filters, by each combination of the dimensions."""

    group_by: tuple[str, ...]
    geo_precision: int = 9
    time_precision: str = "24h"
    resource: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    subcategory: tuple[str, ...] = ()
    district: tuple[str, ...] = ()
    neighborhood: tuple[str, ...] = ()
    not_category: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    hours: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    # West, south, east, north.
    bbox: tuple[float, float, float, float] | None = None
    # Longitude and latitude of each corner; the last corner is not the first.
    polygon: tuple[tuple[float, float], ...] = ()
    # Latitude, longitude, metres.
    near: tuple[float, float, float] | None = None
    # Cells of any resolution up to 10.
    cells: tuple[int, ...] = ()
    # Only that many values of the one dimension, the most frequent first.
    top: int | None = None

    def labels(self) -> dict[str, tuple[str, ...]]:
        """Returns the filters of labels."""
        return {name: getattr(self, name) for name in LABELS if getattr(self, name)}

    def path(self) -> str:
        """Returns the path of the HTTP interface that answers it."""
        pairs: list[tuple[str, str]] = []
        if self.top:
            pairs += [("facet", self.group_by[0]), ("limit", str(self.top))]
        else:
            pairs += [("group_by", ",".join(self.group_by)), ("limit", str(LIMIT))]
            if "cell" in self.group_by:
                pairs.append(("geo_precision", str(self.geo_precision)))
            if "time" in self.group_by:
                pairs.append(("time_precision", self.time_precision))
        for name, values in self.labels().items():
            pairs += [(name, value) for value in values]
        pairs += [("category!", value) for value in self.not_category]
        pairs += [("hour", str(hour)) for hour in self.hours]
        pairs += [("weekday", str(day)) for day in self.weekdays]
        pairs += [("cell", f"{cell:x}") for cell in self.cells]
        for name, value in (("start_time", self.start), ("end_time", self.end)):
            if value:
                pairs.append((name, value.isoformat(timespec="seconds")))
        if self.bbox:
            pairs.append(("bbox", ",".join(map(repr, self.bbox))))
        if self.near:
            pairs.append(("near", ",".join(map(repr, self.near))))
        if self.polygon:
            ring = [*self.polygon, self.polygon[0]]
            pairs.append(("polygon", json.dumps({"type": "Polygon", "coordinates": [ring]}, separators=(",", ":"))))
        return f"/{'facets' if self.top else 'aggregates'}?{urlencode(pairs, quote_via=quote)}"

    def with_(self, **changes) -> "Question":
        return replace(self, **changes)


def cell_range(cell: int) -> tuple[int, int]:
    """Returns the first and the last cell of resolution 10 within a cell."""
    resolution = (cell >> 52) & 0xF
    first = last = (cell & ~(0xF << 52)) | (10 << 52)
    for finer in range(resolution, 10):
        shift = 3 * (14 - finer)
        first &= ~(0b111 << shift)
        last = (last & ~(0b111 << shift)) | (6 << shift)
    return first, last


def parent_masks(resolution: int) -> tuple[int, int]:
    """Returns `and` and `or`: a cell's parent is `(cell & and) | or`. It has its resolution, and sevens below it."""
    return ~(0xF << 52) & 0x7FFF_FFFF_FFFF_FFFF, (resolution << 52) | ((1 << (3 * (15 - resolution))) - 1)


def parent(cell: int, resolution: int) -> int:
    keep, add = parent_masks(resolution)
    return (cell & keep) | add

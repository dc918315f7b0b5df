"""The shapes of questions: the eight of the targets, and sixteen more. Each repetition draws its parameters."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from .question import Question, parent


@dataclass
class Facts:
    """What parameters are drawn from: values that the lake has."""

    begin: datetime
    end: datetime
    labels: dict[str, list[str]]
    cells: list[int]
    points: list[tuple[float, float]]


class Draw:
    """The parameters of one repetition."""

    def __init__(self, facts: Facts, seed: str):
        self.facts = facts
        self.random = random.Random(seed)

    def day(self, before_end: int = 1) -> datetime:
        days = (self.facts.end - self.facts.begin).days - before_end
        return self.facts.begin + timedelta(days=self.random.randrange(max(1, days)))

    def window(self, days: int) -> dict:
        start = self.day(days)
        return {"start": start, "end": start + timedelta(days=days)}

    def years(self, years: int) -> dict:
        """A window from the first of a month."""
        start = self.day(366 * years).replace(day=1)
        return {"start": start, "end": start.replace(year=start.year + years)}

    def history(self) -> dict:
        """All time but for a drawn number of days at each end, so that no question is asked twice."""
        off = self.random.randrange
        return {
            "start": self.facts.begin + timedelta(days=off(120)),
            "end": self.facts.end - timedelta(days=off(120)),
        }

    def label(self, name: str, count: int = 1) -> tuple[str, ...]:
        values = self.facts.labels[name]
        return tuple(self.random.sample(values, min(count, len(values))))

    def point(self) -> tuple[float, float]:
        """Longitude and latitude of an incident, moved by up to a hundred metres."""
        longitude, latitude = self.random.choice(self.facts.points)
        return longitude + self.random.uniform(-0.001, 0.001), latitude + self.random.uniform(-0.001, 0.001)

    def box(self, least: float, most: float) -> tuple[float, float, float, float]:
        x, y = self.point()
        width, height = self.random.uniform(least, most), self.random.uniform(least, most)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2

    def polygon(self, corners: int, least: float, most: float) -> tuple[tuple[float, float], ...]:
        """A star around a point: its edges do not cross."""
        x, y = self.point()
        turn = self.random.uniform(0, math.tau)
        ring = []
        for corner in range(corners):
            angle, radius = turn + math.tau * corner / corners, self.random.uniform(least, most)
            ring.append((x + radius * math.cos(angle) / 0.79, y + radius * math.sin(angle)))
        return tuple(ring)


EIGHT = {
    "heat map of a year, resolution 9": lambda d: Question(("cell",), 9, **d.window(365)),
    "heat map of all time, resolution 8": lambda d: Question(("cell",), 8, **d.history()),
    "heat map of a week in a box": lambda d: Question(("cell",), 9, bbox=d.box(0.02, 0.06), **d.window(7)),
    "heat map of one category": lambda d: Question(("cell",), 9, category=d.label("category")),
    "months by category": lambda d: Question(("time", "category"), time_precision="1mo", **d.history()),
    "top categories of five years": lambda d: Question(("category",), top=20, **d.years(5)),
    "weekday by hour": lambda d: Question(("weekday", "hour"), **d.history()),
    "district by year": lambda d: Question(("district", "time"), time_precision="1y", **d.history()),
}


def _two_filters(d: Draw) -> Question:
    filters = {"category": d.label("category"), "district": d.label("district")}
    return Question(("time",), **filters, **d.window(365))


def _hours_and_weekdays(d: Draw) -> Question:
    first = d.random.randrange(24)
    hours = tuple(sorted((first + n) % 24 for n in range(6)))
    return Question(("cell",), 9, hours=hours, weekdays=tuple(sorted(d.random.sample(range(1, 8), 2))), **d.years(2))


def _minutes(d: Draw) -> Question:
    start = d.day(3) + timedelta(minutes=d.random.randrange(24 * 60))
    end = start + timedelta(minutes=d.random.randrange(600, 2_500))
    return Question(("cell", "category"), 10, start=start, end=end)


def _night_without_a_category(d: Draw) -> Question:
    return Question(("cell",), 7, not_category=d.label("category"), hours=(22, 23, 0, 1, 2, 3), **d.history())


def _category_and_its_kinds(d: Draw) -> Question:
    return Question(("subcategory", "time"), time_precision="1y", category=d.label("category"))


def _in_cells(d: Draw) -> Question:
    return Question(("hour",), cells=tuple(sorted({parent(cell, 7) for cell in d.random.sample(d.facts.cells, 3)})))


SIXTEEN = {
    "two filters, days of a year": _two_filters,
    "hours and weekdays, two years": _hours_and_weekdays,
    "polygon, months of all time": lambda d: Question(
        ("time",), time_precision="1mo", polygon=d.polygon(9, 0.006, 0.02)
    ),
    "polygon, heat map of a year": lambda d: Question(("cell",), 9, polygon=d.polygon(24, 0.01, 0.03), **d.window(365)),
    "a window of minutes, resolution 10": _minutes,
    "quarter hours of a day": lambda d: Question(("time",), time_precision="15m", **d.window(1)),
    "heat map of a month, resolution 10": lambda d: Question(("cell",), 10, **d.window(30)),
    "two resources, months": lambda d: Question(
        ("resource", "time"), time_precision="1mo", resource=d.label("resource", 2), **d.history()
    ),
    "box, days of a year": lambda d: Question(("time",), bbox=d.box(0.01, 0.05), **d.window(365)),
    "near a point, categories of five years": lambda d: Question(
        ("category",), near=(*reversed(d.point()), d.random.uniform(200, 1_500)), **d.years(5)
    ),
    "subcategories of a category by year": _category_and_its_kinds,
    "neighborhood by weekday, a year": lambda d: Question(("neighborhood", "weekday"), **d.window(365)),
    "three cells, hours of the day": _in_cells,
    "three categories, district by week": lambda d: Question(
        ("district", "time"), time_precision="1w", category=d.label("category", 3), **d.years(3)
    ),
    "the default question of a week": lambda d: Question(("resource", "cell", "time"), 9, **d.window(7)),
    "nights without a category, resolution 7": _night_without_a_category,
}

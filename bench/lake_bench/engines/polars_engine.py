"""Polars: a frame in memory, sorted by time, its labels as categories."""

import os

from ..counts import Counts, counts_of_arrow
from ..question import LABELS, Question, cell_range, parent_masks
from ..sql_text import RADIUS_METRES


class PolarsEngine:
    """The columns that questions are about."""

    def __init__(self, config: dict):
        os.environ["POLARS_MAX_THREADS"] = str(config["threads"])
        import polars

        self.polars = polars
        columns = ["resource", "occurred_at", "cell", "latitude", "longitude", *LABELS[1:]]
        frame = polars.scan_parquet(config["files"], hive_partitioning=True).select(columns)
        frame = frame.with_columns(polars.col(LABELS).cast(polars.Categorical))
        self.frame = frame.sort("occurred_at").collect().lazy()

    def version(self) -> str:
        return f"Polars {self.polars.__version__}"

    def query(self, question: Question):
        pl = self.polars
        frame = self.frame
        tests = self._tests(question)
        if tests:
            frame = frame.filter(*tests)
        groups = [self._dimension(question, name).alias(f"g{n}") for n, name in enumerate(question.group_by)]
        frame = frame.group_by(groups).agg(pl.len().alias("n")) if groups else frame.select(pl.len().alias("n"))
        if question.top:
            label = pl.col("g0").cast(pl.String)
            frame = frame.sort(pl.col("n"), label, descending=[True, False]).head(question.top)
        return frame

    def run(self, query):
        return query.collect()

    def counts(self, rows) -> Counts:
        pl = self.polars
        return counts_of_arrow(rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).to_arrow())

    def _dimension(self, question: Question, name: str):
        pl = self.polars
        match name:
            case "cell" if question.geo_precision == 10:
                return pl.col("cell")
            case "cell":
                keep, add = parent_masks(question.geo_precision)
                return (pl.col("cell") & keep) | add
            case "time":
                every = {"24h": "1d", "1h": "1h", "1m": "1m"}.get(question.time_precision, question.time_precision)
                return pl.col("occurred_at").dt.truncate(every)
            case "hour":
                return pl.col("occurred_at").dt.hour()
            case "weekday":
                return pl.col("occurred_at").dt.weekday()
            case label:
                return pl.col(label)

    def _tests(self, question: Question) -> list:
        pl = self.polars
        time, x, y = pl.col("occurred_at"), pl.col("longitude"), pl.col("latitude")
        tests = []
        if question.start:
            tests.append(time >= pl.lit(question.start, dtype=pl.Datetime("us")))
        if question.end:
            tests.append(time < pl.lit(question.end, dtype=pl.Datetime("us")))
        tests += [pl.col(name).is_in(list(values)) for name, values in question.labels().items()]
        if question.not_category:
            category = pl.col("category")
            tests.append(category.is_null() | ~category.is_in(list(question.not_category)))
        if question.hours:
            tests.append(time.dt.hour().is_in(question.hours))
        if question.weekdays:
            tests.append(time.dt.weekday().is_in(question.weekdays))
        if question.cells:
            tests.append(pl.any_horizontal(pl.col("cell").is_between(*cell_range(cell)) for cell in question.cells))
        if question.bbox:
            west, south, east, north = question.bbox
            tests += [x.is_between(west, east), y.is_between(south, north)]
        if question.near:
            tests += self._near(*question.near)
        if question.polygon:
            tests += self._polygon(question.polygon)
        return tests

    def _near(self, latitude: float, longitude: float, metres: float) -> list:
        pl = self.polars
        x, y = pl.col("longitude"), pl.col("latitude")
        reach = metres / 110_000
        west, east = longitude - 2 * reach, longitude + 2 * reach
        box = [x.is_between(west, east), y.is_between(latitude - reach, latitude + reach)]
        half_angles = ((y - latitude).radians() / 2).sin() ** 2 + (
            pl.lit(latitude).radians().cos() * y.radians().cos() * ((x - longitude).radians() / 2).sin() ** 2
        )
        return [*box, 2 * RADIUS_METRES * half_angles.sqrt().arcsin() <= metres]

    def _polygon(self, corners: tuple[tuple[float, float], ...]) -> list:
        pl = self.polars
        x, y = pl.col("longitude"), pl.col("latitude")
        xs, ys = zip(*corners)
        crossings = []
        for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]]):
            crosses = ((y < y1) != (y < y2)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
            crossings.append(crosses.cast(pl.Int32))
        box = [x.is_between(min(xs), max(xs)), y.is_between(min(ys), max(ys))]
        return [*box, pl.sum_horizontal(crossings) % 2 == 1]

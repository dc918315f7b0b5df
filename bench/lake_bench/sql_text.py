"""A question as SQL of DuckDB or ClickHouse, over the incidents or over the rollup made by hand."""

from datetime import datetime

from .question import Question, cell_range, parent_masks

RADIUS_METRES = 6_371_008.8
# Questions that the rollup cannot answer: points, labels that it does not have, cells and times finer than its own.
ROLLUP_LABELS = {"resource", "category", "district"}
ROLLUP_RESOLUTION = 9


class DuckDb:
    """Expressions as DuckDB writes them."""

    TRUNCATED = {"24h": "day", "1w": "week", "1mo": "month", "1y": "year", "1h": "hour", "1m": "minute"}

    @staticmethod
    def instant(value: datetime) -> str:
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S}'"

    @classmethod
    def bucket(cls, precision: str, column: str) -> str:
        if precision in cls.TRUNCATED:
            return f"date_trunc('{cls.TRUNCATED[precision]}', {column})"
        amount, unit = (precision[:-1], "minutes") if precision.endswith("m") else (precision[:-1], "hours")
        return f"time_bucket(INTERVAL '{amount} {unit}', {column}, TIMESTAMP '1970-01-01')"

    @staticmethod
    def hour(column: str) -> str:
        return f"hour({column})"

    @staticmethod
    def weekday(column: str) -> str:
        return f"isodow({column})"

    @staticmethod
    def polygon(corners: tuple[tuple[float, float], ...]) -> str:
        """The number of edges that a ray to the east crosses is odd."""
        crossings = []
        for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]]):
            edge = f"longitude < {x2 - x1!r} * (latitude - {y1!r}) / {y2 - y1!r} + {x1!r}"
            crossings.append(f"CAST((latitude < {y1!r}) <> (latitude < {y2!r}) AND {edge} AS INTEGER)")
        return f"({' + '.join(crossings)}) % 2 = 1"

    @staticmethod
    def parent(resolution: int, column: str) -> str:
        keep, add = parent_masks(resolution)
        return f"(({column} & {keep}) | {add})"


class ClickHouse(DuckDb):
    """Expressions as ClickHouse writes them."""

    BUCKETS = {
        "24h": "toStartOfDay({})",
        "1w": "toMonday({})",
        "1mo": "toStartOfMonth({})",
        "1y": "toStartOfYear({})",
        "1h": "toStartOfHour({})",
        "1m": "toStartOfMinute({})",
        "15m": "toStartOfFifteenMinutes({})",
    }

    @staticmethod
    def instant(value: datetime) -> str:
        return f"toDateTime64('{value:%Y-%m-%d %H:%M:%S}', 6, 'UTC')"

    @classmethod
    def bucket(cls, precision: str, column: str) -> str:
        return cls.BUCKETS[precision].format(column)

    @staticmethod
    def hour(column: str) -> str:
        return f"toHour({column})"

    @staticmethod
    def weekday(column: str) -> str:
        return f"toDayOfWeek({column})"

    @staticmethod
    def polygon(corners: tuple[tuple[float, float], ...]) -> str:
        ring = ", ".join(f"({x!r}, {y!r})" for x, y in corners)
        return f"pointInPolygon((assumeNotNull(longitude), assumeNotNull(latitude)), [{ring}])"

    @staticmethod
    def parent(resolution: int, column: str) -> str:
        keep, add = parent_masks(resolution)
        return f"bitOr(bitAnd({column}, {keep}), {add})"


def quote_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _any_of(column: str, values) -> str:
    texts = [quote_text(value) if isinstance(value, str) else str(value) for value in values]
    return f"{column} = {texts[0]}" if len(texts) == 1 else f"{column} IN ({', '.join(texts)})"


def _point_tests(question: Question, dialect: type[DuckDb]) -> list[str]:
    tests = []
    boxes = [question.bbox] if question.bbox else []
    if question.polygon:
        xs, ys = zip(*question.polygon)
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    if question.near:
        latitude, longitude, metres = question.near
        # A box that contains the circle, in a latitude where a degree of longitude is at least half as long.
        reach = metres / 110_000
        boxes.append((longitude - 2 * reach, latitude - reach, longitude + 2 * reach, latitude + reach))
    for west, south, east, north in boxes:
        tests.append(f"longitude BETWEEN {west!r} AND {east!r}")
        tests.append(f"latitude BETWEEN {south!r} AND {north!r}")
    if question.near:
        latitude, longitude, metres = question.near
        half_angles = (
            f"pow(sin(radians(latitude - {latitude!r}) / 2), 2) + cos(radians({latitude!r})) * cos(radians(latitude))"
            f" * pow(sin(radians(longitude - {longitude!r}) / 2), 2)"
        )
        tests.append(f"2 * {RADIUS_METRES} * asin(sqrt({half_angles})) <= {metres!r}")
    if question.polygon:
        tests.append(dialect.polygon(question.polygon))
    return tests


def conditions(question: Question, dialect: type[DuckDb], instant: str = "occurred_at") -> list[str]:
    """Returns the tests of the filters."""
    tests = []
    if question.start:
        tests.append(f"{instant} >= {dialect.instant(question.start)}")
    if question.end:
        tests.append(f"{instant} < {dialect.instant(question.end)}")
    tests += [_any_of(name, values) for name, values in question.labels().items()]
    if question.not_category:
        excluded = ", ".join(map(quote_text, question.not_category))
        tests.append(f"(category IS NULL OR category NOT IN ({excluded}))")
    if question.hours:
        tests.append(_any_of(dialect.hour("occurred_at"), question.hours))
    if question.weekdays:
        tests.append(_any_of(dialect.weekday("occurred_at"), question.weekdays))
    if question.cells:
        ranges = [cell_range(cell) for cell in question.cells]
        tests.append("(" + " OR ".join(f"cell BETWEEN {first} AND {last}" for first, last in ranges) + ")")
    return tests + _point_tests(question, dialect)


def _dimension(question: Question, name: str, dialect: type[DuckDb]) -> str:
    match name:
        case "cell" if question.geo_precision == 10:
            return "cell"
        case "cell":
            return dialect.parent(question.geo_precision, "cell")
        case "time":
            return dialect.bucket(question.time_precision, "occurred_at")
        case "hour":
            return dialect.hour("occurred_at")
        case "weekday":
            return dialect.weekday("occurred_at")
        case label:
            return label


def _select(columns: list[str], table: str, tests: list[str], counted: str, top: int | None) -> str:
    # `g1`, not the name of a column, which ClickHouse would take for that column in the tests.
    listed = ", ".join(f"{column} AS g{number}" for number, column in enumerate(columns, 1))
    groups = ", ".join(f"g{number}" for number in range(1, len(columns) + 1))
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    text = f"SELECT {listed}, {counted} AS n FROM {table}{where} GROUP BY {groups}"
    return f"{text} ORDER BY n DESC, g1 LIMIT {top}" if top else text


def incidents_sql(question: Question, dialect: type[DuckDb], table: str = "incidents") -> str:
    """Returns the question as SQL: a column for each dimension, and the count."""
    columns = [_dimension(question, name, dialect) for name in question.group_by]
    return _select(columns, table, conditions(question, dialect), "count(*)", question.top)


def rollup_sql(question: Question) -> str | None:
    """Returns the question as DuckDB's SQL over `rollup`, or nothing if the rollup cannot answer it."""
    labels = {*question.labels(), *question.group_by} - {"cell", "time", "hour", "weekday"}
    has_points = question.bbox or question.polygon or question.near or question.cells
    is_fine = "cell" in question.group_by and question.geo_precision > ROLLUP_RESOLUTION
    is_fine |= "time" in question.group_by and question.time_precision not in ("24h", "1w", "1mo", "1y")
    has_days = all(t is None or (t.hour, t.minute, t.second) == (0, 0, 0) for t in (question.start, question.end))
    if has_points or is_fine or not has_days or not labels <= ROLLUP_LABELS:
        return None
    columns = []
    for name in question.group_by:
        if name == "cell":
            finest = question.geo_precision == ROLLUP_RESOLUTION
            columns.append("cell9" if finest else DuckDb.parent(question.geo_precision, "cell9"))
        elif name == "time":
            columns.append(DuckDb.bucket(question.time_precision, "day"))
        else:
            columns.append({"hour": "hour", "weekday": "isodow(day)"}.get(name, name))
    tests = conditions(question.with_(hours=(), weekdays=()), DuckDb, "day")
    if question.hours:
        tests.append(_any_of("hour", question.hours))
    if question.weekdays:
        tests.append(_any_of("isodow(day)", question.weekdays))
    return _select(columns, "rollup", tests, "sum(n)", question.top)

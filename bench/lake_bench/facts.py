"""What the lake contains, so that questions can be drawn that have answers."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from .delta_files import data_files
from .engines.duckdb_engines import parquet_view
from .question import LABELS
from .shapes import Facts

SAMPLED = 2_000


def read_facts(lake: Path) -> Facts:
    """Reads the values of the labels, the most frequent first, and a sample of points and cells."""
    connection = duckdb.connect()
    source = parquet_view(data_files(lake, "incidents"))
    labels = {}
    for name in LABELS:
        found = connection.execute(
            f"SELECT {name} FROM {source} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 200"
        )
        labels[name] = [row[0] for row in found.fetchall()]
    begin, end = connection.execute(f"SELECT min(occurred_at), max(occurred_at) FROM {source}").fetchone()
    points = connection.execute(
        f"SELECT longitude, latitude, cell FROM {source} WHERE cell IS NOT NULL ORDER BY hash(id), id LIMIT {SAMPLED}"
    ).fetchall()
    connection.close()
    return Facts(
        begin=_midnight(begin),
        end=_midnight(end) + timedelta(days=1),
        labels=labels,
        cells=[cell for _, _, cell in points],
        points=[(x, y) for x, y, _ in points],
    )


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)

"""The sixteen further shapes of question."""

from ..report import Report
from ..settings import Settings
from ..shapes import SIXTEEN
from .questions import ask_shapes

ABOUT = "sixteen further shapes: two filters, hours, polygons, minutes, resolution 10, several resources"


def measure(settings: Settings, report: Report) -> None:
    ask_shapes(settings, report, "shapes", SIXTEEN, [("duckdb-native", 3.0, 0.8)], without=("duckdb-rollup",))

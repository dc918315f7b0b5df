"""The lake itself: made if it does not exist."""

from ..lakes import ensure_lakes
from ..measure import load
from ..report import Report
from ..settings import Settings

ABOUT = "make the lake that the other parts use, if it does not exist"


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    landing, compaction = lakes.recipe["landing"], lakes.recipe["compaction"]
    text = (
        f"Landed from JSON files in {landing['seconds']:,.0f} s ({settings.incidents / landing['seconds']:,.0f} rows a "
        f"second, {landing['peak_mib']:,.0f} MiB), compacted in {compaction['seconds']:,.1f} s "
        f"({compaction['peak_mib']:,.0f} MiB), when the lake was made."
    )
    report.add("lake", text, [], {"recipe": lakes.recipe}, before)

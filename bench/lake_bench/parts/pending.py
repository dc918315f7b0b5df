"""The eight questions with batches that are not compacted, against the same lake compacted."""

import shutil

from ..ask import OURS, HttpSystem, ask_all
from ..facts import read_facts
from ..lakes import ensure_lakes, ingest_file, link_lake, resource_rows, write_rows
from ..measure import load, median
from ..processes import Server, run_measured
from ..report import Report, Target
from ..settings import Settings
from ..shapes import EIGHT
from .questions import speed_table

ABOUT = "the eight with five pending batches of 50,000 rows, against the same lake compacted"

RESOURCE = "311-cases"
BATCHES = 5
BATCH_ROWS = 50_000
COMPACTED = "compacted"
WANTED = 1.5


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    pending, compacted = settings.scratch / "pending", settings.scratch / "compacted"
    link_lake(lakes.compacted, pending)
    # The key index is of what landed, compacted or not.
    shutil.copytree(lakes.landed / ".index", pending / ".index")
    batch = min(BATCH_ROWS, settings.incidents // 20)
    total = resource_rows(settings.incidents)[RESOURCE]
    path = settings.scratch / "rows.json"
    # One batch in five changes rows of the lake.
    write_rows(settings, path, RESOURCE, total, from_=total, count=(BATCHES - 1) * batch, changed=batch)
    landed = ingest_file(settings, pending, RESOURCE, path, "--page-size", str(batch))
    link_lake(pending, compacted)
    run_measured([settings.program, "--quiet", "--lake", compacted, "compact"])
    with Server(settings.program, pending) as first, Server(settings.program, compacted) as second:
        systems = {OURS: HttpSystem(first), COMPACTED: HttpSystem(second)}
        asked = ask_all(settings, read_facts(compacted), EIGHT, systems, "pending")
        peak = first.peak_mib()
    times = {shape: median(s[OURS].wall) / median(s[COMPACTED].wall) for shape, s in asked.series.items()}
    worst = max(times, key=times.get)
    text = (
        f"Median ms (95th percentile) of {settings.repetitions} questions each with {BATCHES} pending batches of "
        f"{batch:,} rows, a fifth of them changes, next to the same rows compacted; with ×, the compacted lake's time "
        f"by that of the pending one.\n\n{speed_table(asked, list(systems))}\n\n"
        f"Peak memory of the server with pending batches: {peak:,.0f} MiB. They landed in {landed.seconds:.1f} s."
    )
    target = Target(
        work="questions with pending batches",
        against="itself, compacted",
        wanted=f"at most {WANTED:g}× the time",
        found=f"at most {times[worst]:.2f}× ({worst})",
        is_met=times[worst] <= WANTED,
    )
    report.add("pending", text, [target], {"figures": asked.figures(), "compared": asked.compared}, before)

"""The eight questions at this size against a lake of a million incidents."""

from ..ask import OURS, Asked, HttpSystem, ask_all
from ..facts import read_facts
from ..lakes import ensure_lakes
from ..measure import load, median
from ..processes import Server
from ..report import Report, Target, format_ms, table
from ..settings import Settings
from ..shapes import EIGHT

ABOUT = "the eight at this size against itself at a million incidents"

SMALL = 1_000_000
WANTED = 3.0


def measure(settings: Settings, report: Report) -> None:
    before = load()
    small, peak_small = _ask(settings, SMALL)
    large, peak_large = _ask(settings, settings.incidents)
    rows, times = [], {}
    for shape in EIGHT:
        one, other = (median(asked.of(shape, OURS).wall) for asked in (small, large))
        times[shape] = other / one
        rows.append([shape, format_ms(1e3 * one), format_ms(1e3 * other), f"{times[shape]:.2f}×"])
    worst = max(times, key=times.get)
    text = table(["question, median ms", f"{SMALL:,}", f"{settings.incidents:,}", "times"], rows)
    text += f"\n\nPeak memory of the servers: {peak_small:,.0f} and {peak_large:,.0f} MiB."
    target = Target(
        work=f"questions at {settings.incidents:,}",
        against=f"itself at {SMALL:,}",
        wanted=f"at most {WANTED:g}× the median",
        found=f"at most {times[worst]:.2f}× ({worst})",
        is_met=times[worst] <= WANTED,
    )
    report.add("scale", text, [target], {"times": times}, before)


def _ask(settings: Settings, incidents: int) -> tuple[Asked, float]:
    lakes = ensure_lakes(settings, incidents)
    with Server(settings.program, lakes.compacted) as server:
        asked = ask_all(settings, read_facts(lakes.compacted), EIGHT, {OURS: HttpSystem(server)}, "scale")
        return asked, server.peak_mib()

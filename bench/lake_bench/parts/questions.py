"""The eight questions, over HTTP and by the other systems."""

from ..ask import OURS, Asked, HttpSystem, ask_all, engine_config, start_engines
from ..facts import read_facts
from ..lakes import ensure_lakes
from ..measure import load, median
from ..processes import Server
from ..report import Report, Target, format_ms, table
from ..settings import Settings
from ..shapes import EIGHT

ABOUT = "the eight questions, warm, HTTP to the whole body, next to all engines"

# System, median ratio, least ratio.
WANTED = [("duckdb-parquet", 20.0, 5.0), ("duckdb-native", 8.0, 2.0), ("duckdb-rollup", 5.0, 1.5)]
NAMES = {
    "duckdb-parquet": "DuckDB on the same Parquet files",
    "duckdb-native": "DuckDB, native table",
    "duckdb-rollup": "DuckDB, rollup by hand",
    "clickhouse": "ClickHouse (chdb)",
    "polars": "Polars, in memory",
}


def measure(settings: Settings, report: Report) -> None:
    ask_shapes(settings, report, "questions", EIGHT, WANTED)


def ask_shapes(settings: Settings, report: Report, part: str, shapes: dict, wanted: list, without=()) -> None:
    """Asks shapes of questions and reports them as a table with ratios."""
    before = load()
    lakes = ensure_lakes(settings)
    facts = read_facts(lakes.compacted)
    engines = start_engines(settings, engine_config(settings, lakes), without)
    try:
        with Server(settings.program, lakes.compacted) as server:
            asked = ask_all(settings, facts, shapes, {OURS: HttpSystem(server), **engines}, part)
            peaks = {OURS: round(server.peak_mib(), 1)}
        peaks |= {name: round(engine.peak_mib(), 1) for name, engine in engines.items()}
        versions = {name: engine.version for name, engine in engines.items()}
    finally:
        for engine in engines.values():
            engine.stop()
    systems = [OURS, *versions]
    text = (
        f"Median ms (95th percentile) of {settings.repetitions} questions each; with ×, how many times faster "
        f"hotspots-lake is by the medians. {asked.compared:,} answers of other systems were equal to ours.\n\n"
        + speed_table(asked, systems)
        + "\n\nPeak memory, MiB: "
        + ", ".join(f"{name} {mib:,.0f}" for name, mib in peaks.items())
        + "."
    )
    targets = [speed_target(asked, part, *one) for one in wanted if one[0] in versions]
    data = {"versions": versions, "figures": asked.figures(), "peak_mib": peaks, "compared": asked.compared}
    report.add(part, text, targets, data, before)


def speed_table(asked: Asked, systems: list[str]) -> str:
    rows = []
    for shape, series in asked.series.items():
        figures = {name: one.figures() for name, one in series.items()}
        row = [shape]
        for name in systems:
            if name not in figures:
                row.append("")
                continue
            one = figures[name]
            cell = f"{format_ms(one['median_ms'])} ({format_ms(one['p95_ms'])})"
            if name != OURS:
                cell += f" {one['median_ms'] / figures[OURS]['median_ms']:.1f}×"
            row.append(cell)
        rows.append(row)
    return table(["question", *(NAMES.get(name, name) for name in systems)], rows)


def ratios(asked: Asked, system: str, clock: str = "wall") -> list[float]:
    """Returns how many times faster the program is, for each shape that the system answers: by `wall` or `cpu` time."""
    both = [series for series in asked.series.values() if system in series]
    # A system that does not count CPU time has none.
    times = [[max(1e-9, median(getattr(series[name], clock))) for name in (system, OURS)] for series in both]
    return [other / ours for other, ours in times]


def speed_target(asked: Asked, part: str, system: str, wanted_median: float, wanted_least: float) -> Target:
    found, by_cpu = ratios(asked, system), ratios(asked, system, "cpu")
    middle, least = median(found), min(found)
    return Target(
        work=f"{part}, warm, HTTP to body",
        against=NAMES[system],
        wanted=f"median {wanted_median:g}×, none below {wanted_least:g}×",
        found=f"median {middle:.2f}×, least {least:.2f}× (CPU time: {median(by_cpu):.2f}×, {min(by_cpu):.2f}×)",
        is_met=middle >= wanted_median and least >= wanted_least,
    )

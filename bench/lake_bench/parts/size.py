"""Bytes an incident."""

from pathlib import Path

from ..ask import engine_config, start_engines
from ..delta_files import data_files
from ..lakes import ensure_lakes
from ..measure import load
from ..report import Report, Target, table
from ..settings import Settings

ABOUT = "bytes an incident, against DuckDB's native file of the same columns"


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    sizes = {}
    for name in ("incidents", "counts"):
        sizes[f"`{name}`"] = sum(Path(file).stat().st_size for file in data_files(lakes.compacted, name))
    ours = sum(sizes.values())
    sizes["`raw`, all resources"] = sum(
        Path(file).stat().st_size
        for folder in (lakes.compacted / "raw").iterdir()
        for file in data_files(lakes.compacted / "raw", folder.name)
    )
    # The systems make their copies when they start.
    config = engine_config(settings, lakes)
    engines = start_engines(settings, config, without=("duckdb-parquet", "polars"))
    for engine in engines.values():
        engine.stop()
    native = None
    if "duckdb-native" in engines or "duckdb-rollup" in engines:
        native = Path(config["native"]).stat().st_size
        sizes["DuckDB, native file"] = native
        sizes["DuckDB, rollup by hand"] = Path(config["rollup"]).stat().st_size
    if "clickhouse" in engines:
        sizes["ClickHouse, MergeTree"] = _bytes_under(Path(config["clickhouse"]) / "data" / "store")
    text = table(
        ["data", "bytes", "bytes an incident"],
        [[name, f"{size:,}", f"{size / settings.incidents:.1f}"] for name, size in sizes.items()],
    )
    targets = []
    if native:
        targets.append(
            Target(
                work="bytes of `incidents` and `counts` an incident",
                against="DuckDB's native file of the same columns",
                wanted="smaller",
                found=f"{ours / settings.incidents:.1f} and {native / settings.incidents:.1f}",
                is_met=ours < native,
            )
        )
    report.add("size", text, targets, {"bytes": sizes}, before)


def _bytes_under(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

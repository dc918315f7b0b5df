"""What a run measures, and where it keeps lakes and results."""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotspots-lake"

# The shares of a lake's incidents, in percent.
RESOURCES = {"311-cases": 60, "fire-ems-calls": 20, "police-department-incidents": 15, "traffic-crashes": 5}

ENGINES = ["duckdb-parquet", "duckdb-native", "duckdb-rollup", "clickhouse", "polars"]


@dataclass
class Settings:
    """The options of a run."""

    incidents: int
    program: Path
    generator: Path
    cache: Path
    seed: int
    repetitions: int
    engines: list[str]
    threads: int
    writes_docs: bool
    recompacts: bool
    skipped: list[str] = field(default_factory=list)

    @property
    def lakes(self) -> Path:
        return self.cache / "lakes"

    @property
    def results(self) -> Path:
        return self.cache / "results"

    @property
    def scratch(self) -> Path:
        """Files of one part, removed when it ends."""
        return self.cache / "scratch"


def default_target() -> Path:
    """Returns the release directory that `.ci/run` and CONTRIBUTING.md build into."""
    target = os.environ.get("CARGO_TARGET_DIR")
    return (Path(target) if target else USER_CACHE / "target") / "release"


def parse_arguments(parts: dict[str, str], arguments: list[str] | None = None) -> tuple[list[str], Settings]:
    """Returns the parts to run and the settings."""
    listing = "\n".join(f"  {name:<12} {about}" for name, about in parts.items())
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Measure hotspots-lake next to DuckDB, ClickHouse and Polars on the same rows.",
        epilog=f"parts:\n{listing}\n\nWithout a part, all of them run.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure")
    parser.add_argument("--incidents", type=int, default=1_000_000, metavar="N", help="the size of the lake (1000000)")
    parser.add_argument("--program", type=Path, metavar="PATH", help="the program (release build of this repository)")
    parser.add_argument("--generator", type=Path, metavar="PATH", help="lake-bench (next to the program)")
    parser.add_argument("--cache", type=Path, default=USER_CACHE / "bench", metavar="DIR", help="lakes and results")
    parser.add_argument("--seed", type=int, default=311, metavar="N", help="the seed of rows and questions (311)")
    parser.add_argument("--repetitions", type=int, default=20, metavar="N", help="questions of each shape (20)")
    parser.add_argument("--engines", default=",".join(ENGINES), metavar="NAMES", help=f"of {', '.join(ENGINES)}")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, metavar="N", help="of each engine (all)")
    parser.add_argument("--recompact", action="store_true", help="compact a kept lake again, after a change of layout")
    parser.add_argument("--docs", action="store_true", help="write the results into docs/benchmarks.md")
    given = parser.parse_args(arguments)
    for part in given.parts:
        if part not in parts:
            parser.error(f"`{part}` is not a part: expected one of {', '.join(parts)}")
    engines = [name for name in given.engines.split(",") if name]
    for name in engines:
        if name not in ENGINES:
            parser.error(f"`{name}` is not an engine: expected one of {', '.join(ENGINES)}")
    program = given.program or default_target() / "hotspots-lake"
    generator = given.generator or program.parent / "lake-bench"
    for path in (program, generator):
        if not path.is_file():
            parser.error(f"{path} does not exist: cargo build --release --workspace --bins")
    settings = Settings(
        incidents=given.incidents,
        program=program.resolve(),
        generator=generator.resolve(),
        cache=given.cache.resolve(),
        seed=given.seed,
        repetitions=given.repetitions,
        engines=engines,
        threads=given.threads,
        writes_docs=given.docs,
        recompacts=given.recompact,
    )
    return given.parts or list(parts), settings

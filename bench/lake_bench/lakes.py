"""Lakes of any size: rows of the generator, landed and compacted by the program. They are kept and used again."""

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .processes import run_measured
from .settings import RESOURCES, Settings

# Rows of one file; it is removed when it has landed.
FILE_ROWS = 1_000_000


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass
class Lakes:
    """The states of a lake of one size."""

    folder: Path
    recipe: dict

    @property
    def landed(self) -> Path:
        """Everything landed, nothing compacted, with the key index."""
        return self.folder / "landed"

    @property
    def compacted(self) -> Path:
        """The same, compacted."""
        return self.folder / "compacted"


def resource_rows(incidents: int) -> dict[str, int]:
    """Returns how many incidents each resource has."""
    rows = {name: incidents * share // 100 for name, share in RESOURCES.items()}
    first = next(iter(rows))
    rows[first] += incidents - sum(rows.values())
    return rows


def generator_version(settings: Settings) -> str:
    return run_measured([settings.generator, "version"]).output.strip()


def write_rows(settings: Settings, path: Path, resource: str, total: int, **options: int) -> None:
    """Writes rows of a resource to a file: from=, count=, changed=, notes=."""
    command = [settings.generator, "rows", "--resource", resource, "--total", total]
    command += ["--seed", settings.seed, "--output", path]
    for name, value in options.items():
        command += [f"--{name.rstrip('_')}", value]
    run_measured(command)


def ingest_file(settings: Settings, lake: Path, resource: str, path: Path, *options: str):
    """Lands a file."""
    return run_measured([settings.program, "--quiet", "--lake", lake, "ingest", resource, "--file", path, *options])


def link_lake(source: Path, target: Path, with_index: bool = False) -> None:
    """Copies a lake without its bytes: the program replaces files and never changes one. The index is changed."""
    shutil.rmtree(target, ignore_errors=True)
    ignore = shutil.ignore_patterns(".index")
    shutil.copytree(source, target, copy_function=os.link, ignore=ignore)
    if with_index and (source / ".index").is_dir():
        shutil.copytree(source / ".index", target / ".index")


def ensure_lakes(settings: Settings, incidents: int | None = None) -> Lakes:
    """Returns the lakes of that size; makes them if they do not exist."""
    incidents = incidents or settings.incidents
    name = f"{incidents}-seed{settings.seed}-rows{generator_version(settings)}"
    folder = settings.lakes / name
    recipe_file = folder / "recipe.json"
    if recipe_file.is_file():
        lakes = Lakes(folder, json.loads(recipe_file.read_text()))
        if settings.recompacts:
            settings.recompacts = False
            _compact(settings, lakes)
            recipe_file.write_text(json.dumps(lakes.recipe, indent=1))
        return lakes
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lakes = Lakes(folder, {"incidents": incidents, "seed": settings.seed})
    say(f"bench: making a lake of {incidents:,} incidents in {folder}")
    lakes.recipe["landing"] = _land_all(settings, lakes, incidents)
    _compact(settings, lakes)
    recipe_file.write_text(json.dumps(lakes.recipe, indent=1))
    return lakes


def _compact(settings: Settings, lakes: Lakes) -> None:
    link_lake(lakes.landed, lakes.compacted)
    compacted = run_measured([settings.program, "--quiet", "--lake", lakes.compacted, "compact"])
    say(f"bench: compacted in {compacted.seconds:.1f} s, {compacted.peak_mib:.0f} MiB")
    lakes.recipe["compaction"] = compacted.figures()


def _land_all(settings: Settings, lakes: Lakes, incidents: int) -> dict:
    seconds = cpu = peak = 0.0
    began = time.monotonic()
    for resource, total in resource_rows(incidents).items():
        for first in range(0, total, FILE_ROWS):
            path = lakes.folder / "rows.json"
            count = min(FILE_ROWS, total - first)
            write_rows(settings, path, resource, total, from_=first, count=count)
            landed = ingest_file(settings, lakes.landed, resource, path)
            path.unlink()
            seconds, cpu, peak = seconds + landed.seconds, cpu + landed.cpu_seconds, max(peak, landed.peak_mib)
            say(f"bench: {resource}: {first + count:,} rows, the last {count / landed.seconds:,.0f} rows/s")
    say(f"bench: landed in {time.monotonic() - began:.0f} s, {seconds:.0f} s of it in `ingest`")
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "peak_mib": round(peak, 1)}

"""The command: `bench/run PART... --incidents N`."""

import shutil
import sys

from .ask import WrongAnswer
from .engines.worker import EngineFailed
from .parts import clients, cold, compact, ingest, lake, memory, pending, questions, scale, shapes, size, sql
from .processes import CommandFailed
from .report import Report
from .settings import parse_arguments

PARTS = {
    "lake": lake,
    "questions": questions,
    "shapes": shapes,
    "pending": pending,
    "sql": sql,
    "clients": clients,
    "cold": cold,
    "ingest": ingest,
    "compact": compact,
    "size": size,
    "memory": memory,
    "scale": scale,
}


def main() -> int:
    parts, settings = parse_arguments({name: module.ABOUT for name, module in PARTS.items()})
    report = Report(settings)
    code = 0
    for name in parts:
        settings.scratch.mkdir(parents=True, exist_ok=True)
        try:
            PARTS[name].measure(settings, report)
        except (CommandFailed, EngineFailed, WrongAnswer) as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            code = 1
        finally:
            shutil.rmtree(settings.scratch, ignore_errors=True)
    if settings.writes_docs:
        report.write_docs()
    return code


# Processes of engines import this module again.
if __name__ == "__main__":
    sys.exit(main())

"""Results: as text while they are measured, as JSON, and as tables of docs/benchmarks.md."""

import json
import sys
import time
from dataclasses import asdict, dataclass

from . import measure
from .settings import REPOSITORY, Settings

BEGIN, END = "<!-- results: written by bench/run --docs -->", "<!-- end of results -->"


@dataclass
class Target:
    """A row of the table of targets: what is measured against what, what is wanted, and what was found."""

    work: str
    against: str
    wanted: str
    found: str
    is_met: bool | None

    def cells(self) -> list[str]:
        return [self.work, self.against, self.wanted, self.found, {True: "yes", False: "no", None: ""}[self.is_met]]


def table(head: list[str], rows: list[list]) -> str:
    """Returns a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def format_ms(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Report:
    """The results of a run, added to those of earlier runs of the same size."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.path = settings.results / f"{settings.incidents}.json"
        self.parts: dict = json.loads(self.path.read_text())["parts"] if self.path.is_file() else {}

    def add(self, part: str, text: str, targets: list[Target], data: dict, load_before: float) -> None:
        """Prints the results of a part, and keeps them."""
        self.parts[part] = {
            "measured_at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
            "load_before": load_before,
            "incidents": self.settings.incidents,
            "program": measure.program_version(self.settings.program),
            "machine": measure.machine(),
            "threads": self.settings.threads,
            "seed": self.settings.seed,
            "skipped": self.settings.skipped,
            "targets": [asdict(target) for target in targets],
            "text": text,
            **data,
        }
        print(self.render(part))
        sys.stdout.flush()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"parts": self.parts}, indent=1) + "\n")

    def render(self, part: str) -> str:
        """Returns a part as Markdown."""
        kept = self.parts[part]
        machine = kept["machine"]
        systems = ", ".join(dict.fromkeys([kept["program"], *kept.get("versions", {}).values()]))
        about = (
            f"{kept['incidents']:,} incidents; {systems}; {machine['cpu']}, {kept['threads']} threads, "
            f"{machine['memory_mib']:,} MiB, {machine['system']}; {kept['measured_at']} UTC, load {kept['load_before']}"
            f"{'; left out: ' + ', '.join(kept['skipped']) if kept['skipped'] else ''}."
        )
        targets = [Target(**target).cells() for target in kept["targets"]]
        texts = [f"### {part}", about, kept["text"]]
        if targets:
            texts.append(table(["work", "against", "target", "measured", "met"], targets))
        return "\n\n".join(text for text in texts if text) + "\n"

    def write_docs(self) -> None:
        """Writes all parts into docs/benchmarks.md."""
        page = REPOSITORY / "docs" / "benchmarks.md"
        before, rest = page.read_text().split(BEGIN)
        _, after = rest.split(END)
        body = "\n".join(self.render(part) for part in self.parts)
        page.write_text(f"{before}{BEGIN}\n\n{body}\n{END}{after}")

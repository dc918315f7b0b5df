"""Figures of repeated measurements, and what the machine is."""

import math
import os
import platform
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Series:
    """The repetitions of one question by one system, in seconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, wall: float, cpu: float) -> None:
        self.wall.append(wall)
        self.cpu.append(cpu)

    def figures(self) -> dict:
        return {
            "median_ms": round(1e3 * median(self.wall), 3),
            "p95_ms": round(1e3 * percentile(self.wall, 0.95), 3),
            "cpu_median_ms": round(1e3 * median(self.cpu), 3),
            "repetitions": len(self.wall),
        }


def percentile(values: list[float], part: float) -> float:
    """Returns the least value that at least that part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(part * len(ordered)) - 1))]


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def machine() -> dict:
    """Returns what the figures depend on."""
    model = "unknown"
    memory_mib = 0
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        memory_mib = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_mib": memory_mib,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def load() -> float:
    """Returns the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def program_version(program: Path) -> str:
    """Returns the version of the program, and the commit of this repository."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parent,
    )
    return f"{version} ({commit.stdout.strip()})" if commit.returncode == 0 else version

"""Commands and servers that are measured: wall time, CPU time, and the peak of resident memory."""

import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


class CommandFailed(Exception):
    """A command that must succeed did not."""


@dataclass
class Measured:
    """What a command took."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str

    def figures(self) -> dict:
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_mib": round(self.peak_mib, 1),
        }


def run_measured(command: list, environment: dict | None = None, directory: Path | None = None) -> Measured:
    """Runs a command to its end. Memory is that of the largest process of its tree; CPU time is that of all."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            cwd=directory,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output = out.read().decode(errors="replace")
        if process.returncode != 0:
            text = err.read().decode(errors="replace")[-2_000:]
            raise CommandFailed(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{text}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / MIB, output)


def status_mib(pid: int, name: str) -> float:
    """Returns a line of /proc/PID/status, such as `VmHWM`, in MiB; 0 if the system has none."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time of a process' present threads; in nanoseconds where the system counts them."""
    total = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
    return total / 1e9


class Server:
    """`hotspots-lake serve` on a free port."""

    def __init__(self, program: Path, lake: Path, *options: str, command: str = "serve"):
        self.log = tempfile.NamedTemporaryFile("w+", prefix="lake-bench-", suffix=".log")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [str(program), "--lake", str(lake), command, "--http", "127.0.0.1:0", *options],
            stdout=subprocess.DEVNULL,
            stderr=self.log,
            stdin=subprocess.DEVNULL,
        )
        self.address = self._wait_for_address()
        self._wait_until_ready()
        self.ready_seconds = time.perf_counter() - began

    def _wait_for_address(self) -> tuple[str, int]:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            text = Path(self.log.name).read_text()
            found = re.search(r"listening on http://([\d.]+):(\d+)", text)
            if found:
                return found[1], int(found[2])
            if self.process.poll() is not None:
                raise CommandFailed(f"the server ended with {self.process.returncode}:\n{text}")
            time.sleep(0.002)
        self.stop()
        raise CommandFailed("the server did not say where it listens")

    def _wait_until_ready(self) -> None:
        from .http_client import Client

        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            client = Client(self.address)
            try:
                if client.get("/readyz").status == 200:
                    return
            finally:
                client.close()
            time.sleep(0.002)
        self.stop()
        raise CommandFailed("the server did not become ready")

    @property
    def pid(self) -> int:
        return self.process.pid

    def peak_mib(self) -> float:
        return status_mib(self.pid, "VmHWM")

    def resident_mib(self) -> float:
        return status_mib(self.pid, "VmRSS")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

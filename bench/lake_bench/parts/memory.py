"""Peak memory of serving, and of the demo."""

import time

from ..ask import OURS, HttpSystem, ask_all
from ..facts import read_facts
from ..lakes import ensure_lakes
from ..measure import load
from ..processes import Server
from ..report import Report, Target
from ..settings import Settings
from ..shapes import EIGHT, SIXTEEN

ABOUT = "peak memory of serving this size, and of `up --demo`"

WANTED_SERVING_MIB = 1024
WANTED_DEMO_MIB = 350
# The demo lands and compacts its 300,000 rows within it; freed memory returns to the system some seconds later.
DEMO_SECONDS = 90


def measure(settings: Settings, report: Report) -> None:
    before = load()
    lakes = ensure_lakes(settings)
    with Server(settings.program, lakes.compacted) as server:
        ask_all(settings, read_facts(lakes.compacted), EIGHT | SIXTEEN, {OURS: HttpSystem(server)}, "memory")
        serving_peak, serving = server.peak_mib(), server.resident_mib()
    with Server(settings.program, settings.scratch / "demo", "--demo", command="up") as demo:
        samples = []
        for _ in range(DEMO_SECONDS):
            time.sleep(1)
            samples.append(demo.resident_mib())
        demo_peak, settled = demo.peak_mib(), samples[-1]
    text = (
        f"After {24 * (settings.repetitions + 1)} questions the server holds {serving:,.0f} MiB, at its peak "
        f"{serving_peak:,.0f} MiB. `up --demo` holds {settled:,.0f} MiB after {DEMO_SECONDS} s, at its peak "
        f"{demo_peak:,.0f} MiB."
    )
    targets = [
        Target(
            work=f"peak memory, serving {settings.incidents:,}",
            against="",
            wanted=f"{WANTED_SERVING_MIB:,} MiB",
            found=f"{serving_peak:,.0f} MiB",
            is_met=serving_peak <= WANTED_SERVING_MIB,
        ),
        Target(
            work="peak memory, `up --demo`",
            against="",
            wanted=f"{WANTED_DEMO_MIB} MiB",
            found=f"{demo_peak:,.0f} MiB",
            is_met=demo_peak <= WANTED_DEMO_MIB,
        ),
    ]
    data = {"serving_peak_mib": serving_peak, "demo_peak_mib": demo_peak, "demo_samples_mib": samples}
    report.add("memory", text, targets, data, before)

"""The same questions to all systems in turn, with answers that must be equal."""

from dataclasses import dataclass, field
from pathlib import Path

from .counts import Counts, counts_of_json, describe_difference
from .delta_files import data_files
from .engines.worker import EngineAnswer, EngineProcess, is_installed
from .http_client import Answer, Client
from .lakes import Lakes, say
from .measure import Series
from .processes import Server, cpu_seconds
from .question import Question
from .settings import Settings
from .shapes import Draw, Facts

OURS = "hotspots-lake"


class WrongAnswer(Exception):
    """Two systems count differently."""


@dataclass
class Asked:
    """The figures of a part, by shape and system."""

    series: dict[str, dict[str, Series]] = field(default_factory=dict)
    compared: int = 0

    def of(self, shape: str, system: str) -> Series:
        return self.series.setdefault(shape, {}).setdefault(system, Series())

    def figures(self) -> dict:
        return {
            shape: {system: series.figures() for system, series in systems.items()}
            for shape, systems in self.series.items()
        }


def check_answer(question: Question, answer: Answer) -> Counts:
    """Returns the counts of an answer of the program; fails if it is an error, or not whole."""
    if answer.status != 200:
        raise WrongAnswer(f"{question.path()}: status {answer.status}: {answer.body[:500].decode(errors='replace')}")
    if answer.headers.get("lake-exact") != "true":
        raise WrongAnswer(f"{question.path()}: the answer is not exact")
    if not question.top and answer.headers.get("lake-truncated") == "true":
        raise WrongAnswer(f"{question.path()}: the answer is truncated")
    return counts_of_json(question, answer.body)


def engine_config(settings: Settings, lakes: Lakes) -> dict:
    """Returns where the systems find the rows, and where they keep their own copies."""
    return {
        "files": data_files(lakes.compacted, "incidents"),
        "native": str(lakes.folder / "native.duckdb"),
        "rollup": str(lakes.folder / "rollup.duckdb"),
        "clickhouse": str(lakes.folder / "clickhouse"),
        "threads": settings.threads,
    }


# The copies of the rows that systems make, by the names of the settings that say where.
COPIES = {
    "duckdb-native": ("native", "rollup"),
    "duckdb-rollup": ("native", "rollup"),
    "clickhouse": ("clickhouse",),
}


def start_engines(settings: Settings, config: dict, without: tuple[str, ...] = ()) -> dict[str, EngineProcess]:
    """Starts the systems that are asked for and installed."""
    engines = {}
    for name in settings.engines:
        if name in without:
            continue
        if not is_installed(name):
            if name not in settings.skipped:
                say(f"bench: {name} is not installed and is left out")
                settings.skipped.append(name)
            continue
        if not all(Path(config[copy]).exists() for copy in COPIES.get(name, ())):
            # Made by a process of its own, so that the memory of making it is not that of answering.
            EngineProcess(name, config).stop()
        engines[name] = EngineProcess(name, config)
    return engines


class HttpSystem:
    """A server of the program as one of the systems."""

    def __init__(self, server: Server):
        self.pid = server.pid
        self.client = Client(server.address)

    def ask(self, question: Question) -> EngineAnswer:
        cpu_before = cpu_seconds(self.pid)
        answer = self.client.get(question.path())
        # A thread that ended in between takes its time with it.
        cpu = max(0.0, cpu_seconds(self.pid) - cpu_before)
        return EngineAnswer(answer.seconds, cpu, check_answer(question, answer))

    def stop(self) -> None:
        self.client.close()


def ask_all(settings: Settings, facts: Facts, shapes: dict, systems: dict, purpose: str) -> Asked:
    """Asks each shape as often as the settings say. Systems alternate, and each begins equally often."""
    asked = Asked()
    for shape, draw in shapes.items():
        # One more question of the shape first: what is decoded once is not the subject here.
        for repetition in range(-1, settings.repetitions):
            question = draw(Draw(facts, f"{settings.seed}/{purpose}/{shape}/{repetition}"))
            answers = _ask_in_turn(asked, shape, question, repetition, systems)
            _compare(shape, question, answers)
            asked.compared += len(answers) - 1
    return asked


def _ask_in_turn(asked: Asked, shape: str, question: Question, repetition: int, systems: dict) -> dict[str, Counts]:
    names = list(systems)
    turn = repetition % len(names)
    answers = {}
    for name in names[turn:] + names[:turn]:
        given = systems[name].ask(question)
        if given is None:
            continue
        answers[name] = given.counts
        if repetition >= 0:
            asked.of(shape, name).add(given.seconds, given.cpu_seconds)
    return answers


def _compare(shape: str, question: Question, answers: dict[str, Counts]) -> None:
    names = iter(answers)
    first = next(names)
    for other in names:
        difference = describe_difference(answers[other], answers[first])
        if difference:
            raise WrongAnswer(f"{shape}: {other} and {first} differ: {difference}\n{question}")

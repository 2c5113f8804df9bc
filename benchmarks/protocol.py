"""What each solver is given: an instance, seconds, cores; and the solvers that are compared."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.compiled import compile_for_java
from benchmarks.peers.single_model import count_bookings
from solver.grid import compile_grid
from solver.problem_file import ProblemFile

ROOT = Path(__file__).parents[1]
TIMEFOLD = ROOT / ".peers"
"""Where `make` puts Timefold's jars and the classes of our model."""

LIMITS = {
    "tokyo-60": 30,
    "tokyo-60-tight": 60,
    "tokyo-60-replan": 30,
    "metro-500": 120,
    "metro-500-tight": 120,
    "metro-500-replan": 60,
    "region-2000": 120,
    "nation-10000": 600,
}
"""Seconds for the shared instances."""

LIMIT_BY_SIZE = ((100, 30), (1_000, 60), (5_000, 120))
"""Seconds for other instances, by the largest number of engagements."""

LONGEST_LIMIT = 600

GAPS_TO_REACH = {
    "tokyo-60": 0.0,
    "tokyo-60-tight": 0.0,
    "tokyo-60-replan": 0.0,
    "metro-500": 0.005,
    "metro-500-tight": 0.03,
    "metro-500-replan": 0.005,
    "region-2000": 0.01,
    "nation-10000": 0.02,
}
"""How far from the bound the engine's plan may be at the limit."""

FIRST_PLAN_WITHIN = ((60, 1.0), (500, 5.0), (10_000, 60.0), (sys.maxsize, math.inf))
"""Seconds until every engagement was tried, by the largest number of engagements."""

MOST_BOOKINGS = 500_000
"""Optional sessions of the single model; each takes some 30 KB, so that 15 GB hold no more."""


def limit_seconds(name: str, engagements: int) -> float:
    """The time limit of an instance."""
    by_size = next((limit for most, limit in LIMIT_BY_SIZE if engagements <= most), LONGEST_LIMIT)
    return LIMITS.get(name, by_size)


def name_of(instance: Path) -> str:
    """The name of an instance: that of its file."""
    return instance.name.removesuffix(".gz").removesuffix(".json")


@dataclass(frozen=True)
class Task:
    """One solver's work: what it reads, what it writes, what it may use."""

    instance: Path
    file: ProblemFile
    plan: Path
    curve: Path
    """Where it writes a line `cost,bound` at each better plan; the runner reads the clock."""
    folder: Path
    """For files of its own."""
    seconds: float
    workers: int
    seed: int


@dataclass(frozen=True)
class Solver:
    """A solver as the benchmark knows it: a name, and the process that does a task."""

    name: str
    title: str
    command: Callable[[Task], list[str]]
    obstacle: Callable[[ProblemFile], str | None] = lambda _: None
    """Why it cannot do a problem, in a few words; None where it can."""


def _engine(task: Task) -> list[str]:
    return [
        *(str(Path(sys.executable).with_name("matcher")), "solve", str(task.instance)),
        *("--out", str(task.plan), "--curve", str(task.curve)),
        *("--time-limit", str(task.seconds), "--workers", str(task.workers)),
        *("--seed", str(task.seed)),
    ]


def _hand_rules(task: Task) -> list[str]:
    return [
        *(sys.executable, "-m", "benchmarks.peers.first_come", str(task.instance)),
        *("--out", str(task.plan), "--curve", str(task.curve)),
    ]


def _single_model(task: Task) -> list[str]:
    return [
        *(sys.executable, "-m", "benchmarks.peers.single_model", str(task.instance)),
        *("--out", str(task.plan), "--curve", str(task.curve)),
        *("--seconds", str(task.seconds), "--workers", str(task.workers)),
    ]


def _single_model_obstacle(file: ProblemFile) -> str | None:
    bookings = count_bookings(compile_grid(file.problem))
    if bookings > MOST_BOOKINGS:
        return f"a model of {bookings:,} optional sessions does not fit in memory"
    return None


def _timefold(task: Task) -> list[str]:
    numbers, names = task.folder / "numbers", task.folder / "names"
    compile_for_java(task.file, numbers, names)
    jars = next(TIMEFOLD.glob("python/lib/*/site-packages/timefold/solver/jars"))
    return [
        *("java", "-Xmx4g", "-cp", f"{TIMEFOLD / 'classes'}:{jars}/*", "dispatch.Main"),
        *map(str, (numbers, names, task.plan, task.curve, task.seconds, task.seed)),
    ]


def _timefold_obstacle(file: ProblemFile) -> str | None:
    if shutil.which("java") is None:
        return "there is no JDK, 17 or newer, on this machine"
    if not (TIMEFOLD / "ready").exists():
        return "its jars and classes are not made: `make bench` makes them"
    if compile_grid(file.problem).words > 1:
        return "our model for it takes no more than 64 starts a day"
    return None


SOLVERS = (
    Solver("engine", "this engine", _engine),
    Solver("timefold", "Timefold", _timefold, _timefold_obstacle),
    Solver("single-model", "one CP-SAT model", _single_model, _single_model_obstacle),
    Solver("hand-rules", "first come, first served", _hand_rules),
)

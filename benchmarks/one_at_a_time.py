"""How long one question to a loaded plan takes: the best experts of an engagement, proven."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from matcher.planning.assigning.offers import alternatives
from solver.plan import Plan
from solver.problem_file import ProblemFile, read_bytes, unpack
from solver.standing import StandingPlan


@dataclass(frozen=True)
class Timing:
    """How often something was done, and how long it took; processor time, in seconds."""

    what: str
    times: int
    typical: float
    longest: float

    @classmethod
    def of(cls, what: str, seconds: list[float]) -> Timing:
        """Sum up measured times."""
        return cls(what, len(seconds), median(seconds), max(seconds))


def measure(problem_path: Path, plan_path: Path, experts: int) -> tuple[Timing, ...]:
    """Load a plan, ask for every engagement, take each out, ask again and put it back in."""
    file = ProblemFile.from_path(problem_path)
    plan = Plan.from_json(unpack(read_bytes(plan_path)))
    warm = StandingPlan.load(file, plan)
    names = [each.id for each in file.problem.engagements]
    warm.best_offers(names[0])
    loading = [_seconds(partial(StandingPlan.load, file, plan)) for _ in range(3)]
    asking = [_seconds(partial(warm.best_offers, name, experts)) for name in names]
    return (
        Timing.of("load a plan, judged", loading),
        Timing.of(f"the best {experts} experts of an engagement", asking),
        Timing.of(
            "its best, soonest and least travelled way",
            [_seconds(partial(alternatives, warm, name)) for name in names],
        ),
        Timing.of(
            "take it out, ask, put it back in",
            [_seconds(partial(_replace, warm, name)) for name in names],
        ),
        Timing.of("write the plan, judged", [_seconds(warm.plan) for _ in range(3)]),
    )


def _replace(standing: StandingPlan, name: str) -> None:
    standing.remove(name)
    for offer in standing.best_offers(name):
        standing.insert(offer)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def as_markdown(timings: tuple[Timing, ...]) -> str:
    """A table for people: milliseconds."""
    lines = ["| what | times | median | longest |", "| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {each.what} | {each.times} | {each.typical * 1000:,.1f} ms | "
        f"{each.longest * 1000:,.1f} ms |"
        for each in timings
    ]
    return "\n".join(lines)

"""Measures what more workers bring: steps of the search, what travels, and the gap they reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from benchmarks.cluster import dask_cluster
from solver import Parameters, solve
from solver.bound import assignment_problem, price_capacity
from solver.construct import construct, order_pairs
from solver.executors import RemoteWorkers, Shared, Traffic, Workers, open_workers, split
from solver.grid import compile_grid, one_a_day, relax
from solver.improve import Improver
from solver.incumbent import Incumbent
from solver.pieces import Ground, price_range
from solver.problem_file import ProblemFile
from solver.schedule import pinned_schedule, total_cost

PLACES = (("local", 1), ("local", 2), ("processes", 2), ("cluster", 2))
"""Executor and workers; a cluster is a process of one thread for each."""

WARM_UP_SECONDS = 4.0
"""Search before the clock starts: processes start, kernels load, the problem travels."""

STEPS_AN_ENGAGEMENT = (10, 30, 100, 300, 1000)
EXPERTS_A_PART = 31
"""As many as there are when 64 workers share 2,000 experts."""


@dataclass(frozen=True)
class Speed:
    """What one executor came to: the search alone in equal seconds, and a whole run."""

    executor: str
    workers: int
    steps: int
    seconds: float
    cpu_seconds: float
    rounds: int
    overhead_seconds: float
    bytes_once: int
    bytes_a_round: int
    gap: float


@dataclass(frozen=True)
class Point:
    """The gap after so many steps an engagement, in so many parts."""

    steps: int
    parts: int
    cpu_seconds: float
    gap: float


def speeds(file: ProblemFile, seconds: float, seed: int) -> Iterator[tuple[Speed, int]]:
    """The speed with each executor, and the bound that the whole run proved."""
    start = _Start(file)
    for executor, number in PLACES:
        with _address(executor, number) as url:
            plan = solve(file, Parameters(seconds, number, seed, None, url))
            with open_workers(url, number) as workers:
                improver, _ = start.search(workers, seed)
                _improve(improver, seconds=WARM_UP_SECONDS)
                first, before, pace = _traffic(workers), improver.pace.rounds, improver.pace
                steps, cpu_seconds, began = pace.steps, pace.cpu_seconds, time.monotonic()
                _improve(improver, seconds=seconds)
                after, rounds = _traffic(workers), pace.rounds - before
                sent = after.sent_bytes - first.sent_bytes
                received = after.received_bytes - first.received_bytes
                yield (
                    Speed(
                        executor=executor,
                        workers=number,
                        steps=pace.steps - steps,
                        seconds=time.monotonic() - began,
                        cpu_seconds=pace.cpu_seconds - cpu_seconds,
                        rounds=rounds,
                        overhead_seconds=pace.overhead,
                        bytes_once=len(start.ground.packed) if sent else 0,
                        bytes_a_round=(sent + received) // max(1, rounds),
                        gap=plan.gap,
                    ),
                    plan.bound,
                )


def curve(file: ProblemFile, bound: int, seed: int) -> Iterator[Point]:
    """The gap after so many steps an engagement, whole and in small parts, on one core."""
    start = _Start(file)
    engagements, experts = len(file.problem.engagements), len(file.problem.experts)
    for parts in sorted({1, max(1, experts // EXPERTS_A_PART)}):
        for steps in STEPS_AN_ENGAGEMENT:
            with open_workers("local", 1) as workers:
                workers.number = parts
                improver, incumbent = start.search(workers, seed)
                _improve(improver, work=max(1, steps * engagements // parts))
            gap = (incumbent.cost - bound) / max(1, bound)
            yield Point(steps, parts, improver.pace.cpu_seconds, gap)


def as_markdown(figures: Sequence[Speed], points: Sequence[Point]) -> str:
    """Two tables: by executor, and over steps."""
    lines = [
        "| executor | workers | steps a second | steps a CPU second | times one worker | "
        "a round | beside its pieces | travels once | a round | gap of a whole run |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    one = figures[0].steps / figures[0].seconds
    lines += [
        f"| {each.executor} | {each.workers} | {each.steps / each.seconds:,.0f} "
        f"| {each.steps / each.cpu_seconds:,.0f} | {each.steps / each.seconds / one:.2f} "
        f"| {each.seconds / each.rounds:.2f} s | {1000 * each.overhead_seconds:.0f} ms "
        f"| {each.bytes_once / 1000:,.0f} kB | {each.bytes_a_round / 1000:,.0f} kB "
        f"| {each.gap:.2%} |"
        for each in figures
    ]
    if points:
        lines += ["", "| steps an engagement | parts | CPU seconds | gap |"]
        lines += ["| ---: | ---: | ---: | ---: |"]
        lines += [
            f"| {each.steps:,} | {each.parts} | {each.cpu_seconds:,.1f} | {each.gap:.2%} |"
            for each in points
        ]
    return "\n".join(lines)


class _Start:
    """A problem with its pairs priced and a first plan, from which every search begins."""

    def __init__(self, file: ProblemFile) -> None:
        grid = compile_grid(file.problem)
        schedule = pinned_schedule(grid)
        with open_workers() as workers:
            ranges = split(len(grid.pair_expert), 4 * workers.number)
            cost = workers.complete(price_range, Shared(Ground(relax(grid))), ranges)
        pairs = assignment_problem(grid, schedule, np.concatenate(cost))
        _, price = price_capacity(pairs, 600)
        construct(one_a_day(grid), schedule, order_pairs(pairs, price), lambda: False)
        self._grid, self._schedule = one_a_day(grid), schedule
        self._table = order_pairs(pairs, np.zeros_like(price))
        self.ground = Shared(Ground(self._grid, self._table))

    def search(self, workers: Workers, seed: int) -> tuple[Improver, Incumbent]:
        """A search from the first plan."""
        cost = total_cost(self._grid, self._schedule)
        incumbent = Incumbent(self._schedule, cost, lambda _: None)
        return Improver(self._grid, self._table, incumbent, workers, seed), incumbent


def _improve(improver: Improver, seconds: float = float("inf"), work: int | None = None) -> None:
    """Search alone, with nobody working on a bound."""
    improver.run(until=time.monotonic() + seconds, work=work, stop=lambda: False, beside=_nothing)


def _nothing(enough: Callable[[], bool]) -> None:
    """Prove nothing meanwhile."""


def _traffic(workers: Workers) -> Traffic:
    return workers.traffic if isinstance(workers, RemoteWorkers) else Traffic()


@contextmanager
def _address(executor: str, workers: int) -> Iterator[str]:
    if executor != "cluster":
        yield executor
        return
    with dask_cluster(workers) as cluster:
        yield cluster.address

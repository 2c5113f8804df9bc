"""Rounds of neighbourhood search: which pieces run side by side, how hot, and for how long.

A large plan is cut into pieces that share no expert, anew in every round, and the pieces
improve one schedule together. A small plan is searched whole by every worker, each on a copy of
its own. Either way the temperature falls over a cycle, and a new cycle starts from the best plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from solver.grid import Grid, IntArray
from solver.incumbent import Incumbent
from solver.schedule import NOBODY, Schedule, pinned_schedule, total_cost
from solver.search import PairTable, Piece, best_of, restore, search

EXPERTS_A_PIECE = 40
"""Smaller pieces cut too many of an engagement's experts off."""

ROUND_SECONDS = 0.5
"""Long enough that handing pieces out costs nothing, short enough to stop at once."""

BOUND_SHARE = 0.5
"""Time for the bound beside that for the search, until the bound has converged."""

SEARCH_SHARE = 1 / (1 + BOUND_SHARE)

FIRST_STEPS = 20
"""Steps of the first round, from which the speed is measured."""

STEPS_A_ROUND = 500
"""Steps of every round where a run is limited in work, so that it is the same on any day."""

CYCLE_STEPS = 400
"""Steps an engagement is worth in one cycle; more are better spent on another one."""

HEAT, COLD = 0.02, 0.005
"""The last temperature of a cycle, and the first for the square root of an engagement's steps, as
shares of what an engagement costs: a short cycle must not begin too hot to cool down."""


@dataclass(frozen=True)
class _Cycles:
    """How often the temperature falls, and from where."""

    number: int
    hot: float

    @classmethod
    def within(cls, steps: float) -> _Cycles:
        """Make the best of so many steps an engagement."""
        number = max(1, round(steps / CYCLE_STEPS))
        return cls(number, HEAT * (steps / number) ** 0.5)


@dataclass
class _Lane:
    """A schedule that is searched, whole or in pieces."""

    schedule: Schedule
    cost: int


class Improver:
    """Improves an incumbent until told to stop."""

    def __init__(
        self,
        grid: Grid,
        table: PairTable,
        incumbent: Incumbent,
        executor: Executor,
        workers: int,
        seed: int,
    ) -> None:
        self._grid, self._table, self._incumbent = grid, table, incumbent
        self._executor, self._workers = executor, workers
        self._random = np.random.default_rng(seed)
        self._pieces = workers if len(grid.max_total) >= EXPERTS_A_PIECE * workers else 1
        self._lanes: list[_Lane] = []
        self._rate = 0.0
        self._start_lanes()
        typical = table.floor[table.order[grid.pair_offset[:-1][np.diff(grid.pair_offset) > 0]]]
        self._typical = float(np.median(typical)) if len(typical) else 1.0

    def run(
        self,
        *,
        until: float,
        work: int | None,
        stop: Callable[[], bool],
        beside: Callable[[float], None],
    ) -> None:
        """Search until a moment of `time.monotonic`, for `work` steps, or until `stop`.

        Steps are those of each worker. After each round `beside` may work on the bound for the
        seconds it is given. One worker that is limited in work does the same every time.
        """
        began, done = time.monotonic(), 0
        plan = _Cycles(0, 0.0)
        cycle = -1
        while not (stop() or self._incumbent.is_optimal):
            now = time.monotonic()
            left = until - now
            if left <= 0 or (work is not None and done >= work):
                break
            share = done / work if work is not None else (now - began) / (until - began)
            if cycle < 0:
                expected = work if work is not None else done + self._rate * left * SEARCH_SHARE
                each = expected * self._pieces / max(1, len(self._grid.sessions))
                plan = _Cycles.within(each)
            number, position = divmod(share * plan.number, 1.0)
            if int(number) != cycle and self._rate > 0:
                cycle = int(number)
                self._start_lanes()
            steps = self._steps(left, None if work is None else work - done)
            self._round(steps, self._typical * (plan.hot * (1 - position) ** 2 + COLD))
            done += steps
            took = time.monotonic() - now
            self._rate = steps / max(1e-6, took)
            beside(min(BOUND_SHARE * took, max(0.0, left - 2 * took)))
            self._incumbent.report()

    def _steps(self, left: float, work: int | None) -> int:
        """How many steps the next round takes, with so many seconds or so much work left."""
        if work is not None:
            return min(STEPS_A_ROUND, work)
        if self._rate == 0:
            return FIRST_STEPS
        return max(1, int(self._rate * min(ROUND_SECONDS, max(0.05, left / 2))))

    def _start_lanes(self) -> None:
        """Let every lane start from the best plan."""
        number = 1 if self._pieces > 1 else self._workers
        self._lanes = []
        for _ in range(number):
            schedule = pinned_schedule(self._grid)
            restore(self._grid, schedule, self._incumbent.best)
            self._lanes.append(_Lane(schedule, total_cost(self._grid, schedule)))

    def _round(self, steps: int, temperature: float) -> None:
        tasks = []
        for lane in self._lanes:
            best = best_of(lane.schedule)
            futures = [
                self._executor.submit(
                    search,
                    self._grid,
                    lane.schedule,
                    best,
                    self._table,
                    piece,
                    steps,
                    temperature,
                    int(self._random.integers(2**31)),
                )
                for piece in self._cut(lane.schedule)
            ]
            tasks.append((lane, best, futures))
        for lane, best, futures in tasks:
            results = [future.result() for future in futures]
            self._incumbent.offer(best, lane.cost + sum(least for _, least in results))
            lane.cost += sum(now for now, _ in results)

    def _cut(self, schedule: Schedule) -> list[Piece]:
        """Cut experts and engagements into pieces at random; who serves whom stays together."""
        experts, engagements = len(self._grid.max_total), len(self._grid.sessions)
        if self._pieces == 1:
            return [Piece(0, np.arange(engagements), np.zeros(experts, dtype=np.int64))]
        piece_of_expert: IntArray = self._random.permutation(np.arange(experts) % self._pieces)
        piece_of = self._random.integers(self._pieces, size=engagements)
        served = schedule.pair != NOBODY
        piece_of[served] = piece_of_expert[self._grid.pair_expert[schedule.pair[served]]]
        return [
            Piece(number, np.nonzero(piece_of == number)[0], piece_of_expert)
            for number in range(self._pieces)
            if (piece_of == number).any()
        ]

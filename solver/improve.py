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
from solver.schedule import NOBODY, Schedule, insert, pinned_schedule, total_cost
from solver.search import Best, PairTable, Piece, best_of, search

EXPERTS_A_PIECE = 40
"""Smaller pieces cut too many of an engagement's experts off."""

ROUND_SECONDS = 0.5
"""Long enough that handing pieces out costs nothing, short enough to stop at once."""

BOUND_SHARE = 0.5
"""Time for the bound beside that for the search, until the bound has converged."""

FIRST_STEPS = 20
"""Steps of the first round, from which the speed is measured."""

STEPS_A_ROUND = 500
"""Steps of every round where a run is limited in work, so that it is the same on any day."""

CYCLE_STEPS = 400
"""Steps an engagement is worth in one cycle; more are better spent on another one."""

HOT, COLD = 0.4, 0.005
"""First and last temperature, as shares of what an engagement costs on average."""


@dataclass
class _Lane:
    """A schedule that is searched, whole or in pieces."""

    schedule: Schedule
    cost: int


def restore(grid: Grid, best: Best) -> Schedule:
    """The schedule that a best plan was copied from."""
    schedule = pinned_schedule(grid)
    for a in np.nonzero(best.pair != NOBODY)[0]:
        insert(
            grid, schedule, best.pair[a], best.served[a], best.day[a], best.minute[a], best.cost[a]
        )
    return schedule


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
        self._cycle = -1
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

        After each round `beside` may work on the bound for the seconds it is given.

        Steps are counted a lane; a run that is limited in work and has one worker is the same
        every time.
        """
        began, done, steps = time.monotonic(), 0, FIRST_STEPS
        cycles = 1
        while not (stop() or self._incumbent.is_optimal):
            now = time.monotonic()
            left = until - now
            if left <= 0 or (work is not None and done >= work):
                break
            if work is not None:
                steps = min(STEPS_A_ROUND, work - done)
                cycles = max(1, round(work / (CYCLE_STEPS * len(self._grid.sessions))))
                share = done / work
            else:
                share = (now - began) / max(1e-9, until - began)
            cycle, position = divmod(share * cycles, 1.0)
            if int(cycle) != self._cycle:
                self._cycle = int(cycle)
                self._start_lanes()
            self._round(steps, self._temperature(position))
            done += steps
            took = time.monotonic() - now
            beside(min(BOUND_SHARE * took, max(0.0, left - 2 * took)))
            self._incumbent.report()
            if work is None:
                rate = steps / max(1e-6, took)
                steps = max(1, int(rate * min(ROUND_SECONDS, max(0.05, left / 2))))
                if done > 10 * FIRST_STEPS and cycles == 1:
                    expected = done + rate * left
                    cycles = max(1, round(expected / (CYCLE_STEPS * len(self._grid.sessions))))

    def _temperature(self, position: float) -> float:
        """Falling with the square of what is left of the cycle."""
        return self._typical * (HOT * (1 - position) ** 2 + COLD)

    def _start_lanes(self) -> None:
        """Let every lane start from the best plan."""
        number = 1 if self._pieces > 1 else self._workers
        self._lanes = []
        for _ in range(number):
            schedule = restore(self._grid, self._incumbent.best)
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

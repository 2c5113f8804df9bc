"""Rounds of neighbourhood search: which pieces run side by side, how hot, and for how long.

A large plan is cut into parts that share no expert, anew in every round, which workers improve
side by side. A small plan is searched whole, by each worker in a lane of its own; with many
workers there are several lanes of several parts. The temperature falls over a cycle, and a
new cycle starts from the best plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.executors import Batch, Outcome, Shared, Workers
from solver.grid import Grid
from solver.incumbent import Incumbent
from solver.memo import PairTable
from solver.partition import related_experts
from solver.pieces import (
    Found,
    Ground,
    Part,
    SearchTask,
    put_rows,
    rows_of,
    search_part,
    steps_a_descent,
)
from solver.schedule import NOBODY, Rows

EXPERTS_A_PART = 100
"""Smaller parts cut too many of an engagement's experts off."""

MOST_TURNS = 2
"""Parts that a worker searches in a round, one after the other, where there are enough: after a
minute with 10,000 engagements that is ahead of one larger part."""

ROUND_SECONDS, LONGEST_ROUND_SECONDS = 0.5, 4.0
"""Short enough to stop at once; longer where handing pieces out takes long."""

ROUND_OVERHEADS = 20
"""A round lasts so many times what handing its pieces out and collecting them takes."""

BOUND_SHARE = 0.25
"""Time for the bound beside that for the search; before columns are generated it gets its own."""

SEARCH_SHARE = 1 / (1 + BOUND_SHARE)

FIRST_STEPS = 20
"""Steps of the first round, from which the speed is measured."""

STEPS_A_ROUND = 500
"""Steps of every round where a run is limited in work, so that it is the same on any day."""

CYCLE_STEPS = 400
"""Steps an engagement is worth in one cycle; more are better spent on another one."""

HEAT, COLD = 0.01, 0.005
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
    """A plan that is searched, whole or in parts."""

    plan: Rows
    cost: int
    parts: Sequence[Part] = ()


@dataclass
class Pace:
    """How fast the search goes: the figures that the length of a round follows."""

    rounds: int = 0
    steps: int = 0
    """All steps of all pieces that came back."""
    cpu_seconds: float = 0.0
    """Processor time of those pieces."""
    rate: float = 0.0
    """Steps a second of one piece in the last round; 0 before the first."""
    overhead: float = 0.0
    """Seconds that a round takes beside its longest piece, of late."""

    def note(self, steps: int, outcomes: Sequence[Outcome[Found]], seconds: float) -> None:
        """Take a round of so many seconds and `steps` a piece into account."""
        longest = max((outcome.seconds for outcome in outcomes), default=seconds)
        overhead = max(0.0, seconds - longest)
        # The first round starts processes and loads kernels: it says nothing of later ones.
        self.overhead = (self.overhead + overhead) / 2 if self.rounds > 1 else overhead
        self.rate = steps / max(1e-6, longest)
        self.rounds += 1
        self.steps += steps * len(outcomes)
        self.cpu_seconds += sum(outcome.cpu_seconds for outcome in outcomes)

    @property
    def round_seconds(self) -> float:
        """How long a round lasts."""
        return min(LONGEST_ROUND_SECONDS, max(ROUND_SECONDS, ROUND_OVERHEADS * self.overhead))


class Improver:
    """Improves an incumbent until told to stop."""

    def __init__(
        self,
        grid: Grid,
        table: PairTable,
        incumbent: Incumbent,
        workers: Workers,
        seed: int,
    ) -> None:
        self._grid, self._table, self._incumbent = grid, table, incumbent
        self._ground = Shared(Ground(grid, table))
        self._workers = workers
        self._random = np.random.default_rng(seed)
        most = max(1, len(grid.max_total) // EXPERTS_A_PART)
        self._parts = min(MOST_TURNS * workers.number, most)
        self._turns = -(-self._parts // workers.number)
        self._lanes: list[_Lane] = []
        self.pace = Pace()
        self._start_lanes()
        typical = table.floor[table.order[grid.pair_offset[:-1][np.diff(grid.pair_offset) > 0]]]
        self._typical = float(np.median(typical)) if len(typical) else 1.0

    def run(
        self,
        *,
        until: float,
        work: int | None,
        stop: Callable[[], bool],
        beside: Callable[[Callable[[], bool]], None],
    ) -> None:
        """Search until a moment of `time.monotonic`, for `work` steps, or until `stop`.

        Steps are those of each worker, in all its turns. `beside` works on the bound until it is
        told to stop: after each round, or during it where the pieces run on other machines. What is
        limited in work does the same every time.
        """
        began, done = time.monotonic(), 0
        at_once = self._workers.elsewhere and work is None
        search_share = 1.0 if at_once else SEARCH_SHARE
        plan = _Cycles(0, 0.0)
        cycle = -1
        while not (stop() or self._incumbent.is_optimal):
            now = time.monotonic()
            left = until - now
            if left <= 0 or (work is not None and done >= work):
                break
            share = done / work if work is not None else (now - began) / (until - began)
            if cycle < 0:
                rate = self.pace.rate
                expected = work if work is not None else done + rate * left * search_share
                each = expected * self._parts / max(1, self._turns * len(self._grid.sessions))
                plan = _Cycles.within(each)
            number, position = divmod(share * plan.number, 1.0)
            if int(number) != cycle and self.pace.rate > 0:
                cycle = int(number)
                self._start_lanes()
            for lane in self._lanes:
                lane.parts = self._cut(lane.plan)
            steps = self._steps(left, None if work is None else work - done)
            batch = self._start(steps, self._typical * (plan.hot * (1 - position) ** 2 + COLD))
            if at_once:
                beside(batch.is_done)
            found = batch.outcomes(lambda: stop() or time.monotonic() >= until)
            self._merge(found)
            done += self._turns * steps
            took = time.monotonic() - now
            self.pace.note(steps, [outcome for outcome in found if outcome], took)
            if not at_once:
                beside(_after(min(BOUND_SHARE * took, max(0.0, left - 2 * took))))
            self._incumbent.report()

    def _steps(self, left: float, work: int | None) -> int:
        """How many steps each part takes next, with so many seconds or so much work left."""
        parts = [part for lane in self._lanes for part in lane.parts]
        descent = max((steps_a_descent(self._grid, self._table, p) for p in parts), default=1)
        if work is not None:
            return min(max(STEPS_A_ROUND, descent), -(-work // self._turns))
        if self.pace.rate == 0:
            return FIRST_STEPS
        # A round ends with a descent, where there is time for one.
        rate = self.pace.rate / self._turns
        longest = int(rate * max(0.05, left / 3))
        usual = int(rate * self.pace.round_seconds)
        return max(1, min(max(descent, usual // descent * descent), longest))

    def _start_lanes(self) -> None:
        """Let every lane start from the best plan."""
        self._lanes = [
            _Lane(Rows(*(array.copy() for array in self._incumbent.best)), self._incumbent.cost)
            for _ in range(max(1, self._workers.number // self._parts))
        ]

    def _start(self, steps: int, temperature: float) -> Batch[Found]:
        """Hand out a round."""
        tasks = [
            SearchTask(part, steps, temperature, int(self._random.integers(2**31)))
            for lane in self._lanes
            for part in lane.parts
        ]
        return self._workers.start(search_part, self._ground, tasks)

    def _merge(self, outcomes: Sequence[Outcome[Found] | None]) -> None:
        """Put together what came back; what was lost stays as it was."""
        each = iter(outcomes)
        for lane in self._lanes:
            best, least, change = Rows(*(array.copy() for array in lane.plan)), lane.cost, 0
            for part in lane.parts:
                outcome = next(each)
                if outcome is None:
                    continue
                found = outcome.value
                put_rows(best, part.engagements, found.best)
                put_rows(lane.plan, part.engagements, found.now)
                least += found.least
                change += found.change
            lane.cost += change
            self._incumbent.offer(best, least)

    def _cut(self, plan: Rows) -> list[Part]:
        """Cut a plan at random into parts of related experts; who serves whom stays together."""
        engagements = len(self._grid.sessions)
        part_of_expert = related_experts(self._grid, self._parts, self._random)
        part_of = self._random.integers(self._parts, size=engagements)
        served = plan.pair != NOBODY
        part_of[served] = part_of_expert[self._grid.pair_expert[plan.pair[served]]]
        return [
            Part(own_experts, own, rows_of(plan, own))
            for own_experts, own in (
                (np.nonzero(part_of_expert == n)[0], np.nonzero(part_of == n)[0])
                for n in range(self._parts)
            )
            if len(own)
        ]


def _after(seconds: float) -> Callable[[], bool]:
    """Whether so many seconds have passed from now."""
    moment = time.monotonic() + seconds
    return lambda: time.monotonic() >= moment

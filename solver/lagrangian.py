"""The bound that sees whole engagements and collisions together, by Lagrangian relaxation.

Relaxed are "one expert an engagement" (priced by what serving it is worth) and the rules of an
expert's calendar: sessions a day, sessions a week, one session at a time. At given prices each
expert is on its own: every pair's cheapest dates are a shortest path (`patterns`), and which
engagements to take is a knapsack of whole ones within `max_total`. The sum, less the priced
capacity, is a lower bound of every plan (Geoffrion 1974; with knapsacks, Savelsbergh 1997).
Subgradient steps raise it (Polyak 1969).

An on-site session also binds its expert for the shortest way from there to anywhere. Prices
are integers in 1 / FINE, so that each bound is computed exactly.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.bound import AssignmentProblem, cheapest_options
from solver.executors import split
from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel, kernel
from solver.knapsack import Room, fullest, pack
from solver.patterns import Paths, Prices, new_paths, price_alone, price_pair, trace
from solver.schedule import FINE, NEVER, ONLINE, Schedule

PATIENCE = 12
"""Steps without a better bound after which steps get shorter."""

SHORTER = 0.7
SHORTEST = 1e-3
"""The share of a full step below which there is nothing left to gain."""

ENOUGH = 2e-5
"""The share by which a bound must rise to count as better."""

REACH = 0.05
"""How far above the best bound a step may aim: a first plan is no measure of what can be proven."""

HIGHEST_PRICE = 1 << 30


class Use(NamedTuple):
    """What the experts take at given prices; from this and the capacities, the subgradient."""

    taken: NDArray[np.int32]  # (chunks, A) how often an engagement is taken
    day: NDArray[np.int16]  # (E, D) sessions
    week: NDArray[np.int16]  # (E, V) sessions
    point: NDArray[np.int16]  # (E, D, S) sessions that bind the expert at that start


class Capacity(NamedTuple):
    """What is left of an expert's time beside the pinned sessions."""

    day: IntArray  # (E, D)
    week: IntArray  # (E, V)
    pointed: NDArray[np.bool_]  # (E,) whether a day can hold more than one session


@allocating_kernel
def _take(
    grid: Grid,
    pinned: Schedule,
    problem: AssignmentProblem,
    worth: IntArray,
    prices: Prices,
    first: int,
    last: int,
    chunk: int,
    use: Use,
) -> int:
    """Fill the knapsacks of the experts first … last - 1; returns their least cost, in 1 / FINE.

    `worth` (A,) is what serving an engagement brings. A pair is priced only where it is worth
    taking at its cost alone: prices never make it cheaper.
    """
    paths = new_paths(grid)
    least = np.zeros(1 + problem.room[first:last].max(), np.int64)
    gain = np.zeros(MAX_SESSIONS + 1, np.int64)
    value = 0
    for expert in range(first, last):
        room = problem.room[expert]
        begin, end = problem.expert_offset[expert], problem.expert_offset[expert + 1]
        chosen = np.zeros((end - begin, room + 1), np.int8)
        least[:] = 0
        for i in range(end - begin):
            pair = problem.expert_pairs[begin + i]
            if _gains(grid, pinned, problem, worth, prices, pair, gain, paths):
                pack(problem.free[pair], gain, room, least, chosen[i])
        limits = Room(room, problem.cheap[expert], problem.overload)
        best, load = fullest(limits, least, 0)
        value += best
        for i in range(end - begin - 1, -1, -1):
            count = chosen[i, load]
            if count > 0:
                pair = problem.expert_pairs[begin + i]
                load -= problem.free[pair, count]
                use.taken[chunk, problem.pair_engagement[pair]] += 1
                if prices.active:
                    price_pair(grid, pinned, prices, pair, 0, paths)
                    trace(grid, pinned, pair, count, paths)
                    _note(grid, pair, count, paths, use)
    return value


@inner_kernel
def _gains(
    grid: Grid,
    pinned: Schedule,
    problem: AssignmentProblem,
    worth: IntArray,
    prices: Prices,
    pair: int,
    gain: IntArray,
    paths: Paths,
) -> bool:
    """Fill `gain` with what serving k sessions costs less their worth; whether any is below 0."""
    value = worth[problem.pair_engagement[pair]]
    some = False
    for k in range(1, MAX_SESSIONS + 1):
        gain[k] = 0
        if problem.cost[pair, k] != NEVER and FINE * problem.cost[pair, k] < value:
            gain[k] = FINE * problem.cost[pair, k] - value
            some = True
    if not some or not prices.active:
        return some
    price_pair(grid, pinned, prices, pair, 0, paths)
    some = False
    for k in range(1, MAX_SESSIONS + 1):
        if gain[k] < 0:
            gain[k] = min(0, paths.cost[k] - value)
            some = some or gain[k] < 0
    return some


@inner_kernel
def _note(grid: Grid, pair: int, count: int, paths: Paths, use: Use) -> None:
    """Enter the sessions that were traced into what the expert takes."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    for number in range(count):
        if grid.pin_day[a, number] != NO_DAY:
            continue
        day, start = paths.days[number], paths.minutes[number]
        use.day[expert, day] += 1
        use.week[expert, grid.week_of_day[day]] += 1
        end = start + grid.duration[a, number]
        if grid.site[a] != ONLINE:
            end += grid.leave[grid.site[a]]
        point = np.searchsorted(grid.start_minutes, start)
        while point < len(grid.start_minutes) and grid.start_minutes[point] < end:
            use.point[expert, day, point] += 1
            point += 1


@allocating_kernel
def _priced_capacity(prices: Prices, capacity: Capacity) -> int:
    """What all of the experts' time costs at these prices."""
    total = (prices.day * capacity.day).sum() + (prices.week * capacity.week).sum()
    for expert, day in zip(*np.nonzero(prices.pointed)):  # noqa: B905  numba knows no strict
        total += prices.point[expert, day].sum()
    return int(total)


@kernel
def _move(prices: Prices, capacity: Capacity, use: Use, step: float) -> float:
    """Move the prices of time by a step and clear `use`; with step 0 only measure.

    Returns the squared length of the subgradient. A price of 0 whose capacity is not used up stays.
    """
    norm = 0.0
    experts, days = prices.day.shape
    for expert in range(experts):
        for week in range(prices.week.shape[1]):
            over = use.week[expert, week] - capacity.week[expert, week]
            if over > 0 or (over < 0 and prices.week[expert, week] > 0):
                norm += over * over
                if step > 0:
                    prices.week[expert, week] = _raised(prices.week[expert, week], step * over)
            if step > 0:
                use.week[expert, week] = 0
        for day in range(days):
            used = use.day[expert, day]
            if used == 0 and prices.day[expert, day] == 0 and not prices.pointed[expert, day]:
                continue
            over = used - capacity.day[expert, day]
            if over > 0 or (over < 0 and prices.day[expert, day] > 0):
                norm += over * over
                if step > 0:
                    prices.day[expert, day] = _raised(prices.day[expert, day], step * over)
            if step > 0:
                use.day[expert, day] = 0
            if not capacity.pointed[expert]:
                continue
            priced = False
            for point in range(use.point.shape[2]):
                over = use.point[expert, day, point] - 1
                price = prices.point[expert, day, point]
                if over > 0 or (over < 0 and price > 0):
                    norm += over * over
                    if step > 0:
                        prices.point[expert, day, point] = _raised(price, step * over)
                if step > 0:
                    use.point[expert, day, point] = 0
                    priced = priced or prices.point[expert, day, point] > 0
            if step > 0:
                prices.pointed[expert, day] = priced
    return norm


@inner_kernel
def _raised(price: int, change: float) -> int:
    return int(min(HIGHEST_PRICE, max(0, price + round(change))))


class Lagrangian:
    """The relaxation and its prices; every step computes a bound and moves the prices on."""

    def __init__(
        self,
        grid: Grid,
        pinned: Schedule,
        problem: AssignmentProblem,
        capacity_price: IntArray,
        executor: Executor,
        chunks: int,
    ) -> None:
        self._grid, self._pinned, self._problem = grid, pinned, problem
        self._executor = executor
        self._ranges = split(len(problem.room), chunks)
        self._worth = cheapest_options(problem, capacity_price)
        shape = pinned.day_count.shape
        points = (*shape, len(grid.start_minutes))
        self._prices = Prices(
            False,
            np.zeros_like(pinned.week_count),
            np.zeros_like(pinned.day_count),
            np.zeros(points, np.int32),
            np.zeros(shape, np.bool_),
        )
        self._capacity = Capacity(
            np.maximum(0, grid.max_per_day[:, np.newaxis] - pinned.day_count),
            np.maximum(0, grid.max_per_week[:, np.newaxis] - pinned.week_count),
            grid.max_per_day > 1,
        )
        self._use = Use(
            np.zeros((len(self._ranges), len(problem.nobody)), np.int32),
            np.zeros(shape, np.int16),
            np.zeros(pinned.week_count.shape, np.int16),
            np.zeros(points, np.int16),
        )
        self._best, self._factor, self._idle = -NEVER, 1.0, 0

    @property
    def is_finished(self) -> bool:
        """Whether further steps would bring nothing."""
        return self._factor < SHORTEST or len(self._problem.room) == 0

    @property
    def bound(self) -> int:
        """The best bound so far, as the least integer cost at or above it."""
        return -(-self._best // FINE)

    @property
    def worth(self) -> IntArray:
        """What serving each engagement (A,) is worth at the present prices, in 1 / FINE."""
        return self._worth

    def price_time(self) -> None:
        """From now on also relax the rules of the experts' calendars."""
        self._prices = self._prices._replace(active=True)
        self._factor, self._idle = 1.0, 0

    def step(self, target: int) -> None:
        """Compute the bound at the present prices and move them towards `target`."""
        value, nobody = self._evaluate()
        self._weigh(value)
        missing = 1 - self._use.taken.sum(axis=0) - nobody
        norm = float((missing * missing).sum())
        if self._prices.active:
            norm += _move(self._prices, self._capacity, self._use, 0.0)
        if norm == 0:
            self._factor = 0.0
            return
        goal = min(FINE * target, self._best + int(REACH * abs(self._best)) + FINE)
        length = self._factor * max(FINE, goal - value) / norm
        self._worth = self._worth + np.rint(length * missing).astype(np.int64)
        if self._prices.active:
            _move(self._prices, self._capacity, self._use, length)

    def _evaluate(self) -> tuple[int, NDArray[np.bool_]]:
        """The bound at the present prices, and whom it leaves unserved; fills `_use`."""
        self._use.taken[:] = 0
        futures = [
            self._executor.submit(
                _take,
                self._grid,
                self._pinned,
                self._problem,
                self._worth,
                self._prices,
                first,
                last,
                chunk,
                self._use,
            )
            for chunk, (first, last) in enumerate(self._ranges)
        ]
        value = sum(future.result() for future in futures)
        nobody = FINE * self._problem.nobody < self._worth
        value += FINE * self._problem.constant
        value += int(np.minimum(self._worth, FINE * self._problem.nobody).sum())
        value -= _priced_capacity(self._prices, self._capacity)
        return value, nobody

    def held(self) -> IntArray:
        """What the whole capacity of each expert (E,) costs at these prices."""
        prices, capacity = self._prices, self._capacity
        total: IntArray = (prices.day * capacity.day).sum(axis=1)
        total += (prices.week * capacity.week).sum(axis=1)
        total += np.where(prices.pointed, prices.point.sum(axis=2), 0).sum(axis=1)
        return total

    def priced(self) -> IntArray:
        """What every option (P, 6) costs with the time of experts priced, in 1 / FINE."""
        cost = np.empty((len(self._problem.cost), MAX_SESSIONS + 1), np.int64)
        price_alone(self._grid, self._pinned, self._prices, 0, len(cost), 1, cost)
        return cost

    def _weigh(self, value: int) -> None:
        if value > self._best + ENOUGH * abs(self._best):
            self._idle = 0
        else:
            self._idle += 1
        self._best = max(self._best, value)
        if self._idle >= PATIENCE:
            self._factor, self._idle = self._factor * SHORTER, 0

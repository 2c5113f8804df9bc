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
from solver.exact import Start
from solver.executors import split
from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel, kernel
from solver.patterns import Paths, Prices, new_paths, price_pair, trace
from solver.rest import date_costs, starts_within
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

EXCLUDING_GAP = 0.02
"""The gap below which it pays to strike options."""

CLOSER = 0.9
"""The share of the last gap below which striking is tried again."""

AGAIN = 0.1
"""The length of a step, of a full one, after options were struck."""


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
                _pack(problem.free[pair], gain, room, least, chosen[i])
        best, load = 0, 0
        for filled in range(1, room + 1):
            over = FINE * problem.overload * max(0, filled - problem.cheap[expert])
            if least[filled] + over < best:
                best, load = least[filled] + over, filled
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
def _pack(
    free: IntArray, gain: IntArray, room: int, least: IntArray, chosen: NDArray[np.int8]
) -> None:
    """One more engagement in a knapsack: `least[load]` and which number of sessions gave it."""
    for load in range(room, 0, -1):
        for k in range(1, MAX_SESSIONS + 1):
            if gain[k] < 0 and free[k] <= load and least[load - free[k]] + gain[k] < least[load]:
                least[load] = least[load - free[k]] + gain[k]
                chosen[load] = k


@allocating_kernel
def _exclude(
    grid: Grid,
    pinned: Schedule,
    problem: AssignmentProblem,
    worth: IntArray,
    prices: Prices,
    first: int,
    last: int,
    slack: int,
    excess: IntArray,
) -> int:
    """Strike the options of the experts first … last - 1 that cost more than `slack` to force.

    With an option forced into its expert's knapsack the bound rises by what that loses: where
    that is more than a better plan may cost, no better plan has it. `excess` (P, 6) receives
    what each option costs more. Returns how many were struck.
    """
    paths = new_paths(grid)
    struck = 0
    for expert in range(first, last):
        room = problem.room[expert]
        begin, end = problem.expert_offset[expert], problem.expert_offset[expert + 1]
        number = end - begin
        gain = np.full((number, MAX_SESSIONS + 1), NEVER, np.int64)
        before = np.zeros((number + 1, room + 1), np.int64)
        after = np.zeros((number + 1, room + 1), np.int64)
        for i in range(number):
            pair = problem.expert_pairs[begin + i]
            price_pair(grid, pinned, prices, pair, 0, paths)
            for k in range(1, MAX_SESSIONS + 1):
                if problem.cost[pair, k] != NEVER:
                    gain[i, k] = paths.cost[k] - worth[problem.pair_engagement[pair]]
            before[i + 1] = before[i]
            _fill(problem.free[pair], gain[i], room, before[i + 1])
        for i in range(number - 1, -1, -1):
            after[i] = after[i + 1]
            _fill(problem.free[problem.expert_pairs[begin + i]], gain[i], room, after[i])
        best = _least_with_overload(problem, expert, before[number], 0, room)
        both = np.empty(room + 1, np.int64)
        for i in range(number):
            for load in range(room + 1):
                both[load] = (before[i, : load + 1] + after[i + 1, : load + 1][::-1]).min()
            pair = problem.expert_pairs[begin + i]
            for k in range(1, MAX_SESSIONS + 1):
                if problem.cost[pair, k] == NEVER:
                    continue
                free = problem.free[pair, k]
                forced = NEVER
                if gain[i, k] != NEVER and free <= room:
                    forced = gain[i, k] + _least_with_overload(problem, expert, both, free, room)
                excess[pair, k] = forced - best
                if forced - best > slack:
                    problem.cost[pair, k] = NEVER
                    struck += 1
    return struck


@allocating_kernel
def price_options(
    grid: Grid, pinned: Schedule, prices: Prices, pairs: IntArray, cost: IntArray
) -> None:
    """Fill the rows of `cost` (P, 6) of some pairs, in 1 / FINE."""
    paths = new_paths(grid)
    for pair in pairs:
        price_pair(grid, pinned, prices, pair, 0, paths)
        for k in range(MAX_SESSIONS + 1):
            cost[pair, k] = paths.cost[k]


@inner_kernel
def _fill(free: IntArray, gain: IntArray, room: int, least: IntArray) -> None:
    """One more engagement in a knapsack, as `_pack`, without a record of the choice."""
    for load in range(room, 0, -1):
        for k in range(1, MAX_SESSIONS + 1):
            if gain[k] < 0 and free[k] <= load:
                least[load] = min(least[load], least[load - free[k]] + gain[k])


@inner_kernel
def _least_with_overload(
    problem: AssignmentProblem, expert: int, least: IntArray, free: int, room: int
) -> int:
    """The least cost of a knapsack into which `free` sessions more have to go."""
    best = NEVER
    for load in range(room - free + 1):
        over = FINE * problem.overload * max(0, load + free - problem.cheap[expert])
        best = min(best, least[load] + over)
    return int(best)


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
        self._grid, self._pinned = grid, pinned
        self._problem = problem._replace(cost=problem.cost.copy())
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
        self._excluded_at, self._ceiling = -NEVER, NEVER
        self._excess = np.zeros_like(problem.cost)

    @property
    def is_finished(self) -> bool:
        """Whether further steps would bring nothing."""
        return self._factor < SHORTEST or len(self._problem.room) == 0

    @property
    def bound(self) -> int:
        """The best bound so far, as the least integer cost at or above it.

        What was struck stands in no plan cheaper than the ceiling, the cost known then.
        """
        return min(-(-self._best // FINE), self._ceiling)

    def price_time(self) -> None:
        """From now on also relax the rules of the experts' calendars."""
        self._prices = self._prices._replace(active=True)
        self._factor, self._idle = 1.0, 0

    def step(self, target: int) -> None:
        """Compute the bound at the present prices and move them towards `target`."""
        value, nobody = self._evaluate()
        self._weigh(value)
        if self._prices.active and self._is_worth_excluding(value, target):
            self._strike(value, target)
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

    def rest(self, cost: int, most: int) -> dict[int, list[Start]] | None:
        """The starts by pair that a plan cheaper than `cost` could have.

        None where more than `most` options are left.
        """
        value, _ = self._evaluate()
        for array in self._use:
            array[:] = 0
        self._strike(value, cost)
        pairs = np.nonzero((self._problem.cost < NEVER).any(axis=1))[0]
        if len(pairs) > most:
            return None
        slack = FINE * (cost - 1) - value
        priced = np.empty((len(self._problem.cost), MAX_SESSIONS + 1), np.int64)
        price_options(self._grid, self._pinned, self._prices, pairs, priced)
        return {
            int(pair): starts_within(
                self._grid,
                self._prices,
                int(pair),
                date_costs(self._grid, int(pair), priced[pair]),
                np.where(self._problem.cost[pair] < NEVER, slack - self._excess[pair], -1),
            )
            for pair in pairs
        }

    def _is_worth_excluding(self, value: int, cost: int) -> bool:
        """Whether the bound is close to the cost, and closer than when it was last tried."""
        gap, known = FINE * cost - value, FINE * cost - self._excluded_at
        return 0 <= gap < EXCLUDING_GAP * abs(value) and gap < CLOSER * known

    def _strike(self, value: int, cost: int) -> None:
        """Strike what no plan cheaper than `cost` has; with fewer options the bound rises on."""
        self._excluded_at, self._ceiling = value, min(self._ceiling, cost)
        futures = [
            self._executor.submit(
                _exclude,
                self._grid,
                self._pinned,
                self._problem,
                self._worth,
                self._prices,
                first,
                last,
                FINE * (cost - 1) - value,
                self._excess,
            )
            for first, last in self._ranges
        ]
        struck = sum(future.result() for future in futures)
        if struck > 0:
            self._factor, self._idle = max(self._factor, AGAIN), 0

    def _weigh(self, value: int) -> None:
        if value > self._best + ENOUGH * abs(self._best):
            self._idle = 0
        else:
            self._idle += 1
        self._best = max(self._best, value)
        if self._idle >= PATIENCE:
            self._factor, self._idle = self._factor * SHORTER, 0

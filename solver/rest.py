"""The starts that a plan cheaper than the best one known could still have.

At the prices of the Lagrangian every option of an engagement has an excess: what the bound rises by
when it is forced. A start forced into that option adds its detour, the cheapest path through it
less the cheapest path of all, found by going over the days from both ends. Where excess and
detour exceed what a better plan may cost, none has that start (variable fixing by reduced
costs: Dantzig, Fulkerson, Johnson 1954; for routes Irnich, Desaulniers, Desrosiers, Hadjar 2010).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.exact import Start, open_starts
from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.patterns import Prices
from solver.schedule import FINE, NEVER, ONLINE


def starts_within(
    grid: Grid, prices: Prices, pair: int, best: IntArray, slack: IntArray
) -> list[Start]:
    """The starts of a pair by which an option of k sessions costs at most `slack` (6,) more.

    `best` (6,) is what the option costs at these prices, without what does not depend on dates;
    both in 1 / FINE, a slack below 0 where the option is out.
    """
    a = int(grid.pair_engagement[pair])
    nodes = _priced_starts(grid, prices, pair)
    kept: set[Start] = set()
    forward = _costs_from_start(grid, a, nodes)
    for k in range(1, int(grid.sessions[a]) + 1):
        if slack[k] < 0 or any(len(days) == 0 for _, days, _ in nodes[:k]):
            continue
        backward = _costs_to_end(grid, a, nodes, k)
        for number in range(k):
            starts, _, _ = nodes[number]
            through = forward[number] + backward[number]
            detour = through - best[k]
            kept.update(
                start
                for start, fits in zip(starts, detour <= slack[k], strict=True)
                if fits and grid.pin_day[a, number] == NO_DAY
            )
    return sorted(kept)


Nodes = list[tuple[list[Start], IntArray, IntArray]]
"""By session its starts, their days and their own costs."""


def _priced_starts(grid: Grid, prices: Prices, pair: int) -> Nodes:
    a, expert = int(grid.pair_engagement[pair]), int(grid.pair_expert[pair])
    by_number: list[list[Start]] = [[] for _ in range(int(grid.sessions[a]))]
    for start in open_starts(grid, pair):
        by_number[start[0]].append(start)
    nodes: Nodes = []
    for number, starts in enumerate(by_number):
        if grid.pin_day[a, number] != NO_DAY:
            pin = (number, int(grid.pin_day[a, number]), int(grid.pin_minute[a, number]))
            nodes.append(([pin], np.array([pin[1]]), np.zeros(1, dtype=np.int64)))
            continue
        costs = [_own_cost(grid, prices, expert, a, start) for start in starts]
        days = np.array([day for _, day, _ in starts], dtype=np.int64)
        nodes.append((starts, days, np.array(costs, dtype=np.int64)))
    return nodes


def _own_cost(grid: Grid, prices: Prices, expert: int, a: int, start: Start) -> int:
    number, day, minute = start
    point = int(np.searchsorted(grid.start_minutes, minute))
    wished = int(grid.preferred_starts[grid.row[a, number], day, point >> 6]) >> (point & 63) & 1
    cost = 0 if wished else FINE * grid.off_preference
    published = int(grid.current_day[a, number]), int(grid.current_minute[a, number])
    if published[0] != NO_DAY and published != (day, minute):
        cost += FINE * grid.move
    if number == 0:
        cost += FINE * grid.wait * (day - int(grid.first_day[a]))
    end = minute + int(grid.duration[a, number])
    if grid.site[a] != ONLINE:
        end += int(grid.leave[grid.site[a]])
    last = int(np.searchsorted(grid.start_minutes, end))
    cost += int(prices.point[expert, day, point:last].sum())
    return cost + int(prices.day[expert, day] + prices.week[expert, grid.week_of_day[day]])


def _steps(grid: Grid, a: int, number: int, before: IntArray, after: IntArray) -> NDArray[np.int64]:
    """The cost (before, after) of the gap between sessions `number` - 1 and `number`."""
    gap = after[np.newaxis, :] - before[:, np.newaxis]
    if (grid.pin_day[a, number - 1 : number + 1] != NO_DAY).all():
        return np.zeros(gap.shape, dtype=np.int64)
    fits = (gap >= grid.min_gap[a]) & (gap <= grid.max_gap[a])
    return np.where(fits, FINE * grid.gap * np.abs(gap - grid.target_gap[a]), NEVER)


def _costs_from_start(grid: Grid, a: int, nodes: Nodes) -> list[IntArray]:
    """The cheapest way to each start from session 1 on, its own cost included."""
    costs = [nodes[0][2]]
    for number in range(1, len(nodes)):
        step = _steps(grid, a, number, nodes[number - 1][1], nodes[number][1])
        reached = (costs[-1][:, np.newaxis] + step).min(axis=0, initial=NEVER)
        costs.append(np.minimum(NEVER, reached + nodes[number][2]))
    return costs


def _costs_to_end(grid: Grid, a: int, nodes: Nodes, count: int) -> list[IntArray]:
    """The cheapest way from each start to session `count`, its own cost left out."""
    costs = [np.zeros(len(nodes[count - 1][1]), dtype=np.int64)]
    for number in range(count - 1, 0, -1):
        step = _steps(grid, a, number, nodes[number - 1][1], nodes[number][1])
        following = costs[0] + nodes[number][2]
        left = (step + following[np.newaxis, :]).min(axis=1, initial=NEVER)
        costs.insert(0, np.minimum(NEVER, left))
    return costs


def date_costs(grid: Grid, pair: int, priced: IntArray) -> IntArray:
    """What is left of a pair's priced costs (6,) without what does not depend on dates."""
    a = int(grid.pair_engagement[pair])
    free = np.zeros(MAX_SESSIONS + 1, dtype=np.int64)
    free[1:] = np.cumsum(grid.pin_day[a] == NO_DAY)
    k = np.arange(MAX_SESSIONS + 1)
    once = free * grid.pair_session_cost[pair] + np.where(free > 0, grid.pair_once_cost[pair], 0)
    left = grid.dropped * grid.weight[a] * (grid.sessions[a] - k)
    fixed: IntArray = np.where(priced < NEVER, priced - FINE * (once + left), NEVER)
    return fixed

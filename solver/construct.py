"""A first good plan: every engagement once, the hardest first, led by the prices of capacity."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from solver.bound import AssignmentProblem, option_costs
from solver.grid import Grid, IntArray
from solver.memo import PairTable, Piece, new_memo
from solver.patterns import FREE, new_paths
from solver.regret import put_back
from solver.schedule import FINE, NEVER, NOBODY, Schedule

CHUNK = 500
"""Engagements put in before the caller is asked whether there is time for more."""


def order_pairs(problem: AssignmentProblem, price: IntArray) -> PairTable:
    """The pairs of each engagement, cheapest first, with `price` (E,) in 1 / FINE a session."""
    rounded = price // FINE
    floor = option_costs(problem, rounded * FINE).min(axis=1)
    floor = np.where(floor == NEVER, NEVER // FINE, floor // FINE)
    order = np.lexsort((np.arange(len(floor)), floor, problem.pair_engagement))
    slot = np.empty(len(floor), dtype=np.int64)
    starts = problem.expert_offset[:-1]
    slot[problem.expert_pairs] = np.arange(len(floor)) - np.repeat(
        starts, np.diff(problem.expert_offset)
    )
    return PairTable(
        floor,
        order.astype(np.int64),
        rounded,
        FREE,
        problem.expert_offset,
        problem.expert_pairs,
        slot,
    )


def construct(grid: Grid, schedule: Schedule, table: PairTable, hurry: Callable[[], bool]) -> None:
    """Put every engagement in that has no free session yet; stop when `hurry` says so."""
    everybody = Piece(0, np.arange(len(grid.sessions)), np.zeros(len(grid.max_total), np.int64))
    paths, memo = new_paths(grid), new_memo(len(grid.pair_expert))
    queue = _by_regret(grid, table)
    queue = queue[schedule.pair[queue] == NOBODY]
    for first in range(0, len(queue), CHUNK):
        if hurry():
            break
        for a in queue[first : first + CHUNK]:
            put_back(grid, schedule, table, everybody, np.array([a]), 0, 0, paths, memo)


def _by_regret(grid: Grid, table: PairTable) -> IntArray:
    """All engagements, first the one whose second expert costs most more than the first."""
    first, last = grid.pair_offset[:-1], grid.pair_offset[1:]
    floors = np.append(table.floor[table.order], [NEVER // FINE] * 2)
    second = np.where(last - first > 1, floors[np.minimum(first + 1, len(floors) - 1)], 0)
    regret = np.where(last - first > 0, second - floors[first], 0)
    return np.argsort(-regret, kind="stable")

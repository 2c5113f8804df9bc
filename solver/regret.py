"""Regret insertion: of several engagements, first the one that would lose most by waiting.

Potvin, Rousseau (1993); the regret is what the second best expert costs more than the best one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solver.grid import Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel
from solver.memo import Memo, PairTable, Piece, recall
from solver.patterns import Paths, choose_count, price_pair, trace
from solver.schedule import FINE, NEVER, NOBODY, Schedule, cost_without_free, insert


class _Ranking(NamedTuple):
    """The best two ways to put each removed engagement back."""

    value: IntArray
    pair: IntArray
    second_value: IntArray
    second_pair: IntArray


@inner_kernel
def _rank(
    grid: Grid,
    schedule: Schedule,
    table: PairTable,
    piece: Piece,
    a: int,
    noise: int,
    blur: int,
    paths: Paths,
    memo: Memo,
) -> tuple[int, int, int, int]:
    """The cheapest and the second cheapest way to serve an engagement now, and their pairs."""
    best, pair = FINE * cost_without_free(grid, a), NOBODY
    second, second_pair = NEVER, NOBODY
    for position in range(grid.pair_offset[a], grid.pair_offset[a + 1]):
        option = table.order[position]
        if FINE * table.floor[option] >= second:
            break
        expert = grid.pair_expert[option]
        if (
            piece.piece_of_expert[expert] != piece.number
            or schedule.load[expert] >= grid.max_total[expert]
        ):
            continue
        value = recall(grid, schedule, table, option, paths, memo)
        if value == NEVER:
            continue
        if noise > 0:
            value += np.random.randint(0, FINE)
        if blur > 0:
            value += FINE * np.random.randint(0, blur)
        if value < best:
            second, second_pair = best, pair
            best, pair = value, option
        elif value < second:
            second, second_pair = value, option
    return best, pair, second, second_pair


@inner_kernel
def put_in(
    grid: Grid, schedule: Schedule, table: PairTable, pair: int, noise: int, paths: Paths
) -> int:
    """Insert the pair's engagement at its cheapest; returns what that adds to the cost."""
    if pair == NOBODY:
        return 0
    price_pair(grid, schedule, table.time, pair, noise, paths)
    price = table.price[grid.pair_expert[pair]]
    count = choose_count(grid, schedule, pair, price, paths)
    if count == 0:
        return 0
    cost = trace(grid, schedule, pair, count, paths)
    if cost == NEVER:
        return 0
    return insert(grid, schedule, pair, count, paths.days, paths.minutes, cost)


@allocating_kernel
def put_back(
    grid: Grid,
    schedule: Schedule,
    table: PairTable,
    piece: Piece,
    removed: IntArray,
    noise: int,
    blur: int,
    paths: Paths,
    memo: Memo,
) -> int:
    """Insert engagements by regret: first the one that would lose most by waiting.

    Returns what that adds to the cost.
    """
    number = len(removed)
    ranking = _Ranking(
        np.empty(number, np.int64),
        np.empty(number, np.int64),
        np.empty(number, np.int64),
        np.empty(number, np.int64),
    )
    waiting = np.ones(number, np.bool_)
    stale = np.ones(number, np.bool_)
    added = 0
    for _ in range(number):
        chosen, most = -1, -1
        for i in range(number):
            if not waiting[i]:
                continue
            if stale[i]:
                ranked = _rank(grid, schedule, table, piece, removed[i], noise, blur, paths, memo)
                ranking.value[i], ranking.pair[i] = ranked[0], ranked[1]
                ranking.second_value[i], ranking.second_pair[i] = ranked[2], ranked[3]
                stale[i] = False
            regret = ranking.second_value[i] - ranking.value[i]
            if chosen == -1 or regret > most:
                chosen, most = i, regret
        waiting[chosen] = False
        pair = ranking.pair[chosen]
        added += put_in(grid, schedule, table, pair, noise, paths)
        if pair == NOBODY:
            continue
        expert = grid.pair_expert[pair]
        for i in range(number):
            for other in (ranking.pair[i], ranking.second_pair[i]):
                if other != NOBODY and grid.pair_expert[other] == expert:
                    stale[i] = True
    return added

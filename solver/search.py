"""Large-neighbourhood search: take a few engagements of related experts out, put them back better.

Ropke, Pisinger (2006): related removal, regret insertion, simulated annealing. Each
insertion is an exact shortest path (`patterns`), so a step never leaves the hard rules.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.grid import MAX_SESSIONS, Grid, IntArray
from solver.kernel import allocating_kernel, kernel
from solver.patterns import (
    Paths,
    Prices,
    choose_count,
    new_paths,
    price_pair,
    trace,
)
from solver.schedule import FINE, NEVER, NOBODY, Schedule, cost_without_free, insert, remove

MOST_REMOVED = 12
"""The largest neighbourhood; above it steps get slow and seldom better."""

NOISE = FINE // 6
"""Noise on the cost of a day: five of them stay below FINE, so only ties are broken."""

SALT = np.uint64(0x9E3779B97F4A7C15)
WAYS = 8
"""How many states of its expert a pair's cost is remembered for."""


class PairTable(NamedTuple):
    """What every pair costs at the least, and the order in which an engagement tries them."""

    floor: IntArray  # (P,) the least cost of the pair alone, its sessions priced
    order: IntArray  # (P,) pair numbers, by engagement, the cheapest floor first
    price: IntArray  # (E,) what one of the expert's sessions is worth to others
    time: Prices  # and what the expert's time is


class Memo(NamedTuple):
    """What pairs cost beside bookings that were met before: most steps return to such a state."""

    state: NDArray[np.uint64]  # (P, WAYS) the expert's bookings, salted so that 0 is none
    value: IntArray  # (P, WAYS) what `choose_count` found, NEVER included


@allocating_kernel
def new_memo(pairs: int) -> Memo:
    """A memory that holds nothing yet."""
    return Memo(np.zeros((pairs, WAYS), np.uint64), np.empty((pairs, WAYS), np.int64))


@kernel
def _price(
    grid: Grid, schedule: Schedule, table: PairTable, pair: int, paths: Paths, memo: Memo
) -> int:
    """The cost, in 1 / FINE, of a pair at its best beside its expert's bookings; NEVER for none."""
    expert = grid.pair_expert[pair]
    state = schedule.state[expert] ^ SALT
    way = state & np.uint64(WAYS - 1)
    if memo.state[pair, way] != state:
        price_pair(grid, schedule, table.time, pair, 0, paths)
        choose_count(grid, schedule, pair, table.price[expert], paths)
        memo.state[pair, way], memo.value[pair, way] = state, paths.cost[0]
    return int(memo.value[pair, way])


class Piece(NamedTuple):
    """A part of the plan that can be improved by itself: some experts and their engagements."""

    number: int
    engagements: IntArray
    piece_of_expert: IntArray  # (E,)


class Best(NamedTuple):
    """The best plan met: the part of a schedule that a plan is made of."""

    pair: IntArray
    served: IntArray
    day: IntArray
    minute: IntArray
    cost: IntArray


def best_of(schedule: Schedule) -> Best:
    """A copy of what the schedule holds now."""
    return Best(*(getattr(schedule, name).copy() for name in Best._fields))


@kernel
def restore(grid: Grid, schedule: Schedule, best: Best) -> None:
    """Fill a schedule that holds the pinned sessions alone with what was copied."""
    for a in range(len(best.pair)):
        if best.pair[a] != NOBODY:
            insert(
                grid,
                schedule,
                best.pair[a],
                best.served[a],
                best.day[a],
                best.minute[a],
                best.cost[a],
            )


class _Ranking(NamedTuple):
    """The best two ways to put each removed engagement back."""

    value: IntArray
    pair: IntArray
    second_value: IntArray
    second_pair: IntArray


@kernel
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
        value = _price(grid, schedule, table, option, paths, memo)
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


@kernel
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


@kernel
def _pick_seed(schedule: Schedule, table: PairTable, grid: Grid, piece: Piece) -> int:
    """An engagement at random; of three, the one that is farthest from its cheapest."""
    seed, worst = -1, -1
    for _ in range(1 + np.random.randint(0, 3)):
        a = piece.engagements[np.random.randint(0, len(piece.engagements))]
        if grid.pair_offset[a] == grid.pair_offset[a + 1]:
            continue
        over = schedule.cost[a] - table.floor[table.order[grid.pair_offset[a]]]
        if over > worst:
            seed, worst = a, over
    return seed


@kernel
def _pick_removed(
    grid: Grid, schedule: Schedule, table: PairTable, piece: Piece, removed: IntArray
) -> int:
    """Choose engagements that compete: a seed, and some of the experts who could serve it."""
    seed = _pick_seed(schedule, table, grid, piece)
    if seed == -1:
        return 0
    wanted = 2 + np.random.randint(0, MOST_REMOVED - 1)
    removed[0], number = seed, 1
    first, last = grid.pair_offset[seed], grid.pair_offset[seed + 1]
    reach = min(last - first, 3 + np.random.randint(0, 12))
    for visit in range(1 + np.random.randint(1, 4)):
        if visit == 0 and schedule.pair[seed] != NOBODY:
            expert = grid.pair_expert[schedule.pair[seed]]
        else:
            expert = grid.pair_expert[table.order[first + np.random.randint(0, reach)]]
        if piece.piece_of_expert[expert] != piece.number or schedule.member_count[expert] == 0:
            continue
        take = 1 + np.random.randint(0, schedule.member_count[expert])
        offset = np.random.randint(0, schedule.member_count[expert])
        for i in range(take):
            if number >= wanted:
                return number
            a = schedule.member[expert, (offset + i) % schedule.member_count[expert]]
            known = False
            for j in range(number):
                known = known or removed[j] == a
            if not known:
                removed[number] = a
                number += 1
    return number


class _Memory(NamedTuple):
    """What was taken out in a step, to put it back when the step is refused."""

    pair: IntArray
    served: IntArray
    day: IntArray
    minute: IntArray
    cost: IntArray


@kernel
def _take_out(grid: Grid, schedule: Schedule, removed: IntArray, memory: _Memory) -> int:
    delta = 0
    for i in range(len(removed)):
        a = removed[i]
        memory.pair[i], memory.served[i] = schedule.pair[a], schedule.served[a]
        memory.cost[i] = schedule.cost[a]
        for number in range(MAX_SESSIONS):
            memory.day[i, number] = schedule.day[a, number]
            memory.minute[i, number] = schedule.minute[a, number]
        delta += remove(grid, schedule, a)
    return delta


@kernel
def _undo(grid: Grid, schedule: Schedule, removed: IntArray, memory: _Memory) -> None:
    for i in range(len(removed)):
        remove(grid, schedule, removed[i])
    for i in range(len(removed)):
        if memory.pair[i] != NOBODY:
            insert(
                grid,
                schedule,
                memory.pair[i],
                memory.served[i],
                memory.day[i],
                memory.minute[i],
                memory.cost[i],
            )


@allocating_kernel
def search(
    grid: Grid,
    schedule: Schedule,
    best: Best,
    table: PairTable,
    memo: Memo,
    piece: Piece,
    steps: int,
    temperature: float,
    seed: int,
) -> tuple[int, int]:
    """Improve one piece of the schedule in place for a number of steps.

    `best` receives the piece's best state. Pieces share no expert and no engagement, so several
    may run on one schedule at the same time. `memo` is of this grid and table, and saves time
    alone. Returns what the end and the best state add to the
    cost at the start.
    """
    np.random.seed(seed)
    paths = new_paths(grid)
    memory = _Memory(
        np.empty(MOST_REMOVED, np.int64),
        np.empty(MOST_REMOVED, np.int64),
        np.empty((MOST_REMOVED, MAX_SESSIONS), np.int64),
        np.empty((MOST_REMOVED, MAX_SESSIONS), np.int64),
        np.empty(MOST_REMOVED, np.int64),
    )
    buffer = np.empty(MOST_REMOVED, np.int64)
    changed = np.zeros(len(schedule.pair), np.bool_)
    change_list = np.empty(len(schedule.pair), np.int64)
    changes, now, least = 0, 0, 0
    for _ in range(steps):
        number = _pick_removed(grid, schedule, table, piece, buffer)
        if number == 0:
            continue
        removed = buffer[:number]
        delta = _take_out(grid, schedule, removed, memory)
        blur = 0 if np.random.random() < 0.5 else 1 + int(2 * temperature)
        delta += put_back(grid, schedule, table, piece, removed, NOISE, blur, paths, memo)
        if delta > -temperature * np.log(1.0 - np.random.random()):
            _undo(grid, schedule, removed, memory)
            continue
        now += delta
        for a in removed:
            if not changed[a]:
                changed[a] = True
                change_list[changes] = a
                changes += 1
        if now < least:
            least = now
            for i in range(changes):
                a = change_list[i]
                changed[a] = False
                best.pair[a], best.served[a] = schedule.pair[a], schedule.served[a]
                best.day[a], best.minute[a] = schedule.day[a], schedule.minute[a]
                best.cost[a] = schedule.cost[a]
            changes = 0
    return now, least

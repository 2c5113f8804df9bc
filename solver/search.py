"""Large-neighbourhood search: take a few engagements of related experts out, put them back better.

Ropke, Pisinger (2006): related removal, regret insertion, simulated annealing. Each
insertion is an exact shortest path (`patterns`), so a step never leaves the hard rules.
"""

from __future__ import annotations

import numpy as np

from solver.chains import descend, new_web
from solver.grid import Grid, IntArray
from solver.joint import new_tree
from solver.kernel import allocating_kernel, inner_kernel
from solver.memo import Memo, PairTable, Piece
from solver.patterns import new_paths
from solver.redate import redate
from solver.regret import put_back
from solver.removal import take_out, undo
from solver.schedule import FINE, NOBODY, Rows, Schedule, new_rows

NOISE = FINE // 6
"""Noise on the cost of a day: five of them stay below FINE, so only ties are broken."""

MOST_REMOVED = 12
"""The largest neighbourhood; above it steps get slow and seldom better."""


@inner_kernel
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


@inner_kernel
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


@allocating_kernel
def search(
    grid: Grid,
    schedule: Schedule,
    best: Rows,
    table: PairTable,
    memo: Memo,
    piece: Piece,
    steps: int,
    descent: int,
    temperature: float,
    seed: int,
) -> tuple[int, int]:
    """Improve one piece of the schedule in place for a number of steps.

    Every `descent` steps engagements also move along chains until that brings nothing, and all
    experts' engagements are dated anew.

    `best` receives the piece's best state. Pieces share no expert and no engagement, so several
    may run on one schedule at the same time. `memo` is of this grid and table, and saves time
    alone. Returns what the end and the best state add to the cost at the start.
    """
    np.random.seed(seed)
    paths, web = new_paths(grid), new_web(grid, schedule, table, piece)
    tree = new_tree(grid, schedule)
    memory = new_rows(MOST_REMOVED)
    buffer = np.empty(MOST_REMOVED, np.int64)
    changed = np.zeros(len(schedule.pair), np.bool_)
    change_list = np.empty(len(schedule.pair), np.int64)
    changes, now, least = 0, 0, 0
    for step in range(1, steps + 1):
        number = _pick_removed(grid, schedule, table, piece, buffer)
        removed = buffer[:number]
        delta = take_out(grid, schedule, removed, memory)
        blur = 0 if np.random.random() < 0.5 else 1 + int(2 * temperature)
        delta += put_back(grid, schedule, table, piece, removed, NOISE, blur, paths, memo)
        if delta > -temperature * np.log(1.0 - np.random.random()):
            undo(grid, schedule, removed, memory)
            removed, delta = removed[:0], 0
        if step % descent == 0:
            delta += redate(grid, schedule, piece, tree, paths)
            delta += descend(grid, schedule, table, memo, piece, web, paths)
            delta += redate(grid, schedule, piece, tree, paths)
            removed = piece.engagements
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

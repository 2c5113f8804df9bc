"""Ejection chains: engagements that move on, each into the place of the next one.

Where experts are full, an engagement cannot go where it is cheapest unless another one leaves, and
that one neither. Let out(j) be what the plan saves when j is taken out, and in(i, j) what i costs
with the expert of j once j is out. The chain s → j1 → j2 … → e, in which each takes the place
of the next one and the last finds room with e, adds

    − out(s) + in(s, j1) − out(j1) + in(j1, j2) − … + in(jm, e)

and a cycle ends with s's own place. All experts are different, so the sum is exact. With
every in and out at hand, dynamic programming over the engagement that was ejected last finds
the cheapest chain of up to DEPTH moves (Glover 1996; Thompson, Psaraftis 1993; for the
generalized assignment problem Yagiura, Ibaraki, Glover 2006).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.grid import Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel
from solver.memo import SALT, Memo, PairTable, Piece, recall
from solver.patterns import Paths
from solver.regret import put_in
from solver.removal import put_again, take_out, undo
from solver.schedule import FINE, NEVER, NOBODY, Rows, Schedule, cost_without_free, new_rows

DEPTH = 9
"""Moves in a chain."""

DETOUR = 300 * FINE
"""What the first moves of a chain may cost before a later one pays for them."""

MOST_ROUNDS = 20
"""Rounds of one descent: each finds all chains anew; later descents go on."""


class Web(NamedTuple):
    """All in and out of a part of a plan, in 1 / FINE. A = engagements, P = pairs, E = experts."""

    signature: NDArray[np.uint64]  # (E,) for which bookings the figures of an expert hold
    mine: NDArray[np.bool_]  # (A,) whether an engagement belongs to the part
    out: IntArray  # (A,) out(j)
    fit: IntArray  # (P,) in(i, e): what the pair costs beside all that is booked
    swap: IntArray  # (A, pairs of an expert) in(i, j) by j and the slot of i with j's expert
    cost: IntArray  # (DEPTH, A) of the cheapest chain so far, by moves and who was ejected last
    before: IntArray  # (DEPTH, A) who moved into that one's place
    end: IntArray  # (DEPTH, A) what the whole chain adds
    end_pair: IntArray  # (DEPTH, A) the pair that ends it, NOBODY for an engagement left out
    members: IntArray  # (most of an expert,)
    trail: IntArray  # (DEPTH,) the experts of a chain, the last first
    chain: IntArray  # (DEPTH,) its engagements, the last first
    removed: Rows


@allocating_kernel
def new_web(grid: Grid, schedule: Schedule, table: PairTable, piece: Piece) -> Web:
    """A web for a part of a plan, in which nothing is known yet."""
    engagements, experts = len(grid.sessions), len(grid.max_total)
    widest = np.diff(table.expert_offset).max()
    mine = np.zeros(engagements, np.bool_)
    mine[piece.engagements] = True
    return Web(
        np.zeros(experts, np.uint64),
        mine,
        np.zeros(engagements, np.int64),
        np.empty(len(grid.pair_expert), np.int64),
        np.empty((engagements, widest), np.int64),
        np.empty((DEPTH, engagements), np.int64),
        np.empty((DEPTH, engagements), np.int64),
        np.empty((DEPTH, engagements), np.int64),
        np.empty((DEPTH, engagements), np.int64),
        np.empty(schedule.member.shape[1], np.int64),
        np.empty(DEPTH, np.int64),
        np.empty(DEPTH, np.int64),
        new_rows(DEPTH),
    )


@allocating_kernel
def descend(
    grid: Grid,
    schedule: Schedule,
    table: PairTable,
    memo: Memo,
    piece: Piece,
    web: Web,
    paths: Paths,
) -> int:
    """Move engagements along chains until none makes the plan cheaper; returns what that adds."""
    added = 0
    for _ in range(MOST_ROUNDS):
        _price_moves(grid, schedule, table, memo, piece, web, paths)
        found = _find_chains(grid, schedule, table, piece, web)
        ends = np.empty(found, np.int64)
        gains = np.empty(found, np.int64)
        at = 0
        for moves in range(DEPTH):
            for j in piece.engagements:
                if web.end[moves, j] <= -FINE:
                    ends[at], gains[at] = moves * len(web.mine) + j, web.end[moves, j]
                    at += 1
        gained = 0
        for best in np.argsort(gains):
            moves, j = divmod(ends[best], len(web.mine))
            if _is_fresh(grid, schedule, web, moves, j):
                gained += _move(grid, schedule, table, web, paths, moves, j)
        added += gained
        if gained == 0:
            break
    return added


@inner_kernel
def _signature(schedule: Schedule, expert: int) -> np.uint64:
    """A word for the bookings of an expert and whose they are; never 0."""
    word = schedule.state[expert]
    for i in range(schedule.member_count[expert]):
        word ^= np.uint64(schedule.member[expert, i] + 1) * SALT
    return np.uint64(word | np.uint64(1))


@inner_kernel
def _price_moves(
    grid: Grid,
    schedule: Schedule,
    table: PairTable,
    memo: Memo,
    piece: Piece,
    web: Web,
    paths: Paths,
) -> None:
    """Bring all in and out up to date."""
    for j in piece.engagements:
        alone = FINE * cost_without_free(grid, j)
        if schedule.pair[j] == NOBODY:
            web.out[j] = alone
        elif _is_stale(schedule, web, grid.pair_expert[schedule.pair[j]]):
            web.chain[0] = j
            web.out[j] = alone - FINE * take_out(grid, schedule, web.chain[:1], web.removed)
            put_again(grid, schedule, web.removed, 1)
    for expert in range(len(web.signature)):
        signature = _signature(schedule, expert)
        if piece.piece_of_expert[expert] == piece.number and web.signature[expert] != signature:
            _price_expert(grid, schedule, table, memo, web, paths, expert)
            web.signature[expert] = signature


@inner_kernel
def _price_expert(
    grid: Grid,
    schedule: Schedule,
    table: PairTable,
    memo: Memo,
    web: Web,
    paths: Paths,
    expert: int,
) -> None:
    """Find the fit and the swaps of one expert; a move that costs too much to pay is left out."""
    first, last = table.expert_offset[expert], table.expert_offset[expert + 1]
    members = schedule.member_count[expert]
    # They change places in the schedule as they are taken out and put again.
    for i in range(members):
        web.members[i] = schedule.member[expert, i]
    for i in range(-1, members):
        if i >= 0:
            take_out(grid, schedule, web.members[i : i + 1], web.removed)
        for at in range(first, last):
            pair = table.expert_pairs[at]
            a, value = grid.pair_engagement[pair], NEVER
            stays = schedule.pair[a] != NOBODY and grid.pair_expert[schedule.pair[a]] == expert
            its_own = i >= 0 and a == web.members[i]
            pays = FINE * table.floor[pair] - web.out[a] < DETOUR
            if web.mine[a] and pays and not stays and not its_own:
                value = recall(grid, schedule, table, pair, paths, memo)
            if i < 0:
                web.fit[pair] = value
            else:
                web.swap[web.members[i], at - first] = value
        if i >= 0:
            put_again(grid, schedule, web.removed, 1)


@inner_kernel
def _trail(grid: Grid, schedule: Schedule, web: Web, moves: int, j: int) -> int:
    """Write the chain that ejected `j` last, and its experts; how many engagements it moves."""
    for i in range(moves + 1):
        web.chain[i] = j
        served = schedule.pair[j] != NOBODY
        web.trail[i] = grid.pair_expert[schedule.pair[j]] if served else NOBODY
        j = web.before[moves - i, j]
    return moves + 1


@inner_kernel
def _find_chains(grid: Grid, schedule: Schedule, table: PairTable, piece: Piece, web: Web) -> int:
    """Fill cost, before, end and end_pair; how many ends make the plan cheaper."""
    found = 0
    for moves in range(DEPTH):
        for j in piece.engagements:
            web.cost[moves, j] = -web.out[j] if moves == 0 else NEVER
            web.end[moves, j], web.before[moves, j] = NEVER, NOBODY
    for moves in range(DEPTH):
        for j in piece.engagements:
            cost = web.cost[moves, j]
            if cost == NEVER:
                continue
            length = _trail(grid, schedule, web, moves, j)
            _extend(grid, schedule, table, piece, web, moves, j, length)
            if web.end[moves, j] <= -FINE:
                found += 1
    return found


@inner_kernel
def _extend(
    grid: Grid,
    schedule: Schedule,
    table: PairTable,
    piece: Piece,
    web: Web,
    moves: int,
    j: int,
    length: int,
) -> None:
    """End the chain that ejected `j` last, or let `j` eject somebody else."""
    cost = web.cost[moves, j]
    start, start_expert = web.chain[length - 1], web.trail[length - 1]
    end, end_pair = cost + FINE * cost_without_free(grid, j), NOBODY
    for position in range(grid.pair_offset[j], grid.pair_offset[j + 1]):
        pair = table.order[position]
        if cost + FINE * table.floor[pair] >= DETOUR:
            break
        expert = grid.pair_expert[pair]
        if piece.piece_of_expert[expert] != piece.number:
            continue
        known = False
        for i in range(length):
            known = known or web.trail[i] == expert
        if known:
            if expert == start_expert and j != start:
                value = web.swap[start, table.slot[pair]]
                if value != NEVER and cost + value < end:
                    end, end_pair = cost + value, pair
            continue
        value = web.fit[pair]
        if value != NEVER and cost + value < end:
            end, end_pair = cost + value, pair
        if moves + 1 == DEPTH:
            continue
        for i in range(schedule.member_count[expert]):
            ejected = schedule.member[expert, i]
            value = web.swap[ejected, table.slot[pair]]
            if value == NEVER or cost + value >= DETOUR:
                continue
            longer = cost + value - web.out[ejected]
            if longer < web.cost[moves + 1, ejected]:
                web.cost[moves + 1, ejected] = longer
                web.before[moves + 1, ejected] = j
    web.end[moves, j], web.end_pair[moves, j] = end, end_pair


@inner_kernel
def _is_fresh(grid: Grid, schedule: Schedule, web: Web, moves: int, j: int) -> bool:
    """Whether no other chain of this round has changed an expert of this one."""
    length = _trail(grid, schedule, web, moves, j)
    for i in range(length):
        # An engagement that has moved meanwhile has an expert whose figures are out of date.
        if web.trail[i] != NOBODY and _is_stale(schedule, web, web.trail[i]):
            return False
        if web.trail[i] == NOBODY and schedule.pair[web.chain[i]] != NOBODY:
            return False
    pair = web.end_pair[moves, j]
    return pair == NOBODY or not _is_stale(schedule, web, grid.pair_expert[pair])


@inner_kernel
def _is_stale(schedule: Schedule, web: Web, expert: int) -> bool:
    return bool(web.signature[expert] != _signature(schedule, expert))


@inner_kernel
def _move(
    grid: Grid,
    schedule: Schedule,
    table: PairTable,
    web: Web,
    paths: Paths,
    moves: int,
    j: int,
) -> int:
    """Carry a chain out if it keeps what it promised; returns what that adds to the cost."""
    length = _trail(grid, schedule, web, moves, j)
    chain = web.chain[:length]
    added = take_out(grid, schedule, chain, web.removed)
    for i in range(length - 1, -1, -1):
        pair = web.end_pair[moves, j]
        if i > 0:
            pair = _pair_of(grid, chain[i], web.trail[i - 1])
        added += put_in(grid, schedule, table, pair, 0, paths)
    if added >= 0:
        undo(grid, schedule, chain, web.removed)
        return 0
    return added


@inner_kernel
def _pair_of(grid: Grid, a: int, expert: int) -> int:
    for pair in range(grid.pair_offset[a], grid.pair_offset[a + 1]):
        if grid.pair_expert[pair] == expert:
            return pair
    return NOBODY

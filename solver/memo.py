"""What pairs cost beside what their experts have booked, remembered for the states met last.

Most steps of the search return to a state of an expert that was met before: the same bookings,
one engagement more or less. Then the shortest path need not be found again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.grid import Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel
from solver.patterns import Paths, Prices, choose_count, price_pair
from solver.schedule import Schedule

SALT = np.uint64(0x9E3779B97F4A7C15)
WAYS = 8
"""How many states of its expert a pair's cost is remembered for."""


class PairTable(NamedTuple):
    """What every pair costs at the least, and the order in which an engagement tries them."""

    floor: IntArray  # (P,) the least cost of the pair alone, its sessions priced
    order: IntArray  # (P,) pair numbers, by engagement, the cheapest floor first
    price: IntArray  # (E,) what one of the expert's sessions is worth to others
    time: Prices  # and what the expert's time is
    expert_offset: IntArray  # (E + 1,) where the pairs of each expert stand in expert_pairs
    expert_pairs: IntArray  # (P,) pair numbers, by expert
    slot: IntArray  # (P,) where a pair stands among those of its expert


class Piece(NamedTuple):
    """A part of the plan that can be improved by itself: some experts and their engagements."""

    number: int
    engagements: IntArray
    piece_of_expert: IntArray  # (E,)


class Memo(NamedTuple):
    """What a pair cost beside the bookings that its expert had when it was asked last."""

    state: NDArray[np.uint64]  # (P, WAYS) the expert's bookings, salted so that 0 is none
    value: IntArray  # (P, WAYS) what `choose_count` found, NEVER included


@allocating_kernel
def new_memo(pairs: int) -> Memo:
    """A memory that holds nothing yet."""
    return Memo(np.zeros((pairs, WAYS), np.uint64), np.empty((pairs, WAYS), np.int64))


@inner_kernel
def recall(
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

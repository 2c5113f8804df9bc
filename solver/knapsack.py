"""The knapsack of one expert: which engagements to take, in whole ones, within the room there is.

An option is to serve one of n engagements with k sessions: it takes up `free[i, k]` of the room and
is worth taking where `gain[i, k]` is negative. Each session above `cheap` costs `overload`. All
values are in 1 / FINE (Martello, Toth 1990).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.grid import MAX_SESSIONS, IntArray
from solver.kernel import allocating_kernel, inner_kernel
from solver.schedule import FINE, NEVER


class Room(NamedTuple):
    """What an expert can take beside the pinned sessions."""

    room: int
    cheap: int
    overload: int


@inner_kernel
def pack(
    free: IntArray, gain: IntArray, room: int, least: IntArray, chosen: NDArray[np.int8]
) -> None:
    """One more engagement in a knapsack: `least[load]` and which number of sessions gave it."""
    for load in range(room, 0, -1):
        for k in range(1, MAX_SESSIONS + 1):
            if gain[k] < 0 and free[k] <= load and least[load - free[k]] + gain[k] < least[load]:
                least[load] = least[load - free[k]] + gain[k]
                chosen[load] = k


@inner_kernel
def fullest(limits: Room, least: IntArray, taken: int) -> tuple[int, int]:
    """The least cost of a knapsack with `taken` sessions in it, and the load that gives it."""
    best, best_load = NEVER, 0
    for load in range(limits.room - taken + 1):
        over = FINE * limits.overload * max(0, load + taken - limits.cheap)
        if least[load] + over < best:
            best, best_load = least[load] + over, load
    return int(best), best_load


@allocating_kernel
def excesses(limits: Room, free: IntArray, gain: IntArray, excess: IntArray) -> int:
    """Fill `excess` (n, 6) with what each option costs more when forced in; NEVER for none.

    `gain` is NEVER where there is no such option. Returns the least cost of the knapsack.
    """
    number, room = len(gain), limits.room
    chosen = np.zeros(room + 1, np.int8)
    before = np.zeros((number + 1, room + 1), np.int64)
    after = np.zeros((number + 1, room + 1), np.int64)
    for i in range(number):
        before[i + 1] = before[i]
        pack(free[i], gain[i], room, before[i + 1], chosen)
    for i in range(number - 1, -1, -1):
        after[i] = after[i + 1]
        pack(free[i], gain[i], room, after[i], chosen)
    best, _ = fullest(limits, before[number], 0)
    both = np.empty(room + 1, np.int64)
    for i in range(number):
        for load in range(room + 1):
            both[load] = (before[i, : load + 1] + after[i + 1, : load + 1][::-1]).min()
        for k in range(MAX_SESSIONS + 1):
            excess[i, k] = NEVER
            if k > 0 and gain[i, k] != NEVER and free[i, k] <= room:
                excess[i, k] = gain[i, k] + fullest(limits, both, free[i, k])[0] - best
    return best

"""The best start of a session on one day of one expert, beside what is booked on it and priced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.grid import NO_DAY, IntArray, MaskArray
from solver.kernel import inner_kernel
from solver.openings import highest_bit, lowest_bit
from solver.schedule import FINE, NEVER, ONLINE


@inner_kernel
def without_collisions(
    mask: np.uint64,
    minutes: int,
    place: int,
    home: int,
    start_minutes: IntArray,
    travel: IntArray,
    booked: NDArray[np.int32],
) -> np.uint64:
    """The starts of a word that leave time for, and the way to, all sessions of the day.

    `place` is ONLINE or the site; `start_minutes` are those of the word, `booked` those of the day.
    """
    for slot in range(len(booked)):
        to, back = 0, 0
        if place != ONLINE or booked[slot, 2] != ONLINE:
            here = home if place == ONLINE else place
            there = home if booked[slot, 2] == ONLINE else booked[slot, 2]
            to, back = travel[there, here], travel[here, there]
        rest = mask
        while rest != 0:
            bit = lowest_bit(rest)
            rest &= rest - np.uint64(1)
            start = start_minutes[bit]
            if start < booked[slot, 1] + to and booked[slot, 0] < start + minutes + back:
                mask &= ~(np.uint64(1) << np.uint64(bit))
    return mask


@inner_kernel
def best_unpriced_start(
    free: MaskArray,
    wished: MaskArray,
    start_minutes: IntArray,
    off_preference: int,
    late: bool,
    kept: int,
    move: int,
) -> tuple[int, int]:
    """The cost, in 1 / FINE, and the minute of the cheapest start of a day; NEVER without one.

    A start other than `kept` costs `move`. Of equal ones the first, or the last with `late`.
    """
    best, minute = NEVER, 0
    for word in range(len(free)):
        if free[word] == 0:
            continue
        both = free[word] & wished[word]
        cost = FINE * (move if both != 0 else move + off_preference)
        if cost < best or (late and cost == best):
            chosen = both if both != 0 else free[word]
            bit = highest_bit(chosen) if late else lowest_bit(chosen)
            best, minute = cost, start_minutes[word * 64 + bit]
    if kept != NO_DAY:
        published = FINE * _published_cost(free, wished, start_minutes, off_preference, kept)
        if published <= best:
            return published, kept
    return best, minute


@inner_kernel
def best_priced_start(
    free: MaskArray,
    wished: MaskArray,
    start_minutes: IntArray,
    off_preference: int,
    price: NDArray[np.int32],
    minutes: int,
    kept: int,
    move: int,
) -> tuple[int, int]:
    """The cost, in 1 / FINE, and the minute of the cheapest start of a day with priced points.

    `minutes` is how long the expert is bound; a start other than `kept` costs `move`.
    """
    best, minute = NEVER, 0
    for word in range(len(free)):
        rest = free[word]
        while rest != 0:
            bit = lowest_bit(rest)
            rest &= rest - np.uint64(1)
            point = word * 64 + bit
            start = start_minutes[point]
            cost = 0 if wished[word] >> np.uint64(bit) & np.uint64(1) else FINE * off_preference
            if start != kept:
                cost += FINE * move
            while point < len(start_minutes) and start_minutes[point] < start + minutes:
                cost += price[point]
                point += 1
            if cost < best:
                best, minute = cost, start
    return best, minute


@inner_kernel
def _published_cost(
    free: MaskArray,
    wished: MaskArray,
    start_minutes: IntArray,
    off_preference: int,
    published: int,
) -> int:
    """The cost of the start that is published, NEVER where it is not free."""
    index = np.searchsorted(start_minutes, published)
    if index == len(start_minutes) or start_minutes[index] != published:
        return NEVER // FINE
    word, bit = index >> 6, np.uint64(1) << np.uint64(index & 63)
    if free[word] & bit == 0:
        return NEVER // FINE
    return 0 if wished[word] & bit != 0 else off_preference

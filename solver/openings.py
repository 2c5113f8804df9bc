"""The days on which both sides of a pair are free, listed once.

Most days of the period never hold a session of a pair: weekdays on which one side is closed,
holidays, busy times. What is left, with the first and the last start of each day, depends on
the problem alone, so the search and the bounds walk over these lists and look at the start
masks only on days on which something else is booked or priced.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.kernel import allocating_kernel, inner_kernel, kernel

NO_WISH_MET = 1
"""The value of `Openings.off` on a day without a preferred start."""


class Openings(NamedTuple):
    """One list for each pair and each length of its engagement's sessions; N days in all."""

    list_offset: NDArray[np.int64]  # (lists + 1,) the days of a list
    pair_list: NDArray[np.int64]  # (P,) the first list of a pair, one for each mask row
    day: NDArray[np.int32]  # (N,)
    first: NDArray[np.int16]  # (N,) minute of the first of the best starts
    last: NDArray[np.int16]  # (N,) minute of the last of the best starts
    off: NDArray[np.int8]  # (N,) 1 where no preferred start is free


@kernel
def lowest_bit(word: np.uint64) -> int:
    """The number of the lowest bit that is set; the word must not be 0."""
    bit = 0
    for shift in (32, 16, 8, 4, 2, 1):
        if word & ((np.uint64(1) << np.uint64(shift)) - np.uint64(1)) == 0:
            word >>= np.uint64(shift)
            bit += shift
    return bit


@kernel
def highest_bit(word: np.uint64) -> int:
    """The number of the highest bit that is set; the word must not be 0."""
    bit = 0
    for shift in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(shift) != 0:
            word >>= np.uint64(shift)
            bit += shift
    return bit


@allocating_kernel
def list_openings(
    expert_starts: NDArray[np.uint64],
    engagement_starts: NDArray[np.uint64],
    preferred_starts: NDArray[np.uint64],
    start_minutes: NDArray[np.int64],
    row_offset: NDArray[np.int64],
    row_duration: NDArray[np.int64],
    window: NDArray[np.int64],
    pair_engagement: NDArray[np.int64],
    pair_expert: NDArray[np.int64],
) -> Openings:
    """List the open days of every pair.

    `row_offset` (A + 1,) are the mask rows of each engagement, `row_duration` (rows,) the index of
    their length in `expert_starts`, `window` (A, 2) the first and the last day.
    """
    pairs = len(pair_engagement)
    pair_list = np.zeros(pairs, np.int64)
    lists = 0
    for pair in range(pairs):
        pair_list[pair] = lists
        a = pair_engagement[pair]
        lists += row_offset[a + 1] - row_offset[a]
    offset = np.zeros(lists + 1, np.int64)
    day_list, off = np.empty(0, np.int32), np.empty(0, np.int8)
    first, last = np.empty(0, np.int16), np.empty(0, np.int16)
    for filling in (False, True):
        at = 0
        for pair in range(pairs):
            a, expert = pair_engagement[pair], pair_expert[pair]
            for row in range(row_offset[a], row_offset[a + 1]):
                theirs = expert_starts[expert, row_duration[row]]
                ours, wished = engagement_starts[row], preferred_starts[row]
                for day in range(window[a, 0], window[a, 1] + 1):
                    low, high, wish = _extremes(theirs[day], ours[day], wished[day])
                    if low < 0:
                        continue
                    if filling:
                        day_list[at], off[at] = day, 0 if wish else NO_WISH_MET
                        first[at], last[at] = start_minutes[low], start_minutes[high]
                    at += 1
                offset[pair_list[pair] + row - row_offset[a] + 1] = at
        if not filling:
            day_list, off = np.empty(at, np.int32), np.empty(at, np.int8)
            first, last = np.empty(at, np.int16), np.empty(at, np.int16)
    return Openings(offset, pair_list, day_list, first, last, off)


@inner_kernel
def _extremes(
    theirs: NDArray[np.uint64], ours: NDArray[np.uint64], wished: NDArray[np.uint64]
) -> tuple[int, int, bool]:
    """The first and the last of a day's best starts, -1 for none; whether they are preferred."""
    low, high, wish = -1, -1, False
    for word in range(len(theirs)):
        both = theirs[word] & ours[word]
        if both == 0:
            continue
        preferred = both & wished[word]
        if preferred != 0 and not wish:
            low, wish = -1, True
        elif preferred == 0 and wish:
            continue
        best = preferred if wish else both
        if low < 0:
            low = word * 64 + lowest_bit(best)
        high = word * 64 + highest_bit(best)
    return low, high, wish

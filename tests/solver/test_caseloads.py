"""The listing of caseloads: all of them below a limit, and none above it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from solver.caseloads import END, MOST_LISTED, OPTIONS, list_caseloads
from solver.grid import IntArray
from solver.knapsack import Room, excesses
from solver.schedule import FINE, NEVER

Choice = tuple[int, ...]
"""By engagement, how many sessions the expert holds."""


def tables(seed: int) -> tuple[Room, IntArray, IntArray]:
    """Five engagements of up to three sessions, some of which gain and some of which cost."""
    random = np.random.default_rng(seed)
    gain = np.full((5, 6), NEVER, dtype=np.int64)
    gain[:, 1:4] = FINE * random.integers(-9, 4, size=(5, 3))
    free = np.zeros((5, 6), dtype=np.int64)
    free[:, 1:4] = [1, 2, 3]
    return Room(8, 5, 2), free, gain


def every_choice(limits: Room, free: IntArray, gain: IntArray) -> dict[Choice, int]:
    """What each choice costs that fits."""
    costs = {}
    for choice in product(range(4), repeat=5):
        load = sum(int(free[i, k]) for i, k in enumerate(choice))
        if load <= limits.room:
            cost = sum(int(gain[i, k]) for i, k in enumerate(choice) if k)
            costs[choice] = cost + FINE * limits.overload * max(0, load - limits.cheap)
    return costs


@pytest.mark.parametrize("seed", range(20))
def test_exactly_the_caseloads_within_the_limit_are_listed(seed: int) -> None:
    limits, free, gain = tables(seed)
    costs = every_choice(limits, free, gain)
    options = np.zeros((MOST_LISTED, 8), dtype=np.int64)
    value = np.zeros(MOST_LISTED, dtype=np.int64)
    listing = list_caseloads(limits, free, gain, 4 * FINE, options, value)
    assert listing.least == min(costs.values())
    assert listing.reach == 4 * FINE
    found = {}
    for row in range(listing.number):
        choice = [0] * 5
        for option in options[row]:
            if option == END:
                break
            choice[option // OPTIONS] = int(option % OPTIONS)
        found[tuple(choice)] = int(value[row])
    assert len(found) == listing.number
    some = {c: v for c, v in costs.items() if any(c) and v <= listing.least + 4 * FINE}
    assert found == some


@pytest.mark.parametrize("seed", range(20))
def test_an_excess_is_what_forcing_an_option_in_costs(seed: int) -> None:
    limits, free, gain = tables(seed)
    costs = every_choice(limits, free, gain)
    excess = np.empty_like(gain)
    least = excesses(limits, free, gain, excess)
    assert least == min(costs.values())
    for i, k in product(range(5), range(1, 4)):
        forced = min(value for choice, value in costs.items() if choice[i] == k)
        assert excess[i, k] == forced - least


def test_where_there_is_no_room_for_the_list_the_limit_is_lowered() -> None:
    limits, free, gain = tables(0)
    options = np.zeros((6, 8), dtype=np.int64)
    listing = list_caseloads(limits, free, gain, 40 * FINE, options, np.zeros(6, dtype=np.int64))
    assert 0 < listing.reach < 40 * FINE
    assert listing.number <= 5

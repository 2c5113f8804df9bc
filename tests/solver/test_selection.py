"""A better choice of caseloads, neighbourhood by neighbourhood."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from solver.grid import IntArray
from solver.pool import Caseload
from solver.selection import Selection

ANN, BEN = 0, 1
LIMITS = {"max_deterministic_time": 2.0}


def caseload(expert: int, engagements: list[int], cost: int) -> Caseload:
    none: IntArray = np.zeros((len(engagements), 5), dtype=np.int64)
    some = np.array(engagements)
    return Caseload(expert, some, some, some, none, none, some, cost, cost)


def improved(caseloads: list[Caseload], taken: list[int], nobody: int, lanes: int = 1) -> set[int]:
    """The numbers of the caseloads that are taken in the end."""
    with ThreadPoolExecutor(lanes) as executor:
        out = np.full(2, nobody, dtype=np.int64)
        selection = Selection(caseloads, taken, out, executor, seed=0, lanes=lanes)
        selection.improve(LIMITS, lambda: False, most=10)
    return set(selection.taken.values())


SWAP = [
    caseload(ANN, [0], 5),
    caseload(ANN, [1], 1),
    caseload(BEN, [0], 1),
    caseload(BEN, [1], 5),
]


def test_two_experts_swap_what_both_serve_better() -> None:
    assert improved(SWAP, [0, 3], nobody=100) == {1, 2}


def test_an_engagement_that_nobody_served_is_taken() -> None:
    both = [*SWAP, caseload(ANN, [0, 1], 7)]
    assert improved(both[3:], [0], nobody=100) == {1}


def test_an_engagement_that_costs_more_than_leaving_it_out_is_left_out() -> None:
    assert improved(SWAP, [0, 3], nobody=0) == set()


def test_neighbourhoods_side_by_side_share_no_engagement() -> None:
    # Each of the two neighbourhoods has one expert, and neither can give what the other wants.
    assert improved(SWAP, [0, 3], nobody=100, lanes=2) == {0, 3}

"""The caseloads that are known, and what they prove."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from solver.grid import IntArray
from solver.pool import Caseload, Pool
from solver.schedule import FINE

ANN, BEN = 0, 1


def caseload(expert: int, engagements: Sequence[int], least: int) -> Caseload:
    """Serve two sessions of each engagement; the pair's number is the engagement's."""
    some = np.array(engagements)
    none: IntArray = np.zeros((len(some), 5), dtype=np.int64)
    return Caseload(expert, some, some, np.full_like(some, 2), none, none, some, least, least)


@pytest.fixture
def pool() -> Pool:
    """Ann serves both for 10 or the first for 4, Ben the second for 3."""
    pool = Pool(2)
    pool.add([caseload(ANN, [0, 1], 10), caseload(ANN, [0], 4)])
    pool.add([caseload(BEN, [1], 3)])
    return pool


def test_a_caseload_is_known_in_any_order_of_its_engagements(pool: Pool) -> None:
    assert len(pool) == 3
    assert pool.number(ANN, np.array([1, 0]), np.array([2, 2])) == 0
    assert pool.number(BEN, np.array([1]), np.array([2])) == 2


def test_another_expert_or_number_of_sessions_is_another_caseload(pool: Pool) -> None:
    assert pool.number(BEN, np.array([0, 1]), np.array([2, 2])) is None
    assert pool.number(ANN, np.array([0, 1]), np.array([2, 1])) is None


def test_the_surplus_is_the_cost_less_the_worth_and_nothing_costs_nothing(pool: Pool) -> None:
    surplus = pool.surplus(FINE * np.array([5, 2]))
    assert surplus.tolist() == [3 * FINE, -1 * FINE, 1 * FINE]
    assert pool.cheapest(surplus).tolist() == [-1 * FINE, 0]


def test_an_empty_pool_has_neither() -> None:
    empty = Pool(2)
    assert empty.surplus(np.array([1, 1])).tolist() == []
    assert empty.cheapest(empty.surplus(np.array([1, 1]))).tolist() == [0, 0]


def test_the_best_prices_prove_the_best_choice(pool: Pool) -> None:
    # Ann takes the first for 4 and Ben the second for 3; leaving both out costs 40.
    value, worth = pool.price(np.array([20, 20]), np.zeros(2, dtype=np.int64), 100 * FINE)
    assert 0.99 * 7 * FINE <= value <= 7 * FINE
    assert worth[0] >= 0.9 * 4 * FINE


def test_what_nobody_serves_is_worth_what_leaving_it_out_costs() -> None:
    empty = Pool(2)
    value, _ = empty.price(np.array([20, 5]), np.zeros(2, dtype=np.int64), 100 * FINE)
    assert value == 25 * FINE


def test_prices_stay_near_those_that_are_known(pool: Pool) -> None:
    start = FINE * np.array([3, 0])
    _, worth = pool.price(np.array([20, 20]), start, FINE // 2)
    assert (abs(worth - start) <= FINE // 2).all()


def test_cheaper_dates_are_taken_over_and_prove_no_more(pool: Pool) -> None:
    planned = caseload(ANN, [1, 0], 10)._replace(cost=9, least=0)
    assert pool.learn_dates(planned) == 0
    assert pool.caseloads[0].cost == 9
    assert pool.caseloads[0].least == 10


def test_dearer_dates_are_not(pool: Pool) -> None:
    assert pool.learn_dates(caseload(ANN, [0, 1], 11)) == 0
    assert pool.caseloads[0].cost == 10

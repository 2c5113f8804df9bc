"""Which caseloads to take: prices by a linear program, a choice by an integer program."""

from __future__ import annotations

import numpy as np
import pytest

from solver.master import LinearMaster, choose_caseloads
from solver.pool import Caseload
from solver.schedule import FINE
from tests.solver.test_pool import ANN, BEN, caseload

LEFT_OUT = np.array([20, 20])
LIMITS = {"max_deterministic_time": 1.0}


@pytest.fixture
def caseloads() -> list[Caseload]:
    """Ann serves both for 10 or the first for 4, Ben the second for 3."""
    return [caseload(ANN, [0, 1], 10), caseload(ANN, [0], 4), caseload(BEN, [1], 3)]


def test_prices_are_what_the_cheapest_choice_costs(caseloads: list[Caseload]) -> None:
    master = LinearMaster(LEFT_OUT, experts=2)
    master.add(caseloads)
    worth = master.solve(np.zeros(2, dtype=np.int64), width=100.0, seconds=10.0)
    assert worth is not None
    # At the prices w each expert's best caseload costs 0 or less; the value is 4 + 3.
    gains = min(0, 10 * FINE - int(worth.sum()), 4 * FINE - int(worth[0]))
    value = int(worth.sum()) + gains + min(0, 3 * FINE - int(worth[1]))
    assert value == pytest.approx(7 * FINE, abs=10)


def test_prices_stay_in_the_box(caseloads: list[Caseload]) -> None:
    master = LinearMaster(LEFT_OUT, experts=2)
    master.add(caseloads)
    worth = master.solve(np.zeros(2, dtype=np.int64), width=2.0, seconds=10.0)
    assert worth is not None
    assert (abs(worth) <= 2 * FINE).all()


def test_without_time_there_are_no_prices(caseloads: list[Caseload]) -> None:
    master = LinearMaster(LEFT_OUT, experts=2)
    master.add(caseloads)
    assert master.solve(np.zeros(2, dtype=np.int64), width=100.0, seconds=0.0) is None


def test_the_cheapest_choice_is_found_and_proven(caseloads: list[Caseload]) -> None:
    costs = np.array([each.least for each in caseloads])
    none = np.zeros(3, dtype=np.bool_)
    chosen, bound = choose_caseloads(caseloads, costs, LEFT_OUT, [0, 1], none, 100, LIMITS, 0)
    assert chosen == [1, 2]
    assert bound == 107


def test_what_nobody_can_take_is_left_out(caseloads: list[Caseload]) -> None:
    costs = np.array([each.least for each in caseloads[:2]])
    cheap = np.array([20, 2])
    none = np.zeros(2, dtype=np.bool_)
    chosen, bound = choose_caseloads(caseloads[:2], costs, cheap, [0, 1], none, 0, LIMITS, 0)
    assert chosen == [1]
    assert bound == 6

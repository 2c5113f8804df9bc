"""The bounds: each proven, each at least as good as the one before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from solver.bound import AssignmentProblem, assignment_problem, price_capacity, solve_assignment
from solver.grid import Grid, compile_grid, relax
from solver.lagrangian import Lagrangian
from solver.patterns import FREE, price_alone
from solver.problem_file import ProblemFile
from solver.schedule import FINE, NEVER, pinned_schedule
from tests.solver.brute_force import brute_force
from tests.solver.builders import Record, engagement, expert, file, problem
from tests.solver.random_problems import random_problem


def assignment(problem_file: ProblemFile) -> tuple[Grid, AssignmentProblem]:
    grid = relax(compile_grid(problem_file.problem))
    schedule = pinned_schedule(grid)
    cost = np.full((len(grid.pair_expert), 6), NEVER, dtype=np.int64)
    price_alone(grid, schedule, FREE, 0, len(cost), FINE, cost)
    return grid, assignment_problem(grid, schedule, cost)


def bounds(problem_file: ProblemFile, best_known: int) -> tuple[int, int, int, int]:
    """Prove the bound of capacities, of knapsacks, of knapsacks and time, and of CP-SAT."""
    grid, pairs = assignment(problem_file)
    capacity, price = price_capacity(pairs, 200)
    with ThreadPoolExecutor(1) as executor:
        relaxation = Lagrangian(grid, pinned_schedule(grid), pairs, price, executor, chunks=2)
        for _ in range(100):
            relaxation.step(best_known)
        knapsack = relaxation.bound
        relaxation.price_time()
        for _ in range(100):
            relaxation.step(best_known)
    closed = solve_assignment(pairs, capacity, price, best_known, most_options=10_000, limits={})
    return capacity, knapsack, relaxation.bound, closed


@pytest.mark.parametrize("part", range(6))
def test_no_bound_lies_above_the_best_of_all_plans(part: int) -> None:
    for seed in range(part * 10, part * 10 + 10):
        record = random_problem(seed)
        best = brute_force(record)
        if best is not None:
            assert max(bounds(file(record), best.cost)) <= best.cost, record["name"]


def test_where_sessions_must_be_dropped_a_few_steps_show_it() -> None:
    _, pairs = assignment(file(problem(ann={"max_total": 1}, ben={"max_total": 1})))
    bound, _ = price_capacity(pairs, 5)
    assert bound >= 2 * 1000


def test_one_scarce_expert_among_many_who_have_time_is_priced() -> None:
    """Ann has room for two of six sessions that nobody else may hold; Ben and others have plenty.

    Best is one session for two organizations, and none for the third.
    """
    everyone = [f"expert {number}" for number in range(300)]
    record = problem(ann={"max_total": 2})
    record["experts"] += [expert(name) for name in everyone]
    record["engagements"] = [
        engagement(f"at {name}", place="office", candidates=[{"expert": name, "cost": 50}])
        for name in everyone
    ] + [
        engagement(f"far {number}", place="office", candidates=[{"expert": "ann", "cost": 0}])
        for number in range(3)
    ]
    _, pairs = assignment(file(record))
    alone = int(np.minimum.reduceat(pairs.cost.min(axis=1), pairs.pair_offset[:-1]).sum())
    bound, price = price_capacity(pairs, 600)
    assert 0.99 * 6000 <= bound - alone <= 6000
    assert price[0] >= 1000 * FINE
    assert (price[1:] == 0).all()


def test_without_scarcity_every_bound_is_the_cheapest_pairs() -> None:
    assert bounds(file(problem()), 100) == (16, 16, 16, 16)


def test_the_integer_program_sees_that_engagements_come_whole() -> None:
    # Three sessions of Ann's fit one engagement of two: half an engagement is nobody's.
    scarce = problem(
        ann={"max_total": 3},
        bakers={"candidates": [{"expert": "ann", "cost": 0}]},
        tailors={"candidates": [{"expert": "ann", "cost": 0}]},
    )
    capacity, knapsack, _, closed = bounds(file(scarce), 1012)
    assert capacity <= knapsack <= closed == 1009


def test_priced_time_sees_that_sessions_collide() -> None:
    # Both organizations are open for one hour a week, and Ann is the only one who may come.
    hour = {"open": [["mon", "10:00", "11:00"]], "candidates": [{"expert": "ann", "cost": 0}]}
    crowded = file(problem(bakers=hour, tailors=hour, ann={"max_per_day": 1}))
    _, knapsack, timed, closed = bounds(crowded, 3000)
    assert knapsack == closed == 12
    assert timed > 20


def test_an_assignment_with_too_many_options_is_left_alone() -> None:
    _, pairs = assignment(file(problem()))
    capacity, price = price_capacity(pairs, 10)
    assert solve_assignment(pairs, capacity, price, 100, most_options=1, limits={}) == 0


@pytest.mark.parametrize(
    ("ann", "room"),
    [
        ({"max_total": 3}, 3),
        ({"max_per_week": 1}, 4),
        ({"open": [["mon", "09:00", "17:00"]], "max_per_day": 2}, 2 * 3),
        ({"open": [["mon", "09:00", "09:30"]]}, 0),
        ({"busy": [["2025-07-14T00:00", "2025-07-26T00:00"]], "max_per_week": 2}, 2 * 2),
    ],
)
def test_an_expert_has_the_room_that_the_tightest_of_the_caps_leaves(
    ann: Record, room: int
) -> None:
    """Four weeks, and one of their Mondays is closed."""
    _, pairs = assignment(file(problem(ann=ann, calendar={"closed_days": ["2025-07-21"]})))
    assert pairs.room[0] == room

"""Ejection chains: who is in the way moves on, all gains seen at once."""

from __future__ import annotations

import numpy as np
import pytest

from solver.bound import assignment_problem
from solver.chains import descend, new_web
from solver.construct import construct, order_pairs
from solver.grid import Grid, compile_grid, one_a_day
from solver.memo import PairTable, Piece, new_memo
from solver.patterns import FREE, new_paths, price_alone
from solver.problem_file import ProblemFile
from solver.schedule import FINE, NEVER, Schedule, insert, pinned_schedule, total_cost
from tests.solver.builders import engagement, expert, file, problem
from tests.solver.random_problems import random_problem


def compiled(problem_file: ProblemFile) -> tuple[Grid, PairTable]:
    grid = one_a_day(compile_grid(problem_file.problem))
    cost = np.full((len(grid.pair_expert), 6), NEVER, dtype=np.int64)
    price_alone(grid, pinned_schedule(grid), FREE, 0, len(cost), FINE, cost)
    pairs = assignment_problem(grid, pinned_schedule(grid), cost)
    return grid, order_pairs(pairs, np.zeros(len(grid.max_total), dtype=np.int64))


def descended(grid: Grid, table: PairTable, schedule: Schedule) -> int:
    engagements = np.arange(len(grid.sessions))
    piece = Piece(0, engagements, np.zeros(len(grid.max_total), dtype=np.int64))
    web = new_web(grid, schedule, table, piece)
    memo = new_memo(len(grid.pair_expert))
    return descend(grid, schedule, table, memo, piece, web, new_paths(grid))


def rotated() -> ProblemFile:
    """Three experts who can hold one engagement each, and like the next one's best."""
    names = ("ann", "ben", "cem")
    record = problem()
    record["experts"] = [expert(name, max_total=2, target_total=2) for name in names]
    record["engagements"] = [
        engagement(
            f"engagement {i}",
            place=None,
            candidates=[
                {"expert": names[i], "cost": 20},
                {"expert": names[(i + 1) % 3], "cost": 0},
            ],
        )
        for i in range(3)
    ]
    return file(record)


def test_a_cycle_of_three_is_found_where_nobody_can_move_alone() -> None:
    grid, table = compiled(rotated())
    schedule = pinned_schedule(grid)
    days, minutes = np.array([0, 7, 0, 0, 0]), np.array([540, 540, 0, 0, 0])
    for a in range(3):
        insert(grid, schedule, int(grid.pair_offset[a]), 2, days, minutes, 40)
    assert total_cost(grid, schedule) == 3 * 2 * 20
    assert descended(grid, table, schedule) == -3 * 2 * 20
    assert [grid.pair_expert[pair] for pair in schedule.pair] == [1, 2, 0]
    assert total_cost(grid, schedule) == 0


@pytest.mark.parametrize("seed", range(20))
def test_what_a_descent_says_it_adds_is_what_the_plan_costs_more(seed: int) -> None:
    grid, table = compiled(file(random_problem(seed)))
    schedule = pinned_schedule(grid)
    construct(grid, schedule, table, lambda: False)
    before = total_cost(grid, schedule)
    added = descended(grid, table, schedule)
    assert added <= 0
    assert total_cost(grid, schedule) == before + added

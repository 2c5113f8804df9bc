"""The cheapest dates of several engagements with one expert, all together."""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.grid import Grid, compile_grid
from solver.joint import cost_of_node, new_tree, plan_together
from solver.memo import Piece
from solver.patterns import FREE, new_paths, price_pair, trace
from solver.redate import redate
from solver.schedule import FINE, Schedule, insert, pinned_schedule, total_cost
from tests.solver.builders import file, pin, problem

ANN, ANN_FOR_BAKERS, ANN_FOR_TAILORS = 0, 0, 2
ALONE = 2 * (1 + 3)
"""Two sessions: match 1 and three times ten minutes of travel each."""

ON_MONDAYS: dict[str, Any] = {"open": [["mon", "09:00", "17:00"]]}


def together(**changes: Any) -> tuple[int, list[list[int]]]:
    """What the bakers and the tailors cost with Ann, and the days of both."""
    grid = compile_grid(file(problem(**changes)).problem)
    schedule = pinned_schedule(grid)
    tree = new_tree(grid, schedule)
    pairs, counts = np.nonzero(grid.pair_expert == ANN)[0], np.array([2, 2])
    value, node = plan_together(grid, schedule, pairs, counts, tree, new_paths(grid))
    assert node >= 0
    assert value == FINE * sum(cost_of_node(tree, node, i) for i in range(2))
    return value // FINE, tree.days[node, :2, :2].tolist()


def test_a_day_with_room_for_both_serves_both() -> None:
    assert together() == (2 * ALONE, [[0, 7], [0, 7]])


def test_where_a_day_holds_one_session_the_one_that_loses_less_leaves() -> None:
    cost, days = together(ann={"max_per_day": 1}, bakers=ON_MONDAYS)
    assert (cost, days) == (2 * ALONE + 1, [[0, 7], [1, 8]])


def test_where_a_week_holds_one_session_both_may_have_to_spread() -> None:
    cost, days = together(ann={"max_per_week": 1})
    # In turns, both gaps would be a week too long; so one of them waits for two weeks.
    assert cost == 2 * ALONE + 14
    assert sorted(days) == [[0, 7], [14, 21]]


def test_the_way_between_two_sessions_is_kept() -> None:
    hours = {"open": [["mon", "09:00", "11:30"], ["tue", "09:00", "17:00"]]}
    assert together(ann=hours)[0] == 2 * ALONE
    hours = {"open": [["mon", "09:00", "11:00"], ["tue", "09:00", "17:00"]]}
    assert together(ann=hours)[0] == 2 * ALONE + 1


def test_a_pinned_session_stands_where_it_is() -> None:
    pinned = {"pinned": [pin(1, "ann", "2025-07-14T09:00")]}
    cost, days = together(ann={"max_per_day": 1}, bakers=pinned)
    assert days[0][0] == 0
    assert days[1][0] == 1
    assert cost == ALONE // 2 + ALONE + 1


def put(grid: Grid, schedule: Schedule, pair: int) -> None:
    paths = new_paths(grid)
    price_pair(grid, schedule, FREE, pair, 0, paths)
    cost = trace(grid, schedule, pair, 2, paths)
    insert(grid, schedule, pair, 2, paths.days, paths.minutes, cost)


def test_dating_anew_mends_what_one_after_the_other_spoiled() -> None:
    record = problem(ann={"max_per_day": 1}, bakers=ON_MONDAYS)
    grid = compile_grid(file(record).problem)
    schedule = pinned_schedule(grid)
    put(grid, schedule, ANN_FOR_TAILORS)
    put(grid, schedule, ANN_FOR_BAKERS)
    before = total_cost(grid, schedule)
    assert before == 2 * ALONE + 14
    piece = Piece(0, np.arange(2), np.zeros(2, dtype=np.int64))
    added = redate(grid, schedule, piece, new_tree(grid, schedule), new_paths(grid))
    assert before + added == total_cost(grid, schedule) == 2 * ALONE + 1

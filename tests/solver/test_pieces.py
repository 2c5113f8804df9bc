"""A piece is a pure function of the part of the plan that it owns."""

from __future__ import annotations

import pickle
from typing import NamedTuple

import numpy as np
import pytest

from solver.bound import assignment_problem
from solver.construct import construct, order_pairs
from solver.grid import compile_grid, one_a_day
from solver.pieces import (
    Found,
    Ground,
    Part,
    SearchTask,
    price_range,
    put_rows,
    rows_of,
    search_part,
)
from solver.removal import put_again
from solver.schedule import (
    Rows,
    all_rows,
    pinned_schedule,
    total_cost,
)
from tests.solver.test_engine import crowded


class Start(NamedTuple):
    """A first plan, and the parts of its first three experts and of the others."""

    ground: Ground
    plan: Rows
    parts: tuple[Part, Part]


@pytest.fixture(scope="module")
def start() -> Start:
    grid = compile_grid(crowded(engagements=20, experts=6).problem)
    schedule = pinned_schedule(grid)
    cost = price_range(Ground(grid), (0, len(grid.pair_expert)))
    table = order_pairs(assignment_problem(grid, schedule, cost), np.zeros(6, np.int64))
    grid = one_a_day(grid)
    construct(grid, schedule, table, lambda: False)
    plan = all_rows(schedule)
    first = grid.pair_expert[plan.pair] < 3
    one, other = np.nonzero(first)[0], np.nonzero(~first)[0]
    parts = (
        Part(np.arange(3), one, rows_of(plan, one)),
        Part(np.arange(3, 6), other, rows_of(plan, other)),
    )
    return Start(Ground(grid, table), plan, parts)


def cost_of(ground: Ground, plan: Rows) -> int:
    schedule = pinned_schedule(ground.grid)
    put_again(ground.grid, schedule, plan, len(plan.pair))
    return total_cost(ground.grid, schedule)


def equal(one: Found, other: Found) -> bool:
    return all(
        np.array_equal(a, b)
        for rows, others in ((one.now, other.now), (one.best, other.best))
        for a, b in zip(rows, others, strict=True)
    ) and (one.change, one.least) == (other.change, other.least)


def test_the_same_task_finds_the_same_on_new_ground_and_on_used(start: Start) -> None:
    task = SearchTask(start.parts[0], steps=200, temperature=5.0, seed=1)
    first = search_part(Ground(start.ground.grid, start.ground.table), task)
    search_part(start.ground, task._replace(seed=2))
    assert equal(first, search_part(start.ground, task))


def test_ground_that_has_travelled_is_the_same(start: Start) -> None:
    arrived = pickle.loads(pickle.dumps(start.ground))  # noqa: S301  our own
    here, there = start.ground.grid.openings, arrived.grid.openings
    assert [array.tolist() for array in here] == [array.tolist() for array in there]
    assert [array.dtype for array in here] == [array.dtype for array in there]
    assert arrived.grid.openings.day.flags.writeable


def test_parts_that_are_searched_side_by_side_add_up(start: Start) -> None:
    before = cost_of(start.ground, start.plan)
    now, best = (Rows(*(array.copy() for array in start.plan)) for _ in range(2))
    change, least = 0, 0
    for part in start.parts:
        found = search_part(start.ground, SearchTask(part, 300, 20.0, 3))
        put_rows(now, part.engagements, found.now)
        put_rows(best, part.engagements, found.best)
        change, least = change + found.change, least + found.least
    assert least < 0
    assert cost_of(start.ground, now) == before + change
    assert cost_of(start.ground, best) == before + least


def test_a_part_keeps_to_its_own_experts(start: Start) -> None:
    for part in start.parts:
        found = search_part(start.ground, SearchTask(part, 300, 20.0, 4))
        served = found.now.pair[found.now.pair >= 0]
        assert set(start.ground.grid.pair_expert[served]) <= set(part.experts)

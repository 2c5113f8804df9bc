"""Whole caseloads: what they prove is true, and what is made of them is a plan."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from solver.bound import price_capacity
from solver.columns import Columns, Limits
from solver.grid import compile_grid, one_a_day, share_weeks
from solver.lagrangian import Lagrangian
from solver.problem_file import ProblemFile
from solver.schedule import (
    all_rows,
    pinned_schedule,
    total_cost,
)
from tests.solver.brute_force import brute_force
from tests.solver.builders import file, problem
from tests.solver.random_problems import random_problem
from tests.solver.test_bound import assignment

NEVER_STOP = bool
LIMITS = Limits(None, 0, NEVER_STOP)


def solved(part: int) -> Iterator[tuple[str, ProblemFile, int]]:
    """The names of twenty random problems that have a plan, the problems, and their best costs."""
    for seed in range(part * 20, part * 20 + 20):
        record = random_problem(seed)
        best = brute_force(record)
        if best is not None:
            yield record["name"], file(record), best.cost


@contextmanager
def columns_below(
    problem_file: ProblemFile, cost: int, rounds: int = 10, threads: int = 1
) -> Iterator[Columns]:
    """Columns for plans that cost less than `cost`, after a few rounds."""
    grid = compile_grid(problem_file.problem)
    relaxed, pairs = assignment(problem_file)
    _, price = price_capacity(pairs, 100)
    with ThreadPoolExecutor(threads) as executor:
        relaxation = Lagrangian(relaxed, pinned_schedule(grid), pairs, price, executor, chunks=1)
        relaxation.price_time()
        for _ in range(30):
            relaxation.step(cost)
        searched = share_weeks(one_a_day(grid))
        columns = Columns(relaxed, searched, pairs, relaxation, cost, executor, threads)
        for _ in range(rounds):
            columns.step(NEVER_STOP)
        yield columns


@pytest.mark.parametrize("part", range(6))
def test_the_bound_is_true_and_the_choice_is_a_plan(part: int) -> None:
    proven = 0
    for name, problem_file, least in solved(part):
        grid = compile_grid(problem_file.problem)
        with columns_below(problem_file, least + 1) as columns:
            assert columns.bound <= least, name
            nothing = all_rows(pinned_schedule(grid))
            plan, bound = columns.choose(nothing, least + 1, LIMITS, NEVER_STOP)
        assert bound <= least, name
        if plan is not None:
            assert total_cost(grid, plan) >= least, name
        if (grid.min_gap > 0).all() and bound > 0:
            assert plan is not None, name
            assert total_cost(grid, plan) == bound == least, name
            proven += 1
    assert proven >= 5


def test_where_nothing_is_cheaper_the_bound_is_what_is_known() -> None:
    with columns_below(file(problem()), 16) as columns:
        nothing = all_rows(pinned_schedule(compile_grid(file(problem()).problem)))
        _, bound = columns.choose(nothing, 16, LIMITS, NEVER_STOP)
    assert bound == 16


@pytest.mark.parametrize("part", range(4))
def test_a_list_that_was_cut_proves_nothing(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solver.columns.MOST_CLOSING", 1)
    monkeypatch.setattr("solver.columns.FEWEST_CLOSING", 1)
    monkeypatch.setattr("solver.columns.MOST_NEW", 1)
    for name, problem_file, least in solved(part):
        dear = least + 50
        with columns_below(problem_file, dear, rounds=1) as columns:
            plan = all_rows(pinned_schedule(compile_grid(problem_file.problem)))
            for _ in range(3):
                better, bound = columns.choose(plan, dear, LIMITS, NEVER_STOP)
                assert columns.bound <= least, name
                assert bound <= least, name
                plan = plan if better is None else all_rows(better)


def test_what_is_found_does_not_depend_on_the_number_of_threads() -> None:
    for name, problem_file, least in solved(0):
        found = []
        for threads in (1, 3):
            with columns_below(problem_file, least + 20, threads=threads) as columns:
                nothing = all_rows(pinned_schedule(compile_grid(problem_file.problem)))
                plan, bound = columns.choose(nothing, least + 20, LIMITS, NEVER_STOP)
            served = None if plan is None else plan.pair.tolist()
            found.append((columns.bound, bound, served))
        assert found[0] == found[1], name


def test_a_round_that_is_stopped_midway_leaves_the_bound_as_it_was() -> None:
    for name, problem_file, least in solved(1):
        with columns_below(problem_file, least + 50, rounds=1) as columns:
            before = columns.bound
            answers = iter([False])
            columns.step(lambda answers=answers: next(answers, True))  # type: ignore[misc]
            assert columns.bound == before, name
            for _ in range(9):
                columns.step(NEVER_STOP)
            assert before <= columns.bound <= least, name

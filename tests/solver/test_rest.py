"""What a better plan could still have holds every plan that is better."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from solver.bound import price_capacity
from solver.exact import Start, close_rest
from solver.grid import compile_grid
from solver.lagrangian import Lagrangian
from solver.problem_file import ProblemFile
from solver.schedule import pinned_schedule, total_cost
from solver.search import best_of
from tests.solver.brute_force import brute_force
from tests.solver.builders import file, problem
from tests.solver.random_problems import random_problem
from tests.solver.test_bound import assignment

Rest = dict[int, list[Start]]


def rest_below(problem_file: ProblemFile, cost: int) -> tuple[Rest, int]:
    """What plans cheaper than `cost` could have, and the bound, after a few steps."""
    grid, pairs = assignment(problem_file)
    _, price = price_capacity(pairs, cost, 100)
    with ThreadPoolExecutor(1) as executor:
        relaxation = Lagrangian(grid, pinned_schedule(grid), pairs, price, executor, chunks=1)
        for _ in range(50):
            relaxation.step(cost)
        relaxation.price_time()
        for _ in range(100):
            relaxation.step(cost)
        rest = relaxation.rest(cost, most=10_000)
        assert rest is not None
        return rest, relaxation.bound


@pytest.mark.parametrize("part", range(6))
def test_the_rest_below_more_than_the_optimum_holds_the_best_of_all_plans(part: int) -> None:
    for seed in range(part * 10, part * 10 + 10):
        record = random_problem(seed)
        best = brute_force(record)
        if best is None:
            continue
        problem_file = file(record)
        grid = compile_grid(problem_file.problem)
        rest, bound = rest_below(problem_file, best.cost + 1)
        assert bound <= best.cost, record["name"]
        proof = close_rest(
            grid, best_of(pinned_schedule(grid)), rest, best.cost + 1, limits={}, seed=0
        )
        assert proof.schedule is not None, record["name"]
        assert total_cost(grid, proof.schedule) == proof.bound == best.cost, record["name"]


def test_below_the_optimum_there_is_nothing() -> None:
    problem_file = file(problem())
    grid = compile_grid(problem_file.problem)
    rest, _ = rest_below(problem_file, 16)
    proof = close_rest(grid, best_of(pinned_schedule(grid)), rest, 16, limits={}, seed=0)
    assert (proof.schedule, proof.bound) == (None, 16)


def test_a_start_that_costs_too_much_is_struck() -> None:
    rest, _ = rest_below(file(problem()), 17)
    # Both engagements begin on the first Monday and go on a week later: anything else costs more.
    days = {(number, day) for starts in rest.values() for number, day, _ in starts}
    assert days == {(0, 0), (1, 7)}

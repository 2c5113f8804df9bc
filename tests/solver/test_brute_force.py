"""The solver against every plan there is, on tiny problems at random."""

from __future__ import annotations

import functools

import pytest

from solver import Parameters, judge, solve
from tests.solver.brute_force import Best, brute_force
from tests.solver.builders import encode, file, plan
from tests.solver.conftest import CheckPlan
from tests.solver.random_problems import random_problem

ROUNDS = range(20)
CASES_A_ROUND = 10


@functools.cache
def best_of(number: int) -> Best | None:
    return brute_force(random_problem(number))


def cases(part: int) -> range:
    return range(part * CASES_A_ROUND, (part + 1) * CASES_A_ROUND)


@pytest.mark.parametrize("part", ROUNDS)
def test_the_best_of_all_plans_passes_the_judges_at_its_cost(
    part: int, check_plan: CheckPlan
) -> None:
    for number in cases(part):
        problem = random_problem(number)
        best = best_of(number)
        if best is None:
            continue
        found = plan(problem, best.assignments)
        verdict = judge(encode(problem), encode(found))
        broken, cost, _, _ = check_plan(problem, found)
        assert (verdict.broken, verdict.cost.total) == ((), best.cost), problem["name"]
        assert (broken, cost["total"]) == ([], best.cost), problem["name"]


@pytest.mark.parametrize("part", ROUNDS)
def test_solving_finds_the_best_of_all_plans_and_no_bound_above_it(part: int) -> None:
    for number in cases(part):
        problem = random_problem(number)
        best = best_of(number)
        found = solve(file(problem), Parameters(time_limit_seconds=20))
        if best is None:
            assert found.status == "infeasible_pins", problem["name"]
            continue
        assert found.status != "infeasible_pins", problem["name"]
        assert found.bound <= best.cost == found.cost.total, problem["name"]

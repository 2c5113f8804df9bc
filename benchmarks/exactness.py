"""Holds the solver to brute force on thousands of tiny problems: equal cost, no bound above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from solver import Parameters, solve
from tests.solver.brute_force import brute_force
from tests.solver.builders import Record, file
from tests.solver.random_problems import random_problem

PARAMETERS = Parameters(time_limit_seconds=20)


@dataclass(frozen=True)
class Difference:
    """A problem on which the solver and brute force disagree."""

    problem: Record
    text: str


def differences(first: int, cases: int) -> Iterator[Difference | None]:
    """Compare case by case; None where both agree."""
    for number in range(first, first + cases):
        problem = random_problem(number)
        best, found = brute_force(problem), solve(file(problem), PARAMETERS)
        if best is None:
            agrees, expected = found.status == "infeasible_pins", "infeasible_pins"
        else:
            agrees = found.status != "infeasible_pins" and (
                found.bound <= best.cost == found.cost.total
            )
            expected = f"cost {best.cost}"
        answer = f"{found.status}, cost {found.cost.total}, bound {found.bound}"
        yield None if agrees else Difference(problem, f"{expected} expected, {answer} found")

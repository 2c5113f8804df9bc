from __future__ import annotations

from solver import Parameters, ProblemFile, solve
from solver.warm_up import crowded_problem, smallest_problem

PARAMETERS = Parameters(time_limit_seconds=None, work_limit=20)


def test_one_problem_is_closed_by_proof() -> None:
    plan = solve(ProblemFile.from_problem(smallest_problem()), PARAMETERS)
    assert plan.status == "optimal"


def test_the_other_is_left_to_the_search() -> None:
    """A search that ends before it begins would compile nothing."""
    plan = solve(ProblemFile.from_problem(crowded_problem()), PARAMETERS)
    assert plan.status == "feasible"
    assert len(plan.assignments) == 4

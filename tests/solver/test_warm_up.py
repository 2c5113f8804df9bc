from __future__ import annotations

from solver import Parameters, ProblemFile, solve
from solver.warm_up import crowded_problem, smallest_problem

PARAMETERS = Parameters(time_limit_seconds=None, work_limit=20)


def test_one_problem_is_closed_by_proof() -> None:
    plan = solve(ProblemFile.from_problem(smallest_problem()), PARAMETERS)
    assert plan.status == "optimal"


def test_the_other_is_searched_and_its_caseloads_are_priced() -> None:
    """A run that ends before its last stage begins would compile nothing of it."""
    stages: list[str] = []
    problem_file = ProblemFile.from_problem(crowded_problem())
    plan = solve(problem_file, PARAMETERS, on_progress=lambda now: stages.append(now.stage))
    assert len(plan.assignments) == 4
    searched = stages.index("improve")
    assert "bound" in stages[searched:]

"""How a run solves its problem: with few broken promises, by weights, or a plan for each number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matcher.models import PlanTerms, PromisePolicy, PromiseRecord
from solver import Parameters, Progress, solve
from solver.plan import Plan as PlanFile
from solver.problem_file import ProblemFile
from solver.promises import has_promises
from solver.stability import Point, keep_promises, price_of_stability

__all__ = ["Solution", "solve_as_agreed"]


@dataclass(frozen=True)
class Solution:
    """A plan, and what it makes of what is published."""

    plan: PlanFile
    promises: PromiseRecord | None = None
    """None: nothing is published that it could change, or promises are only weighed."""


def solve_as_agreed(
    terms: PlanTerms,
    file: ProblemFile,
    parameters: Parameters,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Solution, ...]:
    """Solve a problem as the terms of its run say; the last plan is the one that serves best.

    There is more than one only where promises are priced; `infeasible_pins` is no plan.

    Raises:
        NoPlanFound: pinned engagements could not be completed within the limit.
        PlanRejected: the judge found a rule broken; a fault of the solver.
    """
    if terms.promises is PromisePolicy.WEIGH or not has_promises(file.problem):
        plan = solve(file, parameters, on_progress=on_progress, cancelled=cancelled)
        return (Solution(plan),)
    if terms.promises is PromisePolicy.KEEP:
        point = keep_promises(file, parameters, on_progress=on_progress, cancelled=cancelled)
        return (_solution(point),)
    points = price_of_stability(
        file,
        parameters,
        most=terms.points - 1,
        on_progress=on_progress,
        cancelled=cancelled,
    )
    return tuple(map(_solution, points))


def _solution(point: Point) -> Solution:
    return Solution(
        point.plan,
        PromiseRecord(
            most_broken=point.most_broken,
            broken=point.disturbance.broken,
            least_broken=point.least_broken,
            people=point.disturbance.people,
            least_people=point.least_people,
            lacking=point.service,
            least_lacking=point.least_service,
        ),
    )

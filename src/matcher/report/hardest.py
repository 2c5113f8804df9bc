"""Which engagement a plan had the hardest time to place: where being one of many costs most."""

from __future__ import annotations

from dataclasses import dataclass

from solver import Parameters, solve
from solver.plan import Assignment, Plan
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.validation import CostByPart, judge

SECONDS_ALONE = 2.0
"""More than enough for the best plan of one engagement, which takes milliseconds."""

OWN_PARTS = ("unserved", "dropped", "match", "preference", "travel", "wait", "gap", "stability")
"""The parts of a cost that belong to one engagement; overload belongs to an expert."""


@dataclass(frozen=True)
class Placement:
    """One engagement in the plan, beside the best plan it would have had for itself."""

    engagement: str
    sessions: int
    wanted_sessions: int
    candidates: int
    expert: str | None
    """None: it is not served."""
    cost: CostByPart
    expert_alone: str | None
    sessions_alone: int
    cost_alone: CostByPart

    @property
    def own(self) -> int:
        """What it costs in the plan."""
        return _own(self.cost)

    @property
    def own_alone(self) -> int:
        """What it would cost at least."""
        return _own(self.cost_alone)

    @property
    def extra_per_session(self) -> float:
        """What it costs more, for each session it wants, for being planned with all others."""
        return (self.own - self.own_alone) / self.wanted_sessions

    @property
    def extra_by_part(self) -> dict[str, int]:
        """The parts that differ, the largest first."""
        differences = {
            part: getattr(self.cost, part) - getattr(self.cost_alone, part) for part in OWN_PARTS
        }
        ordered = sorted(differences.items(), key=lambda each: -abs(each[1]))
        return {part: amount for part, amount in ordered if amount}


def find_hardest(problem: Problem, plan: Plan) -> Placement:
    """Find the engagement that costs most, for each session it wants, beyond its best alone.

    Both costs are the judge's; the best alone is solved anew, with every expert free.

    Raises:
        ValueError: the problem has no engagement.
    """
    assignments = {each.engagement: each for each in plan.assignments}
    placements = (
        _place(problem, index, assignments.get(each.id))
        for index, each in enumerate(problem.engagements)
    )
    return max(placements, key=lambda each: each.extra_per_session)


def _place(problem: Problem, index: int, assignment: Assignment | None) -> Placement:
    engagement = problem.engagements[index]
    file = ProblemFile.from_problem(problem.model_copy(update={"engagements": (engagement,)}))
    alone = solve(file, Parameters(time_limit_seconds=SECONDS_ALONE))
    chosen = () if assignment is None else (assignment,)
    together = alone.model_copy(update={"assignments": chosen})
    return Placement(
        engagement=engagement.id,
        sessions=0 if assignment is None else len(assignment.starts),
        wanted_sessions=len(engagement.durations),
        candidates=len(engagement.candidates),
        expert=None if assignment is None else assignment.expert,
        cost=judge(file.json, together.to_json()).cost,
        expert_alone=next((each.expert for each in alone.assignments), None),
        sessions_alone=sum(len(each.starts) for each in alone.assignments),
        cost_alone=judge(file.json, alone.to_json()).cost,
    )


def _own(cost: CostByPart) -> int:
    return sum(int(getattr(cost, part)) for part in OWN_PARTS)

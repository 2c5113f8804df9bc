"""Pure optimization: a problem in, a plan out."""

from solver.engine import NoPlanFound, Parameters, PlanRejected, solve
from solver.incumbent import Progress
from solver.plan import Assignment, Cost, Plan
from solver.problem import Problem, ProblemError, ProblemFile
from solver.validation import Verdict, judge

__all__ = [
    "Assignment",
    "Cost",
    "NoPlanFound",
    "Parameters",
    "Plan",
    "PlanRejected",
    "Problem",
    "ProblemError",
    "ProblemFile",
    "Progress",
    "Verdict",
    "judge",
    "solve",
]

"""Pure optimization: a problem in, a plan out.

A name is imported when it is asked for: the judge needs neither ortools nor numba, and whoever
imports `solver.validation` or `solver.problem` alone does not wait for them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solver.engine import NoPlanFound, Parameters, PlanRejected, solve
    from solver.incumbent import Progress
    from solver.plan import Assignment, Cost, Plan
    from solver.problem import Problem, ProblemError
    from solver.problem_file import ProblemFile
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

_HOMES = {
    "solver.engine": ("NoPlanFound", "Parameters", "PlanRejected", "solve"),
    "solver.incumbent": ("Progress",),
    "solver.plan": ("Assignment", "Cost", "Plan"),
    "solver.problem": ("Problem", "ProblemError"),
    "solver.problem_file": ("ProblemFile",),
    "solver.validation": ("Verdict", "judge"),
}


if not TYPE_CHECKING:  # hidden, so that the type checker knows these names and no others

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                return getattr(importlib.import_module(module), name)
        raise AttributeError(f"module 'solver' has no attribute {name!r}")

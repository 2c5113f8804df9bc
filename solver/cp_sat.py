"""How CP-SAT is run: one worker, no probing, within limits; and what it proved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


class Answer(NamedTuple):
    """What CP-SAT ended with."""

    solver: cp_model.CpSolver
    has_plan: bool
    is_infeasible: bool
    bound: int
    """The least integer objective that it did not rule out; 0 where it proved nothing."""


def new_model() -> cp_model.CpModel:
    """An empty model. Loading CP-SAT takes longer than a first plan, so that has to wait."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    return cp_model.CpModel()


def run_cp_sat(model: cp_model.CpModel, limits: Mapping[str, float], seed: int = 0) -> Answer:
    """Solve a model with an objective of at least 0; `limits` are parameters of CP-SAT."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    # Probing can take most of a minute on models of many starts.
    solver.parameters.cp_model_probing_level = 0
    for name, value in limits.items():
        setattr(solver.parameters, name, value)
    status = solver.solve(model)
    proven = solver.best_objective_bound
    return Answer(
        solver,
        has_plan=status in (cp_model.OPTIMAL, cp_model.FEASIBLE),
        is_infeasible=status == cp_model.INFEASIBLE,
        bound=max(0, math.ceil(proven - 1e-6)) if math.isfinite(proven) else 0,
    )

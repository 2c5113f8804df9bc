"""Which caseloads to take: each engagement once, each expert one caseload.

The linear program over the caseloads that cost little prices the engagements (Dantzig, Wolfe
1960), where the steps of `pool` bring nothing more. Its prices swing wildly, so they are kept in a
box: leaving an engagement out, or serving it twice, costs what it was worth before, more or less
the width of the box (du Merle, Villeneuve, Desrosiers, Hansen 1999). The integer program makes a
plan of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from solver.cp_sat import new_model, run_cp_sat
from solver.grid import IntArray
from solver.pool import Caseload
from solver.schedule import FINE

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

LONGEST_SECONDS = 86_400.0


class LinearMaster:
    """The linear program; caseloads are added to it, and it starts from where it ended."""

    def __init__(self, nobody: IntArray, experts: int) -> None:
        from ortools.math_opt.python import mathopt  # noqa: PLC0415  most runs have no need of it

        self._model = mathopt.Model()
        self._serve = [self._model.add_linear_constraint(lb=1, ub=1) for _ in nobody]
        self._have = [self._model.add_linear_constraint(ub=1) for _ in range(experts)]
        self._missing = [self._model.add_variable(lb=0) for _ in nobody]
        self._twice = [self._model.add_variable(lb=0) for _ in nobody]
        for a, row in enumerate(self._serve):
            nobody_serves = self._model.add_variable(lb=0)
            self._model.objective.set_linear_coefficient(nobody_serves, float(nobody[a]))
            row.set_coefficient(nobody_serves, 1)
            row.set_coefficient(self._missing[a], 1)
            row.set_coefficient(self._twice[a], -1)
        self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)

    def add(self, caseloads: Sequence[Caseload]) -> None:
        """Let the program take these too."""
        for caseload in caseloads:
            variable = self._model.add_variable(lb=0)
            self._model.objective.set_linear_coefficient(variable, float(caseload.least))
            self._have[caseload.expert].set_coefficient(variable, 1)
            for a in caseload.engagements:
                self._serve[a].set_coefficient(variable, 1)

    def solve(self, worth: IntArray, width: float, seconds: float) -> IntArray | None:
        """What serving each engagement is worth (A,), in 1 / FINE, in a box around `worth`.

        None where that takes longer than `seconds`.
        """
        for a, value in enumerate(worth / FINE):
            self._model.objective.set_linear_coefficient(self._missing[a], value + width)
            self._model.objective.set_linear_coefficient(self._twice[a], width - value)
        from ortools.math_opt.python import mathopt  # noqa: PLC0415

        limit = dt.timedelta(seconds=min(seconds, LONGEST_SECONDS))
        result = self._solver.solve(params=mathopt.SolveParameters(time_limit=limit))
        if not result.has_dual_feasible_solution():
            return None
        duals = result.dual_values(self._serve)
        priced: IntArray = np.rint(FINE * np.array(duals)).astype(np.int64)
        return priced


def choose_caseloads(
    caseloads: Sequence[Caseload],
    costs: IntArray,
    nobody: IntArray,
    engagements: Sequence[int],
    taken: NDArray[np.bool_],
    constant: int,
    limits: dict[str, float],
    seed: int,
) -> tuple[list[int] | None, int]:
    """The cheapest choice of caseloads that CP-SAT finds, starting from those `taken`.

    The caseloads are of `engagements` alone; leaving one out costs `nobody` (A,). Returns their
    numbers, None where there is no answer, and a bound of the cost of every choice.
    """
    model = new_model()
    variables = [model.new_bool_var("") for _ in caseloads]
    serve: dict[int, list[cp_model.IntVar]] = {a: [] for a in engagements}
    have: dict[int, list[cp_model.IntVar]] = {}
    for variable, caseload, hint in zip(variables, caseloads, taken, strict=True):
        model.add_hint(variable, bool(hint))
        have.setdefault(caseload.expert, []).append(variable)
        for a in caseload.engagements.tolist():
            serve[a].append(variable)
    objective = [(v, int(cost)) for v, cost in zip(variables, costs, strict=True)]
    for a, options in serve.items():
        left_out = model.new_bool_var("")
        objective.append((left_out, int(nobody[a])))
        model.add_exactly_one([*options, left_out])
    for options in have.values():
        model.add_at_most_one(options)
    model.minimize(sum(variable * cost for variable, cost in objective) + constant)
    answer = run_cp_sat(model, {"linearization_level": 2, **limits}, seed)
    if not answer.has_plan:
        return None, answer.bound
    return [i for i, v in enumerate(variables) if answer.solver.value(v)], answer.bound

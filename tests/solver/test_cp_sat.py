"""What CP-SAT answers, also where it has no time to answer."""

from __future__ import annotations

from ortools.sat.python import cp_model

from solver.cp_sat import run_cp_sat


def model(least: int) -> cp_model.CpModel:
    """Ask for the cheapest of two numbers below 10 that come to `least` at the least."""
    made = cp_model.CpModel()
    numbers = [made.new_int_var(0, 9, "") for _ in range(2)]
    made.add(sum(numbers) >= least)
    made.minimize(sum(numbers))
    return made


def test_an_optimum_is_its_own_bound() -> None:
    answer = run_cp_sat(model(7), {})
    assert (answer.has_plan, answer.is_infeasible, answer.bound) == (True, False, 7)


def test_what_cannot_be_is_infeasible() -> None:
    answer = run_cp_sat(model(19), {})
    assert (answer.has_plan, answer.is_infeasible) == (False, True)


def test_without_any_time_the_bound_is_still_true() -> None:
    assert run_cp_sat(model(7), {"max_time_in_seconds": 0.0}).bound <= 7

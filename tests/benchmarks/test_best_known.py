"""Bounds on the shared instances, against the best plans that are known of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import cli
from benchmarks.best_known import BEST_KNOWN_COSTS, describe, is_refuted
from solver import Parameters, Plan, ProblemFile, solve
from tests.solver.builders import file, problem


@pytest.fixture(scope="module")
def instances(shared: Path) -> Path:
    return shared / "instances"


@pytest.mark.parametrize("name", ["tokyo-60", "tokyo-60-tight", "tokyo-60-replan"])
def test_a_short_run_proves_no_bound_above_the_best_known_plan(name: str, instances: Path) -> None:
    found = solve(ProblemFile.from_path(instances / f"{name}.json.gz"), Parameters(3))
    assert not is_refuted(found)
    assert 0.9 * BEST_KNOWN_COSTS[found.problem] < found.bound


def stating(name: str, bound: int, total: int) -> Plan:
    found = solve(file(problem()), Parameters(5))
    cost = found.cost.model_copy(update={"total": total})
    return found.model_copy(update={"problem": name, "bound": bound, "cost": cost})


def test_a_bound_above_a_known_plan_is_refuted(tmp_path: Path) -> None:
    wrong, right = stating("tokyo-60", 3_846, 3_900), stating("tokyo-60", 3_700, 3_800)
    assert is_refuted(wrong)
    assert "wrong" in describe(wrong)
    assert not is_refuted(right)
    assert "new best" in describe(right)
    wrong.write(tmp_path / "wrong.plan.json")
    run = CliRunner().invoke(cli, ["bounds", str(tmp_path)])
    assert run.exit_code == 1
    assert "3,846" in run.stdout

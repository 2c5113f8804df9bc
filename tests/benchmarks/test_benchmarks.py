from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import cli
from benchmarks.instances import Shape, generate
from benchmarks.runner import limit_seconds
from solver.problem import Problem
from solver.problem_file import ProblemFile


def demand_and_capacity(problem: Problem) -> tuple[int, int]:
    wanted = sum(len(engagement.durations) for engagement in problem.engagements)
    return wanted, sum(expert.max_total for expert in problem.experts)


def test_the_same_shape_makes_the_same_instance() -> None:
    assert generate(Shape(seed=3)).to_json() == generate(Shape(seed=3)).to_json()
    assert generate(Shape(seed=3)).to_json() != generate(Shape(seed=4)).to_json()


@pytest.mark.parametrize("tightness", [0.6, 0.97])
def test_an_instance_is_as_tight_as_asked(tightness: float) -> None:
    problem = generate(Shape(engagements=300, experts=90, tightness=tightness))
    wanted, capacity = demand_and_capacity(problem)
    assert ProblemFile.from_problem(problem).problem == problem
    assert wanted / capacity == pytest.approx(tightness, rel=0.15)


def test_regions_do_not_share_experts() -> None:
    problem = generate(Shape(engagements=40, experts=20, regions=2))
    one, other = (
        {
            each.expert
            for engagement in problem.engagements[part::2]
            for each in engagement.candidates
        }
        for part in (0, 1)
    )
    assert not one & other


def test_a_replan_holds_the_sessions_before_its_day() -> None:
    problem = generate(Shape(engagements=6, experts=6, held_until=dt.date(2025, 11, 1)))
    pins = [pin for engagement in problem.engagements for pin in engagement.pinned]
    assert pins
    assert all(pin.start.date() < dt.date(2025, 11, 1) for pin in pins)
    assert all(engagement.current for engagement in problem.engagements)


def test_the_limit_follows_the_size() -> None:
    assert [limit_seconds(size) for size in (60, 500, 2000, 10_000)] == [30, 60, 120, 600]


def test_a_run_prints_the_table_and_keeps_figures_and_plans(tmp_path: Path) -> None:
    instance, figures = tmp_path / "small.json.gz", tmp_path / "figures.json"
    make = ["generate", "--engagements", "4", "--experts", "3", "--out", str(instance)]
    measure = ["run", "--instances", str(instance), "--time-limit", "3", "--out", str(figures)]
    assert CliRunner().invoke(cli, make).exit_code == 0
    run = CliRunner().invoke(cli, [*measure, "--plans", str(tmp_path / "plans")])
    assert run.exit_code == 0
    assert "| small |" in run.stdout
    (small,) = json.loads(figures.read_text())["figures"]
    assert small["holds"]
    assert small["exit_status"] == 0
    assert small["peak_mebibytes"] > 10
    assert (tmp_path / "plans" / "small.plan.json").exists()


def test_a_comparison_with_brute_force_counts_what_is_equal() -> None:
    run = CliRunner().invoke(cli, ["brute-force", "--cases", "3"])
    assert run.exit_code == 0
    assert "3 of 3 equal" in run.stdout

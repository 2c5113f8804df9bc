from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import cli
from benchmarks.instances import generate
from benchmarks.shapes import SHAPES, Shape
from benchmarks.speedup import Point, Speed, as_markdown
from solver import Parameters, solve
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


def test_a_comparison_with_brute_force_counts_what_is_equal() -> None:
    run = CliRunner().invoke(cli, ["brute-force", "--cases", "3"])
    assert run.exit_code == 0
    assert "3 of 3 equal" in run.stdout


@pytest.mark.parametrize(
    "name", [name for name, shape in SHAPES.items() if shape.engagements <= 60]
)
def test_a_named_shape_is_a_problem_that_can_be_read(name: str) -> None:
    shape = replace(SHAPES[name], engagements=min(8, SHAPES[name].engagements))
    problem = generate(shape)
    assert ProblemFile.from_bytes(problem.to_json()).problem == problem
    assert (len(problem.engagements), len(problem.experts)) == (shape.engagements, shape.experts)


def test_a_scarce_specialty_has_few_experts() -> None:
    problem = generate(Shape(scarce=True, engagements=24, experts=24))
    best = [
        {each.expert for each in engagement.candidates if each.cost <= 30}
        for engagement in problem.engagements
    ]
    assert all(len(experts) == 2 for experts in best[::3])
    assert all(len(experts) > 5 for number, experts in enumerate(best) if number % 3)


def test_everything_but_one_is_held() -> None:
    problem = generate(Shape(engagements=5, experts=5, free=1))
    first, *others = problem.engagements
    assert not first.pinned
    assert all(len(each.pinned) == len(each.durations) for each in others)


def test_evenings_end_at_midnight() -> None:
    problem = generate(Shape(hours="evenings", engagements=3, experts=3))
    assert {hours.closes for expert in problem.experts for hours in expert.open} == {24 * 60}


def test_named_shapes_are_written_to_a_folder(tmp_path: Path) -> None:
    command = ["shapes", "one-engagement", "no-experts", "--seed", "2", "--folder", str(tmp_path)]
    assert CliRunner().invoke(cli, command).exit_code == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["no-experts-2.json.gz", "one-engagement-2.json.gz"]


def test_a_plan_is_asked_for_one_engagement_at_a_time(tmp_path: Path) -> None:
    instance = tmp_path / "small.json.gz"
    make = ["generate", "--engagements", "4", "--experts", "3", "--out", str(instance)]
    assert CliRunner().invoke(cli, make).exit_code == 0
    plan = solve(ProblemFile.from_path(instance), Parameters(None, work_limit=1))
    plan.write(tmp_path / "plan.json.gz")
    run = CliRunner().invoke(cli, ["one-at-a-time", str(instance), str(tmp_path / "plan.json.gz")])
    assert run.exit_code == 0
    assert "| the best 5 experts of an engagement | 4 |" in run.stdout
    assert "| its best, soonest and least travelled way | 4 |" in run.stdout


def test_an_engagement_names_so_many_candidates_and_the_cheapest() -> None:
    full, short = (
        generate(Shape(engagements=1, experts=30, most_candidates=most)).engagements[0].candidates
        for most in (30, 3)
    )
    assert len(full) > 3
    assert list(short) == sorted(full, key=lambda each: each.cost)[:3]


def test_a_speedup_is_told_beside_one_worker() -> None:
    one = Speed("local", 1, 1000, 2.0, 1.9, 4, 0.001, 0, 0, 0.02)
    two = replace(one, executor="cluster", workers=2, steps=1800, bytes_once=285_000)
    lines = as_markdown([one, two], [Point(10, 1, 0.5, 0.031)]).splitlines()
    assert lines[2].startswith("| local | 1 | 500 | 526 | 1.00 | 0.50 s | 1 ms |")
    assert lines[3].startswith("| cluster | 2 | 900 | 947 | 1.80 |")
    assert lines[3].endswith("| 285 kB | 0 kB | 2.00% |")
    assert lines[-1] == "| 10 | 1 | 0.5 | 3.10% |"

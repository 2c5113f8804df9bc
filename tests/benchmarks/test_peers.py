from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from benchmarks.instances import generate
from benchmarks.peers.diary import Diary
from benchmarks.peers.first_come import assignments_of, serve_in_order
from benchmarks.peers.single_model import SingleModel
from benchmarks.peers.writing import Curve, write_plan
from benchmarks.protocol import SOLVERS, TIMEFOLD
from benchmarks.runner import run
from benchmarks.shapes import Shape
from solver.grid import compile_grid, one_a_day
from solver.problem_file import ProblemFile
from solver.validation import judge
from tests.solver.builders import Record, file, problem

SHAPES = {
    "usual": Shape(engagements=6, experts=5),
    "tight": Shape(engagements=6, experts=2, tightness=1.3),
    "replanned": Shape(engagements=6, experts=6, held_until=dt.date(2025, 11, 1)),
    "held": Shape(engagements=5, experts=5, free=1),
    "close": Shape(engagements=6, experts=5, least_gap_days=0, max_per_day=5),
    "empty": Shape(engagements=0, experts=0),
}


@pytest.fixture(params=SHAPES)
def instance(request: pytest.FixtureRequest) -> ProblemFile:
    return ProblemFile.from_problem(generate(SHAPES[request.param]))


def by_hand(record: Record) -> dict[str, tuple[str, list[str]]]:
    """The expert and the starts that the hand rules give each engagement."""
    problem_file = file(record)
    grid = one_a_day(compile_grid(problem_file.problem))
    services = serve_in_order(grid, Diary(grid))
    return {
        each.engagement: (each.expert, [f"{start:%d. %H:%M}" for start in each.starts])
        for each in assignments_of(problem_file.problem, grid, services)
    }


def test_hand_rules_take_the_earliest_day_then_the_wished_distance() -> None:
    assert by_hand(problem())["bakers"] == ("ann", ["14. 09:00", "21. 09:00"])


def test_hand_rules_leave_the_way_between_two_organizations() -> None:
    assert by_hand(problem())["tailors"] == ("ann", ["14. 10:30", "21. 10:30"])


def test_hand_rules_go_to_the_next_expert_where_the_best_has_no_room() -> None:
    served = by_hand(problem(ann={"max_total": 3}))
    assert served["bakers"][0] == "ann"
    assert served["tailors"] == ("ben", ["14. 09:00", "21. 09:00"])


def test_hand_rules_take_who_can_hold_most_where_nobody_can_hold_all() -> None:
    served = by_hand(problem(ann={"max_total": 3}, ben={"max_total": 0}))
    assert served["tailors"] == ("ann", ["14. 10:30"])


def test_hand_rules_keep_what_is_published() -> None:
    current = {"expert": "ben", "starts": ["2025-07-16T13:00", "2025-07-24T14:00"]}
    assert by_hand(problem(bakers={"current": current}))["bakers"] == (
        *("ben", ["16. 13:00", "24. 14:00"]),
    )


def test_plans_by_hand_keep_every_rule(instance: ProblemFile, tmp_path: Path) -> None:
    grid = one_a_day(compile_grid(instance.problem))
    plan = tmp_path / "plan.json"
    services = serve_in_order(grid, Diary(grid))
    write_plan(instance, assignments_of(instance.problem, grid, services), plan)
    assert judge(instance.json, plan.read_bytes(), sha256=instance.sha256).broken == ()


def test_plans_of_the_single_model_keep_every_rule(instance: ProblemFile, tmp_path: Path) -> None:
    grid = one_a_day(compile_grid(instance.problem))
    plan, curve = tmp_path / "plan.json", tmp_path / "curve.csv"
    hint = serve_in_order(grid, Diary(grid, spacious=True))
    with Curve.at(curve) as line:
        services = SingleModel(grid).solve(hint, 1, 1, line)
    assert services is not None
    write_plan(instance, assignments_of(instance.problem, grid, services), plan)
    verdict = judge(instance.json, plan.read_bytes())
    assert verdict.broken == ()
    assert int(curve.read_text().split()[-1].partition(",")[0]) == verdict.cost.total


def test_plans_of_timefold_keep_every_rule(instance: ProblemFile, tmp_path: Path) -> None:
    timefold = next(solver for solver in SOLVERS if solver.name == "timefold")
    obstacle = timefold.obstacle(instance)
    if obstacle:
        pytest.skip(f"Timefold is skipped: {obstacle}")
    path = tmp_path / "instance.json"
    path.write_bytes(instance.json)
    ran = run(timefold, path, workers=1, seed=0, seconds=1)
    assert ran.broken == ()
    if ran.curve.costs:
        assert ran.curve.costs[-1].value == ran.cost


def test_timefold_is_set_up_in_a_folder_that_git_ignores() -> None:
    ignored = (TIMEFOLD.parent / ".gitignore").read_text().splitlines()
    assert f"{TIMEFOLD.name}/" in ignored

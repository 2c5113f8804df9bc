"""A whole run: limits, progress, cancel, seed, workers."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest

from solver import Parameters, Plan, Progress, solve
from solver.problem_file import ProblemFile
from solver.validation import judge
from tests.solver.builders import Record, engagement, expert, file, pin, problem

QUICK = Parameters(time_limit_seconds=None, work_limit=200)


def crowded(engagements: int, experts: int, seed: int = 0) -> ProblemFile:
    """Make a problem that no stage can close at once: many engagements share few experts."""
    chance = random.Random(seed)  # noqa: S311  no secret
    weekdays = ["mon", "tue", "wed", "thu", "fri"]
    names = [f"expert {number}" for number in range(experts)]
    record = problem(calendar={"last_day": "2025-12-26"})
    record["experts"] = [
        expert(
            name,
            open=[[day, "09:00", "17:00"] for day in chance.sample(weekdays, 2)],
            max_per_week=3,
            max_total=16,
            target_total=9,
        )
        for name in names
    ]
    record["engagements"] = [
        engagement(
            f"engagement {number}",
            durations=[60, 90, 120],
            latest="2025-12-26",
            max_gap_days=21,
            place=chance.choice(["bakers", "tailors", None]),
            preferred=[[chance.choice(weekdays), "13:00", "17:00"]],
            candidates=[
                {"expert": name, "cost": chance.randint(0, 60)}
                for name in chance.sample(names, min(experts, 10))
            ],
        )
        for number in range(engagements)
    ]
    return file(record)


def sessions(plan: Plan) -> dict[str, tuple[str, tuple[dt.datetime, ...]]]:
    return {a.engagement: (a.expert, a.starts) for a in plan.assignments}


def test_a_small_problem_is_solved_and_proven() -> None:
    plan = solve(file(problem()), QUICK)
    assert (plan.status, plan.cost.total, plan.bound, plan.gap) == ("optimal", 16, 16, 0)
    assert [a.engagement for a in plan.assignments] == ["bakers", "tailors"]


def test_the_plan_names_its_problem_and_how_to_replay_it() -> None:
    problem_file = file(problem())
    plan = solve(problem_file, Parameters(time_limit_seconds=5, workers=2, seed=7))
    assert (plan.problem, plan.problem_sha256) == ("two by two", problem_file.sha256)
    assert (plan.solver.seed, plan.solver.workers) == (7, 2)
    assert plan.solver.time_limit_seconds == 5


@pytest.mark.parametrize("workers", [1, 2])
def test_a_plan_of_many_pieces_passes_the_judge(workers: int) -> None:
    problem_file = crowded(engagements=120, experts=80)
    plan = solve(problem_file, Parameters(time_limit_seconds=2, workers=workers))
    assert judge(problem_file.json, plan.to_json()).holds
    assert plan.bound <= plan.cost.total


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_seed_and_work_give_the_same_plan_wherever_pieces_run(workers: int) -> None:
    problem_file = crowded(engagements=60, experts=62)
    parameters = replace(QUICK, workers=workers)
    first, second = (solve(problem_file, parameters) for _ in range(2))
    elsewhere = solve(problem_file, replace(parameters, executor="processes"))
    assert sessions(first) == sessions(second) == sessions(elsewhere)
    assert (first.cost, first.bound) == (second.cost, second.bound)
    assert (first.cost, first.bound) == (elsewhere.cost, elsewhere.bound)


def test_progress_only_ever_gets_better() -> None:
    seen: list[Progress] = []
    plan = solve(crowded(engagements=30, experts=12), QUICK, on_progress=seen.append)
    costs, bounds = [p.cost for p in seen], [p.bound for p in seen]
    assert costs == sorted(costs, reverse=True)
    assert bounds == sorted(bounds)
    assert (seen[-1].stage, seen[-1].cost, seen[-1].served) == ("done", plan.cost.total, 30)


def test_a_run_that_is_cancelled_returns_the_best_plan_so_far() -> None:
    seen: list[Progress] = []
    plan = solve(
        crowded(engagements=60, experts=20),
        Parameters(time_limit_seconds=600),
        on_progress=seen.append,
        cancelled=lambda: len(seen) > 6,
    )
    assert plan.status == "feasible"
    assert len(plan.assignments) == 60


def test_a_run_that_is_cancelled_at_once_returns_a_plan_all_the_same() -> None:
    plan = solve(crowded(engagements=30, experts=12), cancelled=lambda: True)
    assert plan.cost.total >= plan.bound > 0


def test_an_empty_problem_has_an_empty_plan() -> None:
    record = problem()
    record["engagements"] = []
    plan = solve(file(record), QUICK)
    assert (plan.status, plan.cost.total, plan.assignments) == ("optimal", 0, ())
    record["experts"] = []
    assert solve(file(record), QUICK).status == "optimal"


def test_without_candidates_nobody_is_served() -> None:
    record = problem(bakers={"candidates": []}, tailors={"candidates": []})
    plan = solve(file(record), QUICK)
    assert (plan.status, plan.cost.total, plan.cost.unserved) == ("optimal", 8000, 4000)


def test_pins_that_overlap_have_no_plan_and_are_named() -> None:
    record = problem(
        bakers={"pinned": [pin(1, "ann", "2025-07-14T10:00")]},
        tailors={"pinned": [pin(1, "ann", "2025-07-14T10:30")]},
    )
    plan = solve(file(record), QUICK)
    assert plan.status == "infeasible_pins"
    assert "overlaps" in plan.conflicts[0]
    assert all(name in plan.conflicts[0] for name in ("ann", "bakers", "tailors"))


def test_pins_that_leave_no_day_for_an_earlier_session_have_no_plan() -> None:
    record = problem(bakers={"pinned": [pin(2, "ann", "2025-07-15T10:00")]})
    plan = solve(file(record), QUICK)
    assert plan.status == "infeasible_pins"
    assert "bakers" in plan.conflicts[0]


def test_everything_pinned_is_one_plan() -> None:
    record = problem(
        bakers={"pinned": [pin(1, "ann", "2025-07-14T10:15"), pin(2, "ben", "2025-07-16T10:00")]},
        tailors={"candidates": []},
    )
    plan = solve(file(record), QUICK)
    assert (plan.status, plan.cost.total) == ("optimal", 2000 + 2 * 1000)
    assert sessions(plan)["bakers"][0] == "ben"


@pytest.mark.parametrize("slot_minutes", [5, 15, 20, 60])
def test_any_grid_is_kept(slot_minutes: int) -> None:
    hours: Record = {"open": [["mon", "10:05", "11:20"], ["tue", "10:05", "12:00"]]}
    problem_file = file(problem(calendar={"slot_minutes": slot_minutes}, ann=hours, ben=hours))
    plan = solve(problem_file, QUICK)
    assert judge(problem_file.json, plan.to_json()).holds
    assert plan.status == "optimal"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"time_limit_seconds": 0}, "time limit"),
        ({"time_limit_seconds": None}, "limit"),
        ({"workers": 0}, "worker"),
        ({"work_limit": 0}, "work limit"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, int | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Parameters(**wrong)  # type: ignore[arg-type]  # on purpose

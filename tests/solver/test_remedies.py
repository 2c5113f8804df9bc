"""Which changes would serve an engagement, and what the plan would cost then."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from solver import Parameters, Plan, solve
from solver.plan import Assignment
from solver.remedies import Change, Lack, Remedy, find_remedies
from solver.standing import Inseparable, StandingPlan
from solver.validation import judge
from tests.solver.builders import Record, encode, file, pin, problem
from tests.solver.random_problems import random_problem
from tests.solver.test_standing import held, in_order

QUICK = Parameters(time_limit_seconds=None, work_limit=1)
ANN = [{"expert": "ann", "cost": 1}]
FIRST_MONDAY: Record = {"latest": "2025-07-14", "durations": [60]}
SERVED_FROM_NOTHING = -3000


def remedies(standing: StandingPlan, name: str) -> dict[Change, Remedy]:
    """The cheapest remedy of each kind."""
    assignment = standing.assignment(name)
    question = standing.question(standing.engagements[name])
    lack = Lack.of(standing, question)
    found: dict[Change, Remedy] = {}
    for remedy in find_remedies(lack, 0 if assignment is None else len(assignment.starts)):
        found.setdefault(remedy.change, remedy)
    return found


def bakers(**changes: Any) -> dict[Change, Remedy]:
    """What helps the bakers, whom only Ann may serve, in the solver's own plan."""
    changes["bakers"] = {"candidates": ANN} | changes.get("bakers", {})
    problem_file = file(problem(**changes))
    standing = StandingPlan.load(problem_file, solve(problem_file, QUICK))
    return remedies(standing, "bakers")


def test_a_window_that_is_too_short_is_widened_by_the_fewest_days() -> None:
    found = bakers(bakers={"latest": "2025-07-18"}, calendar={"first_day": "2025-07-07"})
    # The gap is a week: from Monday 14 to Monday 21, or from Friday 11 to Friday 18.
    assert (found["later_latest"].amount, found["later_latest"].plan_cost) == (3, -1000 + 4)
    assert (found["earlier_earliest"].amount, found["earlier_earliest"].consent) == (
        3,
        "organization",
    )
    assert found["smaller_min_gap"].amount == 3
    assert found["smaller_min_gap"].way.is_complete


def test_a_gap_is_lengthened_by_the_fewest_days() -> None:
    busy = [["2025-07-15T00:00", "2025-08-04T00:00"]]
    found = bakers(bakers={"open": [["mon", "09:00", "17:00"]], "busy": busy})
    assert found["larger_max_gap"].amount == 21 - 14


def test_what_has_begun_goes_on_by_what_gives_it_one_session_more() -> None:
    """Not only by what would give it all: the second session is possible, the third is not."""
    found = bakers(
        bakers={
            "durations": [60, 60, 60],
            "latest": "2025-08-04",
            "open": [["mon", "09:00", "17:00"]],
            "busy": [["2025-07-15T00:00", "2025-08-04T00:00"]],
            "pinned": [pin(1, "ann", "2025-07-14T09:00")],
        }
    )
    assert found["larger_max_gap"].amount == 21 - 14
    assert len(found["larger_max_gap"].way.starts) == 2


def test_a_half_day_is_added_to_the_organizations_hours() -> None:
    found = bakers(bakers={"open": [["sat", "09:00", "17:00"]]})
    hours = found["more_hours"].hours
    assert hours is not None
    assert (hours.weekday, hours.opens, hours.closes) == ("mon", 540, 720)
    assert found["more_hours"].plan_cost == 8 - 4000


def test_sessions_online_need_no_way() -> None:
    hours: Record = {"open": [["mon", "09:00", "11:00"]]}
    visit = {"pinned": [pin(1, "ann", "2025-07-14T09:00")], "durations": [60], "candidates": []}
    found = bakers(ann=hours, bakers=FIRST_MONDAY, tailors=visit | {"place": "office"})
    # From the office to the bakers takes thirty minutes, to one's desk in the office ten.
    assert "online" not in found
    found = bakers(ann=hours, bakers=FIRST_MONDAY, tailors=visit | {"place": None})
    assert (found["online"].plan_cost, found["online"].consent) == (
        1 + SERVED_FROM_NOTHING,
        "organization",
    )


def test_a_cap_is_raised_by_the_fewest_sessions() -> None:
    found = bakers(ann={"max_total": 0})
    raised = found["raise_max_total"]
    assert (raised.amount, raised.expert, raised.consent) == (2, "ann", "expert")
    assert bakers(ann={"max_per_week": 0})["raise_max_per_week"].amount == 1
    assert bakers(ann={"max_per_day": 0})["raise_max_per_day"].amount == 1


def test_an_expert_who_is_no_candidate_costs_the_most_a_candidate_may() -> None:
    found = bakers(ann={"max_total": 0})
    assert (found["another_expert"].way.expert, found["another_expert"].consent) == (
        "ben",
        "office",
    )
    assert found["another_expert"].plan_cost == 2 * (100 + 3) - 4000


def test_another_candidate_takes_over_from_the_expert_of_the_pinned_session() -> None:
    found = bakers(
        ann={"max_total": 1},
        bakers={
            "candidates": [*ANN, {"expert": "ben", "cost": 2}],
            "pinned": [pin(1, "ann", "2025-07-14T09:00")],
        },
    )
    assert found["reassign"].way.expert == "ben"
    assert found["reassign"].plan_cost == 5 - 1000


def test_another_engagement_is_moved_at_the_exact_cost() -> None:
    """Ann has one morning for the bakers, and the tailors are there; they can go to Ben."""
    record = problem(
        ann={"open": [["mon", "09:00", "10:00"]]},
        bakers=FIRST_MONDAY | {"candidates": ANN},
        tailors=FIRST_MONDAY,
    )
    tailors = Assignment.model_validate(
        {"engagement": "tailors", "expert": "ann", "starts": ["2025-07-14T09:00"]}
    )
    plan = solve(file(record), QUICK).model_copy(update={"assignments": (tailors,)})
    standing = StandingPlan.load(file(record), plan)
    moved = remedies(standing, "bakers")["move_another"]
    assert moved.moved is not None
    assert (moved.moved.engagement, moved.moved.expert, moved.consent) == (
        "tailors",
        "ben",
        "nobody",
    )
    assert moved.plan_cost == (4 + 5) - (3000 + 4)
    assert standing.assignment("bakers") is None
    assert standing.assignment("tailors") == tailors


def test_room_that_is_left_needs_no_change() -> None:
    standing = StandingPlan.load(file(problem()), solve(file(problem()), QUICK))
    standing.remove("bakers")
    (remedy,) = remedies(standing, "bakers").values()
    assert (remedy.change, remedy.plan_cost) == ("place_now", 8 - 4000)


def changed(engagement: Record, experts: list[Record], remedy: Remedy) -> None:
    """Write a remedy into a problem's own words."""
    days = dt.timedelta(days=remedy.amount or 0)
    match remedy.change:
        case "later_latest":
            engagement["latest"] = str(dt.date.fromisoformat(engagement["latest"]) + days)
        case "earlier_earliest":
            engagement["earliest"] = str(dt.date.fromisoformat(engagement["earliest"]) - days)
        case "smaller_min_gap":
            engagement["min_gap_days"] -= remedy.amount
        case "larger_max_gap":
            engagement["max_gap_days"] += remedy.amount
        case "more_hours":
            assert remedy.hours is not None
            weekday, opens, closes = remedy.hours
            clock = [f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in (opens, closes)]
            engagement["open"] = [*engagement["open"], [weekday, *clock]]
        case "online":
            engagement["place"] = None
        case "reassign":
            engagement["reassign"] = True
        case "another_expert":
            engagement["candidates"] = [{"expert": remedy.way.expert, "cost": 100}]
        case "raise_max_total" | "raise_max_per_week" | "raise_max_per_day":
            (expert,) = (each for each in experts if each["id"] == remedy.expert)
            expert[remedy.change.removeprefix("raise_")] += remedy.amount
            engagement["candidates"] = [
                each for each in engagement["candidates"] if each["expert"] == remedy.expert
            ]


def cost_of_solving(record: Record, plan: Plan, name: str, remedy: Remedy) -> int:
    """Solve the changed problem with everything else held; what that changes the cost by."""
    rest = held(record, plan, name)
    now = judge(encode(rest), plan.to_json()).cost.total
    after = json.loads(json.dumps(rest))
    (engagement,) = (each for each in after["engagements"] if each["id"] == name)
    changed(engagement, after["experts"], remedy)
    return solve(file(after), Parameters(None, work_limit=300)).cost.total - now


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_every_remedy_costs_what_a_solve_says(first: int) -> None:
    compared = 0
    for seed in range(first, first + 25):
        record = random_problem(seed)
        record["weights"] = record["weights"] | {"unserved": 2000, "dropped_session": 1000}
        plan = solve(file(record), QUICK)
        if plan.status == "infeasible_pins" or not in_order(plan):
            continue
        standing = StandingPlan.load(file(record), plan)
        for engagement in standing.problem.engagements:
            assignment = standing.assignment(engagement.id)
            if assignment and len(assignment.starts) == len(engagement.durations):
                continue
            try:
                found = remedies(standing, engagement.id)
            except Inseparable:
                continue
            for remedy in found.values():
                if remedy.moved is None:
                    expected = cost_of_solving(record, plan, engagement.id, remedy)
                else:
                    expected = cost_of_moving(standing, remedy)
                assert remedy.plan_cost == expected, (seed, engagement.id, remedy)
                compared += 1
    assert compared > 5


def cost_of_moving(standing: StandingPlan, remedy: Remedy) -> int:
    """Let the judge pass the plan with both engagements as the remedy has them."""
    assert remedy.moved is not None
    ways = {each.engagement: each for each in (remedy.way, remedy.moved)}
    rest = [each for each in standing.assignments if each.engagement not in ways]
    placed = [
        Assignment(engagement=way.engagement, expert=way.expert, starts=way.starts)
        for way in ways.values()
    ]
    plan = standing.plan()
    content = {
        "format": "plan/1",
        "assignments": [json.loads(each.model_dump_json()) for each in (*rest, *placed)],
    }
    verdict = judge(standing.file.json, encode(content))
    assert verdict.holds, verdict.broken
    return verdict.cost.total - plan.cost.total

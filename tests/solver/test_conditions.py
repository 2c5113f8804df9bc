"""Which conditions bar an engagement, found by taking them away."""

from __future__ import annotations

from typing import Any

import pytest

from solver import Parameters, solve
from solver.conditions import CONDITIONS, diagnose, relax, visits_in_the_way
from solver.problem import Pin
from solver.problem_file import ProblemFile
from solver.question import Question
from solver.standing import StandingPlan
from tests.solver.builders import Record, file, pin, problem
from tests.solver.random_problems import random_problem

QUICK = Parameters(time_limit_seconds=None, work_limit=1)
ANN = [{"expert": "ann", "cost": 1}]
FIRST_MONDAY: Record = {"latest": "2025-07-14"}


def question(**changes: Any) -> Question:
    """Ask who could serve the bakers; by default only Ann is asked, and the tailors are held."""
    changes["bakers"] = {"candidates": ANN} | changes.get("bakers", {})
    changes["tailors"] = {"candidates": []} | changes.get("tailors", {})
    standing = StandingPlan(file(problem(**changes)))
    return standing.question(standing.engagements["bakers"])


CASES: dict[str, tuple[Record, int, tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "hours that never meet": (
        {"ann": {"open": [["sat", "09:00", "17:00"]]}},
        1,
        ("organization_hours", "expert_hours"),
        (("organization_hours",), ("expert_hours",)),
    ),
    "a window too short for the gap": (
        {"bakers": {"latest": "2025-07-20"}},
        2,
        ("window", "min_gap"),
        (("window",), ("min_gap",)),
    ),
    "a gap too short for the next free day": (
        {
            "bakers": {
                "open": [["mon", "09:00", "17:00"]],
                "busy": [["2025-07-15T00:00", "2025-08-04T00:00"]],
            },
        },
        2,
        # Open on other days too, it could be served on two days of the last week, a day apart.
        ("organization_hours", "max_gap", "organization_busy"),
        (("max_gap",), ("organization_busy",)),
    ),
    "an organization that is busy all the time": (
        {"bakers": {"busy": [["2025-07-14T00:00", "2025-08-09T00:00"]]}},
        1,
        ("organization_busy",),
        (("organization_busy",),),
    ),
    "an expert who is busy all the time": (
        {"ann": {"busy": [["2025-07-14T00:00", "2025-08-09T00:00"]]}},
        1,
        ("expert_busy",),
        (("expert_busy",),),
    ),
    "a day that is closed": (
        {"bakers": FIRST_MONDAY, "calendar": {"closed_days": ["2025-07-14"]}},
        1,
        ("window", "closed_days"),
        (("window",), ("closed_days",)),
    ),
    "an expert who takes no more": (
        {"ann": {"max_total": 1}},
        2,
        ("max_total",),
        (("max_total",),),
    ),
    "an expert whose sessions are used up": (
        {"ann": {"max_total": 1}, "tailors": {"pinned": [pin(1, "ann", "2025-07-14T09:00")]}},
        1,
        ("max_total", "other_sessions"),
        (("max_total",), ("other_sessions",)),
    ),
    "a week that is full": (
        {
            "ann": {"max_per_week": 1},
            "bakers": {"latest": "2025-07-18"},
            "tailors": {"pinned": [pin(1, "ann", "2025-07-14T09:00")]},
        },
        1,
        ("window", "max_per_week", "other_sessions"),
        (("window",), ("max_per_week",), ("other_sessions",)),
    ),
    "a day that is full": (
        {
            "ann": {"max_per_day": 1},
            "bakers": FIRST_MONDAY,
            "tailors": {"pinned": [pin(1, "ann", "2025-07-14T09:00")]},
        },
        1,
        ("window", "max_per_day", "other_sessions"),
        (("window",), ("max_per_day",), ("other_sessions",)),
    ),
    "a way that is too long": (
        {
            "ann": {"open": [["mon", "09:00", "11:00"]]},
            "bakers": FIRST_MONDAY,
            "tailors": {"pinned": [pin(1, "ann", "2025-07-14T09:00")]},
        },
        1,
        ("expert_hours", "window", "travel", "other_sessions"),
        (("expert_hours",), ("window",), ("travel",), ("other_sessions",)),
    ),
    "an expert who has to go on": (
        {
            "bakers": {
                "candidates": [{"expert": "ben", "cost": 1}],
                "pinned": [pin(1, "ann", "2025-07-14T09:00")],
            },
        },
        2,
        ("expert_kept",),
        (("expert_kept",),),
    ),
    "two reasons at once": (
        {
            "ann": {"max_total": 0, "busy": [["2025-07-14T00:00", "2025-08-09T00:00"]]},
        },
        1,
        ("expert_busy",),
        (("expert_busy", "max_total"),),
    ),
    "a pinned session that leaves no day before it": (
        {"bakers": {"pinned": [pin(2, "ann", "2025-07-14T09:00")]}},
        2,
        (),
        (),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_conditions_that_bar_are_named(name: str) -> None:
    changes, sessions, conflict, corrections = CASES[name]
    found = diagnose(question(**changes), sessions)
    assert (found.conflict, found.corrections) == (conflict, corrections)


def test_the_fewest_visits_in_the_way_are_named() -> None:
    visits = [pin(1, "ann", "2025-07-14T09:00"), pin(2, "ann", "2025-07-21T09:00")]
    asked = question(
        ann={"max_per_day": 1}, bakers=FIRST_MONDAY, tailors={"pinned": visits, "place": None}
    )
    (visit,) = visits_in_the_way(asked, 1)
    assert (visit.engagement, visit.session, visit.held) == ("tailors", 1, True)
    assert f"{visit.start:%m-%d %H:%M}" == "07-14 09:00"


def test_visits_that_are_not_the_reason_are_not_named() -> None:
    asked = question(ann={"open": []}, tailors={"pinned": [pin(1, "ann", "2025-07-14T09:00")]})
    assert visits_in_the_way(asked, 1) == ()


def served(asked: Question) -> int:
    """Solve the question as a problem of its own, its visits held by the engine."""
    weights = asked.problem.weights.model_copy(
        update={"unserved": 1_000_000, "dropped_session": 500_000}
    )
    others = [
        asked.engagement.model_copy(
            update={
                "id": f"visit {number}",
                "durations": (visit.minutes,),
                "place": visit.place,
                "candidates": (),
                "current": None,
                "pinned": (Pin(session=1, expert=visit.expert, start=visit.start),),
            }
        )
        for number, visit in enumerate(asked.visits)
    ]
    whole = asked.problem.model_copy(
        update={"engagements": (asked.engagement, *others), "weights": weights}
    )
    plan = solve(ProblemFile.from_problem(whole), Parameters(None, work_limit=300))
    starts = {each.engagement: each.starts for each in plan.assignments}
    return len(starts.get(asked.engagement.id, ()))


@pytest.mark.parametrize("seed", range(0, 80, 4))
def test_every_reason_is_true(seed: int) -> None:
    """Conflicts cannot hold and are minimal; corrections make it possible, and none is too many."""
    problem_file = file(random_problem(seed))
    plan = solve(problem_file, QUICK)
    if plan.status == "infeasible_pins":
        return
    standing = StandingPlan.load(problem_file, plan)
    everything = frozenset(CONDITIONS)
    for engagement in standing.problem.engagements:
        asked = standing.question(engagement)
        sessions = asked.most + 1
        if sessions > len(engagement.durations) or sessions < len(engagement.pinned):
            continue
        found = diagnose(asked, sessions)
        rest = everything - frozenset(found.conflict)
        assert not relax(asked, rest).can_hold(sessions)
        for condition in found.conflict:
            assert relax(asked, rest | {condition}).can_hold(sessions)
        for together in found.corrections:
            for kept in together:
                assert not relax(asked, frozenset(together) - {kept}).can_hold(sessions)
            assert served(relax(asked, together)) >= sessions
        way = visits_in_the_way(asked, sessions)
        assert not way or asked.without(way).can_hold(sessions)

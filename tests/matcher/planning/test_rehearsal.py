from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.models import Expert, Pin, Session
from matcher.planning.problem import Records
from matcher.planning.rehearsal import experts_with_sessions_to_come, problem_without, rehearse
from solver import Parameters, solve
from solver.problem_file import ProblemFile
from solver.validation import judge
from tests.matcher import rows

NOON = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
"""Noon in Tokyo on a Wednesday, three weeks before the first session."""

EXACT = Parameters(10.0)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: only plain queries are sent from here."""
    return sqlite_url


def publish(db: Database, *experts: str) -> None:
    """A1 has both its sessions with E1."""
    rows.add_engagements(db, "A1", experts=experts)
    second = rows.MORNING + dt.timedelta(weeks=3)
    db.add_all([rows.session("S1"), rows.session("S2", second, 60, number=2)])
    db.flush()


def records(db: Database, now: dt.datetime = NOON) -> Records:
    return Records.load(db, "tokyo-2025", now)


def test_what_nobody_else_can_serve_is_lost(db: Database) -> None:
    publish(db, "E1")
    found = rehearse(records(db), "E1", EXACT)
    assert (found.lost, found.shortened, found.sessions_lost) == (("A1",), (), 2)
    assert (found.moved, found.proven) == (0, True)


def test_somebody_else_who_is_free_takes_over_at_the_same_times(db: Database) -> None:
    publish(db, "E1", "E2")
    found = rehearse(records(db), "E1", EXACT)
    assert (found.lost, found.shortened, found.sessions_lost) == ((), (), 0)
    assert (found.taken_over, found.moved) == (2, 0)
    assert {each.expert for each in found.plan.assignments} == {"E2"}


def test_who_has_room_for_one_session_shortens_the_engagement(db: Database) -> None:
    publish(db, "E1", "E2")
    db.get_one(Expert, "E2").max_total = 1
    db.flush()
    found = rehearse(records(db), "E1", EXACT)
    assert (found.lost, found.shortened, found.sessions_lost) == ((), ("A1",), 1)


def test_a_session_that_was_held_stays_and_the_rest_is_lost_or_taken_over(db: Database) -> None:
    publish(db, "E1", "E2")
    after_the_first = rows.MORNING + dt.timedelta(days=1)
    found = rehearse(records(db, after_the_first), "E1", EXACT)
    assert (found.sessions_to_come, found.taken_over, found.lost) == (1, 1, ())
    db.get_one(Expert, "E2").active = False
    db.flush()
    assert rehearse(records(db, after_the_first), "E1", EXACT).lost == ("A1",)


def test_a_pin_on_the_person_who_is_gone_keeps_nothing(db: Database) -> None:
    publish(db, "E1", "E2")
    pin = {"kind": "expert", "engagement_id": "A1", "expert_id": "E1", "created_by": "planner"}
    db.add(Pin(programme_id="tokyo-2025", created_at=NOON, **pin))
    db.flush()
    assert rehearse(records(db), "E1", EXACT).taken_over == 2


def test_the_repair_is_judged_and_costs_what_an_independent_solve_finds(db: Database) -> None:
    """The expert is removed from the records themselves, and all is planned again."""
    publish(db, "E1", "E2")
    found = rehearse(records(db), "E1", EXACT)
    assert judge(found.problem.json, found.plan.to_json(), sha256=found.problem.sha256).holds
    db.get_one(Expert, "E1").active = False
    db.flush()
    again = records(db)
    independent = solve(ProblemFile.from_problem(again.problem((again.engagements["A1"],))), EXACT)
    assert (independent.status, found.proven) == ("optimal", True)
    assert found.cost == independent.cost.total


def test_only_experts_with_sessions_to_come_are_rehearsed(db: Database) -> None:
    publish(db, "E1", "E2")
    assert experts_with_sessions_to_come(db, "tokyo-2025", NOON) == ("E1",)
    later = db.get_one(Session, "S2").end_at + dt.timedelta(days=1)
    assert experts_with_sessions_to_come(db, "tokyo-2025", later) == ()


def test_everyone_elses_sessions_are_pinned(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
    db.add_all([rows.session("S1"), rows.session("S2", engagement_id="A2", expert_id="E2")])
    db.flush()
    problem = problem_without(records(db), "E1")
    pinned = {each.id: len(each.pinned) for each in problem.engagements}
    assert pinned == {"A1": 0, "A2": 1}

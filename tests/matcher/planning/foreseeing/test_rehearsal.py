from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.models import Engagement, Expert, Pin, Session, SessionStatus
from matcher.planning.foreseeing.rehearsal import (
    Rehearsal,
    Repair,
    Undetermined,
    experts_with_sessions_to_come,
    problem_without,
    rehearse,
)
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import Records
from matcher.programme import Words
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


def repair(records: Records) -> Repair:
    """Of the loss of E1."""
    outcome = rehearse(records, "E1", EXACT).outcome
    assert isinstance(outcome, Repair)
    return outcome


def test_what_nobody_else_can_serve_is_lost(db: Database) -> None:
    publish(db, "E1")
    found = repair(records(db))
    assert (found.lost, found.shortened, found.sessions_lost) == (("A1",), (), 2)
    assert (found.moved, found.proven) == (0, True)


def test_somebody_else_who_is_free_takes_over_at_the_same_times(db: Database) -> None:
    publish(db, "E1", "E2")
    found = repair(records(db))
    assert (found.lost, found.shortened, found.sessions_lost) == ((), (), 0)
    assert (found.taken_over, found.moved) == (2, 0)
    assert {each.expert for each in found.plan.assignments} == {"E2"}


def test_who_has_room_for_one_session_shortens_the_engagement(db: Database) -> None:
    publish(db, "E1", "E2")
    db.get_one(Expert, "E2").max_total = 1
    db.flush()
    found = repair(records(db))
    assert (found.lost, found.shortened, found.sessions_lost) == ((), ("A1",), 1)


def test_a_session_that_was_held_stays_and_the_rest_is_lost_or_taken_over(db: Database) -> None:
    publish(db, "E1", "E2")
    after_the_first = rows.MORNING + dt.timedelta(days=1)
    assert rehearse(records(db, after_the_first), "E1", EXACT).sessions_to_come == 1
    found = repair(records(db, after_the_first))
    assert (found.taken_over, found.lost) == (1, ())
    db.get_one(Expert, "E2").active = False
    db.flush()
    found = repair(records(db, after_the_first))
    assert (found.lost, found.sessions_lost) == (("A1",), 1)


def test_a_pin_on_the_person_who_is_gone_keeps_nothing(db: Database) -> None:
    publish(db, "E1", "E2")
    pin = {"kind": "expert", "engagement_id": "A1", "expert_id": "E1", "created_by": "planner"}
    db.add(Pin(programme_id="tokyo-2025", created_at=NOON, **pin))
    db.flush()
    assert repair(records(db)).taken_over == 2


def test_the_repair_is_judged_and_costs_what_an_independent_solve_finds(db: Database) -> None:
    """The expert is removed from the records themselves, and all is planned again."""
    publish(db, "E1", "E2")
    found = repair(records(db))
    assert judge(found.problem.json, found.plan.to_json(), sha256=found.problem.sha256).holds
    db.get_one(Expert, "E1").active = False
    db.flush()
    again = records(db)
    independent = solve(
        ProblemFile.from_problem(problem_of(again, (again.engagements["A1"],))), EXACT
    )
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


def clash(db: Database) -> None:
    """E2 goes from Chiyoda to Machida in no time; E1 is to serve A1."""
    rows.add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2"))
    db.get_one(Engagement, "A3").municipality_code = "13209"
    db.add_all(
        [
            rows.session("S1"),
            rows.session("S2", engagement_id="A2", expert_id="E2"),
            rows.session(
                "S3", rows.MORNING + dt.timedelta(hours=2), engagement_id="A3", expert_id="E2"
            ),
        ]
    )
    db.flush()


def test_where_what_stands_clashes_by_itself_nothing_is_said_to_be_lost(db: Database) -> None:
    clash(db)
    found = rehearse(records(db), "E1", EXACT)
    (reason,) = undetermined(found).reasons
    assert reason == Words(
        ja="専門家E2は、A2の第1回(2025-10-01 10:00)とA3の第1回(2025-10-01 12:00)の"
        "両方を担当できません。",
        en="Expert E2 cannot hold both session 1 of A2 (2025-10-01 10:00) "
        "and session 1 of A3 (2025-10-01 12:00).",
    )
    assert found.damage > rehearse(records(db), "E2", EXACT).damage


def undetermined(found: Rehearsal) -> Undetermined:
    assert isinstance(found.outcome, Undetermined)
    return found.outcome


def test_a_session_that_stands_before_those_that_were_to_come_first_is_named(db: Database) -> None:
    publish(db, "E1", "E2")
    first = db.get_one(Session, "S1")
    first.start_at += dt.timedelta(weeks=5)
    first.end_at += dt.timedelta(weeks=5)
    db.flush()
    found = rehearse(records(db, rows.MORNING + dt.timedelta(weeks=4)), "E1", EXACT)
    (reason,) = undetermined(found).reasons
    assert reason.en.startswith("No plan was found with the sessions of A1 that come before")


def test_no_plan_in_the_time_is_no_answer_either(db: Database) -> None:
    publish(db, "E1", "E2")
    db.get_one(Session, "S2").status = SessionStatus.HELD
    db.flush()
    assert isinstance(rehearse(records(db), "E1", EXACT).outcome, Repair)
    stopped = rehearse(records(db), "E1", EXACT, cancelled=lambda: True)
    (reason,) = undetermined(stopped).reasons
    assert "A1" in reason.ja

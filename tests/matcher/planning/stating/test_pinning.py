from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time
from matcher.delivery.engagements import EngagementChanges, revise_engagement
from matcher.delivery.moving import SessionMove, move_session
from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import (
    ConflictOfInterest,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Party,
    Pin,
    PinKind,
    Session,
)
from matcher.planning.assigning.assignment import propose
from matcher.planning.stating.pinning import PinDraft, lift_pin, pins_of, set_pin
from matcher.planning.stating.problem import build_problem
from tests.matcher import rows

NOW = rows.MORNING - dt.timedelta(days=7)
WHY = "団体と約束済みのため"


@pytest.fixture
def planned(db: Database) -> Database:
    """A1 has its two sessions with E1, on Wednesdays three weeks apart; E2 could serve it too."""
    rows.add_engagements(db, "A1", experts=("E1", "E2"))
    db.get_one(Engagement, "A1").state = EngagementState.PLANNED
    for number, minutes in ((1, 120), (2, 60)):
        start = rows.MORNING + (number - 1) * dt.timedelta(weeks=3)
        db.add(rows.session(f"S{number}", start, minutes, number=number))
    db.commit()
    return db


def of_session(id: str = "S2") -> PinDraft:
    return PinDraft(kind=PinKind.SESSION, session_id=id, reason=WHY)


def of_expert(id: str = "E1") -> PinDraft:
    return PinDraft(kind=PinKind.EXPERT, engagement_id="A1", expert_id=id, reason=WHY)


def of_schedule() -> PinDraft:
    return PinDraft(kind=PinKind.SCHEDULE, engagement_id="A1", reason=WHY)


def kind_of(value: object) -> str:
    """What a draft is called among the names of tests."""
    return value.kind.value if isinstance(value, PinDraft) else str(value)


def pin(db: Database, draft: PinDraft) -> Pin:
    made = set_pin(db, draft, "planner", NOW)
    db.commit()
    return made


def refused(action: Callable[[], object], db: Database) -> Conflict:
    with pytest.raises(Conflict) as error:
        action()
    db.rollback()
    return error.value


def move(db: Database, session_id: str, wall_clock: str) -> Session:
    start = from_wall_time(dt.datetime.fromisoformat(wall_clock))
    return move_session(db, session_id, SessionMove(start_at=start), "staff", NOW)


def cancel(db: Database, session_id: str) -> Session:
    reason = LapseDraft(party=Party.EXPERT, reason="急病のため")
    return cancel_session(db, session_id, reason, "staff", NOW)


@pytest.mark.parametrize("draft", [of_session(), of_expert(), of_schedule()], ids=kind_of)
def test_a_pin_is_kept_with_who_set_it_and_why_until_it_is_lifted(
    planned: Database, draft: PinDraft
) -> None:
    made = pin(planned, draft)
    assert (made.engagement_id, made.reason, made.created_by) == ("A1", WHY, "planner")
    assert list(pins_of(planned, "A1")) == [made]

    lift_pin(planned, made.id, "admin", NOW)
    planned.commit()
    assert (made.lifted_at, made.lifted_by) == (NOW, "admin")
    assert list(pins_of(planned, "A1")) == []
    assert refused(lambda: lift_pin(planned, made.id, "a", NOW), planned).code == "lifted_already"


def test_what_is_pinned_stands_in_the_problem_of_a_run(planned: Database) -> None:
    pin(planned, of_session("S1"))
    pin(planned, of_expert("E1"))
    (asked,) = build_problem(planned, "tokyo-2025", now=NOW).problem.engagements

    assert [each.session for each in asked.pinned] == [1]
    assert [each.expert for each in asked.candidates] == ["E1"]


@pytest.mark.parametrize("draft", [of_session("S2"), of_schedule()], ids=kind_of)
def test_a_session_that_is_pinned_is_neither_moved_nor_cancelled(
    planned: Database, draft: PinDraft
) -> None:
    made = pin(planned, draft)

    for action in (
        lambda: move(planned, "S2", "2025-10-22T14:00"),
        lambda: cancel(planned, "S2"),
    ):
        error = refused(action, planned)
        assert (error.code, error.data["pin"]) == ("pinned", made.id)
        assert (error.data["pinned_by"], error.data["reason"]) == ("planner", WHY)
        assert error.message_en.endswith(f"is pinned by planner: {WHY}. Lift pin {made.id} first.")
        assert f"先に固定「{made.id}」を解除してください。" in error.message_ja
    lift_pin(planned, made.id, "planner", NOW)
    move(planned, "S2", "2025-10-22T14:00")
    cancel(planned, "S2")


def test_what_is_not_pinned_is_moved_and_cancelled(planned: Database) -> None:
    pin(planned, of_session("S1"))
    pin(planned, of_expert("E1"))

    move(planned, "S2", "2025-10-22T14:00")
    cancel(planned, "S2")


def test_an_assignment_does_not_replan_what_is_pinned_and_says_who_pinned_it(
    planned: Database,
) -> None:
    made = pin(planned, of_session("S2"))
    longer = EngagementChanges(session_minutes=(120, 90))
    revise_engagement(planned, planned.get_one(Engagement, "A1"), longer, NOW)
    planned.commit()

    error = refused(lambda: propose(planned, "A1", NOW), planned)
    assert (error.code, error.data["pin"]) == ("pinned", made.id)
    lift_pin(planned, made.id, "planner", NOW)
    assert [each.number for each in propose(planned, "A1", NOW).sessions] == [1, 2]


def test_an_expert_who_is_pinned_and_may_serve_no_more_is_named_to_who_assigns(
    planned: Database,
) -> None:
    cancel(planned, "S2")
    made = pin(planned, of_expert("E1"))
    assert propose(planned, "A1", NOW).match.expert_id == "E1"
    planned.get_one(Expert, "E1").active = False
    planned.commit()

    assert refused(lambda: propose(planned, "A1", NOW), planned).data["pin"] == made.id


def test_an_expert_who_may_not_serve_is_not_pinned_and_it_is_said_why(planned: Database) -> None:
    planned.add(ConflictOfInterest(expert_id="E2", organization_id="O1", reason="顧問先のため"))
    planned.commit()
    error = refused(lambda: pin(planned, of_expert("E2")), planned)

    assert (error.code, error.data["reason"]) == ("expert_unsuitable", "conflict_of_interest")
    assert "顧問先のため" in error.message_ja


def test_a_session_that_cannot_take_place_is_not_pinned_and_it_is_said_why(
    planned: Database,
) -> None:
    second = planned.get_one(Session, "S2")
    away = ExpertAbsence(expert_id="E1", start_at=second.start_at, end_at=second.end_at)
    planned.add(away)
    planned.commit()

    for draft in (of_session("S2"), of_schedule()):
        error = refused(lambda own=draft: pin(planned, own), planned)  # type: ignore[misc]
        assert (error.code, error.data["session"]) == ("unfit", "S2")
    pin(planned, of_session("S1"))


@pytest.mark.parametrize("draft", [of_session(), of_expert(), of_schedule()], ids=kind_of)
def test_the_same_is_not_pinned_twice(planned: Database, draft: PinDraft) -> None:
    made = pin(planned, draft)
    error = refused(lambda: pin(planned, draft), planned)

    assert (error.code, error.data["pin"]) == ("pinned_already", made.id)
    lift_pin(planned, made.id, "planner", NOW)
    pin(planned, draft)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (of_expert("E1"), of_expert("E2")),
        (of_session(), of_expert("E2")),
        (of_schedule(), of_expert("E2")),
        (of_expert("E2"), of_session()),
        (of_expert("E2"), of_schedule()),
    ],
    ids=kind_of,
)
def test_pins_do_not_contradict_each_other(
    planned: Database, first: PinDraft, second: PinDraft
) -> None:
    made = pin(planned, first)

    assert refused(lambda: pin(planned, second), planned).data["pin"] == made.id


def test_there_must_be_something_to_pin(planned: Database) -> None:
    cancel(planned, "S2")
    planned.commit()
    assert refused(lambda: pin(planned, of_session("S2")), planned).code == "nothing_to_pin"
    cancel(planned, "S1")
    planned.commit()
    assert refused(lambda: pin(planned, of_schedule()), planned).code == "nothing_to_pin"
    pin(planned, of_expert("E2"))


def test_an_engagement_that_has_ended_needs_no_pin(planned: Database) -> None:
    planned.get_one(Engagement, "A1").state = EngagementState.COMPLETED
    planned.commit()

    assert refused(lambda: pin(planned, of_expert()), planned).data["state"] == "completed"


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (PinDraft(kind=PinKind.SESSION, reason=WHY), "session_id"),
        (PinDraft(kind=PinKind.SESSION, session_id="S1", expert_id="E1", reason=WHY), "expert_id"),
        (PinDraft(kind=PinKind.EXPERT, engagement_id="A1", reason=WHY), "expert_id"),
        (PinDraft(kind=PinKind.SCHEDULE, reason=WHY), "engagement_id"),
    ],
    ids=kind_of,
)
def test_each_kind_needs_its_own_fields_and_no_others(
    planned: Database, draft: PinDraft, field: str
) -> None:
    with pytest.raises(Invalid) as error:
        pin(planned, draft)

    assert error.value.field == field


def test_a_pin_says_why() -> None:
    with pytest.raises(ValidationError):
        PinDraft(kind=PinKind.SCHEDULE, engagement_id="A1", reason=" ")


@pytest.mark.parametrize(
    "draft",
    [
        of_session("S9"),
        of_expert("E9"),
        PinDraft(kind=PinKind.SCHEDULE, engagement_id="A9", reason=WHY),
    ],
    ids=kind_of,
)
def test_what_is_not_there_is_not_pinned(planned: Database, draft: PinDraft) -> None:
    with pytest.raises(NotFound):
        pin(planned, draft)
    with pytest.raises(NotFound):
        lift_pin(planned, "X9", "planner", NOW)

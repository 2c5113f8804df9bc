from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict, NotFound
from matcher.models import Engagement, EngagementState, Party, Session, SessionStatus
from matcher.programme import Phase
from tests.matcher import rows

NOW = rows.MORNING - dt.timedelta(days=7)
ILLNESS = LapseDraft(party=Party.EXPERT, reason="急病のため")


def cancel(db: Database, id: str, now: dt.datetime = NOW) -> Session:
    session = cancel_session(db, id, ILLNESS, "staff", now)
    db.commit()
    return session


def test_a_cancelled_session_stays_on_record_and_calendars_see_it_change(
    planned: Database,
) -> None:
    session = cancel(planned, "S3")

    assert (session.status, session.sequence, session.revised_at) == (
        SessionStatus.CANCELLED,
        1,
        NOW,
    )


def test_it_is_on_record_because_of_whom_and_why_a_session_was_cancelled(
    planned: Database,
) -> None:
    cancel(planned, "S3")
    planned.expire_all()
    lapse = planned.get_one(Session, "S3").lapse

    assert lapse is not None
    assert (lapse.party, lapse.reason) == (Party.EXPERT, "急病のため")
    assert (lapse.recorded_by, lapse.recorded_at) == ("staff", NOW)


def test_later_sessions_move_up_by_a_number(planned: Database) -> None:
    cancel(planned, "S1")

    assert [
        (each.number, each.phase, each.sequence)
        for each in (planned.get_one(Session, id) for id in ("S2", "S3"))
    ] == [(1, Phase.ACTION_PLAN, 1), (2, Phase.MANUAL_DEVELOPMENT, 1)]


def test_earlier_sessions_are_not_touched(planned: Database) -> None:
    cancel(planned, "S2")
    first = planned.get_one(Session, "S1")

    assert (first.number, first.sequence, first.version) == (1, 0, 1)


def test_an_engagement_without_sessions_waits_again(planned: Database) -> None:
    for id in ("S1", "S2", "S3"):
        cancel(planned, id)

    assert planned.get_one(Engagement, "A1").state == EngagementState.WAITING


def test_a_session_that_did_not_take_place_is_cancelled_after_its_time(planned: Database) -> None:
    session = cancel(planned, "S1", rows.MORNING + dt.timedelta(days=1))

    assert session.status == SessionStatus.CANCELLED
    assert planned.get_one(Session, "S2").number == 1


@pytest.mark.parametrize("status", [SessionStatus.HELD, SessionStatus.MISSED])
def test_a_session_that_was_reported_on_cannot_be_cancelled(
    planned: Database, status: SessionStatus
) -> None:
    planned.get_one(Session, "S1").status = status
    planned.commit()

    with pytest.raises(Conflict, match=f"this one is {status}") as refused:
        cancel(planned, "S1", rows.MORNING + dt.timedelta(days=1))
    assert refused.value.data["session_status"] == status


def test_a_session_cannot_be_cancelled_twice(planned: Database) -> None:
    cancel(planned, "S1")

    with pytest.raises(Conflict, match="this one is cancelled"):
        cancel(planned, "S1")


def test_a_session_of_a_completed_engagement_cannot_be_cancelled(planned: Database) -> None:
    planned.get_one(Engagement, "A1").state = EngagementState.COMPLETED
    planned.commit()

    with pytest.raises(Conflict, match="Possible now: nothing"):
        cancel(planned, "S1")


def test_a_session_that_is_not_there_cannot_be_cancelled(db: Database) -> None:
    with pytest.raises(NotFound):
        cancel(db, "S404")

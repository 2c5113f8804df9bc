from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.delivery.sessions import cancel_session
from matcher.errors import Conflict, NotFound
from matcher.models import Engagement, EngagementState, Session, SessionStatus
from matcher.programme import Phase
from tests.matcher import rows

NOW = rows.MORNING - dt.timedelta(days=7)
WEEK = dt.timedelta(weeks=1)


@pytest.fixture
def planned(db: Database) -> Database:
    """An engagement with three sessions to come, three weeks apart."""
    rows.add_engagements(db, "A1")
    engagement = db.get_one(Engagement, "A1")
    engagement.state, engagement.session_minutes = EngagementState.PLANNED, (120, 60, 60)
    phases = [Phase.ACTION_PLAN, Phase.MANUAL_DEVELOPMENT, Phase.FINALIZATION]
    for number, phase in enumerate(phases, 1):
        start = rows.MORNING + 3 * (number - 1) * WEEK
        session = rows.session(f"S{number}", start, 60, number=number)
        session.phase = phase
        db.add(session)
    db.commit()
    return db


def test_a_cancelled_session_stays_on_record_and_calendars_see_it_change(
    planned: Database,
) -> None:
    session = cancel_session(planned, "S3", NOW)
    planned.commit()

    assert (session.status, session.sequence, session.revised_at) == (
        SessionStatus.CANCELLED,
        1,
        NOW,
    )


def test_later_sessions_move_up_by_a_number(planned: Database) -> None:
    cancel_session(planned, "S1", NOW)
    planned.commit()

    assert [
        (each.number, each.phase, each.sequence)
        for each in (planned.get_one(Session, id) for id in ("S2", "S3"))
    ] == [(1, Phase.ACTION_PLAN, 1), (2, Phase.MANUAL_DEVELOPMENT, 1)]


def test_earlier_sessions_are_not_touched(planned: Database) -> None:
    cancel_session(planned, "S2", NOW)
    planned.commit()
    first = planned.get_one(Session, "S1")

    assert (first.number, first.sequence, first.version) == (1, 0, 1)


def test_an_engagement_without_sessions_waits_again(planned: Database) -> None:
    for id in ("S1", "S2", "S3"):
        cancel_session(planned, id, NOW)
    planned.commit()

    assert planned.get_one(Engagement, "A1").state == EngagementState.WAITING


def test_a_session_that_has_begun_cannot_be_cancelled(planned: Database) -> None:
    with pytest.raises(Conflict, match="still to come"):
        cancel_session(planned, "S1", rows.MORNING)


def test_a_session_cannot_be_cancelled_twice(planned: Database) -> None:
    cancel_session(planned, "S1", NOW)

    with pytest.raises(Conflict, match="this one is cancelled"):
        cancel_session(planned, "S1", NOW)


def test_a_session_that_is_not_there_cannot_be_cancelled(db: Database) -> None:
    with pytest.raises(NotFound):
        cancel_session(db, "S404", NOW)

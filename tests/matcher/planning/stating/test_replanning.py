from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session as Database

from matcher.models import (
    ConflictOfInterest,
    Engagement,
    Expert,
    ExpertAbsence,
    Session,
    SessionStatus,
    WeeklyHours,
)
from matcher.planning.stating.replanning import (
    IN_AN_ABSENCE,
    OUTSIDE_HOURS,
    sessions_to_replan,
    to_replan,
)
from matcher.programme import Qualification
from tests.matcher.rows import MORNING, WEDNESDAYS, add_engagements, session

WEEK = dt.timedelta(days=7)
NOW = MORNING - WEEK


@pytest.fixture
def expert(db: Database) -> Expert:
    """An expert with a session on each of two Wednesdays, from ten to twelve."""
    add_engagements(db, "A1")
    db.add_all([session("S1"), session("S2", MORNING + WEEK, number=2)])
    db.flush()
    return db.get_one(Expert, "E1")


def _named(db: Database, expert: Expert, now: dt.datetime = NOW) -> list[tuple[str, str]]:
    db.flush()
    return [(each.id, each.reason.en) for each in sessions_to_replan(db, expert, now)]


def test_what_fits_is_not_named(db: Database, expert: Expert) -> None:
    assert _named(db, expert) == []


@pytest.mark.parametrize(
    ("opens", "closes", "named"), [(10, 12, 0), (11, 17, 2), (9, 11, 2), (12, 17, 2)]
)
def test_a_session_fits_if_one_stretch_of_hours_holds_it_whole(
    db: Database, expert: Expert, opens: int, closes: int, named: int
) -> None:
    expert.weekly_hours = (
        WeeklyHours(weekday="wed", opens=dt.time(opens), closes=dt.time(closes)),
    )
    assert [reason for _, reason in _named(db, expert)] == [OUTSIDE_HOURS.en] * named


@pytest.mark.parametrize(("again", "named"), [(dt.time(11), 0), (dt.time(11, 30), 2)])
def test_a_session_fits_across_hours_that_meet_and_not_across_a_gap(
    db: Database, expert: Expert, again: dt.time, named: int
) -> None:
    expert.weekly_hours = (
        WeeklyHours(weekday="wed", opens=again, closes=dt.time(15)),
        WeeklyHours(weekday="wed", opens=dt.time(9), closes=dt.time(11)),
    )
    assert [reason for _, reason in _named(db, expert)] == [OUTSIDE_HOURS.en] * named


def test_a_session_in_an_absence_is_named_and_one_beside_it_is_not(
    db: Database, expert: Expert
) -> None:
    expert.absences = [ExpertAbsence(start_at=MORNING - WEEK, end_at=MORNING)]
    assert _named(db, expert) == []
    expert.absences = [ExpertAbsence(start_at=MORNING, end_at=MORNING + dt.timedelta(minutes=1))]
    assert _named(db, expert) == [("S1", IN_AN_ABSENCE.en)]


@pytest.mark.parametrize(
    "change",
    [
        lambda expert: setattr(expert, "active", False),
        lambda expert: setattr(
            expert, "qualifications", (Qualification.SME_MANAGEMENT_CONSULTANT,)
        ),
        lambda expert: expert.conflicts.append(
            ConflictOfInterest(organization_id="O1", reason="顧問先のため")
        ),
    ],
)
def test_who_may_no_longer_serve_an_organization_has_all_its_sessions_named(
    db: Database, expert: Expert, change: Callable[[Expert], None]
) -> None:
    change(expert)
    assert [id for id, _ in _named(db, expert)] == ["S1", "S2"]


def test_of_sessions_beyond_a_cap_the_latest_are_named(db: Database, expert: Expert) -> None:
    expert.weekly_hours = (*WEDNESDAYS, *WEDNESDAYS)
    db.get_one(Session, "S2").start_at = MORNING + dt.timedelta(hours=3)
    db.get_one(Session, "S2").end_at = MORNING + dt.timedelta(hours=4)
    for cap in ("max_per_day", "max_per_week", "max_total"):
        setattr(expert, cap, 1)
        ((named, reason),) = _named(db, expert)
        assert named == "S2"
        assert "more than 1" in reason
        setattr(expert, cap, 2)


def test_what_is_past_or_cancelled_is_not_named(db: Database, expert: Expert) -> None:
    expert.weekly_hours = ()
    assert [id for id, _ in _named(db, expert, MORNING)] == ["S2"]
    db.get_one(Session, "S2").status = SessionStatus.CANCELLED
    assert _named(db, expert, MORNING) == []


def test_an_expert_who_is_away_makes_the_engagement_name_the_session(db: Database) -> None:
    """And it can be assigned anew, though all its sessions are published."""
    add_engagements(db, "A1", experts=("E1", "E2"))
    engagement = db.get_one(Engagement, "A1")
    first, second = session("S1"), session("S2", MORNING + 3 * WEEK, 60, number=2)
    db.add_all([first, second])
    db.commit()
    day = dt.date(2025, 9, 25)
    assert to_replan(engagement, (first, second), day) == ()

    db.add(ExpertAbsence(expert_id="E1", start_at=second.start_at, end_at=second.end_at))
    db.commit()
    db.expire_all()

    assert to_replan(engagement, (first, second), day) == (second,)
    assert to_replan(engagement, (first, second), dt.date(2025, 10, 23)) == ()

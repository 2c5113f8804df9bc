"""Which published sessions a change of their expert touches."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.models import ConflictOfInterest, Expert, ExpertAbsence, WeeklyHours
from matcher.planning.agreement import disagreements
from matcher.programme import Qualification
from tests.matcher import rows

NOW = rows.MORNING - dt.timedelta(days=1)


@pytest.fixture
def expert(db: Database) -> Expert:
    """An expert with a session at ten o'clock on a Wednesday, and one a week later."""
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1"))
    db.add(rows.session("S2", rows.MORNING + dt.timedelta(days=7), number=2))
    db.flush()
    return db.get_one(Expert, "E1")


def touched(db: Database, expert: Expert, now: dt.datetime = NOW) -> list[tuple[str, str]]:
    db.flush()
    return [(each.session.id, each.reason.en) for each in disagreements(db, expert, now)]


def hours(opens: str, closes: str) -> WeeklyHours:
    start, end = dt.time.fromisoformat(opens), dt.time.fromisoformat(closes)
    return WeeklyHours(weekday="wed", opens=start, closes=end)


def test_a_record_as_it_was_touches_nothing(db: Database, expert: Expert) -> None:
    assert touched(db, expert) == []


def test_shorter_hours_touch_what_lies_outside(db: Database, expert: Expert) -> None:
    expert.weekly_hours = (hours("13:00", "17:00"),)
    assert [id for id, _ in touched(db, expert)] == ["S1", "S2"]
    assert "outside" in touched(db, expert)[0][1]


def test_hours_that_meet_are_one_stretch(db: Database, expert: Expert) -> None:
    expert.weekly_hours = (hours("11:00", "13:00"), hours("09:00", "11:00"))
    assert touched(db, expert) == []
    expert.weekly_hours = (hours("11:30", "13:00"), hours("09:00", "11:00"))
    assert [id for id, _ in touched(db, expert)] == ["S1", "S2"]


def test_an_absence_touches_what_it_overlaps(db: Database, expert: Expert) -> None:
    ends = rows.MORNING + dt.timedelta(hours=2)
    expert.absences = [ExpertAbsence(start_at=ends, end_at=ends + dt.timedelta(hours=1))]
    assert touched(db, expert) == []
    expert.absences = [ExpertAbsence(start_at=NOW, end_at=ends)]
    assert [id for id, _ in touched(db, expert)] == ["S1"]


def test_a_lower_cap_touches_the_last_ones(db: Database, expert: Expert) -> None:
    expert.max_total = 1
    assert [id for id, _ in touched(db, expert)] == ["S2"]


@pytest.mark.parametrize("change", ["inactive", "specialty", "conflict"])
def test_whoever_may_no_longer_serve_is_touched_by_all(
    db: Database, expert: Expert, change: str
) -> None:
    if change == "inactive":
        expert.active = False
    elif change == "specialty":
        expert.qualifications = (Qualification.SME_MANAGEMENT_CONSULTANT,)
    else:
        expert.conflicts = [ConflictOfInterest(organization_id="O1", reason="顧問先")]
    assert [id for id, _ in touched(db, expert)] == ["S1", "S2"]


def test_what_is_over_is_touched_by_nothing(db: Database, expert: Expert) -> None:
    expert.active = False
    assert [id for id, _ in touched(db, expert, rows.MORNING)] == ["S2"]

"""What outdates something that was computed ahead, and what does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.busy.sources import UploadDraft, keep_upload, read_upload, remove_source
from matcher.database import create_database_engine, session_factory
from matcher.models import (
    Application,
    ApplicationAbsence,
    BusyCalendar,
    Engagement,
    Expert,
    FeedOwner,
    Hold,
    Organization,
    Programme,
    StoredForecast,
)
from matcher.planning.foreseeing.freshness import Outdated, Present
from tests.matcher import rows
from tests.matcher.busy.test_sources import calendar

NOON = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(hours=1)

Sessions = sessionmaker[Database]


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """A1 is of this year, A2 of another organization and of the year before."""
    # Every entry is of long ago: no time tells what was committed after something was computed.
    factory = session_factory(engine, clock=lambda: NOON - dt.timedelta(days=30))
    with factory.begin() as db:
        rows.add_engagements(db, "A1")
        db.add(Programme(id="tokyo-2024", rules=db.get_one(Programme, "tokyo-2025").rules))
        other = rows.organization("O2")
        db.add(other)
        db.flush()
        db.add(rows.application("A2", "O2"))
        db.flush()
        db.get_one(Application, "A2").programme_id = "tokyo-2024"
        db.add(rows.engagement("A2", "O2"))
        db.flush()
        db.get_one(Engagement, "A2").programme_id = "tokyo-2024"
    return factory


def computed(sessions: Sessions, now: dt.datetime = NOON) -> StoredForecast:
    """A forecast of what there is."""
    with sessions() as db:
        present = Present.of(db, "tokyo-2025", now)
    return StoredForecast(
        programme_id="tokyo-2025",
        release_number=0,
        day=now.date(),
        ground=present.ground,
        content={},
        computed_at=now,
    )


def outdated(sessions: Sessions, kept: StoredForecast, now: dt.datetime = LATER) -> Outdated | None:
    with sessions() as db:
        return Present.of(db, "tokyo-2025", now).outdates(kept)


def absent(application_id: str) -> ApplicationAbsence:
    return ApplicationAbsence(application_id=application_id, start_at=NOON, end_at=LATER)


def hold(application_id: str, programme_id: str = "tokyo-2025") -> Hold:
    return Hold(
        programme_id=programme_id,
        engagement_id=application_id,
        expert_id="E1",
        sessions=(),
        held_until=LATER,
        created_at=NOON,
        created_by="staff",
    )


def test_what_is_there_outdates_nothing(sessions: Sessions) -> None:
    assert outdated(sessions, computed(sessions)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda db: setattr(db.get_one(Expert, "E1"), "max_per_week", 1),
        lambda db: setattr(db.get_one(Engagement, "A1"), "max_gap_days", 20),
        lambda db: setattr(db.get_one(Organization, "O1"), "municipality_code", "13102"),
        lambda db: db.add(absent("A1")),
        lambda db: db.add(rows.session("S1")),
        lambda db: db.add(hold("A1")),
    ],
    ids=["expert", "engagement", "organization", "absence", "session", "hold"],
)
def test_a_change_that_is_committed_outdates_whatever_its_time(
    sessions: Sessions, change: Callable[[Database], None]
) -> None:
    kept = computed(sessions)
    with sessions.begin() as db:
        change(db)
    assert outdated(sessions, kept) is Outdated.RECORDS


def test_what_changes_in_another_programme_outdates_nothing(sessions: Sessions) -> None:
    kept = computed(sessions)
    with sessions.begin() as db:
        db.get_one(Engagement, "A2").max_gap_days = 20
        db.get_one(Organization, "O2").municipality_code = "13102"
        db.add_all([absent("A2"), rows.session("S2", engagement_id="A2"), hold("A2", "tokyo-2024")])
    assert outdated(sessions, kept) is None


def test_an_absence_that_is_taken_back_outdates(sessions: Sessions) -> None:
    with sessions.begin() as db:
        db.add_all([absent("A1"), absent("A2")])
    kept = computed(sessions)
    with sessions.begin() as db:
        db.get_one(Application, "A2").absences = []
    assert outdated(sessions, kept) is None
    with sessions.begin() as db:
        db.get_one(Application, "A1").absences = []
    assert outdated(sessions, kept) is Outdated.RECORDS


def test_a_change_outdates_that_was_made_before_a_newer_one_and_committed_after(
    postgres_url: str,
) -> None:
    """Its entry has the lower id."""
    engine = create_database_engine(postgres_url)
    sessions = session_factory(engine, clock=lambda: NOON)
    with sessions.begin() as db:
        rows.add_engagements(db, "A1", experts=("E1", "E2"))
    with sessions() as slow:
        slow.get_one(Expert, "E1").max_per_week = 1
        slow.flush()
        with sessions.begin() as db:
            db.get_one(Expert, "E2").max_per_week = 1
        kept = computed(sessions)
        slow.commit()
    assert outdated(sessions, kept) is Outdated.RECORDS
    engine.dispose()


def give_busy_calendar(db: Database, owner_kind: FeedOwner, owner_id: str) -> BusyCalendar:
    content = calendar(LATER).decode()
    draft = UploadDraft(owner_kind=owner_kind, owner_id=owner_id, content=content)
    return keep_upload(db, draft, read_upload(draft, NOON), "staff", NOON)


@pytest.mark.parametrize(
    ("owner_kind", "owner_id"), [(FeedOwner.EXPERT, "E1"), (FeedOwner.ORGANIZATION, "O1")]
)
def test_a_busy_calendar_that_is_given_or_removed_outdates(
    sessions: Sessions, owner_kind: FeedOwner, owner_id: str
) -> None:
    kept = computed(sessions)
    with sessions.begin() as db:
        given = give_busy_calendar(db, owner_kind, owner_id).id
    assert outdated(sessions, kept) is Outdated.RECORDS
    kept = computed(sessions)
    with sessions.begin() as db:
        remove_source(db, db.get_one(BusyCalendar, given))
    assert outdated(sessions, kept) is Outdated.RECORDS


def test_a_busy_calendar_of_another_programme_outdates_nothing(sessions: Sessions) -> None:
    kept = computed(sessions)
    with sessions.begin() as db:
        give_busy_calendar(db, FeedOwner.ORGANIZATION, "O2")
    assert outdated(sessions, kept) is None


def test_times_on_hold_that_lapse_are_a_change(sessions: Sessions) -> None:
    with sessions.begin() as db:
        db.add(hold("A1"))
    kept = computed(sessions)
    assert outdated(sessions, kept, LATER - dt.timedelta(seconds=1)) is None
    assert outdated(sessions, kept, LATER) is Outdated.RECORDS


def test_another_day_outdates(sessions: Sessions) -> None:
    kept = computed(sessions)
    assert outdated(sessions, kept, NOON + dt.timedelta(days=1)) is Outdated.DAY

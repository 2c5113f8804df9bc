import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.calendars.state import MAX_EVENTS, read_state
from matcher.errors import NotFound
from matcher.models import (
    Expert,
    Feed,
    FeedLanguage,
    FeedOwner,
    Programme,
    SessionDeparture,
    SessionStatus,
)
from matcher.programme import Qualification, Specialty, read_rules
from tests.matcher.rows import expert, session

NOW = dt.datetime(2025, 10, 1, 3, 0, tzinfo=dt.UTC)
"""Noon in Tokyo."""

E1 = Feed(owner_kind=FeedOwner.EXPERT, owner_id="E1", language=FeedLanguage.BOTH)
E2 = Feed(owner_kind=FeedOwner.EXPERT, owner_id="E2", language=FeedLanguage.BOTH)
O1 = Feed(owner_kind=FeedOwner.ORGANIZATION, owner_id="O1", language=FeedLanguage.BOTH)
O2 = Feed(owner_kind=FeedOwner.ORGANIZATION, owner_id="O2", language=FeedLanguage.BOTH)


def tokyo(year: int, month: int, day: int, hour: int = 10) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=dt.timezone(dt.timedelta(hours=9)))


def shown(db: Database, feed: Feed, now: dt.datetime = NOW) -> list[str]:
    """Return the ids of the sessions that a feed shows, in order."""
    return [each.session_id for each in read_state(db, feed, now).sessions]


def add(db: Database, *sessions: object) -> None:
    db.add_all(sessions)
    db.commit()


@pytest.mark.check(24)
def test_each_party_sees_its_own_sessions_and_whom_it_meets(two_engagements: Database) -> None:
    db = two_engagements
    add(db, session("S1"), session("S2", tokyo(2025, 10, 2), engagement_id="A2", expert_id="E2"))
    assert [shown(db, feed) for feed in (E1, E2, O1, O2)] == [["S1"], ["S2"], ["S1"], ["S2"]]
    assert read_state(db, E1, NOW).sessions[0].organization_ja == "東京架空旅館協同組合"
    assert read_state(db, O1, NOW).sessions[0].expert_ja == "架空 太郎"


def test_sessions_come_in_order_of_their_start(two_engagements: Database) -> None:
    db = two_engagements
    add(db, session("S1", tokyo(2025, 11, 5)), session("S2", tokyo(2025, 10, 8), number=2))
    assert shown(db, E1) == ["S2", "S1"]


@pytest.mark.check(23)
def test_the_window_reaches_from_three_months_back_to_eighteen_ahead(
    two_engagements: Database,
) -> None:
    db = two_engagements
    starts = [
        tokyo(2025, 6, 30, 23),
        tokyo(2025, 7, 1, 0),
        tokyo(2027, 3, 31, 22),
        tokyo(2027, 4, 1, 0),
    ]
    add(
        db,
        *(
            session(f"S{number}", start, 60, number=number)
            for number, start in enumerate(starts, 1)
        ),
    )
    assert shown(db, E1) == ["S2", "S3"]
    assert shown(db, O1) == ["S2", "S3"]


def test_the_window_moves_at_midnight_in_tokyo(two_engagements: Database) -> None:
    db = two_engagements
    add(db, session("S1", tokyo(2025, 7, 1)), session("S2", tokyo(2025, 7, 2), number=2))
    assert shown(db, E1, tokyo(2025, 10, 1, 23)) == ["S1", "S2"]
    assert shown(db, E1, tokyo(2025, 10, 2, 0)) == ["S2"]


@pytest.mark.check(12)
def test_a_cancelled_session_stays_until_two_weeks_after_its_start(
    two_engagements: Database,
) -> None:
    db = two_engagements
    cancelled = session("S1", tokyo(2025, 10, 1), status="cancelled")
    add(db, cancelled, session("S2", tokyo(2025, 11, 5)))
    assert shown(db, E1, tokyo(2025, 10, 15, 23)) == ["S1", "S2"]
    assert shown(db, E1, tokyo(2025, 10, 16, 0)) == ["S2"]


@pytest.mark.check(13)
@pytest.mark.parametrize("status", ["confirmed", "cancelled"])
def test_a_feed_that_once_had_a_session_never_becomes_empty(
    two_engagements: Database, status: str
) -> None:
    db = two_engagements
    add(
        db,
        session("S1", tokyo(2024, 5, 1), number=2),
        session("S2", tokyo(2024, 6, 1), status=status),
    )
    assert shown(db, E1) == shown(db, O1) == ["S2"]


def test_a_feed_that_never_had_a_session_may_be_empty(two_engagements: Database) -> None:
    assert shown(two_engagements, E1) == []


@pytest.mark.check(23)
def test_a_full_feed_keeps_what_comes_next_and_then_what_was_last(
    two_engagements: Database,
) -> None:
    """What comes is more than a feed may hold: the farthest is left out, and all of the past."""
    db = two_engagements
    first = tokyo(2025, 9, 1, 0)
    hours = range(MAX_EVENTS + 20)
    add(
        db,
        *(
            session(f"S{hour:04}", first + dt.timedelta(hours=hour), 60, status="cancelled")
            for hour in hours
        ),
    )
    assert shown(db, E1, first) == [f"S{hour:04}" for hour in hours[:MAX_EVENTS]]
    # Two days later those of two days are past; of these only as many stay as there is room for.
    assert shown(db, E1, first + dt.timedelta(days=2)) == [f"S{hour:04}" for hour in hours[20:]]


def departure(expert_id: str) -> SessionDeparture:
    return SessionDeparture(
        session_id="S1",
        expert_id=expert_id,
        start_at=tokyo(2025, 10, 8),
        end_at=tokyo(2025, 10, 8, 12),
        sequence=4,
        revised_at=NOW,
    )


@pytest.mark.check(14)
def test_an_expert_whom_a_session_left_sees_it_as_it_was(two_engagements: Database) -> None:
    db = two_engagements
    add(db, session("S1", tokyo(2025, 10, 15), expert_id="E2"))
    add(db, departure("E1"))
    (left,) = read_state(db, E1, NOW).sessions
    (kept,) = read_state(db, E2, NOW).sessions
    assert (left.session_id, left.departed, left.start_at, left.sequence) == (
        "S1",
        True,
        tokyo(2025, 10, 8),
        4,
    )
    assert (kept.session_id, kept.departed, kept.start_at) == ("S1", False, tokyo(2025, 10, 15))


def test_an_expert_who_got_a_session_back_sees_it_once(two_engagements: Database) -> None:
    db = two_engagements
    add(db, session("S1", tokyo(2025, 10, 15)))
    add(db, departure("E1"))
    (kept,) = read_state(db, E1, NOW).sessions
    assert not kept.departed


@pytest.mark.check(12)
def test_a_departure_leaves_the_calendar_after_its_grace(two_engagements: Database) -> None:
    db = two_engagements
    add(
        db,
        session("S1", tokyo(2025, 10, 15), expert_id="E2"),
        session("S2", tokyo(2025, 11, 5), number=2),
    )
    add(db, departure("E1"))
    assert shown(db, E1, tokyo(2025, 10, 22, 23)) == ["S1", "S2"]
    assert shown(db, E1, tokyo(2025, 10, 23, 0)) == ["S2"]


@pytest.fixture
def counselors(two_engagements: Database) -> Database:
    """A session of E3, which went from E1 over E2 to E3; the first two are of one specialty."""
    db = two_engagements
    third = expert("E3")
    db.add(third)
    for each in (db.get_one(Expert, "E1"), db.get_one(Expert, "E2")):
        each.qualifications = (Qualification.INDUSTRIAL_COUNSELOR,)
    add(db, session("S1", tokyo(2025, 10, 15), expert_id="E3"))
    first, second = departure("E1"), departure("E2")
    second.sequence = 5
    add(db, first, second)
    return db


def office_feed(specialty: Specialty | None) -> Feed:
    return Feed(
        owner_kind=FeedOwner.OFFICE,
        owner_id="tokyo-2025",
        language=FeedLanguage.BOTH,
        specialty=specialty,
    )


@pytest.mark.check(13)
def test_a_specialty_sees_what_left_it_once_as_it_left(counselors: Database) -> None:
    db = counselors
    (left,) = read_state(db, office_feed(Specialty.COUNSELING), NOW).sessions
    assert (left.departed, left.sequence) == (True, 5)
    for specialty in (Specialty.LABOR, None):
        (kept,) = read_state(db, office_feed(specialty), NOW).sessions
        assert not kept.departed


def test_a_specialty_without_an_expert_has_an_empty_calendar(counselors: Database) -> None:
    assert read_state(counselors, office_feed(Specialty.SME), NOW).sessions == ()


@pytest.mark.check(13)
def test_a_specialty_whose_experts_have_all_changed_theirs_keeps_their_last_session(
    counselors: Database,
) -> None:
    db = counselors
    for each in db.scalars(select(Expert)):
        each.qualifications = (Qualification.SME_MANAGEMENT_CONSULTANT,)
    db.commit()
    (kept,) = read_state(db, office_feed(Specialty.LABOR), NOW).sessions
    assert kept.session_id == "S1"


@pytest.mark.check(24)
def test_the_office_sees_one_programme(counselors: Database) -> None:
    other = office_feed(None)
    other.owner_id = "tokyo-2026"
    with pytest.raises(NotFound):
        read_state(counselors, other, NOW)
    rules = read_rules("tokyo-2025").model_copy(update={"id": "tokyo-2026"})
    add(counselors, Programme(id="tokyo-2026", rules=rules))
    assert read_state(counselors, other, NOW).sessions == ()


def test_a_feed_of_nobody_is_not_found(two_engagements: Database) -> None:
    nobody = Feed(owner_kind=FeedOwner.EXPERT, owner_id="E9", language=FeedLanguage.BOTH)
    with pytest.raises(NotFound):
        read_state(two_engagements, nobody, NOW)


def test_held_and_missed_sessions_stay_what_they_were(two_engagements: Database) -> None:
    db = two_engagements
    add(
        db,
        session("S1", status="held"),
        session("S2", tokyo(2025, 9, 3), number=2, status="missed"),
    )
    statuses = [each.status for each in read_state(db, E1, NOW).sessions]
    assert statuses == [SessionStatus.MISSED, SessionStatus.HELD]

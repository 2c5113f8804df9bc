"""Who is to be told by mail: whoever wants it, and both parties of what is close at hand."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from matcher.models import (
    CalendarBy,
    Expert,
    FeedOwner,
    Invitation,
    InvitationState,
    Organization,
    Session,
    SessionDeparture,
    SessionStatus,
)
from tests.matcher import rows
from tests.matcher.invitations.conftest import Programme


def test_who_reads_a_calendar_is_told_of_what_is_far_ahead_by_that(programme: Programme) -> None:
    programme.arrange()
    programme.move(days=7)
    programme.cancel()
    assert programme.told() == []


@pytest.mark.parametrize("way", [CalendarBy.MAIL, CalendarBy.BOTH])
def test_who_wants_mail_is_told_of_each_change(programme: Programme, way: CalendarBy) -> None:
    programme.want(way)
    programme.arrange()
    assert programme.told() == ["E1"]
    (first,) = programme.invitations().values()
    assert first.state is InvitationState.WAITING

    programme.now += dt.timedelta(days=1)
    programme.move(days=7)
    (second,) = programme.invitations().values()
    assert second.id == first.id
    assert second.queued_at == first.queued_at + dt.timedelta(days=1)


@pytest.mark.parametrize("hours", [47, 1])
def test_both_are_told_of_a_change_close_at_hand(programme: Programme, hours: int) -> None:
    programme.arrange()
    programme.now = rows.MORNING - dt.timedelta(hours=hours)
    programme.move(days=7)
    assert programme.told() == ["E1", "O1"]


def test_both_are_told_of_what_comes_close_by_a_change(programme: Programme) -> None:
    programme.arrange()
    programme.now = rows.MORNING - dt.timedelta(days=8)
    programme.move(days=-7)
    assert programme.told() == ["E1", "O1"]


def test_what_is_two_days_ahead_is_not_close(programme: Programme) -> None:
    programme.arrange()
    programme.now = rows.MORNING - dt.timedelta(hours=48)
    programme.move(hours=1)
    assert programme.told() == []


def test_what_is_over_is_no_news(programme: Programme) -> None:
    programme.arrange()
    programme.now = rows.MORNING + dt.timedelta(hours=1)
    programme.move(hours=-2)
    assert programme.told() == []


def test_that_it_was_held_is_no_news(programme: Programme) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    with programme.sessions.begin() as db:
        db.query(Invitation).delete()
        db.get_one(Session, "S1").status = SessionStatus.HELD
    assert programme.told() == []


def test_who_loses_a_session_is_told_as_well_as_who_gets_it(programme: Programme) -> None:
    programme.arrange()
    programme.now = rows.MORNING - dt.timedelta(hours=5)
    hand_over(programme)
    assert programme.told() == ["E1", "E2", "O1"]


def hand_over(programme: Programme) -> None:
    """As a release does: cancelled first, and confirmed with the other expert."""
    with programme.sessions.begin() as db:
        session = db.get_one(Session, "S1")
        session.status = SessionStatus.CANCELLED
        session.sequence += 1
        db.flush()
        departure = SessionDeparture(
            session_id="S1",
            expert_id="E1",
            start_at=session.start_at,
            end_at=session.end_at,
            sequence=session.sequence,
            revised_at=programme.now,
        )
        db.add(departure)
        session.expert_id, session.status = "E2", SessionStatus.CONFIRMED


def test_who_begins_to_want_mail_is_told_of_all_that_is_to_come(programme: Programme) -> None:
    programme.arrange()
    programme.want(CalendarBy.BOTH)
    assert programme.told() == ["E1"]


def test_who_gives_another_address_is_told_again(programme: Programme) -> None:
    programme.arrange()
    with programme.sessions.begin() as db:
        db.get_one(Organization, "O1").calendar_by = CalendarBy.MAIL
    programme.now += dt.timedelta(days=1)
    with programme.sessions.begin() as db:
        db.get_one(Organization, "O1").contact_email = "new@inns.example"
        db.get_one(Expert, "E1").email = "new@experts.example"  # who wants no mail
    assert programme.told() == ["O1"]
    (told,) = programme.invitations().values()
    assert told.queued_at == programme.now


def test_nothing_is_queued_where_the_change_is_undone(programme: Programme) -> None:
    programme.want(CalendarBy.MAIL)
    with programme.sessions() as db:
        db.add(rows.session("S1"))
        db.flush()
        db.rollback()
    assert programme.told() == []


def test_an_invitation_is_one_for_a_party_and_a_session(
    programme: Programme, engine: Engine
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    programme.move(hours=1)
    programme.move(hours=1)
    with engine.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM invitations").scalar_one()
    assert count == 1
    assert list(programme.invitations()) == [(FeedOwner.EXPERT, "E1")]


def test_two_who_queue_for_the_same_party_at_once_are_in_nobodys_way(programme: Programme) -> None:
    """The expert asks for mail while the session moves."""
    programme.arrange()
    with ThreadPoolExecutor(2) as threads:
        moved = threads.submit(programme.move, hours=1)
        wanted = threads.submit(programme.want, CalendarBy.MAIL)
        moved.result(30)
        wanted.result(30)
    assert programme.told() == ["E1"]

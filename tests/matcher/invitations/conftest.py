"""A programme with a session a month ahead, on a clock that is set by hand, and a mail server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.database import session_factory
from matcher.delivery.sessions import revise_session
from matcher.invitations.sending import Inviter
from matcher.models import (
    CalendarBy,
    Expert,
    FeedOwner,
    Invitation,
    Organization,
    Session,
    SessionStatus,
)
from matcher.notices.smtp import MailServer, mailbox
from tests.matcher import rows
from tests.post_office import SENDER, PostOffice, post_office

MONTH_BEFORE = rows.MORNING - dt.timedelta(days=30)


@dataclass
class Programme:
    """What may happen to session S1 of E1 with O1; and when."""

    sessions: sessionmaker[Database]
    now: dt.datetime = MONTH_BEFORE

    def clock(self) -> dt.datetime:
        """The moment it is."""
        return self.now

    def want(self, calendar_by: CalendarBy, expert_id: str = "E1") -> None:
        """Have an expert told in another way."""
        with self.sessions.begin() as db:
            db.get_one(Expert, expert_id).calendar_by = calendar_by

    def arrange(self) -> None:
        """Publish the session."""
        with self.sessions.begin() as db:
            db.add(rows.session("S1"))

    def move(self, **change: float) -> None:
        """Give it another time, so much later."""
        with self.sessions.begin() as db:
            session = db.get_one(Session, "S1")
            session.start_at += dt.timedelta(**change)
            session.end_at += dt.timedelta(**change)
            revise_session(session, self.now)

    def cancel(self) -> None:
        """Call it off."""
        with self.sessions.begin() as db:
            session = db.get_one(Session, "S1")
            session.status = SessionStatus.CANCELLED
            revise_session(session, self.now)

    def invitations(self) -> dict[tuple[FeedOwner, str], Invitation]:
        """All there are, by party."""
        with self.sessions() as db:
            return {(each.party_kind, each.party_id): each for each in db.query(Invitation)}

    def told(self) -> list[str]:
        """Who is told, or to be told."""
        return sorted(id for _, id in self.invitations())


@pytest.fixture
def programme(engine: Engine) -> Programme:
    moment = Programme(session_factory(engine))
    moment.sessions = session_factory(engine, clock=moment.clock)
    with moment.sessions.begin() as db:
        rows.add_engagements(db, "A1", experts=("E1", "E2"))
        db.get_one(Expert, "E2").email = "jiro@experts.example"
    return moment


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as running:
        yield running


@pytest.fixture
def inviter(programme: Programme, office: PostOffice) -> Inviter:
    server, sender = MailServer.parse(office.url), mailbox(SENDER)
    return Inviter(programme.sessions, server, sender, programme.clock, asks_for_reply=True)


@pytest.fixture
def organization_invited(programme: Programme) -> None:
    with programme.sessions.begin() as db:
        db.get_one(Organization, "O1").calendar_by = CalendarBy.MAIL

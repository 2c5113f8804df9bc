"""Owners and the office are told of a calendar that can no longer be read, once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.busy.sources import STALE_AFTER
from matcher.busy.warnings import RETRY_EVERY, StaleCalendars
from matcher.database import session_factory
from matcher.models import BusyCalendar, Expert, FeedOwner
from matcher.notices.smtp import MailServer, mailbox
from tests.matcher import rows
from tests.post_office import SENDER, PostOffice, post_office

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
OWNER, OFFICE = "taro@experts.example", "office@dispatch.example.jp"


@dataclass
class Calendars:
    """The calendar of E1, which was read six hours ago and then no more."""

    sessions: sessionmaker[Database]
    server: MailServer
    warnings: StaleCalendars
    now: dt.datetime = NOW

    def tell(self) -> None:
        """Do what the worker does every few seconds."""
        self.warnings._clock = lambda: self.now
        self.warnings.send_waiting()

    def another_worker(self) -> StaleCalendars:
        """One more, which knows nothing of the first."""
        return StaleCalendars(self.sessions, self.server, mailbox(SENDER), lambda: self.now)

    def change(self, **values: object) -> None:
        """Write what a reading would."""
        with self.sessions.begin() as db:
            source = db.get_one(BusyCalendar, "U1")
            for name, value in values.items():
                setattr(source, name, value)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as running:
        yield running


@pytest.fixture
def calendars(engine: Engine, office: PostOffice) -> Calendars:
    sessions = session_factory(engine)
    with sessions.begin() as db:
        rows.add_engagements(db, "A1")
        db.add(
            BusyCalendar(
                id="U1",
                owner_kind=FeedOwner.EXPERT,
                owner_id="E1",
                name="仕事",
                url="https://calendar.example/private.ics",
                created_at=NOW - dt.timedelta(days=9),
                created_by="太郎",
                read_at=NOW - STALE_AFTER,
                tried_at=NOW,
                problem="status",
                failures=3,
            )
        )
    server = MailServer.parse(office.url)
    warnings = StaleCalendars(sessions, server, mailbox(SENDER), lambda: NOW)
    return Calendars(sessions, server, warnings)


def recipients(office: PostOffice) -> list[str]:
    return [each.rcpt_tos[0] for each in office.received]


def test_owner_and_office_are_told_once_why_and_since_when(
    calendars: Calendars, office: PostOffice
) -> None:
    calendars.tell()
    calendars.tell()
    assert recipients(office) == [OWNER, OFFICE]
    message, copy = office.messages()
    assert message["Subject"].startswith("【専門家派遣】ご登録のカレンダーを読み込めません / ")
    body = message.get_body(("plain",))
    assert body is not None
    japanese, english = body.get_content().split("-" * 72)
    for told in ("架空 太郎 様", "カレンダー「仕事」", "公開が終了した", "2025-09-10 06:00"):
        assert told in japanese
    for told in ("calendar “仕事” that", "may not be shared", "2025-09-10 06:00 (Japan time)"):
        assert told in english
    assert "private.ics" not in message.as_string()
    assert copy["To"] == message["To"]


def test_it_is_told_again_once_it_has_been_read_in_between(
    calendars: Calendars, office: PostOffice
) -> None:
    calendars.tell()
    calendars.change(problem=None, warned_at=None, read_at=NOW)
    calendars.now += STALE_AFTER
    calendars.tell()
    assert len(office.received) == 2
    calendars.change(problem="no_answer")
    calendars.tell()
    assert len(office.received) == 4


def test_a_failure_that_passes_is_no_news(calendars: Calendars, office: PostOffice) -> None:
    calendars.change(read_at=NOW - STALE_AFTER + dt.timedelta(minutes=1))
    calendars.tell()
    assert office.received == []


def test_one_that_could_never_be_read_is_told_too(calendars: Calendars, office: PostOffice) -> None:
    calendars.change(read_at=None, name="")
    calendars.tell()
    assert recipients(office) == [OWNER, OFFICE]
    body = office.messages()[0].get_body(("plain",))
    assert body is not None
    assert "まだ一度も読み込めていません" in body.get_content()
    assert "the calendar that you gave us" in body.get_content()


def test_a_server_that_says_later_is_asked_again_later(
    calendars: Calendars, office: PostOffice
) -> None:
    office.replies[OWNER] = "451 4.7.1 greylisted"
    calendars.tell()
    office.replies.clear()
    calendars.tell()
    assert office.received == []
    calendars.now += RETRY_EVERY
    calendars.tell()
    assert recipients(office) == [OWNER, OFFICE]


def test_an_owner_who_cannot_be_reached_leaves_it_to_the_office(
    calendars: Calendars, office: PostOffice
) -> None:
    office.replies[OWNER] = "550 5.1.1 no such mailbox"
    calendars.tell()
    calendars.tell()
    assert recipients(office) == [OFFICE]


def test_of_an_owner_whose_address_fits_no_mail_the_office_is_told_alone(
    calendars: Calendars, office: PostOffice
) -> None:
    with calendars.sessions.begin() as db:
        db.get_one(Expert, "E1").email = "nobody at all"
    calendars.tell()
    calendars.tell()
    assert recipients(office) == [OFFICE]
    (message,) = office.messages()
    body = message.get_body(("plain",))
    assert body is not None
    assert "架空 太郎 様" in body.get_content()


def test_of_two_workers_one_tells(calendars: Calendars, office: PostOffice) -> None:
    first, other = calendars.warnings, calendars.another_worker()

    class OtherIsFaster(threading.Event):
        def is_set(self) -> bool:
            """Between what the first worker has found and what it tells of, another tells."""
            other.send_waiting()
            return False

    first.send_waiting(OtherIsFaster())
    assert recipients(office) == [OWNER, OFFICE]

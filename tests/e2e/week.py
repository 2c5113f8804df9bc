"""A week of changes to one engagement, made by the service's own verbs, and who looks on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session as Database

from matcher.calendars.identity import uid_of
from matcher.clock import from_wall_time, wall_time
from matcher.models import (
    Engagement,
    Expert,
    FeedOwner,
    Organization,
    Session,
    SessionDeparture,
    SessionStatus,
)
from matcher.programme import read_rules
from tests.api.records import accept, application, new, new_expert, organization
from tests.clients.programs import Seen
from tests.e2e.office import Office, all_of, done, opened_office

MONDAY = dt.date(2025, 7, 14)
DAY = dt.timedelta(days=1)
GRACE = 14 * DAY
TITLES = {phase.id: phase.title for phase in read_rules("tokyo-2025").phases}
ILLNESS = {"party": "expert", "reason": "急病のため"}


@dataclass(frozen=True)
class Reader:
    """An expert, an organization or the office with a calendar in a language."""

    kind: FeedOwner
    id: str
    language: str
    url: str


@dataclass
class Week:
    """The week as it goes on."""

    office: Office
    engagement_id: str
    organization_id: str
    expert_id: str
    other_expert_id: str
    readers: list[Reader] = field(default_factory=list)

    def live(self) -> Iterator[dict[str, list[Seen]]]:
        """Let each day bring a change; what each reader is to see on its evening."""
        self._assign()
        yield self._end_day()
        self._move(self._sessions()[0])
        yield self._end_day()
        self._cancel(self._sessions()[3])
        yield self._end_day()
        self._replace_expert()
        yield self._end_day()
        self._rename_organization()
        yield self._end_day()
        self._let_grace_pass()
        yield self._end_day()

    def subscribe(self, kind: FeedOwner, owner_id: str, language: str) -> None:
        """Give somebody a calendar."""
        body = {"owner_kind": kind, "owner_id": owner_id, "language": language}
        token = done(self.office.staff.post("/v1/feeds", body), 201)["token"]
        url = f"{self.office.url}/calendars/{token}.ics"
        self.readers.append(Reader(kind, owner_id, language, url))

    def _end_day(self) -> dict[str, list[Seen]]:
        """Go on to the next morning; what each reader is to see then."""
        self.office.clock.move_to(self._today() + DAY, 9)
        with self.office.app.extensions["matcher"].reading() as db:
            return {each.id: programme_of(db, each, self._today()) for each in self.readers}

    def _today(self) -> dt.date:
        return wall_time(self.office.clock.moment).date()

    def _sessions(self) -> list[dict[str, Any]]:
        """Those that are to take place, in the order of their numbers."""
        path = f"/v1/sessions?engagement={self.engagement_id}&status=confirmed"
        return sorted(all_of(self.office.staff, path), key=lambda each: int(each["number"]))

    def _change(self, path: str, changes: dict[str, Any]) -> requests.Response:
        """Edit a record as it is now."""
        state = self.office.staff.get(path).headers["ETag"]
        return self.office.staff.ask("PATCH", path, changes, If_Match=state)

    def _assign(self) -> None:
        """Ask for an expert and dates."""
        done(self.office.staff.post(f"/v1/engagements/{self.engagement_id}/assignment"))

    def _move(self, session: dict[str, Any]) -> None:
        """Move a session to the next day on which it may take place."""
        start = dt.datetime.fromisoformat(session["start_at"])
        path = f"/v1/sessions/{session['id']}"
        days = (start + count * DAY for count in range(1, 8))
        assert any(self._change(path, {"start_at": day.isoformat()}).ok for day in days)

    def _cancel(self, session: dict[str, Any]) -> None:
        """Cancel a session that is to come."""
        done(self.office.staff.post(f"/v1/sessions/{session['id']}/cancellation", ILLNESS))

    def _replace_expert(self) -> None:
        """Let another expert serve, and a session in place of the cancelled one be planned."""
        done(self._change(f"/v1/experts/{self.other_expert_id}", {"active": True}))
        done(self._change(f"/v1/experts/{self.expert_id}", {"active": False}))
        self._assign()
        assert {each["expert"]["id"] for each in self._sessions()} == {self.other_expert_id}

    def _rename_organization(self) -> None:
        """Give the organization names that need an escape."""
        names = {"name_ja": "改称後の協同組合, 東京", "name_en": "Renamed; Retailers, of Tokyo"}
        done(self._change(f"/v1/organizations/{self.organization_id}", names))

    def _let_grace_pass(self) -> None:
        """Wait until no calendar shows any more what was cancelled."""
        path = f"/v1/sessions?engagement={self.engagement_id}"
        last = max(each["start_at"] for each in all_of(self.office.staff, path))
        self.office.clock.move_to(dt.datetime.fromisoformat(last).date() + GRACE, 9)


@contextmanager
def opened_week(database_url: str, folder: Path) -> Iterator[Week]:
    """Accept an application, register the expert for it and another; all subscribe."""
    start = from_wall_time(dt.datetime.combine(MONDAY, dt.time(9)))
    with opened_office(database_url, folder, start) as office:
        client_id = new(office.staff, "/v1/organizations", organization())["id"]
        wanted = application(client_id, session_minutes=[90, 60, 60, 60])
        engagement_id = new(office.staff, "/v1/applications", wanted)["id"]
        accept(office.staff, engagement_id)
        expert_id = new_expert(office.staff)
        other_id = new_expert(office.staff, active=False)
        week = Week(office, engagement_id, client_id, expert_id, other_id)
        week.subscribe(FeedOwner.ORGANIZATION, client_id, "ja")
        week.subscribe(FeedOwner.EXPERT, expert_id, "both")
        week.subscribe(FeedOwner.EXPERT, other_id, "en")
        week.subscribe(FeedOwner.OFFICE, "tokyo-2025", "ja")
        yield week


def programme_of(db: Database, reader: Reader, today: dt.date) -> list[Seen]:
    """Return what the database holds for somebody, on a day."""
    sessions = db.scalars(select(Session).join(Engagement).where(_owned_by(reader)))
    found = [_seen(reader, each, each) for each in sessions]
    left = select(SessionDeparture).where(SessionDeparture.expert_id == reader.id)
    for departure in db.scalars(left):
        session = db.get_one(Session, departure.session_id)
        if session.expert_id != reader.id:
            found.append(_seen(reader, session, departure))
    since = from_wall_time(dt.datetime.combine(today - GRACE, dt.time()))
    shown = [each for each in found if not each.cancelled or each.start_at >= since]
    return sorted(shown) or sorted(found)[-1:]


def _owned_by(reader: Reader) -> ColumnElement[bool]:
    if reader.kind == FeedOwner.ORGANIZATION:
        return Engagement.organization_id == reader.id
    if reader.kind == FeedOwner.OFFICE:
        return Engagement.programme_id == reader.id
    return Session.expert_id == reader.id


def _seen(reader: Reader, session: Session, times: Session | SessionDeparture) -> Seen:
    cancelled = session.status == SessionStatus.CANCELLED or times is not session
    return Seen(
        times.start_at,
        times.end_at,
        _summary(reader, session, cancelled=cancelled),
        cancelled=cancelled,
        uid=uid_of(session.id),
    )


def _summary(reader: Reader, session: Session, *, cancelled: bool) -> str:
    title = TITLES[session.phase]
    organization, expert = session.engagement.organization, session.expert
    met: dict[FeedOwner, tuple[Organization | Expert, ...]] = {
        FeedOwner.ORGANIZATION: (expert,),
        FeedOwner.EXPERT: (organization,),
        FeedOwner.OFFICE: (organization, expert),
    }
    ja, en = (
        mark.join(getattr(each, name) for each in met[reader.kind])
        for mark, name in (("・", "name_ja"), (", ", "name_en"))
    )
    japanese = f"専門家派遣 第{session.number}回 {title.ja}({ja})"
    english = f"Expert session {session.number}: {title.en} ({en})"
    prefix, text = {
        "ja": ("【中止】", japanese),
        "en": ("[Cancelled] ", english),
        "both": ("【中止】[Cancelled] ", f"{japanese} / {english}"),
    }[reader.language]
    return prefix + text if cancelled else text

"""A week of changes, followed from the database into the calendar programs of others.

Each day the office changes something by the service's own verbs; then everybody refreshes, and
every program shows exactly what the database holds, whoever reads it and in which language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select
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
from tests.clients.programs import (
    Evolution,
    Seen,
    Subscriber,
    read_with_calcurse,
    read_with_ical_js,
    running_evolution,
)
from tests.e2e.office import Office, all_of, done, opened_office

MONDAY = dt.date(2025, 7, 14)
DAY = dt.timedelta(days=1)
GRACE = 14 * DAY
LONGEST_WAIT_DAYS = 180
"""By then the sessions of the week are over."""

TITLES = {phase.id: phase.title for phase in read_rules("tokyo-2025").phases}
ILLNESS = {"party": "expert", "reason": "急病のため"}


@dataclass(frozen=True)
class Reader:
    """An expert or an organization that subscribes in each of the programs."""

    kind: FeedOwner
    id: str
    language: str
    url: str
    subscriber: Subscriber
    folder: Path


@dataclass
class Week:
    """The week as it goes on."""

    office: Office
    evolution: Evolution
    folder: Path
    engagement_id: str
    organization_id: str
    expert_id: str
    other_expert_id: str
    readers: list[Reader] = field(default_factory=list)

    @property
    def today(self) -> dt.date:
        """The day it is in Tokyo."""
        return wall_time(self.office.clock.moment).date()

    def subscribe(self, kind: FeedOwner, owner_id: str, language: str) -> None:
        """Give somebody a calendar, which all their programs show from now on."""
        body = {"owner_kind": kind, "owner_id": owner_id, "language": language}
        token = done(self.office.staff.post("/v1/feeds", body), 201)["token"]
        url = f"{self.office.url}/calendars/{token}.ics"
        folder = self.folder / owner_id
        folder.mkdir()
        subscriber = Subscriber(url, folder)
        self.readers.append(Reader(kind, owner_id, language, url, subscriber, folder))

    def sessions(self) -> list[dict[str, Any]]:
        """Those that are to take place, in the order of their numbers."""
        path = f"/v1/sessions?engagement={self.engagement_id}&status=confirmed"
        return sorted(all_of(self.office.staff, path), key=lambda each: int(each["number"]))

    def assign(self) -> None:
        """Ask for an expert and dates."""
        done(self.office.staff.post(f"/v1/engagements/{self.engagement_id}/assignment"))

    def change(self, path: str, changes: dict[str, Any]) -> requests.Response:
        """Edit a record as it is now."""
        state = self.office.staff.get(path).headers["ETag"]
        return self.office.staff.ask("PATCH", path, changes, If_Match=state)

    def move(self, session: dict[str, Any]) -> None:
        """Move a session to the next day on which it may take place."""
        start = dt.datetime.fromisoformat(session["start_at"])
        path = f"/v1/sessions/{session['id']}"
        days = (start + count * DAY for count in range(1, 8))
        assert any(self.change(path, {"start_at": day.isoformat()}).ok for day in days)

    def cancel(self, session: dict[str, Any]) -> None:
        """Cancel a session that is to come."""
        done(self.office.staff.post(f"/v1/sessions/{session['id']}/cancellation", ILLNESS))

    def replace_expert(self) -> None:
        """Let another expert serve, and a session in place of the cancelled one be planned."""
        done(self.change(f"/v1/experts/{self.other_expert_id}", {"active": True}))
        done(self.change(f"/v1/experts/{self.expert_id}", {"active": False}))
        self.assign()
        assert {each["expert"]["id"] for each in self.sessions()} == {self.other_expert_id}

    def rename_organization(self) -> None:
        """Give the organization other names."""
        names = {"name_ja": "改称後の協同組合, 東京", "name_en": "Renamed; Retailers, of Tokyo"}
        done(self.change(f"/v1/organizations/{self.organization_id}", names))

    def let_grace_pass(self) -> None:
        """Wait until no calendar shows any more what was cancelled."""
        path = f"/v1/sessions?engagement={self.engagement_id}"
        last = max(each["start_at"] for each in all_of(self.office.staff, path))
        day = dt.datetime.fromisoformat(last).date() + GRACE + DAY
        self.office.clock.move_to(day, 9)

    def end_day(self) -> list[int]:
        """Let everybody refresh and look in the evening; how many events each of them sees."""
        self.office.clock.move_to(self.today, 21)
        counts = []
        for reader in self.readers:
            with self.office.app.extensions["matcher"].reading() as db:
                expected = programme_of(db, reader, self.today)
            for program, seen in self._programs_show(reader).items():
                assert seen == as_kept_by(program, expected), (program, reader.id, self.today)
            counts.append(len(expected))
        self.office.clock.move_to(self.today + DAY, 9)
        return counts

    def _programs_show(self, reader: Reader) -> dict[str, list[Seen]]:
        content = requests.get(reader.url, timeout=10).content
        reader.subscriber.synchronize()
        import_folder = reader.folder / f"calcurse-{self.today}"
        import_folder.mkdir()
        return {
            "ical.js": read_with_ical_js(content),
            "Evolution": self.evolution.sees(reader.url),
            "khal": reader.subscriber.sees(MONDAY, LONGEST_WAIT_DAYS),
            "calcurse": read_with_calcurse(content, import_folder),
        }


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


def _owned_by(reader: Reader) -> Any:
    if reader.kind == FeedOwner.ORGANIZATION:
        return Engagement.organization_id == reader.id
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
    partner: Expert | Organization = session.engagement.organization
    if reader.kind == FeedOwner.ORGANIZATION:
        partner = session.expert
    japanese = f"専門家派遣 第{session.number}回 {title.ja}({partner.name_ja})"
    english = f"Expert session {session.number}: {title.en} ({partner.name_en})"
    prefix, text = {
        "ja": ("【中止】", japanese),
        "en": ("[Cancelled] ", english),
        "both": ("【中止】[Cancelled] ", f"{japanese} / {english}"),
    }[reader.language]
    return prefix + text if cancelled else text


def as_kept_by(program: str, events: list[Seen]) -> list[Seen]:
    """Return events as a program keeps them: not each keeps the UID, and calcurse no STATUS."""
    if program == "khal":
        return [replace(each, uid="") for each in events]
    if program == "calcurse":
        return [replace(each, uid="", cancelled=False) for each in events]
    return events


@pytest.fixture
def week(database_url: str, tmp_path: Path) -> Iterator[Week]:
    """An accepted application, the expert for it and another; all three subscribe."""
    start = from_wall_time(dt.datetime.combine(MONDAY, dt.time(9)))
    with (
        running_evolution(tmp_path) as evolution,
        opened_office(database_url, tmp_path / "var", start) as office,
    ):
        client_id = new(office.staff, "/v1/organizations", organization())["id"]
        wanted = application(client_id, session_minutes=[90, 60, 60, 60])
        engagement_id = new(office.staff, "/v1/applications", wanted)["id"]
        accept(office.staff, engagement_id)
        expert_id = new_expert(office.staff)
        other_id = new_expert(office.staff, active=False)
        week = Week(office, evolution, tmp_path, engagement_id, client_id, expert_id, other_id)
        week.subscribe(FeedOwner.ORGANIZATION, client_id, "ja")
        week.subscribe(FeedOwner.EXPERT, expert_id, "both")
        week.subscribe(FeedOwner.EXPERT, other_id, "en")
        yield week


def test_every_program_shows_what_the_database_holds_through_a_week_of_changes(week: Week) -> None:
    week.assign()
    assert week.end_day() == [4, 4, 0]

    week.move(week.sessions()[0])
    assert week.end_day() == [4, 4, 0]

    week.cancel(week.sessions()[3])
    assert week.end_day() == [4, 4, 0]

    week.replace_expert()
    assert week.end_day() == [5, 4, 4]

    week.rename_organization()
    assert week.end_day() == [5, 4, 4]

    week.let_grace_pass()
    assert week.end_day() == [4, 1, 4]

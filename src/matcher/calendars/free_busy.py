"""When an expert is free or not, as calendar programs ask for it (VFREEBUSY, RFC 5545 3.6.4).

It tells when and never why: nothing of whose session, which absence, which calendar.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from icalendar import Calendar, FreeBusy
from icalendar.prop import vPeriod
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.calendars.folding import folded
from matcher.calendars.identity import UID_DOMAIN
from matcher.calendars.organizer import OFFICE, Organizer
from matcher.calendars.rendering import PRODID
from matcher.clock import from_wall_time, wall_time
from matcher.errors import Invalid
from matcher.intervals import Interval, union, within, without
from matcher.models import Expert, Hold, Programme, Session, SessionStatus
from matcher.planning.stating.hours import whole_minutes
from solver.problem import WEEKDAYS

__all__ = ["FreeBusyTimes", "read_free_busy", "render_free_busy", "window_of"]

LONGEST: Final = dt.timedelta(days=400)
"""Longer than any programme; a program that asks for a century is told so."""


@dataclass(frozen=True)
class FreeBusyTimes:
    """An expert's time in a window, each moment of it under one heading at the most."""

    expert_id: str
    window: Interval
    busy: tuple[Interval, ...]
    """Sessions, absences, and busy times of the expert's own calendars."""
    tentative: tuple[Interval, ...]
    """Times on hold for an organization that is being asked."""
    unavailable: tuple[Interval, ...]
    """Outside of the weekly hours."""

    @property
    def by_type(self) -> Mapping[str, tuple[Interval, ...]]:
        """The same by the names that calendars have for it."""
        return {
            "BUSY": self.busy,
            "BUSY-TENTATIVE": self.tentative,
            "BUSY-UNAVAILABLE": self.unavailable,
        }


def window_of(
    db: Database, start: dt.datetime | None, end: dt.datetime | None, now: dt.datetime
) -> Interval:
    """The time that is asked for: by default from now to the end of the last programme.

    Raises:
        Invalid: it ends before it starts, or is too long.
    """
    start = start or now
    window = Interval(start, end or max(_last_moment(db), start + dt.timedelta(days=1)))
    if window.start >= window.end:
        raise Invalid(
            "until",
            "it is not after 'since'",
            f"give a moment after {start.isoformat()}",
            reason_ja="since より後の日時ではありません",
            remedy_ja=f"{start.isoformat()}より後の日時を指定してください",
        )
    if window.end - window.start > LONGEST:
        raise Invalid(
            "until",
            f"it is more than {LONGEST.days} days after 'since'",
            "ask for less at a time",
            reason_ja=f"since から{LONGEST.days}日を超えています",
            remedy_ja="期間を短くして指定してください",
        )
    return window


def _last_moment(db: Database) -> dt.datetime:
    """When the implementation period of the last programme ends."""
    last = max(
        (each.rules.implementation_period.last_day for each in db.scalars(select(Programme))),
        default=dt.date.min,
    )
    return from_wall_time(dt.datetime.combine(last + dt.timedelta(days=1), dt.time()))


def read_free_busy(
    db: Database, expert: Expert, window: Interval, now: dt.datetime
) -> FreeBusyTimes:
    """Read when an expert is not free, to the minute as a plan takes it.

    What is held now holds until it is answered. Of what depends on the session that is to be placed
    nothing is told: the way there, caps, and the days on which a programme is closed.
    """
    away = [whole_minutes(each.start_at, each.end_at) for each in expert.unavailable]
    busy = union(within([*away, *_sessions(db, expert, window)], window))
    held = union(without(within(_held(db, expert, now), window), busy))
    closed = without([window], [*_open(expert, window), *busy, *held])
    return FreeBusyTimes(expert.id, window, busy, held, tuple(closed))


def _sessions(db: Database, expert: Expert, window: Interval) -> Iterator[Interval]:
    standing = select(Session.start_at, Session.end_at).where(
        Session.expert_id == expert.id,
        Session.status != SessionStatus.CANCELLED,
        Session.start_at < window.end,
        Session.end_at > window.start,
    )
    for start_at, end_at in db.execute(standing):
        yield Interval(start_at, end_at)


def _held(db: Database, expert: Expert, now: dt.datetime) -> Iterator[Interval]:
    holds = select(Hold).where(
        Hold.expert_id == expert.id, Hold.ended_at.is_(None), Hold.held_until > now
    )
    for hold in db.scalars(holds):
        for own in hold.sessions:
            yield Interval(own.start_at, own.end_at)


def _open(expert: Expert, window: Interval) -> Iterator[Interval]:
    """The weekly hours on each day of a window."""
    day, last = wall_time(window.start).date(), wall_time(window.end).date()
    while day <= last:
        for hours in expert.weekly_hours:
            if hours.weekday == WEEKDAYS[day.weekday()]:
                opens, closes = (
                    from_wall_time(dt.datetime.combine(day, each))
                    for each in (hours.opens, hours.closes)
                )
                yield Interval(opens, closes)
        day += dt.timedelta(days=1)


def render_free_busy(
    times: FreeBusyTimes, now: dt.datetime, organizer: Organizer = OFFICE
) -> bytes:
    """Write it as a calendar that is published, in UTC."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODID)
    calendar.add("method", "PUBLISH")
    component = FreeBusy()
    component.add("uid", f"free-busy-{times.expert_id}@{UID_DOMAIN}")
    component.add("dtstamp", now)
    component.add("dtstart", times.window.start)
    component.add("dtend", times.window.end)
    component.add("organizer", f"mailto:{organizer.address}")
    for kind, intervals in times.by_type.items():
        if intervals:
            component.add("freebusy", _periods(intervals), parameters={"FBTYPE": kind})
    calendar.add_component(component)
    return folded(calendar)


def _periods(intervals: Iterable[Interval]) -> list[vPeriod]:
    return [vPeriod((each.start, each.end)) for each in intervals]

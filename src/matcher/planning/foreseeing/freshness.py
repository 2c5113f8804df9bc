"""Whether what was computed ahead is still of today, and stands on what is on record."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from sqlalchemy import JSON, ColumnElement, Select, func, select, type_coerce, union_all
from sqlalchemy.orm import Session as Database

from matcher.audit.scope import name_of
from matcher.clock import wall_time
from matcher.models import (
    Application,
    ApplicationAbsence,
    AuditEntry,
    Base,
    BusyCalendar,
    ConflictOfInterest,
    Engagement,
    Expert,
    ExpertAbsence,
    FeedOwner,
    Hold,
    Organization,
    Pin,
    Programme,
    Session,
    StoredForecast,
    StoredRehearsal,
)
from matcher.planning.stating.ground import latest_release_number

ANEW_EVERY: Final = dt.timedelta(minutes=10)
"""How often what has been computed is computed anew because records change."""

OF_EXPERTS: Final = (Expert, ExpertAbsence, ConflictOfInterest)
"""Experts serve every programme."""


class Outdated(StrEnum):
    """What has changed since something was computed."""

    RELEASE = "release"
    DAY = "day"
    RECORDS = "records"


Kept = StoredForecast | StoredRehearsal


@dataclass(frozen=True)
class Present:
    """What there is at a moment, by which what was computed before is known to be of it or not.

    It is looked at before the records are read that something is computed from: what is changed in
    between is computed once more than it had to be, and never missed.
    """

    now: dt.datetime
    release_number: int
    ground: str
    """Another one after each change of what decides what fits in the programme."""

    @classmethod
    def of(cls, db: Database, programme_id: str, now: dt.datetime) -> Self:
        """Look at what there is."""
        return cls(now, latest_release_number(db, programme_id), _ground(db, programme_id, now))

    def outdates(self, kept: Kept) -> Outdated | None:
        """Why what was computed is not of this moment any more; None: it is."""
        if kept.release_number != self.release_number:
            return Outdated.RELEASE
        if kept.day != wall_time(self.now).date():
            return Outdated.DAY
        return Outdated.RECORDS if kept.ground != self.ground else None

    def needs_anew(self, kept: Kept) -> bool:
        """Whether it is to be computed anew by now."""
        because = self.outdates(kept)
        if because is Outdated.RECORDS:
            return self.now - kept.computed_at >= ANEW_EVERY
        return because is not None


def _ground(db: Database, programme_id: str, now: dt.datetime) -> str:
    # The entries are counted, as none is ever deleted: each that is committed makes them more. The
    # newest tells less. On PostgreSQL one may be committed after others that have a higher id and
    # a later time than its own.
    counts = union_all(*(_count(each) for each in _entries(programme_id))).subquery()
    # Times on hold are free again when they lapse, though no record changes then.
    lapsed = select(func.count()).where(
        Hold.programme_id == programme_id, Hold.ended_at.is_(None), Hold.held_until <= now
    )
    parts = (
        db.scalar(select(func.sum(counts.c.number))),
        db.scalar(lapsed),
        *db.execute(_busy_calendars(programme_id)),
    )
    return hashlib.sha256(str(parts).encode()).hexdigest()


def _count(wanted: ColumnElement[bool]) -> Select[int]:
    return select(func.count().label("number")).select_from(AuditEntry).where(wanted)


def _entries(programme_id: str) -> Iterator[ColumnElement[bool]]:
    """The entries about what decides what fits in a programme, each one once."""
    kind, records = AuditEntry.kind, _records(programme_id)
    yield kind.in_([name_of(each) for each in OF_EXPERTS])
    for model, ids in records.items():
        yield (kind == name_of(model)) & AuditEntry.record_id.in_(ids)
    # Absences are deleted when there are new ones: only their entries tell whose they were.
    was, became = (
        type_coerce(side, JSON)["application_id"].as_string()
        for side in (AuditEntry.before, AuditEntry.after)
    )
    whose = func.coalesce(was, became)
    yield (kind == name_of(ApplicationAbsence)) & whose.in_(records[Application])


def _busy_calendars(programme_id: str) -> Select[str, int]:
    """How often each that tells of busy times has changed: the audit speaks of none of them."""
    organizations = _records(programme_id)[Organization]
    of_programme = (BusyCalendar.owner_kind == FeedOwner.EXPERT) | BusyCalendar.owner_id.in_(
        organizations
    )
    return (
        select(BusyCalendar.id, BusyCalendar.changes)
        .where(BusyCalendar.changes > 0, of_programme)
        .order_by(BusyCalendar.id)
    )


def _records(programme_id: str) -> dict[type[Base], Select[str]]:
    """The ids of the records of a programme, by their kind."""
    asked = Application.programme_id == programme_id
    return {
        Programme: select(Programme.id).where(Programme.id == programme_id),
        Application: select(Application.id).where(asked),
        Organization: select(Application.organization_id).where(asked),
        Engagement: select(Engagement.id).where(Engagement.programme_id == programme_id),
        Session: select(Session.id).join(Engagement).where(Engagement.programme_id == programme_id),
        Hold: select(Hold.id).where(Hold.programme_id == programme_id),
        Pin: select(Pin.id).where(Pin.programme_id == programme_id),
    }

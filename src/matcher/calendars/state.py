"""What the database holds for a feed: an owner's sessions, and nothing of anyone else.

Rows are read as they lie, words as text: one that says something unheard of fails by itself where
it is put into words, and not all others with it.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    case,
    false,
    literal,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time, wall_time
from matcher.errors import NotFound
from matcher.models import (
    Application,
    AuditAction,
    AuditEntry,
    Engagement,
    Expert,
    Feed,
    FeedLanguage,
    FeedOwner,
    Organization,
    Programme,
    Session,
    SessionDeparture,
    SessionStatus,
)
from matcher.programme import ProgrammeRules, Specialty

PARTIES: Final[Mapping[FeedOwner, type[Expert | Organization]]] = {
    FeedOwner.EXPERT: Expert,
    FeedOwner.ORGANIZATION: Organization,
}
"""Who meet in sessions."""

OWNERS: Final[Mapping[FeedOwner, type[Expert | Organization | Programme]]] = {
    **PARTIES,
    FeedOwner.OFFICE: Programme,
}
"""Who has a calendar; the office has one of each programme."""

MONTHS_BACK: Final = 3
MONTHS_AHEAD: Final = 18
MAX_EVENTS: Final = 1000
"""Google reads no feed beyond about 1,100 events."""

GRACE: Final = dt.timedelta(days=14)
"""How long after its start a cancelled session stays: a slow client asks once a day."""


class Owner(NamedTuple):
    """The expert, organization or programme whose feed it is, by name."""

    name_ja: str
    name_en: str
    renamed_at: dt.datetime | None
    """None: it is as it was registered."""


class VisibleSession(NamedTuple):
    """A session joined with all that a reader of a feed may see of it."""

    session_id: str
    number: int
    phase: str
    purpose: str
    engagement_id: str
    expert_id: str
    """Who serves it now, also where it has departed."""
    organization_id: str
    programme_id: str
    reworded_at: dt.datetime | None
    """When the texts of the phases last changed; None: never."""

    organization_ja: str
    organization_en: str
    organization_renamed_at: dt.datetime | None
    expert_ja: str
    expert_en: str
    expert_renamed_at: dt.datetime | None
    place_ja: str
    place_en: str
    municipality_code: str | None
    meeting_url: str | None
    status: str
    start_at: dt.datetime
    end_at: dt.datetime
    sequence: int
    revised_at: dt.datetime
    departed: bool
    """It went to another expert; times and sequence are those of the departure."""


@dataclass(frozen=True)
class FeedState:
    """What the database holds for a feed at a moment; a feed's bytes depend on nothing else."""

    reader: FeedOwner
    language: FeedLanguage
    owner: Owner
    specialty: Specialty | None
    """Of the office's: the one whose sessions it has; None: all of them."""

    day_began_at: dt.datetime
    """The last midnight in Tokyo; what only time changes in a feed changes there."""

    sessions: tuple[VisibleSession, ...]
    """In order of start: those of the window, or the last of all where it has none."""

    rules: Mapping[str, ProgrammeRules]
    """Of the programmes of the sessions, and of the one that owns the feed, by id."""


def read_state(db: Database, feed: Feed, now: dt.datetime) -> FeedState:
    """Read what a feed shows at a moment, in a few queries, however many sessions there are.

    Raises:
        NotFound: its owner is not kept any more.
    """
    today = wall_time(now).date()
    rows = _sessions(db, feed)
    shown = _shown(rows, today)
    # Clients take a feed without events for a fault and keep what they had: one event stays.
    sessions = (
        _nearest(db, rows, shown, today, MAX_EVENTS)
        or _newest(db, rows)
        or _newest_before(db, feed)
    )
    return _state(db, feed, sessions, today)


def read_all(
    db: Database,
    feed: Feed,
    now: dt.datetime,
    *,
    session_id: str | None = None,
    engagement_id: str | None = None,
) -> FeedState:
    """Read every session that a feed's owner ever had, or those of one engagement, or one.

    Raises:
        NotFound: its owner is not kept any more.
    """
    rows = _sessions(db, feed)
    wanted = select(rows).order_by(rows.c.start_at, rows.c.session_id, rows.c.sequence)
    if session_id is not None:
        wanted = wanted.where(rows.c.session_id == session_id)
    if engagement_id is not None:
        wanted = wanted.where(rows.c.engagement_id == engagement_id)
    sessions = tuple(VisibleSession(*row) for row in db.execute(wanted))
    return _state(db, feed, sessions, wall_time(now).date())


def _state(
    db: Database, feed: Feed, sessions: tuple[VisibleSession, ...], today: dt.date
) -> FeedState:
    programmes = {each.programme_id for each in sessions}
    if feed.owner_kind == FeedOwner.OFFICE:
        programmes.add(feed.owner_id)
    found = select(Programme.id, Programme.rules).where(Programme.id.in_(programmes))
    return FeedState(
        reader=feed.owner_kind,
        language=feed.language,
        owner=_owner(db, feed),
        specialty=feed.specialty,
        day_began_at=_midnight(today),
        sessions=sessions,
        rules={row.id: row.rules for row in db.execute(found)},
    )


def _owner(db: Database, feed: Feed) -> Owner:
    if feed.owner_kind == FeedOwner.OFFICE:
        return _office(db, feed.owner_id)
    table = PARTIES[feed.owner_kind]
    columns = select(table.name_ja, table.name_en, table.renamed_at)
    found = db.execute(columns.where(table.id == feed.owner_id)).one_or_none()
    if found is None:
        raise NotFound(feed.owner_kind, feed.owner_id)
    return Owner(*found)


def _office(db: Database, programme_id: str) -> Owner:
    programme = db.get(Programme, programme_id)
    if programme is None:
        raise NotFound("programme", programme_id)
    name = programme.rules.name
    return Owner(name.ja, name.en, programme.reworded_at)


def _sessions(db: Database, feed: Feed) -> Subquery:
    """Every session the owner ever had, with the columns of VisibleSession."""
    if feed.owner_kind == FeedOwner.EXPERT:
        return _with_departures([feed.owner_id], true())
    if feed.owner_kind == FeedOwner.ORGANIZATION:
        return _joined(Session).where(Engagement.organization_id == feed.owner_id).subquery()
    of_programme = Engagement.programme_id == feed.owner_id
    if feed.specialty is None:
        return _joined(Session).where(of_programme).subquery()
    return _with_departures(_experts_of(db, feed), of_programme)


def _with_departures(expert_ids: Sequence[str], condition: ColumnElement[bool]) -> Subquery:
    """The sessions of some experts, and those that went from them to others."""
    kept = _joined(Session).where(condition, Session.expert_id.in_(expert_ids))
    left = (
        _joined(SessionDeparture)
        .join(SessionDeparture, SessionDeparture.session_id == Session.id)
        .where(
            condition,
            SessionDeparture.expert_id.in_(expert_ids),
            Session.expert_id.not_in(expert_ids),
        )
    )
    return union_all(kept, left).subquery()


def _experts_of(db: Database, feed: Feed) -> list[str]:
    """The experts with a qualification that stands for the feed's specialty, by id."""
    wanted = _qualifications_of(db, feed)
    experts = db.execute(select(Expert.id, Expert.qualifications))
    return [row.id for row in experts if wanted.intersection(row.qualifications)]


def _former_experts_of(db: Database, feed: Feed) -> list[str]:
    """The experts who have had such a qualification, by id."""
    wanted = _qualifications_of(db, feed)
    changed = db.execute(
        select(AuditEntry.record_id, AuditEntry.before).where(
            AuditEntry.kind == "expert", AuditEntry.action == AuditAction.CHANGED
        )
    )
    had = {id for id, before in changed if wanted.intersection(before.get("qualifications", ()))}
    return sorted(had)


def _qualifications_of(db: Database, feed: Feed) -> frozenset[str]:
    """The qualifications that stand for the feed's specialty."""
    programme = db.get(Programme, feed.owner_id)
    if programme is None:
        raise NotFound("programme", feed.owner_id)
    specialties = [each for each in programme.rules.specialties if each.id == feed.specialty]
    return frozenset(own.id for each in specialties for own in each.qualifications)


def _shown(rows: Subquery, today: dt.date) -> ColumnElement[bool]:
    """Return whether a session lies in the window, and if cancelled, in its days of grace."""
    start_at = rows.c.start_at
    return and_(
        start_at >= _midnight(today, months=-MONTHS_BACK),
        start_at < _midnight(today, months=MONTHS_AHEAD),
        or_(
            and_(rows.c.status != SessionStatus.CANCELLED.value, rows.c.departed == false()),
            start_at >= _midnight(today) - GRACE,
        ),
    )


def _joined(times: type[Session | SessionDeparture]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Session.id.label("session_id"),
            Session.number,
            type_coerce(Session.phase, Text).label("phase"),
            type_coerce(Application.purpose, Text).label("purpose"),
            Session.engagement_id,
            Session.expert_id,
            Engagement.organization_id,
            Engagement.programme_id,
            Programme.reworded_at,
            Organization.name_ja.label("organization_ja"),
            Organization.name_en.label("organization_en"),
            Organization.renamed_at.label("organization_renamed_at"),
            Expert.name_ja.label("expert_ja"),
            Expert.name_en.label("expert_en"),
            Expert.renamed_at.label("expert_renamed_at"),
            Session.place_ja,
            Session.place_en,
            Session.municipality_code,
            Session.meeting_url,
            type_coerce(Session.status, Text).label("status"),
            times.start_at.label("start_at"),
            times.end_at.label("end_at"),
            times.sequence.label("sequence"),
            times.revised_at.label("revised_at"),
            literal(times is SessionDeparture).label("departed"),
        )
        .select_from(Session)
        .join(Engagement, Engagement.id == Session.engagement_id)
        .join(Application, Application.id == Engagement.application_id)
        .join(Programme, Programme.id == Engagement.programme_id)
        .join(Organization, Organization.id == Engagement.organization_id)
        .join(Expert, Expert.id == Session.expert_id)
    )


def _nearest(
    db: Database, rows: Subquery, condition: ColumnElement[bool], today: dt.date, limit: int
) -> tuple[VisibleSession, ...]:
    """Read the next sessions and, as far as there is room, the last ones, in order of start."""
    is_past = rows.c.start_at < _midnight(today)
    nearest_first = (
        case((is_past, 1), else_=0),
        case((is_past, None), else_=rows.c.start_at),
        rows.c.start_at.desc(),
        rows.c.session_id,
    )
    found = db.execute(select(rows).where(condition).order_by(*nearest_first).limit(limit))
    sessions = sorted((VisibleSession(*row) for row in found), key=lambda each: each.sequence)
    # One that has left several experts of a specialty is shown as it left the last of them.
    last = {each.session_id: each for each in sessions}
    return tuple(sorted(last.values(), key=lambda each: (each.start_at, each.session_id)))


def _newest(db: Database, rows: Subquery) -> tuple[VisibleSession, ...]:
    """Read the last session of all, if there ever was one."""
    last_first = (rows.c.start_at.desc(), rows.c.session_id.desc())
    found = db.execute(select(rows).order_by(*last_first).limit(1))
    return tuple(VisibleSession(*row) for row in found)


def _newest_before(db: Database, feed: Feed) -> tuple[VisibleSession, ...]:
    """Read the last session of those who were of a specialty once, as the audit knows."""
    if feed.specialty is None:
        return ()
    of_programme = Engagement.programme_id == feed.owner_id
    return _newest(db, _with_departures(_former_experts_of(db, feed), of_programme))


def _midnight(day: dt.date, *, months: int = 0) -> dt.datetime:
    """Return the moment at which a day begins in Tokyo, or the same day some months from it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_day = monthrange(year, month + 1)[1]
    moved = dt.date(year, month + 1, min(day.day, last_day))
    return from_wall_time(dt.datetime.combine(moved, dt.time()))

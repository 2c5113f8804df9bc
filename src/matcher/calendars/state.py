"""What the database holds for a feed: an owner's sessions, and nothing of anyone else."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    false,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time, wall_time
from matcher.errors import NotFound
from matcher.models import (
    Application,
    Engagement,
    Expert,
    Feed,
    FeedLanguage,
    FeedOwner,
    Organization,
    Programme,
    Purpose,
    Session,
    SessionDeparture,
    SessionStatus,
)
from matcher.programme import Phase

OWNERS: Final[Mapping[FeedOwner, type[Expert | Organization]]] = {
    FeedOwner.EXPERT: Expert,
    FeedOwner.ORGANIZATION: Organization,
}
"""Who has a calendar."""

MONTHS_BACK: Final = 3
MONTHS_AHEAD: Final = 18
MAX_EVENTS: Final = 1000
"""Google reads no feed beyond about 1,100 events."""

GRACE: Final = dt.timedelta(days=14)
"""How long after its start a cancelled session stays: a slow client asks once a day."""


class Owner(NamedTuple):
    """The expert or organization whose feed it is, by name."""

    name_ja: str
    name_en: str
    revised_at: dt.datetime | None
    """None: it is as it was registered."""


class VisibleSession(NamedTuple):
    """A session joined with all that a reader of a feed sees of it."""

    session_id: str
    number: int
    phase: Phase
    purpose: Purpose
    programme_id: str
    programme_revised_at: dt.datetime
    """Tells that the texts of the phases are other ones now."""

    partner_ja: str
    partner_en: str
    partner_revised_at: dt.datetime | None
    """None: it is as it was registered."""

    place_ja: str
    place_en: str
    municipality_code: str | None
    meeting_url: str | None
    status: SessionStatus
    start_at: dt.datetime
    end_at: dt.datetime
    sequence: int
    session_revised_at: dt.datetime
    departed: bool
    """It went to another expert; times and sequence are those of the departure."""

    @property
    def revised_at(self) -> dt.datetime:
        """When the session or its partner last changed."""
        return max(self.session_revised_at, self.partner_revised_at or self.session_revised_at)


@dataclass(frozen=True)
class FeedState:
    """What the database holds for a feed at a moment; a feed's bytes depend on nothing else."""

    reader: FeedOwner
    language: FeedLanguage
    owner: Owner
    day_began_at: dt.datetime
    """The last midnight in Tokyo; what only time changes in a feed changes there."""

    sessions: tuple[VisibleSession, ...]
    """In order of start: those of the window, or the last of all where it has none."""


def read_state(db: Database, feed: Feed, now: dt.datetime) -> FeedState:
    """Read what a feed shows at a moment; two queries, a third where its window is empty.

    Raises:
        NotFound: its owner is not kept any more.
    """
    today = wall_time(now).date()
    rows = _sessions(feed)
    shown = _shown(rows, today)
    # Clients take a feed without events for a fault and keep what they had: one event stays.
    sessions = _newest(db, rows, shown, MAX_EVENTS) or _newest(db, rows, true(), 1)
    return FeedState(
        reader=feed.owner_kind,
        language=feed.language,
        owner=_owner(db, feed),
        day_began_at=_midnight(today),
        sessions=sessions,
    )


def _owner(db: Database, feed: Feed) -> Owner:
    table = OWNERS[feed.owner_kind]
    columns = select(table.name_ja, table.name_en, _revised_at(table))
    found = db.execute(columns.where(table.id == feed.owner_id)).one_or_none()
    if found is None:
        raise NotFound(feed.owner_kind, feed.owner_id)
    return Owner(*found)


def _sessions(feed: Feed) -> Subquery:
    """Every session the owner ever had, with the columns of VisibleSession."""
    if feed.owner_kind == FeedOwner.ORGANIZATION:
        own = _joined(Expert, Session).join(Expert, Expert.id == Session.expert_id)
        return own.where(Engagement.organization_id == feed.owner_id).subquery()
    kept = _joined(Organization, Session).where(Session.expert_id == feed.owner_id)
    left = (
        _joined(Organization, SessionDeparture)
        .join(SessionDeparture, SessionDeparture.session_id == Session.id)
        .where(SessionDeparture.expert_id == feed.owner_id, Session.expert_id != feed.owner_id)
    )
    served = Organization.id == Engagement.organization_id
    return union_all(kept.join(Organization, served), left.join(Organization, served)).subquery()


def _shown(rows: Subquery, today: dt.date) -> ColumnElement[bool]:
    """Return whether a session lies in the window, and if cancelled, in its days of grace."""
    start_at = rows.c.start_at
    return and_(
        start_at >= _midnight(today, months=-MONTHS_BACK),
        start_at < _midnight(today, months=MONTHS_AHEAD),
        or_(
            and_(rows.c.status != SessionStatus.CANCELLED, rows.c.departed == false()),
            start_at >= _midnight(today) - GRACE,
        ),
    )


def _joined(
    partner: type[Expert | Organization], times: type[Session | SessionDeparture]
) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Session.id.label("session_id"),
            Session.number,
            Session.phase,
            Application.purpose,
            Engagement.programme_id,
            Programme.revised_at.label("programme_revised_at"),
            partner.name_ja.label("partner_ja"),
            partner.name_en.label("partner_en"),
            _revised_at(partner).label("partner_revised_at"),
            Session.place_ja,
            Session.place_en,
            Session.municipality_code,
            Session.meeting_url,
            Session.status,
            times.start_at.label("start_at"),
            times.end_at.label("end_at"),
            times.sequence.label("sequence"),
            times.revised_at.label("session_revised_at"),
            literal(times is SessionDeparture).label("departed"),
        )
        .select_from(Session)
        .join(Engagement, Engagement.id == Session.engagement_id)
        .join(Application, Application.id == Engagement.application_id)
        .join(Programme, Programme.id == Engagement.programme_id)
    )


def _revised_at(table: type[Expert | Organization]) -> ColumnElement[dt.datetime | None]:
    return case((table.version > 1, table.revised_at))


def _newest(
    db: Database, rows: Subquery, condition: ColumnElement[bool], limit: int
) -> tuple[VisibleSession, ...]:
    """Read the last sessions, in order of start: what is capped off is the past."""
    last_first = (rows.c.start_at.desc(), rows.c.session_id.desc())
    found = db.execute(select(rows).where(condition).order_by(*last_first).limit(limit)).all()
    return tuple(VisibleSession(*row) for row in reversed(found))


def _midnight(day: dt.date, *, months: int = 0) -> dt.datetime:
    """Return the moment at which a day begins in Tokyo, or the same day some months from it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_day = monthrange(year, month + 1)[1]
    moved = dt.date(year, month + 1, min(day.day, last_day))
    return from_wall_time(dt.datetime.combine(moved, dt.time()))

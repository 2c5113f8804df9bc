"""One session after it was published: its phase, and calling it off."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, NotFound
from matcher.models import Engagement, EngagementState, Session, SessionStatus
from matcher.programme import PhaseRules, ProgrammeRules


def phase_of(engagement: Engagement, number: int) -> PhaseRules:
    """The phase of one of an engagement's sessions, by its number."""
    rules: ProgrammeRules = engagement.application.programme.rules
    return rules.phase(number, max(number, len(engagement.session_minutes)))


def cancel_session(db: Database, session_id: str, now: dt.datetime) -> Session:
    """Call one session off; it stays on record, and later ones move up by a number.

    So the sessions that stand are always numbered 1, 2, … in the order in which they take place,
    and a session that is planned in its stead comes after them.

    Raises:
        NotFound: there is no such session.
        Conflict: it is not to come any more.
    """
    session = db.get(Session, session_id)
    if session is None:
        raise NotFound("session", session_id)
    db.refresh(session.engagement, with_for_update=True)  # it takes turns with publishing
    db.refresh(session)
    if session.status != SessionStatus.CONFIRMED or session.start_at <= now:
        raise Conflict(
            f"Only a confirmed session that is still to come can be cancelled; this one is "
            f"{session.status} for {session.start_at:%Y-%m-%d %H:%M} UTC.",
            f"取り消せるのは、これから行う確定済みの派遣だけです(状態: {session.status})。",
            status=session.status,
        )
    session.status = SessionStatus.CANCELLED
    _revise(session, now)
    db.flush()
    _move_up(db, session, now)
    return session


def _move_up(db: Database, cancelled: Session, now: dt.datetime) -> None:
    engagement = cancelled.engagement
    standing = db.scalars(
        select(Session)
        .where(Session.engagement_id == engagement.id)
        .where(Session.status != SessionStatus.CANCELLED)
        .order_by(Session.number)
    ).all()
    for number, session in enumerate(standing, 1):
        if session.number != number:
            session.number = number
            session.phase = phase_of(engagement, number).id
            _revise(session, now)
            db.flush()  # one by one: the database allows each number once
    if not standing and engagement.state == EngagementState.PLANNED:
        engagement.state = EngagementState.WAITING
        db.flush()


def _revise(session: Session, now: dt.datetime) -> None:
    """Make calendars take the session for changed."""
    session.sequence += 1
    session.revised_at = now

"""One session after it was published: its phase, and calling it off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.delivery.transitions import Step, state_after
from matcher.errors import Conflict, NotFound
from matcher.fields import Line
from matcher.locks import ROW
from matcher.models import (
    Engagement,
    EngagementState,
    Party,
    Session,
    SessionLapse,
    SessionStatus,
)
from matcher.notices.composition import tell_of_schedules
from matcher.planning.stating.pinning import require_loose
from matcher.programme import PhaseRules, ProgrammeRules, Words
from matcher.registry import Draft

STATUSES_JA: Mapping[SessionStatus, str] = MappingProxyType(
    {
        SessionStatus.CONFIRMED: "確定",
        SessionStatus.CANCELLED: "取消し",
        SessionStatus.HELD: "実施済み",
        SessionStatus.MISSED: "不実施",
    }
)
"""What people read in Japanese."""


class LapseDraft(Draft):
    """Why a session does not take place, or did not."""

    party: Party
    reason: Line


def phase_of(engagement: Engagement, number: int) -> PhaseRules:
    """The phase of one of an engagement's sessions, by its number."""
    rules: ProgrammeRules = engagement.application.programme.rules
    return rules.phase(number, max(number, len(engagement.session_minutes)))


def cancel_session(
    db: Database, session_id: str, draft: LapseDraft, by: str, now: dt.datetime
) -> Session:
    """Call one session off, before or after its time; later ones move up by a number.

    It stays on record, with who it was cancelled because of and why. So the sessions that stand are
    always numbered 1, 2, … in the order in which they take place, and a session that is planned in
    its stead comes after them.

    Raises:
        NotFound: there is no such session.
        Conflict: it is cancelled already, was reported on, or is pinned, or its engagement is
            completed.
    """
    session = session_for_change(db, session_id)
    state_after(session.engagement, Step.CANCEL_SESSION)
    require_confirmed(session, Words(ja="取り消せる", en="cancelled"))
    require_loose(db, session)
    session.status = SessionStatus.CANCELLED
    session.lapse = lapse(draft, by, now)
    revise_session(session, now)
    db.flush()
    _move_up(db, session, now)
    tell_of_schedules(db, [session.engagement_id], by, now)
    return session


def free_future_sessions(engagement: Engagement, now: dt.datetime) -> None:
    """Cancel the sessions that are still to come: the engagement ends before them."""
    for session in engagement.sessions:
        if session.status == SessionStatus.CONFIRMED and session.start_at > now:
            session.status = SessionStatus.CANCELLED
            revise_session(session, now)


def session_for_change(db: Database, session_id: str) -> Session:
    """A session as it is now, which nobody else changes until the transaction ends.

    Raises:
        NotFound: there is no such session.
    """
    session = db.get(Session, session_id)
    if session is None:
        raise NotFound("session", session_id)
    db.refresh(
        session.engagement, with_for_update={"of": Engagement, **ROW}
    )  # it takes turns with publishing
    db.refresh(session)
    return session


def require_confirmed(session: Session, done: Words) -> None:
    """Let only a session pass that stands as it was published; `done` is what is to be done.

    Raises:
        Conflict: it was cancelled or reported on.
    """
    if session.status != SessionStatus.CONFIRMED:
        raise Conflict(
            f"Only a confirmed session can be {done.en}; this one is {session.status}.",
            f"{done.ja}のは確定した派遣だけです(状態: {STATUSES_JA[session.status]})。",
            session_status=session.status,
        )


def lapse(draft: LapseDraft, by: str, now: dt.datetime) -> SessionLapse:
    """Keep why a session does not take place."""
    return SessionLapse(party=draft.party, reason=draft.reason, recorded_by=by, recorded_at=now)


def revise_session(session: Session, now: dt.datetime) -> None:
    """Make calendars take the session for changed."""
    session.sequence += 1
    session.revised_at = now


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
            revise_session(session, now)
            db.flush()  # one by one: the database allows each number once
    if not standing and engagement.state == EngagementState.PLANNED:
        engagement.state = EngagementState.WAITING
        db.flush()

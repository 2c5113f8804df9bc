"""Who is to be told of a session by mail: queued in the transaction that changes it.

Heard of here, whoever changes a session, so that no change can be forgotten. A party is told that
wants its sessions by mail, and any party of a change close at hand, because a program that
subscribes to a calendar may ask only once a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, event, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstanceState, UOWTransaction, sessionmaker
from sqlalchemy.orm import Session as Database

from matcher.audit.actor import who_acts
from matcher.models import (
    CalendarBy,
    Engagement,
    Expert,
    FeedOwner,
    Invitation,
    InvitationState,
    Organization,
    Session,
    SessionStatus,
    new_identifier,
)

CLOSE: Final = dt.timedelta(hours=48)
"""A change of what takes place, or was to take place, within this time is always mailed."""

_Insert = postgresql.Insert | sqlite.Insert
INSERTS: Final[Mapping[str, Callable[[type[Invitation]], _Insert]]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
"""Of each database the statement that inserts or else updates."""

_TOLD: Final = ("expert_id", "start_at", "end_at", "sequence")
"""Fields whose change a party is told of; `sequence` stands for all that calendars follow."""


class _Party(NamedTuple):
    """Somebody who takes part in a session."""

    session_id: str
    kind: FeedOwner
    id: str


def keep_invitations(sessions: sessionmaker[Database]) -> None:
    """Have a factory's sessions queue invitations for what they change."""
    event.listen(sessions, "after_flush", _hear_of_flush)


def queue_again(db: Database, invitation: Invitation) -> None:
    """Have an invitation mailed once more, as its session is by then."""
    _queue(db, [_Party(invitation.session_id, invitation.party_kind, invitation.party_id)])
    db.refresh(invitation)


def _hear_of_flush(db: Database, _context: UOWTransaction) -> None:
    sessions = [each for each in (*db.new, *db.dirty) if isinstance(each, Session)]
    changed = [each for each in sessions if _is_news(each)]
    if changed:
        _queue_changes(db, changed)
    for record in db.dirty:
        if isinstance(record, Expert) and _is_invited_anew(record, "email"):
            _queue(db, _to_come(db, FeedOwner.EXPERT, record.id, Session.expert_id == record.id))
        elif isinstance(record, Organization) and _is_invited_anew(record, "contact_email"):
            own = Engagement.organization_id == record.id
            _queue(db, _to_come(db, FeedOwner.ORGANIZATION, record.id, own))


def _is_news(session: Session) -> bool:
    """Whether a flush writes of a session what its parties are to know: not that it was held."""
    if session.status not in {SessionStatus.CONFIRMED, SessionStatus.CANCELLED}:
        return False
    fields = inspect(session).attrs
    return _was_called_off(session) or any(fields[each].history.has_changes() for each in _TOLD)


def _was_called_off(session: Session) -> bool:
    history = inspect(session).attrs.status.history
    return SessionStatus.CANCELLED in (*history.added, *history.deleted)


def _queue_changes(db: Database, sessions: Iterable[Session]) -> None:
    now = who_acts(db).clock()
    parties: dict[_Party, bool] = {}
    organizations = _organizations_of(db, sessions)
    for session in sessions:
        is_close = any(now <= each < now + CLOSE for each in _times_of(session))
        for expert_id in _experts_of(session):
            parties[_Party(session.id, FeedOwner.EXPERT, expert_id)] = is_close
        own = organizations[session.engagement_id]
        parties[_Party(session.id, FeedOwner.ORGANIZATION, own)] = is_close
    invited = _invited(db, parties)
    _queue(
        db,
        [each for each, is_close in parties.items() if is_close or (each.kind, each.id) in invited],
    )


def _times_of(session: Session) -> Iterator[dt.datetime]:
    """When it begins, and when it was to begin."""
    yield session.start_at
    yield from inspect(session).attrs.start_at.history.deleted


def _experts_of(session: Session) -> Iterator[str]:
    """Who serves it, and who was to serve it."""
    yield session.expert_id
    yield from inspect(session).attrs.expert_id.history.deleted


def _organizations_of(db: Database, sessions: Iterable[Session]) -> dict[str, str]:
    ids = {each.engagement_id for each in sessions}
    rows = db.execute(
        select(Engagement.id, Engagement.organization_id).where(Engagement.id.in_(ids))
    )
    return {row.id: row.organization_id for row in rows}


def _invited(db: Database, parties: Iterable[_Party]) -> set[tuple[FeedOwner, str]]:
    """Those of some parties who want their sessions by mail."""
    found: set[tuple[FeedOwner, str]] = set()
    for kind, table in ((FeedOwner.EXPERT, Expert), (FeedOwner.ORGANIZATION, Organization)):
        ids = {each.id for each in parties if each.kind is kind}
        wanted = select(table.id).where(table.id.in_(ids), table.calendar_by != CalendarBy.FEED)
        found.update((kind, id) for id in db.scalars(wanted))
    return found


def _is_invited_anew(record: Expert | Organization, address: str) -> bool:
    """Whether somebody wants mail from now on, or has another address for it."""
    state: InstanceState[Expert | Organization] = inspect(record)
    fields = state.attrs
    was: list[CalendarBy] = [*fields.calendar_by.history.deleted]
    begins = bool(was) and not was[0].is_invited
    return record.calendar_by.is_invited and (begins or fields[address].history.has_changes())


def _to_come(
    db: Database, kind: FeedOwner, party_id: str, own: ColumnElement[bool]
) -> list[_Party]:
    """The sessions of a party that are still to come."""
    ahead = and_(Session.status == SessionStatus.CONFIRMED, Session.start_at > who_acts(db).clock())
    ids = db.scalars(select(Session.id).join(Engagement).where(own, ahead))
    return [_Party(id, kind, party_id) for id in ids]


def _queue(db: Database, parties: Iterable[_Party]) -> None:
    """Write what is to be told, in place of what waits for the same party."""
    now = who_acts(db).clock()
    fresh = {
        "state": InvitationState.WAITING,
        "queued_at": now,
        "due_at": now,
        "attempts": 0,
        "error": None,
    }
    rows = [
        {
            "id": new_identifier("V"),
            "session_id": each.session_id,
            "party_kind": each.kind,
            "party_id": each.id,
            **fresh,
        }
        for each in sorted(set(parties))
    ]
    if rows:
        # Not as records: a flush that adds to itself would not end. In one statement, because
        # somebody else may be queueing for the same party.
        connection = db.connection()
        insert = INSERTS[connection.dialect.name](Invitation)
        key = ("session_id", "party_kind", "party_id")
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=fresh), rows)

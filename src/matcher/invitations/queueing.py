"""Who is to be told of a session by mail: queued in the transaction that changes it.

Heard of here, whoever changes a session, so that no change can be forgotten. A party is told that
wants its sessions by mail, and any party of a change close at hand, because a program that
subscribes to a calendar may ask only once a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, event, inspect, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstanceState, SessionTransaction, UOWTransaction, sessionmaker
from sqlalchemy.orm import Session as Database

from matcher.audit.actor import who_acts
from matcher.errors import Conflict
from matcher.models import (
    CalendarBy,
    Engagement,
    Expert,
    FeedOwner,
    Invitation,
    InvitationMethod,
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

_NOTED: Final = "matcher_invitations_noted"
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
    event.listen(sessions, "before_commit", _write)
    event.listen(sessions, "after_transaction_end", _forget)


def queue_again(db: Database, invitation: Invitation) -> None:
    """Have an invitation mailed once more, as its session is by then.

    Raises:
        Conflict: its session has begun.
    """
    now = who_acts(db).clock()
    if invitation.session.start_at <= now:
        raise Conflict(
            "The session has begun: nobody is invited to it any more.",
            "すでに開始時刻を過ぎた派遣のため、招待を再送できません。",
            code="session_begun",
        )
    invitation.state, invitation.error = InvitationState.WAITING, None
    invitation.queued_at = invitation.due_at = now
    invitation.news, invitation.attempts = invitation.news + 1, 0
    db.flush()


def _hear_of_flush(db: Database, _context: UOWTransaction) -> None:
    """Note who is to be told. Written once, at the end: whoever waits for a row holds no other."""
    noted: dict[_Party, bool] = db.info.setdefault(_NOTED, {})
    sessions = [each for each in (*db.new, *db.dirty) if isinstance(each, Session)]
    changed = [each for each in sessions if _is_news(each)]
    if changed:
        for party, surely in _parties_of(db, changed):
            noted[party] = noted.get(party, False) or surely
    for record in db.dirty:
        if isinstance(record, Expert) and _is_invited_anew(record, "email"):
            own = Session.expert_id == record.id
            noted |= dict.fromkeys(_to_come(db, FeedOwner.EXPERT, record.id, own), True)
        elif isinstance(record, Organization) and _is_invited_anew(record, "contact_email"):
            own = Engagement.organization_id == record.id
            noted |= dict.fromkeys(_to_come(db, FeedOwner.ORGANIZATION, record.id, own), True)


def _forget(db: Database, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        db.info.pop(_NOTED, None)


def _is_news(session: Session) -> bool:
    """Whether a flush writes of a session what its parties are to know: not that it was held."""
    if session.status not in {SessionStatus.CONFIRMED, SessionStatus.CANCELLED}:
        return False
    fields = inspect(session).attrs
    return _was_called_off(session) or any(fields[each].history.has_changes() for each in _TOLD)


def _was_called_off(session: Session) -> bool:
    history = inspect(session).attrs.status.history
    return SessionStatus.CANCELLED in (*history.added, *history.deleted)


def _parties_of(db: Database, sessions: Sequence[Session]) -> Iterator[tuple[_Party, bool]]:
    """Who takes part in what changes, and whether they are told however they want to be."""
    now = who_acts(db).clock()
    organizations = _organizations_of(db, sessions)
    for session in sessions:
        is_close = any(now <= each < now + CLOSE for each in _times_of(session))
        for expert_id in _experts_of(session):
            yield _Party(session.id, FeedOwner.EXPERT, expert_id), is_close
        own = organizations[session.engagement_id]
        yield _Party(session.id, FeedOwner.ORGANIZATION, own), is_close


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


def _write(db: Database) -> None:
    """Queue what was noted, in place of what waits for the same party."""
    if db.in_nested_transaction():
        return
    db.flush()  # which may note more
    noted: dict[_Party, bool] = db.info.pop(_NOTED, {})
    unsure = [each for each, surely in noted.items() if not surely]
    invited, told = _invited(db, unsure), _told(db, unsure)
    wanted = sorted(
        each
        for each, surely in noted.items()
        if surely or (each.kind, each.id) in invited or each in told
    )
    if not wanted:
        return
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
            "news": 1,
            **fresh,
        }
        for each in wanted
    ]
    # In one statement, because somebody else may be queueing for the same party.
    connection = db.connection()
    insert = INSERTS[connection.dialect.name](Invitation)
    key = ("session_id", "party_kind", "party_id")
    again = {**fresh, "news": Invitation.__table__.c.news + 1}
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=again), rows)


def _told(db: Database, parties: Iterable[_Party]) -> set[_Party]:
    """Those of some parties who were invited by mail before, or are about to be."""
    ids = {each.session_id for each in parties}
    found = select(Invitation.session_id, Invitation.party_kind, Invitation.party_id).where(
        Invitation.session_id.in_(ids),
        or_(
            Invitation.sent_method == InvitationMethod.REQUEST,
            Invitation.state == InvitationState.WAITING,
        ),
    )
    return {_Party(*row) for row in db.execute(found)}

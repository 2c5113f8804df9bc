"""When and how often what calendars show has changed: heard of here, whoever changes it.

Calendar programs take an event for changed by its LAST-MODIFIED, which counts whole seconds. So
each change moves it by a second at least, also one of a name that the event shows.

A number tells whether anything at all has changed that any calendar shows. A transaction raises it
with its last statement: the row it locks is free again at the next commit, so that nobody who
waits for it is waited for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import ColumnElement, event, inspect, select, text
from sqlalchemy.orm import (
    ORMExecuteState,
    SessionTransaction,
    UOWTransaction,
    sessionmaker,
)
from sqlalchemy.orm import Session as Database

from matcher.audit.actor import who_acts
from matcher.models import (
    Application,
    Base,
    CalendarRevision,
    Engagement,
    Expert,
    Organization,
    Programme,
    Session,
    SessionDeparture,
    SessionStatus,
)

SHOWN: Final[Mapping[type[Base], frozenset[str]]] = {
    Session: frozenset(
        {
            "engagement_id",
            "number",
            "phase",
            "expert_id",
            "start_at",
            "end_at",
            "municipality_code",
            "place_ja",
            "place_en",
            "meeting_url",
            "sequence",
            "revised_at",
        }
    ),
    SessionDeparture: frozenset({"start_at", "end_at", "sequence", "revised_at"}),
    Expert: frozenset({"name_ja", "name_en", "qualifications"}),
    Organization: frozenset({"name_ja", "name_en"}),
    Engagement: frozenset({"organization_id", "application_id", "programme_id"}),
    Application: frozenset({"purpose"}),
    Programme: frozenset({"rules"}),
}
"""The fields that calendars show, or choose sessions by."""

_WHOLE_SECOND: Final = dt.timedelta(seconds=1)
_CHANGED: Final = "matcher_calendars_changed"
_REVISED: Final = "matcher_sessions_revised"
_COUNT: Final = text(
    "INSERT INTO calendar_revisions (id, number) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET number = calendar_revisions.number + 1"
)


def keep_revisions(sessions: sessionmaker[Database]) -> None:
    """Have a factory's sessions tell calendars of what they change."""
    event.listen(sessions, "before_flush", _hear_of_flush)
    event.listen(sessions, "do_orm_execute", _hear_of_statement)
    event.listen(sessions, "before_commit", _count)
    event.listen(sessions, "after_transaction_end", _forget)


def current_revision(db: Database) -> int:
    """The number that grows whenever anything changes that any calendar shows."""
    return db.scalar(select(CalendarRevision.number)) or 0


def following(now: dt.datetime, *before: dt.datetime | None) -> dt.datetime:
    """The moment it is, or where calendars would take that for an earlier one, a later one."""
    known = [each.replace(microsecond=0) + _WHOLE_SECOND for each in before if each is not None]
    return max([now, *known])


def _hear_of_flush(db: Database, _context: UOWTransaction, _records: object) -> None:
    changed = [each for each in db.dirty if _looks_different(each)]
    others = (*db.new, *db.deleted)
    if changed or any(isinstance(each, (Session, SessionDeparture)) for each in others):
        db.info[_CHANGED] = True
    _revise(db, [each for each in changed if isinstance(each, Session)])
    for record in changed:
        if isinstance(record, Expert) and _has_changed(record, "name_ja", "name_en"):
            _rename(db, record, Session.expert_id == record.id)
        elif isinstance(record, Organization):
            _rename(db, record, Engagement.organization_id == record.id)
        elif isinstance(record, Programme) and _phases_have_changed(record):
            before = _told(db, Engagement.programme_id == record.id).values()
            record.reworded_at = following(_moment_of(db, record), record.reworded_at, *before)


def _looks_different(record: object) -> bool:
    shown = SHOWN.get(type(record)) if isinstance(record, Base) else None
    if shown is None:
        return False
    return _has_changed(record, *shown) or (isinstance(record, Session) and _is_called_off(record))


def _is_called_off(session: Session) -> bool:
    """Whether it is cancelled now, or no longer; held or missed it looks as it did."""
    history = inspect(session).attrs.status.history
    return SessionStatus.CANCELLED in (*history.added, *history.deleted)


def _has_changed(record: object, *names: str) -> bool:
    fields = inspect(record).attrs
    return any(fields[name].history.has_changes() for name in names)


def _phases_have_changed(programme: Programme) -> bool:
    before = inspect(programme).attrs.rules.history.deleted
    return not before or before[0].phases != programme.rules.phases


def _revise(db: Database, records: Iterable[Session]) -> None:
    """Let each session show that it has changed; once in a transaction, in how many steps ever."""
    by_id = {each.id: each for each in records}
    if not by_id:
        return
    done: dict[str, dt.datetime] = db.info.setdefault(_REVISED, {})
    for id, before in _told(db, Session.id.in_(by_id)).items():
        record = by_id[id]
        if _is_dated(record) or done.get(id) != record.revised_at:
            record.revised_at = following(_moment_of(db, record), before)
            done[id] = record.revised_at


def _rename(db: Database, record: Expert | Organization, served: ColumnElement[bool]) -> None:
    before = _told(db, served).values()
    record.renamed_at = following(_moment_of(db, record), record.renamed_at, *before)


def _told(db: Database, condition: ColumnElement[bool]) -> dict[str, dt.datetime]:
    """The last change that any calendar has told of some sessions, by id."""
    rows = db.execute(
        select(
            Session.id,
            Session.revised_at,
            Expert.renamed_at,
            Organization.renamed_at,
            Programme.reworded_at,
        )
        .join(Expert, Expert.id == Session.expert_id)
        .join(Engagement, Engagement.id == Session.engagement_id)
        .join(Organization, Organization.id == Engagement.organization_id)
        .join(Programme, Programme.id == Engagement.programme_id)
        .where(condition)
    )
    return {id: max(each for each in moments if each is not None) for id, *moments in rows}


def _moment_of(db: Database, record: Session | Expert | Organization | Programme) -> dt.datetime:
    """When a change is made: as who makes it says, or else by the clock."""
    return record.revised_at if _is_dated(record) else who_acts(db).clock()


def _is_dated(record: Base) -> bool:
    """Whether somebody has said when it changes; the same moment as before is told, too."""
    return "revised_at" in inspect(record).committed_state


def _hear_of_statement(state: ORMExecuteState) -> None:
    writes = state.is_update or state.is_delete or state.is_insert
    if writes and state.bind_mapper is not None and state.bind_mapper.class_ in SHOWN:
        state.session.info[_CHANGED] = True


def _count(db: Database) -> None:
    if db.in_nested_transaction():
        return
    db.flush()  # what is written after the count would keep others waiting
    if db.info.pop(_CHANGED, False):
        db.connection().execute(_COUNT)


def _forget(db: Database, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        db.info.pop(_CHANGED, None)
        db.info.pop(_REVISED, None)

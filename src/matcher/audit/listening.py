"""How the audit hears of changes: of each flush, and of each statement that changes records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Delete,
    Result,
    Update,
    and_,
    event,
    inspect,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import (
    InstanceState,
    ORMExecuteState,
    Session,
    UOWTransaction,
    sessionmaker,
)
from sqlalchemy.orm.attributes import History, set_committed_value

from matcher.audit.actor import Actor, Clock, acting_by_default
from matcher.audit.changes import Change, Changes
from matcher.audit.scope import Audited, Fields, audited
from matcher.models import Base

Key = tuple[Any, ...]
"""A primary key."""


def keep_audit(sessions: sessionmaker[Session], actor: Actor, clock: Clock) -> None:
    """Have a factory's sessions write the audit of what they change.

    `actor` makes the changes of a session until it says otherwise, by `acting`.
    """
    acting_by_default(sessions, actor, clock)
    event.listen(sessions, "before_flush", _read_what_is_overwritten)
    event.listen(sessions, "after_flush", _tell_of_flush)
    event.listen(sessions, "do_orm_execute", _tell_of_statement)


def _read_what_is_overwritten(db: Session, _context: UOWTransaction, _records: object) -> None:
    """Read the fields that were given a value before anybody read the one they had."""
    for record in db.dirty:
        kind = audited(type(record))
        if kind is not None:
            state = inspect(record)
            history = _history(kind, state)
            unread = [name for name, each in history.items() if each.added and not each.deleted]
            if unread:
                _read(db, kind, state, unread)


def _history(kind: Audited, state: InstanceState[Base]) -> dict[str, History]:
    fields = state.attrs
    return {name: fields[name].history for name in kind.fields}


def _read(db: Session, kind: Audited, state: InstanceState[Base], names: Sequence[str]) -> None:
    key = zip(kind.columns(kind.keys), state.identity or (), strict=True)
    statement = select(*kind.columns(names)).where(and_(*(column == own for column, own in key)))
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        return  # somebody has deleted it, as the flush will say
    for name, value in zip(names, row, strict=True):
        new = state.dict[name]
        set_committed_value(state.obj(), name, value)
        setattr(state.obj(), name, new)


def _tell_of_flush(db: Session, context: UOWTransaction) -> None:
    """Write what a flush has changed, while what was before is still known."""
    changes = Changes()
    for state, (is_deleted, _) in context.states.items():
        kind = audited(state.class_)
        change = None if kind is None else _change_of(kind, state, is_deleted=is_deleted)
        if kind is not None and change is not None:
            changes.add(kind, kind.id_of(state.dict), change)
    changes.tell(db)


def _change_of(kind: Audited, state: InstanceState[Base], *, is_deleted: bool) -> Change | None:
    if state.key is None:  # it gets one when the flush is over
        return Change(None, kind.told(state.dict))
    overwritten = _overwritten(kind, state) if state.modified else {}
    if is_deleted:
        return Change(kind.told({**state.dict, **overwritten}), None)
    if overwritten:
        return Change(overwritten, {name: state.dict.get(name) for name in overwritten})
    return None


def _overwritten(kind: Audited, state: InstanceState[Base]) -> Fields:
    """The fields that have other values now, as they were."""
    history = _history(kind, state)
    return {name: each.deleted[0] for name, each in history.items() if each.deleted}


def _tell_of_statement(state: ORMExecuteState) -> Result[Any] | None:
    """Carry out a statement that changes records where they lie, and write what it changed.

    Raises:
        NotImplementedError: it inserts records, whose ids it does not tell.
    """
    if not (state.is_update or state.is_delete or state.is_insert) or state.bind_mapper is None:
        return None
    kind = audited(state.bind_mapper.class_)
    if kind is None:
        return None
    if state.is_insert:
        raise NotImplementedError(f"the audit cannot see it: add each {kind.kind} to the session")
    return _carry_out(state, kind)


def _carry_out(state: ORMExecuteState, kind: Audited) -> Result[Any] | None:
    condition = cast(Update | Delete, state.statement).whereclause
    before = _rows(state.session, kind, true() if condition is None else condition)
    if not before:
        return None
    result = state.invoke_statement()
    are_these = tuple_(*kind.columns(kind.keys)).in_(list(before))
    after = _rows(state.session, kind, are_these)
    changes = Changes()
    for key, row in before.items():
        left = kind.told(after[key]) if key in after else None
        changes.add(kind, kind.id_of(row), Change(kind.told(row), left))
    changes.tell(state.session)
    return result


def _rows(db: Session, kind: Audited, condition: ColumnElement[bool]) -> dict[Key, Fields]:
    """The records that fulfil a condition; nobody else changes them meanwhile."""
    names = (*kind.keys, *kind.fields)
    found = db.execute(select(*kind.columns(names)).where(condition).with_for_update())
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return {tuple(row[name] for name in kind.keys): row for row in rows}
